//! The posting half of a port.

mod batch;
mod borrowed;
mod ended;
mod lend;
mod raw;
mod tasks;

pub use lend::PostAs;

#[allow(unreachable_pub, reason = "they stand in a hidden function of a public trait")]
pub use borrowed::{Borrowed, Verdict};

use std::cell::Cell;
use std::marker::PhantomData;
use std::ptr;
use std::time::{Duration, Instant};

use super::close_event::CloseEvent;
use crate::archive::{self, Message, Scratch, Typed};
use crate::error::{PostError, PostTimeoutError, TryPostError};
use crate::half::outgoing::{Manner, Outgoing, Refusal, Standing};
use crate::link::wait::{Budget, Deadline};
use crate::sync::CachePadded;

/// Turns a refusal into a public error.
macro_rules! refused {
    ($refusal:expr, $error:ident, $timed_out:expr, $would_deadlock:expr) => {
        match $refusal {
            Refusal::TimedOut => $timed_out,
            Refusal::WouldDeadlock => $would_deadlock,
            Refusal::Closed => $error::Closed,
            Refusal::Disconnected => $error::Disconnected,
            Refusal::TooLarge { needed, max } => $error::TooLarge { needed, max },
            Refusal::DataClone(error) => $error::DataClone(error),
        }
    };
}

/// The posting half of a [`MessagePort`](crate::MessagePort).
///
/// Send it to another thread than the [`Receiver`](crate::Receiver)'s with
/// [`MessagePort::into_split`](crate::MessagePort::into_split), or borrow both halves with
/// [`split_mut`](crate::MessagePort::split_mut). A message handler gets it from
/// [`MessageEvent::target`](crate::MessageEvent::target).
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
    outgoing: Outgoing,
    scratch: Scratch,
    budget: Budget,
    /// Whether the peer receives archives without a check.
    trusted: bool,
    values: Typed<Out>,
    not_sync: PhantomData<Cell<()>>,
    /// On cache lines of its own: the two halves of a port may lie side by side.
    _alone: CachePadded<()>,
}

impl<Out> Sender<Out> {
    pub(crate) fn new(outgoing: Outgoing, trusted: bool) -> Self {
        Self {
            outgoing,
            scratch: Scratch::default(),
            budget: Budget::default(),
            trusted,
            values: PhantomData,
            not_sync: PhantomData,
            _alone: CachePadded::new(()),
        }
    }

    pub(crate) fn outgoing(&self) -> &Outgoing {
        &self.outgoing
    }

    /// Announces that no post waits here, also on behalf of one whose future was forgotten.
    pub(crate) fn waits_no_more(&mut self) {
        self.outgoing.leave_stall();
    }

    /// Frees what nobody can read any more.
    pub(crate) fn give_back(&mut self) {
        self.outgoing.give_back();
    }

    /// The address of this half.
    #[inline(always)]
    pub(crate) fn address(&self) -> usize {
        ptr::from_ref(self).addr()
    }

    /// The standing of a half that is used by itself, outside of its port or inside a message
    /// handler.
    #[inline(always)]
    fn standing(&self) -> Standing {
        Standing::Target(self.address())
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
        self.give_back();
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

    /// Whether the peer's receiving half was dropped, so that nobody will read further posts.
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

    /// Bytes of this direction's ring; if it is [growable](crate::Builder::growable), of each of
    /// its segments.
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
    /// For a half, which has no events, this replaces the `close` event of a whole port: it says
    /// who closed first, and how much of this half's posts the closer never read. The numbers are
    /// final.
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
        let standing = self.standing();
        self.post_waiting(message, || standing)
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
        self.post(message, Deadline::Now, || Standing::Apart).map_err(try_post_error)
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
        let standing = self.standing();
        self.post_by(message, Deadline::Within(timeout), || standing)
    }

