//! Throughput, by size and kind of the message.

use super::{Against, Goal, MEMCPY, OURS, Row, Scale, Subject, Unit};
use crate::carrier::{ByArchive, ByClone, Carrier};
use crate::link::{BatchLink, Link};
use crate::machine::Cpus;
use crate::measure::{batches, copy, one_way};
use crate::payload::{Bytes, Order, Payload, Quote};
use crate::peers::bbqueue::Frames;
use crate::peers::channels::{AsyncChannel, Crossbeam, Crossfire, Flume, Kanal, Std, Tokio};
use crate::peers::moved::{Polled, Queue, Sleeping, SleepingQueue};
use crate::peers::ours::{self, OneWay, SpinningBatches};
use crate::peers::rings::{Array, Ringbuf, RingbufIterators, Rtrb, RtrbChunks};
use crate::peers::slots::{Disruptor, DisruptorBatches, ThingbufPolled, ThingbufSleeping};

fn stream<T: Payload, L: Link<T> + 'static>(peer: &'static str, how: &'static str) -> Subject {
    Subject::new(peer, how, one_way::check::<T, L>, one_way::run::<T, L>)
}

fn batch<T: Payload, L: BatchLink<T> + 'static>(peer: &'static str) -> Subject {
    Subject::new(peer, "", batches::check::<T, L>, batches::run::<T, L>)
}

/// The name of a way to carry, if there is a choice.
fn how<T: Payload, C: Carrier<T>>() -> &'static str {
    if T::HAS_HEAP { C::NAME } else { "" }
}

/// One peer, in each way in which it can carry such a message.
macro_rules! both {
    ($subjects:ident, $message:ty, $peer:literal, $link:ident $(, $queue:ty)?) => {
        $subjects.push(stream::<$message, $link<$($queue,)? ByClone>>(
            $peer,
            how::<$message, ByClone>(),
        ));
        if <$message>::HAS_HEAP {
            $subjects.push(stream::<$message, $link<$($queue,)? ByArchive>>(
                $peer,
                how::<$message, ByArchive>(),
            ));
        }
    };
}

/// A queue that is polled, in each way in which it can carry such a message.
fn polled<T: Payload, Q: Queue>(subjects: &mut Vec<Subject>, peer: &'static str) {
    subjects.push(stream::<T, Polled<Q, ByClone>>(peer, how::<T, ByClone>()));
    if T::HAS_HEAP {
        subjects.push(stream::<T, Polled<Q, ByArchive>>(peer, how::<T, ByArchive>()));
    }
}

/// A queue on which threads sleep, likewise.
fn sleeping<T: Payload, Q: SleepingQueue>(subjects: &mut Vec<Subject>, peer: &'static str) {
    subjects.push(stream::<T, Sleeping<Q, ByClone>>(peer, how::<T, ByClone>()));
    if T::HAS_HEAP {
        subjects.push(stream::<T, Sleeping<Q, ByArchive>>(peer, how::<T, ByArchive>()));
    }
}

/// Everything that can be polled. bbqueue's frames have less than 64 KiB.
fn spinning<T: Payload>(with_frames: bool) -> Vec<Subject> {
    let mut subjects = vec![stream::<T, OneWay<ours::Polled>>(OURS, "")];
    polled::<T, Rtrb>(&mut subjects, "rtrb");
    polled::<T, Ringbuf>(&mut subjects, "ringbuf");
    polled::<T, Array>(&mut subjects, "crossbeam-queue");
    polled::<T, Crossbeam>(&mut subjects, "crossbeam-channel");
    polled::<T, Std>(&mut subjects, "std");
    polled::<T, Flume>(&mut subjects, "flume");
    polled::<T, Kanal>(&mut subjects, "kanal");
    polled::<T, Crossfire>(&mut subjects, "crossfire");
    both!(subjects, T, "thingbuf", ThingbufPolled);
    polled::<T, Tokio>(&mut subjects, "tokio");
    polled::<T, AsyncChannel>(&mut subjects, "async-channel");
    both!(subjects, T, "disruptor", Disruptor);
    if with_frames {
        subjects.push(stream::<T, Frames>("bbqueue", how::<T, ByArchive>()));
    }
    subjects
}

