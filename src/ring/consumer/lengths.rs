//! A walk over the messages in front of a consumer.

use super::Consumer;
use crate::ring::block::{self, Cursor, News, Shape};
use crate::ring::frame::{self, Kind, SPILL_PAYLOAD};
use crate::ring::segment::{Chain, SegmentRef};
use crate::ring::spill::Ticket;
use crate::ring::{IDLE, LOOKING};
use crate::sync::order;

/// Full blocks that a count looks at one by one. These looks do not wait for each other, and bring the
/// messages that are about to be read.
const NEAR: usize = if cfg!(message_port_loom) { 1 } else { 16 };

/// Walks the messages in front of a consumer, which takes none of them meanwhile. As an iterator, it
/// yields the lengths of messages in frames.
#[derive(Debug)]
pub(super) struct Lengths<'a, F> {
    segment: SegmentRef,
    position: usize,
    cursor: Cursor,
    consumer: &'a Consumer,
    may_look: F,
    /// Whether it has announced that it looks past the consumer's own segment.
    is_ahead: bool,
}

impl<'a, F: Fn() -> bool> Lengths<'a, F> {
    pub(super) fn of(consumer: &'a Consumer, may_look: F) -> Self {
        Self {
            segment: consumer.segment,
            position: consumer.next,
            cursor: consumer.cursor,
            consumer,
            may_look,
            is_ahead: false,
        }
    }

    /// The position of the walk.
    pub(super) fn position(&self) -> usize {
        self.position
    }

    /// Whether segments ahead may be looked at.
    fn look_ahead(&mut self) -> bool {
        if !std::mem::replace(&mut self.is_ahead, true) {
            self.consumer.ring.consumer.looking.store(LOOKING, order::UNORDERED);
            return (self.may_look)();
        }
        true
    }

    /// Moves to the end of the last full block with few looks, at most that many messages ahead or a
    /// little more. Returns how many messages those are. For a walk that is at the start of a block.
    fn leap(&mut self, shape: Shape, messages: usize) -> usize {
        let full = self.consumer.count_full_blocks(shape, self.cursor, messages);
        self.cursor = self.cursor.ahead(shape, full, self.segment.view.len());
        full * shape.count()
    }

    /// The number of messages in blocks, up to `limit`. Looks at headers only.
    pub(super) fn count_in_blocks(mut self, shape: Shape, limit: usize) -> usize {
        let mut found = self.consumer.known.wrapping_sub(self.consumer.next) / block::STEP;
        self.cursor = self.cursor.forward(shape, found, self.segment.view.len());
        let mut full = 0;
        while found < limit {
            let header = self.segment.view.poll_block(self.cursor, shape);
            match block::news(header, self.cursor) {
                News::Nothing => break,
                // The next look handles what is behind a block that is not full.
                News::Messages(count) if header != self.cursor.full(shape) => {
                    found += count;
                    self.cursor = self.cursor.within(count);
                }
                News::Messages(count) => {
                    found += count;
                    self.cursor = self.cursor.next_block(shape, self.segment.view.len());
                    full += 1;
                    if full == NEAR {
                        found += self.leap(shape, limit.saturating_sub(found));
                    }
                }
                News::Switch if !self.look_ahead() => break,
                News::Switch => {
                    // SAFETY: P2 made the switch visible, and the producer frees no segment while
                    // this look is announced.
                    let Some(next) = (unsafe { Chain::behind(self.segment) }) else { break };
                    self.segment = next;
                    self.cursor = Cursor::START;
                }
            }
        }
        found.min(limit)
    }
}

impl<F> Drop for Lengths<'_, F> {
    fn drop(&mut self) {
        if self.is_ahead {
            // ORDERING(V1): Release; pairs with V2 in `Producer::cut`: it is done with them.
            self.consumer.ring.consumer.looking.store(IDLE, order::end_look());
        }
    }
}

impl<F: Fn() -> bool> Iterator for Lengths<'_, F> {
    type Item = usize;

    fn next(&mut self) -> Option<usize> {
        loop {
            let (view, position) = (self.segment.view, self.position);
            let word = view.poll(position);
            let next_lap = frame::next_lap(position, view.len());
            let (payload, length) = match frame::kind(word)? {
                Kind::Message => (frame::length(word), frame::length(word)),
                // SAFETY: P2 made the frame visible, and only the consumer gives it back.
                Kind::Spill => (SPILL_PAYLOAD, unsafe { Ticket::length(view, position) }),
                Kind::Skip => {
                    self.position = next_lap;
                    continue;
                }
                Kind::Switch if !self.look_ahead() => return None,
                Kind::Switch => {
                    // SAFETY: P2 made the switch visible, and the producer frees no segment while
                    // this look is announced.
                    self.segment = unsafe { Chain::behind(self.segment) }?;
                    self.position = next_lap;
                    continue;
                }
            };
            self.position = position.wrapping_add(frame::size(payload));
            return Some(length);
        }
    }
}
