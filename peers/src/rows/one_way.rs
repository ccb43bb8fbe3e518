//! Throughput, by size and kind of the message.

use super::{Against, Goal, MEMCPY, OURS, Row, Scale, Subject, Unit, WORK};
use crate::carrier::{ByArchive, ByClone, Carrier};
use crate::link::{BatchLink, Link};
use crate::machine::Cpus;
use crate::measure::pace::{self, Pace};
use crate::measure::{batches, copy, one_way};
use crate::payload::{Bytes, Order, Pair, Payload, Quote, Snapshot, Tick};
use crate::peers::bbqueue::Frames;
use crate::peers::channels::{AsyncChannel, Crossbeam, Crossfire, Flume, Kanal, Std, Tokio};
use crate::peers::moved::{Polled, Queue, Sleeping, SleepingQueue};
use crate::peers::ours::{self, OneWay, SpinningBatches};
use crate::peers::rings::{Array, Ringbuf, RingbufIterators, Rtrb, RtrbChunks};
use crate::peers::slots::{Disruptor, DisruptorBatches, ThingbufPolled, ThingbufSleeping};

fn stream<T: Payload, L: Link<T> + 'static>(
    peer: &'static str,
    how: &'static str,
    pace: Pace,
) -> Subject {
    match pace {
        Pace::Even => Subject::new(peer, how, one_way::check::<T, L>, one_way::run::<T, L>),
        _ => Subject::new(peer, how, one_way::check::<T, L>, move |messages, cpus| {
            one_way::run_slowed::<T, L>(messages, cpus, pace)
        }),
    }
}

fn batch<T: Payload, L: BatchLink<T> + 'static>(peer: &'static str, pace: Pace) -> Subject {
    match pace {
        Pace::Even => Subject::new(peer, "", batches::check::<T, L>, batches::run::<T, L>),
        _ => Subject::new(peer, "", batches::check::<T, L>, move |messages, cpus| {
            batches::run_slowed::<T, L>(messages, cpus, pace)
        }),
    }
}

/// The name of a way to carry, if there is a choice.
fn how<T: Payload, C: Carrier<T>>() -> &'static str {
    if T::HAS_HEAP { C::NAME } else { "" }
}

/// One peer, in each way in which it can carry such a message.
macro_rules! both {
    ($subjects:ident, $message:ty, $peer:literal, $link:ident, $pace:ident) => {
        let by = how::<$message, ByClone>();
        $subjects.push(stream::<$message, $link<ByClone>>($peer, by, $pace));
        if <$message>::HAS_HEAP {
            let by = how::<$message, ByArchive>();
            $subjects.push(stream::<$message, $link<ByArchive>>($peer, by, $pace));
        }
    };
}

/// A queue that is polled, in each way in which it can carry such a message.
fn polled<T: Payload, Q: Queue>(subjects: &mut Vec<Subject>, peer: &'static str, pace: Pace) {
    subjects.push(stream::<T, Polled<Q, ByClone>>(peer, how::<T, ByClone>(), pace));
    if T::HAS_HEAP {
        subjects.push(stream::<T, Polled<Q, ByArchive>>(peer, how::<T, ByArchive>(), pace));
    }
}

/// A queue on which threads sleep, likewise.
fn sleeping<T: Payload, Q: SleepingQueue>(
    subjects: &mut Vec<Subject>,
    peer: &'static str,
    pace: Pace,
) {
    subjects.push(stream::<T, Sleeping<Q, ByClone>>(peer, how::<T, ByClone>(), pace));
    if T::HAS_HEAP {
        subjects.push(stream::<T, Sleeping<Q, ByArchive>>(peer, how::<T, ByArchive>(), pace));
    }
}

