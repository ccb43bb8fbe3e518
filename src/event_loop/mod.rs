//! Many ports on one thread.

#![allow(clippy::disallowed_types, reason = "`std::task::Wake` asks for the standard `Arc`")]

pub(crate) mod bell;
mod error;
mod handle;
mod hook;
pub(crate) mod queue;
mod shared;
mod turn;

pub use error::EventLoopError;
pub use handle::{KeepRunning, LoopHandle};

use std::any::Any;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::task::Wake;
use std::time::{Duration, Instant};

use crate::archive::Message;
use crate::link::wait::{HAS_CLOCK, park};
use crate::port::MessagePort;
use crate::sync::IS_ALONE;
use crate::sync::{Parker, spin_loop, unique_name};
use queue::Queue;
use shared::Shared;
use turn::{Awake, Entry};

/// Names a port inside its [`EventLoop`]. A name is never reused, and means nothing in another
/// loop.
///
/// # Examples
///
/// ```
/// use message_port::{EventLoop, MessageChannel};
///
/// let MessageChannel { port1, port2: _peer } = MessageChannel::<u64>::new();
/// let mut events = EventLoop::new();
/// let id = events.add(port1);
/// assert!(events.remove::<u64, u64>(id).is_some());
/// assert!(events.remove::<u64, u64>(id).is_none());
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct PortId(u64);

impl PortId {
    /// A name that no other port has had or will have.
    pub(crate) fn unique() -> Self {
        Self(unique_name())
    }
}

/// Dispatches the events of many ports on one thread: the web's event loop.
///
/// Ports are moved in with their handlers, directly or through a [`LoopHandle`]. The loop calls the
/// handlers on the thread that [runs](Self::run) it. Source: HTML, "event loop processing model".
///
/// # When to use it
///
/// Use it for many channels that are mostly quiet, or for a few that belong to one thread anyway. A
/// single port has less overhead with [`MessagePort::run`], and a task runs its port with
/// [`run_async`](MessagePort::run_async). To run the loop inside another one, that of a window
/// system, an engine or a runtime, see [`set_wake_hook`](Self::set_wake_hook).
///
/// # Turns
///
/// A port that gets something to dispatch enters a queue, once. A turn serves each port that was in
/// the queue when the turn began, in queue order, up to 64 messages each; a port with more goes
/// back to the end. So a flooded port delays the others by no more than that. Messages stay in
/// order within a port, not between two.
///
/// A port leaves the loop and is dropped when its channel has ended and it has nothing left to
/// dispatch, after its `close` event if it has a handler for that. A port with messages that wait
/// for a handler stays, before and after the end of its channel; [`port_mut`](Self::port_mut) lets
/// you set one.
///
/// # Cost
///
/// A quiet port costs nothing per turn, however many there are. A port that runs out of messages
/// pays for going to sleep (a system call, where there is `membarrier`), and the next post pays for
/// waking it. Nothing is allocated per message.
///
/// # Failures
///
/// A message whose handler fails or panics becomes a `messageerror` at its port. If nobody handles
/// that, the call that runs the loop returns it, with the port's [name](EventLoopError::port). The
/// port stays in the loop. The next call goes on with the other ports that were ready, and then
/// with this one.
///
/// # Waiting handlers
///
/// A handler that waits holds up all ports of the loop. It waits for ever, without a
/// `WouldDeadlock`, if it waits for what only another port of this loop could do: for example, if
/// [`post_message`](MessagePort::post_message) waits for room at a peer that lives here too. Inside
/// a loop use [`try_post_message`](MessagePort::try_post_message), or keep the two ends of a
/// channel in two loops.
///
/// # The end
///
/// Dropping the loop drops its ports and disconnects their peers.
///
/// # Examples
///
/// ```
/// use message_port::{EventLoop, MessageChannel};
///
/// let mut events = EventLoop::new();
/// let mut peers = Vec::new();
/// for _ in 0..3 {
///     let MessageChannel { port1, mut port2 } = MessageChannel::<u64>::new();
///     port2.set_onmessage(|event| {
///         let doubled = event.data().to_native() * 2;
///         event.target().post_message(&doubled)
///     });
///     events.add(port2);
///     peers.push(port1);
/// }
/// for (n, peer) in (0..).zip(&mut peers) {
///     peer.post_message(&n)?;
/// }
/// assert_eq!(events.run_once(None)?, 3);
/// assert_eq!(*peers[2].recv()?, 4);
///
/// drop(peers); // every port has ended, so the loop comes to an end
/// events.run()?;
/// assert!(events.is_empty());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct EventLoop {
    /// Ordered, so that ports are dropped in the order in which they came, even if one panics.
    ports: BTreeMap<PortId, Entry>,
    queue: Queue<Shared>,
    /// How many of them have ended and wait for a handler that can only be set from outside.
    over: usize,
    shared: Arc<Shared>,
    parker: Parker,
}

