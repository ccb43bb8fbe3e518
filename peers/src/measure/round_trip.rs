//! A message there and back, one at a time.

use std::hint::black_box;
use std::time::Instant;

use super::{Sample, apart, on_two_threads, warm_up};
use crate::link::{Duplex, ReceiveEnd as _, SendEnd as _};
use crate::machine::{Clock, Cpus, Elapsed};
use crate::payload::{Payload, Touch};

/// Of so many trips each is timed alone, after those that are timed together: a look at the clock
/// costs a good part of the fastest trips.
pub(super) fn timed_alone(trips: u64) -> u64 {
    (trips / 4).clamp(1, 20_000)
}

/// What the near side found.
pub(super) struct Trips {
    pub(super) elapsed: Elapsed,
    pub(super) latencies: Vec<u64>,
    pub(super) sum: u64,
}

pub(super) fn nanoseconds(since: Instant) -> u64 {
    u64::try_from(since.elapsed().as_nanos()).unwrap_or(u64::MAX)
}

/// The sum of what comes back, if the far side stamps its own message with what it read.
pub(super) fn echoed<T: Payload>(trips: u64) -> u64 {
    let (mut near, mut far) = (T::sample(), T::sample());
    (0..trips).fold(0u64, |sum, number| {
        near.stamp(number);
        far.stamp(near.touch());
        sum.wrapping_add(far.touch())
    })
}

/// Whether messages arrive and come back as they were sent.
pub(crate) fn check<T: Payload, D: Duplex<T>>(cpus: Cpus) -> Result<(), String> {
    // Every message of the measured run is compared, too, by their sum.
    let (mut near, mut far) = apart(D::open());
    let trips = T::CHECKED.min(200);
    let (outcome, (), _) = on_two_threads(
        cpus,
        |_| {
            let (mut message, mut expected) = (T::sample(), T::sample());
            let mut outcome = Ok(());
            for number in 0..trips {
                message.stamp(number);
                near.send(&message);
                expected.stamp(message.touch());
                if near.receive::<Touch>() != expected.touch() && outcome.is_ok() {
                    outcome = Err(format!("trip {number} brought back something else"));
                }
            }
            outcome
        },
        |_| {
            let mut message = T::sample();
            for _ in 0..trips {
                message.stamp(far.receive::<Touch>());
                far.send(&message);
            }
        },
    );
    outcome
}

/// Time per round trip.
pub(crate) fn run<T: Payload, D: Duplex<T>>(trips: u64, cpus: Cpus) -> Sample {
    let (warm, alone) = (warm_up::<T>(trips), timed_alone(trips));
    let total = warm + trips + alone;
    let (mut near, mut far) = apart(D::open());
    let (found, echoed_in, pinned) = on_two_threads(
        cpus,
        |start| {
            let mut message = T::sample();
            let mut sum = 0u64;
            start.wait();
            for number in 0..warm {
                message.stamp(number);
                near.send(&message);
                sum = sum.wrapping_add(near.receive::<Touch>());
            }
            let clock = Clock::start();
            for number in warm..warm + trips {
                message.stamp(number);
                near.send(&message);
                sum = sum.wrapping_add(black_box(near.receive::<Touch>()));
            }
            let elapsed = clock.stop();
            let latencies = (warm + trips..total)
                .map(|number| {
                    message.stamp(number);
                    let start = Instant::now();
                    near.send(&message);
                    sum = sum.wrapping_add(black_box(near.receive::<Touch>()));
                    nanoseconds(start)
                })
                .collect();
            Trips { elapsed, latencies, sum }
        },
        |start| {
            let mut message = T::sample();
            let mut echo = |trips: u64| {
                for _ in 0..trips {
                    message.stamp(far.receive::<Touch>());
                    far.send(&message);
                }
            };
            start.wait();
            echo(warm);
            let clock = Clock::start();
            echo(trips);
            let elapsed = clock.stop();
            echo(alone);
            elapsed
        },
    );
    assert_eq!(found.sum, echoed::<T>(total), "something else came back");
    let sample = Sample::timed(trips, found.elapsed.and(echoed_in), pinned);
    Sample { latencies: found.latencies, ..sample }
}
