//! The word on which one end of one direction sleeps.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::task::Waker;

use super::barrier::Barrier;
use crate::insight::WaitCounters;
use crate::ring::Target;
use crate::sync::order::{self, Mutant};
use crate::sync::{AtomicUsize, Cell, Parker, StateWord, Statistic, Unparker};

/// Nobody waits, or the waiter was notified. The owner owns both slots.
const IDLE: u32 = 0;
/// A thread waits; its unparker is in the cell.
const THREAD: u32 = 1;
/// A task waits; its waker is in the cell.
const TASK: u32 = 2;
/// A notifier is taking the waker out of the cell.
const TAKING: u32 = 3;
/// The bits that hold one of the above.
const KIND: u32 = 3;
/// Beside the kind: a notifier executes a fence before it decides that it need not wake the owner.
const FENCES: u32 = 4;

/// Where one end waits and others wake it, whether it is a thread or a task.
///
/// The owner arms the cell, and any thread may notify it. There is one owner, since the end is borrowed
/// mutably to wait. The thread that moves the state away from [`THREAD`] or [`TASK`] has to wake the
/// owner, so an armed cell is woken at most once.
#[derive(Debug)]
pub(crate) struct WaitCell {
    state: StateWord,
    /// The owner writes this before it first arms the cell for a thread, and never afterwards.
    thread: Cell<Option<Unparker>>,
    /// Belongs to the owner while the state is [`IDLE`], to nobody while it is [`TASK`], and to the
    /// notifier while it is [`TAKING`].
    task: Cell<Option<Waker>>,
    /// What the owner waits for, if it is a producer. The owner writes this before it arms.
    target: AtomicUsize,
    /// The CPU of the last waker of a sleeping owner, plus one.
    waker_cpu: Statistic,
    counters: WaitCounters,
}

// SAFETY: the one owner writes `thread`, and only while no notifier can read it: before the state
// first becomes `THREAD` with Release (W1), which a notifier sees with Acquire (W2). The owner accesses
// `task` in the state `IDLE` and the notifier in the state `TAKING`, which W1 to W4 order. Both are
// `Send`.
unsafe impl Sync for WaitCell {}

/// The owner cannot arm, because a notifier is just waking the task that waited here before.
#[derive(Clone, Copy, Debug)]
pub(super) struct BeingWoken;

impl WaitCell {
    pub(crate) fn new() -> Self {
        Self {
            state: StateWord::new(IDLE),
            thread: Cell::new(None),
            task: Cell::new(None),
            target: AtomicUsize::new(0),
            waker_cpu: Statistic::new(0),
            counters: WaitCounters::default(),
        }
    }

    /// Makes the parker on which the owner sleeps, and keeps its unparker. For the owner, once, before
    /// it first arms.
    pub(super) fn introduce(&self) -> Parker {
        let parker = Parker::new();
        self.thread.with_mut(|thread| {
            // SAFETY: the one owner calls this once, since it keeps the parker. No notifier looks at
            // this field before the cell is first armed for a thread.
            unsafe { *thread = Some(parker.unparker().clone()) }
        });
        parker
    }

    /// Announces that the owner, a thread, is about to sleep, until a consumer has reached `target` if
    /// that matters. For the owner, which must then look for news behind the heavy barrier. A fence is
    /// enough if it has armed `with_fences` before and executed the heavy barrier then.
    pub(super) fn arm_thread(&self, target: Target, with_fences: bool) -> Result<(), BeingWoken> {
        self.disarm()?;
        self.target.store(target.to_bits(), order::UNORDERED);
        // ORDERING(W1): Release; pairs with W2: the unparker and the target are in place.
        self.state.store(if with_fences { THREAD | FENCES } else { THREAD }, order::arm());
        Ok(())
    }

    /// Announces that the owner, a task, is about to be suspended; the last waker counts. For the
    /// owner, which must then look for news behind a barrier, as after [`arm_thread`](Self::arm_thread).
    pub(super) fn arm_task(
        &self,
        target: Target,
        waker: &Waker,
        with_fences: bool,
    ) -> Result<(), BeingWoken> {
        self.disarm()?;
        let old = self.task.with_mut(|task| {
            // SAFETY: the state is `IDLE`, so the slot belongs to the owner.
            let task = unsafe { &mut *task };
            match task {
                Some(_) if order::active(Mutant::KeepWaker) => None,
                Some(known) if known.will_wake(waker) => None,
                _ => task.replace(waker.clone()),
            }
        });
        contain(|| drop(old));
        self.target.store(target.to_bits(), order::UNORDERED);
        // ORDERING(W1): Release; pairs with W2: the waker and the target are in place.
        self.state.store(if with_fences { TASK | FENCES } else { TASK }, order::arm());
        Ok(())
    }

