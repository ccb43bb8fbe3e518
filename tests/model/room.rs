//! The model of one ring: when a message must fit, and when it cannot.
//!
//! Written from the documented layouts. Frames are an 8-byte header and the archive, rounded up to
//! 16 bytes; a frame does not reach past the end of the ring but goes to its start instead, after
//! what is left is skipped; 16 bytes stay free; an archive whose frame exceeds half the ring goes
//! to a heap buffer and leaves a frame of three words. Archives that all have one size of up to 512
//! bytes lie in blocks instead, of which a ring has one more than can be in use; the model counts
//! these messages, not their bytes. What the documents leave open is left open here: the model knows
//! when a message must fit and when it cannot, and between the two it believes what it is told. What
//! is different where a direction may grow is in `growth`.

use std::collections::VecDeque;

#[derive(Clone, Debug)]
pub(crate) struct Room {
    pub(super) capacity: usize,
    /// Where the messages lie in blocks.
    pub(super) blocks_of: Option<Blocks>,
    max_message_len: usize,
    /// Bytes of segments and buffers together, where the direction may grow.
    pub(super) max_bytes: Option<usize>,
    /// Where the next frame goes, in bytes from the start of the ring.
    pub(super) tail: usize,
    /// What is in the ring, from the oldest on.
    pub(super) items: VecDeque<Item>,
    /// Whether the oldest one is a message that was delivered and not yet released.
    pub(super) delivered: bool,
    /// The longest archive that a buffer was asked for.
    pub(super) longest_spilled: usize,
    /// Whether the receiver may have looked for the next message since it certainly did.
    pub(super) perhaps_looked: bool,
    /// Whether it is not known any more where the frames are.
    pub(super) lost: bool,
    /// Bytes (or messages and switches) that were given back since the ring was made, as far as is
    /// certain.
    freed: usize,
    /// Heap buffers that were given back.
    handed_back: usize,
}

/// What a task waits for that found no room: this much given back, a buffer, or one of the two.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Awaited {
    freed: Option<usize>,
    handed_back: Option<usize>,
}

#[derive(Clone, Debug)]
pub(super) enum Item {
    Skip {
        bytes: usize,
    },
    /// A message, which in a block counts as one byte.
    Message {
        bytes: usize,
        spilled: Option<usize>,
    },
    /// What follows is in another segment.
    Switch,
}

/// Messages of one size.
#[derive(Clone, Copy, Debug)]
pub(super) struct Blocks {
    /// Messages that a segment has room for.
    pub(super) room: usize,
    /// Bytes of them with their headers.
    pub(super) bytes: usize,
}

impl Blocks {
    /// In a ring of `capacity` bytes for archives of `size` bytes, aligned to eight.
    fn of(capacity: usize, size: usize) -> Self {
        let to_a_line = (64 - 8) / size.max(1);
        let (messages, stride) = if to_a_line < 2 { (1, 8 + size) } else { (to_a_line, 64) };
        let blocks = (capacity / stride).max(1);
        Self { room: blocks * messages, bytes: blocks * stride }
    }
}

/// Whether there is room for a message.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Fit {
    Certain,
    Possible,
    Impossible,
}

pub(super) const SLOT: usize = 16;
const HEADER: usize = 8;
const SPILL_FRAME: usize = 32;
const BUFFERS: usize = 8;

fn frame(length: usize) -> usize {
    (length + HEADER).div_ceil(SLOT) * SLOT
}

impl Room {
    pub(crate) fn new(
        capacity: usize,
        max_message_len: usize,
        growable: Option<usize>,
        one_size: Option<usize>,
    ) -> Self {
        let blocks_of = one_size.map(|size| Blocks::of(capacity, size));
        let max_bytes = growable.map(|bytes| bytes.max(capacity));
        let longest =
            max_bytes.map(|bytes| (bytes - capacity).max((capacity / 2).saturating_sub(HEADER)));
        // What is never spilled needs no room beside the ring.
        let longest = longest.filter(|_| one_size.is_none());
        Self {
            capacity,
            blocks_of,
            max_message_len: longest.unwrap_or(usize::MAX).min(max_message_len),
            max_bytes,
            tail: 0,
            items: VecDeque::new(),
            delivered: false,
            longest_spilled: 0,
            perhaps_looked: false,
            lost: false,
            freed: 0,
            handed_back: 0,
        }
    }

