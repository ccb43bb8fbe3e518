//! What a round does: a function of the seed and the number of the round.

use message_port::{Builder, Message, MessageChannel, WaitStrategy};

use crate::random::{Random, scramble};

/// Which types travel, from port 1 to port 2 and back.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Types {
    /// Seven to a block.
    Numbers,
    /// Two to a block, and blocks of one.
    Structs,
    /// Blocks of one.
    LongStructs,
    /// A little too long for blocks, and any length.
    FixedAndParcels,
    NumbersAndParcels,
    Parcels,
}

/// Who uses a port, and how.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum User {
    /// A thread for each half.
    Halves,
    /// A thread with the whole port, which ends it after its last post.
    Whole,
    /// A thread with the whole port, which reads until the peer ends it.
    WholeToTheEnd,
    /// A thread in `run`.
    Handlers,
    /// A task for each half.
    Tasks,
    /// A task with the whole port, which ends it after its last post.
    WholeTask,
    /// A task in `run_async`.
    HandlersTask,
    /// One of several ports in an event loop.
    Loop,
}

impl User {
    pub(crate) fn is_task(self) -> bool {
        matches!(self, Self::Tasks | Self::WholeTask | Self::HandlersTask)
    }
}

/// How long the messages are, where they have a choice.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Sizes {
    Tiny,
    Mixed,
    /// Around the length from which on messages are spilled.
    Around {
        bytes: usize,
    },
    Large,
    /// Now and then one of several MiB.
    Huge,
}

/// How a port, or a half of one, ends when it has done enough.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum End {
    Close,
    Drop,
}

/// What one port does.
#[derive(Clone, Debug)]
pub(crate) struct Side {
    pub(crate) user: User,
    pub(crate) seed: u64,
    /// Messages.
    pub(crate) to_post: u64,
    /// Messages, unless the channel ends before.
    pub(crate) to_read: u64,
    pub(crate) after_posting: End,
    pub(crate) after_reading: End,
    pub(crate) sizes: Sizes,
    /// Bytes that do not fit into half the ring, so that a longer message is spilled.
    pub(crate) spilled_from: usize,
    /// The streams that it posts and reads.
    pub(crate) posts: u64,
    pub(crate) reads: u64,
}

#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub(crate) types: Types,
    /// Bytes per direction.
    pub(crate) capacity: usize,
    /// Bytes per direction.
    pub(crate) growable: Option<usize>,
    pub(crate) spins: bool,
    pub(crate) eager: bool,
    /// Channels; more than one only where the second port is in an event loop.
    pub(crate) sides: Vec<[Side; 2]>,
}

const TYPES: [Types; 10] = [
    Types::Numbers,
    Types::Numbers,
    Types::Numbers,
    Types::Structs,
    Types::Structs,
    Types::LongStructs,
    Types::FixedAndParcels,
    Types::NumbersAndParcels,
    Types::Parcels,
    Types::Parcels,
];
/// These end by themselves after a number of posts, whatever the peer does.
const ACTIVE: [User; 6] =
    [User::Halves, User::Halves, User::Whole, User::Tasks, User::Tasks, User::WholeTask];
/// These go on until they have read enough, or the peer ends the channel.
const PASSIVE: [User; 5] =
    [User::WholeToTheEnd, User::Handlers, User::Handlers, User::HandlersTask, User::Loop];
const CAPACITIES: [usize; 12] = [
    64,
    128,
    256,
    1 << 10,
    4 << 10,
    16 << 10,
    64 << 10,
    64 << 10,
    64 << 10,
    256 << 10,
    256 << 10,
    1 << 20,
];
/// Bytes of messages that a direction carries in a round, roughly.
const BUDGET: u64 = 48 << 20;

impl Sizes {
    pub(crate) fn length(self, random: &mut Random) -> usize {
        match self {
            Self::Tiny => random.below(100),
            Self::Mixed => match random.below(100) {
                0 => random.below(64 << 10),
                1..10 => random.below(4 << 10),
                _ => random.below(128),
            },
            Self::Around { bytes } => (bytes + random.below(128)).saturating_sub(88),
            Self::Large => random.below(256 << 10),
            Self::Huge if random.one_in(32) => random.below(4 << 20),
            Self::Huge => random.below(1 << 10),
        }
    }

    fn longest(self) -> usize {
        match self {
            Self::Tiny => 100,
            Self::Mixed => 64 << 10,
            Self::Around { bytes } => bytes + 40,
            Self::Large => 256 << 10,
            Self::Huge => 4 << 20,
        }
    }