/// Everything that can be polled. bbqueue's frames have less than 64 KiB.
fn spinning<T: Payload>(with_frames: bool, pace: Pace) -> Vec<Subject> {
    let mut subjects = vec![stream::<T, OneWay<ours::Polled>>(OURS, "", pace)];
    polled::<T, Rtrb>(&mut subjects, "rtrb", pace);
    polled::<T, Ringbuf>(&mut subjects, "ringbuf", pace);
    polled::<T, Array>(&mut subjects, "crossbeam-queue", pace);
    polled::<T, Crossbeam>(&mut subjects, "crossbeam-channel", pace);
    polled::<T, Std>(&mut subjects, "std", pace);
    polled::<T, Flume>(&mut subjects, "flume", pace);
    polled::<T, Kanal>(&mut subjects, "kanal", pace);
    polled::<T, Crossfire>(&mut subjects, "crossfire", pace);
    both!(subjects, T, "thingbuf", ThingbufPolled, pace);
    polled::<T, Tokio>(&mut subjects, "tokio", pace);
    polled::<T, AsyncChannel>(&mut subjects, "async-channel", pace);
    both!(subjects, T, "disruptor", Disruptor, pace);
    if with_frames {
        subjects.push(stream::<T, Frames>("bbqueue", how::<T, ByArchive>(), pace));
    }
    subjects
}

/// Everything on which a thread can sleep.
fn blocking<T: Payload>(pace: Pace) -> Vec<Subject> {
    let mut subjects = vec![stream::<T, OneWay<ours::Waiting>>(OURS, "", pace)];
    sleeping::<T, Crossbeam>(&mut subjects, "crossbeam-channel", pace);
    sleeping::<T, Std>(&mut subjects, "std", pace);
    sleeping::<T, Flume>(&mut subjects, "flume", pace);
    sleeping::<T, Kanal>(&mut subjects, "kanal", pace);
    sleeping::<T, Crossfire>(&mut subjects, "crossfire", pace);
    both!(subjects, T, "thingbuf", ThingbufSleeping, pace);
    sleeping::<T, Tokio>(&mut subjects, "tokio", pace);
    sleeping::<T, AsyncChannel>(&mut subjects, "async-channel", pace);
    subjects
}

/// What one of our ports does one at a time, in the row of batches.
const ONE_AT_A_TIME: &str = "message-port, one at a time";

/// Everything that takes several messages at once.
fn batched<T: Payload>(pace: Pace) -> Vec<Subject> {
    vec![
        batch::<T, SpinningBatches>(OURS, pace),
        stream::<T, OneWay<ours::Polled>>(ONE_AT_A_TIME, "", pace),
        batch::<T, RtrbChunks>("rtrb", pace),
        batch::<T, RingbufIterators>("ringbuf", pace),
        batch::<T, DisruptorBatches>("disruptor", pace),
    ]
}

fn row(kind: &str, wait: &str, what: &'static str, subjects: Vec<Subject>) -> Row {
    Row {
        name: format!("one-way/{kind}/{wait}"),
        what,
        unit: Unit::NanosecondsPerMessage,
        cpus: Cpus::Two,
        scale: Scale::Timed,
        subjects,
        goals: Vec::new(),
    }
}

/// What slows an end in rows of their own, and what it is called there.
const SLOWED: [(Pace, &str, &str); 2] = [
    (
        Pace::SlowSender,
        "slow-sender",
        "A stream whose sender works for each message: the receiver keeps up. With that work.",
    ),
    (
        Pace::SlowReceiver,
        "slow-receiver",
        "A stream whose receiver works for each message: the sender waits. With that work.",
    ),
];

/// A row, and the same with a slowed sender and with a slowed receiver.
fn paced<T: Payload>(row: Row, subjects: impl Fn(Pace) -> Vec<Subject>) -> [Row; 3] {
    let slowed = SLOWED.map(|(pace, name, what)| {
        let mut subjects = subjects(pace);
        subjects.push(Subject::new(WORK, "", pace::check::<T>, pace::run::<T>));
        Row {
            name: format!("{}/{name}", row.name),
            what,
            unit: row.unit,
            cpus: row.cpus,
            scale: row.scale,
            subjects,
            goals: Vec::new(),
        }
    });
    let [slow_sender, slow_receiver] = slowed;
    [row, slow_sender, slow_receiver]
}

