//! Many ports on one thread.

#![allow(clippy::disallowed_types, reason = "`std::task::Wake` asks for the standard `Arc`")]

mod handle;

pub use handle::LoopHandle;
use handle::{Bell, Flag, Shared};

use std::any::Any;
use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::task::Waker;
use std::time::{Duration, Instant};

use crate::error::DispatchError;
use crate::message::Message;
use crate::port::{LoopPort, MessagePort, Step};
use crate::sync::{Parker, SegQueue};

/// Messages of one port that are dispatched before it is the next one's turn.
const MESSAGES_PER_TURN: usize = 64;

/// Names a port inside its [`EventLoop`].
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

/// Dispatches the events of many ports on one thread: the web's event loop.
///
/// Ports are moved in with their handlers. A port that has something to dispatch enters a queue,
/// so ports with nothing to say cost nothing per turn, however many there are. The queue is served
/// in turns of a limited number of messages per port, so that no port starves the others. A port
/// whose channel has ended and that has nothing left to dispatch leaves the loop and is dropped.
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
    ports: HashMap<PortId, Entry>,
    shared: Arc<Shared>,
    parker: Parker,
    next_id: u64,
}

struct Entry {
    port: Box<dyn LoopPort>,
    waker: Waker,
}

/// What a handler of one of many ports failed with and no handler took care of.
///
/// # Examples
///
/// ```
/// use message_port::{EventLoop, MessageChannel};
///
/// let MessageChannel { mut port1, mut port2 } = MessageChannel::<u64>::new();
/// port2.set_onmessage(|_| Err("not today"));
/// let mut events = EventLoop::new();
/// let id = events.add(port2);
/// port1.post_message(&7)?;
/// let error = events.run_once(None).unwrap_err();
/// assert_eq!(error.port(), id);
/// assert_eq!(error.to_string(), "the message handler failed: not today");
/// # Ok::<(), message_port::PostError>(())
/// ```
#[derive(Debug, thiserror::Error)]
#[error("{error}")]
pub struct EventLoopError {
    port: PortId,
    #[source]
    error: DispatchError,
}

impl EventLoopError {
    /// The port whose handler failed. It is still in the loop.
    ///
    /// # Examples
    ///
    /// See [`EventLoopError`].
    pub fn port(&self) -> PortId {
        self.port
    }

