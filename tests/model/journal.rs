//! What can be observed of a channel, in the order in which it happened.

use std::sync::{Arc, Mutex, PoisonError};

use super::values::Write;

/// One observation.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Seen {
    Built(Built),
    Post {
        serial: u64,
        writes: Vec<Write>,
        outcome: Posting,
    },
    Receive(Receiving),
    /// The message in hand, once more, after other things were done.
    StillInHand(Content),
    /// The message handler was called.
    Message(Content),
    /// The messageerror handler was called.
    MessageError {
        cause: Cause,
        content: Option<Content>,
    },
    /// The close handler was called.
    Close(Report),
    Dispatch(Dispatching),
    Report(Option<Report>),
    /// The operation was not possible: what it needs was dropped, split or is borrowed.
    Impossible,
}

/// The contents of a message, short enough to be printed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Content {
    length: usize,
    hash: u64,
}

impl Content {
    pub(crate) fn of(bytes: &[u8]) -> Self {
        let step = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        Self { length: bytes.len(), hash: bytes.iter().fold(0xcbf2_9ce4_8422_2325, step) }
    }
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Built {
    Yes,
    Zero,
    TooSmall { capacity: usize },
    Otherwise(String),
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Posting {
    Done,
    /// Full, or timed out.
    Full,
    Closed,
    Disconnected,
    TooLarge {
        needed: usize,
        max: usize,
    },
    DataClone,
    Panicked,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Receiving {
    Message {
        content: Content,
        archive_length: usize,
    },
    /// Empty, or timed out.
    Empty,
    Closed,
    Disconnected,
    Invalid,
}

/// Why there was a messageerror.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Cause {
    Returned(String),
    Panicked(String),
    Invalid,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Report {
    pub(crate) by_this_port: bool,
    pub(crate) messages: u64,
    pub(crate) bytes: u64,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Dispatching {
    Events(usize),
    /// `run` returned.
    Ran,
    Message(Cause),
    MessageError(String),
    Close(String),
    Panicked(String),
}

/// What the queries of one port say, as far as there is something to ask.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct State {
    pub(crate) port: Option<PortState>,
    pub(crate) sender: Option<SenderState>,
    pub(crate) receiver: Option<ReceiverState>,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct PortState {
    pub(crate) closed: bool,
    pub(crate) disconnected: bool,
    pub(crate) len: usize,
    pub(crate) empty: bool,
    pub(crate) capacity: usize,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct SenderState {
    pub(crate) closed: bool,
    pub(crate) disconnected: bool,
    pub(crate) capacity: usize,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct ReceiverState {
    pub(crate) closed: bool,
    pub(crate) disconnected: bool,
    pub(crate) len: usize,
    pub(crate) empty: bool,
}

/// Where the handlers and the program write down what they see. It is shared with handlers, which
/// must be `Send`.
#[derive(Clone, Default)]
pub(crate) struct Journal(Arc<Mutex<Entries>>);

#[derive(Default)]
struct Entries {
    seen: Vec<Seen>,
    posts: u64,
}

impl Journal {
    pub(crate) fn note(&self, seen: Seen) {
        self.with(|entries| entries.seen.push(seen));
    }

    /// A number for the next message.
    pub(crate) fn serial(&self) -> u64 {
        self.with(|entries| {
            entries.posts += 1;
            entries.posts
        })
    }

    /// What was noted since the last time.
    pub(crate) fn take(&self) -> Vec<Seen> {
        self.with(|entries| std::mem::take(&mut entries.seen))
    }

    fn with<R>(&self, f: impl FnOnce(&mut Entries) -> R) -> R {
        f(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
