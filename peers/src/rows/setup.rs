//! What a channel costs before the first message: time and memory.

use super::{OURS, Row, Scale, Subject, Unit};
use crate::carrier::ByClone;
use crate::link::{Duplex, Two};
use crate::machine::Cpus;
use crate::measure::{Sample, duplex, setup};
use crate::peers::channels::{AsyncChannel, Crossbeam, Crossfire, Flume, Kanal, Std, Tokio};
use crate::peers::moved::{Polled, Queue};
use crate::peers::ours;
use crate::peers::rings::{Array, Ringbuf, Rtrb};
use crate::peers::slots::{Disruptor, ThingbufPolled};

/// What is measured about both ends of a new channel.
trait Aspect {
    fn run<C>(channels: u64, cpus: Cpus, open: fn() -> C) -> Sample;
}

struct CreateAndDrop;

impl Aspect for CreateAndDrop {
    fn run<C>(channels: u64, cpus: Cpus, open: fn() -> C) -> Sample {
        setup::create_and_drop(channels, cpus, open)
    }
}

struct CreateMany;

impl Aspect for CreateMany {
    fn run<C>(channels: u64, cpus: Cpus, open: fn() -> C) -> Sample {
        setup::create_many(channels, cpus, open)
    }
}

struct Memory;

impl Aspect for Memory {
    fn run<C>(channels: u64, cpus: Cpus, open: fn() -> C) -> Sample {
        setup::memory(channels, cpus, open)
    }
}

struct Resident;

impl Aspect for Resident {
    fn run<C>(channels: u64, cpus: Cpus, open: fn() -> C) -> Sample {
        setup::resident(channels, cpus, open)
    }
}

fn channel<A: Aspect, D: Duplex<u64> + 'static>(peer: &'static str) -> Subject {
    Subject::new(peer, "", duplex::check::<u64, D>, |channels, cpus| {
        A::run(channels, cpus, D::open)
    })
}

fn queue<A: Aspect, Q: Queue>(peer: &'static str) -> Subject {
    channel::<A, Two<Polled<Q, ByClone>>>(peer)
}

fn row<A: Aspect>(name: &str, what: &'static str, unit: Unit, scale: Scale) -> Row {
    Row {
        name: format!("setup/{name}"),
        what,
        unit,
        cpus: Cpus::One,
        scale,
        subjects: vec![
            channel::<A, ours::Waiting>(OURS),
            queue::<A, Rtrb>("rtrb"),
            queue::<A, Ringbuf>("ringbuf"),
            queue::<A, Array>("crossbeam-queue"),
            queue::<A, Crossbeam>("crossbeam-channel"),
            queue::<A, Std>("std"),
            queue::<A, Flume>("flume"),
            queue::<A, Kanal>("kanal"),
            queue::<A, Crossfire>("crossfire"),
            channel::<A, Two<ThingbufPolled<ByClone>>>("thingbuf"),
            queue::<A, Tokio>("tokio"),
            queue::<A, AsyncChannel>("async-channel"),
            channel::<A, Two<Disruptor<ByClone>>>("disruptor"),
        ],
        goals: Vec::new(),
    }
}

pub(super) fn rows() -> Vec<Row> {
    vec![
        row::<CreateAndDrop>(
            "create-drop",
            "Both directions with room for 4096 numbers each, made and dropped by one thread.",
            Unit::NanosecondsPerChannel,
            Scale::Timed,
        ),
        row::<CreateMany>(
            "create-10000",
            "The same, 10,000 of them at a time (a quick run: 2500).",
            Unit::NanosecondsPerChannel,
            Scale::Fixed { operations: 10_000, rounds: 7 },
        ),
        row::<Memory>(
            "memory",
            "Bytes asked of the allocator for both directions, before the first message.",
            Unit::BytesPerChannel,
            Scale::Fixed { operations: 100, rounds: 3 },
        ),
        row::<Resident>(
            "memory-10000",
            "Growth of the process in memory, by each of 10,000 idle channels.",
            Unit::BytesPerChannel,
            Scale::Fixed { operations: 10_000, rounds: 3 },
        ),
    ]
}
