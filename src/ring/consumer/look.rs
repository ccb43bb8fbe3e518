//! What a consumer can find out without taking anything.

use super::{Consumer, Frame};
use crate::ring::frame::{self, SLOT};
use crate::ring::layout::Layout;
use crate::ring::{IDLE, LOOKING, Ring, block};
use crate::sync::order;

/// While this lives, the producer frees nothing that the consumer has not taken, provided that the
/// port was still open after the barrier B6 that follows the announcement.
#[derive(Debug)]
pub(crate) struct Look<'a>(&'a Ring);

impl Drop for Look<'_> {
    fn drop(&mut self) {
        // ORDERING(V1): Release; pairs with V2 in `Producer::cut`: it is done with them.
        self.0.consumer.looking.store(IDLE, order::end_look());
    }
}

impl Consumer {
    /// Whether the message lies in a buffer, which the producer frees if the message is never taken.
    pub(crate) fn is_spilled(&self, frame: Frame) -> bool {
        self.layout == Layout::Frames && !frame::is_message(frame.word)
    }

    /// Announces a look at a spilled message. The caller must execute the barrier B6 before it looks.
    pub(crate) fn start_look(&self) -> Look<'_> {
        self.ring.consumer.looking.store(LOOKING, order::UNORDERED);
        Look(&self.ring)
    }

    /// How far the tail can still go before the producer has to wait for this consumer, as a distance
    /// of positions, in a ring that does not grow; `may_look` as in [`lengths`](Self::lengths).
    fn room(&self, may_look: impl Fn() -> bool) -> usize {
        let taken = frame::distance(self.released(), self.next);
        let (all, ahead) = match self.layout {
            Layout::Frames => {
                let mut lengths = self.lengths(may_look);
                lengths.by_ref().for_each(drop);
                (self.capacity - SLOT, frame::distance(self.next, lengths.position()))
            }
            Layout::Blocks(shape) => {
                (shape.room(self.capacity), self.len(usize::MAX, may_look) * block::STEP)
            }
        };
        all.saturating_sub(taken + ahead)
    }

    /// Whether the producer would find no room for a message, in a ring that does not grow.
    pub(crate) fn is_full(&self, may_look: impl Fn() -> bool) -> bool {
        self.room(may_look) == 0
    }

    /// Free bytes of the ring. Looks at each message; `may_look` as in
    /// [`lengths`](Self::lengths).
    pub(crate) fn remaining(&self, may_look: impl Fn() -> bool) -> usize {
        let room = self.room(may_look);
        match self.layout {
            Layout::Frames => room,
            Layout::Blocks(shape) => room / block::STEP * shape.size(),
        }
    }

    /// Bytes of the ring.
    pub(crate) fn capacity(&self) -> usize {
        self.capacity
    }
}
