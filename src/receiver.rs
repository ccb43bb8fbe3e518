//! The receiving half of a port.

mod tasks;

use std::cell::Cell;
use std::marker::PhantomData;
use std::ptr::NonNull;
use std::time::Duration;

use crate::archive::{self, Known};
use crate::error::{RecvError, RecvTimeoutError, TryRecvError};
use crate::incoming::{Incoming, Next};
use crate::insight::event;
use crate::message::{Message, MessageRef, Typed};
use crate::outgoing::Standing;
use crate::ring::{Frame, Layout, Payload};
use crate::sync::CachePadded;
use crate::wait::{Budget, Deadline, TimedOut};
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
    /// On cache lines of its own: the two ends of a channel may lie side by side.
    incoming: CachePadded<Incoming>,
    /// Whether archives are received without a check. Set through an `unsafe` function only.
    trusted: bool,
    /// Used by the check of archives.
    known: Known,
    budget: Budget,
    values: Typed<In>,
    not_sync: PhantomData<Cell<()>>,
}

impl<In> Receiver<In> {
    /// # Safety
    ///
    /// If `trusted`, everything that is posted to `incoming` is a valid archive of an `In`.
    pub(crate) unsafe fn new(incoming: Incoming, trusted: bool) -> Self {
        Self {
            incoming: CachePadded::new(incoming),
            trusted,
            known: Known::default(),
            budget: Budget::default(),
            values: PhantomData,
            not_sync: PhantomData,
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

    /// Whether the peer's sending half was dropped; what it posted before can still be received.
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

    /// How the sending half stands that whoever has this half has, too.
    #[inline]
    pub(crate) fn standing(&self) -> Standing {
        Standing::Port { link: self.incoming.link().address(), side: self.incoming.side() }
    }

    /// Whether the channel was closed or the peer will post no more.
    pub(crate) fn has_ended(&self) -> bool {
        self.incoming.link().has_ended(self.incoming.side())
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
        if let Some(frame) = self.incoming.ready(const { archive::layout::<In>() }) {
            return Ok(self.take(frame)?);
        }
        match self.incoming.wait_next(Deadline::Within(timeout)) {
            Ok(next) => Ok(self.receive(next)?),
            Err(TimedOut) => Err(RecvTimeoutError::Timeout),
        }
    }

    /// Receives up to `limit` messages that are there now; see
    /// [`MessagePort::recv_batch`](crate::MessagePort::recv_batch).
    ///
    /// # Errors
    ///
    /// Those of [`TryRecvError`], if there was not even one message.
    ///
    /// # Examples
    ///
    /// ```
    /// use message_port::MessageChannel;
    ///
    /// let MessageChannel { mut port1, mut port2 } = MessageChannel::<u64>::new();
    /// port1.post_messages(&[1, 2, 3])?;
    /// assert_eq!(port2.split_mut().1.recv_batch(10, |number| println!("{number}"))?, 3);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn recv_batch(
        &mut self,
        limit: usize,
        mut f: impl FnMut(&Archived<In>),
    ) -> Result<usize, TryRecvError> {
        if limit == 0 {
            return Ok(0);
        }
        // What arrives from now on is left for the next call: a sender that keeps posting, or `f`
        // itself, must not keep this one going. One that arrives just now may be the first.
        let limit = self.incoming.len_up_to(limit).max(1);
        // The first message may be of any kind, or an error; the others are the common kind.
        f(&*self.try_recv()?);
        let mut received = 1;
        let trusted = self.trusted;
        let layout = const { archive::layout::<In>() };
        let mut batch = self.incoming.batch();
        while received < limit {
            let Some(frame) = batch.ready(layout) else { break };
            if let Layout::Blocks(shape) = layout {
                let known = &mut self.known;
                // SAFETY: the payload keeps the bytes readable and unwritten while its root is in
                // use; `new` was promised that whoever set `trusted` vouches for the archives.
                let check = |payload: &Payload| unsafe {
                    archive::root::<In>(payload.as_ptr(), trusted, known).ok()
                };
                // SAFETY: the message is in hand until the batch is dropped, or takes more.
                let deliver = |root: NonNull<Archived<In>>| f(unsafe { root.as_ref() });
                let (taken, goes_on) =
                    batch.take_from_blocks(shape, limit - received, check, deliver);
                received += taken;
                if !goes_on {
                    break;
                }
                continue;
            }
            let payload = batch.payload(layout, frame);
            // SAFETY: the payload keeps the bytes readable and unwritten; `new` was promised that
            // whoever set `trusted` vouches for the archives.
            let root = unsafe { archive::root::<In>(payload.as_ptr(), trusted, &mut self.known) };
            let Ok(root) = root else {
                // It is for the next call to report.
                break;
            };
            if !batch.claim(layout, frame, payload.as_ptr().len()) {
                break;
            }
            received += 1;
            // SAFETY: the payload keeps the archive in place.
            f(unsafe { root.as_ref() });
        }
        Ok(received)
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
        // Checked before it is held: there is nothing to clean up then in the common case, and a
        // check that panics leaves the message to be released with the next one.
        // SAFETY: the payload keeps the bytes readable and unwritten, and they are aligned as every
        // payload; `new` was promised that whoever set `trusted` vouches for the archives.
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
}