    fn mean(self) -> u64 {
        match self {
            Self::Tiny => 80,
            Self::Mixed => 600,
            Self::Around { bytes } => bytes as u64 + 40,
            Self::Large | Self::Huge => 128 << 10,
        }
    }

    /// Messages in one batch, at most.
    pub(crate) fn batch(self) -> usize {
        match self {
            Self::Tiny | Self::Mixed => 200,
            Self::Around { bytes } => ((1 << 20) / (bytes + 40)).clamp(1, 200),
            Self::Large | Self::Huge => 4,
        }
    }
}

impl Types {
    /// Bytes of a message, roughly, in the direction from this port.
    fn mean(self, side: usize, sizes: Sizes) -> u64 {
        match (self, side) {
            (Self::Numbers, _) | (Self::NumbersAndParcels, 0) => 8,
            (Self::Structs, 0) => 24,
            (Self::Structs, _) => 64,
            (Self::LongStructs, 0) => 200,
            (Self::LongStructs, _) => 512,
            (Self::FixedAndParcels, 0) => 520,
            _ => sizes.mean(),
        }
    }
}

/// From 1 to 2^`bits` messages: mostly many, and sometimes a few.
fn many(random: &mut Random, bits: usize) -> u64 {
    if random.one_in(2) { random.of_any_length(bits) } else { (random.next() >> (64 - bits)) + 1 }
}

impl Plan {
    pub(crate) fn of(seed: u64, round: u64) -> Self {
        let random = &mut Random::new(scramble(seed) ^ round.rotate_left(32));
        let types = random.pick(&TYPES);
        let capacity = random.pick(&CAPACITIES);
        let lengths = [(); 2].map(|()| match random.below(12) {
            0..=3 => Sizes::Tiny,
            4..=7 => Sizes::Mixed,
            8 | 9 => Sizes::Around { bytes: capacity / 2 },
            10 => Sizes::Large,
            _ => Sizes::Huge,
        });
        let longest = lengths[0].longest().max(lengths[1].longest()).max(520);
        let growable = random
            .one_in(4)
            .then(|| capacity * (2 + random.below(6)) + (1 + random.below(3)) * (longest + 128));
        let active = random.pick(&ACTIVE);
        let other = if random.one_in(2) { random.pick(&ACTIVE) } else { random.pick(&PASSIVE) };
        let looping = other == User::Loop;
        let channels = if looping { 1 + random.below(4) } else { 1 };
        // An event loop has its ports at the second side.
        let users = if looping || random.one_in(2) { [active, other] } else { [other, active] };
        // Each few messages of a small ring take a wake-up.
        let bits = match capacity {
            0..=0x400 => 9,
            0x401..=0x4000 => 13,
            _ => 22,
        } - usize::from(looping);
        // Spinning threads take the time of those that they wait for.
        let spins = random.one_in(2) && users.iter().all(|user| *user == User::Whole);
        let bits = if spins { 10 } else { bits };
        // Types of up to 512 bytes lie in blocks. What grows takes longer messages in place.
        let spilled_from = if growable.is_some() { usize::MAX } else { capacity.max(1 << 10) / 2 };
        let planned = (0..channels).map(|_| {
            let streams = [random.next(), random.next()];
            [0, 1].map(|side| Side {
                user: users[side],
                seed: random.next(),
                to_post: (BUDGET / types.mean(side, lengths[side])).min(many(random, bits)),
                to_read: if random.one_in(4) { many(random, bits) } else { u64::MAX },
                after_posting: random.pick(&[End::Close, End::Drop]),
                after_reading: random.pick(&[End::Close, End::Drop]),
                sizes: lengths[side],
                spilled_from,
                posts: streams[side],
                reads: streams[1 - side],
            })
        });
        let sides = planned.collect();
        Self { types, capacity, growable, spins, eager: random.one_in(2), sides }
    }

    pub(crate) fn channel<A: Message, B: Message>(&self) -> MessageChannel<A, B> {
        let mut builder: Builder<A, B> =
            MessageChannel::builder().capacity(self.capacity).eager_tasks(self.eager);
        if let Some(bytes) = self.growable {
            builder = builder.growable(bytes);
        }
        if self.spins {
            builder = builder.wait_strategy(WaitStrategy::Spin);
        }
        builder.build().expect("a channel")
    }
}
