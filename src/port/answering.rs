//! Receiving at a whole port, with the sending half at hand.

use std::fmt;
use std::ops::Deref;
use std::time::{Duration, Instant};

use rkyv::Archived;

use super::MessagePort;
use crate::archive::Message;
use crate::error::{PostError, RecvError, RecvTimeoutError, TryRecvError};
use crate::half::{MessageRef, Sender};

/// A received message together with the sending half of the port that it arrived at, to answer it
/// while it is in hand, without copying it.
///
/// [`MessagePort::recv_event`] and its like return it. It is to a program that pulls what
/// [`MessageEvent`](crate::MessageEvent) is to a handler. Like [`MessageRef`], it derefs to the
/// archived form of the message, in place. Dropping it gives the message's bytes back to the peer;
/// until then the port can neither receive nor post, except through this.
///
/// [`MessagePort::recv`] returns a [`MessageRef`] instead. That type is the same for a port and for
/// a [`Receiver`](crate::Receiver), and knows nothing of the type that the port posts.
///
/// # Examples
///
/// ```
/// use message_port::MessageChannel;
/// use std::thread;
///
/// let MessageChannel { mut port1, mut port2 } = MessageChannel::<String, usize>::new();
/// let server = thread::spawn(move || {
///     while let Ok(mut request) = port2.recv_event() {
///         request.reply(&request.len())?; // the string is read in place
///     }
///     Ok::<(), message_port::PostError>(())
/// });
/// port1.post_message(&"hello".to_owned())?;
/// assert_eq!(*port1.recv()?, 5);
/// port1.close();
/// server.join().unwrap()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use = "dropping it is having received the message"]
pub struct ReceivedEvent<'a, In, Out> {
    message: MessageRef<'a, In>,
    target: &'a mut Sender<Out>,
    /// Whether the channel has noted that a post through the target keeps this port from receiving.
    is_given: bool,
}

impl<'a, In, Out> ReceivedEvent<'a, In, Out> {
    fn new(message: MessageRef<'a, In>, target: &'a mut Sender<Out>) -> Self {
        Self { message, target, is_given: false }
    }

    /// The sending half of the port, for every other way to answer (`try_post_message`,
    /// `post_message_async`, ...) and to close.
    ///
    /// A post that waits for room keeps this port from receiving, just as a post of the port itself
    /// does, so it may be refused with `WouldDeadlock`.
    ///
    /// # Examples
    ///
    /// ```
    /// use message_port::MessageChannel;
    ///
    /// let MessageChannel { mut port1, mut port2 } = MessageChannel::<u64>::new();
    /// port1.post_message(&7)?;
    /// let mut request = port2.recv_event()?;
    /// let doubled = *request * 2;
    /// request.target().try_post_message(&doubled)?;
    /// request.target().close();
    /// drop(request);
    /// assert_eq!(*port1.recv()?, 14);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn target(&mut self) -> &mut Sender<Out> {
        self.split_mut().1
    }

    /// The message and the sending half, for an answer that borrows from the message.
    ///
    /// # Examples
    ///
    /// ```
    /// use message_port::MessageChannel;
    ///
    /// let MessageChannel { mut port1, mut port2 } = MessageChannel::<String>::new();
    /// port1.post_message(&"hello, world".to_owned())?;
    /// let mut request = port2.recv_event()?;
    /// let (message, target) = request.split_mut();
    /// target.post_message_as(&message[..5])?; // no `String` is made
    /// drop(request);
    /// assert_eq!(port1.recv()?.as_str(), "hello");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn split_mut(&mut self) -> (&MessageRef<'a, In>, &mut Sender<Out>) {
        self.is_given = true;
        self.message.set_target(self.target.address());
        (&self.message, self.target)
    }
}

