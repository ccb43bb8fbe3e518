//! The end of a channel that a port has.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;
use std::task::{Context, Poll};

use message_port::{MessageChannel, MessagePort, PostAs, RecvError, TryPostError, TryRecvError};
use message_port_structured::{ArchivedValue, Value};

use crate::bells::Bell;

/// Bytes of a segment of a channel. Small: scripts make many, and use few of them much.
const SEGMENT: usize = 4096;

/// What a channel of a script may hold in each direction, in bytes, unless told otherwise.
pub(crate) const DEFAULT_LIMIT: usize = 256 << 20;

pub(crate) fn channel(limit: usize) -> MessageChannel<Value> {
    MessageChannel::builder()
        .capacity(SEGMENT)
        .growable(limit)
        .max_message_len(limit)
        .build()
        .expect("a small capacity is always valid")
}

/// A message that is not in the ring any more, or one that was no value.
type Kept = Result<Value, ()>;

/// How a look at a port whose peer is elsewhere ends.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Found {
    /// Messages, at least this many.
    Messages(usize),
    /// Nothing; it rings when there is something, once it was told to [listen](Core::listen).
    Nothing,
    /// The other side has closed, and nothing is left.
    Closed,
    /// The other side is gone.
    Gone,
}

/// What a post could not be.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Refused {
    /// A message is just being read at this port, and a script runs that should not: one that
    /// formats the stack of an error.
    Busy,
    Full,
    TooLarge(usize),
}

/// An end of a channel that a script has. Shared by the object of the port and the host.
#[derive(Default)]
pub(crate) struct Core {
    port: RefCell<Option<MessagePort<Value>>>,
    /// What was received before it could be delivered. It comes before what is in the ring.
    kept: RefCell<VecDeque<Kept>>,
    /// Rings for a port whose peer is elsewhere.
    bell: RefCell<Option<Arc<Bell>>>,
    /// Whether it is to be closed when the message that is being read has been, and what is kept.
    closes: Cell<Option<bool>>,
    /// Whether it was found empty and does not ring yet.
    is_deaf: Cell<bool>,
    /// Whether it keeps its host running.
    pub(crate) is_ref: Cell<bool>,
    /// Whether a script listens to its messages.
    pub(crate) listens: Cell<bool>,
}

impl Core {
    pub(crate) fn put(&self, port: MessagePort<Value>) {
        self.port.replace(Some(port));
    }

    pub(crate) fn set_bell(&self, bell: Arc<Bell>) {
        self.bell.replace(Some(bell));
    }

    pub(crate) fn answer_bell(&self) {
        if let Some(bell) = &*self.bell.borrow() {
            bell.answer();
        }
    }

    /// Takes the end of the channel out, for somewhere else; not if something was kept here.
    pub(crate) fn take_port(&self) -> Option<MessagePort<Value>> {
        if !self.kept.borrow().is_empty() {
            return None;
        }
        let port = self.port.try_borrow_mut().ok()?.take();
        self.bell.take();
        port
    }

    /// Posts, unless the channel has ended, which is silent.
    pub(crate) fn post(&self, value: &impl PostAs<Value>) -> Result<(), Refused> {
        let Ok(mut port) = self.port.try_borrow_mut() else { return Err(Refused::Busy) };
        let Some(port) = &mut *port else { return Ok(()) };
        match port.try_post_message_as(value) {
            Err(TryPostError::Full) => Err(Refused::Full),
            Err(TryPostError::TooLarge { needed, .. }) => Err(Refused::TooLarge(needed)),
            _ => Ok(()),
        }
    }

    /// Messages that are there now.
    pub(crate) fn available(&self) -> usize {
        let Ok(port) = self.port.try_borrow() else { return 0 };
        self.kept.borrow().len() + port.as_ref().map_or(0, MessagePort::len)
    }

    /// Whether something has come to a port that was found empty and does not ring yet. What waits at a
    /// port without a listener is no news.
    pub(crate) fn has_news(&self) -> bool {
        self.is_deaf.get() && self.port.borrow().as_ref().is_some_and(|port| !port.is_empty())
    }

