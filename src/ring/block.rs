//! The arithmetic of blocks: messages of one size, of which one header publishes several.
//!
//! A block is a header followed by room for a fixed number of messages. The header only grows: its
//! upper bits hold the lap, its lower bits the number of published messages in the block. A header
//! left from an earlier lap is therefore never taken for news, and nothing has to be cleared. A
//! *position* counts messages since the ring was made, in steps of [`STEP`], and wraps with `usize`.

/// From one position to the next. Odd numbers are not positions, so they can mark what no position
/// reaches.
pub(crate) const STEP: usize = 2;

/// Bytes of a cache line on the machines for which blocks are shaped.
pub(crate) const LINE: usize = 64;

/// Bytes of a header.
const HEADER: usize = size_of::<u32>();

/// The bits of a header that count messages.
const COUNT: u32 = 0x7f;

/// Set in the header of a segment's last block: the direction continues in the next segment.
const SWITCH: u32 = 0x80;

/// How much a header grows from one lap to the next.
const LAP: u32 = 0x100;

/// The shape of a direction's blocks.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Shape {
    /// Bytes of a message.
    size: u16,
    /// Bytes from one block to the next.
    stride: u16,
    /// Bytes in front of the first message of a block.
    header: u8,
    /// Messages of a block.
    count: u8,
}

impl Shape {
    /// Size of the largest messages that lie in blocks, in bytes.
    pub(crate) const MAX_SIZE: usize = 512;

    /// The shape for messages of `size` bytes, a multiple of `align`.
    ///
    /// If several messages and a header fit a cache line, a block is one line, so one transfer
    /// brings the header and the message. Otherwise each message has its own header, and blocks lie
    /// as close as alignment allows, because a stream's cost is its cache lines.
    pub(crate) const fn of(size: usize, align: usize) -> Self {
        assert!(size <= Self::MAX_SIZE);
        let header = if align > HEADER { align } else { HEADER };
        let unit = if size == 0 { 1 } else { size };
        let several = (LINE - header) / unit;
        let (count, stride) = if several >= 2 {
            (several, LINE)
        } else {
            (1, (header + size).next_multiple_of(header))
        };
        #[allow(clippy::cast_possible_truncation, reason = "alignments and sizes are small")]
        Self { size: size as u16, stride: stride as u16, header: header as u8, count: count as u8 }
    }

    /// Bytes of a message.
    #[inline(always)]
    pub(crate) const fn size(self) -> usize {
        self.size as usize
    }

    /// Bytes from one block to the next.
    #[inline(always)]
    pub(crate) const fn stride(self) -> usize {
        self.stride as usize
    }

    /// Messages of a block.
    #[inline(always)]
    pub(crate) const fn count(self) -> usize {
        self.count as usize
    }

    /// Blocks that begin within so many bytes: at least one.
    pub(crate) const fn blocks_within(self, bytes: usize) -> usize {
        bytes.div_ceil(self.stride())
    }

    /// Blocks that can be in use in a ring of `capacity` bytes.
    const fn blocks(self, capacity: usize) -> usize {
        let blocks = capacity / self.stride();
        if blocks == 0 { 1 } else { blocks }
    }

    /// Bytes of memory that a ring of `capacity` bytes takes: whole blocks, and one more that always
    /// stays free.
    pub(crate) const fn bytes(self, capacity: usize) -> usize {
        (self.blocks(capacity) + 1) * self.stride()
    }

    /// How far the tail may be ahead of the head, as a distance of positions.
    ///
    /// One block always stays free. So the producer enters a block only once all of its messages of
    /// the previous lap have been given back.
    pub(crate) const fn room(self, capacity: usize) -> usize {
        self.blocks(capacity) * self.count() * STEP
    }

    /// The index in the ring of the block that a cursor is in.
    #[cfg(message_port_loom)]
    pub(crate) const fn block(self, cursor: Cursor) -> usize {
        cursor.at / self.stride()
    }

    /// The index in the ring of the message that a cursor is at.
    #[cfg(message_port_loom)]
    pub(crate) const fn slot(self, cursor: Cursor) -> usize {
        self.block(cursor) * self.count() + cursor.index()
    }

    /// Blocks that lie in `bytes` bytes.
    #[cfg(message_port_loom)]
    pub(crate) const fn blocks_of(self, bytes: usize) -> usize {
        bytes / self.stride()
    }

    /// Messages that lie in `bytes` bytes.
    #[cfg(message_port_loom)]
    pub(crate) const fn slots(self, bytes: usize) -> usize {
        self.blocks_of(bytes) * self.count()
    }
}

/// The place of an end in its segment.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cursor {
    /// Offset of the block, in bytes.
    pub(crate) at: usize,
    /// The header of this block once everything before the cursor is published.
    pub(crate) word: u32,
}

impl Cursor {
    /// The first message of a segment.
    pub(crate) const START: Self = Self { at: 0, word: LAP };

