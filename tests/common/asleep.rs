//! Threads that are known to be blocked.
//!
//! What wakes a thread is only tested if the thread sleeps. Where the system tells (Linux) these
//! helpers wait until it says so; elsewhere they give the thread a chance, and the tests still
//! hold.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::thread::{self, JoinHandle};

/// Where Linux describes the calling thread.
fn this_thread() -> Option<PathBuf> {
    Some(Path::new("/proc").join(fs::read_link("/proc/thread-self").ok()?))
}

/// The state letter behind the name, which may contain anything, parentheses too.
fn is_asleep(thread: &Path) -> bool {
    let stat = fs::read_to_string(thread.join("stat")).unwrap_or_default();
    stat.rsplit_once(") ").is_some_and(|(_, fields)| fields.starts_with('S'))
}

/// Runs `f` on a thread of its own and returns once that sleeps inside `f`, or has left it.
pub(crate) fn spawn_asleep<R: Send + 'static>(
    f: impl FnOnce() -> R + Send + 'static,
) -> JoinHandle<R> {
    spawn_asleep_after(|prepared| {
        prepared();
        f()
    })
}

/// The same, where `f` may sleep before it has called what it is given.
pub(crate) fn spawn_asleep_after<R: Send + 'static>(
    f: impl FnOnce(&dyn Fn()) -> R + Send + 'static,
) -> JoinHandle<R> {
    let (tell, told) = mpsc::channel();
    let handle = thread::spawn(move || f(&|| tell.send(this_thread()).unwrap()));
    if let Some(thread) = told.recv().expect("`f` is never prepared") {
        while !handle.is_finished() && !is_asleep(&thread) {
            thread::yield_now();
        }
    } else {
        thread::yield_now();
    }
    handle
}
