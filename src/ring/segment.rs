//! The buffers of one direction: one for most, a chain of them where a direction may grow.
//!
//! A producer that finds no room appends a segment and goes on in it; the consumer follows when it
//! comes to the switch. Every segment has the capacity of the first one, so a position means the
//! same place in each of them, and what is behind the last switch is an ordinary ring.

use std::ptr::NonNull;

use super::buffer::{Buffer, View};
use super::layout::Layout;
use super::memory::Memory;
use super::returns::Returns;
#[cfg(message_port_teeth)]
use crate::sync::Mutex;
#[cfg(message_port_teeth)]
use crate::sync::order::{Mutant, active};
use crate::sync::{Cell, Total};

/// One buffer, and the one that comes after it.
#[derive(Debug)]
pub(super) struct Segment {
    buffer: Buffer,
    /// Written by the producer before it commits the switch, read by the consumer behind it.
    next: Cell<Option<NonNull<Segment>>>,
}

impl Segment {
    /// Allocates a segment; `None` when there is no memory for it.
    pub(super) fn new(bytes: usize, layout: Layout) -> Option<Box<Self>> {
        Some(Box::new(Self::of(Memory::allocated(bytes)?, layout)))
    }

    /// Like [`new`](Self::new), for a burst: the system gets the memory back afterwards.
    pub(super) fn returnable(bytes: usize, layout: Layout) -> Option<Box<Self>> {
        Some(Box::new(Self::of(Memory::returnable(bytes)?, layout)))
    }

    fn of(memory: Memory, layout: Layout) -> Self {
        Self { buffer: Buffer::new(memory, layout), next: Cell::new(None) }
    }
}

/// A segment, for an end to keep at hand.
#[derive(Clone, Copy, Debug)]
pub(super) struct SegmentRef {
    segment: NonNull<Segment>,
    pub(super) view: View,
}

// SAFETY: it is a shared reference to a segment, without its lifetime; what an end does with it is
// up to the rules of `Chain`.
unsafe impl Send for SegmentRef {}
// SAFETY: as above.
unsafe impl Sync for SegmentRef {}

impl SegmentRef {
    /// # Safety
    ///
    /// The segment is alive, and what is made of the result is not used when it is not any more.
    unsafe fn of(segment: NonNull<Segment>) -> Self {
        // SAFETY: passed on to the caller; a segment is in a box and stays where it is.
        let buffer = unsafe { &segment.as_ref().buffer };
        // SAFETY: as above.
        Self { segment, view: unsafe { buffer.view() } }
    }
}

/// What the two ends of a direction share about its segments.
#[derive(Debug)]
pub(super) struct Chain {
    /// Where the consumer is. For the consumer, and for the last owner.
    oldest: Cell<NonNull<Segment>>,
    /// A segment that the consumer is done with, for the producer to use again. Only where the
    /// direction may grow.
    spare: Option<Returns<Box<Segment>>>,
    /// Bytes of segments and heap buffers that the consumer has freed.
    freed: Total,
    /// What a mutant keeps instead of freeing it.
    #[cfg(message_port_teeth)]
    passed: Mutex<Vec<Box<Segment>>>,
}

// SAFETY: the chain owns its segments as a list of boxes would. `oldest` is accessed by the one
// consumer only, and by the last owner after everybody else.
unsafe impl Send for Chain {}
// SAFETY: as above; a segment's `next` is handed from the producer to the consumer by P1 and P2.
unsafe impl Sync for Chain {}

impl Chain {
    pub(super) fn new(first: Box<Segment>, growable: bool) -> Self {
        Self {
            oldest: Cell::new(into_raw(first)),
            spare: growable.then(|| Returns::new(1)),
            freed: Total::new(0),
            #[cfg(message_port_teeth)]
            passed: Mutex::new(Vec::new()),
        }
    }

    /// Where the chain begins.
    ///
    /// # Safety
    ///
    /// Nobody passes a switch meanwhile, and the result is not used when its segment was passed.
    pub(super) unsafe fn oldest(&self) -> SegmentRef {
        let oldest = self.oldest.with(|oldest| {
            // SAFETY: passed on to the caller.
            unsafe { *oldest }
        });
        // SAFETY: segments that are not passed are alive; the rest is passed on to the caller.
        unsafe { SegmentRef::of(oldest) }
    }

    /// Puts `segment` behind `newest`. The consumer finds it once the producer has committed a
    /// switch.
    ///
    /// # Safety
    ///
    /// The caller is the producer, and has not committed a switch in `newest` before. It does not
    /// use the result when the consumer has passed it.
    pub(super) unsafe fn append(newest: SegmentRef, segment: Box<Segment>) -> SegmentRef {
        let segment = into_raw(segment);
        // SAFETY: a segment without a switch is not passed, so it is alive.
        let next = unsafe { &newest.segment.as_ref().next };
        next.with_mut(|next| {
            // SAFETY: the consumer does not look before the switch is committed.
            unsafe { *next = Some(segment) }
        });
        // SAFETY: it is alive until the consumer passes it.
        unsafe { SegmentRef::of(segment) }
    }

    /// What comes behind the switch in `place`.
    ///
    /// # Safety
    ///
    /// A switch in it is visible to the caller, and nobody frees that segment or the next one
    /// while it or the result is in use.
    pub(super) unsafe fn behind(place: SegmentRef) -> Option<SegmentRef> {
        // SAFETY: passed on to the caller.
        let next = unsafe { &place.segment.as_ref().next };
        let next = next.with(|next| {
            // SAFETY: the producer wrote it before it committed the switch (P1, P2), once.
            unsafe { *next }
        })?;
        // SAFETY: passed on to the caller.
        Some(unsafe { SegmentRef::of(next) })
    }

