//! Candidate executions: one way through each thread, where each read reads from (rf), and in which
//! order the writes to each place come (co).

use crate::program::{Condition, Order, Place, Test};
use crate::relation::{Relation, Set};
use crate::run::{Event, Kind, Trace, traces};

/// One candidate. The first events are the initial writes, one per place.
#[derive(Debug)]
pub struct Execution {
    /// All events, those of a thread one behind the other.
    pub events: Vec<Event>,
    /// For each thread its first event, and the one behind its last one.
    pub threads: Vec<(usize, usize)>,
    /// Program order.
    pub po: Relation,
    /// From a write to those that read it.
    pub rf: Relation,
    /// From a write to the later ones of the same place.
    pub co: Relation,
    /// From a read to the writes behind the one that it reads from.
    pub fr: Relation,
    /// From the read to the write of a read-modify-write.
    pub rmw: Relation,
    /// From a read to the writes whose value it decides.
    pub data: Relation,
    /// From a read to what happens because of it.
    pub control: Relation,
    /// Between accesses of the same place.
    pub same_place: Relation,
    /// Between events of the same thread.
    pub same_thread: Relation,
    /// The reads.
    pub reads: Set,
    /// The writes.
    pub writes: Set,
    /// The fences.
    pub fences: Set,
    /// The initial writes.
    pub initial: Set,
    /// The accesses that are atomic, and the initial writes.
    pub atomic: Set,
    registers: Vec<Vec<i64>>,
}

impl Execution {
    /// The events that `choose` says.
    pub fn set(&self, choose: impl Fn(&Event) -> bool) -> Set {
        let events = self.events.iter().enumerate();
        events.fold(0, |set, (number, event)| set | u64::from(choose(event)) << number)
    }

    /// The relation that relates nothing.
    #[must_use]
    pub fn nothing(&self) -> Relation {
        Relation::empty(self.events.len())
    }

    /// The identity of a set.
    #[must_use]
    pub fn id(&self, set: Set) -> Relation {
        Relation::identity(self.events.len(), set)
    }

    /// Whether the final state is one that the test asks for.
    #[must_use]
    pub fn satisfies(&self, condition: &Condition) -> bool {
        match condition {
            Condition::Register { thread, register, value, is_equal } => {
                (self.registers[*thread][*register] == *value) == *is_equal
            }
            Condition::Place { place, value, is_equal } => {
                (self.last(*place) == *value) == *is_equal
            }
            Condition::And(a, b) => self.satisfies(a) && self.satisfies(b),
            Condition::Or(a, b) => self.satisfies(a) || self.satisfies(b),
            Condition::Not(a) => !self.satisfies(a),
        }
    }

    fn last(&self, place: Place) -> i64 {
        let all = self.set(|event| event.kind == Kind::Write(place));
        let last = (0..self.events.len())
            .find(|&e| all & 1 << e != 0 && self.co.between(1 << e, all).is_empty());
        self.events[last.expect("the initial write at least")].value
    }
}

/// Calls `f` for each candidate of the test that a coherent memory could have: its read-modify-writes
/// are atomic, and no write comes before an earlier one of its own thread. Returns their number.
pub fn for_each(test: &Test, mut f: impl FnMut(&Execution)) -> usize {
    let traces = traces(test);
    let mut chosen = Vec::new();
    let mut count = 0;
    choose_traces(test, &traces, &mut chosen, &mut |chosen| {
        let mut candidate = Candidate::new(test, chosen);
        candidate.choose_reads(0, &mut |candidate| {
            candidate.choose_order(0, &mut |candidate| {
                count += 1;
                f(&candidate.execution());
            });
        });
    });
    count
}

fn choose_traces<'a>(
    test: &Test,
    traces: &'a [Vec<Trace>],
    chosen: &mut Vec<&'a Trace>,
    f: &mut impl FnMut(&[&'a Trace]),
) {
    let Some(next) = traces.get(chosen.len()) else {
        if every_read_has_a_write(test, chosen) {
            f(chosen);
        }
        return;
    };
    for trace in next {
        chosen.push(trace);
        choose_traces(test, traces, chosen, f);
        chosen.pop();
    }
}

fn every_read_has_a_write(test: &Test, chosen: &[&Trace]) -> bool {
    let events = || chosen.iter().flat_map(|trace| &trace.events);
    events().all(|read| match read.kind {
        Kind::Read(place) => {
            test.initial[place] == read.value
                || events()
                    .any(|write| write.kind == Kind::Write(place) && write.value == read.value)
        }
        _ => true,
    })
}

struct Candidate<'a> {
    events: Vec<Event>,
    threads: Vec<(usize, usize)>,
    traces: &'a [&'a Trace],
    places: usize,
    /// For each read the write that it reads from.
    from: Vec<usize>,
    /// For each place its writes, in order.
    order: Vec<Vec<usize>>,
}

