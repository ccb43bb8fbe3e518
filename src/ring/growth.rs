//! How a direction grows: the producer's side.

use std::collections::VecDeque;

use super::buffer::View;
use super::frame;
use super::segment::{Chain, Segment, SegmentRef};

/// A segment, and the position at which the direction continues in it.
#[derive(Clone, Copy, Debug)]
struct Span {
    start: usize,
    segment: SegmentRef,
    /// Bytes in front of `start` that no frame uses: the rest of the lap behind the switch.
    unused: usize,
}

/// A list of up to this many segments is not worth shrinking.
const FEW: usize = 8;

/// The segments that the consumer may not have passed yet.
#[derive(Debug)]
pub(super) struct Growth {
    /// Never empty; the last one is the producer's.
    spans: VecDeque<Span>,
    /// Segments appended since the ring was made, wrapping.
    appended: usize,
}

impl Growth {
    pub(super) fn new(start: usize, segment: SegmentRef) -> Self {
        Self { spans: VecDeque::from([Span { start, segment, unused: 0 }]), appended: 0 }
    }

    /// Forgets the segments that the consumer has passed, given that everything before `head` was
    /// given back. Call this at least once per lap, since only positions close together compare
    /// correctly.
    pub(super) fn forget_passed(&mut self, head: usize) {
        while self.spans.get(1).is_some_and(|second| frame::reached(head, second.start)) {
            self.spans.pop_front();
        }
        // After a long burst, the list shrinks with its segments.
        if self.spans.capacity() > FEW && self.spans.len() <= self.spans.capacity() / 8 {
            self.spans.shrink_to(FEW.max(self.spans.len() * 2));
        }
    }

    /// The position that the consumer has to reach to make room. In the newest segment alone that is
    /// `target`; otherwise passing the first switch already frees a whole segment.
    pub(super) fn awaited(&self, target: usize) -> usize {
        self.spans.get(1).map_or(target, |second| second.start)
    }

    /// The start of the consumer's segment, given how many switches it has passed; `None` if that is
    /// the oldest segment known here.
    pub(super) fn start_behind(&self, passed: usize) -> Option<usize> {
        let forgotten = self.appended.wrapping_sub(self.spans.len() - 1);
        match passed.wrapping_sub(forgotten) {
            0 => None,
            index => Some(self.spans.get(index)?.start),
        }
    }

    /// Makes the direction continue in `segment` from `start` on, once a switch to it is committed.
    pub(super) fn append(&mut self, start: usize, segment: Box<Segment>) -> Option<SegmentRef> {
        let newest = self.spans.back()?.segment;
        // SAFETY: this belongs to the producer, which commits the switch in the newest segment only
        // after this, and then moves to another one. It uses only segments that are not passed.
        let segment = unsafe { Chain::append(newest, segment) };
        self.spans.push_back(Span { start, segment, unused: 0 });
        self.appended = self.appended.wrapping_add(1);
        Some(segment)
    }

    /// Segments that were appended so far, wrapping.
    pub(super) fn appended(&self) -> usize {
        self.appended
    }

    /// Records how many bytes in front of the newest segment are behind a switch.
    pub(super) fn leave_unused(&mut self, bytes: usize) {
        if let Some(newest) = self.spans.back_mut() {
            newest.unused = bytes;
        }
    }

    /// Bytes from `head` on that no frame uses because they are behind a switch.
    pub(super) fn unused_from(&self, head: usize) -> usize {
        // The first span has no switch in front of it, or one that was passed.
        let ahead = self.spans.iter().skip(1).filter(|span| !frame::reached(head, span.start));
        ahead.map(|span| span.unused).sum()
    }

    /// The bytes of the segment with `position`, which the consumer has not passed.
    pub(super) fn view_at(&self, position: usize) -> Option<View> {
        Some(self.spans.get(self.index_at(position))?.segment.view)
    }

    /// The index of the segment with the bytes at `position`.
    fn index_at(&self, position: usize) -> usize {
        // The first segment may have begun so long ago that its start no longer compares correctly.
        let mut others = (1..self.spans.len()).rev();
        others.find(|index| frame::reached(position, self.spans[*index].start)).unwrap_or(0)
    }

    /// Frees the segments between the one with the bytes at `position` and the newest one.
    ///
    /// # Safety
    ///
    /// Nobody uses them, and nobody looks behind the older segment meanwhile.
    pub(super) unsafe fn cut(&mut self, chain: &Chain, position: usize) {
        let index = self.index_at(position);
        if let (Some(older), Some(newest)) = (self.spans.get(index), self.spans.back())
            && index + 2 < self.spans.len()
        {
            // SAFETY: the caller promises this, and `self` belongs to the producer.
            unsafe { chain.cut(older.segment, newest.segment) };
            self.spans.drain(index + 1..self.spans.len() - 1);
            self.spans.shrink_to(FEW);
        }
    }
}

#[cfg(all(test, not(message_port_loom)))]
mod tests {
    use super::super::layout::Layout;
    use super::*;

    const CAPACITY: usize = 256;
    /// A position this far behind another one compares as being in front of it.
    const FAR: usize = usize::MAX / 2 + 1 + CAPACITY;

    fn chain() -> (Chain, SegmentRef) {
        let chain = Chain::new(Segment::new(CAPACITY, Layout::Frames).unwrap(), true);
        // SAFETY: nobody passes a switch, and the chain outlives the result in each test.
        let first = unsafe { chain.oldest() };
        (chain, first)
    }

    /// With 32-bit positions, 2 GiB through one segment are enough.
    #[test]
    fn a_segment_that_began_long_ago_is_found() {
        let (_chain, first) = chain();
        let mut growth = Growth::new(0, first);
        growth.append(FAR + CAPACITY, Segment::new(CAPACITY, Layout::Frames).unwrap()).unwrap();
        assert_eq!(growth.view_at(FAR).unwrap().base(), first.view.base());
        assert_ne!(growth.view_at(FAR + CAPACITY).unwrap().base(), first.view.base());
    }

    #[test]
    fn the_segment_of_a_consumer_is_found_by_its_number() {
        let (_chain, first) = chain();
        let mut growth = Growth::new(0, first);
        assert_eq!(growth.start_behind(0), None);
        for number in 1..4 {
            growth
                .append(number * CAPACITY, Segment::new(CAPACITY, Layout::Frames).unwrap())
                .unwrap();
        }
        assert_eq!([0, 1, 3].map(|n| growth.start_behind(n)), [None, Some(256), Some(768)]);
        growth.forget_passed(2 * CAPACITY);
        assert_eq!([2, 3].map(|n| growth.start_behind(n)), [None, Some(768)]);
    }

    #[test]
    fn the_list_of_a_burst_is_given_back() {
        const SEGMENTS: usize = if cfg!(miri) { 100 } else { 1000 };
        let (_chain, first) = chain();
        let mut growth = Growth::new(0, first);
        for number in 1..SEGMENTS {
            growth
                .append(number * CAPACITY, Segment::new(CAPACITY, Layout::Frames).unwrap())
                .unwrap();
        }
        assert_eq!(growth.awaited(usize::MAX), CAPACITY);
        growth.forget_passed((SEGMENTS - 2) * CAPACITY);
        assert_eq!(growth.awaited(usize::MAX), (SEGMENTS - 1) * CAPACITY);
        growth.forget_passed((SEGMENTS - 1) * CAPACITY);
        assert_eq!(growth.awaited(usize::MAX), usize::MAX);
        assert!(growth.spans.capacity() <= 2 * FEW);
    }
}