impl<'a, In: Message, Out: Message> ReceivedEvent<'a, In, Out> {
    /// The message, in place; the value that this derefs to.
    ///
    /// # Examples
    ///
    /// ```
    /// use message_port::MessageChannel;
    ///
    /// let MessageChannel { mut port1, mut port2 } = MessageChannel::<Vec<u32>>::new();
    /// port1.post_message(&vec![1, 2, 3])?;
    /// assert_eq!(port2.recv_event()?.message().deserialize()?, [1, 2, 3]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn message(&self) -> &MessageRef<'a, In> {
        &self.message
    }

    /// Posts an answer from the port that the message arrived at, waiting for room if there is
    /// none: [`MessagePort::post_message`] with the message still in hand.
    ///
    /// The message stays in hand until this is dropped, so its bytes are not free for the peer
    /// while an answer waits for room.
    ///
    /// # Errors
    ///
    /// Those of [`MessagePort::post_message`]. `WouldDeadlock` if the peer waits for room too.
    ///
    /// # Panics
    ///
    /// As [`MessagePort::post_message`].
    ///
    /// # Examples
    ///
    /// ```
    /// use message_port::MessageChannel;
    ///
    /// let MessageChannel { mut port1, mut port2 } = MessageChannel::<String, u64>::new();
    /// port1.post_message(&"41".to_owned())?;
    /// let mut request = port2.recv_event()?;
    /// request.reply(&(request.parse::<u64>()? + 1))?;
    /// drop(request);
    /// assert_eq!(*port1.recv()?, 42);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn reply(&mut self, answer: &Out) -> Result<(), PostError> {
        self.target().post_message(answer)
    }

    /// Posts an answer as [`reply`](Self::reply) does, waiting for room in a task. Dropping the
    /// future posts nothing.
    ///
    /// # Errors
    ///
    /// Those of [`reply`](Self::reply).
    ///
    /// # Panics
    ///
    /// As [`reply`](Self::reply).
    ///
    /// # Examples
    ///
    /// ```
    /// use message_port::MessageChannel;
    ///
    /// # futures_lite::future::block_on(async {
    /// let MessageChannel { mut port1, mut port2 } = MessageChannel::<u64>::new();
    /// port1.post_message_async(&7).await?;
    /// let mut request = port2.recv_event_async().await?;
    /// request.reply_async(&(*request * 2)).await?;
    /// drop(request);
    /// assert_eq!(*port1.recv_async().await?, 14);
    /// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
    /// ```
    pub async fn reply_async(&mut self, answer: &Out) -> Result<(), PostError> {
        self.target().post_message_async(answer).await
    }
}

impl<In, Out> Drop for ReceivedEvent<'_, In, Out> {
    #[inline]
    fn drop(&mut self) {
        // From here on the owner may use the port again. If the guard is forgotten, the next call
        // that borrows the halves does this.
        if self.is_given {
            self.message.set_target(0);
        }
    }
}

impl<In: Message, Out> Deref for ReceivedEvent<'_, In, Out> {
    type Target = Archived<In>;

    #[inline]
    fn deref(&self) -> &Archived<In> {
        &self.message
    }
}

impl<In: Message, Out> fmt::Debug for ReceivedEvent<'_, In, Out>
where
    Archived<In>: fmt::Debug,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ReceivedEvent").field(&**self).finish()
    }
}

