//! Which programs there are: each has a number, and everything else follows from it.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use loom_tests::thread::{self, JoinHandle};
use loom_tests::{Log, SMALLEST};
use message_port::{EventLoop, LoopHandle, MessageChannel};

use crate::handlers;
use crate::ledger::{Ledger, Sums, check_end};
use crate::ports::{Actor, Ending, whole};
use crate::program::{Handler, How, Operation, Outcome, Program, Turn};
use crate::random::Random;
use crate::values::{Flexible, Kind, Order, Posted};

/// The larger ones take their time in every schedule.
const MAX_CAPACITY: usize = 1024;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Form {
    /// One channel, and up to about a hundred operations.
    Pair,
    /// One channel, and several hundred.
    Long,
    /// Two or three channels, of which one end each may be in one event loop.
    Hub,
}

/// A program.
pub(crate) struct Case {
    pub(crate) form: Form,
    pub(crate) number: u64,
    channels: Vec<Plan>,
}

/// What happens at one channel.
struct Plan {
    program: Program,
    /// Nobody closes or drops anything before the end.
    calm: bool,
    /// What the two ports do at last. The first one never waits for the other one's end, so that one
    /// of the two comes.
    endings: [Ending; 2],
    /// The second port is in the event loop.
    in_loop: bool,
    /// It comes there when the loop runs.
    comes_late: bool,
}

impl Case {
    pub(crate) fn new(form: Form, number: u64) -> Self {
        let mut random = Random::new(number ^ (form as u64) << 56);
        let channels = match form {
            Form::Pair | Form::Long => 1,
            Form::Hub => 2 + random.below(2),
        };
        let channels = (0..channels).map(|_| Plan::new(form, &mut random)).collect();
        Self { form, number, channels }
    }

    pub(crate) fn operations(&self) -> usize {
        self.channels.iter().map(|plan| plan.program.operations.len()).sum()
    }

    pub(crate) fn run(&self) -> Sums {
        let mut events = EventLoop::new();
        let (handle, actors) = (events.handle(), Arc::new(Mutex::new(Vec::new())));
        let guard = handle.keep_running();
        let mut hub = Hub { events: Some(&mut events), handle, actors, late: Vec::new() };
        let ways = Log::new();
        let mut threads = Vec::new();
        for plan in &self.channels {
            threads.extend(plan.start(&mut hub, &ways));
        }
        let (late, actors, handle) = (hub.late, hub.actors, hub.handle);
        let serving = thread::spawn(move || handlers::serve(events, &actors));
        for add in late {
            add();
            handle.wake();
        }
        drop(guard);
        for thread in threads {
            thread.join().unwrap();
        }
        serving.join().unwrap();
        let mut sums = Sums::default();
        ways.entries().iter().for_each(|ways| sums.add(check_end(ways)));
        sums
    }
}

/// The event loop before it runs.
struct Hub<'a> {
    events: Option<&'a mut EventLoop>,
    handle: LoopHandle,
    actors: Arc<Mutex<Vec<Actor>>>,
    /// Ports that come when it does.
    late: Vec<Box<dyn FnOnce()>>,
}

impl Plan {
    fn new(form: Form, random: &mut Random) -> Self {
        let (most, words) = match form {
            Form::Pair => (100, 8 + random.below(56)),
            Form::Long => (600, 250 + random.below(150)),
            Form::Hub => (200, 16 + random.below(100)),
        };
        let mut bytes: Vec<u8> = (0..words).flat_map(|_| random.next().to_le_bytes()).collect();
        // The second byte says how large the ring is.
        bytes[1] = [0, 0, 4, 4, 7, 9, 10, 12, 13][random.below(9)];
        let program = Program::decode_up_to(&bytes, most);
        let how = [How::Wait, How::Async(0), How::Try][random.below(3)];
        let endings = [
            [Ending::Close, Ending::Drop][random.below(2)],
            match random.below(8) {
                0 => Ending::Close,
                1 => Ending::Drop,
                2..=4 => Ending::Drain(how),
                5 | 6 => Ending::Run,
                _ => Ending::RunInTask,
            },
        ];
        Self {
            program,
            calm: random.below(4) > 0,
            endings,
            in_loop: form == Form::Hub && random.below(4) > 0,
            comes_late: random.below(2) == 0,
        }
    }

