//! How the producer counts what the consumer never read, and gives it back.

use super::Producer;
use crate::ring::buffer::View;
use crate::ring::frame::{self, Kind, SPILL_PAYLOAD};
use crate::ring::layout::Layout;
use crate::ring::spill::Ticket;
use crate::ring::{IDLE, UNSETTLED, block};
use crate::sync::Arc;
use crate::sync::order::{self, Mutant};

/// What the consumer never read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Unread {
    messages: u64,
    bytes: u64,
    /// Where the unread part begins.
    start: usize,
    /// Its buffers and segments are still to be freed.
    is_uncut: bool,
}

impl Producer {
    /// The messages and bytes that were posted and that the consumer's closed port never read.
    pub(crate) fn undelivered(&self) -> (u64, u64) {
        let kept = self.unread.filter(|_| !order::active(Mutant::LateCount));
        let Unread { messages, bytes, .. } = kept.unwrap_or_else(|| self.count_unread());
        (messages, bytes)
    }

    /// Counts once nothing can change any more: the consumer or its port has gone.
    fn count_unread(&self) -> Unread {
        let claimed = self.ring.announced();
        let settled = self.ring.settle(claimed);
        debug_assert_ne!(settled, UNSETTLED);
        // The consumer passes a skip without claiming it. What it has given back may have been
        // overwritten since, so the walk starts behind that.
        let mut start = frame::later(self.ring.head(), settled);
        // It also passes a switch without claiming it, and the segment in front may be freed. All
        // the rest is still there, since it passes no switch once the end is settled in front of it.
        let growth = self.growth.as_ref();
        if let Some(passed) = growth.and_then(|growth| growth.start_behind(self.ring.passed())) {
            start = frame::later(passed, start);
        }
        let (mut messages, mut bytes) = (0, 0);
        if let Layout::Blocks(shape) = self.layout {
            messages = (self.used_from(start) / block::STEP) as u64;
            bytes = messages * shape.size() as u64;
        } else {
            self.walk(start, |_, _, length| {
                messages += 1;
                bytes += length as u64;
            });
        }
        Unread { messages, bytes, start, is_uncut: false }
    }

    /// Calls `each` for every message from `position` on, with the bytes of its segment, the position
    /// of its ticket if it is spilled, and its length.
    fn walk(&self, mut position: usize, mut each: impl FnMut(View, Option<usize>, usize)) {
        let mut view = self.view_at(position);
        while position != self.tail {
            let word = view.committed(position);
            position = match frame::kind(word) {
                Some(Kind::Message) => {
                    each(view, None, frame::length(word));
                    position.wrapping_add(frame::size(frame::length(word)))
                }
                Some(Kind::Spill) => {
                    // SAFETY: the producer wrote this frame itself, and nobody else writes.
                    let length = unsafe { Ticket::length(view, position) };
                    each(view, Some(position), length);
                    position.wrapping_add(frame::size(SPILL_PAYLOAD))
                }
                Some(Kind::Skip) => frame::next_lap(position, self.capacity()),
                Some(Kind::Switch) => {
                    let start = frame::next_lap(position, self.capacity());
                    view = self.view_at(start);
                    start
                }
                None => break,
            };
        }
    }

    /// Whether what the consumer never read is already counted.
    pub(crate) fn has_counted(&self) -> bool {
        self.unread.is_some()
    }

    /// Counts what the consumer's closed port never read. [`give_back`](Self::give_back) later frees its
    /// buffers and segments, but not the bytes of the ring. Unless `is_final`, the counts may not be
    /// final, and nothing is freed.
    pub(crate) fn count_to_give_back(&mut self, is_final: bool) {
        if self.unread.is_none() && self.held_back.is_none() {
            self.unread = Some(Unread { is_uncut: is_final, ..self.count_unread() });
        }
    }

    /// Gives back what only this end still keeps: the segments of what was never read, everything else
    /// in the ring once the consumer is gone, and idle memory.
    pub(crate) fn give_back(&mut self) {
        if self.held_back.is_some() {
            return;
        }
        self.cut();
        if Arc::get_mut(&mut self.store).is_some() {
            self.free_unread();
        }
        // The budget hears only of idle memory: nothing is accepted any more.
        self.pool.clear(&self.ring.returned, &mut self.budget);
        // SAFETY: this is the producer.
        drop(unsafe { self.store.chain.take_spare() });
    }

    /// Once the consumer is gone, counts and frees what it never read. Then all of the ring is free.
    fn free_unread(&mut self) {
        if self.unread.is_none() {
            self.unread = Some(self.count_unread());
        }
        // Nobody else owns the store, and nobody will.
        let Some(store) = Arc::get_mut(&mut self.store) else { return };
        store.free_unread();
        // The consumer may have been looking when `cut` came by, and has gone since.
        if let Some(unread) = self.unread.as_mut().filter(|_| !order::active(Mutant::FreeTwice)) {
            unread.is_uncut = false;
        }
        self.ring.free_up_to(self.tail);
        self.head();
    }

    /// Frees the buffers and segments of what was never read, unless the consumer is looking at them.
    fn cut(&mut self) {
        let Some(unread) = self.unread.filter(|unread| unread.is_uncut) else { return };
        // ORDERING(V2): Acquire; pairs with V1 in `Lengths` and `Look`.
        if self.ring.consumer.looking.load(order::looked()) != IDLE {
            return;
        }
        self.unread = Some(Unread { is_uncut: false, ..unread });
        if self.layout == Layout::Frames {
            self.store.given_back.store(unread.start, order::UNORDERED);
            self.walk(unread.start, |view, spilled, _| {
                // SAFETY: the consumer takes nothing from the settled position on, and the last
                // owner nothing from the position just stored on. Each frame is met once. Behind
                // B4, the consumer looks at a message only if it was already looking, and it was
                // not.
                drop(spilled.map(|position| unsafe { Ticket::take(view, position) }));
            });
        }
        if let Some(growth) = &mut self.growth {
            // SAFETY: the consumer is in a segment that begins at or before the start of what it
            // never reads: it passes no switch in front of which the end is settled, and the switches
            // that it passed earlier are counted (S5, S6). Behind B4, it looks ahead only if it was
            // already doing so. It was not, so it reads no `next` either.
            unsafe { growth.cut(&self.store.chain, unread.start) };
        }
    }
}
