//! How an end waits: it spins for a bounded time, then sleeps until the other side has news.

mod alone;
mod barrier;
mod budget;
mod cell;
mod cpu;
mod eager;
mod glance;
mod often;

pub(crate) use alone::{HAS_CLOCK, park};
pub(crate) use barrier::Barrier;
pub(crate) use budget::Budget;
pub(crate) use cell::WaitCell;
pub(crate) use glance::Glance;

use std::task::{Poll, Waker};
use std::time::{Duration, Instant};

use crate::ring::Target;
use crate::sync::order::Mutant;
use crate::sync::{IS_ALONE, Parker, spin_loop};
use barrier::Unavailable;
use cell::BeingWoken;
use eager::Eager;
use often::Often;

/// How a blocking call waits, at both ports of a channel.
///
/// This concerns threads that wait in a call of a port or a half. Tasks are woken through their
/// runtime, and an [`EventLoop`](crate::EventLoop) always sleeps when it has nothing to do.
///
/// # Where there is no other thread
///
/// On WebAssembly without threads, nobody could end a wait. There a call that would wait for ever does
/// not wait, with either strategy. A post that needs room is refused with
/// [`WouldDeadlock`](crate::PostError::WouldDeadlock); any other call panics with a message that says
/// so. A call with a time limit sleeps until then, or reports the timeout at once if the standard
/// library has no clock (`wasm32-unknown-unknown`). The [guide](crate::guide::practice) says what to
/// call instead.
///
/// # Examples
///
/// ```
/// use message_port::{MessageChannel, WaitStrategy};
///
/// let channel = MessageChannel::<u64>::builder().wait_strategy(WaitStrategy::Spin).build()?;
/// # Ok::<(), message_port::BuildError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[non_exhaustive]
pub enum WaitStrategy {
    /// Looks for news for some tens of microseconds, then sleeps until the other side wakes it. If the other
    /// side cannot run meanwhile (one CPU), it yields the CPU once and then sleeps.
    #[default]
    Park,
    /// Looks for news and never sleeps. This has the lowest latency but uses a whole CPU per waiting
    /// thread, so it is for threads with a CPU of their own.
    Spin,
}

/// How long a call may wait, or whom to wake instead.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Deadline<'a> {
    /// Does not wait.
    Now,
    /// Waits for this long, from when it first has to wait.
    Within(Duration),
    /// Waits until then.
    At(Instant),
    /// Waits as long as it takes.
    Never,
    /// Does not wait; has this task woken when another try is worthwhile.
    Task(&'a Waker),
    /// The same, for a task that also waits for something else that ends this wait.
    TaskUntil(&'a Waker),
}

impl<'a> Deadline<'a> {
    /// Reads the clock, which costs more than a post or a receive that need not wait. A deadline that
    /// the clock cannot express never comes; without a clock it comes at once.
    pub(crate) fn fixed(self) -> Self {
        match self {
            Self::Within(_) if !HAS_CLOCK => Self::Now,
            Self::Within(time) => Instant::now().checked_add(time).map_or(Self::Never, Self::At),
            fixed => fixed,
        }
    }

    pub(crate) fn has_passed(self) -> bool {
        match self {
            Self::Now => true,
            // Under loom, which repeats a model step by step, the clock means nothing.
            Self::At(deadline) => !cfg!(message_port_loom) && Instant::now() >= deadline,
            Self::Never | Self::Within(_) | Self::Task(_) | Self::TaskUntil(_) => false,
        }
    }

    /// When to look again if no wake-up can be relied on.
    pub(crate) fn nap(self) -> Instant {
        let nap = Instant::now() + FALLBACK_NAP;
        if let Self::At(deadline) = self { deadline.min(nap) } else { nap }
    }

    /// Whether it is later than a thread that spins may look at the clock.
    fn is_far(self) -> bool {
        match self {
            Self::At(deadline) => deadline.saturating_duration_since(Instant::now()) > FALLBACK_NAP,
            deadline => matches!(deadline, Self::Never),
        }
    }

    /// The task to wake, unless a thread waits.
    pub(crate) fn task(self) -> Option<&'a Waker> {
        match self {
            Self::Task(waker) | Self::TaskUntil(waker) => Some(waker),
            Self::Now | Self::Within(_) | Self::At(_) | Self::Never => None,
        }
    }
}

