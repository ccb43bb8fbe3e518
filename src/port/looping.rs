//! A port as the event loop sees it: with its types erased.

use std::any::Any;
use std::task::Waker;

use super::MessagePort;
use crate::archive::Message;
use crate::error::DispatchError;
use crate::link::wait::{Deadline, TimedOut};
use crate::port::handlers::Turn;

/// The state of a port after some turns.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Step {
    /// More may be waiting.
    More,
    /// There is nothing to dispatch yet.
    Idle,
    /// Messages wait for a handler.
    Stuck,
    /// The channel has ended and nothing is left.
    Ended,
    /// The channel has ended, and messages wait for a handler.
    EndedStuck,
}

/// A [`MessagePort`] of any types.
pub(crate) trait LoopPort: Any + Send {
    /// Dispatches up to `messages` messages, and the close if it is due; returns the number of
    /// events.
    fn dispatch_some(&mut self, messages: usize) -> Result<(usize, Step), DispatchError>;

    /// Registers `waker` to be woken when something comes next; `true` if something is there
    /// already.
    fn wake_for_news(&mut self, waker: &Waker) -> bool;

    /// Registers `waker` to be woken when the channel ends; `true` if it has ended.
    fn wake_for_end(&mut self, waker: &Waker) -> bool;

    /// Drops the registered waker.
    fn forget_task(&mut self);
}

impl<Out: Message + 'static, In: Message + 'static> LoopPort for MessagePort<Out, In> {
    fn dispatch_some(&mut self, messages: usize) -> Result<(usize, Step), DispatchError> {
        let mut dispatched = 0;
        let mut left = messages;
        while left > 0 {
            match self.turn(left)? {
                Turn::Messages { messages, events } => {
                    left -= messages;
                    dispatched += events;
                }
                Turn::Close => {
                    left -= 1;
                    dispatched += 1;
                }
                Turn::Idle => return Ok((dispatched, Step::Idle)),
                Turn::Stuck => return Ok((dispatched, Step::Stuck)),
                Turn::Ended if self.is_empty() => return Ok((dispatched, Step::Ended)),
                Turn::Ended => return Ok((dispatched, Step::EndedStuck)),
            }
        }
        Ok((dispatched, Step::More))
    }

    fn wake_for_news(&mut self, waker: &Waker) -> bool {
        self.receiver.incoming_mut().wait_for_news(Deadline::Task(waker)) != Err(TimedOut)
    }

    fn wake_for_end(&mut self, waker: &Waker) -> bool {
        self.receiver.incoming_mut().wait_for_end(Deadline::Task(waker)) != Err(TimedOut)
    }

    fn forget_task(&mut self) {
        self.receiver.incoming_mut().forget_task();
    }
}
