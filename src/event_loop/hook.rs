//! The hook: how an event loop calls a foreign loop.

use std::sync::{Arc, PoisonError};

use super::EventLoop;
use crate::sync::{AtomicU32, Condvar, Mutex, ThreadId, order, this_thread};

/// The function that is called.
type Callback = Arc<dyn Fn() + Send + Sync>;

/// Calls a function when a resting loop gets something to do, once for each rest.
pub(super) struct Hook {
    current: Mutex<Current>,
    /// Notified when a call has returned.
    returned: Condvar,
    /// The number of the callback for which the loop rests; 0 if it does not rest, or was called.
    /// Only ever swapped: a loop that comes to rest then sees what was left by every thread that
    /// found it at work.
    armed: AtomicU32,
}

struct Current {
    callback: Option<Callback>,
    /// Tells the callback from earlier ones; never 0.
    number: u32,
    /// The threads that are running a callback.
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

    /// Sets the function. When this returns, the former one is not called any more, and no other
    /// thread is running it.
    pub(super) fn set(&self, callback: Option<Callback>) {
        let former = {
            let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
            // A thread that has seen the former number calls nothing: what it left is found when
            // the loop comes to rest again.
            current.number = current.number.checked_add(1).unwrap_or(1);
            let former = std::mem::replace(&mut current.callback, callback);
            // A callback may own the loop and drop it.
            let me = this_thread();
            while current.calling.iter().any(|&thread| thread != me) {
                current = self.returned.wait(current).unwrap_or_else(PoisonError::into_inner);
            }
            former
        };
        // Dropped outside of the lock: it may own anything.
        drop(former);
    }

    /// Records that the loop rests; `false` if there is no hook. The loop must then look for what
    /// is there already: it was left without a call.
    pub(super) fn arm(&self) -> bool {
        let wanted = self.current(|current| current.callback.as_ref().map(|_| current.number));
        if let Some(number) = wanted {
            // ORDERING(L2): Acquire; pairs with L1: what was left without a call is found.
            self.armed.swap(number, order::find_calls());
        }
        wanted.is_some()
    }

    /// The loop looks for itself again.
    pub(super) fn disarm(&self) {
        // Unordered: the loop finds what earlier threads left when it arms again, at the latest.
        self.armed.swap(0, order::UNORDERED);
    }

    /// Calls the hook, if the loop rests and was not called yet. Any thread may call this after it
    /// has left something for the loop.
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
            // Outside of the lock: it is the user's code. This clone is dropped before the call
            // counts as returned, so the former callback is dropped by the thread that replaces it.
            let _returns = Returns(self);
            let callback = callback;
            callback();
        }
    }
}

/// Records that this thread has left a callback, by returning or by a panic.
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
    /// Sets a function to be called when this loop gets something to do while it is not running.
    /// With it the loop can live inside a foreign loop: that of a window system, a network library,
    /// an engine.
    ///
    /// The foreign loop calls [`run_once`](Self::run_once) with a timeout of zero. The hook makes
    /// it do so again: it writes to an `eventfd` or a pipe, sends a user event, or wakes a
    /// [`Waker`](std::task::Waker). The hook is called
    ///
    /// - at most once between two calls of `run_once` or [`run`](Self::run), however much arrives
    ///   meanwhile, and not for what such a call takes care of itself;
    /// - at the end of such a call, if it leaves something to do;
    /// - inside `set_wake_hook`, if there is something to do already.
    ///
    /// Setting a hook replaces the former one. A hook is no longer called once it is replaced or
    /// removed, or the loop is dropped. Each of these waits for a call that is under way on another
    /// thread; afterwards no part of the hook runs any more, and what it uses may be freed.
    ///
    /// # The hook
    ///
    /// The hook runs on any thread that posts, closes or drops a port or uses a handle, inside that
    /// call; or on the loop's own thread. It must not block, since that holds the call up. It must
    /// not wait for a thread that replaces it or drops the loop, for instance by a lock that such a
    /// thread holds. It must not panic, since the panic unwinds through the call. It cannot run the
    /// loop itself.
    ///
    /// To call a function of another language with its data, pass a closure that owns both; this
    /// takes a wrapper that justifies why the data may be sent and shared.
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

    /// Removes the hook, and waits for a call of it that is under way on another thread.
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
