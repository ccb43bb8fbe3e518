//! The posting half of a port.

use std::cell::Cell;
use std::fmt;
use std::marker::PhantomData;
use std::time::Duration;

use crate::archive::{self, Scratch};
use crate::error::{PostError, PostTimeoutError, TryPostError};
use crate::event::CloseEvent;
use crate::message::Message;
use crate::outgoing::{Outgoing, Refusal};
use crate::sync::CachePadded;
use crate::wait::Deadline;

/// The posting half of a [`MessagePort`](crate::MessagePort).
///
/// Send it to another thread than the [`Receiver`](crate::Receiver) with
/// [`MessagePort::into_split`](crate::MessagePort::into_split), or borrow both with
/// [`split_mut`](crate::MessagePort::split_mut). Inside a message handler it is what
/// [`MessageEvent::target`](crate::MessageEvent::target) gives.
///
/// `Send`, not `Sync`, not `Clone`: each direction has one producer.
///
/// # Examples
///
/// ```
/// use message_port::MessageChannel;
/// use std::thread;
///
/// let MessageChannel { port1, mut port2 } = MessageChannel::<u64>::new();
/// let (mut sender, mut receiver) = port1.into_split();
/// let poster = thread::spawn(move || (0..3).try_for_each(|n| sender.post_message(&n)));
/// for _ in 0..3 {
///     let reply = *port2.recv()? * 2;
///     port2.post_message(&reply)?;
/// }
/// poster.join().unwrap()?;
/// assert_eq!(*receiver.recv()?, 0);
/// assert_eq!(*receiver.recv()?, 2);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Sender<Out> {
    /// On cache lines of its own: the two ends of a channel may lie side by side.
    outgoing: CachePadded<Outgoing>,
    scratch: Scratch,
    /// Takes values and holds none.
    values: PhantomData<fn(&Out)>,
    not_sync: PhantomData<Cell<()>>,
}

impl<Out> Sender<Out> {
    pub(crate) fn new(outgoing: Outgoing) -> Self {
        Self {
            outgoing: CachePadded::new(outgoing),
            scratch: Scratch::default(),
            values: PhantomData,
            not_sync: PhantomData,
        }
    }

    /// Ends the channel for both ports; see [`MessagePort::close`](crate::MessagePort::close).
    ///
    /// # Examples
    ///
    /// ```
    /// use message_port::MessageChannel;
    ///
    /// let MessageChannel { port1, mut port2 } = MessageChannel::<u64>::new();
    /// let (mut sender, _receiver) = port1.into_split();
    /// sender.close();
    /// assert!(port2.recv().unwrap_err().is_closed());
    /// ```
    pub fn close(&mut self) {
        self.outgoing.link().close(self.outgoing.side());
    }

    /// Whether one of the ports called `close()`.
    ///
    /// # Examples
    ///
    /// ```
    /// use message_port::MessageChannel;
    ///
    /// let MessageChannel { mut port1, mut port2 } = MessageChannel::<u64>::new();
    /// let (sender, _receiver) = port1.split_mut();
    /// port2.close();
    /// assert!(sender.is_closed());
    /// ```
    pub fn is_closed(&self) -> bool {
        self.outgoing.link().state.ended().is_closed()
    }

    /// Whether the peer's receiving half was dropped, so that nobody will read what is posted.
    ///
    /// # Examples
    ///
    /// ```
    /// use message_port::MessageChannel;
    ///
    /// let MessageChannel { mut port1, port2 } = MessageChannel::<u64>::new();
    /// let (sender, _receiver) = port1.split_mut();
    /// drop(port2);
    /// assert!(sender.is_disconnected());
    /// ```
    pub fn is_disconnected(&self) -> bool {
        self.outgoing.is_disconnected()
    }

    /// Bytes of this direction's ring.
    ///
    /// # Examples
    ///
    /// ```
    /// use message_port::MessageChannel;
    ///
    /// let MessageChannel { mut port1, .. } = MessageChannel::<u64>::with_capacity(1000);
    /// let (sender, _) = port1.split_mut();
    /// assert_eq!(sender.capacity(), 1024);
    /// ```
    pub fn capacity(&self) -> usize {
        self.outgoing.capacity()
    }

