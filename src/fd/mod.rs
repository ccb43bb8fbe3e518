//! A port with a file descriptor, for loops that wait for descriptors.

#![allow(clippy::disallowed_types, reason = "`std::task::Wake` asks for the standard `Arc`")]

mod error;
mod eventfd;

pub use error::WithFdError;

use std::fmt;
use std::ops::{Deref, DerefMut};
#[cfg(not(message_port_loom))]
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd};
use std::sync::{Arc, Weak};
use std::task::{Wake, Waker};

use crate::select::Selectable;
use crate::sync::order::{Mutant, active};
use eventfd::EventFd;

/// A port or a receiver with a file descriptor that is readable when there is something to receive,
/// for programs around `epoll`, mio or the loop of a GUI. With the feature `fd`, on Linux.
///
/// It dereferences to the port, and is used like it. The descriptor is an `eventfd` of its own; it
/// says only *that* there is something, and messages do not pass through it.
///
/// # Protocol
///
/// A post costs the same with or without a descriptor, unless somebody waits for the descriptor. So
/// [arm](Self::arm) it before each wait:
///
/// 1. Receive until `try_recv` returns `Empty`.
/// 2. [`arm`](Self::arm). This makes the descriptor unreadable; the next message, or the end of the
///    channel, makes it readable again. If one of these is there already, the descriptor is
///    readable at once and `arm` returns `true`: go on with 1, or wait all the same.
/// 3. Wait until the descriptor is readable, level- or edge-triggered, beside others.
/// 4. Go on with 1.
///
/// Nobody else needs to read the descriptor, and nobody may write to it.
///
/// - **Readable without a message.** This happens, as with any descriptor: a wake-up may come late,
///   or another wait at the port may have taken the message. `try_recv` then returns `Empty`.
/// - **Not armed.** Until `arm` is called again, a readable descriptor stays readable and an
///   unreadable one stays unreadable. If `arm` is left out, nobody is woken.
/// - **Other waits.** Any later wait at the port replaces `arm`: `recv` on an empty channel,
///   `recv_timeout`, `recv_async`, `poll_recv`. Arm again afterwards.
/// - **The end.** The end of the channel makes the descriptor readable, behind the last message;
///   `try_recv` then says how it ended. From then on `arm` returns `true`, so take the port out of
///   the loop.
/// - **Handlers.** In step 1, `dispatch` may take the place of receiving. Messages that wait for a
///   handler count as something to receive: `arm` returns `true` until they have one.
/// - **Dropping** it drops the port and closes the descriptor. An `epoll` forgets the descriptor by
///   itself unless it was duplicated.
///
/// One descriptor serves one port. For many ports, an [`EventLoop`](crate::EventLoop) with a
/// [hook](crate::EventLoop::set_wake_hook) that writes to an `eventfd` needs only that one.
///
/// # Examples
///
/// With `poll` instead of a loop:
///
/// ```
/// use message_port::{MessageChannel, TryRecvError, WithFd};
/// use rustix::event::{PollFd, PollFlags, poll};
///
/// let MessageChannel { mut port1, port2 } = MessageChannel::<u64>::new();
/// let mut port2 = WithFd::new(port2)?;
/// let poster = std::thread::spawn(move || port1.post_message(&7)); // and drops the port
///
/// let mut numbers = Vec::new();
/// let end = loop {
///     match port2.try_recv().map(|number| number.to_native()) {
///         Ok(number) => numbers.push(number),
///         Err(TryRecvError::Empty) => {
///             port2.arm();
///             poll(&mut [PollFd::new(&port2, PollFlags::IN)], None)?;
///         }
///         Err(end) => break end,
///     }
/// };
/// assert_eq!(numbers, [7]);
/// assert!(end.is_disconnected());
/// poster.join().unwrap()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct WithFd<P> {
    /// Dropped first: that drops the waker.
    port: P,
    fd: Arc<EventFd>,
    /// A [`Signal`].
    waker: Waker,
}

