//! Batches of messages of one size, with as little work as possible for each message.

use std::mem::MaybeUninit;

use super::Outgoing;
use crate::insight::Tally;
use crate::link::Link;
use crate::ring::{Filling, Shape};

impl Outgoing {
    /// Calls `fill` to write messages of a batch into blocks, for as long as there is room.
    #[inline]
    pub(crate) fn fill<R>(&mut self, shape: Shape, fill: impl FnOnce(&mut Fill<'_>) -> R) -> R {
        let Self { producer, link, tally, .. } = self;
        fill(&mut Fill { filling: Filling::new(producer, shape), link, tally, shape })
    }
}

/// Writes messages of one size into a batch.
#[derive(Debug)]
pub(crate) struct Fill<'a> {
    filling: Filling<'a>,
    link: &'a Link,
    tally: &'a mut Tally,
    shape: Shape,
}

impl Fill<'_> {
    /// Whether another message fits, as far as is known locally.
    #[inline(always)]
    pub(crate) fn has_room(&self) -> bool {
        // If the peer ends after this look, the message is delivered or counted.
        !self.filling.is_full() && self.link.state.hint().is_open()
    }

    /// Adds the message that `write` writes. There must be room for it.
    #[inline(always)]
    pub(crate) fn add(&mut self, write: impl FnOnce(&mut [MaybeUninit<u8>])) {
        self.filling.add(write);
        self.tally.add(self.shape.size());
    }
}
