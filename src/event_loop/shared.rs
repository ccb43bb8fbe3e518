//! What is seen of an event loop from elsewhere, by its ports when they wake and by handles; and
//! how it is called.

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
    /// Whether the loop has left some that it had heard. Raised and lowered by the loop only.
    pub(super) left: Flag,
    /// Ports that the loop has not seen yet. Filled under the lock, emptied without it.
    arrivals: SegQueue<Named>,
    gate: Mutex<Gate>,
    pub(super) stopped: Flag,
    pub(super) woken: Flag,
    unparker: Unparker,
    pub(super) hook: Hook,
}

/// A port under its name.
pub(super) type Named = (PortId, Box<dyn LoopPort>);

/// Decides whether a port comes before the end of the loop, and whether it comes before the last
/// guard that keeps the loop running goes.
struct Gate {
    /// The loop is gone: no port comes in any more.
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

    /// Has the loop look for what was left for it. For anybody, afterwards.
    pub(super) fn call(&self) {
        self.unparker.unpark();
        self.hook.ring();
    }

    /// Whether a port waits for its turn. For the loop.
    pub(super) fn is_any_ready(&self) -> bool {
        self.left.is_up() || !self.rung.is_empty()
    }

    /// Has calls passed on to the hook, from now on and for what is there already. For the loop,
    /// when it stops looking.
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
        // Outside of the lock: its handlers may hold anything, a handle too.
        match port {
            Some(refused) => drop(refused),
            None => self.call(),
        }
        id
    }

    /// Ports that were left for the loop.
    pub(super) fn arrivals(&self) -> usize {
        self.arrivals.len()
    }

    /// Ports that were left for the loop; `None` if it must keep running, whatever it has.
    pub(super) fn arrivals_unless_kept(&self) -> Option<usize> {
        self.gate(|gate| (gate.guards == 0).then(|| self.arrivals.len()))
    }

    /// Keeps the loop running until [`let_end`](Self::let_end) was called as often.
    pub(super) fn keep_running(&self) {
        self.gate(|gate| gate.guards += 1);
    }

    /// Takes one call of [`keep_running`](Self::keep_running) back.
    pub(super) fn let_end(&self) {
        let guards = self.gate(|gate| {
            gate.guards -= 1;
            gate.guards
        });
        if guards == 0 {
            // It may be asleep with nothing to wait for any more.
            self.call();
        }
    }

    /// Takes a port that was left for the loop.
    pub(super) fn take_arrival(&self) -> Option<Named> {
        self.arrivals.pop()
    }

    /// The loop is gone: what was left for it is dropped, and what is left for it from now on.
    pub(super) fn end(&self) {
        self.hook.set(None);
        self.gate(|gate| gate.is_shut = !active(Mutant::KeepArrivals));
        if !active(Mutant::KeepArrivals) {
            while self.take_arrival().is_some() {}
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
