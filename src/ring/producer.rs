//! The writing end of a ring.

mod blocks;
mod filling;
mod room;
mod unread;

use std::mem::MaybeUninit;

use super::block::{self, Cursor};
use super::budget::Budget;
use super::buffer::{View, WriteRun};
use super::frame::{self, HEADER, Kind, SLOT, SPILL_PAYLOAD};
use super::growth::Growth;
use super::layout::Layout;
use super::memory::Memory;
use super::patience::ForRoom;
use super::prefetch;
use super::spill::{self, NoBuffer, Pool, Ticket};
use super::{Ends, Limits, Ring, Store, Target};
use crate::sync::Arc;
use crate::sync::order::{self, Mutant};
pub(crate) use filling::Filling;
use unread::Unread;

/// Writes messages; there is exactly one per ring.
#[derive(Debug)]
pub(crate) struct Producer {
    /// The position of the next message.
    tail: usize,
    /// How far messages may reach before the producer has to read the head or leave the lap.
    limit: usize,
    /// The bytes of the tail's segment.
    view: View,
    /// The place of the tail in these bytes, if they are blocks.
    cursor: Cursor,
    layout: Layout,
    /// The ring's capacity in bytes, as requested.
    capacity: usize,
    /// Bytes of the longest archive that is not spilled.
    max_in_place: usize,
    /// Bytes of the longest archive that is accepted.
    max_message: usize,
    /// A message that is written but not committed, so neither it nor anything behind it is visible.
    held_back: Option<HeldBack>,
    ring: Arc<Ring>,
    store: Arc<Store>,
    /// The start of the tail's segment. For that segment, the head counts only from here on.
    floor: usize,
    patience: ForRoom,
    pool: Pool,
    budget: Budget,
    /// Only where the direction may grow.
    growth: Option<Growth>,
    /// What the consumer never read, once that is final and counted.
    unread: Option<Unread>,
}

/// The start of a batch that is not published yet.
#[derive(Clone, Copy, Debug)]
struct HeldBack {
    view: View,
    position: usize,
    cursor: Cursor,
    /// The commit word of the first frame. Until it is written, the frames behind it are invisible.
    word: u32,
    /// The header of the first block, if the batch continues in another segment.
    left: Option<u32>,
    /// Messages in the batch.
    messages: usize,
}

/// The producer's answer to a request for room.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Reserve {
    /// The next archive of this length can be written in place.
    InPlace,
    /// The next archive of this length can be written into the prepared buffer.
    Spilled,
    /// There is no room until the consumer has got this far.
    WaitFor(Target),
    /// The allocator has no memory for the buffer.
    OutOfMemory,
    /// An archive of this length is never accepted.
    TooLarge,
}

impl Producer {
    pub(super) fn new(ends: Ends, limits: Limits) -> Self {
        let Ends { ring, store, start, segment, layout } = ends;
        let Limits { capacity, max_message, growable } = limits;
        let in_place = match layout {
            Layout::Frames => frame::max_in_place(capacity),
            Layout::Blocks(shape) => shape.size(),
        };
        let max_in_place = in_place.min(max_message);
        let bytes = segment.view.len();
        let (max_message, max_buffers, budget) = match growable {
            // Room for two of the largest, so that one can be written while another is read.
            None => {
                let budget = Budget::new(capacity.max(max_message.saturating_mul(2)), 0);
                (max_message, Some(spill::BUFFERS), budget)
            }
            Some(allowed) => match layout {
                Layout::Frames => {
                    let all = bytes.max(allowed);
                    let beside_the_ring = (all - bytes).max(max_in_place);
                    (max_message.min(beside_the_ring), None, Budget::new(all, bytes))
                }
                // Nothing is spilled. The block that stays free is not counted, so twice the capacity
                // is room for two segments here too.
                Layout::Blocks(shape) => {
                    let counted = capacity.max(bytes - shape.stride());
                    let all = (allowed / counted).max(1).saturating_mul(bytes);
                    (max_message, None, Budget::new(all, bytes))
                }
            },
        };
        Self {
            tail: start,
            limit: match layout {
                Layout::Frames => frame::limit(start, capacity),
                // A message that is too large never has room.
                Layout::Blocks(shape) if shape.size() > max_message => start,
                Layout::Blocks(shape) => start.wrapping_add(shape.room(capacity)),
            },
            view: segment.view,
            cursor: Cursor::START,
            layout,
            capacity,
            max_in_place,
            max_message,
            held_back: None,
            ring,
            store,
            floor: start,
            patience: ForRoom::default(),
            pool: Pool::new(max_buffers),
            budget,
            growth: growable.map(|_| Growth::new(start, segment)),
            unread: None,
        }
    }

