//! What is seen of an event loop from elsewhere: by its ports when they wake, and by handles.

use std::fmt;
use std::sync::Arc;
use std::task::Wake;

use super::PortId;
use crate::message::Message;
use crate::port::{LoopPort, MessagePort};
use crate::sync::order::UNORDERED;
use crate::sync::{AtomicU32, SegQueue, Unparker};

/// What a waking port and a [`LoopHandle`] see of the loop.
pub(super) struct Shared {
    /// Ports that may have something to dispatch.
    pub(super) ready: SegQueue<PortId>,
    /// Ports that handles have added and the loop has not seen yet.
    pub(super) arrivals: SegQueue<Box<dyn LoopPort>>,
    pub(super) stopped: Flag,
    pub(super) woken: Flag,
    pub(super) unparker: Unparker,
}

/// A call to the loop. Unordered: the parker's token, which follows it, orders it for a loop that
/// sleeps, and one that does not looks again soon.
pub(super) struct Flag(AtomicU32);

impl Flag {
    pub(super) fn new() -> Self {
        Self(AtomicU32::new(0))
    }

    pub(super) fn raise(&self) {
        self.0.store(1, UNORDERED);
    }

    pub(super) fn is_up(&self) -> bool {
        self.0.load(UNORDERED) != 0
    }

    pub(super) fn lower(&self) -> bool {
        self.0.swap(0, UNORDERED) != 0
    }
}

/// Puts one port into the queue when it is woken. A port that waits is woken once, so it is not
/// in the queue more than once for that.
pub(super) struct Bell {
    pub(super) id: PortId,
    pub(super) shared: Arc<Shared>,
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.shared.ready.push(self.id);
        self.shared.unparker.unpark();
    }
}

/// Stops or wakes an [`EventLoop`](crate::EventLoop) from another thread or from a handler, and adds ports to it.
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
    /// Has [`EventLoop::run`](crate::EventLoop::run) return after the turn it is in, or at once if it is not running.
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
        self.0.unparker.unpark();
    }

    /// Has a waiting [`EventLoop::run_once`](crate::EventLoop::run_once) return.
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
        self.0.unparker.unpark();
    }

    /// Adds a port, from whatever thread or handler. It takes part from the loop's next turn on.
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
    pub fn add<Out, In>(&self, port: MessagePort<Out, In>)
    where
        Out: Message + 'static,
        In: Message + 'static,
    {
        self.0.arrivals.push(Box::new(port));
        self.0.unparker.unpark();
    }
}

impl fmt::Debug for LoopHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LoopHandle").finish_non_exhaustive()
    }
}
