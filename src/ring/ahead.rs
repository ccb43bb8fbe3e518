//! How far a consumer of blocks looks ahead.

use super::block::{self, Shape};
use super::layout::Layout;

/// Full blocks that a consumer finds before it looks ahead. A consumer that keeps up with its
/// producer must not touch the cache line that is being written.
const STREAK: u32 = if cfg!(message_port_loom) { 1 } else { 8 };

/// While looking ahead keeps finding nothing, the streak doubles, up to this many.
const LONGEST_STREAK: u32 = if cfg!(message_port_loom) { 1 } else { 4096 };

/// How many bytes to look ahead at most. With half as many, structs of 200 bytes took a tenth longer.
const MOST: usize = 2048;

/// How many blocks past those it knows of a consumer looks ahead.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ahead {
    /// Blocks that were full at the last look. Zero while the consumer keeps up.
    blocks: usize,
    /// The most blocks to look ahead.
    most: usize,
    /// Full blocks still to be found before the next look.
    due: u32,
    /// Full blocks between a look that found nothing (or the consumer keeping up) and the next look.
    streak: u32,
    /// Blocks in half a lap.
    half: usize,
    /// See [`reserve`](Self::reserve).
    reserve: usize,
}

impl Ahead {
    /// For a direction that may grow: a segment may end within that distance.
    pub(super) const NEVER: Self =
        Self { blocks: 0, most: 0, due: STREAK, streak: STREAK, half: 0, reserve: 0 };

    /// For a ring of `bytes` bytes.
    pub(super) fn new(layout: Layout, bytes: usize) -> Self {
        let Layout::Blocks(shape) = layout else { return Self::NEVER };
        // Together with the blocks already known, less than a lap.
        let (most, half) = (MOST.min(bytes / 4) / shape.stride(), bytes / 2 / shape.stride());
        Self { most, half, ..Self::NEVER }
    }

    /// Whether this consumer may look ahead at all.
    pub(super) fn is_possible(&self) -> bool {
        self.most > 0
    }

    /// Blocks in half a lap: this many behind the consumer's own are certainly of this lap.
    pub(super) fn farthest(&self) -> usize {
        self.half
    }

    /// Notes that a full block was found, and says whether to look ahead.
    #[inline(always)]
    pub(super) fn is_due(&mut self) -> bool {
        self.due = self.due.wrapping_sub(1);
        self.due == 0
    }

    /// How many blocks to look ahead, if at all.
    #[inline]
    pub(super) fn distance(&mut self) -> Option<usize> {
        self.due = self.streak;
        self.is_possible().then(|| (self.blocks * 2).clamp(1, self.most))
    }

    /// It is time to look ahead again when no more than this is known, as a distance of positions.
    #[inline(always)]
    pub(super) fn reserve(&self) -> usize {
        self.reserve
    }

    /// Adapts the distance to what the look found.
    #[inline]
    pub(super) fn learn(&mut self, is_full: bool, shape: Shape) {
        if is_full {
            self.blocks = (self.blocks * 2).clamp(1, self.most);
            self.reserve = self.blocks / 2 * shape.count() * block::STEP;
            (self.due, self.streak) = (1, STREAK);
        } else {
            self.streak = (self.streak * 2).min(LONGEST_STREAK);
            self.start_again();
        }
    }

    /// Starts over: the consumer keeps up.
    #[inline]
    pub(super) fn start_again(&mut self) {
        (self.blocks, self.reserve, self.due) = (0, 0, self.streak);
    }
}
