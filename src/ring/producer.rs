//! The writing end of a ring.

use super::budget::Budget;
use super::buffer::{View, WriteRun};
use super::frame::{self, HEADER, Kind, Place, SLOT, SPILL_PAYLOAD};
use super::growth::Growth;
use super::memory::Memory;
use super::segment::{Segment, SegmentRef};
use super::spill::{self, NoBuffer, Pool, Ticket};
use super::{Limits, Ring, Target, UNSETTLED};
use crate::sync::Arc;
use crate::sync::order::{self, Mutant};

/// Writes frames; there is exactly one per ring.
#[derive(Debug)]
pub(crate) struct Producer {
    /// Where the next frame goes.
    tail: usize,
    /// How far frames may reach without asking for the consumer's head or leaving the lap.
    limit: usize,
    /// The bytes of the segment in which the cursor is.
    view: View,
    /// Bytes of the longest archive that is not spilled.
    max_in_place: usize,
    /// Bytes of the longest archive that is accepted at all.
    max_message: usize,
    /// A frame that is written but not committed, so that neither it nor what follows is visible
    /// yet.
    held_back: Option<HeldBack>,
    ring: Arc<Ring>,
    /// Where that segment begins. The consumer's head counts for it from there on only.
    floor: usize,
    pool: Pool,
    budget: Budget,
    /// Only where the direction may grow.
    growth: Option<Growth>,
}

/// The first frame of a batch that is not visible yet.
#[derive(Clone, Copy, Debug)]
struct HeldBack {
    view: View,
    position: usize,
    word: u32,
    /// Messages from this one on.
    messages: usize,
}

/// What the producer says to a wish for room.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Reserve {
    /// The next archive of this length can be written in place.
    InPlace,
    /// The next archive of this length can be written into the prepared buffer.
    Spilled,
    /// There is no room before the consumer has got this far.
    WaitFor(Target),
    /// The allocator has no memory for the buffer.
    OutOfMemory,
    /// An archive of this length is never accepted.
    TooLarge,
}

impl Producer {
    pub(super) fn new(ring: Arc<Ring>, start: usize, segment: SegmentRef, limits: Limits) -> Self {
        let Limits { capacity, max_message, growable } = limits;
        let max_in_place = frame::max_in_place(capacity).min(max_message);
        let (max_message, max_buffers, budget) = match growable {
            // Room for two of the largest, so that one can be written while another is read.
            None => {
                let budget = Budget::new(capacity.max(max_message.saturating_mul(2)), 0);
                (max_message, Some(spill::BUFFERS), budget)
            }
            Some(bytes) => {
                let beside_the_ring = (bytes - capacity).max(max_in_place);
                (max_message.min(beside_the_ring), None, Budget::new(bytes, capacity))
            }
        };
        Self {
            tail: start,
            limit: frame::limit(start, capacity),
            view: segment.view,
            max_in_place,
            max_message,
            held_back: None,
            ring,
            floor: start,
            pool: Pool::new(max_buffers),
            budget,
            growth: growable.map(|_| Growth::new(start, segment)),
        }
    }

    /// Bytes of the ring.
    pub(crate) fn capacity(&self) -> usize {
        self.view.capacity()
    }

    /// The longest archive that is ever accepted, in bytes.
    pub(crate) fn max_message(&self) -> usize {
        self.max_message
    }

    /// Bytes of the frames that are written and not given back, with the ends of laps that were
    /// skipped. The consumer may have given more back meanwhile.
    pub(crate) fn bytes_in_flight(&self) -> usize {
        let head = self.ring.head();
        let unused = self.growth.as_ref().map_or(0, |growth| growth.unused_from(head));
        frame::distance(head, self.tail) - unused
    }

    /// How often the direction has grown, wrapping.
    pub(crate) fn segments_added(&self) -> usize {
        self.growth.as_ref().map_or(0, Growth::appended)
    }

    /// Whether the next archive of `length` bytes fits at the cursor, by what is known locally.
    #[inline]
    pub(crate) fn fits_here(&self, length: usize) -> bool {
        length <= self.max_in_place && frame::size(length) <= frame::distance(self.tail, self.limit)
    }

    /// Bytes that an archive may have to be written at the cursor right now.
    #[inline]
    pub(crate) fn run_length(&self) -> usize {
        let run = frame::distance(self.tail, self.limit);
        run.saturating_sub(HEADER).min(self.max_in_place)
    }

    /// The first `length` bytes at the cursor; written, they are not yet visible.
    ///
    /// `length` is at most [`run_length`](Self::run_length).
    #[inline]
    pub(crate) fn run(&mut self, length: usize) -> WriteRun {
        debug_assert!(length <= self.run_length());
        // SAFETY: from `tail` to `limit` the lap does not end, and all of it is behind the head
        // that R2 brought here, so the consumer is done with it; this is the only producer.
        unsafe { self.view.write(self.tail, length) }
    }

    /// Publishes what was written to [`run`](Self::run) as one message of `length` bytes.
    #[inline]
    pub(crate) fn commit(&mut self, length: usize) {
        debug_assert!(self.fits_here(length));
        self.publish(Kind::Message, length, frame::size(length));
        self.ring.producer.posted.count();
    }

