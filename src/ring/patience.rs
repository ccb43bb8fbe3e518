//! How long the two ends let each other get on before they look again.
//!
//! A ring is fastest while its ends are apart. Where they meet, at a ring that is full or empty all
//! the time, each look of the one takes a cache line away from the other, and both get on by a
//! message or two at a time. An end that notices this pauses for a moment before it looks. It always
//! looks before it answers, so what was there before a call began is always found; the pauses are
//! bounded, and an end that gains nothing by them soon leaves them out.

use crate::sync::spin_loop;

/// Pauses of the producer at most, about a microsecond.
const MOST: u32 = 31;

/// Less room than this part of a ring is little.
const LITTLE: usize = 8;

/// A ring of fewer messages is full too soon for pauses to help.
const FEW: usize = 32;

/// The producer's, in front of a look for room.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct ForRoom {
    pauses: u32,
}

impl ForRoom {
    /// Pauses, if the last looks found little.
    #[inline]
    pub(super) fn pause(self) {
        pause(self.pauses);
    }

    /// Takes account of a look that found room of `room` for messages of `size`, of `all` in an
    /// empty ring.
    pub(super) fn learn(&mut self, room: usize, size: usize, all: usize) {
        let is_little = room >= size && room < all / LITTLE && size <= all / FEW;
        self.pauses = if is_little { (self.pauses * 2 + 1).min(MOST) } else { self.pauses / 2 };
    }
}

/// Pauses of the consumer.
const REST: u32 = 16;

/// Messages in a row that show that a pause was worth it.
const WORTH: usize = 4;

/// Empty rings after which a pause is tried again, at most.
const LONGEST_BREAK: u32 = 4096;

/// The consumer's, at the end of what there was.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct ForMessages {
    /// Messages received when the ring was last found empty.
    received: usize,
    has_paused: bool,
    /// Empty rings at which no pause is tried yet.
    left_out: u32,
    /// How many those are the next time.
    next_break: u32,
}

impl ForMessages {
    /// Pauses where that has helped, and says whether to look again. `received` counts what was
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

/// Lets the producer get ahead of a consumer that is close behind it although there is always a message.
pub(super) fn rest() {
    pause(REST);
}

#[inline]
fn pause(times: u32) {
    for _ in 0..times {
        if !cfg!(any(message_port_loom, miri)) {
            spin_loop();
        }
    }
}
