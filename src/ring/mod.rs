//! A single-producer single-consumer ring of byte frames with in-band publication.
//!
//! It deals in bytes, lengths and positions, not in archives, handlers or waiting. The protocol is
//! described in `docs/protocol.md`.

mod ahead;
mod block;
mod budget;
mod buffer;
mod consumer;
pub(crate) mod frame;
mod growth;
mod layout;
mod memory;
mod patience;
mod prefetch;
mod producer;
mod returns;
mod segment;
mod spill;
#[cfg(all(test, not(message_port_loom)))]
mod tests;

pub(crate) use block::Shape;
pub(crate) use consumer::{Consumer, Emptying, Frame, Look, Payload, Peek};
pub(crate) use layout::Layout;
pub(crate) use producer::{Filling, Producer, Reserve};

use crate::sync::{Arc, AtomicUsize, CachePadded, PositionWord, Statistic, order};
use ahead::Ahead;
use block::Cursor;
use frame::Kind;
use segment::{Chain, Segment, SegmentRef};
use spill::{ReturnPath, Ticket};

/// The words through which the producer and the consumer of one direction communicate.
#[derive(Debug)]
pub(crate) struct Ring {
    consumer: CachePadded<ConsumerWords>,
    /// On the cache lines behind the consumer's, together with the way back of large messages' buffers.
    producer: ProducerWords,
    returned: ReturnPath,
}

/// The bytes of one direction. Only its two ends own them.
#[derive(Debug)]
struct Store {
    chain: Chain,
    layout: Layout,
    ring: Arc<Ring>,
    /// The position from which on the producer has given everything back, or [`UNSETTLED`] before
    /// that. Only for the producer and the last owner.
    given_back: AtomicUsize,
}

/// What both ends of a direction start with.
#[derive(Clone, Debug)]
struct Ends {
    ring: Arc<Ring>,
    store: Arc<Store>,
    /// The position of the first message.
    start: usize,
    segment: SegmentRef,
    layout: Layout,
}

/// Written by the consumer (except `settled`), read by the producer when it runs out of room.
#[derive(Debug)]
struct ConsumerWords {
    /// Everything before this is free again. It never lags: it moves with each release.
    head: PositionWord,
    /// The end of the message that the consumer delivered last or is about to deliver.
    claimed: AtomicUsize,
    /// Once a port has closed, the position behind which nothing is delivered; [`UNSETTLED`] before
    /// that.
    settled: AtomicUsize,
    /// Switches that the consumer has passed, wrapping. Read once the end is settled.
    passed: AtomicUsize,
    /// Whether the consumer may be looking into segments ahead of its own.
    looking: AtomicUsize,
}

/// Written by the producer, read by anyone as a hint.
#[derive(Debug)]
struct ProducerWords {
    /// Messages posted since the ring was made.
    posted: Statistic,
}

/// Not a position: those are even.
const UNSETTLED: usize = 1;

/// The consumer looks only at its own segment.
const IDLE: usize = 0;

/// The consumer may be looking further ahead.
const LOOKING: usize = 1;

/// What a producer waits for: a position of the head, or a returned buffer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Target(usize);

impl Target {
    /// Not a position: those are even.
    const BUFFER: Self = Self(1);

    /// Not a position either: for a producer that waits for the end, which no release brings nearer.
    pub(crate) const END: Self = Self(3);

    /// For waiters that anything wakes.
    pub(crate) const ANY: Self = Self(0);

    /// The target as a number, to keep in an atomic.
    pub(crate) fn to_bits(self) -> usize {
        self.0
    }

    /// The reverse of [`to_bits`](Self::to_bits).
    pub(crate) fn from_bits(bits: usize) -> Self {
        Self(bits)
    }
}

/// What the consumer of a ring has given back so far, for the consumer's own thread. Keeps the words
/// of the ring alive, not its bytes.
#[derive(Debug)]
pub(crate) struct Progress(Arc<Ring>);

impl Progress {
    /// Whether a producer that waits for `target` can go on.
    pub(crate) fn has_reached(&self, target: Target) -> bool {
        self.0.has_reached(target)
    }

    /// The position up to which the other half of the port has announced deliveries.
    pub(crate) fn announced(&self) -> usize {
        self.0.announced()
    }
}