    /// Announces that the owner is awake, whatever it was before. For the owner.
    ///
    /// A notifier that came first leaves a stale token in the parker or has woken the task: one spurious
    /// wake-up.
    pub(super) fn disarm(&self) -> Result<(), BeingWoken> {
        loop {
            // ORDERING(W4): Acquire; pairs with W3: the notifier is done with the slot. Pairs with W5: a
            // thread whose deadline has passed sees the news of who has taken its cell.
            let state = self.state.load(order::regain());
            match state & KIND {
                IDLE => return Ok(()),
                TAKING => return Err(BeingWoken),
                // Unordered: the owner itself touched the slots last.
                _ => {
                    let (to, failed) = (order::UNORDERED, order::UNORDERED);
                    let idle = IDLE | state & FENCES;
                    if self.state.compare_exchange(state, idle, to, failed).is_ok() {
                        return Ok(());
                    }
                }
            }
        }
    }

    /// Asks notifiers for fences no longer, unless the cell is armed or a notifier is taking the waker.
    /// For the owner, which must execute the heavy barrier when it next arms.
    pub(super) fn withdraw_fences(&self) -> bool {
        let (to, failed) = (order::UNORDERED, order::UNORDERED);
        self.state.compare_exchange(IDLE | FENCES, IDLE, to, failed).is_ok()
    }

    /// Forgets the task that waits here, if any. The owner calls this when it goes away, so that the
    /// channel does not keep the task alive.
    #[cold]
    pub(super) fn forget_task(&self) {
        if self.disarm().is_ok() {
            // SAFETY: the state is `IDLE`, so the slot belongs to the owner.
            let waker = self.task.with_mut(|task| unsafe { (*task).take() });
            contain(|| drop(waker));
        }
    }

    /// Wakes the owner if it sleeps. Any thread may call this after it has published news.
    #[inline]
    pub(crate) fn notify(&self, barrier: Barrier) {
        self.notify_if(barrier, |_| true);
    }

    /// Wakes the owner if it sleeps and `enough` accepts the target that it waits for.
    #[inline]
    pub(crate) fn notify_if(&self, barrier: Barrier, enough: impl Fn(Target) -> bool) {
        // ORDERING(B1): full barrier between the news and this look; pairs with B2.
        barrier.light(Mutant::B1);
        let state = self.state.load(order::UNORDERED);
        if state != IDLE {
            self.wake(state, barrier, enough);
        }
    }

    #[cold]
    fn wake(&self, mut state: u32, barrier: Barrier, enough: impl Fn(Target) -> bool) {
        // To wake an owner that sees the news itself does no harm, so only who does not wake it needs
        // the fence.
        if !self.take(state, &enough) {
            if state & FENCES == 0 {
                return;
            }
            // ORDERING(B7): full fence between the news and this look; pairs with B8.
            barrier.fence(Mutant::B7);
            state = self.state.load(order::UNORDERED);
            if !self.take(state, enough) {
                return;
            }
        }
        super::cpu::record(&self.waker_cpu);
        self.counters.wake();
        if state & KIND == THREAD {
            self.thread.with(|thread| {
                // SAFETY: the owner wrote this before it armed, and never writes it again.
                if let Some(thread) = unsafe { &*thread } {
                    thread.unpark();
                }
            });
        } else {
            // SAFETY: the state is `TAKING`, so the slot belongs to this notifier.
            let waker = self.task.with_mut(|task| unsafe { (*task).take() });
            // ORDERING(W3): Release; pairs with W4. Before the waker runs: it may poll at once.
            self.state.store(IDLE | state & FENCES, order::give_back());
            if let Some(waker) = waker {
                contain(|| waker.wake());
            }
        }
    }

    /// Moves the cell away from an armed `state`, if `enough` accepts its target. Whoever succeeds has
    /// to wake the owner.
    fn take(&self, state: u32, enough: impl Fn(Target) -> bool) -> bool {
        let next = match state & KIND {
            THREAD => IDLE,
            TASK => TAKING,
            _ => return false,
        };
        // Unordered: if the owner is about to sleep without seeing our news, its barrier came before
        // ours, and so did this target. Otherwise it sees the news itself, and reading an older target
        // does no harm.
        if !enough(Target::from_bits(self.target.load(order::UNORDERED))) {
            return false;
        }
        // ORDERING(W2): Acquire; pairs with W1. If this fails because the owner has armed anew, in
        // whatever way, its barrier came after this notifier's, and it sees the news.
        // ORDERING(W5): Release; pairs with W4. A thread may give up before it is unparked. A task that
        // waits here next takes no notice of the token, and this notifier has executed no fence.
        let (taken, failed) = (order::take(), order::UNORDERED);
        self.state.compare_exchange(state, next | state & FENCES, taken, failed).is_ok()
    }

