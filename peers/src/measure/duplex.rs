//! A stream of messages in both directions at once.

use std::hint::black_box;
use std::sync::Barrier;

use super::{Expected, Sample, apart, expect_sum, on_two_threads, warm_up};
use crate::link::{Duplex, ReceiveEnd, SendEnd};
use crate::machine::{Clock, Cpus, Elapsed};
use crate::payload::{Digest, Payload, Reading, Touch};

/// Messages that an end sends ahead of those that it has received. Less than any queue has room
/// for: no end waits for room while the other one does.
const AHEAD: u64 = 32;

/// Sends and receives so many messages; `arrived` gets each that was received.
fn exchange<T: Payload, R: Reading>(
    end: &mut (impl SendEnd<T> + ReceiveEnd<T>),
    message: &mut T,
    numbers: std::ops::Range<u64>,
    mut arrived: impl FnMut(u64),
) {
    let ahead = AHEAD.min(numbers.end - numbers.start);
    for number in numbers.clone() {
        message.stamp(number);
        end.send(message);
        if number >= numbers.start + ahead {
            arrived(end.receive::<R>());
        }
    }
    for _ in 0..ahead {
        arrived(end.receive::<R>());
    }
}

/// Whether all of it arrives on both sides, as it was sent and in order.
pub(crate) fn check<T: Payload, D: Duplex<T>>(cpus: Cpus) -> Result<(), String> {
    fn side<T: Payload>(end: &mut (impl SendEnd<T> + ReceiveEnd<T>)) -> Result<(), String> {
        let mut expected = Expected::<T>::new();
        exchange::<T, Digest>(end, &mut T::sample(), 0..T::CHECKED, |digest| {
            expected.arrived(digest);
        });
        expected.outcome()
    }
    let (mut near, mut far) = apart(D::open());
    let (near, far, _) = on_two_threads(cpus, |_| side(&mut *near), |_| side(&mut *far));
    near.and(far)
}

/// Time in which each side sends one message and receives one.
pub(crate) fn run<T: Payload, D: Duplex<T>>(messages: u64, cpus: Cpus) -> Sample {
    fn side<T: Payload>(
        end: &mut (impl SendEnd<T> + ReceiveEnd<T>),
        (warm, messages): (u64, u64),
        start: &Barrier,
    ) -> Elapsed {
        let (mut message, mut sum) = (T::sample(), 0u64);
        exchange::<T, Touch>(end, &mut message, 0..warm, |touch| sum = sum.wrapping_add(touch));
        start.wait();
        let clock = Clock::start();
        exchange::<T, Touch>(end, &mut message, warm..warm + messages, |touch| {
            sum = sum.wrapping_add(black_box(touch));
        });
        let elapsed = clock.stop();
        expect_sum::<T>(warm + messages, sum);
        elapsed
    }
    let numbers = (warm_up::<T>(messages), messages);
    let (mut near, mut far) = apart(D::open());
    let (near, far, pinned) = on_two_threads(
        cpus,
        |start| side(&mut *near, numbers, start),
        |start| side(&mut *far, numbers, start),
    );
    // From the first start to the last end, but for the moment between the two starts.
    let wall = near.wall.max(far.wall);
    Sample::timed(messages, Elapsed { wall, ..near.and(far) }, pinned)
}