    /// Passes the switch in the oldest segment and gives that segment back.
    ///
    /// # Safety
    ///
    /// The caller is the consumer, the switch is visible to it, and neither it nor the producer
    /// uses the oldest segment any more.
    pub(super) unsafe fn pass_switch(&self) -> Option<SegmentRef> {
        // SAFETY: only the consumer, that is the caller, passes switches.
        let passed = unsafe { self.oldest() };
        // SAFETY: the switch is visible, and only the caller frees segments.
        let next = unsafe { Self::behind(passed) }?;
        self.oldest.with_mut(|oldest| {
            // SAFETY: only the consumer accesses it while there is one.
            unsafe { *oldest = next.segment }
        });
        // SAFETY: it came out of a box, the chain has let go of it, and nobody else uses it.
        let passed = unsafe { Box::from_raw(passed.segment.as_ptr()) };
        // SAFETY: the caller is the consumer.
        unsafe { self.give_back(passed) };
        Some(next)
    }

    /// # Safety
    ///
    /// The caller is the consumer.
    unsafe fn give_back(&self, mut segment: Box<Segment>) {
        #[cfg(message_port_teeth)]
        if active(Mutant::NoSwitchClaim) || active(Mutant::S5) || active(Mutant::S6) {
            // Who still uses it is to be found out by its shadow, not by a crash.
            segment.buffer.enter();
            return self.passed.lock().unwrap().push(segment);
        }
        let bytes = segment.buffer.len();
        segment.next = Cell::new(None);
        let refused = match &self.spare {
            // SAFETY: passed on to the caller.
            Some(spare) => unsafe { spare.push(segment) }.err(),
            None => Some(segment),
        };
        if refused.is_some() {
            drop(refused);
            self.count_freed(bytes);
        }
    }

    /// A segment that was passed, if one is kept.
    ///
    /// # Safety
    ///
    /// The caller is the producer.
    pub(super) unsafe fn take_spare(&self) -> Option<Box<Segment>> {
        // SAFETY: passed on to the caller.
        unsafe { self.spare.as_ref()?.pop() }
    }

    /// Whether a segment is kept for the next burst. For the producer a hint, unless it says yes.
    pub(super) fn has_spare(&self) -> bool {
        self.spare.as_ref().is_some_and(|spare| !spare.is_empty())
    }

    /// Frees what is between two segments, and puts the newer one right behind the older one.
    ///
    /// # Safety
    ///
    /// The caller is the producer, the newer one comes behind the older one, nobody uses what is
    /// between them, and nobody looks what is behind the older one meanwhile.
    pub(super) unsafe fn cut(&self, older: SegmentRef, newer: SegmentRef) {
        // SAFETY: neither the consumer nor the producer has passed it.
        let link = unsafe { &older.segment.as_ref().next };
        let mut next = link.with_mut(|next| {
            // SAFETY: passed on to the caller.
            unsafe { (*next).replace(newer.segment) }
        });
        while let Some(segment) = next.filter(|next| *next != newer.segment) {
            // SAFETY: it came out of a box, and nobody uses it, by the promise of the caller.
            let segment = unsafe { Box::from_raw(segment.as_ptr()) };
            next = segment.next.with(|next| {
                // SAFETY: the producer wrote it, and is the caller.
                unsafe { *next }
            });
            self.free(segment);
        }
    }

    #[cfg_attr(not(message_port_teeth), allow(clippy::unused_self, reason = "a mutant keeps it"))]
    fn free(&self, segment: Box<Segment>) {
        #[cfg(message_port_teeth)]
        if [Mutant::B6, Mutant::NoSwitchClaim, Mutant::S5, Mutant::S6].into_iter().any(active) {
            // As in `give_back`.
            segment.buffer.enter();
            return self.passed.lock().unwrap().push(segment);
        }
        drop(segment);
    }

    /// Frees the oldest segment, if there is another one. For the last owner.
    pub(super) fn free_oldest(&mut self) -> Option<SegmentRef> {
        // SAFETY: this is the last owner.
        let passed = unsafe { self.oldest() };
        // SAFETY: as above, and what the producer wrote is visible to it.
        let next = unsafe { Self::behind(passed) }?;
        self.oldest.with_mut(|oldest| {
            // SAFETY: as above.
            unsafe { *oldest = next.segment }
        });
        // SAFETY: it came out of a box, the chain has let go of it, and nobody else uses it.
        drop(unsafe { Box::from_raw(passed.segment.as_ptr()) });
        Some(next)
    }

    /// Notes that the consumer has freed so many bytes. For the consumer.
    pub(super) fn count_freed(&self, bytes: usize) {
        self.freed.set(self.freed.get().wrapping_add(bytes));
    }

    /// Bytes that the consumer has freed so far, wrapping.
    pub(super) fn freed(&self) -> usize {
        self.freed.get()
    }
}

impl Drop for Chain {
    fn drop(&mut self) {
        let mut next = Some(self.oldest.with(|oldest| {
            // SAFETY: this is the last owner.
            unsafe { *oldest }
        }));
        while let Some(segment) = next {
            // SAFETY: it came out of a box and belongs to the chain, whose last owner this is.
            let segment = unsafe { Box::from_raw(segment.as_ptr()) };
            next = segment.next.with(|next| {
                // SAFETY: this is the last owner.
                unsafe { *next }
            });
        }
    }
}

fn into_raw(segment: Box<Segment>) -> NonNull<Segment> {
    NonNull::from(Box::leak(segment))
}
