//! A batch of messages of one size, taken one after the other.

use super::{Consumer, Payload, blocks};
use crate::ring::block::{self, Cursor, Shape};
use crate::ring::buffer::View;

/// Messages being taken out of blocks. Once this is dropped, in whatever way, they count as held.
///
/// It keeps its own copy of the consumer's positions, so that little is written to memory meanwhile, and
/// lends nobody a reference to itself, so that they stay in registers. It is told the shape, which is a
/// constant where it is used.
#[derive(Debug)]
pub(crate) struct Emptying<'a> {
    consumer: &'a mut Consumer,
    view: View,
    cursor: Cursor,
    next: usize,
    /// The position behind the last message to be taken.
    end: usize,
}

impl<'a> Emptying<'a> {
    /// Starts with the messages known to be published, but at most `limit`.
    #[inline(always)]
    pub(crate) fn new(consumer: &'a mut Consumer, limit: usize) -> Self {
        let (view, cursor, next) = (consumer.segment.view, consumer.cursor, consumer.next);
        let known = consumer.known.wrapping_sub(next) / block::STEP;
        let end = next.wrapping_add(known.min(limit) * block::STEP);
        Self { consumer, view, cursor, next, end }
    }

    /// Whether there is no other message to take.
    #[inline(always)]
    pub(crate) fn is_empty(&self) -> bool {
        self.next == self.end
    }

    /// The position behind the next message.
    #[inline(always)]
    fn behind(&self) -> usize {
        self.next.wrapping_add(block::STEP)
    }

    /// Announces the delivery; see [`Consumer::claim`].
    #[inline(always)]
    pub(crate) fn claim(&self) {
        self.consumer.ring.claim(self.behind());
    }

    /// See [`Consumer::withdraw`].
    #[inline(always)]
    pub(crate) fn withdraw(&self) -> bool {
        self.consumer.ring.withdraw(self.next, self.behind())
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
        let was_last = self.cursor.is_last(shape);
        self.cursor.advance(shape, self.view.len());
        self.next = self.behind();
        if was_last {
            blocks::prefetch(self.view, shape, self.cursor, self.end.wrapping_sub(self.next));
        }
    }
}

impl Drop for Emptying<'_> {
    #[inline(always)]
    fn drop(&mut self) {
        if self.next != self.consumer.next {
            (self.consumer.cursor, self.consumer.next) = (self.cursor, self.next);
            self.consumer.holds = true;
            self.consumer.set_stop();
        }
    }
}
