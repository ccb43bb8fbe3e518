//! Posting and receiving by hand.

use std::time::{Duration, Instant};

use super::MessagePort;
use crate::archive::Message;
use crate::error::{
    PostError, PostTimeoutError, RecvError, RecvTimeoutError, TryPostError, TryRecvError,
};
use crate::half::{MessageRef, PeekRef};
use crate::link::wait::Deadline;
use rkyv::Archived;

// The bounds are on the methods: where they are not met, the compiler then names the trait and what to
// derive, not what the trait consists of.
impl<Out, In> MessagePort<Out, In> {
    /// Posts a message, waiting for room if there is none.
    ///
    /// The archive of `message` is written once, into the ring; the receiver does not see what
    /// becomes of the value afterwards. Blocks while the direction is full.
    ///
    /// # Errors
    ///
    /// - `DataClone` if the value cannot be archived; [`DataCloneError`](crate::DataCloneError) says why.
    ///   A failure of its own `Serialize` comes before all other errors.
    /// - `TooLarge` if the message can never fit.
    /// - `Closed` if one of the ports was closed.
    /// - `Disconnected` if the peer was dropped.
    /// - `WouldDeadlock` if the peer waits for room too, which only this port can make, by
    ///   receiving; or if there is [no other
    ///   thread](crate::WaitStrategy#where-there-is-no-other-thread) that could make room.
    ///
    /// After an error nothing was posted.
    ///
    /// # Panics
    ///
    /// Only if the value's own `Serialize` panics. Nothing was posted then, and the port stays
    /// usable. If the [waker](std::task::Waker) of a task at the other end panics, the panic hook
    /// reports it, and the post goes on.
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
    pub fn post_message(&mut self, message: &Out) -> Result<(), PostError>
    where
        Out: Message,
        In: Message,
    {
        self.sender.post_waiting(message, || self.receiver.standing())
    }

    /// Posts a message if there is room for it now. Never waits, not even for the peer's thread.
    ///
    /// # Errors
    ///
    /// `Full` if there is no room now; otherwise those of [`post_message`](Self::post_message) except
    /// `WouldDeadlock`.
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
    pub fn try_post_message(&mut self, message: &Out) -> Result<(), TryPostError>
    where
        Out: Message,
        In: Message,
    {
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
    ) -> Result<(), PostTimeoutError>
    where
        Out: Message,
        In: Message,
    {
        self.sender.post_by(message, Deadline::Within(timeout), || self.receiver.standing())
    }

    /// Posts a message, waiting for room until `deadline`; any `Instant` will do. A message that
    /// fits is posted even after the deadline.
    ///
    /// Use it for several calls that share one deadline. In a task,
    /// [`post_message_async_until`](Self::post_message_async_until) takes a timer of the runtime.
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
    /// use std::time::{Duration, Instant};
    ///
    /// let MessageChannel { mut port1, mut port2 } = MessageChannel::<u64>::new();
    /// let deadline = Instant::now() + Duration::from_secs(1);
    /// for number in 0..3 {
    ///     port1.post_message_deadline(&number, deadline)?;
    ///     assert_eq!(*port2.recv_deadline(deadline)?, number);
    /// }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[inline]
    pub fn post_message_deadline(
        &mut self,
        message: &Out,
        deadline: Instant,
    ) -> Result<(), PostTimeoutError>
    where
        Out: Message,
        In: Message,
    {
        self.sender.post_by(message, Deadline::At(deadline), || self.receiver.standing())
    }

