//! Allocations per message, warm.

use super::{Sample, apart, expect_sum, on_two_threads};
use crate::allocator::Count;
use crate::link::{Link, ReceiveEnd as _, SendEnd as _};
use crate::machine::{Clock, Cpus};
use crate::payload::{Payload, Touch};

/// Allocations per message, of both sides together, after twice as many messages as a queue has
/// room for.
#[expect(clippy::cast_precision_loss, reason = "no count is near 2^52")]
pub(crate) fn run<T: Payload, L: Link<T>>(messages: u64, cpus: Cpus) -> Sample {
    let warm = T::CHECKED;
    let (mut sender, mut receiver) = apart(L::open());
    let (allocations, (elapsed, sum), pinned) = on_two_threads(
        cpus,
        |start| {
            let mut message = T::sample();
            let mut send = |number| {
                message.stamp(number);
                sender.send(&message);
            };
            // Nearly full once: the places and buffers were in use at the same time.
            (0..T::DEPTH as u64 * 3 / 4).for_each(&mut send);
            start.wait();
            (T::DEPTH as u64 * 3 / 4..warm).for_each(&mut send);
            start.wait();
            let count = Count::start();
            start.wait();
            (warm..warm + messages).for_each(&mut send);
            start.wait();
            count.allocations()
        },
        |start| {
            let mut sum = 0u64;
            let mut receive = || sum = sum.wrapping_add(receiver.receive::<Touch>());
            start.wait();
            (0..warm).for_each(|_| receive());
            start.wait();
            start.wait();
            let clock = Clock::start();
            (0..messages).for_each(|_| receive());
            let elapsed = clock.stop();
            start.wait();
            (elapsed, sum)
        },
    );
    expect_sum::<T>(warm + messages, sum);
    let sample = Sample::timed(messages, elapsed, pinned);
    Sample { value: allocations as f64 / messages as f64, ..sample }
}
