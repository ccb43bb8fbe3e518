//! What the two ports of a channel share beside the rings: whether it has ended, and who sleeps.

mod close;
mod end;
mod stall;
pub(crate) mod wait;

pub(crate) use close::{CloseState, Ended, Half, Side};
pub(crate) use end::LinkEnd;
pub(crate) use stall::{Stall, WouldDeadlock};

#[cfg(feature = "stats")]
use crate::insight::Stats;
use crate::insight::{DirectionCounters, event};
use crate::sync::{Arc, CachePadded, Statistic};
use stall::Stalls;
use wait::{Barrier, WaitCell};

/// Shared by both ports (all four halves).
#[derive(Debug)]
pub(crate) struct Link {
    pub(crate) state: CachePadded<CloseState>,
    /// By the side that waits.
    senders: [CachePadded<WaitCell>; 2],
    /// By the side that waits.
    receivers: [CachePadded<WaitCell>; 2],
    pub(crate) barrier: Barrier,
    pub(crate) stalls: Stalls,
    /// By side: the address of the sending half that the port's running message handler was given, or
    /// zero. The thread that runs the handler writes this, and only that thread gives it a meaning. For
    /// any other thread a value is as good as zero, since no other half is at that address.
    targets: [CachePadded<Statistic>; 2],
    /// By the side that posts.
    counters: [DirectionCounters; 2],
    /// Identifies the channel in this program.
    #[cfg(feature = "tracing")]
    pub(crate) channel: usize,
}

impl Link {
    pub(crate) fn new() -> Arc<Self> {
        let cells = || [(); 2].map(|()| CachePadded::new(WaitCell::new()));
        Arc::new(Self {
            state: CachePadded::new(CloseState::new()),
            senders: cells(),
            receivers: cells(),
            barrier: Barrier::detect(),
            stalls: Stalls::new(),
            targets: Default::default(),
            counters: Default::default(),
            #[cfg(feature = "tracing")]
            channel: crate::sync::unique(),
        })
    }

    /// The counts of the direction from `side` to its peer.
    #[cfg(feature = "stats")]
    pub(crate) fn stats(&self, side: Side) -> Stats {
        let ends = [self.sender(side), self.receiver(side.peer())];
        self.counters(side).read(ends.map(WaitCell::counters))
    }

    /// Identifies the channel among all live ones.
    #[inline]
    pub(crate) fn address(&self) -> usize {
        std::ptr::from_ref(self).addr()
    }

    /// Where the sending half of `side` waits for room.
    #[inline]
    pub(crate) fn sender(&self, side: Side) -> &WaitCell {
        &self.senders[side as usize]
    }

    /// Where the receiving half of `side` waits for messages.
    #[inline]
    pub(crate) fn receiver(&self, side: Side) -> &WaitCell {
        &self.receivers[side as usize]
    }

    /// See `Standing::Target` in `half`.
    #[inline]
    pub(crate) fn target(&self, side: Side) -> &Statistic {
        &self.targets[side as usize]
    }

    /// The counters of the direction into which `side` posts.
    #[inline]
    pub(crate) fn counters(&self, side: Side) -> &DirectionCounters {
        &self.counters[side as usize]
    }

    /// Whether a half of the peer of `side` was dropped.
    pub(crate) fn is_peer_gone(&self, side: Side, half: Half) -> bool {
        self.state.ended().is_gone(side.peer(), half)
    }

    /// Whether one of the ports closed, or the peer of `side` can no longer post.
    pub(crate) fn has_ended(&self, side: Side) -> bool {
        self.state.hint().is_closed() || self.is_peer_gone(side, Half::Sender)
    }

    /// Ends the channel for both ports and wakes everybody. Only the first call per side has an effect.
    pub(crate) fn close(&self, side: Side) {
        if !self.state.close(side) {
            return;
        }
        for cell in self.senders.iter().chain(&self.receivers) {
            self.wake(cell);
        }
        event!(debug, channel = self.channel, port = side.number(), "channel closed");
    }

    /// Records that a half of `side` is gone, and wakes the end that waits for it.
    pub(crate) fn drop_half(&self, side: Side, half: Half) {
        self.state.drop_half(side, half);
        let peer = side.peer();
        match half {
            Half::Sender => self.wake(self.receiver(peer)),
            Half::Receiver => self.wake(self.sender(peer)),
        }
        event!(debug, channel = self.channel, port = side.number(), ?half, "half dropped");
    }

    fn wake(&self, cell: &WaitCell) {
        if !crate::sync::order::active(crate::sync::order::Mutant::SilentEnd) {
            cell.notify(self.barrier);
        }
    }
}
