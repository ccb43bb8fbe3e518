//! What a channel costs before the first message.

use std::hint::black_box;
use std::thread;

use super::Sample;
use crate::allocator::Count;
use crate::machine::{self, Clock, Cpus, Role};

/// Does it on a fresh thread, pinned.
fn alone(cpus: Cpus, work: impl FnOnce(bool) -> Sample + Send) -> Sample {
    thread::scope(|scope| {
        let worker = scope.spawn(|| work(machine::pin(cpus, Role::Near)));
        worker.join().expect("the worker finishes")
    })
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