    pub(crate) fn capacity(&self) -> usize {
        self.capacity
    }

    pub(crate) fn max_message_len(&self) -> usize {
        self.max_message_len
    }

    /// Whether an archive of `length` bytes fits now, once everything is tried.
    pub(crate) fn fit(&mut self, length: usize) -> Fit {
        if self.spills(length) {
            self.longest_spilled = self.longest_spilled.max(length);
        }
        if let Some(max_bytes) = self.max_bytes {
            return self.fit_growing(length, max_bytes);
        }
        let in_ring = self.fit_in_ring(self.frame_of(length));
        if !self.spills(length) {
            return in_ring;
        }
        match (in_ring, self.fit_in_buffers(length)) {
            (Fit::Impossible, _) | (_, Fit::Impossible) => Fit::Impossible,
            (Fit::Certain, Fit::Certain) => Fit::Certain,
            _ => Fit::Possible,
        }
    }

    /// Whether an archive of `length` bytes may fit without any further effort: no skip, no buffer.
    pub(crate) fn may_fit_here(&self, length: usize) -> bool {
        !self.spills(length)
            && (self.lost
                || self.frame_of(length) <= self.run()
                    && self.fit_in_newest(self.frame_of(length)) != Fit::Impossible)
    }

    /// Makes room for an archive of `length` bytes.
    pub(crate) fn reserve(&mut self, length: usize) {
        if self.max_bytes.is_some() && self.reserve_growing(length) {
            return;
        }
        let run = self.run();
        if self.frame_of(length) > run {
            self.items.push_back(Item::Skip { bytes: run });
            self.tail = 0;
        }
    }

    /// Puts in an archive of `length` bytes for which there is room. `reserved` is the length for
    /// which the room was made: that decides whether it is spilled.
    pub(crate) fn commit(&mut self, length: usize, reserved: usize) {
        self.reserve(reserved);
        let spilled = self.spills(reserved).then_some(length);
        let bytes = if spilled.is_some() { SPILL_FRAME } else { self.frame_of(length) };
        self.items.push_back(Item::Message { bytes, spilled });
        if self.blocks_of.is_none() {
            self.tail = (self.tail + bytes) % self.capacity;
        }
    }

    /// The receiver looked for the next message: what was skipped in front of it is free.
    pub(crate) fn look(&mut self) {
        while !self.delivered && self.items.front().is_some_and(Item::is_passed_by_looking) {
            self.free();
        }
        self.perhaps_looked = false;
    }

    /// The receiver may look for the next message from now on, which will not be seen.
    pub(crate) fn perhaps_look(&mut self) {
        self.perhaps_looked = true;
    }

    /// The oldest message is in the hands of its receiver.
    pub(crate) fn deliver(&mut self) {
        self.look();
        self.delivered = true;
    }

    /// The message in the hands of the receiver is given back, if there is one.
    pub(crate) fn release(&mut self) {
        if std::mem::take(&mut self.delivered) {
            self.free();
        }
    }

    fn free(&mut self) {
        let Some(item) = self.items.pop_front() else { return };
        self.freed += match item {
            Item::Switch => 1,
            _ => item.bytes(),
        };
        self.handed_back += usize::from(item.spilled().is_some());
    }

    /// What whoever wants to post `length` bytes waits for, there being no room.
    pub(crate) fn awaited(&self, length: usize) -> Awaited {
        let bytes = self.frame_of(length);
        let buffers = if self.spills(length) { self.fit_in_buffers(length) } else { Fit::Certain };
        let ring = self.fit_in_ring(bytes);
        if let Some(first) = self.items.iter().position(|item| matches!(item, Item::Switch)) {
            let before: usize = self.items.range(..first).map(Item::bytes).sum();
            return Awaited { freed: Some(self.freed + before + 1), handed_back: None };
        }
        Awaited {
            freed: (ring != Fit::Certain && buffers != Fit::Impossible)
                .then(|| self.freed + self.used() + self.needed(bytes) - self.usable()),
            handed_back: (buffers != Fit::Certain).then_some(self.handed_back),
        }
    }

