//! What a program can say, and how bytes become one.
//!
//! Every sequence of bytes is a program; the end of the bytes is its end. Lengths are chosen
//! around the sizes that matter for the capacity at hand.

use std::fmt;

use super::values::{Kind, Manner, Value};

/// Operations, one after another, on the two ports of one channel.
#[derive(Clone, Debug)]
pub(crate) struct Program {
    /// What port 0 and port 1 post.
    pub(crate) kinds: [Kind; 2],
    /// Bytes per direction as asked for; a channel may refuse it.
    pub(crate) capacity: usize,
    pub(crate) max_message_len: Option<usize>,
    pub(crate) operations: Vec<(Side, Operation)>,
}

/// Index of a port.
pub(crate) type Side = usize;

#[derive(Clone, Debug)]
pub(crate) enum Operation {
    /// Posts so many times without waiting, by `try_` or with a timeout of zero.
    Post {
        value: Value,
        timeout: bool,
        times: usize,
    },
    /// Receives without waiting, does something with the message in hand, and lets go of it.
    Receive {
        timeout: bool,
        acts: Vec<Act>,
        forget: bool,
    },
    /// Sets one of the handlers.
    Set(Handler, Script),
    /// Removes one of the handlers.
    Clear(Handler),
    Start,
    Dispatch,
    /// Runs the port; only possible where the channel has ended, or it would never return.
    Run,
    Close(Part),
    /// Drops the port or, after splitting it, one half.
    Drop(Part),
    Split,
    /// Asks the sending half for the close report.
    Report,
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
    Reply(Value),
    CloseOwn,
    ReportOwn,
    PeerPost(Value),
    PeerReceive,
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

/// Longer programs find nothing that shorter ones do not, and are slow to shrink.
const MAX_OPERATIONS: usize = 160;

impl Program {
    pub(crate) fn decode(bytes: &[u8]) -> Self {
        let mut input = Input { bytes, capacity: 64, max_message_len: None };
        let kinds = match input.below(4) {
            0 => [Kind::Flexible, Kind::Flexible],
            1 => [Kind::Plain(1), Kind::Flexible],
            2 => [Kind::Plain(20), Kind::Order],
            _ => [Kind::Order, Kind::Plain(0)],
        };
        let capacity: usize = match input.below(16) {
            0..=3 => 64,
            4..=6 => 128,
            7 | 8 => 256,
            9 => 512,
            10 => 1024,
            11 => 4096,
            12 => 33,
            13 => 200,
            14 => 1000,
            _ => [0, 1, 16, 31, 32, 48, 65, 300][input.below(8)],
        };
        input.capacity = capacity.next_power_of_two();
        input.max_message_len = match input.below(8) {
            0..=3 => None,
            4 => Some(input.below(64)),
            5 => Some(input.capacity / 2),
            6 => Some(3 * input.capacity),
            _ => Some(input.capacity.saturating_sub(16) + input.below(32)),
        };
        let mut operations = Vec::new();
        while !input.bytes.is_empty() && operations.len() < MAX_OPERATIONS {
            operations.push((input.below(2), input.operation()));
        }
        Self { kinds, capacity, max_message_len: input.max_message_len, operations }
    }
}

impl fmt::Display for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { kinds, capacity, max_message_len, operations } = self;
        writeln!(f, "{kinds:?}, capacity {capacity}, max_message_len {max_message_len:?}")?;
        operations.iter().try_for_each(|(side, operation)| writeln!(f, "  {side}: {operation:?}"))
    }
}

struct Input<'a> {
    bytes: &'a [u8],
    capacity: usize,
    max_message_len: Option<usize>,
}

impl Input<'_> {
    /// The next byte; zero when there are none left.
    fn byte(&mut self) -> u8 {
        let Some((&first, rest)) = self.bytes.split_first() else { return 0 };
        self.bytes = rest;
        first
    }

    fn below(&mut self, end: u8) -> usize {
        usize::from(self.byte() % end)
    }

    fn operation(&mut self) -> Operation {
        match self.below(64) {
            0..=21 => Operation::Post {
                value: self.value(),
                timeout: self.below(4) == 0,
                times: self.below(48).saturating_sub(34).max(1),
            },
            22..=35 => Operation::Receive {
                timeout: self.below(4) == 0,
                acts: self.acts(3),
                forget: self.below(4) == 0,
            },
            36..=41 => Operation::Set(Handler::Message, self.script()),
            42..=44 => Operation::Set(Handler::MessageError, self.script()),
            45..=47 => Operation::Set(Handler::Close, self.script()),
            48 => Operation::Clear(self.handler()),
            49 => Operation::Start,
            50..=56 => Operation::Dispatch,
            57 => Operation::Run,
            58 => Operation::Close(self.part()),
            59 => Operation::Drop(self.part()),
            60 => Operation::Split,
            _ => Operation::Report,
        }
    }

    fn handler(&mut self) -> Handler {
        [Handler::Message, Handler::MessageError, Handler::Close][self.below(3)]
    }

    fn part(&mut self) -> Part {
        [Part::Whole, Part::Sender, Part::Receiver][self.below(3)]
    }

    fn script(&mut self) -> Script {
        let turns = 1 + self.below(3);
        (0..turns).map(|_| Turn { acts: self.acts(2), outcome: self.outcome() }).collect()
    }

    fn outcome(&mut self) -> Outcome {
        let byte = self.byte();
        match byte % 4 {
            0 | 1 => Outcome::Return,
            2 => Outcome::Fail(byte),
            _ => Outcome::Panic(byte),
        }
    }

    fn acts(&mut self, most: u8) -> Vec<Act> {
        let acts = self.below(most + 1);
        (0..acts).map(|_| self.act()).collect()
    }

    fn act(&mut self) -> Act {
        match self.below(16) {
            0..=3 => Act::Reply(self.value()),
            4 => Act::CloseOwn,
            5 => Act::ReportOwn,
            6..=9 => Act::PeerPost(self.value()),
            10 | 11 => Act::PeerReceive,
            12 => Act::PeerDispatch,
            13 => Act::PeerClose,
            14 => Act::PeerDrop,
            _ => Act::PeerReport,
        }
    }

    fn value(&mut self) -> Value {
        let capacity = self.capacity;
        let spread = |middle: usize, more: usize| middle.saturating_sub(24) + more;
        let length = match self.below(8) {
            0 | 1 => self.below(32),
            2 => 0,
            3 => spread(capacity / 2, self.below(48)),
            4 => spread(capacity / 4, self.below(48)),
            5 => spread(capacity, self.below(48)),
            6 => spread(self.max_message_len.unwrap_or(2 * capacity), self.below(48)),
            _ => usize::from(self.byte()) * capacity / 64,
        };
        let manner = match self.below(16) {
            0..=8 => Manner::Honest,
            9 => Manner::Fail(self.below(3)),
            10 => Manner::Panic(self.below(3)),
            11 | 12 => Manner::Grow(1 + self.below(64)),
            13 | 14 => Manner::Shrink(1 + self.below(64)),
            _ => Manner::FalseLength([0, 7, capacity, u32::MAX as usize / 2][self.below(4)]),
        };
        Value { length, manner }
    }
}
