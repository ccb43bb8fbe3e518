//! What becomes of a wait in a program that can have one thread only.

use std::time::Instant;

use super::{Deadline, TimedOut};
use crate::sync::{IS_ALONE, Parker};

/// Whether the standard library has a clock here. Where it has none, asking it panics.
pub(crate) const HAS_CLOCK: bool = !cfg!(all(target_family = "wasm", target_os = "unknown"));

impl Deadline<'_> {
    /// Whether a wait like this would last for ever.
    pub(crate) fn is_endless_alone(self) -> bool {
        IS_ALONE && matches!(self, Self::Never)
    }
}

/// Waits as [`Waiter::wait`](super::Waiter::wait) does where nobody can end the wait but the clock.
///
/// # Panics
///
/// Panics if the clock does not end it either.
#[cold]
pub(super) fn wait<R>(
    deadline: Deadline<'_>,
    look: impl FnOnce() -> Option<R>,
) -> Result<R, TimedOut> {
    // A waker of the program's that was just called may have done more than to take a note.
    if let Some(found) = look() {
        return Ok(found);
    }
    match deadline {
        Deadline::At(deadline) => sit_out(deadline),
        _ => wait_for_ever(),
    }
    Err(TimedOut)
}

/// Parks the thread until somebody calls it or the deadline comes.
///
/// # Panics
///
/// Panics where neither will.
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