    /// Bytes of the ring.
    pub(crate) fn capacity(&self) -> usize {
        self.capacity
    }

    /// The bytes of the newest segment.
    #[cfg(all(test, not(message_port_loom)))]
    pub(super) fn view(&self) -> View {
        self.view
    }

    /// How messages lie in the ring.
    pub(crate) fn layout(&self) -> Layout {
        self.layout
    }

    /// The longest archive that is ever accepted, in bytes.
    pub(crate) fn max_message(&self) -> usize {
        self.max_message
    }

    /// Bytes of the messages that were written and not given back. In frames this includes headers and
    /// skipped ends of laps. The consumer may have given back more meanwhile.
    pub(crate) fn bytes_in_flight(&self) -> usize {
        if self.unread.is_some() {
            return 0;
        }
        let used = self.used_from(self.ring.head());
        match self.layout {
            Layout::Blocks(shape) => used / block::STEP * shape.size(),
            Layout::Frames => used,
        }
    }

    /// Messages posted so far, wrapping.
    pub(crate) fn posted(&self) -> usize {
        match self.layout {
            Layout::Frames => self.ring.producer.posted.get(),
            Layout::Blocks(_) => self.tail / block::STEP,
        }
    }

    /// How far the tail is ahead of `position`, without the unused bytes behind switches.
    fn used_from(&self, position: usize) -> usize {
        let unused = self.growth.as_ref().map_or(0, |growth| growth.unused_from(position));
        frame::distance(position, self.tail) - unused
    }

    /// How often the direction has grown, wrapping.
    pub(crate) fn segments_added(&self) -> usize {
        self.growth.as_ref().map_or(0, Growth::appended)
    }

    /// Whether the next archive of `length` bytes fits at the tail, judging by local knowledge only.
    ///
    /// Here and below, `layout` is the ring's layout, as a constant if the caller has one.
    #[inline(always)]
    pub(crate) fn fits_here(&self, layout: Layout, length: usize) -> bool {
        debug_assert_eq!(layout, self.layout);
        match layout {
            Layout::Blocks(shape) => {
                debug_assert_eq!(length, shape.size());
                self.tail != self.limit
            }
            Layout::Frames => {
                let run = frame::distance(self.tail, self.limit);
                length <= self.max_in_place && frame::size(length) <= run
            }
        }
    }

    /// The size of the largest archive that fits into a frame at the tail right now, in bytes.
    #[inline]
    pub(crate) fn run_length(&self) -> usize {
        let run = frame::distance(self.tail, self.limit);
        run.saturating_sub(HEADER).min(self.max_in_place)
    }

    /// The first `length` bytes at the tail. Writing them does not make them visible.
    ///
    /// `length` must [fit](Self::fits_here), or be at most [`run_length`](Self::run_length).
    #[inline(always)]
    pub(crate) fn run(&mut self, layout: Layout, length: usize) -> WriteRun {
        match layout {
            Layout::Blocks(shape) => {
                debug_assert!(self.fits_here(layout, length));
                // SAFETY: the tail is in front of the limit, so R2 brought a head that is behind
                // every message of this block in the previous lap: the consumer is done with them.
                // This is the only producer.
                unsafe { self.view.write_message(self.cursor, shape) }
            }
            Layout::Frames => {
                debug_assert!(length <= self.run_length());
                // SAFETY: from `tail` to `limit` the lap does not end, and R2 brought a head that
                // makes all of it free: the consumer is done with it. This is the only producer.
                unsafe { self.view.write(self.tail, length) }
            }
        }
    }