    /// Like [`commit`](Self::commit), but the message and those after it become visible with
    /// [`flush`](Self::flush) only, all at once.
    #[inline]
    pub(crate) fn commit_in_batch(&mut self, length: usize) {
        debug_assert!(self.fits_here(length));
        let word = frame::word(Kind::Message, length);
        let position = self.tail;
        self.tail = position.wrapping_add(frame::size(length));
        // The header at the cursor is cleared when the batch is published: until then nobody gets
        // there, and the next message writes it anyway.
        match &mut self.held_back {
            Some(first) => {
                first.messages += 1;
                self.view.commit(position, word);
            }
            None => {
                self.held_back = Some(HeldBack { view: self.view, position, word, messages: 1 });
            }
        }
        if order::active(Mutant::NoHoldBack) {
            self.view.clear(self.tail);
            self.view.commit(position, word);
        }
    }

    /// Publishes what was held back, and says how many messages that is.
    pub(crate) fn flush(&mut self) -> Option<usize> {
        let first = self.held_back.take()?;
        self.view.clear(self.tail);
        first.view.commit(first.position, first.word);
        // Counted after the frames, as each message is: what is counted can be received.
        let posted = &self.ring.producer.posted;
        posted.set(posted.get().wrapping_add(first.messages));
        Some(first.messages)
    }

    /// The buffer that [`reserve`](Self::reserve) prepared.
    pub(crate) fn prepared(&mut self) -> &mut [u8] {
        self.pool.prepared().map_or(&mut [], Memory::as_mut_slice)
    }

    /// Publishes what was written to [`prepared`](Self::prepared) as one message of `length`
    /// bytes.
    pub(crate) fn commit_spilled(&mut self, length: usize) {
        let Some(memory) = self.pool.take_prepared() else { return };
        Ticket::new(memory, length).put(self.run(SPILL_PAYLOAD));
        self.publish(Kind::Spill, 0, frame::size(SPILL_PAYLOAD));
        self.ring.producer.posted.count();
    }

    /// Makes room for an archive of `length` bytes, as far as that is possible without waiting.
    pub(crate) fn reserve(&mut self, length: usize) -> Reserve {
        if length > self.max_message {
            Reserve::TooLarge
        } else if length <= self.max_in_place {
            self.make_room(length).map_or_else(wait_for_head, |()| Reserve::InPlace)
        } else if self.growth.is_some() {
            self.reserve_spilled_growing(length)
        } else {
            match self.pool.prepare(length, &self.ring.returned, &mut self.budget) {
                Ok(()) => {
                    self.make_room(SPILL_PAYLOAD).map_or_else(wait_for_head, |()| Reserve::Spilled)
                }
                Err(NoBuffer::Later) => Reserve::WaitFor(Target::BUFFER),
                Err(NoBuffer::OutOfMemory) => Reserve::OutOfMemory,
            }
        }
    }

    /// Like [`reserve`](Self::reserve), for a message that is spilled where the direction may grow.
    fn reserve_spilled_growing(&mut self, length: usize) -> Reserve {
        // Before what is free is counted: what the consumer frees after this moves it further.
        let head = self.ring.head();
        match self.prepare_growing(length) {
            Ok(()) => {
                // Idle buffers make way for a segment, but not this one.
                let prepared = self.pool.take_prepared();
                let room = self.make_room(SPILL_PAYLOAD);
                self.pool.put_back(prepared);
                room.map_or_else(wait_for_head, |()| Reserve::Spilled)
            }
            // Segments give memory back too, so every step of the consumer may help.
            Err(NoBuffer::Later) if order::active(Mutant::LateHead) => {
                wait_for_head(self.ring.head().wrapping_add(SLOT))
            }
            Err(NoBuffer::Later) => wait_for_head(head.wrapping_add(SLOT)),
            Err(NoBuffer::OutOfMemory) => Reserve::OutOfMemory,
        }
    }

    /// Prepares a buffer, for which a spare segment makes way.
    fn prepare_growing(&mut self, length: usize) -> Result<(), NoBuffer> {
        let (chain, returned) = (&self.ring.chain, &self.ring.returned);
        self.budget.note_freed(chain.freed());
        let prepared = self.pool.prepare(length, returned, &mut self.budget);
        if prepared == Err(NoBuffer::Later) && chain.take_spare().is_some() {
            self.budget.give_back(self.capacity());
            return self.pool.prepare(length, returned, &mut self.budget);
        }
        prepared
    }

    /// Whether a wait that [`reserve`](Self::reserve) asked for is over.
    pub(crate) fn has_reached(&self, target: Target) -> bool {
        self.ring.has_reached(target)
    }

    /// The position up to which the consumer has announced deliveries. It may lag behind, except
    /// for what came before this call by whatever means.
    pub(crate) fn announced(&self) -> usize {
        self.ring.announced()
    }

    /// Asks, the own port having closed, whether what was posted so far is delivered to the
    /// consumer. Otherwise the consumer has come to the end before.
    pub(crate) fn finish(&self) -> bool {
        self.ring.settle(self.tail) == self.tail
    }