    /// Posts many messages with one publication and one wake-up, waiting for room if there is none.
    ///
    /// Returns how many messages were posted. The call stops early at a message that cannot be
    /// posted: that message and the ones behind it are not posted, and the next call finds the
    /// error. If there is no room for all, the messages that fit are published before the call
    /// waits.
    ///
    /// Messages that the iterator has yielded stay hidden from the peer until they are published.
    /// An iterator that waits for the peer to receive or answer a message of the same batch
    /// therefore waits for ever. Post a message whose answer you need in a batch of its own.
    ///
    /// # Errors
    ///
    /// Those of [`post_message`](Self::post_message), if not even the first message was posted.
    ///
    /// # Panics
    ///
    /// As [`post_message`](Self::post_message), or if the iterator panics. Messages that were
    /// accepted before the panic are posted.
    ///
    /// # Examples
    ///
    /// ```
    /// use message_port::MessageChannel;
    ///
    /// let MessageChannel { mut port1, mut port2 } = MessageChannel::<String>::new();
    /// let lines = ["one".to_owned(), "two".to_owned()];
    /// assert_eq!(port1.post_messages(&lines)?, 2);
    /// assert_eq!(port2.recv()?.as_str(), "one");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn post_messages<'m>(
        &mut self,
        messages: impl IntoIterator<Item = &'m Out>,
    ) -> Result<usize, PostError>
    where
        Out: Message,
        In: Message,
        Out: 'm,
    {
        self.sender.post_batch(messages, self.receiver.standing())
    }

    /// Posts an archive that was made elsewhere, as it is: one read from a file or a socket, or the
    /// [`MessageRef::as_bytes`] of another port's message. Waits for room if there is none.
    ///
    /// The bytes are checked here and copied once, into the ring. They need no alignment. Bytes
    /// that are not aligned to 16 and do not fit into the ring at once are copied aside and checked
    /// there. That memory is reused; it shrinks once 64 messages in a row needed less than a
    /// quarter of it, and up to 16 KiB stay.
    ///
    /// The archive must be in this program's format: features of rkyv set the width of offsets, the
    /// byte order and the alignment.
    ///
    /// The check makes reading in place sound. It cannot make [`deserialize`] sound if `Out` has
    /// shared pointers (`Rc`, `Arc`) to values of different types with the same archived form. In a
    /// crafted archive two of these can share an address; rkyv 0.8.18 then makes two owners of
    /// different types for one allocation, which is undefined behaviour. Post archives of such a
    /// type only from a source that you trust.
    ///
    /// [`deserialize`]: crate::MessageRef::deserialize
    ///
    /// # Errors
    ///
    /// `TooLarge` if there are more bytes than an archive may have here; this is checked first.
    /// `DataClone` if the bytes are no valid archive of an `Out`. Otherwise those of
    /// [`post_message`](Self::post_message).
    ///
    /// # Panics
    ///
    /// If the type's own check of an archive (`CheckBytes`) panics. Nothing was posted then.
    ///
    /// # Examples
    ///
    /// ```
    /// use message_port::MessageChannel;
    ///
    /// let mut upstream = MessageChannel::<String>::new();
    /// let mut downstream = MessageChannel::<String>::new();
    /// upstream.port1.post_message(&"passed on".to_owned())?;
    /// downstream.port1.post_archived(upstream.port2.recv()?.as_bytes())?;
    /// assert_eq!(downstream.port2.recv()?.as_str(), "passed on");
    /// assert!(downstream.port1.post_archived(b"no archive").unwrap_err().is_data_clone());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn post_archived(&mut self, archive: &[u8]) -> Result<(), PostError>
    where
        Out: Message,
        In: Message,
    {
        self.sender.post_bytes(archive, self.receiver.standing())
    }

    /// Receives the next message. Blocks while the channel is open and empty.
    ///
    /// Works whether or not the port was [started](Self::start) and whether or not it has handlers.
    ///
    /// # Errors
    ///
    /// - `Closed` at a port that called `close()`, at once; at its peer, when nothing is left.
    /// - `Disconnected` if the peer was dropped and nothing is left.
    /// - `InvalidArchive` if the next message does not validate. It is skipped, and the port stays
    ///   usable.
    ///
    /// # Panics
    ///
    /// - If the type's own check of an archive (`CheckBytes`) panics. The message counts as received.
    /// - If the call would wait for ever [because there is no other
    ///   thread](crate::WaitStrategy#where-there-is-no-other-thread).
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
    pub fn recv(&mut self) -> Result<MessageRef<'_, In>, RecvError>
    where
        Out: Message,
        In: Message,
    {
        self.receiver.recv()
    }

    /// Receives the next message if there is one. Never waits, not even for the peer's thread.
    ///
    /// # Errors
    ///
    /// `Empty` if there is none yet; otherwise those of [`recv`](Self::recv).
    ///
    /// # Panics
    ///
    /// If the type's own check of an archive panics, as in [`recv`](Self::recv).
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
    pub fn try_recv(&mut self) -> Result<MessageRef<'_, In>, TryRecvError>
    where
        Out: Message,
        In: Message,
    {
        self.receiver.try_recv()
    }

    /// Receives the next message, waiting for one at most `timeout`; any `Duration` will do. A
    /// message that is already waiting is received even with a timeout of zero.
    ///
    /// # Errors
    ///
    /// `Timeout` if none came in time; otherwise those of [`recv`](Self::recv).
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
    ) -> Result<MessageRef<'_, In>, RecvTimeoutError>
    where
        Out: Message,
        In: Message,
    {
        self.receiver.recv_timeout(timeout)
    }

    /// Receives the next message, waiting for one until `deadline`; any `Instant` will do. A
    /// message that is already waiting is received even after the deadline.
    ///
    /// Use it for several calls that share one deadline. In a task,
    /// [`recv_async_until`](Self::recv_async_until) takes a timer of the runtime.
    ///
    /// # Errors
    ///
    /// `Timeout` if none came in time; otherwise those of [`recv`](Self::recv).
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
    /// let MessageChannel { mut port1, mut port2 } = MessageChannel::<u64>::new();
    /// port1.post_message(&7)?;
    /// let now = Instant::now();
    /// assert_eq!(*port2.recv_deadline(now)?, 7);
    /// assert!(port2.recv_deadline(now).unwrap_err().is_timeout());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[inline]
    pub fn recv_deadline(
        &mut self,
        deadline: Instant,
    ) -> Result<MessageRef<'_, In>, RecvTimeoutError>
    where
        Out: Message,
        In: Message,
    {
        self.receiver.recv_deadline(deadline)
    }

    /// Looks at the next message, if there is one, and leaves it in the channel: the next call that
    /// receives gets it. Never waits.
    ///
    /// The message still counts as waiting ([`len`](Self::len)), and as undelivered if this port
    /// closes before receiving it. The archive is checked here and again when it is received.
    ///
    /// # Errors
    ///
    /// Those of [`try_recv`](Self::try_recv). `InvalidArchive` leaves the message in place: the
    /// next call that receives reports it again and skips it.
    ///
    /// # Panics
    ///
    /// If the type's own check of an archive panics. The message stays in place.
    ///
    /// # Examples
    ///
    /// ```
    /// use message_port::MessageChannel;
    ///
    /// let MessageChannel { mut port1, mut port2 } = MessageChannel::<u64>::new();
    /// assert!(port2.peek().unwrap_err().is_empty());
    /// port1.post_messages(&[1, 2, 30])?;
    /// let mut small = 0;
    /// while port2.peek().is_ok_and(|number| *number < 10) {
    ///     small += port2.recv_owned()?;
    /// }
    /// assert_eq!((small, port2.len()), (3, 1));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn peek(&mut self) -> Result<PeekRef<'_, In>, TryRecvError>
    where
        Out: Message,
        In: Message,
    {
        self.receiver.peek()
    }

    /// Receives up to `limit` of the messages that are waiting now, and gives their bytes back to
    /// the sender together. Never waits.
    ///
    /// Returns how many were received. Messages that arrive during the call are left for the next
    /// one, even if `f` itself has them posted. A spilled message ends a batch or starts one.
    ///
    /// # Errors
    ///
    /// Those of [`try_recv`](Self::try_recv), if not even one message was received. With a limit of
    /// zero the call cannot fail.
    ///
    /// # Panics
    ///
    /// If `f` panics, or the type's own check of an archive. The messages up to and including that one
    /// are received.
    ///
    /// # Examples
    ///
    /// ```
    /// use message_port::MessageChannel;
    ///
    /// let MessageChannel { mut port1, mut port2 } = MessageChannel::<u64>::new();
    /// port1.post_messages(&[1, 2, 3, 4])?;
    /// let mut sum = 0;
    /// assert_eq!(port2.recv_batch(3, |number| sum += number.to_native())?, 3);
    /// assert_eq!(sum, 6);
    /// assert_eq!(port2.recv_batch(3, |_| ())?, 1);
    /// assert!(port2.recv_batch(3, |_| ()).unwrap_err().is_empty());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn recv_batch(
        &mut self,
        limit: usize,
        f: impl FnMut(&Archived<In>),
    ) -> Result<usize, TryRecvError>
    where
        Out: Message,
        In: Message,
    {
        self.receiver.recv_batch(limit, f)
    }
}
