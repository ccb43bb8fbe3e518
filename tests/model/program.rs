//! What a program can say; `decode` makes one of bytes.

use std::fmt;

use super::values::{Damage, Kind, Value};

/// Operations, one after another, on the two ports of one channel.
#[derive(Clone, Debug)]
pub(crate) struct Program {
    /// What port 0 and port 1 post.
    pub(crate) kinds: [Kind; 2],
    /// Bytes per direction as asked for; a channel may refuse it.
    pub(crate) capacity: usize,
    pub(crate) max_message_len: Option<usize>,
    /// Bytes that a direction may have in all, where it may grow.
    pub(crate) growable: Option<usize>,
    /// Archives are received unchecked. No message of such a program lies about its length.
    pub(crate) trusted: bool,
    pub(crate) operations: Vec<(Side, Operation)>,
}

/// Index of a port.
pub(crate) type Side = usize;

/// Which of the wakers of a half.
pub(crate) type Which = usize;

#[derive(Clone, Debug)]
pub(crate) enum Operation {
    /// Posts so many times.
    Post {
        value: Value,
        how: How,
        times: usize,
    },
    /// Posts many messages at once.
    PostBatch(Vec<Value>),
    /// Posts an archive that was made elsewhere.
    PostArchived(Archive),
    /// Posts in a task: polls, does this and that at the peer while it waits, polls again, and
    /// drops the future.
    PostTask {
        value: Value,
        rival: Rival,
        acts: Vec<Act>,
    },
    /// Receives, does something with the message in hand, and lets go of it. A task does these
    /// things while it waits, if it has to, and is polled again.
    Receive {
        how: How,
        acts: Vec<Act>,
        forget: bool,
    },
    /// Receives so many messages at once; the receiver may panic over one of them.
    ReceiveBatch {
        limit: usize,
        panics_at: Option<usize>,
    },
    /// Sets one of the handlers.
    Set(Handler, Script),
    /// Removes one of the handlers.
    Clear(Handler),
    Start,
    Dispatch,
    /// Runs the port; only possible where the channel has ended, or it would never return.
    Run,
    /// Moves both ports into an event loop, gives it so many turns, and takes out what is left.
    Loop {
        turns: usize,
    },
    Close(Part),
    /// Drops the port or, after splitting it, one half.
    Drop(Part),
    Split,
    /// Asks the sending half for the close report.
    Report,
}

/// By which call a message is posted or received.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum How {
    /// The call that never waits.
    Try,
    /// The call with a timeout, which is zero.
    Timeout,
    /// The call that a task polls, with this waker.
    Poll(Which),
    /// A future that is polled with this waker and dropped.
    Async(Which),
    /// The call that waits; left out where it would, for nobody else is there.
    Wait,
}

/// What the peer tries while a task waits for room that the peer alone could make.
#[derive(Clone, Debug)]
pub(crate) enum Rival {
    Nothing,
    /// Calls that would wait, so that one of the two must be refused.
    Post(Value),
    Batch(Vec<Value>),
    Archived(Archive),
    /// Another task; the two are polled in turn.
    Task(Value),
}

/// An archive to be posted as it is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Archive {
    pub(crate) value: Value,
    pub(crate) damage: Damage,
    /// Bytes from an aligned address to its first byte.
    pub(crate) offset: usize,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Handler {
    Message,
    MessageError,
    Close,
}

/// What of a port an operation is applied to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Part {
    Whole,
    Sender,
    Receiver,
}

/// What is done while a message is in hand, or inside a handler. The own port is borrowed then:
/// only its sending half can be used, and in the handlers of errors and of the close not even that.
#[derive(Clone, Debug)]
pub(crate) enum Act {
    Reply(Value, How),
    CloseOwn,
    ReportOwn,
    PeerPost(Value, How),
    PeerReceive(How),
    PeerDispatch,
    PeerClose,
    PeerDrop,
    PeerReport,
}

/// What a handler does each time it is called, from the beginning again after the last turn.
pub(crate) type Script = Vec<Turn>;

#[derive(Clone, Debug)]
pub(crate) struct Turn {
    pub(crate) acts: Vec<Act>,
    pub(crate) outcome: Outcome,
}

/// How a handler ends; the number makes its error or its panic recognisable.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Outcome {
    Return,
    Fail(u8),
    Panic(u8),
}

impl How {
    /// Whose waker is kept when there is nothing, or no room.
    pub(crate) fn task(self) -> Option<Which> {
        match self {
            Self::Poll(which) | Self::Async(which) => Some(which),
            Self::Try | Self::Timeout | Self::Wait => None,
        }
    }

    /// Whether the call must be told where it waits for a peer that waits for it. Who polls by
    /// hand may receive before polling again.
    pub(crate) fn may_deadlock(self) -> bool {
        matches!(self, Self::Timeout | Self::Async(_) | Self::Wait)
    }
}

impl fmt::Display for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { kinds, capacity, max_message_len, growable, trusted, operations } = self;
        let trust = if *trusted { ", trusted" } else { "" };
        writeln!(
            f,
            "{kinds:?}, capacity {capacity}, max_message_len {max_message_len:?}, \
             growable {growable:?}{trust}"
        )?;
        operations.iter().try_for_each(|(side, operation)| writeln!(f, "  {side}: {operation:?}"))
    }
}
