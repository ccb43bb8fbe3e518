//! How long each end lets the other get ahead before it looks again.
//!
//! A ring is fastest while its ends are apart. When they meet, at a ring that is always full or
//! empty, each look of one end takes a cache line away from the other, and both advance by only a
//! message or two at a time. An end that notices this pauses briefly before it looks. It always looks
//! before it answers, so it always finds what was there before the call. The pauses are bounded, and
//! an end that gains nothing from them soon stops pausing.

use crate::sync::spin_loop;

/// The most pauses of the producer: about a microsecond.
const MOST: u32 = 31;

/// Room counts as little below this fraction of a ring.
const LITTLE: usize = 8;

/// A ring of fewer messages fills too fast for pauses to help.
const FEW: usize = 32;

/// The producer's pauses before it looks for room.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct ForRoom {
    pauses: u32,
}

impl ForRoom {
    /// Pauses if the last looks found little room.
    #[inline]
    pub(super) fn pause(self) {
        pause(self.pauses);
    }

    /// Adapts to a look that found `room` for messages of `size`, out of `all` in an empty ring.
    pub(super) fn learn(&mut self, room: usize, size: usize, all: usize) {
        let is_little = room >= size && room < all / LITTLE && size <= all / FEW;
        self.pauses = if is_little { (self.pauses * 2 + 1).min(MOST) } else { self.pauses / 2 };
    }
}

/// Pauses of the consumer at a time.
const REST: u32 = 16;

/// Pauses of a consumer that is close behind its producer: long enough for what it then looks ahead to.
const LONG_REST: u32 = 4 * REST;

/// A pause was worth it if at least this many messages in a row follow.
const WORTH: usize = 4;

/// The most empty rings before a pause is tried again.
const LONGEST_BREAK: u32 = 4096;

/// The consumer's pauses when it runs out of messages.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct ForMessages {
    /// Messages received by the time the ring was last found empty.
    received: usize,
    has_paused: bool,
    /// Empty rings left at which no pause is tried.
    left_out: u32,
    /// How long the last such break was; each further failure doubles it.
    next_break: u32,
}

impl ForMessages {
    /// Pauses if that has helped, and returns whether to look again. `received` counts the messages
    /// received so far, wrapping.
    pub(super) fn pause(&mut self, received: usize) -> bool {
        let run = received.wrapping_sub(self.received);
        if run == 0 || cfg!(any(message_port_loom, miri)) {
            return false;
        }
        self.received = received;
        if self.left_out > 0 {
            self.left_out -= 1;
            return false;
        }
        if std::mem::replace(&mut self.has_paused, true) {
            if run < WORTH {
                self.has_paused = false;
                self.next_break = (self.next_break * 2 + 1).min(LONGEST_BREAK);
                self.left_out = self.next_break;
                return false;
            }
            self.next_break = 0;
        }
        pause(REST);
        true
    }
}

/// Lets the producer get ahead of a consumer that always finds a message but is close behind.
pub(super) fn rest() {
    pause(LONG_REST);
}

#[inline]
fn pause(times: u32) {
    for _ in 0..times {
        if !cfg!(any(message_port_loom, miri)) {
            spin_loop();
        }
    }
}
