//! The reading end of a ring.

use super::buffer::ReadRun;
use super::frame::{self, Kind, SPILL_PAYLOAD};
use super::memory::Memory;
use super::segment::{Chain, SegmentRef};
use super::spill::Ticket;
use super::{IDLE, LOOKING, Progress, Ring, Store, Target};
use crate::sync::{Arc, order};

/// Reads frames; there is exactly one per ring.
#[derive(Debug)]
pub(crate) struct Consumer {
    /// The frame to read next.
    next: usize,
    /// Everything before it was given back to the producer. Behind `next` while a message is
    /// held, or when its guard was forgotten.
    released: usize,
    /// The segment in which `next` is.
    segment: SegmentRef,
    /// Messages delivered so far.
    received: usize,
    /// The buffer of the message that is held, if it was spilled.
    held: Option<Memory>,
    ring: Arc<Ring>,
    store: Arc<Store>,
}

/// A message that is in the ring but not yet delivered.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Frame {
    position: usize,
    word: u32,
}

impl Frame {
    #[inline(always)]
    pub(crate) fn position(self) -> usize {
        self.position
    }

    /// Bytes of the archive, if it is in place.
    #[inline(always)]
    pub(crate) fn length(self) -> usize {
        frame::length(self.word)
    }

    /// Where the frame behind it is.
    #[inline(always)]
    pub(crate) fn end(self) -> usize {
        let payload =
            if frame::is_message(self.word) { frame::length(self.word) } else { SPILL_PAYLOAD };
        self.position.wrapping_add(frame::size(payload))
    }
}

/// What the consumer finds at its cursor.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Peek {
    Message(Frame),
    Empty,
    /// The cursor moved to the next lap and gave bytes back; look again.
    Skipped,
    /// The direction goes on at this position in another segment. To be claimed, then
    /// [passed](Consumer::pass_switch).
    Switch(usize),
}

/// The bytes of a delivered message.
pub(crate) type Payload = ReadRun;

impl Consumer {
    pub(super) fn new(
        ring: Arc<Ring>,
        store: Arc<Store>,
        start: usize,
        segment: SegmentRef,
    ) -> Self {
        Self { next: start, released: start, segment, received: 0, held: None, ring, store }
    }

    /// Looks for a message in place, which is what is mostly there.
    #[inline(always)]
    pub(crate) fn peek_in_place(&self) -> Option<Frame> {
        let word = self.segment.view.poll(self.next);
        frame::is_message(word).then_some(Frame { position: self.next, word })
    }

    /// Looks for the next message without taking it.
    pub(crate) fn peek(&mut self) -> Peek {
        let word = self.segment.view.poll(self.next);
        match frame::kind(word) {
            None => Peek::Empty,
            Some(Kind::Message | Kind::Spill) => Peek::Message(Frame { position: self.next, word }),
            Some(Kind::Skip) => {
                self.next = self.next_lap();
                self.release();
                Peek::Skipped
            }
            Some(Kind::Switch) => Peek::Switch(self.next_lap()),
        }
    }

    fn next_lap(&self) -> usize {
        frame::next_lap(self.next, self.segment.view.capacity())
    }

    /// Follows the producer into the next segment and gives the one before back. The producer may
    /// count what is in there as long as that was not claimed.
    pub(crate) fn pass_switch(&mut self) {
        // SAFETY: this is the consumer, and P2 made the switch visible. No message of this segment
        // is in use any more: whoever looks for the next one has none in hand. The producer left
        // the segment when it committed the switch, and counts only what is behind the claim.
        if let Some(segment) = unsafe { self.store.chain.pass_switch() } {
            self.segment = segment;
            self.next = self.next_lap();
            self.release();
        }
    }

    /// The position of what comes next.
    #[inline(always)]
    pub(crate) fn position(&self) -> usize {
        self.next
    }

    /// Announces that everything before `end` is about to be delivered. Whoever wants to know what
    /// was read before the end looks at this announcement; see [`withdraw`](Self::withdraw).
    #[inline(always)]
    pub(crate) fn claim(&self, end: usize) {
        if !order::active(order::Mutant::NoClaim) {
            self.ring.consumer.claimed.store(end, order::UNORDERED);
        }
    }

    /// Asks, the own port having closed, whether what is from `position` to the claimed `end` must
    /// be delivered all the same, since it was already counted as read. Otherwise it never will be.
    #[cold]
    pub(crate) fn withdraw(&self, position: usize, end: usize) -> bool {
        self.ring.settle(position) == end
    }

    /// Asks, the peer having closed, whether nothing comes after what was taken so far. From then
    /// on nothing does; otherwise there is a message that the producer knows to be accepted.
    pub(crate) fn finish(&self) -> bool {
        // A post that was refused may have left a skip behind the last message; this end has
        // passed it then, and is ahead of the border.
        let border = self.ring.settle(self.next);
        border == self.next
            || frame::reached(self.next, border) && !order::active(order::Mutant::StrictEnd)
    }

    /// Takes a message. The payload must be gone before [`release`](Self::release).
    #[inline(always)]
    pub(crate) fn take(&mut self, frame: Frame) -> Payload {
        self.pass(frame);
        if !frame::is_message(frame.word) {
            return self.take_spilled(frame);
        }
        let payload = self.payload(frame);
        if order::active(order::Mutant::EarlyGiveBack) && matches!(self.peek(), Peek::Switch(_)) {
            self.pass_switch();
        }
        payload
    }

    /// Moves on to what follows `frame`, which is in hand from now on.
    #[inline(always)]
    pub(crate) fn pass(&mut self, frame: Frame) {
        debug_assert_eq!(self.next, frame.position);
        self.next = frame.end();
        self.received = self.received.wrapping_add(1);
    }

