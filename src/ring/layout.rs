//! How messages lie in the memory of a ring: the choice, by the type alone.

use super::block::Shape;

/// How the messages of one direction lie in its memory.
///
/// An end calculates it from the type of its messages, as a constant, so that nothing of the choice
/// is left on the way of a message.
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
    /// Large ones gain nothing from blocks and may spill from frames.
    pub(crate) const fn one_size(size: usize, align: usize) -> Self {
        if size <= Shape::MAX_SIZE { Self::Blocks(Shape::of(size, align)) } else { Self::Frames }
    }
}