    /// What it failed with.
    ///
    /// # Examples
    ///
    /// ```
    /// use message_port::{DispatchError, EventLoop, MessageChannel};
    ///
    /// let MessageChannel { mut port1, mut port2 } = MessageChannel::<u64>::new();
    /// port2.set_onmessage(|_| Err("not today"));
    /// let mut events = EventLoop::new();
    /// events.add(port2);
    /// port1.post_message(&7)?;
    /// let error = events.run_once(None).unwrap_err();
    /// assert!(matches!(error.into_inner(), DispatchError::Message(_)));
    /// # Ok::<(), message_port::PostError>(())
    /// ```
    pub fn into_inner(self) -> DispatchError {
        self.error
    }
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
        let shared = Arc::new(Shared {
            ready: SegQueue::new(),
            arrivals: SegQueue::new(),
            stopped: Flag::new(),
            woken: Flag::new(),
            unparker: parker.unparker().clone(),
        });
        Self { ports: HashMap::new(), shared, parker, next_id: 0 }
    }

    /// Moves a port into the loop. What waits in it is dispatched with the next turn.
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
        self.insert(Box::new(port))
    }

    fn insert(&mut self, port: Box<dyn LoopPort>) -> PortId {
        let id = PortId(self.next_id);
        self.next_id += 1;
        let shared = Arc::clone(&self.shared);
        let waker = Waker::from(Arc::new(Bell { id, shared }));
        waker.wake_by_ref();
        self.ports.insert(id, Entry { port, waker });
        id
    }

    /// Moves a port out of the loop again; `None` if it is not there, or of other types.
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
        self.port_mut::<Out, In>(id)?;
        let mut entry = self.ports.remove(&id)?;
        entry.port.forget_task();
        let port: Box<dyn Any> = entry.port;
        port.downcast().ok().map(|port| *port)
    }

    /// Borrows a port, to post on it or to change its handlers; `None` if it is not there, or of
    /// other types.
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
        let entry = self.ports.get_mut(&id)?;
        // It may get a handler now for what waits in it.
        entry.waker.wake_by_ref();
        let port: &mut dyn Any = &mut *entry.port;
        port.downcast_mut()
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
        self.ports.len() + self.shared.arrivals.len()
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

    /// A handle to stop and wake this loop from elsewhere, and to add ports to it.
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

    /// Dispatches events until the loop is [stopped](LoopHandle::stop) or has no port left. Blocks
    /// while there is nothing to dispatch.
    ///
    /// # Errors
    ///
    /// Fails with what a handler failed with and nobody handled, and at which port; calling `run`
    /// again goes on.
    ///
    /// # Panics
    ///
    /// Goes on unwinding if a `messageerror` or `close` handler panics; the loop is usable.
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
        // A stop that comes while nobody runs is for the next run.
        while !self.shared.stopped.lower() {
            self.turn()?;
            if self.is_empty() {
                break;
            }
            if self.shared.ready.is_empty() && !self.shared.stopped.is_up() {
                self.parker.park();
            }
        }
        Ok(())
    }

    /// Waits until there is something to dispatch, gives each port that has something one turn,
    /// and returns how many events were dispatched. Returns at once if there are no ports, and
    /// when it was [woken](LoopHandle::wake) or [stopped](LoopHandle::stop). Blocks at most
    /// `timeout`, or as long as it takes.
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
        let deadline = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
        loop {
            let dispatched = self.turn()?;
            let called = self.shared.woken.lower() | self.shared.stopped.lower();
            if dispatched > 0 || called || self.is_empty() {
                return Ok(dispatched);
            }
            match deadline {
                _ if !self.shared.ready.is_empty() => {}
                Some(deadline) if Instant::now() >= deadline => return Ok(0),
                Some(deadline) => self.parker.park_deadline(deadline),
                None => self.parker.park(),
            }
        }
    }

    /// Gives each port that is ready now one turn.
    fn turn(&mut self) -> Result<usize, EventLoopError> {
        while let Some(port) = self.shared.arrivals.pop() {
            self.insert(port);
        }
        let mut dispatched = 0;
        // Ports that ring meanwhile have their turn after this one.
        for _ in 0..self.shared.ready.len() {
            let Some(id) = self.shared.ready.pop() else { break };
            dispatched += self.serve(id)?;
        }
        Ok(dispatched)
    }

    /// Gives one port a turn.
    fn serve(&mut self, id: PortId) -> Result<usize, EventLoopError> {
        let Some(Entry { port, waker }) = self.ports.get_mut(&id) else { return Ok(0) };
        // Should a handler unwind or fail, the port goes on with its next turn.
        let next_turn = WakeOnDrop(waker);
        let (dispatched, step) = port
            .dispatch_some(MESSAGES_PER_TURN)
            .map_err(|error| EventLoopError { port: id, error })?;
        let has_news = match step {
            Step::More => true,
            Step::Idle => port.wake_for_news(waker),
            Step::Stuck => port.wake_for_end(waker),
            Step::Ended => {
                std::mem::forget(next_turn);
                self.ports.remove(&id);
                return Ok(dispatched);
            }
            // Messages are left that only a handler set from outside could take.
            Step::EndedStuck => false,
        };
        if !has_news {
            std::mem::forget(next_turn);
        }
        Ok(dispatched)
    }
}

struct WakeOnDrop<'a>(&'a Waker);

impl Drop for WakeOnDrop<'_> {
    fn drop(&mut self) {
        self.0.wake_by_ref();
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
            .field("ready", &self.shared.ready.len())
            .finish_non_exhaustive()
    }
}
