//! A single-producer single-consumer ring of byte frames with in-band publication.
//!
//! It knows bytes, lengths and positions; it knows no archives, no handlers and no waiting.
//! The protocol is written down in `docs/protocol.md`.

mod budget;
mod buffer;
mod consumer;
pub(crate) mod frame;
mod growth;
mod memory;
mod producer;
mod segment;
mod spill;
#[cfg(all(test, not(message_port_loom)))]
mod tests;

pub(crate) use consumer::{Consumer, Frame, Payload, Peek};
pub(crate) use producer::{Producer, Reserve};

use crate::sync::{Arc, AtomicUsize, CachePadded, PositionWord, Statistic, order};
use frame::Kind;
use segment::{Chain, Segment};
use spill::{ReturnPath, Ticket};

/// What is shared between the producer and the consumer of one direction.
#[derive(Debug)]
pub(crate) struct Ring {
    chain: Chain,
    consumer: CachePadded<ConsumerWords>,
    producer: CachePadded<ProducerWords>,
    returned: ReturnPath,
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
}

/// Written by the producer, read by anybody as a hint.
#[derive(Debug)]
struct ProducerWords {
    /// Messages posted since the ring was made.
    posted: Statistic,
}

/// Not a position: those are multiples of a slot.
const UNSETTLED: usize = 1;

/// What a producer waits for: a head, or that a buffer comes back.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Target(usize);

impl Target {
    /// Not a position: those are multiples of a slot.
    const BUFFER: Self = Self(1);

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

/// What the consumer of a ring has given back so far, for the thread that is the consumer.
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
    /// If the direction may grow: bytes that it may have in all, not less than `capacity`.
    pub(crate) growable: Option<usize>,
}

/// Makes a ring and hands out its two ends.
pub(crate) fn new(limits: Limits) -> Result<(Producer, Consumer), OutOfMemory> {
    new_at(0, limits)
}

/// Like [`new`], with the counters starting at `start`, a multiple of the capacity.
fn new_at(start: usize, limits: Limits) -> Result<(Producer, Consumer), OutOfMemory> {
    debug_assert!(start.is_multiple_of(limits.capacity));
    let first = Segment::new(limits.capacity).ok_or(OutOfMemory)?;
    let is_growable = limits.growable.is_some();
    let ring = Arc::new(Ring {
        chain: Chain::new(first, is_growable),
        consumer: CachePadded::new(ConsumerWords {
            head: PositionWord::new(start),
            claimed: AtomicUsize::new(start),
            settled: AtomicUsize::new(UNSETTLED),
        }),
        producer: CachePadded::new(ProducerWords { posted: Statistic::new(0) }),
        returned: ReturnPath::new(if is_growable { 1 } else { spill::BUFFERS }),
    });
    // SAFETY: nobody passes a switch before there is a consumer, and the ends use their segment
    // by the rules of the chain, which lives as long as they do.
    let segment = unsafe { ring.chain.oldest() };
    let producer = Producer::new(Arc::clone(&ring), start, segment, limits);
    Ok((producer, Consumer::new(ring, start, segment)))
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
        if target == Target::BUFFER {
            !self.returned.is_empty()
        } else {
            frame::reached(self.head(), target.0)
        }
    }

    /// Gives everything before `position` back to the producer.
    #[inline]
    fn free_up_to(&self, position: usize) {
        // ORDERING(R1): Release; pairs with R2 in `head`.
        self.consumer.head.store(position, order::release());
    }

    /// Fixes the position up to which messages are delivered, once and for all.
    ///
    /// Each end proposes what it knows; the first one decides and both go by the result. If the
    /// consumer's port closed, a message at the border is either delivered or reported as
    /// undelivered. If the producer's own port closed, it is either delivered or refused.
    fn settle(&self, proposal: usize) -> usize {
        // ORDERING(S3): Release on success; pairs with S4: a sender that decides has committed.
        // ORDERING(S4): Acquire on failure; pairs with S3.
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

impl Drop for Ring {
    /// Frees the buffers of spilled messages that nobody received.
    fn drop(&mut self) {
        // SAFETY: this is the last owner.
        let mut segment = unsafe { self.chain.oldest() };
        let capacity = segment.view.capacity();
        let mut position = self.consumer.head.load(order::UNORDERED);
        loop {
            let word = segment.view.committed(position);
            position = match frame::kind(word) {
                None => break,
                Some(Kind::Message) => position.wrapping_add(frame::size(frame::length(word))),
                Some(Kind::Skip) => frame::next_lap(position, capacity),
                Some(Kind::Switch) => {
                    // SAFETY: this is the last owner.
                    let Some(next) = (unsafe { Chain::behind(segment) }) else { break };
                    segment = next;
                    frame::next_lap(position, capacity)
                }
                Some(Kind::Spill) => {
                    // SAFETY: this is the last owner of the ring, and the frame at `head` or
                    // behind it was not received, so nobody took its ticket.
                    let ticket = unsafe { Ticket::take(segment.view, position) };
                    if order::active(order::Mutant::LeakSpilled) {
                        std::mem::forget(ticket);
                    }
                    position.wrapping_add(frame::size(frame::SPILL_PAYLOAD))
                }
            };
        }
    }
}
