//! What a port rings when it is woken, so that one thread can wait for many.

use std::sync::Arc;
use std::task::Wake;

use super::PortId;
use super::queue::{Before, Rung};
use crate::sync::AtomicU32;
use crate::sync::order::{Mutant, UNORDERED, active};

/// Whom the bells of many ports call.
pub(crate) trait Called: Send + Sync + 'static {
    /// Those that have rung.
    fn rung(&self) -> &Rung;

    /// Has the owner look at them. For anybody, afterwards.
    fn call(&self);
}

/// Something that is so or not, and nothing more: it orders no memory.
///
/// What a sleeping loop sees behind it, the parker's token orders, and the hook has its own
/// ordering (L1). A loop that does neither looks again.
pub(crate) struct Flag(AtomicU32);

impl Flag {
    pub(super) fn new() -> Self {
        Self(AtomicU32::new(0))
    }

    /// Says that it is so; `true` if it was before.
    pub(super) fn raise(&self) -> bool {
        self.0.swap(1, UNORDERED) != 0
    }

    pub(super) fn is_up(&self) -> bool {
        self.0.load(UNORDERED) != 0
    }

    /// Says that it is not; `true` if it was before.
    pub(crate) fn lower(&self) -> bool {
        self.0.swap(0, UNORDERED) != 0
    }
}

/// Puts one port into the queue when it is woken, unless it is there already.
///
/// The flag needs no ordering: the owner lowers it *before* it arms the port's wait cell and looks
/// for news. Whoever finds it up has published before, so that this look sees the news (B1, B2),
/// or takes the cell that was armed after it was lowered (W1, W2), and then finds it down.
pub(crate) struct Bell<C> {
    pub(super) id: PortId,
    /// Where the owner finds it.
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
