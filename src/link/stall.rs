//! Which of two ports that wait for room on each other is refused.
//!
//! Two whole ports that both wait for room in `post_message` wait for ever: each would have to
//! receive to make room for the other. The one that comes later must be told instead, and only
//! if the earlier one is really stuck, not merely about to notice the room that it was given.
//! Both questions are answered under one lock, which is taken on the way to sleep only.

use crate::link::Side;
use crate::ring::{Progress, Target};
use crate::sync::Mutex;
use crate::sync::order::{Mutant, active};
use std::sync::PoisonError;

/// The two ports of a channel, as far as they wait for room with no way out.
#[derive(Debug)]
pub(crate) struct Stalls(Mutex<[Option<Stall>; 2]>);

/// A wait for room that has no end of its own.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Stall {
    pub(crate) target: Target,
    /// How far the waiting side has itself received. While it waits it receives nothing more, so a
    /// side that is further has left without a word: its future was forgotten.
    pub(crate) received: usize,
}

/// Waiting would never end: the peer waits for room too, and only this port could give it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct WouldDeadlock;

impl Stalls {
    pub(crate) fn new() -> Self {
        Self(Mutex::new([None; 2]))
    }

    /// Asks whether `side` may wait for room, given what it has itself received so far and how far
    /// the peer has received; while it waits it receives nothing more.
    ///
    /// With a `stall` the wait has no end of its own, so the peer must not wait for this side
    /// until it [leaves](Self::leave). A wait that ends by itself, at a deadline, is no stall.
    pub(crate) fn enter(
        &self,
        side: Side,
        stall: Option<Stall>,
        received: &Progress,
        peer_received: impl FnOnce() -> usize,
    ) -> Result<(), WouldDeadlock> {
        let mut stalls = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let peer = stalls[side.peer() as usize];
        // Asked behind the lock, which shows what the peer received before it went to wait.
        if let Some(peer) = peer.filter(|peer| peer.received == peer_received()) {
            // What the peer waits for, this side alone can give it, and this side is here.
            let is_stuck = !received.has_reached(peer.target) || active(Mutant::HastyStall);
            if is_stuck && !active(Mutant::NoStall) {
                return Err(WouldDeadlock);
            }
        }
        stalls[side as usize] = stall;
        Ok(())
    }

    /// Says that `side` waits no longer.
    pub(crate) fn leave(&self, side: Side) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)[side as usize] = None;
    }
}