    /// Messages and bytes posted that the consumer's port, having closed, never read.
    pub(crate) fn undelivered(&self) -> (u64, u64) {
        let claimed = self.ring.announced();
        let settled = self.ring.settle(claimed);
        debug_assert_ne!(settled, UNSETTLED);
        // The consumer passes a skip without claiming it. What it has given back may have been
        // overwritten since, so the walk starts behind it.
        let head = self.ring.head();
        let mut position = if frame::reached(head, settled) { head } else { settled };
        // The consumer passes no switch that it has not claimed, so what is behind is still there.
        let mut view = self.view_at(position);
        let (mut messages, mut bytes) = (0, 0);
        while position != self.tail {
            let word = view.committed(position);
            position = match frame::kind(word) {
                Some(Kind::Message) => {
                    messages += 1;
                    bytes += frame::length(word) as u64;
                    position.wrapping_add(frame::size(frame::length(word)))
                }
                Some(Kind::Spill) => {
                    // SAFETY: the producer wrote this frame itself, and nobody else writes.
                    let length = unsafe { Ticket::length(view, position) };
                    messages += 1;
                    bytes += length as u64;
                    position.wrapping_add(frame::size(SPILL_PAYLOAD))
                }
                Some(Kind::Skip) => frame::next_lap(position, self.capacity()),
                Some(Kind::Switch) => {
                    let start = frame::next_lap(position, self.capacity());
                    view = self.view_at(start);
                    start
                }
                None => break,
            };
        }
        (messages, bytes)
    }

    /// Makes the run at the cursor long enough for a frame of `length` bytes, or says which head
    /// it takes.
    #[inline]
    fn make_room(&mut self, length: usize) -> Result<(), usize> {
        if self.fits_here(length) { Ok(()) } else { self.refresh(length) }
    }

    #[cold]
    fn refresh(&mut self, length: usize) -> Result<(), usize> {
        let capacity = self.capacity();
        let head = self.head();
        match frame::place(head, self.tail, frame::size(length), capacity) {
            Place::Here => {}
            Place::NextLap => {
                let rest = frame::distance(self.tail, frame::next_lap(self.tail, capacity));
                self.publish(Kind::Skip, 0, rest);
            }
            // An empty segment has room for every frame.
            Place::WaitFor(_) if self.grow() => {}
            Place::WaitFor(target) => {
                return Err(self.growth.as_ref().map_or(target, |growth| growth.awaited(target)));
            }
        }
        let limit = frame::limit(self.head(), capacity);
        let lap_end = frame::next_lap(self.tail, capacity);
        let lap_is_nearer = frame::distance(self.tail, lap_end) < frame::distance(self.tail, limit);
        self.limit = if lap_is_nearer { lap_end } else { limit };
        Ok(())
    }

    /// Everything before the result is free again, in the segment in which the cursor is.
    fn head(&mut self) -> usize {
        let head = self.ring.head();
        if let Some(growth) = &mut self.growth {
            growth.forget_passed(head);
        }
        if order::active(Mutant::NoFloor) {
            return head;
        }
        // It follows the head: positions can be told apart only while they are close together.
        self.floor = frame::later(head, self.floor);
        self.floor
    }

    /// Goes on in another segment, if there may be one more.
    fn grow(&mut self) -> bool {
        let capacity = self.capacity();
        if self.growth.is_none() {
            return false;
        }
        let segment = self.ring.chain.take_spare().or_else(|| self.allocate_segment());
        let (Some(growth), Some(segment)) = (&mut self.growth, segment) else { return false };
        let start = frame::next_lap(self.tail, capacity);
        let Some(next) = growth.append(start, segment) else { return false };
        growth.leave_unused(frame::distance(self.tail, start));
        next.view.clear(start);
        self.view.commit(self.tail, frame::word(Kind::Switch, 0));
        self.view = next.view;
        self.tail = start;
        self.floor = start;
        true
    }

    /// Allocates a segment within the budget, for which idle buffers make way.
    fn allocate_segment(&mut self) -> Option<Box<Segment>> {
        let capacity = self.capacity();
        self.budget.note_freed(self.ring.chain.freed());
        if !self.budget.has(capacity) {
            self.pool.shrink(&self.ring.returned, &mut self.budget);
        }
        if !self.budget.has(capacity) {
            return None;
        }
        let segment = Segment::returnable(capacity)?;
        self.budget.take(capacity);
        Some(segment)
    }

    /// The bytes at a position that the consumer has not passed.
    fn view_at(&self, position: usize) -> View {
        self.growth.as_ref().and_then(|growth| growth.view_at(position)).unwrap_or(self.view)
    }

    /// Publishes a frame that takes `size` bytes from the cursor on, and moves the cursor.
    #[inline]
    fn publish(&mut self, kind: Kind, length: usize, size: usize) {
        let next = self.tail.wrapping_add(size);
        self.view.clear(next);
        self.view.commit(self.tail, frame::word(kind, length));
        self.tail = next;
    }
}

fn wait_for_head(position: usize) -> Reserve {
    Reserve::WaitFor(Target(position))
}
