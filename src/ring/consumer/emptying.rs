//! A batch of messages of one size, taken one after the other.

use super::{Consumer, Payload};
use crate::ring::block::{self, Cursor, Shape};
use crate::ring::buffer::View;

/// Messages being taken out of blocks. Once this is dropped, in whatever way, they count as held.
///
/// It keeps its own copy of the consumer's positions, so that little is written to memory meanwhile. It
/// is told the shape, which is a constant where it is used.
#[derive(Debug)]
pub(crate) struct Emptying<'a> {
    consumer: &'a mut Consumer,
    view: View,
    cursor: Cursor,
    next: usize,
    known: usize,
}

impl<'a> Emptying<'a> {
    /// Starts with the messages known to be published.
    #[inline]
    pub(crate) fn new(consumer: &'a mut Consumer) -> Self {
        let (view, cursor) = (consumer.segment.view, consumer.cursor);
        let (next, known) = (consumer.next, consumer.known);
        Self { consumer, view, cursor, next, known }
    }

    /// Whether there is no other message to take.
    #[inline(always)]
    pub(crate) fn is_empty(&self) -> bool {
        self.next == self.known
    }

    /// The positions at which the next message begins and ends.
    #[inline(always)]
    pub(crate) fn positions(&self) -> (usize, usize) {
        (self.next, self.next.wrapping_add(block::STEP))
    }

    /// Announces the delivery; see [`Consumer::claim`].
    #[inline(always)]
    pub(crate) fn claim(&self) {
        self.consumer.claim(self.positions().1);
    }

    /// See [`Consumer::withdraw`].
    pub(crate) fn withdraw(&self) -> bool {
        let (position, end) = self.positions();
        self.consumer.withdraw(position, end)
    }

    /// The bytes of the next message, which is known to be published.
    #[inline(always)]
    pub(crate) fn payload(&self, shape: Shape) -> Payload {
        // SAFETY: P2 made the message visible; the producer does not write it before `release`.
        unsafe { self.view.read_message(self.cursor, shape) }
    }

    /// Moves past the next message.
    #[inline(always)]
    pub(crate) fn pass(&mut self, shape: Shape) {
        self.cursor.advance(shape, self.view.len());
        self.next = self.next.wrapping_add(block::STEP);
    }
}

impl Drop for Emptying<'_> {
    #[inline]
    fn drop(&mut self) {
        (self.consumer.cursor, self.consumer.next) = (self.cursor, self.next);
    }
}
