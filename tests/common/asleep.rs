//! Threads that are known to be blocked.
//!
//! What wakes a thread is only tested if the thread sleeps. Where somebody can tell (Linux, and
//! Miri) these helpers wait until it does; elsewhere they give the thread a chance, and the tests
//! still hold.

use std::sync::mpsc;
use std::thread::{self, JoinHandle};

/// Linux says it, in a file for each thread.
#[cfg(not(miri))]
mod observed {
    use std::fs;
    use std::path::{Path, PathBuf};
    use std::thread;

    /// Where Linux describes a thread.
    pub(super) struct Thread(Option<PathBuf>);

    impl Thread {
        /// The calling one.
        pub(super) fn this() -> Self {
            let path = fs::read_link("/proc/thread-self").ok();
            Self(path.map(|path| Path::new("/proc").join(path)))
        }

        /// Returns once the thread sleeps or `is_finished` says that there is none.
        pub(super) fn wait_until_asleep(&self, is_finished: impl Fn() -> bool) {
            let Some(path) = &self.0 else { return thread::yield_now() };
            while !is_finished() && !is_asleep(path) {
                thread::yield_now();
            }
        }
    }

    /// The state letter behind the name, which may contain anything, parentheses too.
    fn is_asleep(thread: &Path) -> bool {
        let stat = fs::read_to_string(thread.join("stat")).unwrap_or_default();
        stat.rsplit_once(") ").is_some_and(|(_, fields)| fields.starts_with('S'))
    }
}

/// Miri's clock is its own where it isolates the program: it counts the blocks of code that were
/// run, 5 µs for each, and only when every thread waits does it jump to the next deadline. So a
/// thread that sleeps gets on when all others are blocked, and no sooner unless they run that many
/// blocks, ten times what the slowest of them needs to fall asleep.
#[cfg(miri)]
mod observed {
    use std::sync::atomic::{Ordering, fence};
    use std::thread;
    use std::time::Duration;

    /// A million blocks.
    const LONG_ENOUGH: Duration = Duration::from_secs(5);

    pub(super) struct Thread;

    impl Thread {
        pub(super) fn this() -> Self {
            Self
        }

        pub(super) fn wait_until_asleep(&self, _is_finished: impl Fn() -> bool) {
            thread::sleep(LONG_ENOUGH);
            // Being asleep is told by the clock, which orders nothing. Whoever falls asleep has
            // executed such a fence before; behind this one, what it did then is not missed.
            fence(Ordering::SeqCst);
        }
    }
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
    let handle = thread::spawn(move || f(&|| tell.send(observed::Thread::this()).unwrap()));
    let thread = told.recv().expect("`f` is never prepared");
    thread.wait_until_asleep(|| handle.is_finished());
    handle
}