/// Makes the descriptor readable, unless it was closed.
///
/// It keeps no descriptor open: the owner's drop closes it, even if somebody still has the waker.
/// Nor does it block: the thread that posts calls it.
struct Signal(Weak<EventFd>);

impl Wake for Signal {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if let Some(fd) = self.0.upgrade() {
            fd.signal();
        }
    }
}

impl<P: Selectable> WithFd<P> {
    /// Makes a descriptor for a port. At first it is neither readable nor armed.
    ///
    /// The descriptor is close-on-exec and does not block.
    ///
    /// # Errors
    ///
    /// If the system has no descriptor left. The error gives the port back; `?` turns it into an
    /// [`std::io::Error`] and drops the port.
    ///
    /// # Examples
    ///
    /// ```
    /// use message_port::{MessageChannel, WithFd};
    ///
    /// let port = WithFd::new(MessageChannel::<u64>::new().port1)?;
    /// assert!(port.is_disconnected());
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn new(port: P) -> Result<Self, WithFdError<P>> {
        match EventFd::new() {
            Ok(fd) => {
                let fd = Arc::new(fd);
                let waker = Waker::from(Arc::new(Signal(Arc::downgrade(&fd))));
                Ok(Self { port, fd, waker })
            }
            Err(error) => Err(WithFdError::new(error, port)),
        }
    }

    /// Makes the descriptor unreadable; the next message, or the end of the channel, makes it
    /// readable again. Returns `true`, with the descriptor readable, if one of these is there
    /// already.
    ///
    /// Never blocks. Costs a system call or two.
    ///
    /// # Examples
    ///
    /// ```
    /// use message_port::{MessageChannel, WithFd};
    ///
    /// let MessageChannel { mut port1, port2 } = MessageChannel::<u64>::new();
    /// let mut port2 = WithFd::new(port2)?;
    /// assert!(!port2.arm());
    /// port1.post_message(&7)?; // makes it readable
    /// assert!(port2.arm(), "there is something, and it still is");
    /// assert_eq!(*port2.try_recv()?, 7);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn arm(&mut self) -> bool {
        // Before the port is looked at: what comes from now on makes the descriptor readable again.
        if !active(Mutant::LateDrain) {
            self.fd.drain();
        }
        let is_ready = self.port.has_news() || self.port.wake_for_news(&self.waker);
        if active(Mutant::LateDrain) {
            self.fd.drain();
        }
        if is_ready {
            self.fd.signal();
        }
        is_ready
    }

    /// Returns the port and closes the descriptor.
    ///
    /// # Examples
    ///
    /// ```
    /// use message_port::{MessageChannel, WithFd};
    ///
    /// let MessageChannel { mut port1, port2 } = MessageChannel::<u64>::new();
    /// let mut port2 = WithFd::new(port2)?.into_inner();
    /// port1.post_message(&7)?;
    /// assert_eq!(*port2.recv()?, 7);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn into_inner(mut self) -> P {
        self.port.forget_task();
        self.port
    }

    /// Waits until the descriptor is readable, since a model has no `epoll`.
    #[cfg(message_port_loom)]
    #[doc(hidden)]
    pub fn wait_readable(&self) {
        self.fd.wait_readable();
    }
}

impl<P> Deref for WithFd<P> {
    type Target = P;

    fn deref(&self) -> &P {
        &self.port
    }
}

impl<P> DerefMut for WithFd<P> {
    fn deref_mut(&mut self) -> &mut P {
        &mut self.port
    }
}

#[cfg(not(message_port_loom))]
impl<P> AsFd for WithFd<P> {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

#[cfg(not(message_port_loom))]
impl<P> AsRawFd for WithFd<P> {
    fn as_raw_fd(&self) -> RawFd {
        self.as_fd().as_raw_fd()
    }
}

impl<P: fmt::Debug> fmt::Debug for WithFd<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WithFd").field("port", &self.port).finish_non_exhaustive()
    }
}
