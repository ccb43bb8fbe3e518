//! Both directions at once.

use super::{OURS, Row, Scale, Subject, Unit};
use crate::carrier::ByClone;
use crate::link::{Duplex, Two};
use crate::machine::Cpus;
use crate::measure::duplex;
use crate::peers::bbqueue::Frames;
use crate::peers::channels::{AsyncChannel, Crossbeam, Crossfire, Flume, Kanal, Std, Tokio};
use crate::peers::moved::{Polled, Queue, Sleeping, SleepingQueue};
use crate::peers::ours;
use crate::peers::rings::{Array, Ringbuf, Rtrb};
use crate::peers::slots::{Disruptor, ThingbufPolled, ThingbufSleeping};

fn both<D: Duplex<u64> + 'static>(peer: &'static str) -> Subject {
    Subject::new(peer, "", duplex::check::<u64, D>, duplex::run::<u64, D>)
}

fn polled<Q: Queue>(peer: &'static str) -> Subject {
    both::<Two<Polled<Q, ByClone>>>(peer)
}

fn sleeping<Q: SleepingQueue>(peer: &'static str) -> Subject {
    both::<Two<Sleeping<Q, ByClone>>>(peer)
}

pub(super) fn rows() -> Vec<Row> {
    let row = |name: &str, what, subjects| Row {
        name: name.to_owned(),
        what,
        unit: Unit::NanosecondsPerMessage,
        cpus: Cpus::Two,
        scale: Scale::Timed,
        subjects,
        goals: Vec::new(),
    };
    vec![
        row(
            "duplex/u64/spinning",
            "Each side sends one and receives one, up to 32 ahead; both poll.",
            vec![
                both::<ours::Polled>(OURS),
                polled::<Rtrb>("rtrb"),
                polled::<Ringbuf>("ringbuf"),
                polled::<Array>("crossbeam-queue"),
                polled::<Crossbeam>("crossbeam-channel"),
                polled::<Std>("std"),
                polled::<Flume>("flume"),
                polled::<Kanal>("kanal"),
                polled::<Crossfire>("crossfire"),
                both::<Two<ThingbufPolled<ByClone>>>("thingbuf"),
                polled::<Tokio>("tokio"),
                polled::<AsyncChannel>("async-channel"),
                both::<Two<Disruptor<ByClone>>>("disruptor"),
                both::<Two<Frames>>("bbqueue"),
            ],
        ),
        row(
            "duplex/u64/blocking",
            "Each side sends one and receives one, up to 32 ahead, by the calls that may sleep.",
            vec![
                both::<ours::Waiting>(OURS),
                sleeping::<Crossbeam>("crossbeam-channel"),
                sleeping::<Std>("std"),
                sleeping::<Flume>("flume"),
                sleeping::<Kanal>("kanal"),
                sleeping::<Crossfire>("crossfire"),
                both::<Two<ThingbufSleeping<ByClone>>>("thingbuf"),
                sleeping::<Tokio>("tokio"),
                sleeping::<AsyncChannel>("async-channel"),
            ],
        ),
    ]
}
