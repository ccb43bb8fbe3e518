//! Turns a hang into a failure.

#[cfg(not(miri))]
use std::process;
#[cfg(not(miri))]
use std::sync::mpsc::{self, RecvTimeoutError};
#[cfg(not(miri))]
use std::thread;
#[cfg(not(miri))]
use std::time::Duration;

/// Far beyond what any test takes, also on a busy machine: reached only by a lost wake-up.
#[cfg(not(miri))]
const LIMIT: Duration = Duration::from_secs(120);

/// Ends the process if it lives for too long.
///
/// Not in Miri, which knows when all threads wait and calls it a deadlock. There this one would
/// not wait for ever, and the clock says nothing.
#[must_use = "it watches for as long as it lives"]
pub(crate) struct Watchdog {
    #[cfg(not(miri))]
    _alive: mpsc::Sender<()>,
}

impl Watchdog {
    /// Watches the calling test.
    #[cfg(not(miri))]
    pub(crate) fn start() -> Self {
        let (alive, watched) = mpsc::channel();
        let test = thread::current().name().unwrap_or("a test").to_owned();
        thread::spawn(move || {
            if watched.recv_timeout(LIMIT) == Err(RecvTimeoutError::Timeout) {
                eprintln!("{test} hangs");
                process::abort();
            }
        });
        Self { _alive: alive }
    }

    #[cfg(miri)]
    pub(crate) fn start() -> Self {
        Self {}
    }
}