/// Everything on which a thread can sleep.
fn blocking<T: Payload>() -> Vec<Subject> {
    let mut subjects = vec![stream::<T, OneWay<ours::Waiting>>(OURS, "")];
    sleeping::<T, Crossbeam>(&mut subjects, "crossbeam-channel");
    sleeping::<T, Std>(&mut subjects, "std");
    sleeping::<T, Flume>(&mut subjects, "flume");
    sleeping::<T, Kanal>(&mut subjects, "kanal");
    sleeping::<T, Crossfire>(&mut subjects, "crossfire");
    both!(subjects, T, "thingbuf", ThingbufSleeping);
    sleeping::<T, Tokio>(&mut subjects, "tokio");
    sleeping::<T, AsyncChannel>(&mut subjects, "async-channel");
    subjects
}

/// What one of our ports does one at a time, in the row of batches.
const ONE_AT_A_TIME: &str = "message-port, one at a time";

/// Everything that takes several messages at once.
fn batched<T: Payload>() -> Vec<Subject> {
    vec![
        batch::<T, SpinningBatches>(OURS),
        stream::<T, OneWay<ours::Polled>>(ONE_AT_A_TIME, ""),
        batch::<T, RtrbChunks>("rtrb"),
        batch::<T, RingbufIterators>("ringbuf"),
        batch::<T, DisruptorBatches>("disruptor"),
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

/// The three rows of a kind of message, with the goals of each.
fn kind<T: Payload>(with_frames: bool, goals: [Vec<Goal>; 3]) -> [Row; 3] {
    let [spin, block, many] = goals;
    [
        Row {
            goals: spin,
            ..row(T::NAME, "spinning", "A stream; both threads poll.", spinning::<T>(with_frames))
        },
        Row {
            goals: block,
            ..row(T::NAME, "blocking", "A stream, by the calls that may sleep.", blocking::<T>())
        },
        Row {
            goals: many,
            ..row(
                T::NAME,
                "batched",
                "A stream, up to 100 messages at once; both threads poll.",
                batched::<T>(),
            )
        },
    ]
}

/// The rows of a size, beside a plain copy of so many bytes.
fn bytes<const SIZE: usize>(with_frames: bool, goals: &[Goal]) -> [Row; 3] {
    let mut rows = kind::<Bytes<SIZE>>(with_frames, [goals.to_vec(), goals.to_vec(), Vec::new()]);
    for row in &mut rows {
        row.subjects.push(Subject::new(MEMCPY, "", copy::check::<SIZE>, copy::run::<SIZE>));
    }
    rows
}

/// What the validation of archives costs.
fn trust<T: Payload>() -> Row {
    Row {
        name: format!("trust/{}/spinning", T::NAME),
        ..row(
            T::NAME,
            "spinning",
            "A stream; every archive is checked, or `trust_archives` was promised. Both poll.",
            vec![
                stream::<T, OneWay<ours::Polled>>(OURS, ""),
                stream::<T, OneWay<ours::Polled<ours::Trusted>>>("message-port, trusted", ""),
            ],
        )
    }
}

pub(super) fn rows() -> Vec<Row> {
    let rtrb = |bar, aim| Goal::new(Against::Peer("rtrb"), bar, aim);
    let best = |bar, aim| Goal::new(Against::Best, bar, aim);
    let mut rows = Vec::new();
    rows.extend(kind::<u64>(
        true,
        [
            vec![rtrb(1.3, 0.8)],
            vec![best(0.6, 0.3)],
            vec![Goal::new(Against::Peer(ONE_AT_A_TIME), 0.6, 0.3)],
        ],
    ));
    rows.extend(kind::<Quote>(true, [vec![rtrb(0.8, 0.4)], Vec::new(), Vec::new()]));
    rows.extend(kind::<Order>(true, [vec![best(0.25, 0.15)], vec![best(0.25, 0.15)], Vec::new()]));
    rows.extend(bytes::<0x400>(true, &[]));
    rows.extend(bytes::<0x1000>(true, &[]));
    rows.extend(bytes::<0x1_0000>(false, &[Goal::new(Against::Peer(MEMCPY), 1.15, 1.05)]));
    rows.extend(bytes::<0x10_0000>(false, &[Goal::new(Against::Peer(MEMCPY), 1.3, 1.1)]));
    rows.push(Row {
        name: "one-cpu/one-way/u64/blocking".to_owned(),
        cpus: Cpus::One,
        ..row(
            "u64",
            "blocking",
            "A stream between two threads that share a CPU, by the calls that may sleep.",
            blocking::<u64>(),
        )
    });
    rows.extend([trust::<u64>(), trust::<Order>(), trust::<Bytes<0x1000>>()]);
    rows
}
