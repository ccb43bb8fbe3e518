//! Every public error.
//!
//! They follow crossbeam's shape: predicates say what happened, and the narrower errors convert
//! into the wider ones. A post takes its message by reference, so an error has nothing to give
//! back.

mod archive;
mod contain;
mod handler;
mod owned;
mod post;
mod recv;
mod stream;

pub(crate) use contain::Contained;

pub use archive::{DataCloneError, DeserializeError, InvalidArchiveError};
pub use handler::{DispatchError, HandlerError, PanicPayload};
pub use owned::{RecvOwnedError, TryRecvOwnedError};
pub use post::{PostError, PostTimeoutError, TryPostError};
pub use recv::{RecvError, RecvTimeoutError, TryRecvError};
pub use stream::StreamError;

use std::error::Error as StdError;

use thiserror::Error;

/// The box that carries a handler's own error.
///
/// # Examples
///
/// A handler with failures of several types:
///
/// ```
/// use message_port::{BoxError, MessageChannel};
///
/// let MessageChannel { mut port1, mut port2 } = MessageChannel::<String, u64>::new();
/// port2.set_onmessage(|event| {
///     let number = event.data().parse()?;
///     event.target().post_message(&number)?;
///     Ok::<_, BoxError>(())
/// });
/// port1.post_message(&"7".to_owned())?;
/// port2.dispatch()?;
/// assert_eq!(*port1.recv()?, 7);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub type BoxError = Box<dyn StdError + Send + Sync>;

macro_rules! predicates {
    ($name:ident: $($predicate:ident = $pattern:pat, $doc:literal;)*) => {
        impl $name {$(
            #[doc = $doc]
            ///
            /// # Examples
            ///
            #[doc = concat!("See [`", stringify!($name), "`].")]
            pub const fn $predicate(&self) -> bool {
                matches!(self, $pattern)
            }
        )*}
    };
}
pub(crate) use predicates;

/// Why a channel could not be built.
///
/// # Examples
///
/// ```
/// use message_port::{BuildError, MessageChannel};
///
/// let error = MessageChannel::<u64>::builder().capacity(0).build().unwrap_err();
/// assert!(matches!(error, BuildError::ZeroCapacity));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum BuildError {
    /// The capacity is zero bytes.
    #[error("a capacity of zero bytes holds no message")]
    ZeroCapacity,
    /// The capacity, rounded up to a power of two, is too small for a single message.
    #[error("a capacity of {capacity} bytes is below the minimum of {min}")]
    TooSmall {
        /// Bytes that were asked for.
        capacity: usize,
        /// Bytes that a direction must have.
        min: usize,
    },
    /// The capacity, rounded up to a power of two, is not representable.
    #[error("a capacity of {capacity} bytes is not representable")]
    TooLarge {
        /// Bytes that were asked for.
        capacity: usize,
    },
    /// There may be more [calls in flight](crate::call::Builder::calls_in_flight) than 1,048,576, or the
    /// room for all of them is not representable.
    #[error("{calls} calls in flight with messages of up to {max_message_len} bytes are too many")]
    TooManyCalls {
        /// Calls in flight that were asked for.
        calls: usize,
        /// Bytes that each of their messages may have.
        max_message_len: usize,
    },
    /// There is no memory for a capacity of this many bytes.
    #[error("no memory for a capacity of {capacity} bytes")]
    OutOfMemory {
        /// Bytes that were asked for.
        capacity: usize,
    },
}
