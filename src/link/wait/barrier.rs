//! The barrier between "I have news" and "is anybody asleep?".
//!
//! A publisher stores its news and then reads whether anybody waits. A waiter stores that it waits and
//! then looks for news. Without a full barrier between store and load on *both* sides, each may miss
//! the other. Publishing is frequent and waiting is rare. So where the operating system can run a
//! barrier on behalf of every thread of the process (`membarrier`), the waiter pays for both sides and
//! the publisher only keeps its compiler from reordering.
//!
//! One word says which of the two a process uses, for all of its channels. It changes at most once: if
//! the system refuses what it granted, as in a sandbox entered later, both sides execute fences from
//! then on.

use crate::sync::order::{Mutant, active};

/// Both sides of the barrier, for every channel in this process or, under loom, in this model.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Barrier {
    /// Whether the light side is a fence. If not, the model checks what holds without it.
    #[cfg(message_port_loom)]
    has_light_side: bool,
}

/// The process has just switched to fences, and a publisher may not have seen that yet, so its news
/// may be in flight without a barrier. A waiter must look for news once more, soon.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Unavailable;

#[allow(clippy::unused_self, reason = "only a model has a choice; whoever has one has asked")]
impl Barrier {
    /// The best barrier that the system grants, determined once per process.
    pub(crate) fn detect() -> Self {
        membarrier::ask_once();
        Self {
            #[cfg(message_port_loom)]
            has_light_side: crate::sync::model::has_light_barriers(),
        }
    }

    /// The publisher's side: between its store and its load.
    #[inline]
    pub(crate) fn light(self, mutant: Mutant) {
        if active(mutant) {
            return;
        }
        #[cfg(message_port_loom)]
        if !self.has_light_side {
            return;
        }
        membarrier::light();
    }

    /// A full fence, whatever the process uses: either side of a cell that asks for fences.
    pub(crate) fn fence(self, mutant: Mutant) {
        if !active(mutant) {
            crate::sync::fence(crate::sync::Ordering::SeqCst);
        }
    }

    /// The waiter's side: between its store and its load. Never waits.
    pub(crate) fn heavy(self, mutant: Mutant) -> Result<(), Unavailable> {
        if active(mutant) { Ok(()) } else { membarrier::heavy() }
    }

    /// Like [`heavy`](Self::heavy), but if the process has just switched to fences, waits until the
    /// switch is over. That happens at most once.
    pub(crate) fn heavy_in_the_end(self, mutant: Mutant) {
        while self.heavy(mutant).is_err() {
            Self::wait_out_the_change();
        }
    }

    /// Sleeps while the process switches to fences: at most once, for a millisecond.
    pub(crate) fn wait_out_the_change() {
        membarrier::wait_out_the_change();
    }
}

#[cfg(all(target_os = "linux", not(any(message_port_loom, miri))))]
mod membarrier {
    use std::sync::OnceLock;
    use std::time::{Duration, Instant};

    use rustix::thread::{MembarrierCommand as Command, membarrier, membarrier_query};

    use super::Unavailable;
    use crate::sync::order::UNORDERED;
    use crate::sync::{AtomicU32, CachePadded, Ordering, fence};

    /// Nobody has asked yet, or it was never granted: both sides execute fences.
    const FENCES: u32 = 0;
    /// The waiter's system call is a full barrier for every running thread of the process.
    const GRANTED: u32 = 1;
    /// It was refused a moment ago: both sides execute fences, but not every thread knows yet.
    const CHANGING: u32 = 2;

    /// Each post and each receive reads this, so it has a cache line of its own.
    static KIND: CachePadded<AtomicU32> = CachePadded::new(AtomicU32::new(FENCES));

    /// When the system first refused what it had granted.
    static REFUSED: OnceLock<Instant> = OnceLock::new();

    /// How long the switch to fences takes: until every earlier store and the switch itself have
    /// reached every core. No manual bounds that time. It is the time to drain a store buffer, which
    /// takes a core a few microseconds at the very most.
    const GRACE: Duration = Duration::from_millis(1);

    pub(super) fn ask_once() {
        static ASKED: OnceLock<()> = OnceLock::new();
        ASKED.get_or_init(|| {
            let granted = membarrier_query().contains_command(Command::PrivateExpedited)
                && membarrier(Command::RegisterPrivateExpedited).is_ok()
                && membarrier(Command::PrivateExpedited).is_ok();
            if granted {
                // Unordered: a thread that finds the older value executes a fence.
                KIND.store(GRANTED, UNORDERED);
            }
        });
    }

    #[inline]
    pub(super) fn light() {
        if is_granted() {
            std::sync::atomic::compiler_fence(Ordering::SeqCst);
        } else {
            rarely();
            fence(Ordering::SeqCst);
        }
    }

    /// Makes the compiler lay out the other branch as the straight path.
    #[cold]
    #[inline]
    const fn rarely() {}

    #[inline]
    fn is_granted() -> bool {
        // Unordered: this orders nothing itself, and a switch to fences has a grace period.
        KIND.load(UNORDERED) == GRANTED
    }

    pub(super) fn heavy() -> Result<(), Unavailable> {
        // The system call orders this thread too, but the compiler does not know that.
        fence(Ordering::SeqCst);
        if is_granted() {
            if membarrier(Command::PrivateExpedited).is_ok() {
                fence(Ordering::SeqCst);
                return Ok(());
            }
            REFUSED.get_or_init(Instant::now);
            // Two threads may find out at once; a switch that the first has finished stays finished.
            let _ = KIND.compare_exchange(GRANTED, CHANGING, UNORDERED, UNORDERED);
            fence(Ordering::SeqCst);
        }
        if rest_of_the_change().is_some() { Err(Unavailable) } else { Ok(()) }
    }

    pub(super) fn wait_out_the_change() {
        while let Some(rest) = rest_of_the_change() {
            #[allow(clippy::disallowed_methods, reason = "no wake-up is expected meanwhile")]
            std::thread::sleep(rest);
        }
    }

    fn rest_of_the_change() -> Option<Duration> {
        if KIND.load(UNORDERED) != CHANGING {
            return None;
        }
        let rest = GRACE.saturating_sub(REFUSED.get_or_init(Instant::now).elapsed());
        if rest.is_zero() {
            KIND.store(FENCES, UNORDERED);
            return None;
        }
        Some(rest)
    }
}

/// Without a system to ask, both sides execute fences.
#[cfg(not(all(target_os = "linux", not(any(message_port_loom, miri)))))]
mod membarrier {
    use super::Unavailable;
    use crate::sync::{Ordering, fence};

    pub(super) fn ask_once() {}

    #[inline]
    pub(super) fn light() {
        fence(Ordering::SeqCst);
    }

    #[allow(clippy::unnecessary_wraps, reason = "where the system is asked, it may refuse")]
    pub(super) fn heavy() -> Result<(), Unavailable> {
        fence(Ordering::SeqCst);
        Ok(())
    }

    pub(super) fn wait_out_the_change() {}
}
