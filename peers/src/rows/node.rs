//! Another implementation of the same idea, in another language.

use super::{Against, Goal, OURS, Row, Scale, Subject, Unit};
use crate::link::Duplex;
use crate::machine::Cpus;
use crate::measure::{one_way, round_trip};
use crate::node;
use crate::payload::{Bytes, Payload};
use crate::peers::ours::{OneWay, Waiting};

const NODE: &str = "Node's MessagePort";

fn subjects(kind: &'static str, value: &'static str, ours: Subject) -> Vec<Subject> {
    let mut subjects = vec![ours];
    if node::version().is_some() {
        subjects.push(Subject::new(
            NODE,
            "",
            move |_| node::check(kind, value),
            move |messages, cpus| node::run(messages, cpus, kind, value),
        ));
    }
    subjects
}

fn trips<T: Payload>(value: &'static str, goals: Vec<Goal>) -> Row
where
    Waiting: Duplex<T>,
{
    let ours =
        Subject::new(OURS, "", round_trip::check::<T, Waiting>, round_trip::run::<T, Waiting>);
    row("round-trip", value, Unit::NanosecondsPerTrip, ours, goals)
}

fn stream<T: Payload>(value: &'static str, goals: Vec<Goal>) -> Row {
    let ours = Subject::new(
        OURS,
        "",
        one_way::check::<T, OneWay<Waiting>>,
        one_way::run::<T, OneWay<Waiting>>,
    );
    row("one-way", value, Unit::NanosecondsPerMessage, ours, goals)
}

fn row(
    kind: &'static str,
    value: &'static str,
    unit: Unit,
    ours: Subject,
    goals: Vec<Goal>,
) -> Row {
    Row {
        name: format!("node/{kind}/{value}"),
        what: match node::version() {
            Some(_) => "Ours between two threads, Node's between two of its worker threads.",
            None => "Ours between two threads; skipped: no node to compare with.",
        },
        unit,
        cpus: Cpus::Two,
        scale: Scale::Fixed { operations: 20_000, rounds: 7 },
        subjects: subjects(kind, value, ours),
        goals,
    }
}

pub(super) fn rows() -> Vec<Row> {
    let slower = |bar, aim| Goal { inverse: true, ..Goal::new(Against::Peer(NODE), bar, aim) };
    vec![
        trips::<u64>("number", vec![slower(200.0, 500.0)]),
        trips::<Bytes<0x400>>("bytes-1k", Vec::new()),
        stream::<u64>("number", vec![slower(100.0, 250.0)]),
        stream::<Bytes<0x400>>("bytes-1k", Vec::new()),
    ]
}
