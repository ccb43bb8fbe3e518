//! Handlers, bursts, allocations: what a stream of messages says little about.

use super::{Against, Goal, OURS, Row, Scale, Subject, Unit};
use crate::carrier::{ByArchive, ByClone, Carrier};
use crate::link::Link;
use crate::machine::Cpus;
use crate::measure::{allocations, bursts, events, one_way};
use crate::payload::{Bytes, Order, Payload, Shared};
use crate::peers::channels::{AsyncChannel, Crossbeam, Crossfire, Flume, Kanal, Std, Tokio};
use crate::peers::moved::{Polled, Sleeping, SleepingQueue};
use crate::peers::ours::{self, OneWay};
use crate::peers::rings::Rtrb;
use crate::peers::slots::{Disruptor, ThingbufPolled, ThingbufSleeping};

/// Our port, by pulling, in the rows of handlers.
const PULL: &str = "message-port, recv";

/// `run` against `recv`.
fn handlers<T: Payload>(goals: Vec<Goal>) -> Row {
    type Pull = OneWay<ours::Waiting>;
    Row {
        name: format!("handlers/{}/blocking", T::NAME),
        what: "A stream: a handler that `run` calls (message-port), or calls of `recv`.",
        unit: Unit::NanosecondsPerMessage,
        cpus: Cpus::Two,
        scale: Scale::Timed,
        subjects: vec![
            Subject::new(OURS, "", events::check::<T>, events::run::<T>),
            Subject::new(PULL, "", one_way::check::<T, Pull>, one_way::run::<T, Pull>),
        ],
        goals,
    }
}

/// Many ports on one thread.
fn ports(ports: usize) -> Row {
    Row {
        name: format!("event-loop/{ports}"),
        what: "One thread posts on all ports in turn, an event loop on another dispatches.",
        unit: Unit::NanosecondsPerMessage,
        cpus: Cpus::Two,
        scale: Scale::Timed,
        subjects: vec![Subject::new(
            OURS,
            "",
            move |cpus| events::check_loop(cpus, ports),
            move |messages, cpus| events::run_loop(messages, cpus, ports),
        )],
        goals: Vec::new(),
    }
}

fn bursting<L: Link<u64> + 'static>(peer: &'static str, burst: u64) -> Subject {
    Subject::new(peer, "", one_way::check::<u64, L>, move |bursts, cpus| {
        bursts::run::<u64, L>(bursts, cpus, burst)
    })
}

fn bursting_queue<Q: SleepingQueue>(peer: &'static str, burst: u64) -> Subject {
    bursting::<Sleeping<Q, ByClone>>(peer, burst)
}

/// Messages after a pause.
fn burst(messages: u64) -> Row {
    Row {
        name: format!("burst/{messages}"),
        what: "After a pause: from the first post until the last message of a burst was read.",
        unit: Unit::NanosecondsPerBurst,
        cpus: Cpus::Two,
        scale: Scale::Fixed { operations: 100, rounds: usize::MAX },
        subjects: vec![
            bursting::<OneWay<ours::Waiting>>(OURS, messages),
            bursting_queue::<Crossbeam>("crossbeam-channel", messages),
            bursting_queue::<Std>("std", messages),
            bursting_queue::<Flume>("flume", messages),
            bursting_queue::<Kanal>("kanal", messages),
            bursting_queue::<Crossfire>("crossfire", messages),
            bursting::<ThingbufSleeping<ByClone>>("thingbuf", messages),
            bursting_queue::<Tokio>("tokio", messages),
            bursting_queue::<AsyncChannel>("async-channel", messages),
        ],
        goals: vec![Goal::new(Against::Best, 1.0, 0.9)],
    }
}

fn allocating<T: Payload, L: Link<T> + 'static>(peer: &'static str, how: &'static str) -> Subject {
    Subject::new(peer, how, one_way::check::<T, L>, allocations::run::<T, L>)
}

/// The same of a message that points to one thing twice. A clone of it shares that with the sender's:
/// it is no independent copy, so peers carry an archive.
fn shared_allocations() -> Row {
    let archive = <ByArchive as Carrier<Shared>>::NAME;
    Row {
        subjects: vec![
            allocating::<Shared, OneWay<ours::Polled>>(OURS, ""),
            allocating::<Shared, Polled<Rtrb, ByArchive>>("rtrb", archive),
            allocating::<Shared, ThingbufPolled<ByArchive>>("thingbuf", archive),
            allocating::<Shared, Disruptor<ByArchive>>("disruptor", archive),
        ],
        ..allocations::<Shared>()
    }
}

/// A queue that moves values, and those that use their places again, both ways each.
fn allocations<T: Payload>() -> Row {
    let clone = <ByClone as Carrier<T>>::NAME;
    let archive = <ByArchive as Carrier<T>>::NAME;
    Row {
        name: format!("allocations/{}", T::NAME),
        what: "Allocations of both sides together, once warm; both threads poll.",
        unit: Unit::AllocationsPerMessage,
        cpus: Cpus::Two,
        scale: Scale::Fixed { operations: 200, rounds: 3 },
        subjects: vec![
            allocating::<T, OneWay<ours::Polled>>(OURS, ""),
            allocating::<T, Polled<Rtrb, ByClone>>("rtrb", clone),
            allocating::<T, Polled<Rtrb, ByArchive>>("rtrb", archive),
            allocating::<T, Polled<Crossbeam, ByClone>>("crossbeam-channel", clone),
            allocating::<T, Polled<Tokio, ByClone>>("tokio", clone),
            allocating::<T, ThingbufPolled<ByClone>>("thingbuf", clone),
            allocating::<T, Disruptor<ByClone>>("disruptor", clone),
        ],
        goals: vec![Goal::new(Against::Absolute, 0.0, 0.0)],
    }
}

pub(super) fn rows() -> Vec<Row> {
    vec![
        burst(1),
        burst(10),
        burst(100),
        handlers::<u64>(vec![Goal::new(Against::Peer(PULL), 1.3, 1.1)]),
        handlers::<Order>(Vec::new()),
        ports(1),
        ports(10),
        ports(100),
        ports(1000),
        allocations::<u64>(),
        allocations::<Order>(),
        shared_allocations(),
        allocations::<Bytes<0x400>>(),
        allocations::<Bytes<0x1_0000>>(),
        allocations::<Bytes<0x10_0000>>(),
    ]
}