    /// Takes the next message and reads it where it lies; `None` if there is none, an error if it
    /// is no value.
    pub(crate) fn take<R>(&self, read: impl FnOnce(Taken<'_>) -> R) -> Option<Result<R, ()>> {
        let kept = self.kept.borrow_mut().pop_front();
        if let Some(kept) = kept {
            return Some(kept.map(|value| read(Taken::Kept(&value))));
        }
        let taken = {
            let mut port = self.port.try_borrow_mut().ok()?;
            match port.as_mut()?.try_recv() {
                Ok(message) => Some(Ok(read(Taken::InPlace(&message)))),
                Err(TryRecvError::InvalidArchive(_)) => Some(Err(())),
                Err(_) => None,
            }
        };
        if let Some(keep) = self.closes.take() {
            self.close(keep);
        }
        taken
    }

    /// Ends the channel. With `keep`, what has arrived is kept for delivery.
    pub(crate) fn close(&self, keep: bool) {
        let Ok(port) = self.port.try_borrow_mut().map(|mut port| port.take()) else {
            self.closes.set(Some(keep));
            return;
        };
        let Some(mut port) = port else {
            if !keep {
                self.kept.take();
            }
            return;
        };
        if keep {
            while self.keep_next(&mut port) {}
        } else {
            self.kept.take();
        }
        port.close();
        self.bell.take();
    }

    fn keep_next(&self, port: &mut MessagePort<Value>) -> bool {
        let kept = match port.try_recv() {
            Ok(message) => message.deserialize().map_err(drop),
            Err(TryRecvError::InvalidArchive(_)) => Err(()),
            Err(_) => return false,
        };
        self.kept.borrow_mut().push_back(kept);
        true
    }

    /// Looks what has come from elsewhere. With `keep`, all of it is received and kept, so that the
    /// end of the channel is seen behind it.
    pub(crate) fn poll(&self, keep: bool) -> Found {
        self.is_deaf.set(false);
        let Ok(mut port) = self.port.try_borrow_mut() else { return Found::Nothing };
        let Some(port) = &mut *port else { return Found::Gone };
        if keep {
            while self.keep_next(port) {}
        } else if !port.is_empty() || !self.kept.borrow().is_empty() {
            return Found::Messages(port.len() + self.kept.borrow().len());
        }
        let kept = match port.try_recv() {
            Ok(message) => message.deserialize().map_err(drop),
            Err(TryRecvError::InvalidArchive(_)) => Err(()),
            Err(TryRecvError::Empty) => {
                self.is_deaf.set(true);
                return Found::Nothing;
            }
            Err(TryRecvError::Closed) => return Found::Closed,
            Err(_) => return Found::Gone,
        };
        // It came just now.
        self.kept.borrow_mut().push_back(kept);
        if keep {
            self.ring();
            return Found::Nothing;
        }
        Found::Messages(1 + port.len())
    }

    pub(crate) fn ring(&self) {
        if let Some(bell) = &*self.bell.borrow() {
            bell.ring();
        }
    }

    /// Has a port that was found empty ring when something comes, or now if something has come.
    /// Costs a system call where the core's barrier does, so only before the thread sleeps.
    pub(crate) fn listen(&self) {
        if !self.is_deaf.replace(false) {
            return;
        }
        let Some(bell) = self.bell.borrow().clone() else { return };
        let mut port = self.port.borrow_mut();
        let Some(port) = &mut *port else { return };
        match port.poll_recv(&mut Context::from_waker(&bell.waker())) {
            Poll::Pending => return,
            Poll::Ready(Ok(message)) => {
                self.kept.borrow_mut().push_back(message.deserialize().map_err(drop));
            }
            Poll::Ready(Err(RecvError::InvalidArchive(_))) => {
                self.kept.borrow_mut().push_back(Err(()));
            }
            Poll::Ready(Err(_)) => {}
        }
        bell.ring();
    }
}

/// A message, wherever it is.
#[derive(Debug)]
pub(crate) enum Taken<'m> {
    InPlace(&'m ArchivedValue),
    Kept(&'m Value),
}

impl fmt::Debug for Core {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Core").field("port", &self.port).finish_non_exhaustive()
    }
}