/// There is no memory for the ring.
#[derive(Debug)]
pub(crate) struct OutOfMemory;

/// How much a direction may use.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// Bytes of the ring, a power of two.
    pub(crate) capacity: usize,
    /// The largest size of an archive, in bytes.
    pub(crate) max_message: usize,
    /// If the direction may grow, the most bytes it may have in all: at least `capacity` and at most
    /// [`frame::MAX_GROWABLE`].
    pub(crate) growable: Option<usize>,
}

/// Makes a ring and hands out its two ends.
pub(crate) fn new(limits: Limits, layout: Layout) -> Result<(Producer, Consumer), OutOfMemory> {
    new_at(0, limits, layout)
}

/// Like [`new`], with counters that start at `start`, a multiple of the capacity.
fn new_at(
    start: usize,
    limits: Limits,
    layout: Layout,
) -> Result<(Producer, Consumer), OutOfMemory> {
    debug_assert!(start.is_multiple_of(limits.capacity));
    debug_assert!(limits.growable.is_none_or(|bytes| bytes <= frame::MAX_GROWABLE));
    let bytes = match layout {
        Layout::Frames => limits.capacity,
        Layout::Blocks(shape) => shape.bytes(limits.capacity),
    };
    let first = Segment::new(bytes, layout).ok_or(OutOfMemory)?;
    let is_growable = limits.growable.is_some();
    let returned = match (layout, limits.growable) {
        // Nothing is spilled.
        (Layout::Blocks(_), _) => ReturnPath::new(0),
        (Layout::Frames, None) => ReturnPath::new(spill::BUFFERS),
        (Layout::Frames, Some(limit)) => {
            let returned = ReturnPath::new(spill::KEPT).sharing(spill::kept_share(limit));
            // More once a burst has shown how many it uses.
            returned.offer(1);
            returned
        }
    };
    let ring = Arc::new(Ring {
        consumer: CachePadded::new(ConsumerWords {
            head: PositionWord::new(start),
            claimed: AtomicUsize::new(start),
            settled: AtomicUsize::new(UNSETTLED),
            passed: AtomicUsize::new(0),
            looking: AtomicUsize::new(IDLE),
        }),
        producer: ProducerWords { posted: Statistic::new(0) },
        returned,
    });
    let chain = Chain::new(first, is_growable);
    let given_back = AtomicUsize::new(UNSETTLED);
    let store = Arc::new(Store { chain, layout, ring: Arc::clone(&ring), given_back });
    // SAFETY: nobody passes a switch before there is a consumer. The ends use their segment by the
    // rules of the chain, which lives as long as they do.
    let segment = unsafe { store.chain.oldest() };
    match layout {
        Layout::Frames => segment.view.clear(start),
        Layout::Blocks(shape) => segment.view.clear_block(Cursor::START, shape),
    }
    let ends = Ends { ring, store, start, segment, layout };
    let ahead = if is_growable { Ahead::NEVER } else { Ahead::new(layout, bytes) };
    let consumer = Consumer::new(ends.clone(), limits.capacity, ahead);
    Ok((Producer::new(ends, limits), consumer))
}

impl Ring {
    /// See [`Producer::announced`].
    fn announced(&self) -> usize {
        self.consumer.claimed.load(order::UNORDERED)
    }

    /// The producer may write everything before the result again.
    #[inline]
    fn head(&self) -> usize {
        // ORDERING(R2): Acquire; pairs with R1 in `free_up_to`: the reads come before the reuse.
        self.consumer.head.load(order::refresh())
    }

    /// Whether a producer that waits for `target` can go on.
    fn has_reached(&self, target: Target) -> bool {
        match target {
            Target::BUFFER => !self.returned.is_empty(),
            Target::END => false,
            Target(position) => frame::reached(self.head(), position),
        }
    }

    /// Gives everything before `position` back to the producer.
    #[inline]
    fn free_up_to(&self, position: usize) {
        // ORDERING(R1): Release; pairs with R2 in `head`.
        self.consumer.head.store(position, order::release());
    }

    /// See [`Consumer::claim`].
    #[inline(always)]
    fn claim(&self, end: usize) {
        if !order::active(order::Mutant::NoClaim) {
            self.consumer.claimed.store(end, order::UNORDERED);
        }
    }

