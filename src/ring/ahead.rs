//! How far a consumer of blocks looks ahead.

use super::block::{self, Shape};
use super::layout::Layout;

/// Full blocks that a consumer finds before it looks ahead. One that keeps up with its producer must
/// not touch the line that is being written.
const STREAK: u32 = if cfg!(message_port_loom) { 1 } else { 8 };

/// The same where looking ahead keeps finding nothing: it doubles up to this many.
const LONGEST_STREAK: u32 = if cfg!(message_port_loom) { 1 } else { 4096 };

/// Bytes that are looked ahead at most: about as many lines as a core fetches at a time.
const MOST: usize = 1024;

/// How many blocks a consumer looks ahead of what it knows.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ahead {
    /// As many as were full at the last look. Zero while the consumer keeps up.
    blocks: usize,
    /// At most.
    most: usize,
    /// Full blocks to be found until the next look.
    due: u32,
    /// Full blocks from a look that finds nothing, or from when the consumer keeps up, to the next.
    streak: u32,
    /// Blocks of half a lap.
    half: usize,
    /// See [`reserve`](Self::reserve).
    reserve: usize,
}

impl Ahead {
    /// For a direction that may grow, in which a segment may end in between.
    pub(super) const NEVER: Self =
        Self { blocks: 0, most: 0, due: STREAK, streak: STREAK, half: 0, reserve: 0 };

    /// For a ring of `bytes` bytes.
    pub(super) fn new(layout: Layout, bytes: usize) -> Self {
        let Layout::Blocks(shape) = layout else { return Self::NEVER };
        // With what is known already, less than a lap.
        let (most, half) = (MOST.min(bytes / 4) / shape.stride(), bytes / 2 / shape.stride());
        Self { most, half, ..Self::NEVER }
    }

    /// Whether anybody may look ahead at all.
    pub(super) fn is_possible(&self) -> bool {
        self.most > 0
    }

    /// Blocks of half a lap: behind the consumer's own, so many are certainly of this lap.
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

    /// When less than this is known, as a distance of positions, it is time to look ahead again.
    #[inline(always)]
    pub(super) fn reserve(&self) -> usize {
        self.reserve
    }

    /// Takes account of what was found.
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

    /// The consumer keeps up.
    #[inline]
    pub(super) fn start_again(&mut self) {
        (self.blocks, self.reserve, self.due) = (0, 0, self.streak);
    }
}
