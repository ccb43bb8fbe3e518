//! The reading end of a ring.

mod backlog;
mod blocks;
mod emptying;
mod lengths;
mod look;

use super::ahead::Ahead;
use super::block::{self, Cursor, News};
use super::buffer::ReadRun;
use super::frame::{self, Kind, SPILL_PAYLOAD};
use super::layout::Layout;
use super::memory::Memory;
use super::patience::ForMessages;
use super::segment::SegmentRef;
use super::spill::Ticket;
use super::{Ends, Progress, Ring, Store, Target};
use crate::sync::{Arc, order};
use backlog::Backlog;
pub(crate) use emptying::Emptying;
use lengths::Lengths;

/// Reads messages; there is exactly one per ring.
#[derive(Debug)]
pub(crate) struct Consumer {
    /// The position of the message to read next.
    next: usize,
    /// The place of `next` in its segment, if that consists of blocks.
    cursor: Cursor,
    /// In blocks, messages are known to be published up to this position.
    known: usize,
    /// In blocks, the position at which to look for more: where the known messages end, or earlier. It
    /// is between `next` and `known`.
    stop: usize,
    ahead: Ahead,
    /// Whether not everything before `next` was given back: a message is held, or its guard was
    /// forgotten. A flag rather than a comparison with the head, which the next message would wait for.
    holds: bool,
    /// The segment in which `next` is.
    segment: SegmentRef,
    layout: Layout,
    /// The ring's capacity in bytes, as requested.
    capacity: usize,
    /// A quarter of the ring, as a distance of positions.
    quarter: usize,
    /// Commit word and size of the previous frame: the next frame usually has the same.
    last: (u32, usize),
    /// Messages delivered so far, if they lie in frames.
    received: usize,
    backlog: Backlog,
    /// The buffer of the held message, if it was spilled.
    held: Option<Memory>,
    patience: ForMessages,
    ring: Arc<Ring>,
    store: Arc<Store>,
}

/// The message at the consumer's [position](Consumer::position), not yet delivered.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Frame {
    /// The position behind the message.
    end: usize,
    /// The commit word, if the message lies in a frame.
    word: u32,
}

impl Frame {
    /// The position behind the message.
    #[inline(always)]
    pub(crate) fn end(self) -> usize {
        self.end
    }
}

/// What the consumer finds at its position.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Peek {
    Message(Frame),
    Empty,
    /// The position moved to the next lap and gave bytes back; look again.
    Skipped,
    /// The direction continues in another segment; [pass](Consumer::pass_switch) the switch.
    Switch,
}

/// The bytes of a delivered message.
pub(crate) type Payload = ReadRun;

pub(crate) use look::Look;

impl Consumer {
    pub(super) fn new(ends: Ends, capacity: usize, ahead: Ahead) -> Self {
        let Ends { ring, store, start, segment, layout } = ends;
        let quarter = match layout {
            Layout::Frames => capacity / 4,
            Layout::Blocks(shape) => (shape.room(capacity) / block::STEP / 4).max(1) * block::STEP,
        };
        Self {
            next: start,
            cursor: Cursor::START,
            known: start,
            stop: start,
            holds: false,
            segment,
            layout,
            capacity,
            quarter,
            last: (frame::EMPTY, 0),
            received: 0,
            backlog: Backlog::UNKNOWN,
            held: None,
            patience: ForMessages::default(),
            ahead,
            ring,
            store,
        }
    }

    /// How messages lie in the ring.
    pub(crate) fn layout(&self) -> Layout {
        self.layout
    }

    /// The position behind everything taken so far.
    #[inline(always)]
    pub(crate) fn position(&self) -> usize {
        self.next
    }

    /// Looks for a message in place, which nearly all are. `None` means nothing: use
    /// [`peek`](Self::peek).
    ///
    /// Here and below, `layout` is the ring's layout, as a constant if the caller has one.
    #[inline(always)]
    pub(crate) fn peek_in_place(&mut self, layout: Layout) -> Option<Frame> {
        debug_assert_eq!(layout, self.layout);
        match layout {
            Layout::Blocks(shape) => self.peek_in_block(shape),
            Layout::Frames => {
                let word = self.segment.view.poll(self.next);
                frame::is_message(word).then(|| self.frame(word))
            }
        }
    }

    /// The frame at `next`, whose commit word is `word`.
    #[inline(always)]
    fn frame(&mut self, word: u32) -> Frame {
        // A branch, not a calculation, so that the next look need not wait for this word.
        if word != self.last.0 {
            self.last = (word, Self::size_of_frame(word));
        }
        Frame { end: self.next.wrapping_add(self.last.1), word }
    }

    #[cold]
    fn size_of_frame(word: u32) -> usize {
        frame::size(if frame::is_message(word) { frame::length(word) } else { SPILL_PAYLOAD })
    }

    /// Looks for the next message without taking it.
    pub(crate) fn peek(&mut self) -> Peek {
        match self.layout {
            Layout::Frames => self.peek_frame(),
            Layout::Blocks(shape) => match self.peek_in_block(shape) {
                Some(frame) => Peek::Message(frame),
                None => self.peek_behind_block(shape),
            },
        }
    }

