//! The error of an event loop.

use super::PortId;
use crate::error::DispatchError;

/// A failure that no handler took care of, at one of a loop's ports.
///
/// # Examples
///
/// ```
/// use message_port::{EventLoop, MessageChannel};
///
/// let MessageChannel { mut port1, mut port2 } = MessageChannel::<u64>::new();
/// port2.set_onmessage(|_| Err("not today"));
/// let mut events = EventLoop::new();
/// let id = events.add(port2);
/// port1.post_message(&7)?;
/// let error = events.run_once(None).unwrap_err();
/// assert_eq!(error.port(), id);
/// assert_eq!(error.to_string(), "the message handler failed: not today");
/// # Ok::<(), message_port::PostError>(())
/// ```
#[derive(Debug, thiserror::Error)]
#[error("{error}")]
pub struct EventLoopError {
    pub(super) port: PortId,
    #[source]
    pub(super) error: DispatchError,
}

impl EventLoopError {
    /// The port whose handler failed. It stays in the loop.
    ///
    /// # Examples
    ///
    /// See [`EventLoopError`].
    pub fn port(&self) -> PortId {
        self.port
    }

    /// The failure itself.
    ///
    /// # Examples
    ///
    /// ```
    /// use message_port::{DispatchError, EventLoop, MessageChannel};
    ///
    /// let MessageChannel { mut port1, mut port2 } = MessageChannel::<u64>::new();
    /// port2.set_onmessage(|_| Err("not today"));
    /// let mut events = EventLoop::new();
    /// events.add(port2);
    /// port1.post_message(&7)?;
    /// let error = events.run_once(None).unwrap_err();
    /// assert!(matches!(error.into_inner(), DispatchError::Message(_)));
    /// # Ok::<(), message_port::PostError>(())
    /// ```
    pub fn into_inner(self) -> DispatchError {
        self.error
    }
}
