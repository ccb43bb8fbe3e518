//! An executor for one task, whose sleep the engine schedules.

use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError};
use std::task::{Context, Poll, Wake, Waker};

use crate::engine::sync::{Condvar, Mutex, MutexGuard};
use crate::thread;

/// What a waker of a task sets and the executor waits for.
#[derive(Debug)]
pub struct Signal {
    is_set: Mutex<bool>,
    changed: Condvar,
    owner: thread::ThreadId,
    /// Whether the owner has set it itself, since it met somebody who was just about to.
    by_owner: AtomicBool,
}

impl Signal {
    /// A signal that is not set, for the calling thread.
    pub fn new() -> Arc<Self> {
        Arc::new(Self {
            is_set: Mutex::new(false),
            changed: Condvar::new(),
            owner: thread::current().id(),
            by_owner: AtomicBool::new(false),
        })
    }

    /// Waits until the signal is set, and takes it back.
    pub fn wait(&self) {
        #[cfg(message_port_loom)]
        if !message_port::model::has_light_barriers() {
            // The wake may be lost; see `Barriers`.
            return thread::yield_now();
        }
        self.wait_for_wake();
    }

    /// Like [`wait`](Self::wait), where no wake may be lost, whatever the light barriers order.
    pub fn wait_for_wake(&self) {
        if self.by_owner.swap(false, Ordering::Relaxed) {
            // The other one must get on.
            thread::yield_now();
        }
        let mut is_set = self.is_set();
        while !*is_set {
            is_set = self.changed.wait(is_set).unwrap_or_else(PoisonError::into_inner);
        }
        *is_set = false;
    }

    /// To shuttle all threads of a program panic while one of them does, and poison what they lock.
    fn is_set(&self) -> MutexGuard<'_, bool> {
        self.is_set.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Wake for Signal {
    fn wake(self: Arc<Self>) {
        if thread::current().id() == self.owner {
            self.by_owner.store(true, Ordering::Relaxed);
        }
        *self.is_set() = true;
        self.changed.notify_one();
    }
}

/// Runs a future on this thread.
pub fn block_on<F: Future>(future: F) -> F::Output {
    let signal = Signal::new();
    let waker = Waker::from(Arc::clone(&signal));
    let mut future = pin!(future);
    loop {
        match future.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(output) => return output,
            Poll::Pending => signal.wait(),
        }
    }
}
