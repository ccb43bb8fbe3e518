//! The port: both halves and the handlers.

mod answering;
mod borrowed;
mod builder;
mod channel;
mod ended;
mod event;
mod events;
mod flow;
mod handlers;
mod looping;
mod owned;
#[cfg(feature = "stats")]
mod stats;
mod tasks;
mod transfer;

pub(crate) use looping::{LoopPort, Step};

pub use answering::ReceivedEvent;
pub use builder::Builder;
pub(crate) use builder::DEFAULT_CAPACITY;
pub use channel::MessageChannel;
pub use event::{Handled, HandlerResult, MessageErrorEvent, MessageEvent};

use std::fmt;

use crate::half::{Receiver, Sender};
use crate::port::handlers::Handlers;

/// One end of a [`MessageChannel`]: posts `Out`s, receives `In`s.
///
/// `Send`, not `Sync`, not `Clone`: move it to the thread that uses it. Dropping a port does not
/// close the channel: the peer drains what was posted and then finds the channel disconnected,
/// without a `close` event. Source: Workers ("not emitted when one of the ports is garbage
/// collected").
///
/// # Examples
///
/// ```
/// use message_port::MessageChannel;
///
/// let MessageChannel { mut port1, mut port2 } = MessageChannel::<u64>::new();
/// port1.post_message(&7)?;
/// assert_eq!(*port2.recv()?, 7);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct MessagePort<Out, In = Out> {
    sender: Sender<Out>,
    receiver: Receiver<In>,
    handlers: Handlers<In, Out>,
}

impl<Out, In> MessagePort<Out, In> {
    pub(crate) fn new(sender: Sender<Out>, receiver: Receiver<In>) -> Self {
        Self { sender, receiver, handlers: Handlers::new() }
    }

    /// Ends the channel for both ports.
    ///
    /// The peer still receives what this port posted before; then its `close` event is due. This
    /// port receives nothing more: messages that had arrived are discarded, and its own `close`
    /// event is dispatched on its next turn. Closing again is a no-op. Never waits.
    ///
    /// # Examples
    ///
    /// ```
    /// use message_port::MessageChannel;
    ///
    /// let MessageChannel { mut port1, mut port2 } = MessageChannel::<u64>::new();
    /// port1.post_message(&7)?;
    /// port1.close();
    /// assert_eq!(*port2.recv()?, 7);
    /// assert!(port2.recv().unwrap_err().is_closed());
    /// assert!(port2.post_message(&7).unwrap_err().is_closed());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn close(&mut self) {
        self.sender.close();
    }

    /// Whether one of the ports called `close()`.
    ///
    /// # Examples
    ///
    /// ```
    /// use message_port::MessageChannel;
    ///
    /// let MessageChannel { mut port1, port2 } = MessageChannel::<u64>::new();
    /// assert!(!port2.is_closed());
    /// port1.close();
    /// assert!(port2.is_closed());
    /// ```
    pub fn is_closed(&self) -> bool {
        self.sender.is_closed()
    }

    /// Whether the peer was dropped (both halves of it, if it was split).
    ///
    /// # Examples
    ///
    /// ```
    /// use message_port::MessageChannel;
    ///
    /// let MessageChannel { port1, port2 } = MessageChannel::<u64>::new();
    /// assert!(!port1.is_disconnected());
    /// drop(port2);
    /// assert!(port1.is_disconnected());
    /// ```
    pub fn is_disconnected(&self) -> bool {
        self.sender.is_disconnected() && self.receiver.is_disconnected()
    }

    /// Bytes of the ring that this port posts into; if the direction is
    /// [growable](crate::Builder::growable), of each of its segments.
    ///
    /// # Examples
    ///
    /// ```
    /// use message_port::MessageChannel;
    ///
    /// let channel = MessageChannel::<u64>::with_capacity(4096);
    /// assert_eq!(channel.port1.capacity(), 4096);
    /// ```
    pub fn capacity(&self) -> usize {
        self.sender.capacity()
    }

    /// Messages waiting to be received here.
    ///
    /// Exact for messages posted before this call. Zero at a port that closed.
    ///
    /// # Examples
    ///
    /// ```
    /// use message_port::MessageChannel;
    ///
    /// let MessageChannel { mut port1, port2 } = MessageChannel::<u64>::new();
    /// port1.post_message(&7)?;
    /// assert_eq!((port1.len(), port2.len()), (0, 1));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn len(&self) -> usize {
        self.receiver.len()
    }

    /// Whether no message is waiting to be received here.
    ///
    /// # Examples
    ///
    /// ```
    /// use message_port::MessageChannel;
    ///
    /// let channel = MessageChannel::<u64>::new();
    /// assert!(channel.port1.is_empty());
    /// ```
    pub fn is_empty(&self) -> bool {
        self.receiver.is_empty()
    }

    /// Borrows the two halves, to post and receive at the same time or on two scoped threads.
    ///
    /// # Examples
    ///
    /// ```
    /// use message_port::MessageChannel;
    ///
    /// let MessageChannel { mut port1, mut port2 } = MessageChannel::<u64>::new();
    /// port1.post_message(&7)?;
    /// let (sender, receiver) = port2.split_mut();
    /// let message = receiver.recv()?;
    /// sender.post_message(&message.to_native())?; // while the message is still held
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn split_mut(&mut self) -> (&mut Sender<Out>, &mut Receiver<In>) {
        self.start_apart();
        (&mut self.sender, &mut self.receiver)
    }

    /// Before the halves are used apart, clears what a forgotten future or [`ReceivedEvent`] has
    /// left: from now on one half may receive while the other waits for room.
    fn start_apart(&mut self) {
        self.sender.waits_no_more();
        self.receiver.has_no_target();
    }

    /// The two halves, by shared reference.
    pub(crate) fn halves(&self) -> (&Sender<Out>, &Receiver<In>) {
        (&self.sender, &self.receiver)
    }

    /// Borrows the two halves for an adaptor that owns the whole port.
    #[inline]
    pub(crate) fn halves_mut(&mut self) -> (&mut Sender<Out>, &mut Receiver<In>) {
        (&mut self.sender, &mut self.receiver)
    }

    /// Takes the port apart, for two threads. The handlers are dropped: they belong to the whole
    /// port. Each half can close the channel. The peer notices the drop of each half separately.
    ///
    /// # Panics
    ///
    /// If the drop of a handler panics. Then the port is dropped.
    ///
    /// # Examples
    ///
    /// ```
    /// use message_port::MessageChannel;
    ///
    /// let MessageChannel { port1, mut port2 } = MessageChannel::<u64>::new();
    /// let (mut sender, receiver) = port1.into_split();
    /// drop(receiver);
    /// sender.post_message(&7)?;
    /// assert_eq!(*port2.recv()?, 7);
    /// assert!(port2.post_message(&7).unwrap_err().is_disconnected());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn into_split(mut self) -> (Sender<Out>, Receiver<In>) {
        self.start_apart();
        let Self { sender, receiver, handlers } = self;
        // Before the halves are returned: a panic here drops them, and the peer learns of it.
        drop(handlers);
        (sender, receiver)
    }
}

impl<Out, In> fmt::Debug for MessagePort<Out, In> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MessagePort")
            .field("sender", &self.sender)
            .field("receiver", &self.receiver)
            .field("handlers", &self.handlers)
            .finish()
    }
}
