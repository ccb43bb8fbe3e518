//! Why a call has no reply.

use thiserror::Error;

use crate::error::{
    DataCloneError, InvalidArchiveError, PostError, PostTimeoutError, RecvError, predicates,
};

/// Why a call has no reply.
///
/// With the variants before [`InvalidArchive`](Self::InvalidArchive) no answer has come: the request was
/// not sent, or was not answered in time, or nobody will answer it. With the others one has: the call is
/// over, and the channel is as usable as before.
///
/// # Examples
///
/// ```
/// use message_port::call::{self, CallError};
/// use std::thread;
///
/// let (mut client, mut server) = call::channel::<u32, u32>();
/// thread::spawn(move || server.serve(|n| n.to_native().checked_mul(2).ok_or("overflow")));
/// let error = client.call(&u32::MAX).unwrap_err();
/// assert!(error.is_handler());
/// assert_eq!(error.to_string(), "the handler failed: overflow");
/// assert!(matches!(error, CallError::Handler(text) if text == "overflow"));
/// ```
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum CallError {
    /// One of the two closed the channel before there was an answer.
    #[error("calling on a closed channel")]
    Closed,
    /// The server was dropped, without an answer.
    #[error("calling on a disconnected channel")]
    Disconnected,
    /// There was no answer in time. A call that was waited for with [`call_timeout`] or its like is
    /// cancelled: a late answer is discarded. A call with a [handle](super::Pending) goes on.
    ///
    /// [`call_timeout`]: super::Client::call_timeout
    #[error("timed out waiting for an answer")]
    Timeout,
    /// As many calls are in flight as may be, and the program has a handle of each: none will end before
    /// a handle is waited for or dropped.
    #[error("all {limit} calls that may be in flight are")]
    Full {
        /// The limit that was set with [`Builder::calls_in_flight`](super::Builder::calls_in_flight).
        limit: usize,
    },
    /// The request can never be sent: its archive needs more bytes than a message may have.
    #[error("a request of {needed} bytes where at most {max} are accepted")]
    TooLarge {
        /// Bytes that the archive of the request has.
        needed: usize,
        /// Bytes that it may have.
        max: usize,
    },
    /// The request could not be cloned.
    #[error(transparent)]
    DataClone(#[from] DataCloneError),
    /// Both ends wait for room, because the allocator refused memory to each of them.
    #[error("calling would deadlock: both ends wait for room")]
    WouldDeadlock,
    /// The answer was no valid archive.
    #[error(transparent)]
    InvalidArchive(#[from] InvalidArchiveError),
    /// The handler returned an error, of which this is the text.
    #[error("the handler failed: {0}")]
    Handler(String),
    /// The handler panicked, with this text.
    #[error("the handler panicked: {0}")]
    Panicked(String),
    /// The server let go of the call without an answer.
    #[error("the server did not answer the call")]
    Unanswered,
    /// The server has an answer whose archive needs more bytes than a message may have.
    #[error("an answer of {needed} bytes where at most {max} are accepted")]
    AnswerTooLarge {
        /// Bytes that the archive of the answer has.
        needed: usize,
        /// Bytes that it may have.
        max: usize,
    },
    /// The server has an answer that could not be cloned, for this reason.
    #[error("the answer could not be sent: {0}")]
    AnswerDataClone(String),
    /// The request reached the server as an invalid archive, for this reason.
    #[error("the request could not be read: {0}")]
    InvalidRequest(String),
}

predicates! { CallError:
    is_closed = Self::Closed, "Whether one of the two closed the channel.";
    is_disconnected = Self::Disconnected, "Whether the server was dropped.";
    is_timeout = Self::Timeout, "Whether there was no answer in time.";
    is_full = Self::Full { .. }, "Whether too many calls were in flight.";
    is_too_large = Self::TooLarge { .. }, "Whether the request can never be sent.";
    is_data_clone = Self::DataClone(_), "Whether the request could not be cloned.";
    is_invalid_archive = Self::InvalidArchive(_), "Whether the answer was no valid archive.";
    is_handler = Self::Handler(_), "Whether the handler returned an error.";
    is_panicked = Self::Panicked(_), "Whether the handler panicked.";
    is_unanswered = Self::Unanswered, "Whether the server let go of the call.";
}

impl From<RecvError> for CallError {
    fn from(error: RecvError) -> Self {
        match error {
            RecvError::Closed => Self::Closed,
            RecvError::Disconnected => Self::Disconnected,
            RecvError::InvalidArchive(error) => Self::InvalidArchive(error),
        }
    }
}

impl From<PostTimeoutError> for CallError {
    fn from(error: PostTimeoutError) -> Self {
        match error {
            PostTimeoutError::Timeout => Self::Timeout,
            PostTimeoutError::Closed => Self::Closed,
            PostTimeoutError::Disconnected => Self::Disconnected,
            PostTimeoutError::TooLarge { needed, max } => Self::TooLarge { needed, max },
            PostTimeoutError::DataClone(error) => Self::DataClone(error),
            PostTimeoutError::WouldDeadlock => Self::WouldDeadlock,
        }
    }
}

impl From<PostError> for CallError {
    fn from(error: PostError) -> Self {
        PostTimeoutError::from(error).into()
    }
}
