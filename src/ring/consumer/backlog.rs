//! How far a consumer of frames can prefetch.

use super::Consumer;
use crate::ring::prefetch;

/// The fewest messages between two looks at the producer's count. Each look costs the producer a cache
/// line.
const SELDOM: usize = if cfg!(message_port_loom) { 1 } else { 32 };

/// The most messages, for a consumer that keeps up with its producer.
const MOST_SELDOM: usize = if cfg!(message_port_loom) { 1 } else { 4096 };

/// More messages than a direction can hold: a larger distance is a negative one.
const LAP: usize = usize::MAX / 2;

/// What is known of the messages that wait, as counts of messages delivered by then, which wrap. This is
/// a hint: nothing is read because of it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Backlog {
    /// Up to here, frames ahead are published if they are as long as the last one.
    expected: usize,
    /// When to look at the producer's count the next time.
    next_look: usize,
    /// Messages until the look after that, if few are waiting then.
    pause: usize,
}

impl Backlog {
    pub(super) const UNKNOWN: Self = Self { expected: 0, next_look: SELDOM, pause: SELDOM };
}

impl Consumer {
    /// Asks for the lines of a frame that is a little ahead, if it is expected to be published. `size` is
    /// the size of the frame that was taken last: the next ones are probably like it.
    #[inline(always)]
    pub(super) fn prefetch_frame(&mut self, size: usize) {
        if self.received == self.backlog.next_look {
            self.look_at_count(size);
        }
        let is_expected = self.backlog.expected.wrapping_sub(self.received).wrapping_sub(1) < LAP;
        if is_expected && size <= prefetch::LONGEST_READ {
            let position = self.next.wrapping_add(prefetch::FOR_READING);
            self.segment.view.prefetch_frame_for_reading(position, size);
        }
    }

    #[cold]
    fn look_at_count(&mut self, size: usize) {
        // A message can be visible before it is counted.
        let waiting = self.ring.producer.posted.get().wrapping_sub(self.received);
        let waiting = if waiting < LAP { waiting } else { 0 };
        let ahead = prefetch::FOR_READING / size + 1;
        let keeps_up = waiting <= ahead;
        let pause = if keeps_up { (self.backlog.pause * 2).min(MOST_SELDOM) } else { SELDOM };
        self.backlog = Backlog {
            expected: self.received.wrapping_add(waiting.saturating_sub(ahead)),
            next_look: self.received.wrapping_add((waiting / 2).max(pause)),
            pause,
        };
    }
}