    /// Publishes what was written to [`run`](Self::run) as one message of `length` bytes.
    #[inline(always)]
    pub(crate) fn commit(&mut self, layout: Layout, length: usize) {
        debug_assert!(self.fits_here(layout, length));
        match layout {
            Layout::Blocks(shape) => {
                let (view, cursor) = (self.view, self.cursor);
                let publish = || view.commit_block(cursor, shape, cursor.word + 1);
                let (limit, tail) = (&self.limit, &self.tail);
                let room = || limit.wrapping_sub(*tail);
                Self::pass(view, &mut self.cursor, shape, room, publish);
                self.tail = self.tail.wrapping_add(block::STEP);
            }
            Layout::Frames => {
                self.publish(Kind::Message, length, frame::size(length));
                self.ring.producer.posted.count();
            }
        }
    }

    /// Like [`commit`](Self::commit), but [`flush`](Self::flush) makes this message and those after it
    /// visible, all at once.
    #[inline(always)]
    pub(crate) fn commit_in_batch(&mut self, layout: Layout, length: usize) {
        debug_assert!(self.fits_here(layout, length));
        let (position, cursor) = (self.tail, self.cursor);
        match layout {
            Layout::Blocks(shape) => self.hold_back_in_block(shape),
            Layout::Frames => self.hold_back_frame(length),
        }
        if order::active(Mutant::NoHoldBack) {
            match layout {
                Layout::Blocks(shape) => self.view.commit_block(cursor, shape, cursor.word + 1),
                Layout::Frames => {
                    self.view.clear(self.tail);
                    self.view.commit(position, frame::word(Kind::Message, length));
                }
            }
        }
    }

    #[inline(always)]
    fn hold_back_frame(&mut self, length: usize) {
        let word = frame::word(Kind::Message, length);
        let (position, size) = (self.tail, frame::size(length));
        self.tail = position.wrapping_add(size);
        self.prefetch(size);
        // `flush` clears the header at the tail: nobody gets there before that, and the next message
        // writes it anyway.
        if let Some(first) = &mut self.held_back {
            first.messages += 1;
            self.view.commit(position, word);
        } else {
            let (view, cursor) = (self.view, self.cursor);
            let first = HeldBack { view, position, cursor, word, left: None, messages: 1 };
            self.held_back = Some(first);
        }
    }

    /// Publishes what was held back, and returns how many messages that is.
    pub(crate) fn flush(&mut self) -> Option<usize> {
        let first = self.held_back.take()?;
        match self.layout {
            Layout::Blocks(shape) => self.publish_blocks(first, shape),
            Layout::Frames => {
                self.view.clear(self.tail);
                first.view.commit(first.position, first.word);
                // Counted after the frames, as single messages are: what is counted can be received.
                let posted = &self.ring.producer.posted;
                posted.set(posted.get().wrapping_add(first.messages));
            }
        }
        Some(first.messages)
    }

    /// The buffer that [`reserve`](Self::reserve) prepared.
    pub(crate) fn prepared(&mut self) -> &mut [MaybeUninit<u8>] {
        self.pool.prepared().map_or(&mut [], Memory::as_mut_slice)
    }

    /// Publishes what was written to [`prepared`](Self::prepared) as one message of `length`
    /// bytes.
    pub(crate) fn commit_spilled(&mut self, length: usize) {
        let Some(memory) = self.pool.take_prepared() else { return };
        Ticket::new(memory, length).put(self.run(Layout::Frames, SPILL_PAYLOAD));
        self.publish(Kind::Spill, 0, frame::size(SPILL_PAYLOAD));
        self.ring.producer.posted.count();
    }