    /// How the channel was closed, seen from this port, or `None` while it is open.
    ///
    /// What a whole port is told by its `close` event, for a half that has no events: who closed
    /// first, and how much of what was posted here the closer never read. The numbers are final.
    ///
    /// # Examples
    ///
    /// ```
    /// use message_port::{ClosedBy, MessageChannel};
    ///
    /// let MessageChannel { port1, mut port2 } = MessageChannel::<u64>::new();
    /// let (mut sender, _receiver) = port1.into_split();
    /// sender.post_message(&1)?;
    /// sender.post_message(&2)?;
    /// port2.recv()?;
    /// port2.close();
    /// let event = sender.close_event().unwrap();
    /// assert_eq!(event.closed_by(), ClosedBy::Peer);
    /// assert_eq!(event.undelivered_messages(), 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn close_event(&self) -> Option<CloseEvent> {
        CloseEvent::of(&self.outgoing)
    }
}

impl<Out: Message> Sender<Out> {
    /// Posts a message, waiting for room if there is none; see
    /// [`MessagePort::post_message`](crate::MessagePort::post_message).
    ///
    /// # Errors
    ///
    /// Those of [`PostError`].
    ///
    /// # Examples
    ///
    /// ```
    /// use message_port::MessageChannel;
    ///
    /// let MessageChannel { mut port1, mut port2 } = MessageChannel::<u64>::new();
    /// port1.split_mut().0.post_message(&7)?;
    /// assert_eq!(*port2.recv()?, 7);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[inline(always)]
    pub fn post_message(&mut self, message: &Out) -> Result<(), PostError> {
        self.post(message, Deadline::Never).map_err(|refusal| match refusal {
            Refusal::TimedOut => unreachable!("a post without a deadline timed out"),
            Refusal::Closed => PostError::Closed,
            Refusal::Disconnected => PostError::Disconnected,
            Refusal::TooLarge { needed, max } => PostError::TooLarge { needed, max },
            Refusal::DataClone(error) => PostError::DataClone(error),
        })
    }

    /// Posts a message if there is room now; see
    /// [`MessagePort::try_post_message`](crate::MessagePort::try_post_message).
    ///
    /// # Errors
    ///
    /// Those of [`TryPostError`].
    ///
    /// # Examples
    ///
    /// ```
    /// use message_port::MessageChannel;
    ///
    /// let MessageChannel { mut port1, mut port2 } = MessageChannel::<u64>::new();
    /// port1.split_mut().0.try_post_message(&7)?;
    /// assert_eq!(*port2.recv()?, 7);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[inline(always)]
    pub fn try_post_message(&mut self, message: &Out) -> Result<(), TryPostError> {
        self.post(message, Deadline::Now).map_err(|refusal| match refusal {
            Refusal::TimedOut => TryPostError::Full,
            Refusal::Closed => TryPostError::Closed,
            Refusal::Disconnected => TryPostError::Disconnected,
            Refusal::TooLarge { needed, max } => TryPostError::TooLarge { needed, max },
            Refusal::DataClone(error) => TryPostError::DataClone(error),
        })
    }

    /// Posts a message, waiting for room at most `timeout`; see
    /// [`MessagePort::post_message_timeout`](crate::MessagePort::post_message_timeout).
    ///
    /// # Errors
    ///
    /// Those of [`PostTimeoutError`].
    ///
    /// # Examples
    ///
    /// ```
    /// use message_port::MessageChannel;
    /// use std::time::Duration;
    ///
    /// let MessageChannel { mut port1, mut port2 } = MessageChannel::<u64>::new();
    /// port1.split_mut().0.post_message_timeout(&7, Duration::from_secs(1))?;
    /// assert_eq!(*port2.recv()?, 7);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[inline(always)]
    pub fn post_message_timeout(
        &mut self,
        message: &Out,
        timeout: Duration,
    ) -> Result<(), PostTimeoutError> {
        self.post(message, Deadline::Within(timeout)).map_err(|refusal| match refusal {
            Refusal::TimedOut => PostTimeoutError::Timeout,
            Refusal::Closed => PostTimeoutError::Closed,
            Refusal::Disconnected => PostTimeoutError::Disconnected,
            Refusal::TooLarge { needed, max } => PostTimeoutError::TooLarge { needed, max },
            Refusal::DataClone(error) => PostTimeoutError::DataClone(error),
        })
    }

    #[inline(always)]
    fn post(&mut self, message: &Out, deadline: Deadline) -> Result<(), Refusal> {
        let scratch = &mut self.scratch;
        self.outgoing.post(archive::length::<Out>(), deadline, |place| {
            archive::write(message, place, scratch)
        })
    }
}

impl<Out> fmt::Debug for Sender<Out> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sender")
            .field("capacity", &self.capacity())
            .field("closed", &self.is_closed())
            .field("disconnected", &self.is_disconnected())
            .finish()
    }
}
