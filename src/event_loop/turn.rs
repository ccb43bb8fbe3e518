//! One turn of an event loop.

use std::sync::Arc;
use std::task::{Wake, Waker};

use super::shared::{Bell, Shared};
use super::{EventLoop, EventLoopError, PortId};
use crate::link::wait::Barrier;
use crate::port::{LoopPort, Step};
use crate::sync::order::{Mutant, active};

/// Messages dispatched at one port before the next port's turn.
const MESSAGES_PER_TURN: usize = 64;

/// A port in the loop.
pub(super) struct Entry {
    /// Dropped first: that drops the waker.
    pub(super) port: Box<dyn LoopPort>,
    pub(super) bell: Arc<Bell>,
    waker: Waker,
    /// Its channel has ended, and messages wait for a handler.
    pub(super) is_over: bool,
}

/// Keeps calls from the hook while the loop looks for itself.
pub(super) struct Awake(Arc<Shared>);

impl Awake {
    pub(super) fn new(shared: &Arc<Shared>) -> Self {
        shared.hook.disarm();
        Self(Arc::clone(shared))
    }
}

impl Drop for Awake {
    fn drop(&mut self) {
        self.0.rest();
    }
}

impl EventLoop {
    pub(super) fn admit(&mut self, id: PortId, port: Box<dyn LoopPort>) {
        let bell = self.queue.admit(id, &self.shared);
        bell.wake_by_ref();
        let waker = Waker::from(Arc::clone(&bell));
        self.ports.insert(id, Entry { port, bell, waker, is_over: false });
    }

    /// Admits the ports that handles have added.
    pub(super) fn admit_arrivals(&mut self) {
        for _ in 0..self.shared.arrivals() {
            let Some((id, port)) = self.shared.take_arrival() else { break };
            self.admit(id, port);
        }
    }

    /// Takes a port out of the loop.
    pub(super) fn dismiss(&mut self, id: PortId) -> Option<Box<dyn LoopPort>> {
        let Entry { port, bell, is_over, .. } = self.ports.remove(&id)?;
        self.over -= usize::from(is_over);
        self.queue.retire(&bell, &self.shared.rung);
        Some(port)
    }

    /// Whether no port can have anything to dispatch any more, and none is awaited.
    pub(super) fn is_over(&self) -> bool {
        let arrivals = self.shared.arrivals_unless_kept();
        arrivals.is_some_and(|arrivals| self.ports.len() + arrivals == self.over)
    }

    /// Gives each port that is ready now one turn.
    pub(super) fn turn(&mut self) -> Result<usize, EventLoopError> {
        self.admit_arrivals();
        let mut dispatched = 0;
        // Ports that ring meanwhile have their turn after this one.
        self.queue.hear(&self.shared.rung);
        while let Some(id) = self.queue.next() {
            // If a handler fails or unwinds, the others go on with the next turn.
            if !self.queue.is_empty() {
                self.shared.left.raise();
            }
            let served = self.serve(id);
            if self.queue.is_empty() {
                self.shared.left.lower();
            }
            dispatched += served?;
        }
        // In case the last ones were stale.
        self.shared.left.lower();
        if dispatched == 0 {
            // Ports that fell asleep meanwhile look once more, all of them after one nap.
            Barrier::wait_out_the_change();
        }
        Ok(dispatched)
    }

    /// Gives one port a turn.
    fn serve(&mut self, id: PortId) -> Result<usize, EventLoopError> {
        let Some(entry) = self.ports.get_mut(&id) else { return Ok(0) };
        self.over -= usize::from(std::mem::take(&mut entry.is_over));
        let Entry { port, bell, waker, .. } = entry;
        // Before the port is looked at: what comes from now on rings again.
        if !active(Mutant::LateBell) {
            bell.queued.lower();
        }
        // If a handler unwinds or fails, the port goes on with its next turn.
        let next_turn = RingOnDrop(bell);
        let (dispatched, step) = port
            .dispatch_some(MESSAGES_PER_TURN)
            .map_err(|error| EventLoopError { port: id, error })?;
        let has_news = match step {
            Step::More => true,
            Step::Idle => port.wake_for_news(waker),
            Step::Stuck => port.wake_for_end(waker),
            Step::Ended => {
                std::mem::forget(next_turn);
                drop(self.dismiss(id));
                return Ok(dispatched);
            }
            // Only a handler set from outside could take the remaining messages.
            Step::EndedStuck => {
                entry.is_over = true;
                self.over += 1;
                false
            }
        };
        if active(Mutant::LateBell) {
            bell.queued.lower();
        }
        if !has_news {
            std::mem::forget(next_turn);
        }
        Ok(dispatched)
    }
}

struct RingOnDrop<'a>(&'a Arc<Bell>);

impl Drop for RingOnDrop<'_> {
    fn drop(&mut self) {
        self.0.wake_by_ref();
    }
}
