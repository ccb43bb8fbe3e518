//! The word on which one end of one direction sleeps.

use super::barrier::Barrier;
use crate::sync::order::{self, Mutant};
use crate::sync::{AtomicU32, AtomicUsize, Cell, Parker, Statistic, Unparker};

/// Nobody waits, or the waiter was notified.
const IDLE: u32 = 0;
/// A thread waits; its unparker is in the cell.
const THREAD: u32 = 1;

/// Where one end waits and where others wake it.
///
/// The owner (there is one: the end is borrowed mutably to wait) arms the cell, any thread may
/// notify it. Whoever moves the state from [`THREAD`] back to [`IDLE`] has to wake the thread, so
/// one armed cell is woken at most once.
#[derive(Debug)]
pub(crate) struct WaitCell {
    state: AtomicU32,
    /// Written by the owner before the cell is armed for the first time, never afterwards.
    thread: Cell<Option<Unparker>>,
    /// What the owner waits for, when it is a ring position; written by the owner before it arms.
    target: AtomicUsize,
    /// Which CPU the last waker of a sleeping owner was on, plus one.
    waker_cpu: Statistic,
}

// SAFETY: `thread` is written by the one owner, and only while no notifier can read it: before
// the state first becomes `THREAD` with Release (W1), which a notifier sees with Acquire (W2).
unsafe impl Sync for WaitCell {}

impl WaitCell {
    pub(crate) fn new() -> Self {
        Self {
            state: AtomicU32::new(IDLE),
            thread: Cell::new(None),
            target: AtomicUsize::new(0),
            waker_cpu: Statistic::new(0),
        }
    }

    /// Makes the parker on which the owner sleeps and keeps the means to wake it. For the owner,
    /// once, before it first arms.
    pub(super) fn introduce(&self) -> Parker {
        let parker = Parker::new();
        self.thread.with_mut(|thread| {
            // SAFETY: the one owner calls this once (it keeps the parker), and before the cell
            // was armed no notifier looks at this field.
            unsafe { *thread = Some(parker.unparker().clone()) }
        });
        parker
    }

    /// Says that the owner is about to sleep, until the ring has reached `target` if that
    /// matters. For the owner; it must look for news afterwards, behind the heavy barrier.
    pub(super) fn arm(&self, target: usize) {
        self.target.store(target, order::UNORDERED);
        // ORDERING(W1): Release; pairs with W2: the unparker and the target are in place.
        self.state.store(THREAD, order::arm());
    }

    /// Says that the owner is awake. For the owner.
    pub(super) fn disarm(&self) {
        // A notifier that came first leaves a stale token in the parker: one spurious wake.
        self.state.store(IDLE, order::UNORDERED);
    }

    /// Wakes the owner if it sleeps. For anybody, after having published the news.
    #[inline]
    pub(crate) fn notify(&self, barrier: Barrier) {
        self.notify_if(barrier, |_| true);
    }

    /// Wakes the owner if it sleeps and `enough` says so of the position that it waits for.
    #[inline]
    pub(crate) fn notify_if(&self, barrier: Barrier, enough: impl FnOnce(usize) -> bool) {
        // ORDERING(B1): full barrier between the news and this look; pairs with B2.
        barrier.light(Mutant::B1);
        if self.state.load(order::UNORDERED) == THREAD {
            self.wake(enough);
        }
    }

    #[cold]
    fn wake(&self, enough: impl FnOnce(usize) -> bool) {
        // Unordered: if the owner is going to sleep past our news, its barrier came before ours,
        // and with it this target. Otherwise it sees the news itself, and an older target than
        // its present one does no harm.
        if !enough(self.target.load(order::UNORDERED)) {
            return;
        }
        // ORDERING(W2): Acquire; pairs with W1.
        let won = self.state.compare_exchange(THREAD, IDLE, order::take(), order::UNORDERED);
        if won.is_ok() {
            super::cpu::record(&self.waker_cpu);
            self.thread.with(|thread| {
                // SAFETY: the owner wrote it before it armed, and never writes it again.
                if let Some(thread) = unsafe { &*thread } {
                    thread.unpark();
                }
            });
        }
    }

    /// Whether the owner may wait by spinning: the last waker was not on the owner's own CPU.
    pub(super) fn spinning_helps(&self) -> bool {
        super::cpu::spinning_helps(&self.waker_cpu)
    }
}
