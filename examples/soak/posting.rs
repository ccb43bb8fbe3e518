//! Posting the messages of a stream, in all the ways there are.

use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use message_port::{PostError, PostTimeoutError, TryPostError};

use crate::judge::Tally;
use crate::load::Load;
use crate::plan::{Side, Sizes};
use crate::ports::Posts;
use crate::random::Random;
use crate::watch::{Progress, Way};

/// How an attempt went.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Step {
    /// There may be more to do.
    More,
    /// Nothing goes on before the other side has done something.
    Later,
    /// The channel has ended.
    Ended,
}

impl Step {
    fn of(outcome: Result<(), PostTimeoutError>) -> Self {
        match outcome {
            Ok(()) => Self::More,
            // To be refused where both ends wait is to be asked to receive first.
            Err(PostTimeoutError::Timeout | PostTimeoutError::WouldDeadlock) => Self::Later,
            Err(PostTimeoutError::Closed | PostTimeoutError::Disconnected) => Self::Ended,
            Err(other) => panic!("a post failed: {other}"),
        }
    }
}

/// A post that did not wait and found the channel full has had a wait of no time.
fn at_once(outcome: Result<(), TryPostError>) -> Result<(), PostTimeoutError> {
    outcome.map_err(|error| match error {
        TryPostError::Full => PostTimeoutError::Timeout,
        TryPostError::Closed => PostTimeoutError::Closed,
        TryPostError::Disconnected => PostTimeoutError::Disconnected,
        other => panic!("a post failed: {other}"),
    })
}

pub(crate) fn moment(random: &mut Random) -> Duration {
    Duration::from_micros(random.next() % 200)
}

/// The way in which a task waits with a limit of time.
pub(crate) const TIMED: usize = 31;

pub(crate) struct Posting<L> {
    key: u64,
    limit: u64,
    sizes: Sizes,
    pub(crate) random: Random,
    pub(crate) accepted: Tally,
    /// Messages that are made again and again.
    messages: Vec<L>,
    progress: Arc<Progress>,
}

impl<L: Load> Posting<L> {
    pub(crate) fn new(side: &Side, progress: &Arc<Progress>) -> Self {
        Self {
            key: side.posts,
            limit: side.to_post,
            sizes: side.sizes,
            random: Random::new(side.seed),
            accepted: Tally::default(),
            messages: vec![],
            progress: Arc::clone(progress),
        }
    }

    pub(crate) fn is_done(&self) -> bool {
        self.accepted.messages >= self.limit || self.progress.is_over()
    }

    /// Makes the next `count` messages of the stream. Those that were not accepted are made anew,
    /// of another length.
    fn make(&mut self, count: usize) {
        let count = count.max(1);
        while self.messages.len() < count {
            self.messages.push(L::blank());
        }
        for (message, number) in self.messages[..count].iter_mut().zip(self.accepted.messages..) {
            message.fill(self.key, number, self.sizes, &mut self.random);
        }
    }

    fn accept(&mut self, count: usize) {
        for message in &self.messages[..count] {
            self.accepted.add(message.archive_length());
        }
    }

    fn one(&mut self, post: impl FnOnce(&L, &mut Random) -> Result<(), PostTimeoutError>) -> Step {
        self.make(1);
        let step = Step::of(post(&self.messages[0], &mut self.random));
        self.accept(usize::from(step == Step::More));
        step
    }

    /// Posts one message without waiting for room.
    pub(crate) fn try_one(&mut self, port: &mut impl Posts<L>) -> Step {
        self.one(|message, _| at_once(port.try_post(message)))
    }

    /// Posts one message, waiting for room.
    pub(crate) fn wait_one(&mut self, port: &mut impl Posts<L>) -> Step {
        self.one(|message, _| Ok(port.post(message)?))
    }

    /// Posts one message, waiting for room in a task.
    pub(crate) async fn wait_one_soon(&mut self, port: &mut impl Posts<L>) -> Step {
        self.make(1);
        let step = Step::of(port.post_soon(&self.messages[0]).await.map_err(PostError::into));
        self.accept(usize::from(step == Step::More));
        step
    }

    fn batch(&mut self, port: &mut impl Posts<L>) -> Step {
        let left = usize::try_from(self.limit - self.accepted.messages).unwrap_or(usize::MAX);
        let count = (1 + self.random.below(self.sizes.batch())).min(left);
        self.make(count);
        match port.post_batch(&self.messages[..count]) {
            Ok(posted) => {
                assert!((1..=count).contains(&posted), "{posted} of {count} messages were posted");
                self.accept(posted);
                self.progress.goes(Way::PostedInBatch, posted as u64);
                Step::More
            }
            Err(error) => Step::of(Err(error.into())),
        }
    }

    /// Posts a few messages, all in one way.
    pub(crate) fn some(&mut self, port: &mut impl Posts<L>) -> Step {
        let how = self.random.below(16);
        for _ in 0..=self.random.below(64) {
            if self.is_done() {
                break;
            }
            let step = match how {
                0..=4 => self.wait_one(port),
                5..=7 => self.try_one(port),
                8 | 9 => self.one(|message, random| port.post_within(message, moment(random))),
                10..=13 => self.batch(port),
                14 => {
                    let step = self.one(|message, _| Ok(port.post_archive(&message.archive())?));
                    let posted = u64::from(step == Step::More);
                    self.progress.goes(Way::PostedAsArchive, posted);
                    step
                }
                _ => self.one(|message, _| {
                    match port.poll_post(&mut Context::from_waker(Waker::noop()), message) {
                        Poll::Ready(outcome) => Ok(outcome?),
                        Poll::Pending => Err(PostTimeoutError::Timeout),
                    }
                }),
            };
            if step != Step::More {
                return step;
            }
        }
        Step::More
    }

    /// As [`some`](Self::some), in a task.
    pub(crate) async fn some_soon(&mut self, port: &mut impl Posts<L>) -> Step {
        let how = self.random.below(32);
        // The runtime's timers take a millisecond, so one message is enough.
        let most = if how == TIMED { 1 } else { 64 };
        for _ in 0..=self.random.below(most) {
            if self.is_done() {
                break;
            }
            self.make(1);
            let message = &self.messages[0];
            let outcome = match how {
                0..=15 => port.post_soon(message).await.map_err(PostError::into),
                TIMED => port.post_soon_within(message, moment(&mut self.random)).await,
                // A batch waits as a thread does, so a task posts what there is room for.
                _ => at_once(port.try_post(message)),
            };
            let step = Step::of(outcome);
            self.accept(usize::from(step == Step::More));
            if step != Step::More {
                return step;
            }
        }
        Step::More
    }
}
