//! Why an item of an iterator or a stream is not a message.

use thiserror::Error;

use super::{DeserializeError, InvalidArchiveError, predicates};

/// Why an item of an iterator ([`iter`](crate::MessagePort::iter) and its like) or of a stream (the
/// feature `futures`) is not a message.
///
/// That message is skipped, and the iterator or the stream goes on. The end of the channel is not
/// an error: it ends the iterator or the stream.
///
/// # Examples
///
/// ```
/// use message_port::{MessageChannel, StreamError};
///
/// let MessageChannel { mut port1, mut port2 } = MessageChannel::<String>::new();
/// port1.post_message(&"hello".to_owned())?;
/// port1.close();
/// for message in port2.iter() {
///     match message {
///         Ok(text) => println!("{text}"),
///         Err(StreamError::InvalidArchive(error)) => eprintln!("skipped: {error}"),
///         Err(error) => return Err(error.into()),
///     }
/// }
/// # Ok::<(), message_port::BoxError>(())
/// ```
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum StreamError {
    /// The message is no archive of the expected type.
    #[error(transparent)]
    InvalidArchive(#[from] InvalidArchiveError),
    /// The type's own `Deserialize` failed.
    #[error(transparent)]
    Deserialize(#[from] DeserializeError),
}

predicates! { StreamError:
    is_invalid_archive = Self::InvalidArchive(_), "Whether the message was no valid archive.";
    is_deserialize = Self::Deserialize(_), "Whether no value could be made of the archive.";
}
