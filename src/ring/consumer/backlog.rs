//! How far a consumer of frames can prefetch.

use super::Consumer;
use crate::ring::{frame, prefetch};

/// The fewest messages between two looks at the producer's count. Each look costs the producer a cache
/// line.
const SELDOM: usize = if cfg!(message_port_loom) { 1 } else { 32 };

/// Messages that are known to wait. This is a hint: nothing is read because of it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Backlog {
    messages: usize,
    /// Messages left until the next look at the producer's count.
    due: usize,
}

impl Backlog {
    pub(super) const UNKNOWN: Self = Self { messages: 0, due: SELDOM };
}

impl Consumer {
    /// Asks for the lines of a frame that is a little ahead, if it is certain to be published. `size` is
    /// the size of the frame that was taken last: the next ones are probably like it.
    #[inline(always)]
    pub(super) fn prefetch_frame(&mut self, size: usize) {
        self.backlog.due -= 1;
        if self.backlog.due == 0 {
            self.look_at_count();
        }
        self.backlog.messages = self.backlog.messages.saturating_sub(1);
        let certain = self.backlog.messages.saturating_mul(size) >= prefetch::FOR_READING + size;
        if certain && size <= prefetch::LONGEST_READ {
            let position = self.next.wrapping_add(prefetch::FOR_READING);
            self.segment.view.prefetch_frame_for_reading(position, size);
        }
    }

    #[cold]
    fn look_at_count(&mut self) {
        // A message can be visible before it is counted.
        let waiting = frame::distance(self.received, self.ring.producer.posted.get());
        let waiting = if waiting > usize::MAX / 2 { 0 } else { waiting };
        self.backlog = Backlog { messages: waiting, due: (waiting / 2).max(SELDOM) };
    }
}