/// The deadline came first.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct TimedOut;

/// What the result of a wait means to a task.
pub(crate) fn pending<T>(waited: Result<T, TimedOut>) -> Poll<T> {
    waited.map_or(Poll::Pending, Poll::Ready)
}

/// Looks without a pause: news in flight arrives within this many looks.
const EAGER_LOOKS: u32 = 128;
/// Looks with pauses in between, before a thread goes to sleep.
const PATIENT_LOOKS: u32 = 512;
/// A waiter reads the clock once per this many looks.
const LOOKS_PER_CLOCK: u32 = 256;
/// Attempts to arm a cell that a notifier is about to release, before a thread naps between attempts.
const ARMING_TRIES: u32 = 128;
/// How often a waiter looks when it cannot rely on a wake-up, or when a notifier was stopped halfway.
const FALLBACK_NAP: Duration = Duration::from_millis(1);

/// How one end of a direction waits. That end owns it.
#[derive(Debug)]
pub(crate) struct Waiter {
    strategy: WaitStrategy,
    /// For tasks.
    eager: Eager,
    /// For threads.
    patient: Eager,
    often: Often,
    /// Whether the cell asked notifiers for fences before the last heavy barrier.
    has_fences: bool,
    barrier: Barrier,
    /// Made when the end first sleeps.
    parker: Option<Parker>,
    /// Whether the cell may have a task's waker.
    has_task: bool,
}

impl Waiter {
    pub(crate) fn new(strategy: WaitStrategy, eager_tasks: bool, barrier: Barrier) -> Self {
        Self {
            strategy,
            eager: Eager::of_a_task(eager_tasks),
            patient: Eager::of_a_thread(),
            often: Often::default(),
            has_fences: false,
            barrier,
            parker: None,
            has_task: false,
        }
    }

    /// Waits until `look` finds something, or until the deadline.
    ///
    /// `cell` is this end's own. Any thread that makes `look` succeed notifies it; with a `target`,
    /// only once the ring has got that far. For a task, the wait times out as soon as the cell is armed
    /// for it. `done` counts the operations of this end, wrapping.
    #[cold]
    pub(crate) fn wait<R>(
        &mut self,
        cell: &WaitCell,
        target: Target,
        done: usize,
        deadline: Deadline<'_>,
        mut look: impl FnMut() -> Option<R>,
    ) -> Result<R, TimedOut> {
        #[cfg_attr(not(message_port_loom), allow(unused_mut, reason = "loom's clock moves by it"))]
        let mut deadline = deadline.fixed();
        if deadline.has_passed() {
            return Err(TimedOut);
        }
        if let Some(waker) = deadline.task() {
            return self.suspend(cell, target, done, waker, look);
        }
        self.begin(cell, done);
        if IS_ALONE {
            return alone::wait(deadline, look);
        }
        if let Some(found) = self.spin(cell, deadline, &mut look)? {
            return Ok(found);
        }
        let fences = self.often.note(done);
        let mut sleeper = cell.counters().sleeper();
        let mut tries = 0;
        loop {
            let parker = self.parker.get_or_insert_with(|| cell.introduce());
            if let Err(BeingWoken) = cell.arm_thread(target, fences) {
                // This happens only after a task has waited here, and lasts a moment unless the
                // notifier was stopped in the middle. Even then neither the news nor the deadline
                // waits for it, and naps give it the CPU even if it has a lower priority.
                if let Some(found) = look() {
                    return Ok(found);
                }
                if deadline.has_passed() {
                    return Err(TimedOut);
                }
                if tries < ARMING_TRIES || cfg!(message_port_loom) {
                    tries += 1;
                    spin_loop();
                } else {
                    parker.park_deadline(deadline.nap());
                }
                continue;
            }
            let ordered = Self::order(self.barrier, &mut self.has_fences, fences);
            let found = look();
            if found.is_some() || deadline.has_passed() {
                let _ = cell.disarm();
                return found.ok_or(TimedOut);
            }
            sleeper.sleep(ordered.is_err());
            match (deadline, ordered) {
                (Deadline::At(deadline), Ok(())) => parker.park_deadline(deadline),
                (_, Ok(())) => parker.park(),
                (_, Err(_)) => parker.park_deadline(deadline.nap()),
            }
            #[cfg(message_port_loom)]
            if matches!(deadline, Deadline::At(_)) {
                deadline = Deadline::Now;
            }
        }
    }

