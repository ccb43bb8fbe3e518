//! The receiving half of a port.

mod batch;
mod owned;
mod tasks;
mod wanted;

pub(crate) use wanted::{Verdict, Wants};

use std::cell::Cell;
use std::marker::PhantomData;
use std::ptr::NonNull;
use std::time::{Duration, Instant};

use crate::archive::{self, Known, Message, Typed};
use crate::error::{RecvError, RecvTimeoutError, TryRecvError};
use crate::half::incoming::{Incoming, Next};
use crate::half::outgoing::Standing;
use crate::half::{MessageRef, PeekRef};
use crate::insight::event;
use crate::link::wait::{Budget, Deadline, TimedOut};
use crate::ring::{Frame, Payload};
use crate::sync::CachePadded;
use rkyv::Archived;

/// The receiving half of a [`MessagePort`](crate::MessagePort).
///
/// `Send`, not `Sync`, not `Clone`: each direction has one consumer.
///
/// # Examples
///
/// ```
/// use message_port::MessageChannel;
///
/// let MessageChannel { mut port1, port2 } = MessageChannel::<u64>::new();
/// let (sender, mut receiver) = port2.into_split();
/// port1.post_message(&7)?;
/// assert_eq!(*receiver.recv()?, 7);
/// drop(sender);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Receiver<In> {
    incoming: Incoming,
    /// Whether archives are received without a check. Set only through an `unsafe` function.
    trusted: bool,
    /// What the check of archives keeps from one message to the next.
    known: Known,
    budget: Budget,
    values: Typed<In>,
    not_sync: PhantomData<Cell<()>>,
    /// On cache lines of its own: the two halves of a port may lie side by side.
    _alone: CachePadded<()>,
}

impl<In> Receiver<In> {
    /// # Safety
    ///
    /// If `trusted`, everything posted to `incoming` is a valid archive of an `In`.
    pub(crate) unsafe fn new(incoming: Incoming, trusted: bool) -> Self {
        Self {
            incoming,
            trusted,
            known: Known::default(),
            budget: Budget::default(),
            values: PhantomData,
            not_sync: PhantomData,
            _alone: CachePadded::new(()),
        }
    }

    pub(crate) fn incoming(&self) -> &Incoming {
        &self.incoming
    }

    pub(crate) fn incoming_mut(&mut self) -> &mut Incoming {
        &mut self.incoming
    }

    /// Ends the channel for both ports; see [`MessagePort::close`](crate::MessagePort::close).
    ///
    /// # Examples
    ///
    /// ```
    /// use message_port::MessageChannel;
    ///
    /// let MessageChannel { mut port1, port2 } = MessageChannel::<u64>::new();
    /// let (_sender, mut receiver) = port2.into_split();
    /// receiver.close();
    /// assert!(port1.post_message(&7).unwrap_err().is_closed());
    /// ```
    pub fn close(&mut self) {
        self.incoming.link().close(self.incoming.side());
    }

    /// Whether one of the ports called `close()`.
    ///
    /// # Examples
    ///
    /// ```
    /// use message_port::MessageChannel;
    ///
    /// let MessageChannel { mut port1, mut port2 } = MessageChannel::<u64>::new();
    /// let (_sender, receiver) = port1.split_mut();
    /// port2.close();
    /// assert!(receiver.is_closed());
    /// ```
    pub fn is_closed(&self) -> bool {
        self.incoming.link().state.ended().is_closed()
    }

    /// Whether the peer's sending half was dropped; messages posted before can still be received.
    ///
    /// # Examples
    ///
    /// ```
    /// use message_port::MessageChannel;
    ///
    /// let MessageChannel { mut port1, port2 } = MessageChannel::<u64>::new();
    /// let (_sender, receiver) = port1.split_mut();
    /// drop(port2);
    /// assert!(receiver.is_disconnected());
    /// ```
    pub fn is_disconnected(&self) -> bool {
        self.incoming.is_disconnected()
    }

    /// The standing of a sending half whose owner also has this half.
    #[inline]
    pub(crate) fn standing(&self) -> Standing {
        Standing::Port { link: self.incoming.link().address(), side: self.incoming.side() }
    }

    /// Records that no message is in hand together with the port's sending half.
    pub(crate) fn has_no_target(&mut self) {
        self.incoming.link().target(self.incoming.side()).set(0);
    }

    /// Whether the channel was closed or the peer will not post any more.
    pub(crate) fn has_ended(&self) -> bool {
        self.incoming.link().has_ended(self.incoming.side())
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
    /// let MessageChannel { mut port1, mut port2 } = MessageChannel::<u64>::new();
    /// port1.post_message(&7)?;
    /// assert_eq!(port2.split_mut().1.len(), 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn len(&self) -> usize {
        self.incoming.len()
    }

