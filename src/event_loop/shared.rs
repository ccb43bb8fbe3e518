//! The part of an event loop that its ports, when they wake, and its handles see; and how they call
//! it.

use std::sync::{Arc, PoisonError};

use super::PortId;
use super::bell::{self, Called, Flag};
use super::hook::Hook;
use super::queue::Rung;
use crate::port::LoopPort;
use crate::sync::order::{Mutant, active};
use crate::sync::{Mutex, SegQueue, Unparker};

/// The bell of a port in an event loop.
pub(super) type Bell = bell::Bell<Shared>;

/// What a waking port and a [`LoopHandle`](super::LoopHandle) see of the loop.
pub(super) struct Shared {
    /// Ports that may have something to dispatch.
    pub(super) rung: Rung,
    /// Whether the loop has heard ports that it has not served. Raised and lowered by the loop
    /// only.
    pub(super) left: Flag,
    /// Ports that the loop has not seen yet. Filled under the lock, emptied without it.
    arrivals: SegQueue<Named>,
    gate: Mutex<Gate>,
    pub(super) stopped: Flag,
    pub(super) woken: Flag,
    unparker: Unparker,
    pub(super) hook: Hook,
}

/// A port with its name.
pub(super) type Named = (PortId, Box<dyn LoopPort>);

/// Decides whether a port comes before the end of the loop, and whether it comes before the drop of
/// the last guard that keeps the loop running.
struct Gate {
    /// The loop is gone: no port is admitted any more.
    is_shut: bool,
    /// Guards that keep the loop running.
    guards: usize,
}

impl Shared {
    pub(super) fn new(unparker: Unparker) -> Arc<Self> {
        Arc::new(Self {
            rung: Rung::new(),
            left: Flag::new(),
            arrivals: SegQueue::new(),
            gate: Mutex::new(Gate { is_shut: false, guards: 0 }),
            stopped: Flag::new(),
            woken: Flag::new(),
            unparker,
            hook: Hook::new(),
        })
    }

    /// Makes the loop look for what was left for it. Any thread may call this after leaving
    /// something.
    pub(super) fn call(&self) {
        self.unparker.unpark();
        self.hook.ring();
    }

    /// Whether a port waits for its turn. For the loop.
    pub(super) fn is_any_ready(&self) -> bool {
        self.left.is_up() || !self.rung.is_empty()
    }

    /// From now on passes calls on to the hook, and calls it for what is there already. The loop
    /// calls this when it stops looking.
    pub(super) fn rest(&self) {
        if !self.hook.arm() {
            return;
        }
        let was_called = self.is_any_ready()
            || self.stopped.is_up()
            || self.woken.is_up()
            || !self.arrivals.is_empty();
        if was_called && !active(Mutant::NoLookAtRest) {
            self.hook.ring();
        }
    }

    fn gate<R>(&self, f: impl FnOnce(&mut Gate) -> R) -> R {
        f(&mut self.gate.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Leaves a port for the loop, or drops it if the loop is gone.
    pub(super) fn leave(&self, port: Box<dyn LoopPort>) -> PortId {
        let mut port = Some(port);
        let id = self.gate(|gate| {
            // Under the lock: ports arrive in the order of their names.
            let id = PortId::unique();
            if !gate.is_shut
                && let Some(port) = port.take()
            {
                self.arrivals.push((id, port));
            }
            id
        });
        // Outside of the lock: its handlers may hold anything, even a handle.
        match port {
            Some(refused) => drop(refused),
            None => self.call(),
        }
        id
    }

    /// The number of ports left for the loop.
    pub(super) fn arrivals(&self) -> usize {
        self.arrivals.len()
    }

    /// The number of ports left for the loop; `None` if it must keep running in any case.
    pub(super) fn arrivals_unless_kept(&self) -> Option<usize> {
        self.gate(|gate| (gate.guards == 0).then(|| self.arrivals.len()))
    }

    /// Keeps the loop running until [`let_end`](Self::let_end) was called as often.
    pub(super) fn keep_running(&self) {
        self.gate(|gate| gate.guards += 1);
    }

    /// Undoes one call of [`keep_running`](Self::keep_running).
    pub(super) fn let_end(&self) {
        let guards = self.gate(|gate| {
            gate.guards -= 1;
            gate.guards
        });
        if guards == 0 {
            // The loop may be asleep with nothing to wait for any more.
            self.call();
        }
    }

    /// Takes a port that was left for the loop.
    pub(super) fn take_arrival(&self) -> Option<Named> {
        self.arrivals.pop()
    }

    /// The loop is gone: drops the ports that were left for it, now and from now on.
    pub(super) fn end(&self) {
        self.hook.set(None);
        self.gate(|gate| gate.is_shut = !active(Mutant::KeepArrivals));
        if !active(Mutant::KeepArrivals) {
            drop(Arrivals(self));
        }
    }
}

/// The ports that are left for a loop that is gone. Dropping this drops all of them, even if one panics.
struct Arrivals<'a>(&'a Shared);

impl Drop for Arrivals<'_> {
    fn drop(&mut self) {
        while let Some(port) = self.0.take_arrival() {
            let rest = Arrivals(self.0);
            drop(port);
            std::mem::forget(rest);
        }
    }
}

impl Called for Shared {
    fn rung(&self) -> &Rung {
        &self.rung
    }

    fn call(&self) {
        Shared::call(self);
    }
}
