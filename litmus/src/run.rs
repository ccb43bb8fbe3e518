//! What one thread may do: every path through it, whatever its reads return.

use std::collections::BTreeSet;

use crate::program::{Expression, Modify, Order, Place, Role, Statement, Test, Thread};
use crate::relation::Set;

/// What an event is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[allow(missing_docs, reason = "the names say it")]
pub enum Kind {
    Read(Place),
    Write(Place),
    Fence(Role),
}

/// One access to memory, or one fence.
#[derive(Clone, Debug)]
pub struct Event {
    /// What it is.
    pub kind: Kind,
    /// What was read or written.
    pub value: i64,
    /// How it is ordered. Of a read-modify-write the read has the half that acquires, and the write the other.
    pub order: Order,
    /// Whether the instruction acquires. One instruction does both outcomes of a compare-exchange.
    pub acquires_as_compiled: bool,
    /// For the write of a read-modify-write, its read.
    pub modifies: Option<usize>,
    /// The reads that the value depends on.
    pub data: Set,
    /// The reads that decided that this happens.
    pub control: Set,
}

/// One way through a thread. Numbers of events are those of this thread.
#[derive(Clone, Debug)]
pub struct Trace {
    /// In program order.
    pub events: Vec<Event>,
    /// What the local variables contain in the end.
    pub registers: Vec<i64>,
}

/// What each thread may do, whatever its reads return.
///
/// A read may return any value that some thread may write there, even a constant that it only writes
/// because of that read. Whether that happens is for a model to say. Values that nobody ever mentions
/// are left out: they would come out of thin air.
#[must_use]
pub fn traces(test: &Test) -> Vec<Vec<Trace>> {
    let mut values: Vec<BTreeSet<i64>> =
        test.initial.iter().map(|&value| BTreeSet::from([value])).collect();
    test.for_each(&mut |statement| {
        let (place, value) = match statement {
            Statement::Store { place, value, .. } => (place, value),
            Statement::Modify { place, operand, how: Modify::Exchange, .. } => (place, operand),
            Statement::CompareExchange(step) => (&step.place, &step.desired),
            _ => return,
        };
        if let Expression::Constant(value) = value {
            values[*place].insert(*value);
        }
    });
    // On the way to a value no write is needed twice.
    let mut writes = 0;
    test.for_each(&mut |statement| {
        writes +=
            usize::from(!matches!(statement, Statement::Load { .. } | Statement::Fence { .. }));
    });
    for _ in 0..writes {
        for event in all_traces(test, &values).iter().flatten().flat_map(|trace| &trace.events) {
            if let Kind::Write(place) = event.kind {
                values[place].insert(event.value);
            }
        }
    }
    all_traces(test, &values)
}

fn all_traces(test: &Test, values: &[BTreeSet<i64>]) -> Vec<Vec<Trace>> {
    test.threads.iter().map(|thread| traces_of(thread, values)).collect()
}

/// A thread under way.
#[derive(Clone)]
struct State<'a> {
    /// What is left to do, the next one last.
    left: Vec<&'a Statement>,
    trace: Trace,
    /// For each local variable the reads that its value depends on.
    depends: Vec<Set>,
    /// The reads that decided what was done so far.
    control: Set,
}

fn traces_of(thread: &Thread, values: &[BTreeSet<i64>]) -> Vec<Trace> {
    let start = State {
        left: thread.code.iter().rev().collect(),
        trace: Trace { events: Vec::new(), registers: thread.initial.clone() },
        depends: vec![0; thread.registers.len()],
        control: 0,
    };
    let (mut under_way, mut done) = (vec![start], Vec::new());
    while let Some(mut state) = under_way.pop() {
        match state.left.pop() {
            None => done.push(state.trace),
            Some(statement) => state.step(statement, values, &mut under_way),
        }
    }
    done
}