impl EventLoop {
    /// Makes a loop without ports.
    ///
    /// # Examples
    ///
    /// ```
    /// use message_port::EventLoop;
    ///
    /// assert!(EventLoop::new().is_empty());
    /// ```
    pub fn new() -> Self {
        let parker = Parker::new();
        let shared = Shared::new(parker.unparker().clone());
        Self { ports: BTreeMap::new(), queue: Queue::new(), over: 0, shared, parker }
    }

    /// Moves a port into the loop. Waiting messages are dispatched with the next turn.
    ///
    /// # Examples
    ///
    /// ```
    /// use message_port::{EventLoop, MessageChannel};
    ///
    /// let MessageChannel { port1, port2: _peer } = MessageChannel::<u64>::new();
    /// let mut events = EventLoop::new();
    /// events.add(port1);
    /// assert_eq!(events.len(), 1);
    /// ```
    pub fn add<Out, In>(&mut self, port: MessagePort<Out, In>) -> PortId
    where
        Out: Message + 'static,
        In: Message + 'static,
    {
        let id = PortId::unique();
        self.admit(id, Box::new(port));
        id
    }

    /// Moves a port out of the loop again, with its handlers and waiting messages; `None` if it is
    /// not there, or has other types.
    ///
    /// # Examples
    ///
    /// ```
    /// use message_port::{EventLoop, MessageChannel};
    ///
    /// let MessageChannel { port1, port2: _peer } = MessageChannel::<u64>::new();
    /// let mut events = EventLoop::new();
    /// let id = events.add(port1);
    /// let port1 = events.remove::<u64, u64>(id).unwrap();
    /// assert!(!port1.is_closed());
    /// ```
    pub fn remove<Out, In>(&mut self, id: PortId) -> Option<MessagePort<Out, In>>
    where
        Out: Message + 'static,
        In: Message + 'static,
    {
        self.admit_arrivals();
        let port: &dyn Any = &*self.ports.get(&id)?.port;
        if !port.is::<MessagePort<Out, In>>() {
            return None;
        }
        let mut port = self.dismiss(id)?;
        port.forget_task();
        let port: Box<dyn Any> = port;
        port.downcast().ok().map(|port| *port)
    }

    /// Borrows a port, to post on it or to change its handlers; `None` if it is not there, or has
    /// other types. The port then gets a turn, since it may now have a handler for waiting
    /// messages.
    ///
    /// # Examples
    ///
    /// ```
    /// use message_port::{EventLoop, MessageChannel};
    ///
    /// let MessageChannel { port1, port2: mut peer } = MessageChannel::<u64>::new();
    /// let mut events = EventLoop::new();
    /// let id = events.add(port1);
    /// events.port_mut::<u64, u64>(id).unwrap().post_message(&7)?;
    /// assert_eq!(*peer.recv()?, 7);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn port_mut<Out, In>(&mut self, id: PortId) -> Option<&mut MessagePort<Out, In>>
    where
        Out: Message + 'static,
        In: Message + 'static,
    {
        self.admit_arrivals();
        let entry = self.ports.get_mut(&id)?;
        let port: &mut dyn Any = &mut *entry.port;
        let port = port.downcast_mut()?;
        self.over -= usize::from(std::mem::take(&mut entry.is_over));
        entry.bell.wake_by_ref();
        Some(port)
    }

    /// Ports in the loop.
    ///
    /// # Examples
    ///
    /// ```
    /// use message_port::EventLoop;
    ///
    /// assert_eq!(EventLoop::new().len(), 0);
    /// ```
    pub fn len(&self) -> usize {
        self.ports.len() + self.shared.arrivals()
    }

    /// Whether no port is in the loop.
    ///
    /// # Examples
    ///
    /// ```
    /// use message_port::EventLoop;
    ///
    /// assert!(EventLoop::new().is_empty());
    /// ```
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns a handle to stop or wake this loop from elsewhere, and to add ports to it.
    ///
    /// # Examples
    ///
    /// ```
    /// use message_port::EventLoop;
    ///
    /// let mut events = EventLoop::new();
    /// events.handle().stop();
    /// events.run()?;
    /// # Ok::<(), message_port::EventLoopError>(())
    /// ```
    pub fn handle(&self) -> LoopHandle {
        LoopHandle(Arc::clone(&self.shared))
    }

