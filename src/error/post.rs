//! Why a post fails.

use thiserror::Error;

use super::{DataCloneError, predicates};
use crate::sync::IS_ALONE;

/// Says why nobody could make room.
const WHO_WAITS: &str =
    if IS_ALONE { "there is no other thread" } else { "both ports wait for room" };

/// Why [`try_post_message`](crate::MessagePort::try_post_message) did not post.
///
/// # Examples
///
/// ```
/// use message_port::{MessageChannel, TryPostError};
///
/// let MessageChannel { mut port1, port2 } = MessageChannel::<u64>::with_capacity(64);
/// while port1.try_post_message(&7).is_ok() {}
/// assert!(port1.try_post_message(&7).unwrap_err().is_full());
/// drop(port2);
/// assert!(port1.try_post_message(&7).unwrap_err().is_disconnected());
/// ```
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum TryPostError {
    /// There is no room now; there will be when the peer has received.
    #[error("posting on a full channel")]
    Full,
    /// One of the ports was closed.
    #[error("posting on a closed channel")]
    Closed,
    /// The peer was dropped.
    #[error("posting on a disconnected channel")]
    Disconnected,
    /// The message can never fit.
    #[error("posting a message of {needed} bytes where at most {max} are accepted")]
    TooLarge {
        /// Bytes of the message's archive.
        needed: usize,
        /// Bytes that an archive may have here.
        max: usize,
    },
    /// The value cannot be cloned.
    #[error(transparent)]
    DataClone(#[from] DataCloneError),
}

predicates! { TryPostError:
    is_full = Self::Full, "Whether there was no room.";
    is_closed = Self::Closed, "Whether one of the ports was closed.";
    is_disconnected = Self::Disconnected, "Whether the peer was dropped.";
    is_too_large = Self::TooLarge { .. }, "Whether the message can never fit.";
    is_data_clone = Self::DataClone(_), "Whether the value could not be cloned.";
}

/// Why [`post_message`](crate::MessagePort::post_message) did not post.
///
/// # Examples
///
/// ```
/// use message_port::{MessageChannel, PostError};
///
/// let MessageChannel { mut port1, mut port2 } = MessageChannel::<u64>::new();
/// port2.close();
/// let error = port1.post_message(&7).unwrap_err();
/// assert!(error.is_closed());
/// assert_eq!(error.to_string(), "posting on a closed channel");
/// ```
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum PostError {
    /// One of the ports was closed.
    #[error("posting on a closed channel")]
    Closed,
    /// The peer was dropped.
    #[error("posting on a disconnected channel")]
    Disconnected,
    /// The message can never fit.
    #[error("posting a message of {needed} bytes where at most {max} are accepted")]
    TooLarge {
        /// Bytes of the message's archive.
        needed: usize,
        /// Bytes that an archive may have here.
        max: usize,
    },
    /// The value cannot be cloned.
    #[error(transparent)]
    DataClone(#[from] DataCloneError),
    /// The peer waits for room too, and only this port can make it: receive first. Or this is the
    /// [only possible thread](crate::WaitStrategy#where-there-is-no-other-thread): let the peer
    /// receive.
    #[error("posting would deadlock: {}", WHO_WAITS)]
    WouldDeadlock,
}

predicates! { PostError:
    is_closed = Self::Closed, "Whether one of the ports was closed.";
    is_disconnected = Self::Disconnected, "Whether the peer was dropped.";
    is_too_large = Self::TooLarge { .. }, "Whether the message can never fit.";
    is_data_clone = Self::DataClone(_), "Whether the value could not be cloned.";
    is_would_deadlock = Self::WouldDeadlock, "Whether nobody could have made room while the post waits.";
}

/// Why [`post_message_timeout`](crate::MessagePort::post_message_timeout) did not post.
///
/// # Examples
///
/// ```
/// use message_port::MessageChannel;
/// use std::time::Duration;
///
/// let MessageChannel { mut port1, port2: _idle } = MessageChannel::<u64>::with_capacity(64);
/// while port1.try_post_message(&7).is_ok() {}
/// assert!(port1.post_message_timeout(&7, Duration::from_millis(1)).unwrap_err().is_timeout());
/// ```
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum PostTimeoutError {
    /// There was no room before the timeout.
    #[error("timed out waiting for room in the channel")]
    Timeout,
    /// One of the ports was closed.
    #[error("posting on a closed channel")]
    Closed,
    /// The peer was dropped.
    #[error("posting on a disconnected channel")]
    Disconnected,
    /// The message can never fit.
    #[error("posting a message of {needed} bytes where at most {max} are accepted")]
    TooLarge {
        /// Bytes of the message's archive.
        needed: usize,
        /// Bytes that an archive may have here.
        max: usize,
    },
    /// The value cannot be cloned.
    #[error(transparent)]
    DataClone(#[from] DataCloneError),
    /// The peer waits for room too, and only this port can make it: receive first. Or this is the
    /// [only possible thread](crate::WaitStrategy#where-there-is-no-other-thread): let the peer
    /// receive.
    #[error("posting would deadlock: {}", WHO_WAITS)]
    WouldDeadlock,
}

predicates! { PostTimeoutError:
    is_timeout = Self::Timeout, "Whether there was no room before the timeout.";
    is_closed = Self::Closed, "Whether one of the ports was closed.";
    is_disconnected = Self::Disconnected, "Whether the peer was dropped.";
    is_too_large = Self::TooLarge { .. }, "Whether the message can never fit.";
    is_data_clone = Self::DataClone(_), "Whether the value could not be cloned.";
    is_would_deadlock = Self::WouldDeadlock, "Whether nobody could have made room while the post waits.";
}

/// Lets `?` turn an error into one with more variants.
macro_rules! widen {
    ($narrow:ident => $wide:ident, $would_deadlock:ident) => {
        impl From<$narrow> for $wide {
            fn from(error: $narrow) -> Self {
                match error {
                    $narrow::Closed => Self::Closed,
                    $narrow::Disconnected => Self::Disconnected,
                    $narrow::TooLarge { needed, max } => Self::TooLarge { needed, max },
                    $narrow::DataClone(error) => Self::DataClone(error),
                    $narrow::WouldDeadlock => Self::$would_deadlock,
                }
            }
        }
    };
}

// A call that does not wait finds the channel full.
widen!(PostError => TryPostError, Full);
widen!(PostError => PostTimeoutError, WouldDeadlock);