    /// Whether no message is waiting to be received here.
    ///
    /// # Examples
    ///
    /// ```
    /// use message_port::MessageChannel;
    ///
    /// let MessageChannel { mut port1, .. } = MessageChannel::<u64>::new();
    /// assert!(port1.split_mut().1.is_empty());
    /// ```
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl<In: Message> Receiver<In> {
    /// Receives a message, waiting for one; see [`MessagePort::recv`](crate::MessagePort::recv).
    ///
    /// # Errors
    ///
    /// Those of [`RecvError`].
    ///
    /// # Panics
    ///
    /// As [`MessagePort::recv`](crate::MessagePort::recv).
    ///
    /// # Examples
    ///
    /// ```
    /// use message_port::MessageChannel;
    ///
    /// let MessageChannel { mut port1, mut port2 } = MessageChannel::<u64>::new();
    /// port1.post_message(&7)?;
    /// assert_eq!(*port2.split_mut().1.recv()?, 7);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[inline(always)]
    pub fn recv(&mut self) -> Result<MessageRef<'_, In>, RecvError> {
        if let Some(frame) = self.incoming.ready(const { archive::layout::<In>() }) {
            return Ok(self.take(frame)?);
        }
        match self.incoming.wait_next(Deadline::Never) {
            Ok(next) => self.receive(next),
            Err(TimedOut) => unreachable!("a wait without a deadline timed out"),
        }
    }

