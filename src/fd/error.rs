//! Why there is no descriptor.

use std::error::Error;
use std::{fmt, io};

/// Why a port did not get a file descriptor. It gives the port back.
///
/// # Examples
///
/// ```
/// use message_port::{MessagePort, WithFd};
///
/// fn with_fd(port: MessagePort<u64>) -> Result<WithFd<MessagePort<u64>>, MessagePort<u64>> {
///     WithFd::new(port).map_err(|error| {
///         eprintln!("{error}");
///         error.into_inner()
///     })
/// }
/// ```
pub struct WithFdError<P> {
    error: io::Error,
    port: P,
}

impl<P> WithFdError<P> {
    pub(super) fn new(error: io::Error, port: P) -> Self {
        Self { error, port }
    }

    /// The system's error.
    ///
    /// # Examples
    ///
    /// ```
    /// use message_port::WithFdError;
    ///
    /// fn is_worth_another_try<P>(error: &WithFdError<P>) -> bool {
    ///     error.error().kind() == std::io::ErrorKind::Interrupted
    /// }
    /// ```
    pub fn error(&self) -> &io::Error {
        &self.error
    }

    /// The port, unchanged.
    ///
    /// # Examples
    ///
    /// ```
    /// use message_port::{Receiver, WithFdError};
    ///
    /// fn read_by_hand(error: WithFdError<Receiver<u64>>) -> Receiver<u64> {
    ///     error.into_inner()
    /// }
    /// ```
    pub fn into_inner(self) -> P {
        self.port
    }
}

impl<P> From<WithFdError<P>> for io::Error {
    fn from(error: WithFdError<P>) -> Self {
        error.error
    }
}

impl<P> fmt::Display for WithFdError<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no file descriptor for the port")
    }
}

impl<P> fmt::Debug for WithFdError<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WithFdError").field("error", &self.error).finish_non_exhaustive()
    }
}

impl<P> Error for WithFdError<P> {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&self.error)
    }
}
