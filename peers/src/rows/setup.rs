//! What a channel costs before the first message: time and memory.

use std::process::Command;

use super::{Against, Goal, OURS, Row, Scale, Subject, Unit};
use crate::carrier::ByClone;
use crate::link::{Duplex, Two};
use crate::machine::Cpus;
use crate::measure::{Sample, setup};
use crate::peers::channels::{AsyncChannel, Crossbeam, Crossfire, Flume, Kanal, Std, Tokio};
use crate::peers::moved::{AsMany, Queue};
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
    Subject::new(peer, "", setup::check::<D>, |channels, cpus| {
        // Counted before the first channel that is measured.
        ours::places();
        A::run(channels, cpus, D::open)
    })
}

fn queue<A: Aspect, Q: Queue>(peer: &'static str) -> Subject {
    channel::<A, Two<AsMany<Q>>>(peer)
}

/// Every peer. thingbuf and disruptor have places for 4096 numbers: disruptor's are a power of two.
fn subjects<A: Aspect>() -> Vec<Subject> {
    vec![
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
    ]
}

/// The option with which this program calls itself for [`resident`].
pub(crate) const RESIDENT: &str = "--resident-of";

/// Grows this process by channels of a peer, and says by how much. An allocator keeps what others
/// gave back, and learns from them what to ask the system for: a process for each measurement.
pub(crate) fn resident(peer: &str, channels: u64) -> Result<Sample, String> {
    let subjects = subjects::<Resident>();
    let subject = subjects.iter().find(|subject| subject.peer == peer);
    Ok((subject.ok_or("no such peer")?.run)(channels, Cpus::One))
}

/// [`resident`] in a process of its own.
fn resident_elsewhere(peer: &str, channels: u64) -> Result<Sample, Box<dyn std::error::Error>> {
    let output = Command::new(std::env::current_exe()?)
        .args([RESIDENT, peer, &channels.to_string()])
        .output()?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into());
    }
    Ok(serde_json::from_slice(&output.stdout)?)
}

fn resident_subjects() -> Vec<Subject> {
    let mut subjects = subjects::<Resident>();
    for subject in &mut subjects {
        let peer = subject.peer;
        subject.run = Box::new(move |channels, _| {
            resident_elsewhere(peer, channels).expect("this program can call itself")
        });
    }
    subjects
}

fn row(name: &str, what: &'static str, unit: Unit, scale: Scale, subjects: Vec<Subject>) -> Row {
    Row {
        name: format!("setup/{name}"),
        what,
        unit,
        cpus: Cpus::One,
        scale,
        subjects,
        goals: Vec::new(),
    }
}

pub(super) fn rows() -> Vec<Row> {
    let rtrb = |bar, aim| vec![Goal::new(Against::Peer("rtrb"), bar, aim)];
    vec![
        Row {
            goals: rtrb(1.5, 1.0),
            ..row(
                "create-drop",
                "Both directions with as many places, made and dropped by one thread.",
                Unit::NanosecondsPerChannel,
                Scale::Timed,
                subjects::<CreateAndDrop>(),
            )
        },
        row(
            "create-10000",
            "The same, 10,000 of them at a time (a quick run: 2500).",
            Unit::NanosecondsPerChannel,
            Scale::Fixed { operations: 10_000, rounds: 7 },
            subjects::<CreateMany>(),
        ),
        row(
            "memory",
            "Bytes asked of the allocator for both directions, before the first message.",
            Unit::BytesPerChannel,
            Scale::Fixed { operations: 100, rounds: 3 },
            subjects::<Memory>(),
        ),
        Row {
            goals: rtrb(1.2, 0.5),
            ..row(
                "memory-10000",
                "Growth of a fresh process in memory, by each of 10,000 idle channels.",
                Unit::BytesPerChannel,
                Scale::Fixed { operations: 10_000, rounds: 3 },
                resident_subjects(),
            )
        },
    ]
}
