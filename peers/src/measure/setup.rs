//! What a channel costs before the first message.

use std::hint::black_box;
use std::thread;

use super::{Expected, Sample};
use crate::allocator::Count;
use crate::link::{Duplex, ReceiveEnd as _, SendEnd as _};
use crate::machine::{self, Clock, Cpus, Role};
use crate::payload::{Digest, Payload as _};

/// Does it on a fresh thread, pinned.
fn alone(cpus: Cpus, work: impl FnOnce(bool) -> Sample + Send) -> Sample {
    thread::scope(|scope| {
        let worker = scope.spawn(|| work(machine::pin(cpus, Role::Near)));
        worker.join().expect("the worker finishes")
    })
}

/// Whether a new channel takes numbers in both directions and gives them back as they were, in order.
/// One thread does it in turns: two that poll on one CPU would wait for the scheduler.
pub(crate) fn check<D: Duplex<u64>>(_: Cpus) -> Result<(), String> {
    let (mut near, mut far) = D::open();
    let mut lists = [Expected::<u64>::new(), Expected::<u64>::new()];
    // Fewer at a time than any queue has room for.
    for first in (0..u64::CHECKED).step_by(32) {
        let numbers = first..first + 32;
        numbers.clone().for_each(|number| near.send(&number));
        numbers.clone().for_each(|number| far.send(&number));
        let [at_far, at_near] = &mut lists;
        numbers.clone().for_each(|_| at_far.arrived(far.receive::<Digest>()));
        numbers.for_each(|_| at_near.arrived(near.receive::<Digest>()));
    }
    let [at_far, at_near] = lists.map(Expected::outcome);
    at_far.and(at_near)
}

/// Time to make a channel and to drop it.
pub(crate) fn create_and_drop<C>(channels: u64, cpus: Cpus, open: fn() -> C) -> Sample {
    alone(cpus, |pinned| {
        let clock = Clock::start();
        for _ in 0..channels {
            drop(black_box(open()));
        }
        Sample::timed(channels, clock.stop(), pinned)
    })
}

/// Time to make one of so many channels that are all there at the end.
pub(crate) fn create_many<C>(channels: u64, cpus: Cpus, open: fn() -> C) -> Sample {
    alone(cpus, |pinned| {
        let clock = Clock::start();
        let all: Vec<C> = (0..channels).map(|_| open()).collect();
        let elapsed = clock.stop();
        drop(black_box(all));
        Sample::timed(channels, elapsed, pinned)
    })
}

/// Bytes that a channel asks the allocator for, before the first message.
#[expect(clippy::cast_precision_loss, reason = "no count is near 2^52")]
pub(crate) fn memory<C>(channels: u64, cpus: Cpus, open: fn() -> C) -> Sample {
    alone(cpus, |pinned| {
        // What is made once for all channels is not counted.
        drop(open());
        let mut all: Vec<C> = Vec::with_capacity(usize::try_from(channels).unwrap_or_default());
        let clock = Clock::start();
        let count = Count::start();
        all.extend((0..channels).map(|_| open()));
        let bytes = count.bytes();
        drop(count);
        let sample = Sample::timed(channels, clock.stop(), pinned);
        drop(black_box(all));
        Sample { value: bytes as f64 / channels as f64, ..sample }
    })
}

/// Bytes by which the process grows in memory for each of so many channels.
#[expect(clippy::cast_precision_loss, reason = "no count is near 2^52")]
pub(crate) fn resident<C>(channels: u64, cpus: Cpus, open: fn() -> C) -> Sample {
    alone(cpus, |pinned| {
        let mut all: Vec<C> = Vec::with_capacity(usize::try_from(channels).unwrap_or_default());
        let before = machine::resident_bytes();
        let clock = Clock::start();
        all.extend((0..channels).map(|_| open()));
        let sample = Sample::timed(channels, clock.stop(), pinned);
        let bytes = machine::resident_bytes().saturating_sub(before);
        drop(black_box(all));
        Sample { value: bytes as f64 / channels as f64, ..sample }
    })
}
