//! Which of two ports that wait for room on each other is refused.
//!
//! Two whole ports that both wait for room in `post_message` would wait for ever: each would have to
//! receive to make room for the other. So the later one is refused, but only if the earlier one is
//! really stuck, and not merely about to notice the room that it was given. One lock answers both
//! questions. It is taken only on the way to sleep.

use crate::link::Side;
use crate::ring::{Progress, Target};
use crate::sync::Mutex;
use crate::sync::order::{Mutant, active};
use std::sync::PoisonError;

/// The stalls of a channel's two ports: waits for room with no way out.
#[derive(Debug)]
pub(crate) struct Stalls(Mutex<[Option<Stall>; 2]>);

/// A wait for room that does not end by itself.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Stall {
    pub(crate) target: Target,
    /// How far the waiting side has itself received. It receives nothing while it waits. So a side that
    /// is further on has stopped waiting without saying so: its future was forgotten.
    pub(crate) received: usize,
}

/// Waiting would never end: the peer also waits for room, and only this port could make it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct WouldDeadlock;

impl Stalls {
    pub(crate) fn new() -> Self {
        Self(Mutex::new([None; 2]))
    }

    /// Asks whether `side` may wait for room, given how far it and the peer have received. It receives
    /// nothing while it waits.
    ///
    /// With a `stall` the wait does not end by itself, so the peer must not wait for this side until it
    /// [leaves](Self::leave). A wait that ends by itself, at a deadline, is not a stall.
    pub(crate) fn enter(
        &self,
        side: Side,
        stall: Option<Stall>,
        received: &Progress,
        peer_received: impl FnOnce() -> usize,
    ) -> Result<(), WouldDeadlock> {
        let mut stalls = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let peer = stalls[side.peer() as usize];
        // Read under the lock, which makes visible what the peer received before it waited.
        if let Some(peer) = peer.filter(|peer| peer.received == peer_received()) {
            // Only this side can give the peer what it waits for, and this side is here.
            let is_stuck = !received.has_reached(peer.target) || active(Mutant::HastyStall);
            if is_stuck && !active(Mutant::NoStall) {
                return Err(WouldDeadlock);
            }
        }
        stalls[side as usize] = stall;
        Ok(())
    }

    /// Records that `side` no longer waits.
    pub(crate) fn leave(&self, side: Side) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)[side as usize] = None;
    }
}
