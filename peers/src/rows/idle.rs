//! What a waiting thread burns.

use super::{Against, Goal, OURS, Row, Scale, Subject, Unit};
use crate::carrier::ByClone;
use crate::link::Link;
use crate::machine::Cpus;
use crate::measure::{idle, one_way};
use crate::peers::channels::{AsyncChannel, Crossbeam, Crossfire, Flume, Kanal, Std, Tokio};
use crate::peers::moved::{Sleeping, SleepingQueue};
use crate::peers::ours::{OneWay, Waiting};
use crate::peers::slots::ThingbufSleeping;

fn idle<L: Link<u64> + 'static>(peer: &'static str) -> Subject {
    Subject::new(peer, "", one_way::check::<u64, L>, idle::run::<L>)
}

fn sleeping<Q: SleepingQueue>(peer: &'static str) -> Subject {
    idle::<Sleeping<Q, ByClone>>(peer)
}

pub(super) fn rows() -> Vec<Row> {
    vec![Row {
        name: "idle/blocking".to_owned(),
        what: "Two threads wait for a second, each for a message that comes at its end.",
        unit: Unit::CpuMillisecondsPerSecond,
        cpus: Cpus::Two,
        scale: Scale::Fixed { operations: 1000, rounds: 7 },
        subjects: vec![
            idle::<OneWay<Waiting>>(OURS),
            sleeping::<Crossbeam>("crossbeam-channel"),
            sleeping::<Std>("std"),
            sleeping::<Flume>("flume"),
            sleeping::<Kanal>("kanal"),
            sleeping::<Crossfire>("crossfire"),
            idle::<ThingbufSleeping<ByClone>>("thingbuf"),
            sleeping::<Tokio>("tokio"),
            sleeping::<AsyncChannel>("async-channel"),
        ],
        // As good as nothing: a thread has to fall asleep and to wake up.
        goals: vec![Goal::new(Against::Absolute, 0.05, 0.03)],
    }]
}
