//! The consumer's side of messages in blocks.

use super::{Consumer, Frame, Peek};
use crate::ring::block::{self, Cursor, News, Shape};
use crate::ring::buffer::View;
use crate::ring::{frame, patience, prefetch};
use crate::sync::order;

/// Blocks behind a batch that are prefetched. With twice as many, streams of 16 bytes became slower.
const NEXT_BATCH: usize = 16;

/// For a consumer at `cursor` that has just come to a block, with messages published over the distance
/// `known` in front of it.
#[inline(always)]
pub(super) fn prefetch(view: View, shape: Shape, cursor: Cursor, known: usize) {
    let blocks = shape.blocks_within(prefetch::FOR_READING);
    if known > blocks * shape.count() * block::STEP {
        view.prefetch_for_reading(shape, cursor.ahead(shape, blocks, view.len()));
    }
}

impl Consumer {
    #[inline(always)]
    pub(super) fn peek_in_block(&mut self, shape: Shape) -> Option<Frame> {
        if self.next == self.stop && !self.find_more(shape) {
            return None;
        }
        Some(Frame { end: self.next.wrapping_add(block::STEP), word: frame::EMPTY })
    }

    /// Finds out whether messages are published past [`stop`](Self::stop), and sets it anew. `false` if
    /// the next message is not known to be published.
    #[inline(always)]
    fn find_more(&mut self, shape: Shape) -> bool {
        if self.next == self.known {
            let header = self.segment.view.poll_block(self.cursor, shape);
            let News::Messages(count) = block::news(header, self.cursor) else { return false };
            self.known = self.next.wrapping_add(count * block::STEP);
            self.stop = self.known;
            let is_full = shape.count() == 1 || header == self.cursor.full(shape);
            if !is_full || !self.ahead.is_due() {
                return true;
            }
        }
        self.look_ahead(shape);
        true
    }

    /// Sets where to look for more: where just the reserve is known from there on, or nothing.
    pub(super) fn set_stop(&mut self) {
        let reserve = self.ahead.reserve();
        let is_ahead = self.known.wrapping_sub(self.next) > reserve;
        self.stop = if is_ahead { self.known.wrapping_sub(reserve) } else { self.known };
    }

    /// Looks at a block past those known to be published. If it is full, so are all blocks in
    /// between, and no further look is needed for a while.
    #[inline(never)]
    fn look_ahead(&mut self, shape: Shape) {
        self.look_past_known(shape);
        self.set_stop();
    }

    fn look_past_known(&mut self, shape: Shape) {
        let Some(more) = self.ahead.distance() else { return };
        let (view, bytes) = (self.segment.view, self.segment.view.len());
        // The known messages end at the end of a block.
        let messages = self.cursor.index() + self.known.wrapping_sub(self.next) / block::STEP;
        let known = messages / shape.count();
        // What a count found ahead was used up before this look was due.
        debug_assert!(known + more <= self.ahead.farthest(), "less than a lap is looked ahead");
        let far = self.cursor.ahead(shape, known + more - 1, bytes);
        // In the first lap, the headers in front of the consumer may be uninitialised.
        if far.is_in_first_lap() && !order::active(order::Mutant::EarlyLookAhead) {
            return;
        }
        let found = || view.poll_block(far, shape) == far.full(shape);
        let is_full = found() || {
            patience::rest();
            found()
        };
        self.ahead.learn(is_full, shape);
        if is_full {
            self.known = self.known.wrapping_add(more * shape.count() * block::STEP);
        }
    }

    /// How many blocks from `cursor` on are full, as far as `messages` reach. A full block proves that
    /// all those in front of it are full too, so few looks suffice. The result is a lower bound, and
    /// zero where nobody may look [ahead](crate::ring::ahead).
    pub(super) fn count_full_blocks(&self, shape: Shape, cursor: Cursor, messages: usize) -> usize {
        let (view, bytes) = (self.segment.view, self.segment.view.len());
        // In the first lap, the headers in front of the consumer may be uninitialised.
        if !self.ahead.is_possible() || cursor.is_in_first_lap() {
            return 0;
        }
        let is_full = |blocks: usize| {
            let block = cursor.ahead(shape, blocks, bytes);
            view.poll_block(block, shape) == block.full(shape)
        };
        let (mut full, mut end) = (0, messages.div_ceil(shape.count()).min(self.ahead.farthest()));
        if end > 0 && is_full(end - 1) {
            return end;
        }
        while end - full > 1 {
            let middle = full + (end - full) / 2;
            if is_full(middle - 1) {
                full = middle;
            } else {
                end = middle;
            }
        }
        full
    }

    /// Notes that `messages` messages, at most `limit`, are published from `next` on. Those in a block that is not full
    /// are left to the next look: looking [ahead](crate::ring::ahead) starts at the end of a block.
    pub(super) fn know_in_blocks(&mut self, shape: Shape, messages: usize, limit: usize) {
        // Where the direction grows, some of them may lie in the next segment.
        if !self.ahead.is_possible() {
            return;
        }
        let index = self.cursor.index();
        let whole = (index + messages) / shape.count() * shape.count();
        let known = whole.saturating_sub(index) * block::STEP;
        if known > self.known.wrapping_sub(self.next) {
            self.known = self.next.wrapping_add(known);
            self.set_stop();
        }
        // A producer that is a batch ahead has probably left the lines of the next one, too.
        if messages == limit && shape.stride() == block::LINE {
            let next = self.cursor.ahead(shape, whole / shape.count(), self.segment.view.len());
            let blocks = limit.div_ceil(shape.count()).min(NEXT_BATCH).min(self.ahead.farthest());
            for blocks in 0..blocks {
                let cursor = next.ahead(shape, blocks, self.segment.view.len());
                self.segment.view.prefetch_for_reading(shape, cursor);
            }
        }
    }

    /// Looks again after no message was found: one may have been published since.
    pub(super) fn peek_behind_block(&mut self, shape: Shape) -> Peek {
        let header = self.segment.view.poll_block(self.cursor, shape);
        match block::news(header, self.cursor) {
            News::Switch => Peek::Switch,
            News::Nothing => Peek::Empty,
            News::Messages(_) => self.peek_in_block(shape).map_or(Peek::Empty, Peek::Message),
        }
    }
}