    /// Whether what was waited for is there.
    pub(crate) fn has_reached(&self, awaited: Awaited) -> Fit {
        if self.max_bytes.is_some() && self.blocks_of.is_none() {
            return Fit::Possible;
        }
        let by_freed = awaited.freed.map(|target| match target {
            target if target <= self.freed => Fit::Certain,
            target if target <= self.freed + self.perhaps_free() => Fit::Possible,
            _ => Fit::Impossible,
        });
        let by_buffer = awaited
            .handed_back
            .map(|before| if self.handed_back > before { Fit::Certain } else { Fit::Impossible });
        match (by_freed, by_buffer) {
            (Some(freed), Some(buffer)) if freed != buffer => Fit::Possible,
            (Some(reached), _) | (None, Some(reached)) => reached,
            (None, None) => Fit::Impossible,
        }
    }

    /// Bytes to the end of the ring; blocks have no end that matters.
    pub(super) fn run(&self) -> usize {
        if self.blocks_of.is_some() { usize::MAX } else { self.capacity - self.tail }
    }

    /// What can be in use of an empty ring.
    pub(super) fn usable(&self) -> usize {
        self.blocks_of.map_or(self.capacity - SLOT, |blocks| blocks.room)
    }

    pub(crate) fn spills(&self, length: usize) -> bool {
        self.blocks_of.is_none() && frame(length) > self.capacity / 2
    }

    pub(super) fn frame_of(&self, length: usize) -> usize {
        match self.blocks_of {
            Some(_) => 1,
            None if self.spills(length) => SPILL_FRAME,
            None => frame(length),
        }
    }

    fn fit_in_newest(&self, bytes: usize) -> Fit {
        if self.max_bytes.is_some() { self.fit_in_segment(bytes) } else { self.fit_in_ring(bytes) }
    }

    fn fit_in_ring(&self, bytes: usize) -> Fit {
        let (needed, used, perhaps_free) = (self.needed(bytes), self.used(), self.perhaps_free());
        let usable = self.usable();
        if needed + used <= usable {
            Fit::Certain
        } else if needed + used - perhaps_free <= usable {
            Fit::Possible
        } else {
            Fit::Impossible
        }
    }

    /// Bytes that a frame takes, with what is skipped in front of it.
    pub(super) fn needed(&self, bytes: usize) -> usize {
        if bytes <= self.run() { bytes } else { self.run() + bytes }
    }

    fn used(&self) -> usize {
        self.items.iter().map(Item::bytes).sum()
    }

    /// A skip that nothing is in front of may be free already, a switch may be passed.
    fn perhaps_free(&self) -> usize {
        match self.items.front() {
            Some(Item::Skip { bytes }) if !self.delivered => *bytes,
            Some(Item::Switch) if !self.delivered && self.perhaps_looked => 1,
            _ => 0,
        }
    }

    /// A buffer is at least as long as its archive, and at most as long as the longest archive
    /// rounded up to a power of two; idle ones are given up where one is needed.
    fn fit_in_buffers(&self, length: usize) -> Fit {
        let away = || self.items.iter().filter_map(Item::spilled);
        let budget = self.capacity.max(self.max_message_len.saturating_mul(2));
        let at_least = away().sum::<usize>() + length;
        let at_most = away().count() * self.longest_spilled.next_power_of_two() + length;
        if away().count() >= BUFFERS || at_least > budget {
            Fit::Impossible
        } else if at_most <= budget {
            Fit::Certain
        } else {
            Fit::Possible
        }
    }
}

impl Item {
    pub(super) fn bytes(&self) -> usize {
        match self {
            Self::Skip { bytes } | Self::Message { bytes, .. } => *bytes,
            Self::Switch => 0,
        }
    }

    pub(super) fn spilled(&self) -> Option<usize> {
        match self {
            Self::Message { spilled, .. } => *spilled,
            Self::Skip { .. } | Self::Switch => None,
        }
    }

    /// Whether a receiver goes past it when it looks for the next message.
    pub(super) fn is_passed_by_looking(&self) -> bool {
        matches!(self, Self::Skip { .. } | Self::Switch)
    }
}
