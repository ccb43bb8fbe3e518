//! The buffers of one direction: usually one, and a chain if the direction may grow.
//!
//! A producer that finds no room appends a segment and continues in it. The consumer follows when it
//! reaches the switch. Every segment has the capacity of the first, so a position means the same place
//! in each, and behind the last switch there is an ordinary ring.

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

/// One buffer, and its successor.
#[derive(Debug)]
pub(super) struct Segment {
    buffer: Buffer,
    /// Written by the producer before it commits the switch, read by the consumer after it.
    next: Cell<Option<NonNull<Segment>>>,
}

impl Segment {
    /// Allocates a segment; `None` if there is no memory.
    pub(super) fn new(bytes: usize, layout: Layout) -> Option<Box<Self>> {
        Some(Box::new(Self::of(Memory::allocated(bytes)?, layout)))
    }

    /// Like [`new`](Self::new), for a burst: afterwards the system gets the memory back.
    pub(super) fn returnable(bytes: usize, layout: Layout) -> Option<Box<Self>> {
        Some(Box::new(Self::of(Memory::returnable(bytes)?, layout)))
    }

    fn of(memory: Memory, layout: Layout) -> Self {
        Self { buffer: Buffer::new(memory, layout), next: Cell::new(None) }
    }
}

/// A reference to a segment, for an end to keep.
#[derive(Clone, Copy, Debug)]
pub(super) struct SegmentRef {
    segment: NonNull<Segment>,
    pub(super) view: View,
}

// SAFETY: this is a shared reference to a segment, without its lifetime. The rules of `Chain` govern
// what an end does with it.
unsafe impl Send for SegmentRef {}
// SAFETY: as above.
unsafe impl Sync for SegmentRef {}

impl SegmentRef {
    /// # Safety
    ///
    /// The segment is alive, and nothing made from the result is used once it is freed.
    unsafe fn of(segment: NonNull<Segment>) -> Self {
        // SAFETY: the caller promises this, and a boxed segment does not move.
        let buffer = unsafe { &segment.as_ref().buffer };
        // SAFETY: as above.
        Self { segment, view: unsafe { buffer.view() } }
    }
}

/// The state of the segments that both ends of a direction share.
#[derive(Debug)]
pub(super) struct Chain {
    /// The consumer's segment. Only for the consumer and the last owner.
    oldest: Cell<NonNull<Segment>>,
    /// A segment that the consumer is done with, for the producer to reuse. Only if the direction may
    /// grow.
    spare: Option<Returns<Box<Segment>>>,
    /// Bytes of segments and heap buffers that the consumer has freed.
    freed: Total,
    /// What a mutant keeps instead of freeing.
    #[cfg(message_port_teeth)]
    passed: Mutex<Vec<Box<Segment>>>,
}

