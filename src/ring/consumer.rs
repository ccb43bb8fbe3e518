//! The reading end of a ring.

use super::buffer::{Memory, ReadRun};
use super::frame::{self, Kind, SPILL_PAYLOAD};
use super::spill::Ticket;
use super::{Progress, Ring, Target};
use crate::sync::{Arc, order};

/// Reads frames; there is exactly one per ring.
#[derive(Debug)]
pub(crate) struct Consumer {
    /// The frame to read next.
    next: usize,
    /// Everything before it was given back to the producer. Behind `next` while a message is
    /// held, or when its guard was forgotten.
    released: usize,
    /// Messages delivered so far.
    received: usize,
    /// The buffer of the message that is held, if it was spilled.
    held: Option<Memory>,
    ring: Arc<Ring>,
}

/// A message that is in the ring but not yet delivered.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Frame {
    position: usize,
    word: u32,
}

/// What the consumer finds at its cursor.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Peek {
    Message(Frame),
    Empty,
    /// The cursor moved to the next lap and gave bytes back; look again.
    Skipped,
}

/// The bytes of a delivered message.
pub(crate) type Payload = ReadRun;

impl Consumer {
    pub(super) fn new(ring: Arc<Ring>, start: usize) -> Self {
        Self { next: start, released: start, received: 0, held: None, ring }
    }

    /// Looks for a message in place, which is what is mostly there.
    #[inline(always)]
    pub(crate) fn peek_in_place(&self) -> Option<Frame> {
        let word = self.ring.buffer.poll(self.next);
        (frame::kind(word) == Some(Kind::Message)).then_some(Frame { position: self.next, word })
    }

    /// Looks for the next message without taking it.
    pub(crate) fn peek(&mut self) -> Peek {
        let word = self.ring.buffer.poll(self.next);
        match frame::kind(word) {
            None => Peek::Empty,
            Some(Kind::Skip) => self.skip(),
            Some(Kind::Message | Kind::Spill) => Peek::Message(Frame { position: self.next, word }),
        }
    }

    fn skip(&mut self) -> Peek {
        self.next = frame::next_lap(self.next, self.ring.buffer.capacity());
        self.release();
        Peek::Skipped
    }

    /// Announces that `frame` is about to be delivered. Whoever wants to know what was read
    /// before the end looks at this announcement; see [`withdraw`](Self::withdraw).
    #[inline]
    pub(crate) fn claim(&self, frame: Frame) {
        if !order::active(order::Mutant::NoClaim) {
            self.ring.consumer.claimed.store(end(frame), order::UNORDERED);
        }
    }

    /// Asks, the own port having closed, whether the claimed `frame` must be delivered all the
    /// same, since it was already counted as read. Otherwise it never will be.
    #[cold]
    pub(crate) fn withdraw(&self, frame: Frame) -> bool {
        self.ring.settle(frame.position) == end(frame)
    }

    /// Asks, the peer having closed, whether nothing comes after what was taken so far. From then
    /// on nothing does; otherwise there is a message that the producer knows to be accepted.
    pub(crate) fn finish(&self) -> bool {
        // A post that was refused may have left a skip behind the last message; this end has
        // passed it then, and is ahead of the border.
        frame::reached(self.next, self.ring.settle(self.next))
    }

    /// Takes a message. The payload must be gone before [`release`](Self::release).
    #[inline(always)]
    pub(crate) fn take(&mut self, frame: Frame) -> Payload {
        self.pass(frame);
        if frame::kind(frame.word) == Some(Kind::Spill) {
            return self.take_spilled(frame);
        }
        self.payload(frame)
    }

    /// Moves on to what follows `frame`, which is in hand from now on.
    #[inline(always)]
    pub(crate) fn pass(&mut self, frame: Frame) {
        debug_assert_eq!(self.next, frame.position);
        self.next = end(frame);
        self.received = self.received.wrapping_add(1);
    }

    /// The bytes of a message in place. They must be gone before [`release`](Self::release).
    #[inline(always)]
    pub(crate) fn payload(&self, frame: Frame) -> Payload {
        debug_assert_eq!(frame::kind(frame.word), Some(Kind::Message));
        // SAFETY: P2 made the frame visible; the producer does not write it before `release`.
        unsafe { self.ring.buffer.read(frame.position, frame::length(frame.word)) }
    }

    #[cold]
    fn take_spilled(&mut self, frame: Frame) -> Payload {
        // SAFETY: as in `take`; and each frame is taken once.
        let ticket = unsafe { Ticket::take(&self.ring.buffer, frame.position) };
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
        frame::distance(self.released, self.next) >= self.ring.buffer.capacity() / 4
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
            let returned = self.ring.returned.push(memory);
            debug_assert!(returned.is_ok(), "there are as many places as buffers");
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

    /// Messages posted and not yet taken.
    pub(crate) fn len(&self) -> usize {
        if self.is_empty() {
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

    /// Whether no message is there to be taken.
    pub(crate) fn is_empty(&self) -> bool {
        let mut position = self.next;
        loop {
            match frame::kind(self.ring.buffer.poll(position)) {
                None => return true,
                Some(Kind::Skip) => {
                    position = frame::next_lap(position, self.ring.buffer.capacity());
                }
                Some(_) => return false,
            }
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

/// Where the frame behind `frame` is.
#[inline]
fn end(frame: Frame) -> usize {
    let size = if frame::kind(frame.word) == Some(Kind::Spill) {
        frame::size(SPILL_PAYLOAD)
    } else {
        frame::size(frame::length(frame.word))
    };
    frame.position.wrapping_add(size)
}