    /// What is counted about the owner's waits.
    pub(crate) fn counters(&self) -> &WaitCounters {
        &self.counters
    }

    /// Whether the owner may wait by spinning: the last waker was not on the owner's own CPU.
    pub(super) fn spinning_helps(&self) -> bool {
        super::cpu::spinning_helps(&self.waker_cpu)
    }
}

/// Calls into a waker that somebody else left here, and contains its panics.
///
/// When the waker is called, the caller's post, receive, close or drop is already done and has nothing
/// to do with the task. A panic would suggest that it failed, and a caller that tried again would post
/// twice. The panic hook has already reported the panic.
fn contain(call: impl FnOnce()) {
    if cfg!(message_port_loom) {
        // Here the model checker itself may panic, to report what it found.
        return call();
    }
    let Err(payload) = catch_unwind(AssertUnwindSafe(call)) else { return };
    if let Err(payload) = catch_unwind(AssertUnwindSafe(|| drop(payload))) {
        // A payload whose drop panics yields another payload. Forgetting that one ends the chain.
        std::mem::forget(payload);
    }
}

#[cfg(all(test, not(message_port_loom)))]
mod tests {
    use super::super::{Deadline, TimedOut, WaitStrategy, Waiter};
    use super::{Barrier, FENCES, IDLE, KIND, TAKING, THREAD, Target, WaitCell, order};
    use std::time::{Duration, Instant};

    /// A cell whose notifier was stopped while it took the waker.
    fn being_taken() -> WaitCell {
        let cell = WaitCell::new();
        cell.state.store(TAKING, order::arm());
        cell
    }

    fn waiter() -> Waiter {
        Waiter::new(WaitStrategy::Park, true, Barrier::detect())
    }

    #[test]
    fn a_thread_finds_news_while_a_notifier_is_stopped() {
        let cell = being_taken();
        let mut looks = 0;
        let found = waiter().wait(&cell, Target::ANY, 0, Deadline::Never, || {
            looks += 1;
            // After the spinning and after the attempts without a nap.
            (looks == 800).then_some(())
        });
        assert_eq!(found, Ok(()));
    }

    #[test]
    fn a_deadline_passes_while_a_notifier_is_stopped() {
        let cell = being_taken();
        let deadline = Deadline::At(Instant::now() + Duration::from_millis(2));
        let found = waiter().wait(&cell, Target::ANY, 0, deadline, || None::<()>);
        assert_eq!(found, Err(TimedOut));
    }

    #[test]
    fn a_thread_arms_once_the_notifier_goes_on() {
        let cell = being_taken();
        let mut looks = 0;
        let found = waiter().wait(&cell, Target::ANY, 0, Deadline::Never, || {
            looks += 1;
            if looks == 800 {
                cell.state.store(IDLE, order::give_back());
            }
            (cell.state.load(order::regain()) == THREAD).then_some(())
        });
        assert_eq!(found, Ok(()));
        assert_eq!(cell.state.load(order::regain()), IDLE, "it armed, and disarmed");
    }

    /// Sleeps once behind `done` operations. The news comes while the cell is armed; tells whether it
    /// was armed with fences.
    fn sleep(waiter: &mut Waiter, cell: &WaitCell, done: usize) -> bool {
        let mut fences = false;
        let found = waiter.wait(cell, Target::ANY, done, Deadline::Never, || {
            let state = cell.state.load(order::regain());
            fences = state & FENCES != 0;
            (state & KIND == THREAD).then_some(())
        });
        assert_eq!(found, Ok(()));
        fences
    }

    #[test]
    fn a_thread_that_sleeps_often_asks_for_fences_until_it_seldom_does() {
        let (cell, mut waiter) = (WaitCell::new(), waiter());
        let sleeps: Vec<bool> = (0..20).map(|done| sleep(&mut waiter, &cell, done)).collect();
        assert!(!sleeps[0] && sleeps[19], "{sleeps:?}");
        // It need not sleep for the request to be withdrawn.
        let asked = cell.state.load(order::regain());
        let found = waiter.wait(&cell, Target::ANY, 100, Deadline::Never, || Some(()));
        assert_eq!((asked, found), (IDLE | FENCES, Ok(())));
        assert_eq!(cell.state.load(order::regain()), IDLE);
        assert!(!sleep(&mut waiter, &cell, 200));
    }
}