    /// Dispatches events until the loop is [stopped](LoopHandle::stop) or no port can have anything
    /// to dispatch any more. A port whose channel has ended while messages wait for a handler stays
    /// in the loop, but does not keep it running. Blocks while there is nothing to dispatch.
    ///
    /// So an empty loop returns at once. A server that gets its ports through a [`LoopHandle`]
    /// while it runs needs a guard: [`LoopHandle::keep_running`].
    ///
    /// # Errors
    ///
    /// Fails with a failure that no handler took care of, and names its port; calling `run` again
    /// goes on. A stop that came meanwhile is kept for that call.
    ///
    /// # Panics
    ///
    /// As [`MessagePort::dispatch`] of a port, or if something that a handler owns panics in its drop
    /// when the port leaves. The panic unwinds through this call, and the loop stays
    /// usable. Also if the call would wait for ever [because there is no other
    /// thread](crate::WaitStrategy#where-there-is-no-other-thread).
    ///
    /// # Examples
    ///
    /// ```
    /// use message_port::{EventLoop, MessageChannel};
    ///
    /// let MessageChannel { mut port1, mut port2 } = MessageChannel::<u64>::new();
    /// port2.set_onmessage(|event| println!("{}", event.data()));
    /// let mut events = EventLoop::new();
    /// events.add(port2);
    /// port1.post_message(&7)?;
    /// port1.close();
    /// events.run()?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn run(&mut self) -> Result<(), EventLoopError> {
        let _awake = Awake::new(&self.shared);
        // A stop that comes while the loop is not running is for the next run.
        while !self.shared.stopped.lower() {
            let dispatched = self.turn()?;
            if self.is_over() {
                // A stop that came meanwhile was for this run, not for the next one.
                self.shared.stopped.lower();
                break;
            }
            if self.shared.is_any_ready() || self.shared.stopped.is_up() {
                self.let_others_on(dispatched);
            } else if !self.has_left_something(dispatched) {
                park(&self.parker, None);
            }
        }
        Ok(())
    }

    /// Waits until there is something to dispatch, gives each ready port one turn, and returns the
    /// number of events dispatched.
    ///
    /// Blocks at most `timeout` (any `Duration` will do), or without limit if there is none. A
    /// timeout of zero does not block, but still gives each ready port its turn. Also returns at
    /// once
    ///
    /// - when it is [woken](LoopHandle::wake) or [stopped](LoopHandle::stop), or was since the last
    ///   call;
    /// - when no port can have anything to dispatch any more, unless a guard [keeps it
    ///   running](LoopHandle::keep_running).
    ///
    /// # Errors
    ///
    /// As [`run`](Self::run).
    ///
    /// # Panics
    ///
    /// As [`run`](Self::run).
    ///
    /// # Examples
    ///
    /// ```
    /// use message_port::{EventLoop, MessageChannel};
    /// use std::time::Duration;
    ///
    /// let MessageChannel { port1, port2: _silent } = MessageChannel::<u64>::new();
    /// let mut events = EventLoop::new();
    /// events.add(port1);
    /// assert_eq!(events.run_once(Some(Duration::from_millis(1)))?, 0);
    /// # Ok::<(), message_port::EventLoopError>(())
    /// ```
    pub fn run_once(&mut self, timeout: Option<Duration>) -> Result<usize, EventLoopError> {
        let waits = timeout.is_none_or(|timeout| HAS_CLOCK && !timeout.is_zero());
        let timeout = timeout.filter(|_| waits);
        // A deadline that the clock cannot express never comes.
        let deadline = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
        let _awake = Awake::new(&self.shared);
        loop {
            let dispatched = self.turn()?;
            let called = self.shared.woken.lower() | self.shared.stopped.lower();
            if dispatched > 0 || called || self.is_over() {
                return Ok(dispatched);
            }
            if !waits || deadline.is_some_and(|deadline| Instant::now() >= deadline) {
                return Ok(0);
            }
            match deadline {
                _ if self.shared.is_any_ready() => self.let_others_on(dispatched),
                _ if self.has_left_something(0) => {}
                deadline => park(&self.parker, deadline),
            }
        }
    }

    /// For targets on which no other thread can have called the loop: whether the turn itself may
    /// have left something for the next one. Elsewhere the parker knows that, and cannot be asked.
    fn has_left_something(&self, dispatched: usize) -> bool {
        IS_ALONE && (dispatched > 0 || self.shared.arrivals() > 0)
    }

    /// A port that is ready and has nothing is just being woken by a thread that must be allowed to
    /// run.
    fn let_others_on(&self, dispatched: usize) {
        if dispatched == 0 && self.shared.is_any_ready() {
            spin_loop();
        }
    }
}

impl Drop for EventLoop {
    fn drop(&mut self) {
        self.shared.end();
    }
}

impl Default for EventLoop {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for EventLoop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EventLoop")
            .field("ports", &self.ports.len())
            .field("ready", &self.shared.is_any_ready())
            .finish_non_exhaustive()
    }
}