impl<'a> State<'a> {
    fn step(mut self, statement: &'a Statement, values: &[BTreeSet<i64>], next: &mut Vec<Self>) {
        match statement {
            Statement::Assign { register, value } => {
                let (value, depends) = self.value(value);
                self.set(*register, value, depends);
            }
            Statement::Load { register, place, order } => {
                for &value in &values[*place] {
                    let mut state = self.clone();
                    let read = state.read(*place, value, order.order);
                    state.set(*register, value, 1 << read);
                    next.push(state);
                }
                return;
            }
            Statement::Store { place, value, order } => {
                let (value, data) = self.value(value);
                self.push(Kind::Write(*place), value, order.order, None, data);
            }
            Statement::Modify { register, place, how, operand, order } => {
                for &old in &values[*place] {
                    let mut state = self.clone();
                    let (operand, data) = state.value(operand);
                    let read = state.read(*place, old, order.order);
                    let (new, data) = match how {
                        Modify::Exchange => (operand, data),
                        Modify::Fetch(operator) => (operator.apply(old, operand), data | 1 << read),
                    };
                    state.write_back(*place, new, order.order, read, data);
                    state.set(*register, old, 1 << read);
                    next.push(state);
                }
                return;
            }
            Statement::CompareExchange(step) => {
                let (expected, compared) = self.value(&Expression::Register(step.expected));
                for &old in &values[step.place] {
                    let mut state = self.clone();
                    let is_equal = old == expected;
                    let order = if is_equal { step.success.order } else { step.failure.order };
                    let read = state.read(step.place, old, order);
                    state.trace.events[read].acquires_as_compiled =
                        step.success.order.acquires() || step.failure.order.acquires();
                    if is_equal {
                        let (desired, data) = state.value(&step.desired);
                        let success = step.success.order;
                        state.write_back(step.place, desired, success, read, data);
                    } else {
                        state.set(step.expected, old, 1 << read);
                    }
                    state.set(step.register, i64::from(is_equal), compared | 1 << read);
                    next.push(state);
                }
                return;
            }
            Statement::Fence { order, role } => {
                self.push(Kind::Fence(*role), 0, order.order, None, 0);
            }
            Statement::If { condition, then, otherwise } => {
                let (value, depends) = self.value(condition);
                // What comes behind the branches depends on it as well.
                self.control |= depends;
                self.left.extend(if value == 0 { otherwise } else { then }.iter().rev());
            }
        }
        next.push(self);
    }

    fn value(&self, expression: &Expression) -> (i64, Set) {
        match expression {
            Expression::Constant(value) => (*value, 0),
            Expression::Register(number) => (self.trace.registers[*number], self.depends[*number]),
            Expression::Binary(operator, left, right) => {
                let ((left, a), (right, b)) = (self.value(left), self.value(right));
                (operator.apply(left, right), a | b)
            }
        }
    }

    fn set(&mut self, register: usize, value: i64, depends: Set) {
        self.trace.registers[register] = value;
        self.depends[register] = depends;
    }

    fn read(&mut self, place: Place, value: i64, order: Order) -> usize {
        let order = if order == Order::AcqRel { Order::Acquire } else { order };
        let order = if order == Order::Release { Order::Relaxed } else { order };
        self.push(Kind::Read(place), value, order, None, 0)
    }

    fn write_back(&mut self, place: Place, value: i64, order: Order, read: usize, data: Set) {
        let order = if order == Order::AcqRel { Order::Release } else { order };
        let order = if order == Order::Acquire { Order::Relaxed } else { order };
        self.push(Kind::Write(place), value, order, Some(read), data);
    }

    fn push(
        &mut self,
        kind: Kind,
        value: i64,
        order: Order,
        modifies: Option<usize>,
        data: Set,
    ) -> usize {
        self.trace.events.push(Event {
            kind,
            value,
            order,
            acquires_as_compiled: order.acquires(),
            modifies,
            data,
            control: self.control,
        });
        self.trace.events.len() - 1
    }
}