    /// Whether nothing comes next, not even a skip or a switch.
    pub(crate) fn is_empty(&self) -> bool {
        match self.layout {
            Layout::Frames => frame::kind(self.segment.view.poll(self.next)).is_none(),
            Layout::Blocks(shape) => {
                let header = self.segment.view.poll_block(self.cursor, shape);
                matches!(block::news(header, self.cursor), News::Nothing)
            }
        }
    }

    /// Lets the producer get ahead for a moment if that has helped; returns whether to look again.
    #[cold]
    pub(crate) fn pause(&mut self) -> bool {
        self.ahead.start_again();
        self.patience.pause(self.received())
    }

    /// Messages received so far, wrapping.
    pub(crate) fn received(&self) -> usize {
        match self.layout {
            Layout::Frames => self.received,
            Layout::Blocks(_) => self.next / block::STEP,
        }
    }

    fn peek_frame(&mut self) -> Peek {
        let word = self.segment.view.poll(self.next);
        match frame::kind(word) {
            None => Peek::Empty,
            Some(Kind::Message | Kind::Spill) => Peek::Message(self.frame(word)),
            Some(Kind::Skip) => {
                self.next = self.next_lap();
                self.release();
                Peek::Skipped
            }
            Some(Kind::Switch) => Peek::Switch,
        }
    }

    fn next_lap(&self) -> usize {
        frame::next_lap(self.next, self.segment.view.len())
    }

    /// Follows the producer into the next segment and gives the previous one back. `false` if the end
    /// is settled in front of the next segment.
    pub(crate) fn pass_switch(&mut self) -> bool {
        let start = match self.layout {
            Layout::Frames => self.next_lap(),
            Layout::Blocks(_) => self.next.wrapping_add(block::STEP),
        };
        if !self.ring.may_pass_to(start) {
            return false;
        }
        // SAFETY: this is the consumer, and P2 made the switch visible. No message of this segment
        // is in use: a caller that looks for the next message holds none. The producer left the
        // segment when it committed the switch. It comes back only to count what is behind the
        // settled end. Either that end is behind the switch, or it was not settled when this
        // consumer asked; then the producer counts from `passed` on (S5, S6).
        let Some(segment) = (unsafe { self.store.chain.pass_switch() }) else { return false };
        self.cursor = Cursor::START;
        self.segment = segment;
        (self.next, self.known, self.stop) = (start, start, start);
        self.release();
        true
    }

    /// Announces that everything before `end` is about to be delivered. This announcement decides
    /// what counts as read when the channel ends; see [`withdraw`](Self::withdraw).
    #[inline(always)]
    pub(crate) fn claim(&self, end: usize) {
        self.ring.claim(end);
    }

    /// After the own port closed: whether the messages from `position` to the claimed `end` must
    /// still be delivered because they were already counted as read. Otherwise they never will be.
    pub(crate) fn withdraw(&self, position: usize, end: usize) -> bool {
        self.ring.withdraw(position, end)
    }

    /// After the peer closed: whether this is the end. If so, nothing follows what was taken so far.
    /// If not, there is another message that the producer knows to be accepted.
    pub(crate) fn finish(&self) -> bool {
        // A refused post may have left a skip behind the last message. This end has then passed
        // it and is ahead of the border.
        let border = self.ring.settle(self.next);
        border == self.next
            || frame::reached(self.next, border) && !order::active(order::Mutant::StrictEnd)
    }

    /// Takes a message. The payload must be dropped before [`release`](Self::release).
    #[inline(always)]
    pub(crate) fn take(&mut self, layout: Layout, frame: Frame) -> Payload {
        if layout == Layout::Frames && !frame::is_message(frame.word) {
            let payload = self.take_spilled();
            self.pass(layout, frame);
            return payload;
        }
        let payload = self.payload(layout, frame);
        self.pass(layout, frame);
        if order::active(order::Mutant::EarlyGiveBack) && matches!(self.peek(), Peek::Switch) {
            self.pass_switch();
        }
        payload
    }

    /// Moves past `frame`, which is held from now on.
    #[inline(always)]
    pub(crate) fn pass(&mut self, layout: Layout, frame: Frame) {
        let position = std::mem::replace(&mut self.next, frame.end);
        self.holds = true;
        match layout {
            Layout::Frames => {
                self.received = self.received.wrapping_add(1);
                self.prefetch_frame(frame::distance(position, frame.end));
            }
            Layout::Blocks(shape) => {
                let was_last = self.cursor.is_last(shape);
                self.cursor.advance(shape, self.segment.view.len());
                if was_last {
                    let known = self.known.wrapping_sub(self.next);
                    blocks::prefetch(self.segment.view, shape, self.cursor, known);
                }
            }
        }
    }

