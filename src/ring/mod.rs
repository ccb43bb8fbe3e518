//! A single-producer single-consumer ring of byte frames with in-band publication.
//!
//! It knows bytes, lengths and positions; it knows no archives, no handlers and no waiting.
//! The protocol is written down in `docs/protocol.md`.

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

/// What the producer and the consumer of one direction tell each other.
#[derive(Debug)]
pub(crate) struct Ring {
    consumer: CachePadded<ConsumerWords>,
    producer: CachePadded<ProducerWords>,
    returned: ReturnPath,
}

/// The bytes of one direction. They belong to its two ends, and to nobody else.
#[derive(Debug)]
struct Store {
    chain: Chain,
    layout: Layout,
    ring: Arc<Ring>,
    /// The position from which on the producer has given everything back, if it has; before,
    /// [`UNSETTLED`]. For the producer and for the last owner.
    given_back: AtomicUsize,
}

/// What both ends of a direction begin with.
#[derive(Clone, Debug)]
struct Ends {
    ring: Arc<Ring>,
    store: Arc<Store>,
    /// The position of the first message.
    start: usize,
    segment: SegmentRef,
    layout: Layout,
}

/// Written by the consumer (but for `settled`), read by the producer when its room runs out.
#[derive(Debug)]
struct ConsumerWords {
    /// Everything before it is free again. May lag behind nothing: it moves with each release.
    head: PositionWord,
    /// Where the message ends that the consumer delivered last, or is about to deliver.
    claimed: AtomicUsize,
    /// Once a port has closed: the position that nothing delivered is behind. Before,
    /// [`UNSETTLED`].
    settled: AtomicUsize,
    /// Switches that the consumer has passed, wrapping; read once the end is settled.
    passed: AtomicUsize,
    /// Whether the consumer may be looking into segments ahead of its own.
    looking: AtomicUsize,
}

/// Written by the producer, read by anybody as a hint.
#[derive(Debug)]
struct ProducerWords {
    /// Messages posted since the ring was made.
    posted: Statistic,
}

/// Not a position: those are even.
const UNSETTLED: usize = 1;

/// The consumer looks at its own segment only.
const IDLE: usize = 0;

/// The consumer may be looking further ahead.
const LOOKING: usize = 1;

/// What a producer waits for: a head, or that a buffer comes back.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Target(usize);

impl Target {
    /// Not a position: those are even.
    const BUFFER: Self = Self(1);

    /// No position either: for a producer that waits for the end, which no release brings nearer.
    pub(crate) const END: Self = Self(3);

    /// For waiters that are woken by whatever comes.
    pub(crate) const ANY: Self = Self(0);

    /// As a number, to be kept in an atomic.
    pub(crate) fn to_bits(self) -> usize {
        self.0
    }

    /// What [`to_bits`](Self::to_bits) gave.
    pub(crate) fn from_bits(bits: usize) -> Self {
        Self(bits)
    }
}

/// What the consumer of a ring has given back so far, for the thread that is the consumer. Keeps
/// the words of the ring alive, not its bytes.
#[derive(Debug)]
pub(crate) struct Progress(Arc<Ring>);

impl Progress {
    /// Whether a producer that waits for `target` has what it waits for.
    pub(crate) fn has_reached(&self, target: Target) -> bool {
        self.0.has_reached(target)
    }

    /// The position up to which the other half of the port has announced deliveries.
    pub(crate) fn announced(&self) -> usize {
        self.0.announced()
    }
}

/// The ring's memory could not be had.
#[derive(Debug)]
pub(crate) struct OutOfMemory;

/// What a direction may use.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// Bytes of the ring, a power of two.
    pub(crate) capacity: usize,
    /// Bytes that an archive may have.
    pub(crate) max_message: usize,
    /// If the direction may grow: bytes that it may have in all, not less than `capacity` and at
    /// most [`frame::MAX_GROWABLE`].
    pub(crate) growable: Option<usize>,
}

/// Makes a ring and hands out its two ends.
pub(crate) fn new(limits: Limits, layout: Layout) -> Result<(Producer, Consumer), OutOfMemory> {
    new_at(0, limits, layout)
}

/// Like [`new`], with the counters starting at `start`, a multiple of the capacity.
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
    let ring = Arc::new(Ring {
        consumer: CachePadded::new(ConsumerWords {
            head: PositionWord::new(start),
            claimed: AtomicUsize::new(start),
            settled: AtomicUsize::new(UNSETTLED),
            passed: AtomicUsize::new(0),
            looking: AtomicUsize::new(IDLE),
        }),
        producer: CachePadded::new(ProducerWords { posted: Statistic::new(0) }),
        returned: ReturnPath::new(if is_growable { 1 } else { spill::BUFFERS }),
    });
    let chain = Chain::new(first, is_growable);
    let given_back = AtomicUsize::new(UNSETTLED);
    let store = Arc::new(Store { chain, layout, ring: Arc::clone(&ring), given_back });
    // SAFETY: nobody passes a switch before there is a consumer, and the ends use their segment
    // by the rules of the chain, which lives as long as they do.
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

    /// Everything before the result is the producer's to write again.
    #[inline]
    fn head(&self) -> usize {
        // ORDERING(R2): Acquire; pairs with R1 in `free_up_to`: the reads come before the reuse.
        self.consumer.head.load(order::refresh())
    }

    /// Whether a producer that waits for `target` has what it waits for.
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

    /// Whether the consumer may leave everything before `start` behind, and have it freed.
    ///
    /// It must not if the end is settled in front of `start`: the producer may be counting what is
    /// there. If the end is not settled yet, whoever settles it sees `passed`. Both sides change
    /// the same word, so this holds whatever the barriers of the process order.
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
    /// Each end proposes what it knows; the first one decides and both go by the result. If the
    /// consumer's port closed, a message at the border is either delivered or reported as
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
    /// Frees the buffers of spilled messages that nobody received, and every segment but the newest.
    /// The ends use no other any more.
    fn free_unread(&mut self) {
        if self.layout != Layout::Frames {
            // Nothing in a block owns anything.
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
                    // SAFETY: this is the last owner, and the frame at `head` or behind it was not
                    // received, nor given back, so nobody took its ticket.
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
        // SAFETY: both ends are gone; whoever else has the ring only asks whether it is empty.
        while unsafe { self.ring.returned.pop() }.is_some() {}
        self.free_unread();
    }
}