    /// Posts a message, waiting for room until `deadline`; see
    /// [`MessagePort::post_message_deadline`](crate::MessagePort::post_message_deadline).
    ///
    /// # Errors
    ///
    /// Those of [`PostTimeoutError`].
    ///
    /// # Examples
    ///
    /// ```
    /// use message_port::MessageChannel;
    /// use std::time::Instant;
    ///
    /// let MessageChannel { mut port1, mut port2 } = MessageChannel::<u64>::new();
    /// port1.split_mut().0.post_message_deadline(&7, Instant::now())?; // there is room
    /// assert_eq!(*port2.recv()?, 7);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[inline(always)]
    pub fn post_message_deadline(
        &mut self,
        message: &Out,
        deadline: Instant,
    ) -> Result<(), PostTimeoutError> {
        let standing = self.standing();
        self.post_by(message, Deadline::At(deadline), || standing)
    }

    /// Posts many messages with one publication and one wake-up; see
    /// [`MessagePort::post_messages`](crate::MessagePort::post_messages).
    ///
    /// # Errors
    ///
    /// Those of [`PostError`], if not even the first message was posted.
    ///
    /// # Examples
    ///
    /// ```
    /// use message_port::MessageChannel;
    ///
    /// let MessageChannel { mut port1, mut port2 } = MessageChannel::<u64>::new();
    /// assert_eq!(port1.split_mut().0.post_messages(&[1, 2, 3])?, 3);
    /// assert_eq!(port2.len(), 3);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn post_messages<'m>(
        &mut self,
        messages: impl IntoIterator<Item = &'m Out>,
    ) -> Result<usize, PostError>
    where
        Out: 'm,
    {
        self.post_batch(messages, self.standing())
    }

    /// [`post_message`](Self::post_message); `standing` as in [`Manner`], called when the post has
    /// to wait.
    #[inline(always)]
    pub(crate) fn post_waiting(
        &mut self,
        message: &Out,
        standing: impl Fn() -> Standing,
    ) -> Result<(), PostError> {
        self.post(message, Deadline::Never, standing).map_err(post_error)
    }

    /// [`post_message_timeout`](Self::post_message_timeout) and
    /// [`post_message_deadline`](Self::post_message_deadline); `standing` as in [`Manner`].
    #[inline(always)]
    pub(crate) fn post_by(
        &mut self,
        message: &Out,
        deadline: Deadline<'_>,
        standing: impl Fn() -> Standing,
    ) -> Result<(), PostTimeoutError> {
        self.post(message, deadline, standing).map_err(post_timeout_error)
    }

    #[inline(always)]
    fn post(
        &mut self,
        message: &Out,
        deadline: Deadline<'_>,
        standing: impl Fn() -> Standing,
    ) -> Result<(), Refusal> {
        let manner = || Manner { deadline, standing: standing(), batched: false };
        self.post_in(message, false, manner)
    }

    #[inline(always)]
    fn post_in<'a>(
        &mut self,
        message: &Out,
        batched: bool,
        manner: impl Fn() -> Manner<'a>,
    ) -> Result<(), Refusal> {
        let scratch = &mut self.scratch;
        let (layout, length) = const { (archive::layout::<Out>(), archive::length::<Out>()) };
        self.outgoing
            .post(layout, length, batched, manner, |place| archive::write(message, place, scratch))
    }
}

/// The error of a post that does not wait.
fn try_post_error(refusal: Refusal) -> TryPostError {
    refused!(refusal, TryPostError, TryPostError::Full, TryPostError::Full)
}

/// The error of a post that has no deadline.
fn post_error(refusal: Refusal) -> PostError {
    let timed_out = || unreachable!("a post without a deadline timed out");
    refused!(refusal, PostError, timed_out(), PostError::WouldDeadlock)
}

/// The error of a post that has a deadline.
fn post_timeout_error(refusal: Refusal) -> PostTimeoutError {
    let (late, stuck) = (PostTimeoutError::Timeout, PostTimeoutError::WouldDeadlock);
    refused!(refusal, PostTimeoutError, late, stuck)
}
