//! The message that a sink holds: one that was accepted and found no room yet.

use std::mem;
use std::task::{Context, Poll, ready};

use crate::archive::Message;
use crate::error::{PostError, TryPostError};
use crate::half::Sender;

/// The state of a sink. A sink cannot know how large the next message will be; so it is ready if it
/// has a place for one message outside of the ring.
pub(super) enum Slot<Out> {
    /// `poll_ready` comes next, or there is nothing more to send.
    Idle,
    /// `poll_ready` has succeeded.
    Ready,
    /// Accepted and not yet posted.
    Held(Out),
}

impl<Out> Slot<Out> {
    /// Returns the message that was not posted.
    pub(super) fn into_held(self) -> Option<Out> {
        match self {
            Self::Held(message) => Some(message),
            Self::Idle | Self::Ready => None,
        }
    }

    pub(super) fn is_holding(&self) -> bool {
        matches!(self, Self::Held(_))
    }
}

impl<Out: Message> Slot<Out> {
    pub(super) fn poll_ready(
        &mut self,
        sender: &mut Sender<Out>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(), PostError>> {
        ready!(self.poll_flush(sender, cx))?;
        // A caller that waits for a message to send learns that nobody wants one before it has one.
        if sender.is_closed() {
            return Poll::Ready(Err(PostError::Closed));
        }
        if sender.is_disconnected() {
            return Poll::Ready(Err(PostError::Disconnected));
        }
        *self = Self::Ready;
        Poll::Ready(Ok(()))
    }

    pub(super) fn start_send(
        &mut self,
        sender: &mut Sender<Out>,
        message: Out,
    ) -> Result<(), PostError> {
        // Always, not only if there is no room: so a caller's mistake shows at once.
        assert!(matches!(self, Self::Ready), "`start_send` without a `poll_ready` that succeeded");
        *self = Self::Idle;
        match sender.try_post_message(&message) {
            Ok(()) => Ok(()),
            Err(TryPostError::Full) => {
                *self = Self::Held(message);
                Ok(())
            }
            Err(TryPostError::Closed) => Err(PostError::Closed),
            Err(TryPostError::Disconnected) => Err(PostError::Disconnected),
            Err(TryPostError::TooLarge { needed, max }) => Err(PostError::TooLarge { needed, max }),
            Err(TryPostError::DataClone(error)) => Err(PostError::DataClone(error)),
        }
    }

    /// Posts the held message. This takes one operation from the budget in any case: `start_send`,
    /// which posts most messages, has no task that could be suspended.
    pub(super) fn poll_flush(
        &mut self,
        sender: &mut Sender<Out>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(), PostError>> {
        // Taken out during the post: a value whose `Serialize` panics is not tried again.
        let message = match mem::replace(self, Self::Idle) {
            Self::Held(message) => message,
            empty => {
                *self = empty;
                return sender.poll_budget(cx).map(Ok);
            }
        };
        let posted = sender.poll_post_message(cx, &message);
        match posted {
            Poll::Pending => *self = Self::Held(message),
            Poll::Ready(_) => sender.forget_task(),
        }
        posted
    }
}
