//! How messages lie in the memory of a ring. The type alone decides.

use super::block::Shape;

/// How the messages of one direction lie in its memory.
///
/// Each end computes this from its message type, as a constant, so that a message pays nothing for
/// the choice.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Layout {
    /// One frame for each message, as long as the archive. Positions count bytes.
    Frames,
    /// Blocks of messages of one size. Positions count messages.
    Blocks(Shape),
}

impl Layout {
    /// The layout for messages whose archives all have `size` bytes, a multiple of `align`.
    ///
    /// Large messages gain nothing from blocks, and can spill from frames.
    pub(crate) const fn one_size(size: usize, align: usize) -> Self {
        if size <= Shape::MAX_SIZE { Self::Blocks(Shape::of(size, align)) } else { Self::Frames }
    }
}