    /// See [`Consumer::withdraw`].
    #[cold]
    fn withdraw(&self, position: usize, end: usize) -> bool {
        self.settle(position) == end
    }

    /// Whether the consumer may move past everything before `start`, which frees it.
    ///
    /// It must not if the end is settled in front of `start`, since the producer may be counting what
    /// is there. If the end is not settled yet, the thread that settles it sees `passed`. Both sides
    /// change the same word, so this does not depend on the barriers of the process.
    fn may_pass_to(&self, start: usize) -> bool {
        if order::active(order::Mutant::NoSwitchClaim) {
            return true;
        }
        let passed = self.consumer.passed.load(order::UNORDERED);
        self.consumer.passed.store(passed.wrapping_add(1), order::UNORDERED);
        let settled = &self.consumer.settled;
        // ORDERING(S5): Release; pairs with S6 in `settle`. Unordered where it is settled: nothing
        // is read behind that.
        match settled.compare_exchange(UNSETTLED, UNSETTLED, order::pass(), order::UNORDERED) {
            Ok(_) => true,
            Err(border) if frame::reached(border, start) => true,
            Err(_) => {
                self.consumer.passed.store(passed, order::UNORDERED);
                false
            }
        }
    }

    /// Switches that the consumer has passed, for the producer once it has
    /// [settled](Self::settle) the end.
    fn passed(&self) -> usize {
        self.consumer.passed.load(order::UNORDERED)
    }

    /// Fixes the position up to which messages are delivered, once and for all.
    ///
    /// Each end proposes the position it knows. The first proposal wins, and both ends use the result.
    /// If the consumer's port closed, a message at the border is either delivered or reported as
    /// undelivered. If the producer's own port closed, it is either delivered or refused.
    fn settle(&self, proposal: usize) -> usize {
        // ORDERING(S3): Release on success; pairs with S4: a sender that decides has committed.
        // ORDERING(S4): Acquire on failure; pairs with S3.
        // ORDERING(S6): Acquire on success; pairs with S5: what the consumer passed is known.
        if order::active(order::Mutant::NoDecision) {
            return proposal;
        }
        let settled = &self.consumer.settled;
        match settled.compare_exchange(UNSETTLED, proposal, order::settle(), order::settled()) {
            Ok(_) => proposal,
            Err(decided) => decided,
        }
    }
}

impl Store {
    /// Frees the buffers of spilled messages that nobody received, and every segment except the newest.
    /// The ends no longer use the others.
    fn free_unread(&mut self) {
        if self.layout != Layout::Frames {
            // Messages in blocks own nothing.
            while self.chain.free_oldest().is_some() {}
            return;
        }
        // SAFETY: this is the last owner.
        let mut segment = unsafe { self.chain.oldest() };
        let capacity = segment.view.len();
        let mut position = self.ring.consumer.head.load(order::UNORDERED);
        let end = self.given_back.load(order::UNORDERED);
        while end == UNSETTLED || !frame::reached(position, end) {
            let word = segment.view.committed(position);
            position = match frame::kind(word) {
                None => break,
                Some(Kind::Message) => position.wrapping_add(frame::size(frame::length(word))),
                Some(Kind::Skip) => frame::next_lap(position, capacity),
                Some(Kind::Switch) => {
                    let Some(next) = self.chain.free_oldest() else { break };
                    segment = next;
                    frame::next_lap(position, capacity)
                }
                Some(Kind::Spill) => {
                    // SAFETY: this is the last owner. The frame is at `head` or behind it, so it
                    // was neither received nor given back, and nobody took its ticket.
                    let ticket = unsafe { Ticket::take(segment.view, position) };
                    if order::active(order::Mutant::LeakSpilled) {
                        std::mem::forget(ticket);
                    }
                    position.wrapping_add(frame::size(frame::SPILL_PAYLOAD))
                }
            };
        }
        while self.chain.free_oldest().is_some() {}
    }
}

impl Drop for Store {
    /// Frees the buffers of spilled messages that nobody received, and those on their way back.
    fn drop(&mut self) {
        // SAFETY: both ends are gone; anyone else with the ring only asks whether it is empty.
        while unsafe { self.ring.returned.pop() }.is_some() {}
        self.free_unread();
    }
}
