//! Where a producer finds room: in what the consumer gave back, the next lap, or another segment.

use super::Producer;
use crate::ring::block::{self, Cursor};
use crate::ring::frame::{self, Kind, Place, SLOT};
use crate::ring::layout::Layout;
use crate::ring::segment::Segment;
use crate::sync::order::{self, Mutant};

impl Producer {
    /// Makes room at the tail for an archive of `length` bytes, or returns the head that it takes.
    #[inline]
    pub(super) fn make_room(&mut self, length: usize) -> Result<(), usize> {
        if self.fits_here(self.layout, length) { Ok(()) } else { self.refresh(length) }
    }

    #[cold]
    pub(super) fn refresh(&mut self, length: usize) -> Result<(), usize> {
        self.patience.pause();
        let (refreshed, size, all) = match self.layout {
            Layout::Frames => (self.refresh_frames(length), frame::size(length), self.capacity),
            Layout::Blocks(shape) => {
                (self.refresh_blocks(shape), block::STEP, shape.room(self.capacity))
            }
        };
        self.patience.learn(frame::distance(self.tail, self.limit), size, all);
        refreshed
    }

    pub(super) fn refresh_frames(&mut self, length: usize) -> Result<(), usize> {
        let capacity = self.capacity;
        let head = self.head();
        match frame::place(head, self.tail, frame::size(length), capacity) {
            Place::Here => {}
            Place::NextLap => {
                let rest = frame::distance(self.tail, frame::next_lap(self.tail, capacity));
                self.publish(Kind::Skip, 0, rest);
            }
            // An empty segment has room for every frame.
            Place::WaitFor(_) if self.grow() => {}
            Place::WaitFor(target) => return Err(self.awaited(target)),
        }
        let limit = frame::limit(self.head(), capacity);
        let lap_end = frame::next_lap(self.tail, capacity);
        let lap_is_nearer = frame::distance(self.tail, lap_end) < frame::distance(self.tail, limit);
        self.limit = if lap_is_nearer { lap_end } else { limit };
        Ok(())
    }

    /// The position that the consumer has to reach to make room. In the newest segment alone that is
    /// `target`.
    pub(super) fn awaited(&self, target: usize) -> usize {
        self.growth.as_ref().map_or(target, |growth| growth.awaited(target))
    }

    /// Everything before the result is free again in the tail's segment.
    pub(super) fn head(&mut self) -> usize {
        let head = self.ring.head();
        if let Some(growth) = &mut self.growth {
            growth.forget_passed(head);
        }
        if order::active(Mutant::NoFloor) {
            return head;
        }
        // Follows the head, since only positions close together compare correctly.
        self.floor = frame::later(head, self.floor);
        self.floor
    }

    /// Continues in another segment, if there may be one more.
    pub(super) fn grow(&mut self) -> bool {
        if self.growth.is_none() {
            return false;
        }
        // SAFETY: this is the producer.
        let spare = unsafe { self.store.chain.take_spare() };
        let segment = spare.or_else(|| self.allocate_segment());
        let (Some(growth), Some(segment)) = (&mut self.growth, segment) else { return false };
        let start = match self.layout {
            Layout::Frames => frame::next_lap(self.tail, self.capacity),
            Layout::Blocks(_) => self.tail.wrapping_add(block::STEP),
        };
        let Some(next) = growth.append(start, segment) else { return false };
        growth.leave_unused(frame::distance(self.tail, start));
        match self.layout {
            Layout::Frames => {
                next.view.clear(start);
                self.view.commit(self.tail, frame::word(Kind::Switch, 0));
            }
            Layout::Blocks(shape) => {
                next.view.clear_block(Cursor::START, shape);
                self.publish_switch(shape);
                self.cursor = Cursor::START;
            }
        }
        self.view = next.view;
        self.tail = start;
        self.floor = start;
        true
    }

    /// Allocates a segment within the budget, and frees idle buffers for it if necessary.
    pub(super) fn allocate_segment(&mut self) -> Option<Box<Segment>> {
        let bytes = self.view.len();
        self.budget.note_freed(self.store.chain.freed());
        if !self.budget.has(bytes) {
            self.pool.shrink(&self.ring.returned, &mut self.budget);
        }
        if !self.budget.has(bytes) {
            return None;
        }
        let segment = Segment::returnable(bytes, self.layout)?;
        self.budget.take(bytes);
        Some(segment)
    }

    /// How far the tail can go in its segment with what the consumer has given back, as a distance of
    /// positions.
    fn room(&self) -> usize {
        let head = frame::later(self.ring.head(), self.floor);
        match self.layout {
            Layout::Frames => frame::distance(self.tail, frame::limit(head, self.capacity)),
            Layout::Blocks(shape) => shape.room(self.capacity) - frame::distance(head, self.tail),
        }
    }

    /// Whether even the shortest message has to wait for the consumer or be refused.
    pub(crate) fn is_full(&self) -> bool {
        self.room() == 0 && self.segments_left() == 0
    }

    /// Free bytes of the ring; if it may grow, also those of the segments that may be added.
    pub(crate) fn remaining(&self) -> usize {
        let (room, segment) = match self.layout {
            Layout::Frames => (self.room(), self.capacity - SLOT),
            Layout::Blocks(shape) => {
                let bytes = |room| room / block::STEP * shape.size();
                (bytes(self.room()), bytes(shape.room(self.capacity)))
            }
        };
        room.saturating_add(self.segments_left().saturating_mul(segment))
    }

    /// How many segments the direction may still add, if idle buffers are freed for them.
    fn segments_left(&self) -> usize {
        if self.growth.is_none() {
            return 0;
        }
        let chain = &self.store.chain;
        let spare = usize::from(chain.has_spare());
        let buffers = self.pool.spare_bytes(&self.ring.returned);
        let bytes = self.budget.left(chain.freed()).saturating_add(buffers);
        spare + bytes / self.view.len()
    }
}
