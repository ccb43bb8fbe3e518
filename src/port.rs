//! The port: both halves and the handlers.

use std::fmt;
use std::time::Duration;

use crate::error::{
    DispatchError, PostError, PostTimeoutError, RecvError, RecvTimeoutError, TryPostError,
    TryRecvError,
};
use crate::event::{CloseEvent, HandlerResult, MessageErrorEvent, MessageEvent};
use crate::handlers::{Handlers, Turn};
use crate::message::{Message, MessageRef};
use crate::receiver::Receiver;
use crate::sender::Sender;

/// One end of a [`MessageChannel`](crate::MessageChannel): posts `Out`s, receives `In`s.
///
/// `Send`, not `Sync`, not `Clone`: move it to the thread that uses it. Dropping it is not
/// closing: the peer drains what was posted and then learns that it is disconnected, without a
/// `close` event. Source: Workers ("not emitted when one of the ports is garbage collected").
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

impl<Out: Message, In: Message> MessagePort<Out, In> {
    pub(crate) fn new(sender: Sender<Out>, receiver: Receiver<In>) -> Self {
        Self { sender, receiver, handlers: Handlers::new() }
    }

    /// Posts a message, waiting for room if there is none.
    ///
    /// The archive of `message` is written once, into the ring; what is done to the value
    /// afterwards is not seen by the receiver. Blocks while the direction is full.
    ///
    /// # Errors
    ///
    /// `DataClone` if the value's own `Serialize` fails, whatever else is the matter; `TooLarge`
    /// if the message can never fit; `Closed` if one of the ports was closed; `Disconnected` if
    /// the peer was dropped. Nothing was posted then.
    ///
    /// # Panics
    ///
    /// Only if the value's own `Serialize` panics; nothing was posted then, and the port is
    /// usable.
    ///
    /// # Examples
    ///
    /// ```
    /// use message_port::MessageChannel;
    ///
    /// let MessageChannel { mut port1, mut port2 } = MessageChannel::<String>::new();
    /// let mut text = "first".to_owned();
    /// port1.post_message(&text)?;
    /// text.clear();
    /// assert_eq!(port2.recv()?.as_str(), "first");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[inline]
    pub fn post_message(&mut self, message: &Out) -> Result<(), PostError> {
        self.sender.post_message(message)
    }

    /// Posts a message if there is room for it now. Never waits, not even for the other thread.
    ///
    /// # Errors
    ///
    /// `Full` if there is no room now; otherwise those of [`post_message`](Self::post_message).
    ///
    /// # Panics
    ///
    /// As [`post_message`](Self::post_message).
    ///
    /// # Examples
    ///
    /// ```
    /// use message_port::MessageChannel;
    ///
    /// let MessageChannel { mut port1, mut port2 } = MessageChannel::<u64>::with_capacity(64);
    /// while port1.try_post_message(&7).is_ok() {}
    /// assert!(port1.try_post_message(&7).unwrap_err().is_full());
    /// port2.recv()?;
    /// port1.try_post_message(&7)?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[inline]
    pub fn try_post_message(&mut self, message: &Out) -> Result<(), TryPostError> {
        self.sender.try_post_message(message)
    }

    /// Posts a message, waiting for room at most `timeout`; any `Duration` will do.
    ///
    /// # Errors
    ///
    /// `Timeout` if there was no room in time; otherwise those of
    /// [`post_message`](Self::post_message).
    ///
    /// # Panics
    ///
    /// As [`post_message`](Self::post_message).
    ///
    /// # Examples
    ///
    /// ```
    /// use message_port::MessageChannel;
    /// use std::time::Duration;
    ///
    /// let MessageChannel { mut port1, mut port2 } = MessageChannel::<u64>::new();
    /// port1.post_message_timeout(&7, Duration::from_millis(10))?;
    /// assert_eq!(*port2.recv()?, 7);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[inline]
    pub fn post_message_timeout(
        &mut self,
        message: &Out,
        timeout: Duration,
    ) -> Result<(), PostTimeoutError> {
        self.sender.post_message_timeout(message, timeout)
    }