impl<'a> Candidate<'a> {
    fn new(test: &Test, traces: &'a [&'a Trace]) -> Self {
        let initial = test.initial.iter().enumerate().map(|(place, &value)| Event {
            kind: Kind::Write(place),
            value,
            order: Order::Relaxed,
            acquires_as_compiled: false,
            modifies: None,
            data: 0,
            control: 0,
        });
        let mut events: Vec<Event> = initial.collect();
        let mut threads = Vec::new();
        for trace in traces {
            let first = events.len();
            events.extend(trace.events.iter().map(|event| Event {
                modifies: event.modifies.map(|read| first + read),
                data: event.data << first,
                control: event.control << first,
                ..event.clone()
            }));
            threads.push((first, events.len()));
        }
        let places = test.initial.len();
        let from = vec![usize::MAX; events.len()];
        let order = (0..places).map(|place| vec![place]).collect();
        Self { events, threads, traces, places, from, order }
    }

    fn thread(&self, event: usize) -> Option<usize> {
        self.threads.iter().position(|&(first, end)| (first..end).contains(&event))
    }

    fn is_before(&self, event: usize, other: usize) -> bool {
        event < other && self.thread(event) == self.thread(other)
    }

    /// Lets each read from `event` on read from any write that it may.
    fn choose_reads(&mut self, event: usize, f: &mut impl FnMut(&mut Self)) {
        let Some(read) = self.events.get(event) else { return f(self) };
        let (Kind::Read(place), value) = (read.kind, read.value) else {
            return self.choose_reads(event + 1, f);
        };
        for write in 0..self.events.len() {
            let candidate = &self.events[write];
            if candidate.kind == Kind::Write(place)
                && candidate.value == value
                && !self.is_before(event, write)
            {
                self.from[event] = write;
                self.choose_reads(event + 1, f);
            }
        }
    }

    /// Puts the writes of each place from `place` on into any order that they may have.
    fn choose_order(&mut self, place: Place, f: &mut impl FnMut(&mut Self)) {
        if place == self.places {
            return f(self);
        }
        let writes = self.events.iter().filter(|e| e.kind == Kind::Write(place)).count();
        if self.order[place].len() == writes {
            return self.choose_order(place + 1, f);
        }
        for write in 0..self.events.len() {
            let event = &self.events[write];
            if event.kind != Kind::Write(place) || self.order[place].contains(&write) {
                continue;
            }
            // Nothing comes between the two halves of a read-modify-write.
            let last = self.order[place].last().copied();
            if event.modifies.is_some_and(|read| last != Some(self.from[read])) {
                continue;
            }
            let is_early = (0..write).any(|earlier| {
                self.is_before(earlier, write)
                    && self.events[earlier].kind == event.kind
                    && !self.order[place].contains(&earlier)
            });
            if !is_early {
                self.order[place].push(write);
                self.choose_order(place, f);
                self.order[place].pop();
            }
        }
    }

    fn execution(&self) -> Execution {
        let n = self.events.len();
        let empty = || Relation::empty(n);
        let (mut po, mut same_thread, mut same_place) = (empty(), empty(), empty());
        for &(first, end) in &self.threads {
            for event in first..end {
                po.insert_all(1 << event, range(event + 1, end));
                same_thread.insert_all(1 << event, range(first, end));
            }
        }
        let (mut rf, mut co, mut rmw) = (empty(), empty(), empty());
        let (mut data, mut control) = (empty(), empty());
        for (number, event) in self.events.iter().enumerate() {
            if matches!(event.kind, Kind::Read(_)) {
                rf.insert(self.from[number], number);
            }
            if let Some(read) = event.modifies {
                rmw.insert(read, number);
            }
            data.insert_all(event.data, 1 << number);
            control.insert_all(event.control, 1 << number);
            for (other, second) in self.events.iter().enumerate() {
                if place(event).is_some() && place(event) == place(second) {
                    same_place.insert(number, other);
                }
            }
        }
        for order in &self.order {
            for (index, &write) in order.iter().enumerate() {
                order[index + 1..].iter().for_each(|&later| co.insert(write, later));
            }
        }
        // A read-modify-write does not come before itself.
        let fr = rf.inverse().then(&co);
        let initial = range(0, self.places);
        let mut execution = Execution {
            events: self.events.clone(),
            threads: self.threads.clone(),
            registers: self.traces.iter().map(|trace| trace.registers.clone()).collect(),
            reads: 0,
            writes: 0,
            fences: 0,
            atomic: 0,
            initial,
            po,
            rf,
            co,
            fr,
            rmw,
            data,
            control,
            same_place,
            same_thread,
        };
        execution.reads = execution.set(|event| matches!(event.kind, Kind::Read(_)));
        execution.writes = execution.set(|event| matches!(event.kind, Kind::Write(_)));
        execution.fences = execution.set(|event| matches!(event.kind, Kind::Fence(_)));
        execution.atomic = execution.set(|event| event.order != Order::Plain) & !execution.fences;
        execution
    }
}

/// The events from `first` on and in front of `end`.
#[must_use]
pub fn range(first: usize, end: usize) -> Set {
    (first..end).fold(0, |set, event| set | 1 << event)
}

fn place(event: &Event) -> Option<Place> {
    match event.kind {
        Kind::Read(place) | Kind::Write(place) => Some(place),
        Kind::Fence(_) => None,
    }
}
