//! What can be observed of a channel, in the order in which it happened.

use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Wake, Waker};

pub(crate) use super::content::Content;
use super::program::{Side, Which};
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
    PostBatch {
        /// The number of the first message; the others follow.
        serial: u64,
        /// How many messages were asked of the iterator.
        asked: usize,
        writes: Vec<Vec<Write>>,
        outcome: Batched,
    },
    PostArchived {
        archive: Vec<u8>,
        outcome: Posting,
    },
    Receive(Receiving),
    ReceiveBatch {
        contents: Vec<Content>,
        outcome: ReceivingBatch,
    },
    /// The message in hand, once more, after other things were done.
    StillInHand(Content),
    /// The message handler of this port was called.
    Message(Side, Content),
    /// The messageerror handler of this port was called.
    MessageError {
        side: Side,
        cause: Cause,
        content: Option<Content>,
    },
    /// The close handler of this port was called.
    Close(Side, Report),
    Dispatch(Dispatching),
    /// A turn of an event loop, and the port that it names in its error.
    Loop {
        outcome: Dispatching,
        at: Option<Side>,
    },
    /// Which ports an event loop still had at its end.
    Remain([bool; 2]),
    /// A task was woken.
    Woken(Cell, Which),
    Report(Option<Report>),
    /// The operation was not possible: what it needs was dropped, split or is borrowed.
    Impossible,
}

/// Where a task waits.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Cell {
    pub(crate) side: Side,
    pub(crate) half: Half,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Half {
    Sender,
    Receiver,
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
    /// Full, timed out, or pending.
    Full,
    WouldDeadlock,
    Closed,
    Disconnected,
    TooLarge {
        needed: usize,
        max: usize,
    },
    DataClone,
    Panicked,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Batched {
    Posted(usize),
    Refused(Posting),
    Panicked,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Receiving {
    Message {
        content: Content,
        archive_length: usize,
        /// The contents as an independent reader finds them in the bytes.
        in_bytes: Option<Content>,
    },
    /// Empty, timed out, or pending.
    Empty,
    Closed,
    Disconnected,
    Invalid,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum ReceivingBatch {
    Received(usize),
    Refused(Receiving),
    Panicked,
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
    /// Wakers that are kept by the sending and by the receiving half.
    pub(crate) wakers: [usize; 2],
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

/// Where the handlers and the program of one port write down what they see. It is shared with
/// handlers, which must be `Send`.
#[derive(Clone)]
pub(crate) struct Journal {
    entries: Arc<Mutex<Entries>>,
    side: Side,
}

#[derive(Default)]
struct Entries {
    seen: Vec<Seen>,
    posts: u64,
    /// Wakers that live, by port and half.
    wakers: [[usize; 2]; 2],
}

impl Journal {
    /// An empty one, for port 0.
    pub(crate) fn new() -> Self {
        Self { entries: Arc::default(), side: 0 }
    }

    /// The same, for the peer.
    pub(crate) fn of_peer(&self) -> Self {
        Self { entries: Arc::clone(&self.entries), side: 1 - self.side }
    }

    /// Whose it is.
    pub(crate) fn side(&self) -> Side {
        self.side
    }

    pub(crate) fn note(&self, seen: Seen) {
        self.with(|entries| entries.seen.push(seen));
    }

    /// How many observations there are since the last time.
    pub(crate) fn noted(&self) -> usize {
        self.with(|entries| entries.seen.len())
    }

    /// Forgets that this task was woken, if that is all there is since there were `noted`
    /// observations.
    pub(crate) fn take_back_wake(&self, noted: usize, half: Half, which: Which) -> bool {
        let woken = [Seen::Woken(Cell { side: self.side, half }, which)];
        self.with(|entries| {
            let is_all = entries.seen[noted..] == woken;
            if is_all {
                entries.seen.truncate(noted);
            }
            is_all
        })
    }

    /// A number for the next message.
    pub(crate) fn serial(&self) -> u64 {
        self.with(|entries| {
            entries.posts += 1;
            entries.posts
        })
    }

    /// A waker that writes down when it is called.
    pub(crate) fn waker(&self, half: Half, which: Which) -> Waker {
        let cell = Cell { side: self.side, half };
        self.with(|entries| entries.wakers[cell.side][cell.half as usize] += 1);
        Waker::from(Arc::new(Task { cell, which, journal: self.clone() }))
    }

    /// How many wakers of the two halves are left.
    pub(crate) fn wakers(&self) -> [usize; 2] {
        self.with(|entries| entries.wakers[self.side])
    }

    /// What was noted since the last time.
    pub(crate) fn take(&self) -> Vec<Seen> {
        self.with(|entries| std::mem::take(&mut entries.seen))
    }

    fn with<R>(&self, f: impl FnOnce(&mut Entries) -> R) -> R {
        f(&mut self.entries.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

struct Task {
    cell: Cell,
    which: Which,
    journal: Journal,
}

impl Wake for Task {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.journal.note(Seen::Woken(self.cell, self.which));
    }
}

impl Drop for Task {
    fn drop(&mut self) {
        let Cell { side, half } = self.cell;
        self.journal.with(|entries| entries.wakers[side][half as usize] -= 1);
    }
}