    /// The bytes of a message in place. The run must be dropped before [`release`](Self::release).
    #[inline(always)]
    pub(crate) fn payload(&self, layout: Layout, frame: Frame) -> Payload {
        match layout {
            Layout::Blocks(shape) => {
                // SAFETY: P2 made the message visible; the producer does not write it before
                // `release`.
                unsafe { self.segment.view.read_message(self.cursor, shape) }
            }
            Layout::Frames => {
                debug_assert!(frame::is_message(frame.word));
                // SAFETY: P2 made the frame visible; the producer does not write it before
                // `release`.
                unsafe { self.segment.view.read(self.next, frame::length(frame.word)) }
            }
        }
    }

    #[cold]
    fn take_spilled(&mut self) -> Payload {
        // SAFETY: as in `payload`, and each frame is taken once.
        let ticket = unsafe { Ticket::take(self.segment.view, self.next) };
        let (memory, length) = ticket.into_parts();
        self.held.insert(memory).read(length)
    }

    /// The bytes of a spilled message, which is not taken. The run must be dropped before the look ends.
    pub(crate) fn spilled(&self, frame: Frame, _: &Look<'_>) -> Payload {
        debug_assert!(self.is_spilled(frame));
        // SAFETY: P2 made the frame visible. The only consumer is borrowed, so it takes no ticket
        // meanwhile; the producer knows of the look and frees no buffer.
        unsafe { Ticket::look(self.segment.view, self.next) }
    }

    /// Whether a message was taken but not released: it is held, or its guard was forgotten.
    #[inline]
    pub(crate) fn holds(&self) -> bool {
        self.holds
    }

    /// Everything before the result was given back to the producer.
    #[inline(always)]
    fn released(&self) -> usize {
        // Unordered: only this end writes it.
        self.ring.consumer.head.load(order::UNORDERED)
    }

    /// Whether so much was taken but not released that the producer may run out of room.
    #[inline]
    pub(crate) fn holds_much(&self) -> bool {
        frame::distance(self.released(), self.next) >= self.quarter
    }

    /// The number of messages in blocks that may be taken before [`holds_much`](Self::holds_much).
    pub(crate) fn may_hold(&self) -> usize {
        self.quarter / block::STEP
    }

    /// Gives the bytes of everything taken back to the producer.
    #[inline]
    pub(crate) fn release(&mut self) {
        if self.held.is_some() {
            self.hand_back();
        }
        self.holds = false;
        self.ring.free_up_to(self.next);
    }

    #[cold]
    fn hand_back(&mut self) {
        if let Some(memory) = self.held.take() {
            if order::active(order::Mutant::NoHandBack) {
                return;
            }
            // The queue has a place for each buffer, unless the direction grows.
            let bytes = memory.len();
            // SAFETY: this is the consumer.
            if let Err(memory) = unsafe { self.ring.returned.push(memory, bytes) } {
                drop(memory);
                self.store.chain.count_freed(bytes);
            }
        }
    }

    /// Whether a producer that waits for `target` can go on.
    pub(crate) fn has_released(&self, target: Target) -> bool {
        self.ring.has_reached(target)
    }

    /// Lets the other half of the port see what this consumer has given back.
    pub(crate) fn progress(&self) -> Progress {
        Progress(Arc::clone(&self.ring))
    }

    /// The number of messages posted and not yet taken, up to `limit`; `may_look` as in
    /// [`lengths`](Self::lengths).
    pub(crate) fn len(&self, limit: usize, may_look: impl Fn() -> bool) -> usize {
        if let Layout::Blocks(shape) = self.layout {
            return self.lengths(may_look).count_in_blocks(shape, limit);
        }
        if self.lengths(may_look).next().is_none() {
            return 0;
        }
        // The producer counts after the frame: a message can be visible before it is counted.
        let posted = self.ring.producer.posted.get();
        let counted = match posted.wrapping_sub(self.received) {
            0 => 1,
            behind if behind > usize::MAX / 2 => 1,
            counted => counted,
        };
        counted.min(limit)
    }

    /// Notes that `messages` messages were counted by [`len`](Self::len) up to `limit`, so that few looks
    /// are needed to take them.
    pub(crate) fn know(&mut self, messages: usize, limit: usize) {
        if let Layout::Blocks(shape) = self.layout {
            self.know_in_blocks(shape, messages, limit);
        }
    }

    /// The bytes of all archives posted and not yet taken. In frames this looks at each one; `may_look`
    /// as in [`lengths`](Self::lengths).
    pub(crate) fn bytes_available(&self, may_look: impl Fn() -> bool) -> usize {
        match self.layout {
            Layout::Frames => self.lengths(may_look).sum(),
            Layout::Blocks(shape) => self.len(usize::MAX, may_look) * shape.size(),
        }
    }

    /// The lengths of the archives that are ready to be taken.
    ///
    /// Segments behind the consumer's own may be freed once its port has closed. So this announces the
    /// look, then calls `may_look`, which executes the barrier B6 and says whether the port is open.
    fn lengths<F: Fn() -> bool>(&self, may_look: F) -> Lengths<'_, F> {
        Lengths::of(self, may_look)
    }
}

impl Drop for Consumer {
    /// A forgotten guard must not keep its buffer alive.
    fn drop(&mut self) {
        if self.holds() {
            self.release();
        }
    }
}
