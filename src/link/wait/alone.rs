//! What a wait does in a program that can have only one thread.

use std::time::Instant;

use super::{Deadline, TimedOut};
use crate::sync::{IS_ALONE, Parker};

/// Whether the standard library has a clock here. If not, reading it panics.
pub(crate) const HAS_CLOCK: bool = !cfg!(all(target_family = "wasm", target_os = "unknown"));

impl Deadline<'_> {
    /// Whether a wait like this would last for ever.
    pub(crate) fn is_endless_alone(self) -> bool {
        IS_ALONE && matches!(self, Self::Never)
    }
}

/// [`Waiter::wait`](super::Waiter::wait) where only the clock can end the wait.
///
/// # Panics
///
/// Panics if there is no deadline.
#[cold]
pub(super) fn wait<R>(
    deadline: Deadline<'_>,
    look: impl FnOnce() -> Option<R>,
) -> Result<R, TimedOut> {
    // One of the program's wakers, called just now, may have done more than schedule a task.
    if let Some(found) = look() {
        return Ok(found);
    }
    match deadline {
        Deadline::At(deadline) => sit_out(deadline),
        _ => wait_for_ever(),
    }
    Err(TimedOut)
}

/// Parks the thread until it is unparked or the deadline comes.
///
/// # Panics
///
/// Panics if neither can happen.
pub(crate) fn park(parker: &Parker, deadline: Option<Instant>) {
    match deadline {
        Some(deadline) if IS_ALONE => sit_out(deadline),
        Some(deadline) => parker.park_deadline(deadline),
        None if IS_ALONE => wait_for_ever(),
        None => parker.park(),
    }
}

fn sit_out(deadline: Instant) {
    #[allow(clippy::disallowed_methods, reason = "there is nobody who could wake this thread")]
    std::thread::sleep(deadline.saturating_duration_since(Instant::now()));
}

fn wait_for_ever() -> ! {
    panic!(
        "message-port: this call would wait for ever, since there is no other thread on this \
         target; use a call that does not wait, such as try_recv or dispatch, or a task"
    )
}
