//! Failures of handlers.

use std::any::Any;
use std::fmt;
use std::sync::{Mutex, PoisonError};

use thiserror::Error;

use super::{BoxError, Contained, InvalidArchiveError};

/// The payload of a handler's panic.
///
/// If the payload's own drop panics, the panic hook runs, but nothing unwinds.
/// [`into_inner`](Self::into_inner) returns the bare payload.
///
/// # Examples
///
/// ```
/// use message_port::{HandlerError, MessageChannel};
///
/// let MessageChannel { mut port1, mut port2 } = MessageChannel::<u64>::new();
/// port2.set_onmessage(|_| panic!("boom"));
/// port2.set_onmessageerror(|event| {
///     let HandlerError::Panicked(panic) = event.error() else { unreachable!() };
///     assert_eq!(panic.message(), "boom");
/// });
/// port1.post_message(&7)?;
/// port2.dispatch()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct PanicPayload(Mutex<Contained<Box<dyn Any + Send>>>);

impl PanicPayload {
    pub(crate) fn new(payload: Box<dyn Any + Send>) -> Self {
        Self(Mutex::new(Contained::new(payload)))
    }

    /// The text of the panic, if it has one.
    ///
    /// # Examples
    ///
    /// See [`PanicPayload`].
    pub fn message(&self) -> String {
        let payload = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(text) = payload.downcast_ref::<&str>() {
            (*text).to_owned()
        } else if let Some(text) = payload.downcast_ref::<String>() {
            text.clone()
        } else {
            "a panic without a text".to_owned()
        }
    }

    /// Returns the payload, to go on unwinding with [`std::panic::resume_unwind`].
    ///
    /// # Examples
    ///
    /// ```should_panic
    /// use message_port::{DispatchError, HandlerError, MessageChannel};
    ///
    /// let MessageChannel { mut port1, mut port2 } = MessageChannel::<u64>::new();
    /// port2.set_onmessage(|_| panic!("boom"));
    /// port1.post_message(&7)?;
    /// if let Err(DispatchError::Message(HandlerError::Panicked(panic))) = port2.dispatch() {
    ///     std::panic::resume_unwind(panic.into_inner());
    /// }
    /// # Ok::<(), message_port::PostError>(())
    /// ```
    pub fn into_inner(self) -> Box<dyn Any + Send> {
        self.0.into_inner().unwrap_or_else(PoisonError::into_inner).into_inner()
    }
}

impl fmt::Debug for PanicPayload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("PanicPayload").field(&self.message()).finish()
    }
}

/// Why a message could not be handled; a `messageerror` event carries it.
///
/// # Examples
///
/// ```
/// use message_port::{HandlerError, MessageChannel};
///
/// let MessageChannel { mut port1, mut port2 } = MessageChannel::<u64>::new();
/// port2.set_onmessage(|_| Err("not today"));
/// port2.set_onmessageerror(|event| {
///     assert!(matches!(event.error(), HandlerError::Returned(_)));
///     assert_eq!(event.error().to_string(), "the message handler failed: not today");
/// });
/// port1.post_message(&7)?;
/// assert_eq!(port2.dispatch()?, 2);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum HandlerError {
    /// The handler returned this error.
    #[error("the message handler failed: {0}")]
    Returned(#[source] BoxError),
    /// The handler panicked.
    #[error("the message handler panicked: {}", .0.message())]
    Panicked(PanicPayload),
    /// The message did not reach the handler: it is no archive of the expected type.
    #[error(transparent)]
    InvalidArchive(#[from] InvalidArchiveError),
}

/// A failure that no handler took care of.
///
/// The event was consumed and the port stays usable: the next
/// [`dispatch`](crate::MessagePort::dispatch) or [`run`](crate::MessagePort::run) goes on with the
/// next event.
///
/// # Examples
///
/// ```
/// use message_port::{DispatchError, MessageChannel};
///
/// let MessageChannel { mut port1, mut port2 } = MessageChannel::<u64>::new();
/// port2.set_onmessage(|_| Err("not today"));
/// port1.post_message(&7)?;
/// assert!(matches!(port2.dispatch(), Err(DispatchError::Message(_))));
/// assert_eq!(port2.dispatch()?, 0);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum DispatchError {
    /// A message could not be handled, and there is no `messageerror` handler.
    #[error(transparent)]
    Message(HandlerError),
    /// The `messageerror` handler returned an error.
    #[error("the messageerror handler failed: {0}")]
    MessageError(#[source] BoxError),
    /// The `close` handler returned an error.
    #[error("the close handler failed: {0}")]
    Close(#[source] BoxError),
}
