//! How far a consumer of blocks looks ahead.

use super::layout::Layout;

/// Full blocks in a row, before a consumer that keeps finding them looks ahead. One that keeps up
/// with its producer must not touch the line that is being written.
const STREAK: u32 = if cfg!(message_port_loom) { 0 } else { 8 };

/// Bytes that are looked ahead at most: about as many lines as a core fetches at a time.
const MOST: usize = 1024;

/// How many blocks ahead of its own a consumer looks for a full one.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ahead {
    /// Where one was found last; so far ahead, lines are fetched. Zero while the consumer keeps up.
    pub(super) blocks: u32,
    /// At most.
    most: u32,
    /// Full blocks found since the consumer last kept up.
    streak: u32,
}

impl Ahead {
    /// For a direction that may grow, in which a segment may end in between.
    pub(super) const NEVER: Self = Self { blocks: 0, most: 0, streak: 0 };

    /// For a ring of `bytes` bytes.
    pub(super) fn new(layout: Layout, bytes: usize) -> Self {
        let Layout::Blocks(shape) = layout else { return Self::NEVER };
        let most = (MOST.min(bytes / 2) / shape.stride()).max(1);
        Self { most: u32::try_from(most).unwrap_or(1), ..Self::NEVER }
    }

    /// How many blocks ahead to look now, if at all.
    #[inline]
    pub(super) fn distance(&mut self) -> Option<u32> {
        if self.most == 0 || self.streak < STREAK {
            self.streak = (self.streak + 1).min(STREAK);
            return None;
        }
        Some((self.blocks * 2).clamp(1, self.most))
    }

    /// Takes account of what was found there.
    #[inline]
    pub(super) fn learn(&mut self, is_full: bool) {
        if is_full {
            self.blocks = (self.blocks * 2).clamp(1, self.most);
        } else {
            self.start_again();
        }
    }

    /// The consumer keeps up.
    #[inline]
    pub(super) fn start_again(&mut self) {
        (self.blocks, self.streak) = (0, 0);
    }
}