    /// Receives the next message, waiting for one if there is none. Blocks while the channel is
    /// open and empty.
    ///
    /// Receives whether the port was [started](Self::start) or not, and whether it has handlers
    /// or not.
    ///
    /// # Errors
    ///
    /// `Closed` at a port that called `close()`, at once; at the other one when nothing is left.
    /// `Disconnected` if the peer was dropped and nothing is left. `InvalidArchive` if the next
    /// message does not validate; it is skipped, and the port is usable.
    ///
    /// # Examples
    ///
    /// ```
    /// use message_port::MessageChannel;
    ///
    /// let MessageChannel { mut port1, mut port2 } = MessageChannel::<u64>::new();
    /// port1.post_message(&7)?;
    /// drop(port1);
    /// assert_eq!(*port2.recv()?, 7);
    /// assert!(port2.recv().unwrap_err().is_disconnected());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[inline]
    pub fn recv(&mut self) -> Result<MessageRef<'_, In>, RecvError> {
        self.receiver.recv()
    }

    /// Receives the next message if there is one. Never waits, not even for the other thread.
    ///
    /// # Errors
    ///
    /// `Empty` if there is none yet; otherwise those of [`recv`](Self::recv).
    ///
    /// # Examples
    ///
    /// ```
    /// use message_port::MessageChannel;
    ///
    /// let MessageChannel { mut port1, mut port2 } = MessageChannel::<u64>::new();
    /// assert!(port2.try_recv().unwrap_err().is_empty());
    /// port1.post_message(&7)?;
    /// assert_eq!(*port2.try_recv()?, 7);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[inline]
    pub fn try_recv(&mut self) -> Result<MessageRef<'_, In>, TryRecvError> {
        self.receiver.try_recv()
    }

    /// Receives the next message, waiting for one at most `timeout`; any `Duration` will do. A
    /// message that is there is received even with a timeout of zero.
    ///
    /// # Errors
    ///
    /// `Timeout` if none came in time; otherwise those of [`recv`](Self::recv).
    ///
    /// # Examples
    ///
    /// ```
    /// use message_port::MessageChannel;
    /// use std::time::Duration;
    ///
    /// let MessageChannel { mut port1, mut port2 } = MessageChannel::<u64>::new();
    /// port1.post_message(&7)?;
    /// assert_eq!(*port2.recv_timeout(Duration::MAX)?, 7);
    /// assert!(port2.recv_timeout(Duration::ZERO).unwrap_err().is_timeout());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[inline]
    pub fn recv_timeout(
        &mut self,
        timeout: Duration,
    ) -> Result<MessageRef<'_, In>, RecvTimeoutError> {
        self.receiver.recv_timeout(timeout)
    }

    /// Sets the handler for messages, and starts the port.
    ///
    /// Handlers run inside [`dispatch`](Self::dispatch) and [`run`](Self::run), on the thread
    /// that calls them, never inside the other side's post or close.
    ///
    /// # Examples
    ///
    /// ```
    /// use message_port::MessageChannel;
    ///
    /// let MessageChannel { mut port1, mut port2 } = MessageChannel::<String>::new();
    /// port1.post_message(&"hello".to_owned())?;
    /// port2.set_onmessage(|event| println!("{}", event.data()));
    /// assert_eq!(port2.dispatch()?, 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn set_onmessage<F, R>(&mut self, f: F)
    where
        F: FnMut(&mut MessageEvent<'_, In, Out>) -> R + Send + 'static,
        R: HandlerResult,
    {
        self.handlers.set_message(f);
        self.start();
    }

    /// Sets the handler for messages that could not be handled: the message handler failed or
    /// panicked, or the archive is not valid. Does not start the port.
    ///
    /// # Examples
    ///
    /// ```
    /// use message_port::MessageChannel;
    ///
    /// let MessageChannel { mut port1, mut port2 } = MessageChannel::<u64>::new();
    /// port2.set_onmessage(|_| Err("not today"));
    /// port2.set_onmessageerror(|event| eprintln!("{}", event.error()));
    /// port1.post_message(&7)?;
    /// assert_eq!(port2.dispatch()?, 2, "a message and its messageerror");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn set_onmessageerror<F, R>(&mut self, f: F)
    where
        F: FnMut(&MessageErrorEvent<'_, In>) -> R + Send + 'static,
        R: HandlerResult,
    {
        self.handlers.set_message_error(f);
    }

    /// Sets the handler for the close of the channel. Does not start the port.
    ///
    /// The event is dispatched once, when no message is left to be dispatched before it. If there
    /// is no handler at that time, it waits for one.
    ///
    /// # Examples
    ///
    /// ```
    /// use message_port::MessageChannel;
    ///
    /// let MessageChannel { mut port1, mut port2 } = MessageChannel::<u64>::new();
    /// port2.set_onclose(|event| println!("closed by {:?}", event.closed_by()));
    /// port1.close();
    /// assert_eq!(port2.dispatch()?, 1);
    /// assert_eq!(port2.dispatch()?, 0);
    /// # Ok::<(), message_port::DispatchError>(())
    /// ```
    pub fn set_onclose<F, R>(&mut self, f: F)
    where
        F: FnMut(&CloseEvent) -> R + Send + 'static,
        R: HandlerResult,
    {
        self.handlers.set_close(f);
    }

    /// Removes the handler for messages. The port stays started; messages wait for the next
    /// handler.
    ///
    /// # Examples
    ///
    /// ```
    /// use message_port::MessageChannel;
    ///
    /// let MessageChannel { mut port1, mut port2 } = MessageChannel::<u64>::new();
    /// port2.set_onmessage(|_| unreachable!());
    /// port2.clear_onmessage();
    /// port1.post_message(&7)?;
    /// assert_eq!(port2.dispatch()?, 0);
    /// assert_eq!(port2.len(), 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn clear_onmessage(&mut self) {
        self.handlers.clear_message();
    }

    /// Removes the handler for messages that could not be handled: failures are returned by
    /// [`dispatch`](Self::dispatch) and [`run`](Self::run) again.
    ///
    /// # Examples
    ///
    /// ```
    /// use message_port::MessageChannel;
    ///
    /// let MessageChannel { mut port1, mut port2 } = MessageChannel::<u64>::new();
    /// port2.set_onmessage(|_| Err("not today"));
    /// port2.set_onmessageerror(|_| ());
    /// port2.clear_onmessageerror();
    /// port1.post_message(&7)?;
    /// assert!(port2.dispatch().is_err());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn clear_onmessageerror(&mut self) {
        self.handlers.clear_message_error();
    }

    /// Removes the handler for the close of the channel.
    ///
    /// # Examples
    ///
    /// ```
    /// use message_port::MessageChannel;
    ///
    /// let MessageChannel { mut port1, .. } = MessageChannel::<u64>::new();
    /// port1.set_onclose(|_| unreachable!());
    /// port1.clear_onclose();
    /// port1.close();
    /// assert_eq!(port1.dispatch()?, 0);
    /// # Ok::<(), message_port::DispatchError>(())
    /// ```
    pub fn clear_onclose(&mut self) {
        self.handlers.clear_close();
    }

    /// Lets messages be dispatched. [`set_onmessage`](Self::set_onmessage) does it too; starting
    /// twice is a no-op. Receiving with [`recv`](Self::recv) and its like does not need it.
    ///
    /// # Examples
    ///
    /// ```
    /// use message_port::MessageChannel;
    ///
    /// let MessageChannel { mut port1, .. } = MessageChannel::<u64>::new();
    /// port1.start();
    /// ```
    pub fn start(&mut self) {
        self.handlers.start();
    }

    /// Dispatches what is there now and returns how many events that were. Never waits.
    ///
    /// For each message: `message`, then, if that failed, `messageerror`; after the last one
    /// `close`, if the channel was closed. Messages that arrive meanwhile are left for the next
    /// call.
    ///
    /// # Errors
    ///
    /// Fails with what nobody handled: a message handler's failure without a `messageerror`
    /// handler, or a failure of the `messageerror` or `close` handler. The event is consumed, and
    /// the next call goes on with the next one.
    ///
    /// # Panics
    ///
    /// Goes on unwinding if the `messageerror` or the `close` handler panics; the port is usable.
    ///
    /// # Examples
    ///
    /// ```
    /// use message_port::MessageChannel;
    ///
    /// let MessageChannel { mut port1, mut port2 } = MessageChannel::<u64>::new();
    /// port2.set_onmessage(|event| println!("{}", event.data()));
    /// for n in 0..3 {
    ///     port1.post_message(&n)?;
    /// }
    /// assert_eq!(port2.dispatch()?, 3);
    /// assert_eq!(port2.dispatch()?, 0);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn dispatch(&mut self) -> Result<usize, DispatchError> {
        let mut messages = self.len();
        let mut dispatched = 0;
        loop {
            if messages == 0 && !self.is_empty() {
                return Ok(dispatched);
            }
            match self.turn()? {
                Turn::Message(events) => {
                    messages = messages.saturating_sub(1);
                    dispatched += events;
                }
                Turn::Close => dispatched += 1,
                Turn::Idle | Turn::Stuck | Turn::Ended => return Ok(dispatched),
            }
        }
    }

    /// Dispatches events until the channel has ended (closed or disconnected) and nothing is left
    /// that could be dispatched. Blocks while there is nothing to dispatch, with or without a
    /// message handler.
    ///
    /// # Errors
    ///
    /// As [`dispatch`](Self::dispatch); calling `run` again goes on with the next event.
    ///
    /// # Panics
    ///
    /// As [`dispatch`](Self::dispatch).
    ///
    /// # Examples
    ///
    /// ```
    /// use message_port::MessageChannel;
    /// use std::thread;
    ///
    /// let MessageChannel { mut port1, mut port2 } = MessageChannel::<u64>::new();
    /// let worker = thread::spawn(move || {
    ///     port2.set_onmessage(|event| println!("{}", event.data()));
    ///     port2.set_onclose(|_| println!("closed"));
    ///     port2.run()
    /// });
    /// port1.post_message(&7)?;
    /// port1.close();
    /// worker.join().unwrap()?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn run(&mut self) -> Result<(), DispatchError> {
        loop {
            match self.turn()? {
                Turn::Message(_) | Turn::Close => {}
                Turn::Idle => self.receiver.incoming_mut().wait_for_news(),
                Turn::Stuck => self.receiver.incoming_mut().wait_for_end(),
                Turn::Ended => return Ok(()),
            }
        }
    }

    fn turn(&mut self) -> Result<Turn, DispatchError> {
        self.handlers.turn(&mut self.receiver, &mut self.sender)
    }

    /// Ends the channel for both ports.
    ///
    /// What this port posted before is still delivered to the peer; then the peer's `close` event
    /// is due. At this port nothing is delivered any more, what had arrived is discarded, and its
    /// own `close` event is dispatched on its next turn. Closing again is a no-op. Never waits.
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

    /// Bytes of the ring that this port posts into.
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
    /// Exact for what was posted before this call; none are left at a port that closed.
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
        (&mut self.sender, &mut self.receiver)
    }

    /// Takes the port apart, for two threads. The handlers are dropped: they belong to the whole
    /// port. Each half can close the channel; each half's drop is noticed on its own.
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
    pub fn into_split(self) -> (Sender<Out>, Receiver<In>) {
        (self.sender, self.receiver)
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
