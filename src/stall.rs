//! Which of two ports that wait for room on each other is refused.
//!
//! Two whole ports that both wait for room in `post_message` wait for ever: each would have to
//! receive to make room for the other. The one that comes later must be told instead, and only
//! if the earlier one is really stuck, not merely about to notice the room that it was given.
//! Both questions are answered under one lock, which is taken on the way to sleep only.

use crate::close::Side;
use crate::ring::{Progress, Target};
use crate::sync::Mutex;
use crate::sync::order::{Mutant, active};
use std::sync::PoisonError;

/// The two ports of a channel, as far as they wait for room with no way out.
#[derive(Debug)]
pub(crate) struct Stalls(Mutex<[Option<Target>; 2]>);

/// Waiting would never end: the peer waits for room too, and only this port could give it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct WouldDeadlock;

impl Stalls {
    pub(crate) fn new() -> Self {
        Self(Mutex::new([None; 2]))
    }

    /// Asks whether `side` may wait for room, given what it has itself received so far; while it
    /// waits it receives nothing more.
    ///
    /// With a `target` the wait has no end of its own, so the peer must not wait for this side
    /// until it [leaves](Self::leave). A wait that ends by itself, at a deadline, has no target.
    pub(crate) fn enter(
        &self,
        side: Side,
        target: Option<Target>,
        received: &Progress,
    ) -> Result<(), WouldDeadlock> {
        let mut stalls = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(peer) = stalls[side.peer() as usize] {
            // What the peer waits for, this side alone can give it, and this side is here.
            let is_stuck = !received.has_reached(peer) || active(Mutant::HastyStall);
            if is_stuck && !active(Mutant::NoStall) {
                return Err(WouldDeadlock);
            }
        }
        stalls[side as usize] = target;
        Ok(())
    }

    /// Says that `side` waits no longer.
    pub(crate) fn leave(&self, side: Side) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)[side as usize] = None;
    }
}
