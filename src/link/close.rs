//! The one word that says whether the channel has ended, and which port ended it.

use crate::sync::{StateWord, order};

/// One of the two ports of a channel.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Side {
    Port1 = 0,
    Port2 = 1,
}

impl Side {
    pub(crate) const fn peer(self) -> Self {
        match self {
            Self::Port1 => Self::Port2,
            Self::Port2 => Self::Port1,
        }
    }

    /// The number shown to people.
    #[cfg(feature = "tracing")]
    pub(crate) const fn number(self) -> u8 {
        self as u8 + 1
    }

    #[inline]
    const fn bit(self, of_port1: u32) -> u32 {
        of_port1 << self as u32
    }
}

/// Bits of the state. Each bit of port 2 is one place to the left of port 1's.
mod bit {
    /// The port called `close()`.
    pub(super) const CLOSED: u32 = 1;
    /// The port called `close()` before the other one did.
    pub(super) const CLOSED_FIRST: u32 = 1 << 2;
    /// The port's sending half was dropped.
    pub(super) const SENDER_GONE: u32 = 1 << 4;
    /// The port's receiving half was dropped.
    pub(super) const RECEIVER_GONE: u32 = 1 << 6;
}

/// A half of a port.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Half {
    Sender,
    Receiver,
}

/// The shared state. Only read-modify-writes change it, and they only set bits. So no end is ever
/// overwritten, and a reader that sees a later end also sees the earlier ones.
#[derive(Debug)]
pub(crate) struct CloseState(StateWord);

/// The state at one moment.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Ended(u32);

impl CloseState {
    pub(crate) fn new() -> Self {
        Self(StateWord::new(0))
    }

    /// Records that `side` closed; `true` the first time.
    pub(crate) fn close(&self, side: Side) -> bool {
        // ORDERING(S1): Release; pairs with S2: what the closer posted before is visible.
        let (success, failure) = (order::end(), order::UNORDERED);
        let previous = self.0.fetch_update(success, failure, |state| {
            let first = !Ended(state).is_closed();
            let bits = side.bit(if first { bit::CLOSED | bit::CLOSED_FIRST } else { bit::CLOSED });
            (!Ended(state).is_closed_by(side)).then_some(state | bits)
        });
        previous.is_ok()
    }

    /// Records that a half of `side` is gone.
    pub(crate) fn drop_half(&self, side: Side, half: Half) {
        let bit = match half {
            Half::Sender => bit::SENDER_GONE,
            Half::Receiver => bit::RECEIVER_GONE,
        };
        let ordering = match half {
            // ORDERING(S1): Release; pairs with S2: what was posted before is visible.
            Half::Sender => order::end(),
            // A thread that sees this stops posting, and looks for nothing.
            Half::Receiver => order::UNORDERED,
        };
        self.0.fetch_or(side.bit(bit), ordering);
    }

    /// The state, without ordering anything else. It tells whether a second look is worthwhile.
    #[inline]
    pub(crate) fn hint(&self) -> Ended {
        Ended(self.0.load(order::UNORDERED))
    }

    /// The state, and everything that was posted before the end becomes visible.
    #[inline]
    pub(crate) fn ended(&self) -> Ended {
        // ORDERING(S2): Acquire; pairs with S1 in `close` and `drop_half`.
        Ended(self.0.load(order::ended()))
    }
}

impl Ended {
    /// Nothing has ended.
    #[inline]
    pub(crate) const fn is_open(self) -> bool {
        self.0 == 0
    }

    /// One of the ports called `close()`.
    #[inline]
    pub(crate) const fn is_closed(self) -> bool {
        self.is_closed_by(Side::Port1) || self.is_closed_by(Side::Port2)
    }

    /// This port called `close()`.
    #[inline]
    pub(crate) const fn is_closed_by(self, side: Side) -> bool {
        self.0 & side.bit(bit::CLOSED) != 0
    }

    /// This port called `close()` before the other one.
    pub(crate) const fn is_closed_first_by(self, side: Side) -> bool {
        self.0 & side.bit(bit::CLOSED_FIRST) != 0
    }

    /// This half of this port was dropped.
    #[inline]
    pub(crate) const fn is_gone(self, side: Side, half: Half) -> bool {
        let bit = match half {
            Half::Sender => bit::SENDER_GONE,
            Half::Receiver => bit::RECEIVER_GONE,
        };
        self.0 & side.bit(bit) != 0
    }
}

#[cfg(all(test, not(message_port_loom)))]
mod tests {
    use super::*;

    #[test]
    fn exactly_one_side_is_first() {
        let state = CloseState::new();
        assert!(state.ended().is_open());
        assert!(state.close(Side::Port2));
        assert!(!state.close(Side::Port2), "the second time is a no-op");
        assert!(state.close(Side::Port1));
        let ended = state.ended();
        assert!(ended.is_closed_by(Side::Port1) && ended.is_closed_by(Side::Port2));
        assert!(ended.is_closed_first_by(Side::Port2));
        assert!(!ended.is_closed_first_by(Side::Port1));
    }

    #[test]
    fn dropping_is_not_closing() {
        let state = CloseState::new();
        state.drop_half(Side::Port1, Half::Sender);
        let ended = state.ended();
        assert!(!ended.is_open() && !ended.is_closed());
        assert!(ended.is_gone(Side::Port1, Half::Sender));
        assert!(!ended.is_gone(Side::Port1, Half::Receiver));
        assert!(!ended.is_gone(Side::Port2, Half::Sender));
    }
}