    /// Receives a message if there is one; see
    /// [`MessagePort::try_recv`](crate::MessagePort::try_recv).
    ///
    /// # Errors
    ///
    /// Those of [`TryRecvError`].
    ///
    /// # Examples
    ///
    /// ```
    /// use message_port::MessageChannel;
    ///
    /// let MessageChannel { mut port1, .. } = MessageChannel::<u64>::new();
    /// assert!(port1.split_mut().1.try_recv().is_err());
    /// ```
    #[inline(always)]
    pub fn try_recv(&mut self) -> Result<MessageRef<'_, In>, TryRecvError> {
        match self.incoming.next(const { archive::layout::<In>() }) {
            Next::Message(frame) => Ok(self.take(frame)?),
            Next::Empty => Err(TryRecvError::Empty),
            Next::Closed => Err(TryRecvError::Closed),
            Next::Disconnected => Err(TryRecvError::Disconnected),
        }
    }

    /// Receives a message, waiting for one at most `timeout`; see
    /// [`MessagePort::recv_timeout`](crate::MessagePort::recv_timeout).
    ///
    /// # Errors
    ///
    /// Those of [`RecvTimeoutError`].
    ///
    /// # Examples
    ///
    /// ```
    /// use message_port::MessageChannel;
    /// use std::time::Duration;
    ///
    /// let MessageChannel { mut port1, mut port2 } = MessageChannel::<u64>::new();
    /// port1.post_message(&7)?;
    /// assert_eq!(*port2.split_mut().1.recv_timeout(Duration::ZERO)?, 7);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[inline(always)]
    pub fn recv_timeout(
        &mut self,
        timeout: Duration,
    ) -> Result<MessageRef<'_, In>, RecvTimeoutError> {
        self.recv_by(Deadline::Within(timeout))
    }

    /// Receives a message, waiting for one until `deadline`; see
    /// [`MessagePort::recv_deadline`](crate::MessagePort::recv_deadline).
    ///
    /// # Errors
    ///
    /// Those of [`RecvTimeoutError`].
    ///
    /// # Examples
    ///
    /// ```
    /// use message_port::MessageChannel;
    /// use std::time::Instant;
    ///
    /// let MessageChannel { mut port1, mut port2 } = MessageChannel::<u64>::new();
    /// port1.post_message(&7)?;
    /// assert_eq!(*port2.split_mut().1.recv_deadline(Instant::now())?, 7);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[inline(always)]
    pub fn recv_deadline(
        &mut self,
        deadline: Instant,
    ) -> Result<MessageRef<'_, In>, RecvTimeoutError> {
        self.recv_by(Deadline::At(deadline))
    }

    #[inline(always)]
    fn recv_by(&mut self, deadline: Deadline<'_>) -> Result<MessageRef<'_, In>, RecvTimeoutError> {
        if let Some(frame) = self.incoming.ready(const { archive::layout::<In>() }) {
            return Ok(self.take(frame)?);
        }
        match self.incoming.wait_next(deadline) {
            Ok(next) => Ok(self.receive(next)?),
            Err(TimedOut) => Err(RecvTimeoutError::Timeout),
        }
    }

    /// Looks at the next message and leaves it in the channel; see
    /// [`MessagePort::peek`](crate::MessagePort::peek).
    ///
    /// # Errors
    ///
    /// Those of [`TryRecvError`].
    ///
    /// # Examples
    ///
    /// ```
    /// use message_port::MessageChannel;
    ///
    /// let MessageChannel { mut port1, mut port2 } = MessageChannel::<u64>::new();
    /// port1.post_message(&7)?;
    /// let (_, receiver) = port2.split_mut();
    /// assert_eq!(*receiver.peek()?, 7);
    /// assert_eq!(*receiver.recv()?, 7);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn peek(&mut self) -> Result<PeekRef<'_, In>, TryRecvError> {
        let Self { incoming, trusted, known, .. } = self;
        let looked = incoming.peek().map_err(|next| match next {
            Next::Message(_) => unreachable!("a message is looked at"),
            Next::Empty => TryRecvError::Empty,
            Next::Closed => TryRecvError::Closed,
            Next::Disconnected => TryRecvError::Disconnected,
        })?;
        // SAFETY: the look keeps the bytes readable and unwritten, and they are aligned like every
        // payload; whoever set `trusted` vouches for the archives, as `new` was promised.
        let root = unsafe { archive::root::<In>(looked.bytes(), *trusted, known) }?;
        // SAFETY: the root was just found in the bytes.
        Ok(unsafe { PeekRef::new(looked, root) })
    }

    /// Takes what comes next, if it is a message.
    fn receive(&mut self, next: Next) -> Result<MessageRef<'_, In>, RecvError> {
        match next {
            Next::Message(frame) => Ok(self.take(frame)?),
            Next::Disconnected => Err(RecvError::Disconnected),
            Next::Closed => Err(RecvError::Closed),
            Next::Empty => unreachable!("waiting does not end with nothing"),
        }
    }

    /// Takes the message that was found; an invalid one is skipped.
    #[inline(always)]
    pub(crate) fn take(
        &mut self,
        frame: Frame,
    ) -> Result<MessageRef<'_, In>, crate::InvalidArchiveError> {
        let payload = self.incoming.take(const { archive::layout::<In>() }, frame);
        // Checked before it is held: in the common case there is then nothing to clean up, and a
        // check that panics leaves the message to be released with the next one.
        // SAFETY: the payload keeps the bytes readable and unwritten, and they are aligned like every
        // payload; whoever set `trusted` vouches for the archives, as `new` was promised.
        match unsafe { archive::root::<In>(payload.as_ptr(), self.trusted, &mut self.known) } {
            // SAFETY: the root was just found in the payload.
            Ok(root) => Ok(unsafe { MessageRef::new(self.incoming.hold(payload), root) }),
            Err(error) => {
                self.incoming.reject(payload);
                event!(
                    warn,
                    channel = self.incoming.link().channel,
                    port = self.incoming.side().number(),
                    %error,
                    "invalid archive"
                );
                Err(error)
            }
        }
    }

    /// Takes messages until one is wanted; `None` if the deadline comes first. The message must be
    /// [held](Self::hold) at once: the next call that receives gives its bytes back.
    #[inline(always)]
    fn find<W: Wants<In>>(
        &mut self,
        deadline: Deadline<'_>,
        wants: &mut W,
    ) -> Result<Option<Found<In>>, W::Stop> {
        let layout = const { archive::layout::<In>() };
        loop {
            let frame = match self.incoming.ready(layout) {
                Some(frame) => frame,
                None => match self.next_before(deadline)? {
                    Some(frame) => frame,
                    None => return Ok(None),
                },
            };
            let payload = self.incoming.take(layout, frame);
            wants.taken();
            let archive = payload.as_ptr();
            // SAFETY: as in `take`.
            let verdict =
                match unsafe { archive::root::<In>(archive, self.trusted, &mut self.known) } {
                    Ok(root) => {
                        // SAFETY: the payload keeps the archive in place until it is released below.
                        let message = unsafe { root.as_ref() };
                        // SAFETY: as for the message: `archive` is the bytes that it lies in.
                        let bytes = unsafe { archive.as_ref() };
                        match wants.look(message, bytes) {
                            Verdict::Take => return Ok(Some(Found { payload, root })),
                            Verdict::Pass => None,
                            Verdict::Stop(stop) => Some(stop),
                        }
                    }
                    Err(error) => wants.invalid(error),
                };
            self.incoming.reject(payload);
            if let Some(stop) = verdict {
                return Err(stop);
            }
        }
    }

    /// What comes next, if it is a message and arrives before the deadline.
    #[cold]
    fn next_before(&mut self, deadline: Deadline<'_>) -> Result<Option<Frame>, RecvError> {
        self.incoming.set_in_task(deadline.task().is_some());
        let next = self.incoming.wait_next(deadline);
        self.incoming.set_in_task(false);
        match next {
            Ok(Next::Message(frame)) => Ok(Some(frame)),
            Ok(Next::Disconnected) => Err(RecvError::Disconnected),
            Ok(Next::Closed) => Err(RecvError::Closed),
            Ok(Next::Empty) => unreachable!("waiting does not end with nothing"),
            Err(TimedOut) => Ok(None),
        }
    }

    /// Wraps the message that [`find`](Self::find) has just found in a guard.
    #[inline(always)]
    fn hold(&mut self, found: Found<In>) -> MessageRef<'_, In> {
        // SAFETY: the root was found in the payload, and nothing has released that: the methods
        // that find a message hold it before they receive anything else.
        unsafe { MessageRef::new(self.incoming.hold(found.payload), found.root) }
    }
}

/// A message that was taken and has no guard yet.
struct Found<In: Message> {
    payload: Payload,
    root: NonNull<Archived<In>>,
}