/// The rows of a kind of message of which only polling is looked at.
fn polling<T: Payload>(with_frames: bool, goals: &[Goal]) -> [Row; 3] {
    let subjects = |pace| spinning::<T>(with_frames, pace);
    let row = row(T::NAME, "spinning", "A stream; both threads poll.", subjects(Pace::Even));
    paced::<T>(Row { goals: goals.to_vec(), ..row }, subjects)
}

/// The rows of a kind of message: polled, by calls that may sleep, in batches; with the goals of
/// each, and each with a slowed end, too.
fn kind<T: Payload>(with_frames: bool, goals: [&[Goal]; 3]) -> Vec<Row> {
    let [spin, block, many] = goals;
    let sleeps = "A stream, by the calls that may sleep.";
    let blocked = row(T::NAME, "blocking", sleeps, blocking::<T>(Pace::Even));
    let at_once = "A stream, up to 100 messages at once; both threads poll.";
    let batches = row(T::NAME, "batched", at_once, batched::<T>(Pace::Even));
    let mut rows = Vec::from(polling::<T>(with_frames, spin));
    rows.extend(paced::<T>(Row { goals: block.to_vec(), ..blocked }, blocking::<T>));
    rows.extend(paced::<T>(Row { goals: many.to_vec(), ..batches }, batched::<T>));
    rows
}

/// The rows of a size, beside a plain copy of so many bytes.
fn bytes<const SIZE: usize>(with_frames: bool, goals: &[Goal]) -> Vec<Row> {
    let mut rows = kind::<Bytes<SIZE>>(with_frames, [goals, goals, &[]]);
    // Where an end is slowed, its work is the limit.
    for row in rows.iter_mut().filter(|row| row.subjects.iter().all(|subject| subject.peer != WORK))
    {
        row.subjects.push(Subject::new(MEMCPY, "", copy::check::<SIZE>, copy::run::<SIZE>));
    }
    rows
}

/// Our port, without the validation of archives.
const TRUSTED: &str = "message-port, trusted";

/// What the validation of archives costs.
fn trust<T: Payload>() -> Row {
    Row {
        name: format!("trust/{}/spinning", T::NAME),
        ..row(
            T::NAME,
            "spinning",
            "A stream; every archive is checked, or `trust_archives` was promised. Both poll.",
            vec![
                stream::<T, OneWay<ours::Polled>>(OURS, "", Pace::Even),
                stream::<T, OneWay<ours::Polled<ours::Trusted>>>(TRUSTED, "", Pace::Even),
            ],
        )
    }
}

pub(super) fn rows() -> Vec<Row> {
    let best = |bar, aim| Goal::new(Against::Best, bar, aim);
    let memcpy = |bar, aim| Goal::new(Against::Peer(MEMCPY), bar, aim);
    let stream = [best(1.0, 0.8)];
    let mut rows = Vec::new();
    rows.extend(kind::<u64>(true, [&stream, &[best(0.4, 0.25)], &[best(1.2, 0.9)]]));
    rows.extend(polling::<Pair>(true, &stream));
    rows.extend(polling::<Tick>(true, &stream));
    rows.extend(kind::<Quote>(true, [&stream, &[best(0.4, 0.25)], &[best(1.2, 1.0)]]));
    rows.extend(polling::<Snapshot>(true, &stream));
    rows.extend(kind::<Order>(true, [&[best(0.6, 0.4)]; 3]));
    rows.extend(bytes::<0x400>(true, &[best(0.5, 0.4)]));
    rows.extend(bytes::<0x1000>(true, &[best(0.8, 0.6)]));
    rows.extend(bytes::<0x1_0000>(false, &[memcpy(1.05, 1.0)]));
    rows.extend(bytes::<0x10_0000>(false, &[best(1.0, 0.95)]));
    rows.push(Row {
        name: "one-cpu/one-way/u64/blocking".to_owned(),
        cpus: Cpus::One,
        ..row(
            "u64",
            "blocking",
            "A stream between two threads that share a CPU, by the calls that may sleep.",
            blocking::<u64>(Pace::Even),
        )
    });
    rows.extend([trust::<u64>(), trust::<Order>(), trust::<Bytes<0x1000>>()]);
    rows
}