    /// The bytes of a message in place. They must be gone before [`release`](Self::release).
    #[inline(always)]
    pub(crate) fn payload(&self, frame: Frame) -> Payload {
        debug_assert!(frame::is_message(frame.word));
        // SAFETY: P2 made the frame visible; the producer does not write it before `release`.
        unsafe { self.segment.view.read(frame.position, frame::length(frame.word)) }
    }

    #[cold]
    fn take_spilled(&mut self, frame: Frame) -> Payload {
        // SAFETY: as in `take`; and each frame is taken once.
        let ticket = unsafe { Ticket::take(self.segment.view, frame.position) };
        let (memory, length) = ticket.into_parts();
        self.held.insert(memory).read(length)
    }

    /// Whether a message was taken and not yet released: it is held, or its guard was forgotten.
    #[inline]
    pub(crate) fn holds(&self) -> bool {
        self.released != self.next
    }

    /// Whether so much was taken and not yet released that the producer may run out of room.
    #[inline]
    pub(crate) fn holds_much(&self) -> bool {
        frame::distance(self.released, self.next) >= self.segment.view.capacity() / 4
    }

    /// Gives the bytes of everything taken back to the producer.
    #[inline]
    pub(crate) fn release(&mut self) {
        if self.held.is_some() {
            self.hand_back();
        }
        self.released = self.next;
        self.ring.free_up_to(self.next);
    }

    #[cold]
    fn hand_back(&mut self) {
        if let Some(memory) = self.held.take() {
            if order::active(order::Mutant::NoHandBack) {
                return;
            }
            // There are as many places as buffers, unless the direction grows.
            // SAFETY: this is the consumer.
            if let Err(memory) = unsafe { self.ring.returned.push(memory) } {
                let bytes = memory.len();
                drop(memory);
                self.store.chain.count_freed(bytes);
            }
        }
    }

    /// Whether a producer that waits for `target` has what it waits for.
    pub(crate) fn has_released(&self, target: Target) -> bool {
        self.ring.has_reached(target)
    }

    /// What this consumer has given back, for the other half of its port.
    pub(crate) fn progress(&self) -> Progress {
        Progress(Arc::clone(&self.ring))
    }

    /// Messages posted and not yet taken; `may_look` as in [`lengths`](Self::lengths).
    pub(crate) fn len(&self, may_look: impl Fn() -> bool) -> usize {
        if self.lengths(may_look).next().is_none() {
            return 0;
        }
        // The count is written after the frame: a message can be seen before it is counted.
        let posted = self.ring.producer.posted.get();
        match posted.wrapping_sub(self.received) {
            0 => 1,
            behind if behind > usize::MAX / 2 => 1,
            counted => counted,
        }
    }

    /// Bytes of the archives posted and not yet taken. Looks at each of them; `may_look` as in
    /// [`lengths`](Self::lengths).
    pub(crate) fn bytes_available(&self, may_look: impl Fn() -> bool) -> usize {
        self.lengths(may_look).sum()
    }

    /// The lengths of the archives that are there to be taken.
    ///
    /// Segments behind the consumer's own may be freed once its port has closed. So this announces
    /// that it looks at them, and then asks `may_look`, which executes the barrier B6 and tells
    /// whether the port is open.
    fn lengths<F: Fn() -> bool>(&self, may_look: F) -> Lengths<'_, F> {
        let (segment, position) = (self.segment, self.next);
        Lengths { segment, position, consumer: self, may_look, is_ahead: false }
    }
}

/// Walks the frames in front of a consumer, which takes none of them meanwhile.
#[derive(Debug)]
struct Lengths<'a, F> {
    segment: SegmentRef,
    position: usize,
    consumer: &'a Consumer,
    may_look: F,
    /// Whether it has said that it looks further than the consumer's own segment.
    is_ahead: bool,
}

impl<F: Fn() -> bool> Lengths<'_, F> {
    /// Whether segments ahead may be looked at.
    fn look_ahead(&mut self) -> bool {
        if !std::mem::replace(&mut self.is_ahead, true) {
            self.consumer.ring.consumer.looking.store(LOOKING, order::UNORDERED);
            return (self.may_look)();
        }
        true
    }
}

impl<F> Drop for Lengths<'_, F> {
    fn drop(&mut self) {
        if self.is_ahead {
            // ORDERING(V1): Release; pairs with V2 in `Producer::cut`: it is done with them.
            self.consumer.ring.consumer.looking.store(IDLE, order::end_look());
        }
    }
}

impl<F: Fn() -> bool> Iterator for Lengths<'_, F> {
    type Item = usize;

    fn next(&mut self) -> Option<usize> {
        loop {
            let (view, position) = (self.segment.view, self.position);
            let word = view.poll(position);
            let next_lap = frame::next_lap(position, view.capacity());
            let (payload, length) = match frame::kind(word)? {
                Kind::Message => (frame::length(word), frame::length(word)),
                // SAFETY: P2 made the frame visible, and only the consumer gives it back.
                Kind::Spill => (SPILL_PAYLOAD, unsafe { Ticket::length(view, position) }),
                Kind::Skip => {
                    self.position = next_lap;
                    continue;
                }
                Kind::Switch if !self.look_ahead() => return None,
                Kind::Switch => {
                    // SAFETY: P2 made the switch visible, and the producer frees no segment while
                    // this is said to look at them.
                    self.segment = unsafe { Chain::behind(self.segment) }?;
                    self.position = next_lap;
                    continue;
                }
            };
            self.position = position.wrapping_add(frame::size(payload));
            return Some(length);
        }
    }
}

impl Drop for Consumer {
    /// A forgotten guard must not keep its buffer.
    fn drop(&mut self) {
        if self.holds() {
            self.release();
        }
    }
}