    fn start(&self, hub: &mut Hub<'_>, ways: &Log<[Ledger; 2]>) -> Vec<JoinHandle<()>> {
        match self.program.kinds {
            [Kind::Flexible, Kind::Flexible] => self.open::<Flexible, Flexible>(hub, ways),
            [Kind::Plain(1), Kind::Flexible] => self.open::<[u64; 1], Flexible>(hub, ways),
            [Kind::Plain(20), Kind::Order] => self.open::<[u64; 20], Order>(hub, ways),
            [Kind::Order, Kind::Plain(0)] => self.open::<Order, [u64; 0]>(hub, ways),
            [Kind::Plain(1), Kind::Plain(3)] => self.open::<[u64; 1], [u64; 3]>(hub, ways),
            [Kind::Plain(20), Kind::Plain(1)] => self.open::<[u64; 20], [u64; 1]>(hub, ways),
            [Kind::Plain(64), Kind::Plain(0)] => self.open::<[u64; 64], [u64; 0]>(hub, ways),
            [Kind::Plain(65), Kind::Plain(3)] => self.open::<[u64; 65], [u64; 3]>(hub, ways),
            kinds => unreachable!("the decoder makes no channel of {kinds:?}"),
        }
    }

    fn operations(&self, side: usize) -> Vec<Operation> {
        let operations = self.program.operations.iter().filter(|(at, _)| *at == side);
        operations.map(|(_, operation)| operation.clone()).collect()
    }

    /// Makes the channel, and starts the threads that use it.
    fn open<A: Posted, B: Posted>(
        &self,
        hub: &mut Hub<'_>,
        ways: &Log<[Ledger; 2]>,
    ) -> Vec<JoinHandle<()>> {
        let capacity = self.program.capacity.next_power_of_two().clamp(SMALLEST, MAX_CAPACITY);
        let mut builder = MessageChannel::<A, B>::builder().capacity(capacity);
        if let Some(bytes) = self.program.max_message_len {
            builder = builder.max_message_len(bytes);
        }
        if let Some(bytes) = self.program.growable {
            builder = builder.growable(bytes);
        }
        let MessageChannel { port1, port2 } = builder.build().unwrap();
        let number = ways.entries().len();
        let name = |side: usize| format!("channel {number}, from port {side}");
        let ledgers = [0, 1].map(|side| Ledger::new(name(side), self.program.kinds[side]));
        ways.push(ledgers.clone());
        let actor = |side: usize| Actor {
            outgoing: ledgers[side].clone(),
            incoming: ledgers[1 - side].clone(),
            kind: self.program.kinds[side],
            is_patient: side == 1,
            calm: self.calm,
            ending: self.endings[side],
            failed: Arc::default(),
            id: None,
        };
        let [first, second] = [actor(0), actor(1)];
        let operations = self.operations(0);
        let mut threads = vec![thread::spawn(move || whole(&first, port1, &operations))];
        let operations = self.operations(1);
        if !self.in_loop {
            threads.push(thread::spawn(move || whole(&second, port2, &operations)));
            return threads;
        }
        let mut port2 = port2;
        let script = vec![Turn { acts: Vec::new(), outcome: Outcome::Return }];
        handlers::set(&second, &mut port2, Handler::Message, script.clone());
        handlers::set(&second, &mut port2, Handler::Close, script);
        for operation in operations {
            if let Operation::Set(handler, script) = operation {
                handlers::set(&second, &mut port2, handler, script);
            }
        }
        if self.comes_late {
            let (handle, actors) = (hub.handle.clone(), Arc::clone(&hub.actors));
            hub.late.push(Box::new(move || {
                let id = Some(handle.add(port2));
                let mut actors = actors.lock().unwrap_or_else(PoisonError::into_inner);
                actors.push(Actor { id, ..second });
            }));
        } else if let Some(events) = &mut hub.events {
            let mut actors = hub.actors.lock().unwrap_or_else(PoisonError::into_inner);
            actors.push(Actor { id: Some(events.add(port2)), ..second });
        }
        threads
    }
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for plan in &self.channels {
            let Plan { program, calm, endings, in_loop, comes_late } = plan;
            writeln!(
                f,
                "calm {calm}, endings {endings:?}, in the loop {in_loop}, late {comes_late}, {program}"
            )?;
        }
        Ok(())
    }
}
