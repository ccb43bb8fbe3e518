//! How bytes become a program.
//!
//! Every sequence of bytes is a program; the end of the bytes is its end. Lengths are chosen
//! around the sizes that matter for the capacity at hand.

use super::program::{
    Act, Archive, Handler, How, Operation, Outcome, Part, Program, Rival, Script, Turn,
};
use super::values::{Damage, Kind, Manner, Value};

/// Longer programs find nothing that shorter ones do not, and are slow to shrink.
const MAX_OPERATIONS: usize = 160;

impl Program {
    pub(crate) fn decode(bytes: &[u8]) -> Self {
        Self::decode_up_to(bytes, MAX_OPERATIONS)
    }

    /// Decodes a program of at most so many operations.
    pub(crate) fn decode_up_to(bytes: &[u8], max_operations: usize) -> Self {
        let mut input = Input { bytes, capacity: 64, max_message_len: None, trusted: false };
        let kinds = match input.below(8) {
            0 => [Kind::Flexible, Kind::Flexible],
            1 => [Kind::Plain(1), Kind::Flexible],
            2 => [Kind::Plain(20), Kind::Order],
            3 => [Kind::Order, Kind::Plain(0)],
            4 => [Kind::Plain(1), Kind::Plain(3)],
            5 => [Kind::Plain(20), Kind::Plain(1)],
            6 => [Kind::Plain(64), Kind::Plain(0)],
            // The first of these are too long for blocks.
            _ => [Kind::Plain(65), Kind::Plain(3)],
        };
        let capacity: usize = match input.below(20) {
            0..=3 => 64,
            4..=6 => 128,
            7 | 8 => 256,
            9 => 512,
            10 => 1024,
            11 => 4096,
            12 => 33,
            13 => 200,
            14 => 1000,
            15 => [0, 1, 16, 31, 32, 48, 65, 300][input.below(8)],
            16 => 2048,
            17 => 8192,
            18 => 32 * 1024,
            _ => 64 * 1024,
        };
        input.capacity = capacity.next_power_of_two();
        let limits = usize::from(input.byte());
        let growable = (limits / 16 < 6).then(|| input.max_bytes());
        let limits = limits % 16;
        input.max_message_len = match limits % 8 {
            0..=3 => None,
            4 => Some(input.below(64)),
            5 => Some(input.capacity / 2),
            6 => Some(3 * input.capacity),
            _ => Some(input.capacity.saturating_sub(16) + input.below(32)),
        };
        input.trusted = limits / 8 == 1;
        let mut operations = Vec::new();
        while !input.bytes.is_empty() && operations.len() < max_operations {
            operations.push((input.below(2), input.operation()));
        }
        let Input { max_message_len, trusted, .. } = input;
        Self { kinds, capacity, max_message_len, growable, trusted, operations }
    }
}

struct Input<'a> {
    bytes: &'a [u8],
    capacity: usize,
    max_message_len: Option<usize>,
    trusted: bool,
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

    /// A limit for a direction that may grow.
    fn max_bytes(&mut self) -> usize {
        let capacity = self.capacity;
        match self.below(12) {
            0..=2 => 2 * capacity,
            3 | 4 => 3 * capacity + self.below(64),
            5 | 6 => 4 * capacity,
            7 => (2 * capacity).saturating_sub(1),
            8 => self.below(64),
            9 => 2 * capacity + usize::from(self.byte()) * capacity / 64,
            10 => 10 * capacity,
            // Without a limit long messages would take all there is.
            _ if capacity > 1024 => 8 * capacity,
            _ => usize::MAX,
        }
    }

    fn operation(&mut self) -> Operation {
        match self.below(88) {
            0..=21 => Operation::Post {
                value: self.value(),
                how: self.how(),
                times: self.below(48).saturating_sub(34).max(1),
            },
            22..=35 => Operation::Receive {
                how: self.how(),
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
            61..=63 => Operation::Report,
            64..=68 => Operation::PostBatch(self.values()),
            69..=71 => Operation::PostArchived(self.archive()),
            72..=78 => {
                Operation::PostTask { value: self.value(), rival: self.rival(), acts: self.acts(3) }
            }
            79..=84 => Operation::ReceiveBatch {
                limit: self.below(12),
                panics_at: self.below(32).checked_sub(24),
            },
            _ => Operation::Loop { turns: 1 + self.below(4) },
        }
    }

    fn how(&mut self) -> How {
        let byte = self.byte();
        let which = usize::from(byte / 8 % 2);
        match byte % 8 {
            0..=2 => How::Try,
            3 => How::Timeout,
            4 | 5 => How::Poll(which),
            6 => How::Async(which),
            _ => How::Wait,
        }
    }

    /// Inside of something else nothing may wait.
    fn how_at_once(&mut self) -> How {
        match self.how() {
            How::Wait => How::Async(0),
            how => how,
        }
    }

    fn rival(&mut self) -> Rival {
        match self.below(8) {
            0 | 1 => Rival::Nothing,
            2 | 3 => Rival::Post(self.value()),
            4 => Rival::Batch(self.values()),
            5 => Rival::Archived(self.archive()),
            _ => Rival::Task(self.value()),
        }
    }

    fn values(&mut self) -> Vec<Value> {
        let values = self.below(10);
        (0..values).map(|_| self.value()).collect()
    }

    fn archive(&mut self) -> Archive {
        let mut value = self.value();
        if !matches!(value.manner, Manner::FalseLength(_)) {
            value.manner = Manner::Honest;
        }
        let damage = match self.below(12) {
            0 => Damage::End(1 + self.below(24)),
            1 => Damage::Start(1 + self.below(24)),
            2 | 3 => Damage::Bits { at: usize::from(self.byte()), mask: self.byte() | 1 },
            4 => Damage::Front(self.below(48)),
            _ => Damage::None,
        };
        Archive { value, damage, offset: self.below(17) }
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
            0..=3 => Act::Reply(self.value(), self.how_at_once()),
            4 => Act::CloseOwn,
            5 => Act::ReportOwn,
            6..=9 => Act::PeerPost(self.value(), self.how_at_once()),
            10 | 11 => Act::PeerReceive(self.how_at_once()),
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
            // Who receives archives unchecked has promised that there are none of these.
            _ if self.trusted => Manner::Honest,
            _ => Manner::FalseLength([0, 7, capacity, u32::MAX as usize / 2][self.below(4)]),
        };
        Value { length, manner }
    }
}
