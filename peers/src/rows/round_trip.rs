//! Latency: there and back.

use super::{Against, BASE, Goal, OURS, Row, Scale, Subject, Unit};
use crate::carrier::ByClone;
use crate::link::{Duplex, TaskDuplex, Two};
use crate::machine::Cpus;
use crate::measure::{round_trip, tasks};
use crate::payload::Payload;
use crate::peers::base::Words;
use crate::peers::channels::{AsyncChannel, Crossbeam, Crossfire, Flume, Kanal, Std, Tokio};
use crate::peers::moved::{Polled, Queue, Sleeping, SleepingQueue, TaskQueue, Tasks};
use crate::peers::ours;
use crate::peers::rings::{Array, Ringbuf, Rtrb};
use crate::peers::slots::{Disruptor, Thingbuf, ThingbufPolled, ThingbufSleeping};

fn trips<T: Payload, D: Duplex<T> + 'static>(peer: &'static str) -> Subject {
    Subject::new(peer, "", round_trip::check::<T, D>, round_trip::run::<T, D>)
}

fn polled<Q: Queue>(peer: &'static str) -> Subject {
    trips::<u64, Two<Polled<Q, ByClone>>>(peer)
}

fn sleeping<Q: SleepingQueue>(peer: &'static str) -> Subject {
    trips::<u64, Two<Sleeping<Q, ByClone>>>(peer)
}

/// Where the two tasks run.
#[derive(Clone, Copy)]
enum Threads {
    Two,
    One,
}

fn pair<D: TaskDuplex + 'static>(peer: &'static str, threads: Threads) -> Subject {
    match threads {
        Threads::Two => Subject::new(peer, "", tasks::check::<D>, tasks::run::<D>),
        Threads::One => {
            let (check, run) = (tasks::check_on_one_thread::<D>, tasks::run_on_one_thread::<D>);
            Subject::new(peer, "", check, run)
        }
    }
}

fn queue_pair<Q: TaskQueue>(peer: &'static str, threads: Threads) -> Subject {
    pair::<Tasks<Q>>(peer, threads)
}

/// Everything on which a task can wait.
fn awaiting(threads: Threads) -> Vec<Subject> {
    vec![
        pair::<ours::Task>(OURS, threads),
        queue_pair::<Tokio>("tokio", threads),
        queue_pair::<Flume>("flume", threads),
        queue_pair::<Kanal>("kanal", threads),
        queue_pair::<Crossfire>("crossfire", threads),
        queue_pair::<Thingbuf>("thingbuf", threads),
        queue_pair::<AsyncChannel>("async-channel", threads),
    ]
}

/// Everything that can be polled.
fn spinning() -> Vec<Subject> {
    vec![
        trips::<u64, ours::Polled>(OURS),
        trips::<u64, Words>(BASE),
        polled::<Rtrb>("rtrb"),
        polled::<Ringbuf>("ringbuf"),
        polled::<Array>("crossbeam-queue"),
        polled::<Crossbeam>("crossbeam-channel"),
        polled::<Std>("std"),
        polled::<Flume>("flume"),
        polled::<Kanal>("kanal"),
        polled::<Crossfire>("crossfire"),
        trips::<u64, Two<ThingbufPolled<ByClone>>>("thingbuf"),
        polled::<Tokio>("tokio"),
        polled::<AsyncChannel>("async-channel"),
        trips::<u64, Two<Disruptor<ByClone>>>("disruptor"),
        trips::<u64, Two<crate::peers::bbqueue::Frames>>("bbqueue"),
    ]
}

/// Everything on which a thread can sleep.
fn blocking() -> Vec<Subject> {
    vec![
        trips::<u64, ours::Waiting>(OURS),
        sleeping::<Crossbeam>("crossbeam-channel"),
        sleeping::<Std>("std"),
        sleeping::<Flume>("flume"),
        sleeping::<Kanal>("kanal"),
        sleeping::<Crossfire>("crossfire"),
        trips::<u64, Two<ThingbufSleeping<ByClone>>>("thingbuf"),
        sleeping::<Tokio>("tokio"),
        sleeping::<AsyncChannel>("async-channel"),
    ]
}

pub(super) fn rows() -> Vec<Row> {
    let best = |bar, aim| Goal::new(Against::Best, bar, aim);
    let row = |name: &str, what, subjects, goals| Row {
        name: name.to_owned(),
        what,
        unit: Unit::NanosecondsPerTrip,
        cpus: Cpus::Two,
        scale: Scale::Timed,
        subjects,
        goals,
    };
    vec![
        row(
            "round-trip/u64/spinning",
            "A number there and back; both threads poll.",
            spinning(),
            vec![Goal::new(Against::Peer(BASE), 1.05, 1.0)],
        ),
        row(
            "round-trip/u64/blocking",
            "A number there and back, by the calls that may sleep.",
            blocking(),
            vec![best(0.5, 0.45)],
        ),
        row(
            "round-trip/u64/async",
            "A number there and back between two tasks, each in a bare block_on.",
            awaiting(Threads::Two),
            vec![best(0.3, 0.02)],
        ),
        Row {
            cpus: Cpus::One,
            ..row(
                "round-trip/u64/async-one-thread",
                "A number there and back between two tasks of one current-thread tokio runtime.",
                awaiting(Threads::One),
                vec![best(1.0, 0.8)],
            )
        },
        Row {
            cpus: Cpus::One,
            ..row(
                "one-cpu/round-trip/u64/blocking",
                "A number there and back between two threads that share a CPU.",
                blocking(),
                vec![best(1.0, 0.9)],
            )
        },
    ]
}