    /// [`wait`](Self::wait) for a task: arranges to wake it instead of waiting, unless there is news
    /// already.
    pub(crate) fn suspend<R>(
        &mut self,
        cell: &WaitCell,
        target: Target,
        done: usize,
        waker: &Waker,
        mut look: impl FnMut() -> Option<R>,
    ) -> Result<R, TimedOut> {
        self.begin(cell, done);
        if let Some(found) = self.eager.look(|| cell.spinning_helps(), &mut look) {
            return Ok(found);
        }
        let fences = self.often.note(done);
        self.has_task = true;
        if let Err(BeingWoken) = cell.arm_task(target, waker, fences) {
            // The notifier may be calling an older waker.
            waker.wake_by_ref();
            return Err(TimedOut);
        }
        if Self::order(self.barrier, &mut self.has_fences, fences).is_err() {
            waker.wake_by_ref();
        }
        let found = look();
        if found.is_some() {
            let _ = cell.disarm();
        } else {
            cell.counters().suspend();
        }
        found.ok_or(TimedOut)
    }

    /// Asks for fences no longer if the end has done much since it was last suspended.
    #[inline]
    fn begin(&mut self, cell: &WaitCell, done: usize) {
        if self.has_fences && self.often.is_over(done) && cell.withdraw_fences() {
            self.has_fences = false;
        }
    }

    /// Has `cell`, this end's own, forget the task that waits there.
    #[inline]
    pub(crate) fn forget_task(&mut self, cell: &WaitCell) {
        if std::mem::take(&mut self.has_task) {
            cell.forget_task();
        }
    }

    /// The barrier between arming, with or without `fences`, and looking.
    fn order(barrier: Barrier, has_fences: &mut bool, fences: bool) -> Result<(), Unavailable> {
        if fences && *has_fences {
            // ORDERING(B8): full fence between arming and looking; pairs with B7.
            barrier.fence(Mutant::B8);
            return Ok(());
        }
        // ORDERING(B2): full barrier between arming and looking; pairs with B1. From here on every
        // notifier sees whether the cell asks for fences.
        let ordered = barrier.heavy(Mutant::B2);
        *has_fences = fences && ordered.is_ok();
        ordered
    }

    /// Looks for a while without sleeping; `Ok(None)` means that it is time to sleep.
    fn spin<R>(
        &mut self,
        cell: &WaitCell,
        deadline: Deadline<'_>,
        look: &mut impl FnMut() -> Option<R>,
    ) -> Result<Option<R>, TimedOut> {
        let forever = self.strategy == WaitStrategy::Spin;
        if cfg!(message_port_loom) {
            return Ok(None);
        }
        if !(forever || cell.spinning_helps()) {
            // The peer cannot run until this thread lets it. It may then answer without a sleep and a
            // wake-up, which cost twice as much. Yield only once: yielding in a loop burns a CPU that
            // others need.
            #[allow(clippy::disallowed_methods, reason = "once, not in a loop")]
            std::thread::yield_now();
            return Ok(look());
        }
        for _ in 0..EAGER_LOOKS {
            if let Some(found) = look() {
                return Ok(Some(found));
            }
        }
        let mut looks = 0u32;
        while forever || looks < PATIENT_LOOKS {
            spin_loop();
            if let Some(found) = look() {
                return Ok(Some(found));
            }
            looks = looks.wrapping_add(1);
            if looks.is_multiple_of(LOOKS_PER_CLOCK) && deadline.has_passed() {
                return Err(TimedOut);
            }
        }
        Ok(self.patient.look(|| deadline.is_far(), look))
    }
}
