//! Access to an event loop from elsewhere.

use std::fmt;
use std::sync::Arc;

use super::PortId;
use super::shared::Shared;
use crate::archive::Message;
use crate::port::MessagePort;

/// Stops or wakes an [`EventLoop`](crate::EventLoop) from another thread or from a handler, and
/// adds ports to it. It does not keep the loop or its ports alive.
///
/// # Examples
///
/// ```
/// use message_port::{EventLoop, MessageChannel};
///
/// let mut events = EventLoop::new();
/// let handle = events.handle();
/// let MessageChannel { port1: mut requests, port2: mut server } = MessageChannel::<u64>::new();
/// server.set_onmessage(move |_| {
///     let MessageChannel { port1: _, port2: worker } = MessageChannel::<u64>::new();
///     handle.add(worker); // a handler may add ports
///     handle.stop();
/// });
/// events.add(server);
/// requests.post_message(&7)?;
/// events.run()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct LoopHandle(pub(super) Arc<Shared>);

impl LoopHandle {
    /// Makes [`EventLoop::run`](crate::EventLoop::run) return after its current turn or, if it is
    /// not running, at once when it is called next. The ports stay in the loop, and undispatched
    /// events wait in them.
    ///
    /// # Examples
    ///
    /// ```
    /// use message_port::{EventLoop, MessageChannel};
    ///
    /// let MessageChannel { port1, port2: _peer } = MessageChannel::<u64>::new();
    /// let mut events = EventLoop::new();
    /// events.add(port1);
    /// let handle = events.handle();
    /// let stopper = std::thread::spawn(move || handle.stop());
    /// events.run()?;
    /// stopper.join().unwrap();
    /// # Ok::<(), message_port::EventLoopError>(())
    /// ```
    pub fn stop(&self) {
        self.0.stopped.raise();
        self.0.call();
    }

    /// Makes [`EventLoop::run_once`](crate::EventLoop::run_once) return: the call that waits, or
    /// else the next one.
    ///
    /// # Examples
    ///
    /// ```
    /// use message_port::{EventLoop, MessageChannel};
    ///
    /// let MessageChannel { port1, port2: _peer } = MessageChannel::<u64>::new();
    /// let mut events = EventLoop::new();
    /// events.add(port1);
    /// events.handle().wake();
    /// assert_eq!(events.run_once(None)?, 0);
    /// # Ok::<(), message_port::EventLoopError>(())
    /// ```
    pub fn wake(&self) {
        self.0.woken.raise();
        self.0.call();
    }

    /// Adds a port, from any thread or handler. It takes part from the loop's next turn on. If the
    /// loop is gone, the port is dropped, like those of the loop, and its peer disconnected.
    ///
    /// # Examples
    ///
    /// ```
    /// use message_port::{EventLoop, MessageChannel};
    ///
    /// let MessageChannel { mut port1, mut port2 } = MessageChannel::<u64>::new();
    /// port2.set_onmessage(|event| println!("{}", event.data()));
    /// port1.post_message(&7)?;
    /// let mut events = EventLoop::new();
    /// events.handle().add(port2);
    /// assert_eq!(events.run_once(None)?, 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn add<Out, In>(&self, port: MessagePort<Out, In>) -> PortId
    where
        Out: Message + 'static,
        In: Message + 'static,
    {
        self.0.leave(Box::new(port))
    }
}

impl LoopHandle {
    /// Keeps the loop waiting for ports: while the guard lives, [`run`] and [`run_once`] do not
    /// return for lack of ports. [`stop`](Self::stop) still ends a run.
    ///
    /// After the last guard is dropped, the loop runs on until its ports have ended, including
    /// every port [added](Self::add) before that drop.
    ///
    /// [`run`]: crate::EventLoop::run
    /// [`run_once`]: crate::EventLoop::run_once
    ///
    /// # Examples
    ///
    /// A server that starts without clients:
    ///
    /// ```
    /// use message_port::{EventLoop, MessageChannel};
    /// use std::thread;
    ///
    /// let mut events = EventLoop::new();
    /// let handle = events.handle();
    /// let accepting = handle.keep_running();
    /// let acceptor = thread::spawn(move || {
    ///     let MessageChannel { mut port1, mut port2 } = MessageChannel::<u64>::new();
    ///     port2.set_onmessage(|event| {
    ///         let next = event.data().to_native() + 1;
    ///         event.target().try_post_message(&next)
    ///     });
    ///     handle.add(port2);
    ///     port1.post_message(&7)?;
    ///     assert_eq!(*port1.recv()?, 8);
    ///     drop(accepting); // no more clients
    ///     Ok::<_, Box<dyn std::error::Error + Send + Sync>>(())
    /// });
    /// events.run()?;
    /// acceptor.join().unwrap().unwrap();
    /// # Ok::<(), message_port::EventLoopError>(())
    /// ```
    #[must_use = "the loop is kept running as long as the guard lives"]
    pub fn keep_running(&self) -> KeepRunning {
        self.0.keep_running();
        KeepRunning(Arc::clone(&self.0))
    }
}

/// Keeps an [`EventLoop`](crate::EventLoop) running while it has no ports; see
/// [`LoopHandle::keep_running`]. It does not keep the loop itself alive.
///
/// # Examples
///
/// ```
/// use message_port::EventLoop;
///
/// let mut events = EventLoop::new();
/// let guard = events.handle().keep_running();
/// let other = std::thread::spawn(move || drop(guard));
/// events.run()?; // until the guard is gone
/// other.join().unwrap();
/// # Ok::<(), message_port::EventLoopError>(())
/// ```
pub struct KeepRunning(Arc<Shared>);

impl Drop for KeepRunning {
    fn drop(&mut self) {
        self.0.let_end();
    }
}

impl fmt::Debug for KeepRunning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeepRunning").finish_non_exhaustive()
    }
}

impl fmt::Debug for LoopHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LoopHandle").finish_non_exhaustive()
    }
}