impl<Out: Message, In: Message> MessagePort<Out, In> {
    /// Receives the next message as [`recv`](Self::recv) does, and lends the sending half with it
    /// to answer while the message is in hand. Costs the same as `recv`.
    ///
    /// # Errors
    ///
    /// Those of [`recv`](Self::recv).
    ///
    /// # Panics
    ///
    /// As [`recv`](Self::recv).
    ///
    /// # Examples
    ///
    /// ```
    /// use message_port::MessageChannel;
    ///
    /// let MessageChannel { mut port1, mut port2 } = MessageChannel::<u64>::new();
    /// port1.post_message(&7)?;
    /// let mut request = port2.recv_event()?;
    /// request.reply(&(*request * 2))?;
    /// drop(request);
    /// assert_eq!(*port1.recv()?, 14);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[inline]
    pub fn recv_event(&mut self) -> Result<ReceivedEvent<'_, In, Out>, RecvError> {
        let Self { sender, receiver, .. } = self;
        receiver.recv().map(|message| ReceivedEvent::new(message, sender))
    }

    /// Receives the next message if there is one, as [`try_recv`](Self::try_recv) does, and lends
    /// the sending half with it. Never waits.
    ///
    /// # Errors
    ///
    /// Those of [`try_recv`](Self::try_recv).
    ///
    /// # Panics
    ///
    /// As [`try_recv`](Self::try_recv).
    ///
    /// # Examples
    ///
    /// ```
    /// use message_port::MessageChannel;
    ///
    /// let MessageChannel { mut port1, mut port2 } = MessageChannel::<u64>::new();
    /// assert!(port2.try_recv_event().unwrap_err().is_empty());
    /// port1.post_message(&7)?;
    /// let mut request = port2.try_recv_event()?;
    /// request.reply(&(*request * 2))?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[inline]
    pub fn try_recv_event(&mut self) -> Result<ReceivedEvent<'_, In, Out>, TryRecvError> {
        let Self { sender, receiver, .. } = self;
        receiver.try_recv().map(|message| ReceivedEvent::new(message, sender))
    }

    /// Receives the next message, waiting at most `timeout`, as
    /// [`recv_timeout`](Self::recv_timeout) does, and lends the sending half with it.
    ///
    /// # Errors
    ///
    /// Those of [`recv_timeout`](Self::recv_timeout).
    ///
    /// # Panics
    ///
    /// As [`try_recv`](Self::try_recv).
    ///
    /// # Examples
    ///
    /// ```
    /// use message_port::MessageChannel;
    /// use std::time::Duration;
    ///
    /// let MessageChannel { port1: _silent, mut port2 } = MessageChannel::<u64>::new();
    /// assert!(port2.recv_event_timeout(Duration::ZERO).unwrap_err().is_timeout());
    /// ```
    #[inline]
    pub fn recv_event_timeout(
        &mut self,
        timeout: Duration,
    ) -> Result<ReceivedEvent<'_, In, Out>, RecvTimeoutError> {
        let Self { sender, receiver, .. } = self;
        receiver.recv_timeout(timeout).map(|message| ReceivedEvent::new(message, sender))
    }

    /// Receives the next message, waiting until `deadline`, as
    /// [`recv_deadline`](Self::recv_deadline) does, and lends the sending half with it.
    ///
    /// # Errors
    ///
    /// Those of [`recv_deadline`](Self::recv_deadline).
    ///
    /// # Panics
    ///
    /// As [`try_recv`](Self::try_recv).
    ///
    /// # Examples
    ///
    /// ```
    /// use message_port::MessageChannel;
    /// use std::time::Instant;
    ///
    /// let MessageChannel { port1: _silent, mut port2 } = MessageChannel::<u64>::new();
    /// assert!(port2.recv_event_deadline(Instant::now()).unwrap_err().is_timeout());
    /// ```
    #[inline]
    pub fn recv_event_deadline(
        &mut self,
        deadline: Instant,
    ) -> Result<ReceivedEvent<'_, In, Out>, RecvTimeoutError> {
        let Self { sender, receiver, .. } = self;
        receiver.recv_deadline(deadline).map(|message| ReceivedEvent::new(message, sender))
    }

    /// Receives the next message as [`recv_async`](Self::recv_async) does, and lends the sending
    /// half with it. An arm of a `select!` can then post the answer too.
    ///
    /// Dropping the future loses nothing.
    ///
    /// # Errors
    ///
    /// Those of [`recv`](Self::recv).
    ///
    /// # Panics
    ///
    /// As [`try_recv`](Self::try_recv).
    ///
    /// # Examples
    ///
    /// ```
    /// use message_port::MessageChannel;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let MessageChannel { mut port1, mut port2 } = MessageChannel::<u64>::new();
    /// port1.post_message_async(&7).await?;
    /// tokio::select! {
    ///     request = port2.recv_event_async() => {
    ///         let mut request = request?;
    ///         request.reply_async(&(*request * 2)).await?;
    ///     }
    ///     () = std::future::pending() => unreachable!(),
    /// }
    /// assert_eq!(*port1.recv_async().await?, 14);
    /// # Ok(()) }
    /// ```
    pub async fn recv_event_async(&mut self) -> Result<ReceivedEvent<'_, In, Out>, RecvError> {
        let Self { sender, receiver, .. } = self;
        receiver.recv_async().await.map(|message| ReceivedEvent::new(message, sender))
    }

    /// Receives the next message, waiting until `end` is ready, as
    /// [`recv_async_until`](Self::recv_async_until) does, and lends the sending half with it.
    ///
    /// Dropping the future loses nothing.
    ///
    /// # Errors
    ///
    /// Those of [`recv_async_until`](Self::recv_async_until).
    ///
    /// # Panics
    ///
    /// As [`try_recv`](Self::try_recv).
    ///
    /// # Examples
    ///
    /// ```
    /// use message_port::MessageChannel;
    /// use std::future::ready;
    ///
    /// # futures_lite::future::block_on(async {
    /// let MessageChannel { port1: _silent, mut port2 } = MessageChannel::<u64>::new();
    /// let received = port2.recv_event_async_until(ready(())).await;
    /// assert!(received.unwrap_err().is_timeout());
    /// # });
    /// ```
    pub async fn recv_event_async_until(
        &mut self,
        end: impl Future,
    ) -> Result<ReceivedEvent<'_, In, Out>, RecvTimeoutError> {
        let Self { sender, receiver, .. } = self;
        receiver.recv_async_until(end).await.map(|message| ReceivedEvent::new(message, sender))
    }
}
