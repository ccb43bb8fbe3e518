//! An end that is slowed on purpose, so that it is known which of the two waits for the other.

use std::hint::black_box;
use std::thread;

use super::{Expected, Sample};
use crate::machine::{self, Clock, Cpus, Role};
use crate::payload::Payload;

/// Which end does some work for each message, besides what the channel asks of it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pace {
    /// Neither: each goes as fast as it can.
    Even,
    /// The receiver keeps up, and finds the queue empty.
    SlowSender,
    /// The receiver lags, and the sender finds the queue full.
    SlowReceiver,
}

impl Pace {
    /// Steps of work of the sender and of the receiver, for each message.
    pub(super) fn steps<T: Payload>(self) -> (u32, u32) {
        match self {
            Self::Even => (0, 0),
            Self::SlowSender => (T::PAUSE, 0),
            Self::SlowReceiver => (0, T::PAUSE),
        }
    }
}

/// So many steps of arithmetic, each of which needs the one before, and which touch no memory.
/// (`spin_loop()` takes from one nanosecond to fifty, as the CPU pleases.)
#[inline(never)]
pub(crate) fn work(steps: u32) {
    let mut word = black_box(1u64);
    for _ in 0..steps {
        word = (word.rotate_left(5) ^ 0x9e37_79b9_7f4a_7c15).wrapping_mul(0x517c_c1b7_2722_0a95);
    }
    black_box(word);
}

/// The work of one message at an end with so many steps; at the other end, with none, a branch that
/// is always predicted.
#[inline(always)]
pub(super) fn pause(steps: u32) {
    if steps > 0 {
        work(steps);
    }
}

/// Whether a value is what it was stamped: there is no queue to be wrong.
pub(crate) fn check<T: Payload>(_: Cpus) -> Result<(), String> {
    let mut message = T::sample();
    let mut expected = Expected::<T>::new();
    for number in 0..4 {
        message.stamp(number);
        expected.arrived(message.digest());
    }
    expected.outcome()
}

/// The limit: the slowed end's loop without a queue, by one thread. It stamps, works and reads.
pub(crate) fn run<T: Payload>(messages: u64, cpus: Cpus) -> Sample {
    let measured = || {
        let pinned = machine::pin(cpus, Role::Near);
        let mut message = T::sample();
        let mut pass = |numbers: std::ops::Range<u64>| {
            for number in numbers {
                pause(T::PAUSE);
                message.stamp(number);
                black_box(black_box(&message).touch());
            }
        };
        pass(0..messages.min(64));
        let clock = Clock::start();
        pass(0..messages);
        Sample::timed(messages, clock.stop(), pinned)
    };
    thread::scope(|scope| scope.spawn(measured).join().expect("the working thread finishes"))
}
