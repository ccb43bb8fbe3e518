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

impl<Out: Message, In: Message> MessagePort<Out, In> {
    /// Posts a message, waiting for room if there is none.
    ///
    /// The archive of `message` is written once, into the ring; what is done to the value
    /// afterwards is not seen by the receiver. Blocks while the direction is full.
    ///
    /// # Errors
    ///
    /// `DataClone` if the value's own `Serialize` fails, whatever else is the matter; `TooLarge`
    /// if the message can never fit; `Closed` if one of the ports was closed; `Disconnected` if
    /// the peer was dropped; `WouldDeadlock` if the peer waits for room too, which only this port
    /// could make by receiving, or if there is
    /// [no other thread](crate::WaitStrategy#where-there-is-no-other-thread) that could make it.
    /// Nothing was posted then.
    ///
    /// # Panics
    ///
    /// Only if the value's own `Serialize` panics; nothing was posted then, and the port is
    /// usable. A panic of the [waker](std::task::Waker) of a task at the other end is not the
    /// poster's: the panic hook reports it, and it ends there.
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
        self.sender.post_waiting(message, || self.receiver.standing())
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
        self.sender.post_by(message, Deadline::Within(timeout), || self.receiver.standing())
    }

    /// Posts a message, waiting for room until `deadline`; any `Instant` will do. A message that
    /// fits is posted even if the deadline has passed.
    ///
    /// For several calls that share one deadline. In a task,
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
    ) -> Result<(), PostTimeoutError> {
        self.sender.post_by(message, Deadline::At(deadline), || self.receiver.standing())
    }

    /// Posts many messages with one publication and one wake, waiting for room if there is none.
    ///
    /// Returns how many were posted. That is less than there were when one could not be: then the
    /// error is for the next call to find, and the messages from that one on were not posted. If
    /// there is no room for all, those that fit are published before it waits.
    ///
    /// What the iterator has yielded stays hidden from the peer until then. So an iterator must not
    /// wait for the peer to receive or answer a message of the same batch: it would wait for ever.
    /// Post what the peer is to answer in a batch of its own.
    ///
    /// # Errors
    ///
    /// Those of [`post_message`](Self::post_message), if not even the first message was posted.
    ///
    /// # Panics
    ///
    /// As [`post_message`](Self::post_message), or if the iterator panics; what was accepted
    /// before was posted.
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
        Out: 'm,
    {
        self.sender.post_batch(messages, self.receiver.standing())
    }

    /// Posts an archive that was made elsewhere, as it is: from a file, a socket, or what
    /// [`MessageRef::as_bytes`] gave at another port. Waits for room if there is none.
    ///
    /// The bytes are checked here and copied once, into the ring; they need no alignment. Where
    /// they are not aligned to 16 bytes and do not fit into the ring at once, another copy of them
    /// is checked. Its memory is used again for the next ones, and shrinks once 64 messages in a row
    /// needed less than a quarter of it; up to 16 KiB stay.
    ///
    /// The archive must be in the format of this program: features of rkyv's decide about the
    /// width of offsets, the order of bytes and alignment.
    ///
    /// The check makes reading in place sound. It cannot make [`deserialize`] so, if `Out` has
    /// shared pointers (`Rc`, `Arc`) to values of different types with the same archived form: in a
    /// crafted archive two of these can share an address, and rkyv 0.8.18 then makes two owners of
    /// different types for one allocation, which is undefined behaviour. For such a type post
    /// archives only from where you trust.
    ///
    /// [`deserialize`]: crate::MessageRef::deserialize
    ///
    /// # Errors
    ///
    /// `TooLarge` if there are more bytes than an archive may have here, before anything else is
    /// looked at; `DataClone` if they are no valid archive of an `Out`; otherwise those of
    /// [`post_message`](Self::post_message).
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
    pub fn post_archived(&mut self, archive: &[u8]) -> Result<(), PostError> {
        self.sender.post_bytes(archive, self.receiver.standing())
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
    /// # Panics
    ///
    /// Panics instead of waiting for ever
    /// [where there is no other thread](crate::WaitStrategy#where-there-is-no-other-thread).
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

    /// Receives the next message, waiting for one until `deadline`; any `Instant` will do. A
    /// message that is there is received even if the deadline has passed.
    ///
    /// For several calls that share one deadline. In a task,
    /// [`recv_async_until`](Self::recv_async_until) takes a timer of the runtime.
    ///
    /// # Errors
    ///
    /// `Timeout` if none came in time; otherwise those of [`recv`](Self::recv).
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
    ) -> Result<MessageRef<'_, In>, RecvTimeoutError> {
        self.receiver.recv_deadline(deadline)
    }

    /// Looks at the next message, if there is one, and leaves it: the next call that receives gets
    /// it. Never waits.
    ///
    /// The message counts as waiting ([`len`](Self::len)), and as undelivered if this port is closed
    /// before it is received. The archive is checked here and once more when it is received.
    ///
    /// # Errors
    ///
    /// Those of [`try_recv`](Self::try_recv). After `InvalidArchive` the message is still there: the
    /// next call that receives reports it again, and skips it.
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
    pub fn peek(&mut self) -> Result<PeekRef<'_, In>, TryRecvError> {
        self.receiver.peek()
    }

    /// Receives up to `limit` messages that are there now, and gives their bytes back to the
    /// sender together. Never waits.
    ///
    /// Returns how many there were. What arrives after the call began is left for the next one, even
    /// if `f` itself has it posted. A message that was spilled ends a batch, or starts one.
    ///
    /// # Errors
    ///
    /// Those of [`try_recv`](Self::try_recv), if there was not even one message. With a limit of
    /// zero there is nothing to fail.
    ///
    /// # Panics
    ///
    /// Only if `f` panics; the messages up to that one are received.
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
    ) -> Result<usize, TryRecvError> {
        self.receiver.recv_batch(limit, f)
    }
}