    /// The index in its block of the next message.
    #[inline(always)]
    pub(crate) const fn index(self) -> usize {
        (self.word & COUNT) as usize
    }

    /// Offset of the next message, in bytes.
    #[inline(always)]
    pub(crate) const fn offset(self, shape: Shape) -> usize {
        // With one message per block there is nothing to calculate.
        let index = if shape.count() == 1 { 0 } else { self.index() };
        self.at + shape.header as usize + index * shape.size()
    }

    /// Whether the next message is the last of its block.
    #[inline(always)]
    pub(crate) const fn is_last(self, shape: Shape) -> bool {
        shape.count() == 1 || self.index() + 1 == shape.count()
    }

    /// Moves past the next message, in a ring of `bytes` bytes.
    #[inline(always)]
    pub(crate) const fn advance(&mut self, shape: Shape, bytes: usize) {
        if self.is_last(shape) {
            let next = self.next_block(shape, bytes);
            self.at = next.at;
            // With one message per block, only a lap changes it.
            if shape.count() > 1 || next.at == 0 {
                self.word = next.word;
            }
        } else {
            self.word += 1;
        }
    }

    /// The first message of the block after this one.
    #[inline(always)]
    pub(crate) const fn next_block(self, shape: Shape, bytes: usize) -> Self {
        // With one message per block, no cursor is in the middle of a block.
        let word = if shape.count() == 1 { self.word } else { self.word & !COUNT };
        let at = self.at + shape.stride();
        if at == bytes { Self::next_lap(word) } else { Self { at, word } }
    }

    /// The first message of the next lap, from a block whose messages begin with `word`. This is rare
    /// and a branch, so that the place of the next message does not wait for a calculation.
    #[cold]
    const fn next_lap(word: u32) -> Self {
        Self { at: 0, word: word.wrapping_add(LAP) }
    }

    /// The first message of the previous block; this one is not the first block of the first lap.
    #[inline]
    pub(crate) const fn block_before(self, shape: Shape, bytes: usize) -> Self {
        let word = self.word & !COUNT;
        if self.at == 0 {
            Self { at: bytes - shape.stride(), word: word.wrapping_sub(LAP) }
        } else {
            Self { at: self.at - shape.stride(), word }
        }
    }

    /// Moves ahead by a number of messages, fewer than a lap.
    pub(crate) const fn forward(self, shape: Shape, messages: usize, bytes: usize) -> Self {
        let messages = self.index() + messages;
        self.ahead(shape, messages / shape.count(), bytes).within(messages % shape.count())
    }

    /// The place that many messages ahead, in the same block.
    pub(crate) const fn within(self, messages: usize) -> Self {
        #[allow(clippy::cast_possible_truncation, reason = "less than the messages of a block")]
        let messages = messages as u32;
        Self { word: self.word + messages, ..self }
    }

    /// Whether two cursors of one segment are in the same block of the same lap.
    #[inline]
    pub(crate) const fn is_in_block_of(self, other: Self) -> bool {
        self.at == other.at && self.word & !COUNT == other.word & !COUNT
    }

    /// The header of this block when all of its messages are published.
    #[inline]
    pub(crate) const fn full(self, shape: Shape) -> u32 {
        self.word & !COUNT | shape.count as u32
    }

    /// The first message of the block that many blocks after this one, fewer than a lap.
    pub(crate) const fn ahead(self, shape: Shape, blocks: usize, bytes: usize) -> Self {
        let word = self.word & !COUNT;
        let at = self.at + blocks * shape.stride();
        if at >= bytes {
            Self { at: at - bytes, word: word.wrapping_add(LAP) }
        } else {
            Self { at, word }
        }
    }

    /// Whether the segment is in its first lap, in which headers are uninitialised.
    #[inline(always)]
    pub(crate) const fn is_in_first_lap(self) -> bool {
        self.word & !COUNT == LAP
    }
}

/// The header of a block with nothing of this lap published.
#[inline(always)]
pub(crate) const fn untouched(cursor: Cursor) -> u32 {
    cursor.word.wrapping_sub(LAP)
}

/// The header that ends a segment at `cursor`.
#[inline]
pub(crate) const fn switch(cursor: Cursor) -> u32 {
    cursor.word | SWITCH
}

/// What a header says.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum News {
    /// That many messages of this block are published from the cursor on.
    Messages(usize),
    /// Nothing is published from the cursor on.
    Nothing,
    /// The direction continues in the next segment.
    Switch,
}

/// What a header means to a consumer at `cursor`.
#[inline(always)]
pub(crate) const fn news(header: u32, cursor: Cursor) -> News {
    // A header left from an earlier lap is less than the cursor's word, so the difference wraps to
    // a huge number.
    let ahead = (header & !SWITCH).wrapping_sub(cursor.word);
    if ahead.wrapping_sub(1) < COUNT {
        News::Messages(ahead as usize)
    } else if header == switch(cursor) {
        News::Switch
    } else {
        News::Nothing
    }
}
