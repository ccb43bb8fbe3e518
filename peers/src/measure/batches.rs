//! A stream of messages, many at once.

use std::hint::black_box;

use super::pace::{Pace, pause};
use super::{Expected, Sample, apart, expect_sum, on_two_threads, warm_up};
use crate::link::{BatchLink, BatchReceiveEnd as _, BatchSendEnd};
use crate::machine::{Clock, Cpus};
use crate::payload::{Digest, Payload, Touch};

/// Messages that are sent together.
pub(crate) const BATCH: u64 = 100;

/// Messages that are stamped and sent together.
struct Batch<T> {
    messages: Vec<T>,
    next: u64,
}

impl<T: Payload> Batch<T> {
    fn new() -> Self {
        // No queue has to take more than it has room for.
        let messages = usize::try_from(BATCH).map_or(T::DEPTH, |batch| batch.min(T::DEPTH / 2));
        Self { messages: vec![T::sample(); messages], next: 0 }
    }

    fn len(&self) -> usize {
        self.messages.len()
    }

    /// Stamps and sends so many batches; `before` runs before each message is stamped.
    fn send(&mut self, sender: &mut impl BatchSendEnd<T>, batches: u64, before: impl Fn()) {
        for _ in 0..batches {
            for message in &mut self.messages {
                before();
                message.stamp(self.next);
                self.next += 1;
            }
            sender.send_all(&self.messages);
        }
    }
}

/// Whether all of it arrives, as it was sent and in order.
pub(crate) fn check<T: Payload, L: BatchLink<T>>(cpus: Cpus) -> Result<(), String> {
    let (mut sender, mut receiver) = apart(L::open());
    let mut batch = Batch::<T>::new();
    let limit = batch.len();
    let batches = T::CHECKED.div_ceil(limit as u64);
    let ((), outcome, _) = on_two_threads(
        cpus,
        |_| batch.send(&mut *sender, batches, || {}),
        |_| {
            let mut expected = Expected::<T>::new();
            while expected.next < batches * limit as u64 {
                receiver.receive_some::<Digest>(limit, |digest| expected.arrived(digest));
            }
            expected.outcome()
        },
    );
    outcome
}

/// Time per message, as the receiver sees it.
pub(crate) fn run<T: Payload, L: BatchLink<T>>(messages: u64, cpus: Cpus) -> Sample {
    pass::<T, L>(messages, cpus, || {}, || {})
}

/// The same with an end that is slowed: it works for each message, not for each batch. The work of
/// that end is part of the time.
pub(crate) fn run_slowed<T: Payload, L: BatchLink<T>>(
    messages: u64,
    cpus: Cpus,
    pace: Pace,
) -> Sample {
    let (sending, receiving) = pace.steps::<T>();
    pass::<T, L>(messages, cpus, move || pause(sending), move || pause(receiving))
}

/// One loop for both: with pauses that do nothing it is the bare one.
#[inline(always)]
fn pass<T: Payload, L: BatchLink<T>>(
    messages: u64,
    cpus: Cpus,
    before_sending: impl Fn() + Sync,
    after_reading: impl Fn() + Sync,
) -> Sample {
    let (mut sender, mut receiver) = apart(L::open());
    let mut batch = Batch::<T>::new();
    let limit = batch.len();
    let warm = warm_up::<T>(messages).div_ceil(limit as u64);
    let batches = messages.div_ceil(limit as u64);
    let (sending, (reading, sum), pinned) = on_two_threads(
        cpus,
        |start| {
            batch.send(&mut *sender, warm, &before_sending);
            start.wait();
            let clock = Clock::start();
            batch.send(&mut *sender, batches, &before_sending);
            clock.stop()
        },
        |start| {
            let mut sum = 0u64;
            let mut receive = |batches: u64| {
                let mut left = batches * limit as u64;
                while left > 0 {
                    left -= receiver.receive_some::<Touch>(limit, |touch| {
                        sum = sum.wrapping_add(black_box(touch));
                        after_reading();
                    }) as u64;
                }
            };
            receive(warm);
            start.wait();
            let clock = Clock::start();
            receive(batches);
            (clock.stop(), sum)
        },
    );
    expect_sum::<T>((warm + batches) * limit as u64, sum);
    Sample::timed(batches * limit as u64, reading.and(sending), pinned)
}
