//! How long a producer lets its consumer get on before it asks for room again.

use crate::sync::spin_loop;

/// Pauses before the head is read.
///
/// At a ring that is always full, a producer that asks at once finds room for a message or two, and
/// each look takes the consumer's line away from it. So a producer that has found little room pauses
/// for a moment before its next look, longer each time, and finds more. It never does without the
/// look, so room that was given back before a post began is always found.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Patience(u32);

/// Pauses at most: about a microsecond.
const MOST: u32 = 31;

/// Less room than this part of a ring is little.
const LITTLE: usize = 8;

/// A ring of fewer messages is full too soon for pauses to help.
const FEW: usize = 32;

impl Patience {
    /// Pauses, if the last looks found little.
    #[inline]
    pub(super) fn wait(self) {
        if cfg!(any(message_port_loom, miri)) {
            return;
        }
        for _ in 0..self.0 {
            spin_loop();
        }
    }

    /// Takes account of a look that found room of `room` for messages of `size`, of `all` in an
    /// empty ring.
    pub(super) fn learn(&mut self, room: usize, size: usize, all: usize) {
        let is_little = room >= size && room < all / LITTLE;
        self.0 = if is_little && size <= all / FEW { (self.0 * 2 + 1).min(MOST) } else { self.0 / 2 };
    }
}
