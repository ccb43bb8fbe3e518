//! The call to a foreign loop.

use std::sync::{Arc, PoisonError};

use super::EventLoop;
use crate::sync::{AtomicU32, Condvar, Mutex, ThreadId, order, this_thread};

/// What is called.
type Callback = Arc<dyn Fn() + Send + Sync>;

/// Calls a function when there is something to do for a loop that rests, once for each rest.
pub(super) struct Hook {
    current: Mutex<Current>,
    /// Notified when a call has returned.
    returned: Condvar,
    /// The number of the callback for which the loop rests; 0 if it does not, or was called. Only
    /// ever swapped, so that the loop, when it comes to rest, sees what everybody left who found
    /// it at work.
    armed: AtomicU32,
}

struct Current {
    callback: Option<Callback>,
    /// Tells the callback from former ones; never 0.
    number: u32,
    /// The threads that are in a callback.
    calling: Vec<ThreadId>,
}

impl Hook {
    pub(super) fn new() -> Self {
        let current = Current { callback: None, number: 1, calling: Vec::new() };
        Self { current: Mutex::new(current), returned: Condvar::new(), armed: AtomicU32::new(0) }
    }

    fn current<R>(&self, f: impl FnOnce(&mut Current) -> R) -> R {
        f(&mut self.current.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Sets what is called. When this returns, the former one is not called any more, and no other
    /// thread is in it.
    pub(super) fn set(&self, callback: Option<Callback>) {
        let former = {
            let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
            // Who has seen the former number calls nobody: what it left is found when the loop
            // comes to rest again.
            current.number = current.number.checked_add(1).unwrap_or(1);
            let former = std::mem::replace(&mut current.callback, callback);
            // A callback may own the loop, and drop it.
            let me = this_thread();
            while current.calling.iter().any(|&thread| thread != me) {
                current = self.returned.wait(current).unwrap_or_else(PoisonError::into_inner);
            }
            former
        };
        // Dropped outside of the lock: it may own anything.
        drop(former);
    }

    /// The loop rests; `false` if nobody wants to know. What is there for it already was left by
    /// somebody who did not call; the loop must look for it.
    pub(super) fn arm(&self) -> bool {
        let wanted = self.current(|current| current.callback.as_ref().map(|_| current.number));
        if let Some(number) = wanted {
            // ORDERING(L2): Acquire; pairs with L1: what was left without a call is found.
            self.armed.swap(number, order::find_calls());
        }
        wanted.is_some()
    }

    /// The loop looks for itself.
    pub(super) fn disarm(&self) {
        // Unordered: who comes before leaves what the loop finds when it arms again, at the latest.
        self.armed.swap(0, order::UNORDERED);
    }

    /// Calls, if the loop rests and was not called yet. For anybody, after having left something
    /// for the loop.
    pub(super) fn ring(&self) {
        // ORDERING(L1): Release; pairs with L2: what was left for the loop is visible.
        let number = self.armed.swap(0, order::call());
        if number == 0 {
            return;
        }
        let callback = self.current(|current| {
            let callback = current.callback.clone().filter(|_| current.number == number)?;
            current.calling.push(this_thread());
            Some(callback)
        });
        if let Some(callback) = callback {
            // Outside of the lock: it is the user's. Its clone is gone when this one is counted
            // as returned, so that the former callback is dropped by who replaces it.
            let _returns = Returns(self);
            let callback = callback;
            callback();
        }
    }
}

/// Notes that this thread has left a callback, by itself or by a panic.
struct Returns<'a>(&'a Hook);

impl Drop for Returns<'_> {
    fn drop(&mut self) {
        self.0.current(|current| {
            let me = this_thread();
            if let Some(index) = current.calling.iter().position(|&thread| thread == me) {
                current.calling.swap_remove(index);
            }
        });
        self.0.returned.notify_all();
    }
}

impl EventLoop {
    /// Sets what is called when this loop gets something to do while nobody runs it, so that it can
    /// live inside a foreign loop: that of a window system, a network library, an engine.
    ///
    /// The foreign loop calls [`run_once`](Self::run_once) with a timeout of zero, and the hook
    /// has it do that again: it writes to an `eventfd` or a pipe, sends a user event, or wakes a
    /// [`Waker`](std::task::Waker). It is called
    ///
    /// - at most once between two calls of `run_once` or [`run`](Self::run), however much comes
    ///   meanwhile, and not for what such a call takes care of itself;
    /// - at the end of such a call, if it leaves something to do;
    /// - here, if there is something to do already.
    ///
    /// It replaces the former hook, which is called no more then, as is this one once it is
    /// replaced or removed or the loop is dropped. Each of these waits for a call that is under
    /// way on another thread, so afterwards nothing of the hook runs any more and what it uses may
    /// go.
    ///
    /// # The hook
    ///
    /// It runs on whatever thread has posted, closed or dropped a port, or used a handle,
    /// inside that call; or on this one. It must not block, since it holds them up, nor wait for a
    /// thread that replaces it or drops the loop, for instance by a lock that such a thread holds. It
    /// must not panic, since that unwinds through them. It cannot run the loop itself.
    ///
    /// A function of another language with its data is called from a closure that owns both; it
    /// takes a wrapper that says why the data may be sent and shared.
    ///
    /// # Examples
    ///
    /// ```
    /// use message_port::{EventLoop, MessageChannel};
    /// use std::sync::mpsc;
    /// use std::time::Duration;
    ///
    /// // What the foreign loop waits for. With an `eventfd` the hook would write to it.
    /// enum Happening { Ports, Quit }
    /// let (sender, happenings) = mpsc::channel();
    ///
    /// let MessageChannel { mut port1, mut port2 } = MessageChannel::<u64>::new();
    /// let quit = sender.clone();
    /// port2.set_onmessage(move |event| {
    ///     println!("{}", event.data());
    ///     quit.send(Happening::Quit)
    /// });
    /// let mut events = EventLoop::new();
    /// events.add(port2);
    /// events.set_wake_hook(move || drop(sender.send(Happening::Ports)));
    ///
    /// let poster = std::thread::spawn(move || port1.post_message(&7));
    /// while let Ok(Happening::Ports) = happenings.recv() {
    ///     events.run_once(Some(Duration::ZERO))?;
    /// }
    /// poster.join().unwrap()?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn set_wake_hook(&mut self, hook: impl Fn() + Send + Sync + 'static) {
        self.shared.hook.set(Some(Arc::new(hook)));
        self.shared.rest();
    }

    /// Removes the hook, and waits for a call to it that is under way on another thread.
    ///
    /// # Examples
    ///
    /// ```
    /// use message_port::EventLoop;
    ///
    /// let mut events = EventLoop::new();
    /// events.set_wake_hook(|| unreachable!());
    /// events.clear_wake_hook();
    /// events.handle().wake();
    /// ```
    pub fn clear_wake_hook(&mut self) {
        self.shared.hook.set(None);
    }
}
