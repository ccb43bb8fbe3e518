//! The bell that a port rings when it is woken, so that one thread can wait for many ports.

use std::sync::Arc;
use std::task::Wake;

use super::PortId;
use super::queue::{Before, Rung};
use crate::sync::AtomicU32;
use crate::sync::order::{Mutant, UNORDERED, active};

/// The owner that the bells of many ports call.
pub(crate) trait Called: Send + Sync + 'static {
    /// The bells that have rung.
    fn rung(&self) -> &Rung;

    /// Makes the owner look at them. Any thread may call this after ringing.
    fn call(&self);
}

/// A flag that orders no memory.
///
/// What the flag announces is ordered elsewhere: by the parker's token for a loop that slept, and
/// by the hook's own ordering (L1). A loop that does neither looks again.
pub(crate) struct Flag(AtomicU32);

impl Flag {
    pub(super) fn new() -> Self {
        Self(AtomicU32::new(0))
    }

    /// Raises the flag; `true` if it was up before.
    pub(super) fn raise(&self) -> bool {
        self.0.swap(1, UNORDERED) != 0
    }

    pub(super) fn is_up(&self) -> bool {
        self.0.load(UNORDERED) != 0
    }

    /// Lowers the flag; `true` if it was up before.
    pub(crate) fn lower(&self) -> bool {
        self.0.swap(0, UNORDERED) != 0
    }
}

/// Puts one port into the queue when the port is woken, unless it is there already.
///
/// The flag needs no ordering: the owner lowers it *before* it arms the port's wait cell and looks
/// for news. A notifier that finds the flag up has published before. Either the owner's look sees
/// the news (B1, B2), or the notifier takes the cell that was armed after the flag was lowered (W1,
/// W2), and then finds the flag down.
pub(crate) struct Bell<C> {
    pub(super) id: PortId,
    /// The place at which the owner finds the bell.
    pub(crate) place: usize,
    pub(super) before: Before,
    pub(crate) queued: Flag,
    called: Arc<C>,
}

impl<C> Bell<C> {
    pub(super) fn new(id: PortId, place: usize, called: &Arc<C>) -> Arc<Self> {
        let (before, queued) = (Before::new(), Flag::new());
        Arc::new(Self { id, place, before, queued, called: Arc::clone(called) })
    }
}

impl<C: Called> Wake for Bell<C> {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if self.queued.raise() {
            return;
        }
        self.called.rung().push(self);
        if !active(Mutant::SilentBell) {
            self.called.call();
        }
    }
}
