//! How a direction grows: the producer's side.

use std::collections::VecDeque;

use super::budget::Budget;
use super::buffer::View;
use super::frame;
use super::segment::{Chain, Segment, SegmentRef};

/// A segment, and the position at which the direction goes on in it.
#[derive(Clone, Copy, Debug)]
struct Span {
    start: usize,
    segment: SegmentRef,
    /// Bytes in front of it that no frame uses: the rest of the lap behind the switch.
    unused: usize,
}

/// The segments that the consumer may not have passed yet.
#[derive(Debug)]
pub(super) struct Growth {
    /// Never empty; the last one is the producer's.
    spans: VecDeque<Span>,
}

impl Growth {
    pub(super) fn new(start: usize, segment: SegmentRef) -> Self {
        Self { spans: VecDeque::from([Span { start, segment, unused: 0 }]) }
    }

    /// Forgets the segments that the consumer has passed, having given back everything before
    /// `head`.
    pub(super) fn forget_passed(&mut self, head: usize) {
        while self.spans.get(1).is_some_and(|second| frame::reached(head, second.start)) {
            self.spans.pop_front();
        }
    }

    /// The position that the consumer has to reach to make room, if in the newest segment alone
    /// it had to reach `target`: with the first switch a whole segment is free.
    pub(super) fn awaited(&self, target: usize) -> usize {
        self.spans.get(1).map_or(target, |second| second.start)
    }

    /// Finds or allocates a segment within the budget.
    pub(super) fn segment(
        chain: &Chain,
        capacity: usize,
        budget: &mut Budget,
    ) -> Option<Box<Segment>> {
        if let Some(spare) = chain.take_spare() {
            return Some(spare);
        }
        if !budget.has(capacity) {
            return None;
        }
        let segment = Segment::new(capacity)?;
        budget.take(capacity);
        Some(segment)
    }

    /// Has the direction go on in `segment` from `start` on, once a switch to it is committed.
    pub(super) fn append(&mut self, start: usize, segment: Box<Segment>) -> Option<SegmentRef> {
        let newest = self.spans.back()?.segment;
        // SAFETY: this belongs to the producer, which commits its switch in the newest segment
        // after this and then is in another one. It uses only what is not passed.
        let segment = unsafe { Chain::append(newest, segment) };
        self.spans.push_back(Span { start, segment, unused: 0 });
        Some(segment)
    }

    /// Notes that so many bytes in front of the newest segment are behind a switch.
    pub(super) fn leave_unused(&mut self, bytes: usize) {
        if let Some(newest) = self.spans.back_mut() {
            newest.unused = bytes;
        }
    }

    /// Bytes from `head` on that are behind a switch.
    pub(super) fn unused_from(&self, head: usize) -> usize {
        // The first one has no switch in front of it, or one that was passed.
        let ahead = self.spans.iter().skip(1).filter(|span| !frame::reached(head, span.start));
        ahead.map(|span| span.unused).sum()
    }

    /// The bytes at `position`, which the consumer has not passed.
    pub(super) fn view_at(&self, position: usize) -> Option<View> {
        let span = self.spans.iter().rev().find(|span| frame::reached(position, span.start))?;
        Some(span.segment.view)
    }
}
