//! The barrier between "I have news" and "is anybody asleep?".
//!
//! A publisher stores its news and then reads whether somebody waits; a waiter stores that it
//! waits and then looks for news. Without a full barrier between store and load on *both* sides
//! each may miss the other. Publishing is frequent and waiting is rare, so where the operating
//! system can run a barrier on behalf of every thread of the process (`membarrier`), the waiter
//! pays for both and the publisher only keeps its compiler from reordering.

use crate::sync::order::{Mutant, active};

/// Which of the two kinds of barrier this process uses. Both sides of a channel use the same.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Barrier {
    /// Both sides execute a full fence.
    Fence,
    /// The waiter's system call is a full barrier for every running thread of the process.
    #[cfg(all(target_os = "linux", not(any(message_port_loom, miri))))]
    Membarrier,
    /// Only the waiter executes a fence; what remains of `Membarrier` where the system cannot be
    /// asked. For models of what holds without the light side.
    #[cfg(message_port_loom)]
    HeavyOnly,
}

/// The waiter's barrier did not happen: the system refuses what it granted at the start, as a
/// sandbox entered later does. A waiter must then look for news from time to time.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Unavailable;

/// How long a store may take to be seen where no barrier can be had any more.
#[cfg(all(target_os = "linux", not(any(message_port_loom, miri))))]
const GRACE: std::time::Duration = std::time::Duration::from_micros(100);

impl Barrier {
    /// The best barrier that the system grants, found out once per process.
    pub(crate) fn detect() -> Self {
        #[cfg(all(target_os = "linux", not(any(message_port_loom, miri))))]
        {
            use rustix::thread::{MembarrierCommand as Command, membarrier, membarrier_query};
            use std::sync::OnceLock;

            static GRANTED: OnceLock<bool> = OnceLock::new();
            let granted = *GRANTED.get_or_init(|| {
                membarrier_query().contains_command(Command::PrivateExpedited)
                    && membarrier(Command::RegisterPrivateExpedited).is_ok()
                    && membarrier(Command::PrivateExpedited).is_ok()
            });
            if granted {
                return Self::Membarrier;
            }
        }
        #[cfg(message_port_loom)]
        if !crate::sync::model::has_light_barriers() {
            return Self::HeavyOnly;
        }
        Self::Fence
    }

    /// The publisher's side: between its store and its load.
    #[inline]
    pub(crate) fn light(self, mutant: Mutant) {
        if active(mutant) {
            return;
        }
        match self {
            Self::Fence => crate::sync::fence(crate::sync::Ordering::SeqCst),
            #[cfg(all(target_os = "linux", not(any(message_port_loom, miri))))]
            Self::Membarrier => {
                std::sync::atomic::compiler_fence(crate::sync::Ordering::SeqCst);
            }
            #[cfg(message_port_loom)]
            Self::HeavyOnly => {}
        }
    }

    /// The waiter's side: between its store and its load.
    pub(crate) fn heavy(self, mutant: Mutant) -> Result<(), Unavailable> {
        if active(mutant) {
            return Ok(());
        }
        match self {
            Self::Fence => {
                crate::sync::fence(crate::sync::Ordering::SeqCst);
                Ok(())
            }
            #[cfg(message_port_loom)]
            Self::HeavyOnly => Self::Fence.heavy(mutant),
            #[cfg(all(target_os = "linux", not(any(message_port_loom, miri))))]
            Self::Membarrier => {
                use crate::sync::{Ordering, fence};
                use rustix::thread::{MembarrierCommand, membarrier};
                // The system call orders this thread too; the compiler is told here.
                fence(Ordering::SeqCst);
                let ordered = membarrier(MembarrierCommand::PrivateExpedited);
                fence(Ordering::SeqCst);
                ordered.map_err(|_| {
                    // A store that another core has retired reaches this one long before that.
                    std::thread::sleep(GRACE);
                    Unavailable
                })
            }
        }
    }
}
