//! The writing end of a ring.

use super::buffer::{Memory, WriteRun};
use super::frame::{self, HEADER, Kind, Place, SPILL_PAYLOAD};
use super::spill::{NoBuffer, Pool, Ticket};
use super::{Ring, Target, UNSETTLED};
use crate::sync::{Arc, order};

/// Writes frames; there is exactly one per ring.
#[derive(Debug)]
pub(crate) struct Producer {
    /// Where the next frame goes.
    tail: usize,
    /// How far frames may reach without asking for the consumer's head or leaving the lap.
    limit: usize,
    /// Bytes of the longest archive that is not spilled.
    max_in_place: usize,
    /// Bytes of the longest archive that is accepted at all.
    max_message: usize,
    /// A frame that is written but not committed, so that neither it nor what follows is visible
    /// yet.
    held_back: Option<HeldBack>,
    ring: Arc<Ring>,
    pool: Pool,
}

/// The first frame of a batch that is not visible yet.
#[derive(Clone, Copy, Debug)]
struct HeldBack {
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
    pub(super) fn new(ring: Arc<Ring>, start: usize, max_message: usize) -> Self {
        let capacity = ring.buffer.capacity();
        // Room for two of the largest, so that one can be written while another is read.
        let budget = capacity.max(max_message.saturating_mul(2));
        Self {
            tail: start,
            limit: frame::limit(start, capacity),
            max_in_place: frame::max_in_place(capacity).min(max_message),
            max_message,
            held_back: None,
            ring,
            pool: Pool::new(budget),
        }
    }

    /// Bytes of the ring.
    pub(crate) fn capacity(&self) -> usize {
        self.ring.buffer.capacity()
    }

    /// The longest archive that is ever accepted, in bytes.
    pub(crate) fn max_message(&self) -> usize {
        self.max_message
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
        unsafe { self.ring.buffer.write(self.tail, length) }
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
        if let Some(first) = &mut self.held_back {
            first.messages += 1;
            return self.publish(Kind::Message, length, frame::size(length));
        }
        let word = frame::word(Kind::Message, length);
        self.held_back = Some(HeldBack { position: self.tail, word, messages: 1 });
        self.tail = self.tail.wrapping_add(frame::size(length));
        self.ring.buffer.clear(self.tail);
        if order::active(order::Mutant::NoHoldBack) {
            self.ring.buffer.commit(self.tail.wrapping_sub(frame::size(length)), word);
        }
    }

    /// Publishes what was held back; `false` if nothing was.
    pub(crate) fn flush(&mut self) -> bool {
        let held_back = self.held_back.take();
        if let Some(first) = held_back {
            self.ring.buffer.commit(first.position, first.word);
            // Counted after the frames, as each message is: what is counted can be received.
            let posted = &self.ring.producer.posted;
            posted.set(posted.get().wrapping_add(first.messages));
        }
        held_back.is_some()
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
        } else {
            match self.pool.prepare(length, &self.ring.returned) {
                Ok(()) => {
                    self.make_room(SPILL_PAYLOAD).map_or_else(wait_for_head, |()| Reserve::Spilled)
                }
                Err(NoBuffer::Later) => Reserve::WaitFor(Target::BUFFER),
                Err(NoBuffer::OutOfMemory) => Reserve::OutOfMemory,
            }
        }
    }

    /// Whether a wait that [`reserve`](Self::reserve) asked for is over.
    pub(crate) fn has_reached(&self, target: Target) -> bool {
        self.ring.has_reached(target)
    }

    /// Asks, the own port having closed, whether what was posted so far is delivered to the
    /// consumer. Otherwise the consumer has come to the end before.
    pub(crate) fn finish(&self) -> bool {
        self.ring.settle(self.tail) == self.tail
    }

    /// Messages and bytes posted that the consumer's port, having closed, never read.
    pub(crate) fn undelivered(&self) -> (u64, u64) {
        let claimed = self.ring.consumer.claimed.load(order::UNORDERED);
        let settled = self.ring.settle(claimed);
        debug_assert_ne!(settled, UNSETTLED);
        // The consumer passes a skip without claiming it. What it has given back may have been
        // overwritten since, so the walk starts behind it.
        let head = self.ring.head();
        let mut position = if frame::reached(head, settled) { head } else { settled };
        debug_assert!(frame::distance(position, self.tail) <= self.capacity());
        let (mut messages, mut bytes) = (0, 0);
        while position != self.tail {
            let word = self.ring.buffer.committed(position);
            position = match frame::kind(word) {
                Some(Kind::Message) => {
                    messages += 1;
                    bytes += frame::length(word) as u64;
                    position.wrapping_add(frame::size(frame::length(word)))
                }
                Some(Kind::Spill) => {
                    // SAFETY: the producer wrote this frame itself, and nobody else writes.
                    let length = unsafe { Ticket::length(&self.ring.buffer, position) };
                    messages += 1;
                    bytes += length as u64;
                    position.wrapping_add(frame::size(SPILL_PAYLOAD))
                }
                Some(Kind::Skip) => frame::next_lap(position, self.capacity()),
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
        let (head, capacity) = (self.ring.head(), self.capacity());
        let lap_end = match frame::place(head, self.tail, frame::size(length), capacity) {
            Place::WaitFor(target) => return Err(target),
            Place::Here => frame::next_lap(self.tail, capacity),
            Place::NextLap => {
                let lap = frame::next_lap(self.tail, capacity);
                let rest = frame::distance(self.tail, lap);
                self.publish(Kind::Skip, 0, rest);
                frame::next_lap(lap, capacity)
            }
        };
        let limit = frame::limit(head, capacity);
        let lap_is_nearer = frame::distance(self.tail, lap_end) < frame::distance(self.tail, limit);
        self.limit = if lap_is_nearer { lap_end } else { limit };
        Ok(())
    }

    /// Publishes a frame that takes `size` bytes from the cursor on, and moves the cursor.
    #[inline]
    fn publish(&mut self, kind: Kind, length: usize, size: usize) {
        let next = self.tail.wrapping_add(size);
        self.ring.buffer.clear(next);
        self.ring.buffer.commit(self.tail, frame::word(kind, length));
        self.tail = next;
    }
}

fn wait_for_head(position: usize) -> Reserve {
    Reserve::WaitFor(Target(position))
}
