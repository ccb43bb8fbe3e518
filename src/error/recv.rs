//! Why a call receives no message.

use thiserror::Error;

use super::{InvalidArchiveError, predicates};

/// Why [`try_recv`](crate::MessagePort::try_recv) returned no message.
///
/// # Examples
///
/// ```
/// use message_port::MessageChannel;
///
/// let MessageChannel { mut port1, port2 } = MessageChannel::<u64>::new();
/// assert!(port1.try_recv().unwrap_err().is_empty());
/// drop(port2);
/// assert!(port1.try_recv().unwrap_err().is_disconnected());
/// ```
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum TryRecvError {
    /// No message is there yet.
    #[error("receiving on an empty channel")]
    Empty,
    /// The channel was closed and nothing is left.
    #[error("receiving on a closed channel")]
    Closed,
    /// The peer was dropped and nothing is left.
    #[error("receiving on an empty and disconnected channel")]
    Disconnected,
    /// The next message is no archive of the expected type; it was skipped.
    #[error(transparent)]
    InvalidArchive(#[from] InvalidArchiveError),
}

predicates! { TryRecvError:
    is_empty = Self::Empty, "Whether no message was there.";
    is_closed = Self::Closed, "Whether the channel was closed and nothing was left.";
    is_disconnected = Self::Disconnected, "Whether the peer was dropped and nothing was left.";
    is_invalid_archive = Self::InvalidArchive(_), "Whether an invalid message was skipped.";
}

/// Why [`recv`](crate::MessagePort::recv) returned no message.
///
/// # Examples
///
/// ```
/// use message_port::MessageChannel;
///
/// let MessageChannel { mut port1, mut port2 } = MessageChannel::<u64>::new();
/// port2.post_message(&7)?;
/// port2.close();
/// assert_eq!(*port1.recv()?, 7);
/// assert!(port1.recv().unwrap_err().is_closed());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum RecvError {
    /// The channel was closed and nothing is left.
    #[error("receiving on a closed channel")]
    Closed,
    /// The peer was dropped and nothing is left.
    #[error("receiving on an empty and disconnected channel")]
    Disconnected,
    /// The next message is no archive of the expected type; it was skipped.
    #[error(transparent)]
    InvalidArchive(#[from] InvalidArchiveError),
}

predicates! { RecvError:
    is_closed = Self::Closed, "Whether the channel was closed and nothing was left.";
    is_disconnected = Self::Disconnected, "Whether the peer was dropped and nothing was left.";
    is_invalid_archive = Self::InvalidArchive(_), "Whether an invalid message was skipped.";
}

/// Why [`recv_timeout`](crate::MessagePort::recv_timeout) returned no message.
///
/// # Examples
///
/// ```
/// use message_port::MessageChannel;
/// use std::time::Duration;
///
/// let MessageChannel { mut port1, port2: _silent } = MessageChannel::<u64>::new();
/// assert!(port1.recv_timeout(Duration::from_millis(1)).unwrap_err().is_timeout());
/// ```
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum RecvTimeoutError {
    /// No message came before the timeout.
    #[error("timed out waiting for a message")]
    Timeout,
    /// The channel was closed and nothing is left.
    #[error("receiving on a closed channel")]
    Closed,
    /// The peer was dropped and nothing is left.
    #[error("receiving on an empty and disconnected channel")]
    Disconnected,
    /// The next message is no archive of the expected type; it was skipped.
    #[error(transparent)]
    InvalidArchive(#[from] InvalidArchiveError),
}

predicates! { RecvTimeoutError:
    is_timeout = Self::Timeout, "Whether no message came before the timeout.";
    is_closed = Self::Closed, "Whether the channel was closed and nothing was left.";
    is_disconnected = Self::Disconnected, "Whether the peer was dropped and nothing was left.";
    is_invalid_archive = Self::InvalidArchive(_), "Whether an invalid message was skipped.";
}

/// Lets `?` turn the narrower error into the wider one, variant by variant.
macro_rules! widen {
    ($narrow:ident => $wide:ident) => {
        impl From<$narrow> for $wide {
            fn from(error: $narrow) -> Self {
                match error {
                    $narrow::Closed => Self::Closed,
                    $narrow::Disconnected => Self::Disconnected,
                    $narrow::InvalidArchive(error) => Self::InvalidArchive(error),
                }
            }
        }
    };
}

widen!(RecvError => TryRecvError);
widen!(RecvError => RecvTimeoutError);
