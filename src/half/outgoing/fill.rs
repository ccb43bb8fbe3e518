//! Batches of messages of one size, where little lies between one message and the next.

use std::mem::MaybeUninit;

use super::Outgoing;
use crate::insight::Tally;
use crate::link::Link;
use crate::ring::{Filling, Shape};

impl Outgoing {
    /// Has `fill` write messages of a batch into blocks, for as long as there is room.
    #[inline]
    pub(crate) fn fill<R>(&mut self, shape: Shape, fill: impl FnOnce(&mut Fill<'_>) -> R) -> R {
        let Self { producer, link, tally, .. } = self;
        fill(&mut Fill { filling: Filling::new(producer, shape), link, tally, shape })
    }
}

/// Messages of one size on their way into a batch.
#[derive(Debug)]
pub(crate) struct Fill<'a> {
    filling: Filling<'a>,
    link: &'a Link,
    tally: &'a mut Tally,
    shape: Shape,
}

impl Fill<'_> {
    /// Whether another message can be added, by what is known locally.
    #[inline(always)]
    pub(crate) fn has_room(&self) -> bool {
        // A peer that ends after this look gets a message that is delivered or counted.
        !self.filling.is_full() && self.link.state.hint().is_open()
    }

    /// Adds what `write` writes. There is room for it.
    #[inline(always)]
    pub(crate) fn add(&mut self, write: impl FnOnce(&mut [MaybeUninit<u8>])) {
        self.filling.add(write);
        self.tally.add(self.shape.size());
    }
}
