//! The producer's side of messages in blocks.

use super::{HeldBack, Producer};
use crate::ring::block::{self, Cursor, Shape};
use crate::ring::buffer::View;
use crate::ring::prefetch;
use crate::sync::order::{self, Mutant};

impl HeldBack {
    /// With the tail at `tail`: the start of the blocks behind the first one, and the header that the
    /// first one gets. `None` while there is only one block.
    fn rest(&self, tail: Cursor, shape: Shape, bytes: usize) -> Option<(Cursor, u32)> {
        match self.left {
            Some(header) => Some((Cursor::START, header)),
            None if self.cursor.is_in_block_of(tail) => None,
            None => Some((self.cursor.next_block(shape, bytes), self.cursor.full(shape))),
        }
    }
}

impl Producer {
    #[inline(always)]
    pub(super) fn hold_back_in_block(&mut self, shape: Shape) {
        self.hold_back(1);
        let (limit, tail) = (self.limit, self.tail);
        Self::pass(self.view, &mut self.cursor, shape, || limit.wrapping_sub(tail), || ());
        self.tail = self.tail.wrapping_add(block::STEP);
    }

    /// Adds a number of messages, the first of which is at the tail, to the batch that is held back.
    #[inline(always)]
    pub(super) fn hold_back(&mut self, messages: usize) {
        let (view, position, cursor) = (self.view, self.tail, self.cursor);
        let (word, left) = (cursor.word + 1, None);
        self.held_back
            .get_or_insert(HeldBack { view, position, cursor, word, left, messages: 0 })
            .messages += messages;
    }

    /// Publishes the blocks of a batch, the first one last. Until then only a consumer that
    /// [looks ahead](crate::ring::ahead) can see the others, and it sees a complete batch.
    pub(super) fn publish_blocks(&self, first: HeldBack, shape: Shape) {
        let Some((rest, word)) = first.rest(self.cursor, shape, self.view.len()) else {
            return first.view.commit_block(first.cursor, shape, self.cursor.word);
        };
        if self.cursor.index() > 0 {
            self.view.commit_block(self.cursor, shape, self.cursor.word);
        }
        self.publish_full_blocks(rest, shape);
        first.view.commit_block(first.cursor, shape, word);
    }

    /// Publishes the blocks from `cursor` up to the one at the tail, the last one first. A consumer
    /// that finds one of them by looking ahead then also finds those behind it.
    pub(super) fn publish_full_blocks(&self, cursor: Cursor, shape: Shape) {
        let bytes = self.view.len();
        if order::active(Mutant::FirstBlockFirst) {
            let mut block = cursor;
            while !block.is_in_block_of(self.cursor) {
                self.view.commit_block(block, shape, block.full(shape));
                block = block.next_block(shape, bytes);
            }
            return;
        }
        let mut behind = self.cursor;
        while !behind.is_in_block_of(cursor) {
            behind = behind.block_before(shape, bytes);
            self.view.commit_block(behind, shape, behind.full(shape));
        }
    }

    /// Ends the segment behind the tail. A batch continues in the next segment, and its first block
    /// still holds it back.
    pub(super) fn publish_switch(&mut self, shape: Shape) {
        let switch = block::switch(self.cursor);
        let Some(first) = self.held_back else {
            return self.view.commit_block(self.cursor, shape, switch);
        };
        let left = match first.rest(self.cursor, shape, self.view.len()) {
            None => switch,
            Some((rest, word)) => {
                self.publish_full_blocks(rest, shape);
                self.view.commit_block(self.cursor, shape, switch);
                word
            }
        };
        self.held_back = Some(HeldBack { left: Some(left), ..first });
    }

    /// Moves `cursor` past the message there, which `publish` may publish. Before the last message of a
    /// block is published, the next block must announce nothing. It needs clearing only in a segment's
    /// first lap, in which it is uninitialised.
    ///
    /// From the message on there is room over the distance `room`.
    #[inline(always)]
    pub(super) fn pass(
        view: View,
        cursor: &mut Cursor,
        shape: Shape,
        room: impl FnOnce() -> usize,
        publish: impl FnOnce(),
    ) {
        if !cursor.is_last(shape) {
            publish();
            cursor.word += 1;
            return;
        }
        let next = cursor.next_block(shape, view.len());
        if next.is_in_first_lap() {
            view.clear_block(next, shape);
        }
        publish();
        *cursor = next;
        let blocks = shape.blocks_within(prefetch::FOR_WRITING);
        if room() > (blocks + 1) * shape.count() * block::STEP {
            view.prefetch_for_writing(shape, next.ahead(shape, blocks, view.len()));
        }
    }

    pub(super) fn refresh_blocks(&mut self, shape: Shape) -> Result<(), usize> {
        let mut room = shape.room(self.capacity);
        if order::active(Mutant::NoFreeBlock) {
            room += shape.count() * block::STEP;
        }
        self.limit = self.head().wrapping_add(room);
        if self.tail == self.limit && self.grow() {
            self.limit = self.tail.wrapping_add(room);
        }
        if self.tail != self.limit {
            return Ok(());
        }
        Err(self.awaited(self.tail.wrapping_sub(room).wrapping_add(block::STEP)))
    }
}
