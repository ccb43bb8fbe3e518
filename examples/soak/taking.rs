//! Receiving and checking the messages of a stream, in all the ways there are.

use std::hint::spin_loop;
use std::marker::PhantomData;
use std::mem;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use message_port::{MessageRef, RecvError, RecvTimeoutError, TryRecvError};
use rkyv::Archived;

use crate::judge::Tally;
use crate::load::Load;
use crate::plan::Side;
use crate::ports::Takes;
use crate::posting::{Step, TIMED, moment};
use crate::random::Random;
use crate::watch::{Progress, Way};

fn step(outcome: Result<(), RecvTimeoutError>) -> Step {
    match outcome {
        Ok(()) => Step::More,
        Err(RecvTimeoutError::Timeout) => Step::Later,
        Err(RecvTimeoutError::Closed | RecvTimeoutError::Disconnected) => Step::Ended,
        Err(other) => panic!("a receive failed: {other}"),
    }
}

fn at_once(error: TryRecvError) -> RecvTimeoutError {
    match error {
        TryRecvError::Empty => RecvTimeoutError::Timeout,
        TryRecvError::Closed => RecvTimeoutError::Closed,
        TryRecvError::Disconnected => RecvTimeoutError::Disconnected,
        other => panic!("a receive failed: {other}"),
    }
}

pub(crate) struct Taking<L> {
    key: u64,
    limit: u64,
    spilled_from: usize,
    random: Random,
    pub(crate) read: Tally,
    progress: Arc<Progress>,
    /// Of the messages read, how many `progress` knows of.
    told: u64,
    loads: PhantomData<fn() -> L>,
}

impl<L: Load> Taking<L> {
    pub(crate) fn new(side: &Side, progress: &Arc<Progress>) -> Self {
        Self {
            key: side.reads,
            limit: side.to_read,
            spilled_from: side.spilled_from,
            random: Random::new(!side.seed),
            read: Tally::default(),
            progress: Arc::clone(progress),
            told: 0,
            loads: PhantomData,
        }
    }

    pub(crate) fn is_done(&self) -> bool {
        self.read.messages >= self.limit
    }

    /// Checks the message that came next.
    pub(crate) fn message(&mut self, message: &Archived<L>) {
        let length = L::check(message, self.key, self.read.messages);
        self.read.add(length);
        if length > self.spilled_from {
            self.progress.goes(Way::Spilled, 1);
        }
        if self.read.messages.is_multiple_of(64) {
            self.tell();
        }
    }

    /// Checks the message that came next, and sometimes holds on to it, or forgets that it has it.
    pub(crate) fn guard(&mut self, message: MessageRef<'_, L>) {
        let before = self.read.bytes;
        self.message(&message);
        let length = self.read.bytes - before;
        assert!(message.as_bytes().len() as u64 == length, "the archive has another length");
        match self.random.next() % 1024 {
            0..8 => mem::forget(message),
            8..16 => {
                for _ in 0..self.random.below(2000) {
                    spin_loop();
                }
                // What is in hand stays as it is, whatever the other side does.
                L::check(&message, self.key, self.read.messages - 1);
            }
            _ => {}
        }
    }

    fn tell(&mut self) {
        self.progress
            .received(self.read.messages - mem::replace(&mut self.told, self.read.messages));
    }

    /// Receives a few messages, all in one way. It waits for as long as it takes only if it `may_wait`.
    pub(crate) fn some(&mut self, port: &mut impl Takes<L>, may_wait: bool) -> Step {
        let how = self.random.below(16);
        for _ in 0..=self.random.below(64) {
            if self.is_done() {
                break;
            }
            let outcome = match how {
                0..=4 if may_wait => port.take(self).map_err(RecvError::into),
                0..=7 => port.try_take(self).map_err(at_once),
                8 => {
                    let time = moment(&mut self.random);
                    port.take_within(self, time)
                }
                9..=14 => self.batch(port),
                _ => match port.poll_take(&mut Context::from_waker(Waker::noop()), self) {
                    Poll::Ready(outcome) => outcome.map_err(RecvError::into),
                    Poll::Pending => Err(RecvTimeoutError::Timeout),
                },
            };
            let step = step(outcome);
            if step != Step::More {
                return step;
            }
        }
        Step::More
    }

    /// Receives one message, for which it waits.
    pub(crate) fn wait_one(&mut self, port: &mut impl Takes<L>) -> Step {
        step(port.take(self).map_err(RecvError::into))
    }

    /// Receives one message, if it comes soon.
    pub(crate) fn wait_a_moment(&mut self, port: &mut impl Takes<L>) -> Step {
        let time = moment(&mut self.random);
        step(port.take_within(self, time))
    }

    /// Receives one message in a task, if it comes soon.
    pub(crate) async fn wait_a_moment_soon(&mut self, port: &mut impl Takes<L>) -> Step {
        let time = moment(&mut self.random);
        step(port.take_soon_within(self, time).await)
    }

    /// Receives one message, for which it waits in a task.
    pub(crate) async fn wait_one_soon(&mut self, port: &mut impl Takes<L>) -> Step {
        step(port.take_soon(self).await.map_err(RecvError::into))
    }

    fn batch(&mut self, port: &mut impl Takes<L>) -> Result<(), RecvTimeoutError> {
        let left = usize::try_from(self.limit - self.read.messages).unwrap_or(usize::MAX);
        let limit = (1 + self.random.below(300)).min(left);
        let before = self.read.messages;
        let received = port.take_batch(self, limit).map_err(at_once)?;
        assert!((1..=limit).contains(&received), "{received} of {limit} messages were received");
        assert!(self.read.messages - before == received as u64, "a batch counts its messages");
        self.progress.goes(Way::ReadInBatch, received as u64);
        Ok(())
    }

    /// As [`some`](Self::some), in a task.
    pub(crate) async fn some_soon(&mut self, port: &mut impl Takes<L>, may_wait: bool) -> Step {
        let how = self.random.below(32);
        let most = if how == TIMED { 1 } else { 64 };
        for _ in 0..=self.random.below(most) {
            if self.is_done() {
                break;
            }
            let outcome = match how {
                0..=15 if may_wait => port.take_soon(self).await.map_err(RecvError::into),
                TIMED => {
                    let time = moment(&mut self.random);
                    port.take_soon_within(self, time).await
                }
                16..=24 => self.batch(port),
                _ => port.try_take(self).map_err(at_once),
            };
            let step = step(outcome);
            if step != Step::More {
                return step;
            }
        }
        Step::More
    }
}

impl<L> Drop for Taking<L> {
    fn drop(&mut self) {
        self.progress.received(self.read.messages - self.told);
    }
}
