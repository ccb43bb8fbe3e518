//! The call to a foreign loop.

use std::sync::{Arc, PoisonError};

use super::EventLoop;
use crate::sync::{AtomicU32, Mutex, order};

/// What is called.
type Callback = Arc<dyn Fn() + Send + Sync>;

/// Calls a function when there is something to do for a loop that rests, once for each rest.
pub(super) struct Hook {
    callback: Mutex<Option<Callback>>,
    /// 1 while the loop rests and was not called. Only ever swapped, so that the loop, when it
    /// comes to rest, sees what everybody left who found it at work.
    armed: AtomicU32,
}

impl Hook {
    pub(super) fn new() -> Self {
        Self { callback: Mutex::new(None), armed: AtomicU32::new(0) }
    }

    fn callback<R>(&self, f: impl FnOnce(&mut Option<Callback>) -> R) -> R {
        f(&mut self.callback.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Sets what is called. The former one is not called any more, unless it just is.
    pub(super) fn set(&self, callback: Option<Callback>) {
        // Dropped outside of the lock: it may own anything.
        drop(self.callback(|current| std::mem::replace(current, callback)));
    }

    /// The loop rests; `false` if nobody wants to know. What is there for it already was left by
    /// somebody who did not call; the loop must look for it.
    pub(super) fn arm(&self) -> bool {
        let wanted = self.callback(|callback| callback.is_some());
        if wanted {
            // ORDERING(L2): Acquire; pairs with L1: what was left without a call is found.
            self.armed.swap(1, order::find_calls());
        }
        wanted
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
        if self.armed.swap(0, order::call()) == 0 {
            return;
        }
        // Outside of the lock: it is the user's.
        if let Some(callback) = self.callback(|callback| callback.clone()) {
            callback();
        }
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
    /// It replaces the former hook. It is called no more once the loop is dropped.
    ///
    /// # The hook
    ///
    /// It runs on whatever thread has posted, closed or dropped a port, or used a handle,
    /// inside that call; or on this one. It must not block, since it holds them up, and
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

    /// Removes the hook.
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