// SAFETY: the chain owns its segments as a list of boxes would. Only the one consumer accesses
// `oldest`, and the last owner after everybody else.
unsafe impl Send for Chain {}
// SAFETY: as above; P1 and P2 hand a segment's `next` from the producer to the consumer.
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

    /// The first segment of the chain.
    ///
    /// # Safety
    ///
    /// Nobody passes a switch meanwhile, and the result is not used after its segment is passed.
    pub(super) unsafe fn oldest(&self) -> SegmentRef {
        let oldest = self.oldest.with(|oldest| {
            // SAFETY: the caller promises this.
            unsafe { *oldest }
        });
        // SAFETY: segments that are not passed are alive; the caller promises the rest.
        unsafe { SegmentRef::of(oldest) }
    }

    /// Puts `segment` behind `newest`. The consumer finds it once the producer has committed a switch.
    ///
    /// # Safety
    ///
    /// The caller is the producer, and has not committed a switch in `newest` yet. It does not use the
    /// result after the consumer has passed it.
    pub(super) unsafe fn append(newest: SegmentRef, segment: Box<Segment>) -> SegmentRef {
        let segment = into_raw(segment);
        // SAFETY: a segment without a switch cannot be passed, so it is alive.
        let next = unsafe { &newest.segment.as_ref().next };
        next.with_mut(|next| {
            // SAFETY: the consumer does not look before the switch is committed.
            unsafe { *next = Some(segment) }
        });
        // SAFETY: it is alive until the consumer passes it.
        unsafe { SegmentRef::of(segment) }
    }

    /// The segment behind the switch in `place`.
    ///
    /// # Safety
    ///
    /// Its switch is visible to the caller, and nobody frees that segment or the next one while it or
    /// the result is in use.
    pub(super) unsafe fn behind(place: SegmentRef) -> Option<SegmentRef> {
        // SAFETY: the caller promises this.
        let next = unsafe { &place.segment.as_ref().next };
        let next = next.with(|next| {
            // SAFETY: the producer wrote it before it committed the switch (P1, P2), once.
            unsafe { *next }
        })?;
        // SAFETY: the caller promises this.
        Some(unsafe { SegmentRef::of(next) })
    }

    /// Passes the switch in the oldest segment and gives that segment back.
    ///
    /// # Safety
    ///
    /// The caller is the consumer and sees the switch, and neither it nor the producer uses the oldest
    /// segment any more.
    pub(super) unsafe fn pass_switch(&self) -> Option<SegmentRef> {
        // SAFETY: only the consumer passes switches, and it is the caller.
        let passed = unsafe { self.oldest() };
        // SAFETY: the switch is visible, and only the caller frees segments.
        let next = unsafe { Self::behind(passed) }?;
        self.oldest.with_mut(|oldest| {
            // SAFETY: while there is a consumer, only the consumer accesses it.
            unsafe { *oldest = next.segment }
        });
        // SAFETY: it came out of a box, the chain no longer refers to it, and nobody else uses it.
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
            // Its shadow is to catch a late user before a crash does.
            segment.buffer.enter();
            return self.passed.lock().unwrap().push(segment);
        }
        let bytes = segment.buffer.len();
        segment.next = Cell::new(None);
        let refused = match &self.spare {
            // SAFETY: the caller promises this.
            Some(spare) => unsafe { spare.push(segment, 0) }.err(),
            None => Some(segment),
        };
        if refused.is_some() {
            drop(refused);
            self.count_freed(bytes);
        }
    }

    /// Takes the spare segment, if one is kept.
    ///
    /// # Safety
    ///
    /// The caller is the producer.
    pub(super) unsafe fn take_spare(&self) -> Option<Box<Segment>> {
        // SAFETY: the caller promises this.
        unsafe { self.spare.as_ref()?.pop() }
    }

    /// Whether a segment is kept for the next burst. For the producer, `false` is only a hint.
    pub(super) fn has_spare(&self) -> bool {
        self.spare.as_ref().is_some_and(|spare| !spare.is_empty())
    }

    /// Frees the segments between two others, and links the newer one directly behind the older one.
    ///
    /// # Safety
    ///
    /// The caller is the producer, the newer segment comes behind the older one, nobody uses those in
    /// between, and nobody looks behind the older one meanwhile.
    pub(super) unsafe fn cut(&self, older: SegmentRef, newer: SegmentRef) {
        // SAFETY: neither the consumer nor the producer has passed it.
        let link = unsafe { &older.segment.as_ref().next };
        let mut next = link.with_mut(|next| {
            // SAFETY: the caller promises this.
            unsafe { (*next).replace(newer.segment) }
        });
        while let Some(segment) = next.filter(|next| *next != newer.segment) {
            // SAFETY: it came out of a box, and the caller promises that nobody uses it.
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

    /// Frees the oldest segment, if there is another one. Only for the last owner.
    pub(super) fn free_oldest(&mut self) -> Option<SegmentRef> {
        // SAFETY: this is the last owner.
        let passed = unsafe { self.oldest() };
        // SAFETY: as above, and the last owner sees what the producer wrote.
        let next = unsafe { Self::behind(passed) }?;
        self.oldest.with_mut(|oldest| {
            // SAFETY: as above.
            unsafe { *oldest = next.segment }
        });
        // SAFETY: it came out of a box, the chain no longer refers to it, and nobody else uses it.
        drop(unsafe { Box::from_raw(passed.segment.as_ptr()) });
        Some(next)
    }

    /// Adds to the bytes that the consumer has freed. Only for the consumer.
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
