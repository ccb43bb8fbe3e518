//! A stream of messages from one thread to another.

use std::hint::black_box;

use super::pace::{Pace, pause};
use super::{Expected, Sample, apart, expect_sum, on_two_threads, warm_up};
use crate::link::{Link, ReceiveEnd as _, SendEnd as _};
use crate::machine::{Clock, Cpus};
use crate::payload::{Digest, Payload, Touch};

/// Whether all of it arrives, as it was sent and in order.
pub(crate) fn check<T: Payload, L: Link<T>>(cpus: Cpus) -> Result<(), String> {
    let (mut sender, mut receiver) = apart(L::open());
    let ((), outcome, _) = on_two_threads(
        cpus,
        |_| {
            let mut message = T::sample();
            for number in 0..T::CHECKED {
                message.stamp(number);
                sender.send(&message);
            }
        },
        |_| {
            let mut expected = Expected::<T>::new();
            for _ in 0..T::CHECKED {
                expected.arrived(receiver.receive::<Digest>());
            }
            expected.outcome()
        },
    );
    outcome
}

/// Time per message, as the receiver sees it.
pub(crate) fn run<T: Payload, L: Link<T>>(messages: u64, cpus: Cpus) -> Sample {
    pass::<T, L>(messages, cpus, || {}, || {})
}

/// The same with an end that is slowed. The work of that end is part of the time.
pub(crate) fn run_slowed<T: Payload, L: Link<T>>(messages: u64, cpus: Cpus, pace: Pace) -> Sample {
    let (sending, receiving) = pace.steps::<T>();
    pass::<T, L>(messages, cpus, move || pause(sending), move || pause(receiving))
}

/// One loop for both: with pauses that do nothing it is the bare one.
#[inline(always)]
fn pass<T: Payload, L: Link<T>>(
    messages: u64,
    cpus: Cpus,
    before_sending: impl Fn() + Sync,
    after_reading: impl Fn() + Sync,
) -> Sample {
    let warm = warm_up::<T>(messages);
    let (mut sender, mut receiver) = apart(L::open());
    let (sending, (reading, sum), pinned) = on_two_threads(
        cpus,
        |start| {
            let mut message = T::sample();
            for number in 0..warm {
                before_sending();
                message.stamp(number);
                sender.send(&message);
            }
            start.wait();
            let clock = Clock::start();
            for number in warm..warm + messages {
                before_sending();
                message.stamp(number);
                sender.send(&message);
            }
            clock.stop()
        },
        |start| {
            let mut sum = 0u64;
            for _ in 0..warm {
                sum = sum.wrapping_add(receiver.receive::<Touch>());
                after_reading();
            }
            start.wait();
            let clock = Clock::start();
            for _ in 0..messages {
                sum = sum.wrapping_add(black_box(receiver.receive::<Touch>()));
                after_reading();
            }
            (clock.stop(), sum)
        },
    );
    expect_sum::<T>(warm + messages, sum);
    Sample::timed(messages, reading.and(sending), pinned)
}