    /// Makes room for an archive of `length` bytes, if that is possible without waiting.
    pub(crate) fn reserve(&mut self, length: usize) -> Reserve {
        self.pool.look(self.ring.producer.posted.get(), &self.ring.returned, &mut self.budget);
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

    /// Like [`reserve`](Self::reserve), for a spilled message in a direction that may grow.
    fn reserve_spilled_growing(&mut self, length: usize) -> Reserve {
        // Read before counting what is free: whatever the consumer frees later also moves the head.
        let head = self.ring.head();
        match self.prepare_growing(length) {
            Ok(()) => {
                // A segment may displace idle buffers, but not this one.
                let prepared = self.pool.take_prepared();
                let room = self.make_room(SPILL_PAYLOAD);
                self.pool.put_back(prepared);
                room.map_or_else(wait_for_head, |()| Reserve::Spilled)
            }
            // Passed segments free memory too, so every step of the consumer may help.
            Err(NoBuffer::Later) if order::active(Mutant::LateHead) => {
                wait_for_head(self.ring.head().wrapping_add(SLOT))
            }
            Err(NoBuffer::Later) => wait_for_head(head.wrapping_add(SLOT)),
            Err(NoBuffer::OutOfMemory) => Reserve::OutOfMemory,
        }
    }

    /// Prepares a buffer, and frees the spare segment for it if necessary.
    fn prepare_growing(&mut self, length: usize) -> Result<(), NoBuffer> {
        let (chain, returned) = (&self.store.chain, &self.ring.returned);
        self.budget.note_freed(chain.freed());
        let prepared = self.pool.prepare(length, returned, &mut self.budget);
        // SAFETY: this is the producer.
        if prepared == Err(NoBuffer::Later) && unsafe { chain.take_spare() }.is_some() {
            self.budget.give_back(self.view.len());
            return self.pool.prepare(length, returned, &mut self.budget);
        }
        prepared
    }

    /// Whether a wait that [`reserve`](Self::reserve) asked for is over.
    pub(crate) fn has_reached(&self, target: Target) -> bool {
        self.ring.has_reached(target)
    }

    /// The position up to which the consumer has announced deliveries. It may lag, but includes all
    /// announcements that are ordered before this call.
    pub(crate) fn announced(&self) -> usize {
        self.ring.announced()
    }

    /// After the own port closed: whether everything posted so far is delivered to the consumer.
    /// Otherwise the consumer has already come to the end.
    pub(crate) fn finish(&self) -> bool {
        self.ring.settle(self.tail) == self.tail
    }

    /// The bytes of the segment with `position`, which the consumer has not passed.
    fn view_at(&self, position: usize) -> View {
        self.growth.as_ref().and_then(|growth| growth.view_at(position)).unwrap_or(self.view)
    }

    /// Publishes a frame of `size` bytes at the tail, and moves the tail.
    #[inline]
    fn publish(&mut self, kind: Kind, length: usize, size: usize) {
        let next = self.tail.wrapping_add(size);
        self.view.clear(next);
        self.view.commit(self.tail, frame::word(kind, length));
        self.tail = next;
        self.prefetch(size);
    }

    /// Asks for the lines of a frame that is a little ahead of the tail, where the room is known to be
    /// free. `size` is the size of the frame that was just written: the next ones are probably like it.
    #[inline(always)]
    fn prefetch(&self, size: usize) {
        let room = frame::distance(self.tail, self.limit);
        if size <= prefetch::LONGEST && size + prefetch::FOR_WRITING <= room {
            let position = self.tail.wrapping_add(prefetch::FOR_WRITING);
            self.view.prefetch_frame_for_writing(position, size);
        }
    }
}

fn wait_for_head(position: usize) -> Reserve {
    Reserve::WaitFor(Target(position))
}
