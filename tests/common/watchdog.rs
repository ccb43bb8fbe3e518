//! Turns a hang into a failure.

use std::process;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

/// Far beyond what any test takes, also on a busy machine: reached only by a lost wake-up.
const LIMIT: Duration = Duration::from_secs(120);

/// Ends the process if it lives for too long.
#[must_use = "it watches for as long as it lives"]
pub(crate) struct Watchdog {
    _alive: mpsc::Sender<()>,
}

impl Watchdog {
    /// Watches the calling test.
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
}
