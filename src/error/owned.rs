//! Why a call returns no owned message.

use thiserror::Error;

use super::{DeserializeError, InvalidArchiveError, RecvError, TryRecvError, predicates};

/// Why [`recv_owned`](crate::MessagePort::recv_owned) returned no message.
///
/// # Examples
///
/// ```
/// use message_port::MessageChannel;
///
/// let MessageChannel { mut port1, port2 } = MessageChannel::<u64>::new();
/// drop(port2);
/// assert!(port1.recv_owned().unwrap_err().is_disconnected());
/// ```
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum RecvOwnedError {
    /// The channel was closed and nothing is left.
    #[error("receiving on a closed channel")]
    Closed,
    /// The peer was dropped and nothing is left.
    #[error("receiving on an empty and disconnected channel")]
    Disconnected,
    /// The next message is no archive of the expected type; it was skipped.
    #[error(transparent)]
    InvalidArchive(#[from] InvalidArchiveError),
    /// The type's own `Deserialize` failed; the message was received.
    #[error(transparent)]
    Deserialize(#[from] DeserializeError),
}

predicates! { RecvOwnedError:
    is_closed = Self::Closed, "Whether the channel was closed and nothing was left.";
    is_disconnected = Self::Disconnected, "Whether the peer was dropped and nothing was left.";
    is_invalid_archive = Self::InvalidArchive(_), "Whether an invalid message was skipped.";
    is_deserialize = Self::Deserialize(_), "Whether no value could be made of the message.";
}

/// Why [`try_recv_owned`](crate::MessagePort::try_recv_owned) returned no message.
///
/// # Examples
///
/// ```
/// use message_port::MessageChannel;
///
/// let MessageChannel { mut port1, port2: _silent } = MessageChannel::<u64>::new();
/// assert!(port1.try_recv_owned().unwrap_err().is_empty());
/// ```
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum TryRecvOwnedError {
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
    /// The type's own `Deserialize` failed; the message was received.
    #[error(transparent)]
    Deserialize(#[from] DeserializeError),
}

predicates! { TryRecvOwnedError:
    is_empty = Self::Empty, "Whether no message was there.";
    is_closed = Self::Closed, "Whether the channel was closed and nothing was left.";
    is_disconnected = Self::Disconnected, "Whether the peer was dropped and nothing was left.";
    is_invalid_archive = Self::InvalidArchive(_), "Whether an invalid message was skipped.";
    is_deserialize = Self::Deserialize(_), "Whether no value could be made of the message.";
}

impl From<RecvError> for RecvOwnedError {
    fn from(error: RecvError) -> Self {
        match error {
            RecvError::Closed => Self::Closed,
            RecvError::Disconnected => Self::Disconnected,
            RecvError::InvalidArchive(error) => Self::InvalidArchive(error),
        }
    }
}

impl From<TryRecvError> for TryRecvOwnedError {
    fn from(error: TryRecvError) -> Self {
        match error {
            TryRecvError::Empty => Self::Empty,
            TryRecvError::Closed => Self::Closed,
            TryRecvError::Disconnected => Self::Disconnected,
            TryRecvError::InvalidArchive(error) => Self::InvalidArchive(error),
        }
    }
}

impl From<RecvOwnedError> for TryRecvOwnedError {
    fn from(error: RecvOwnedError) -> Self {
        match error {
            RecvOwnedError::Closed => Self::Closed,
            RecvOwnedError::Disconnected => Self::Disconnected,
            RecvOwnedError::InvalidArchive(error) => Self::InvalidArchive(error),
            RecvOwnedError::Deserialize(error) => Self::Deserialize(error),
        }
    }
}
