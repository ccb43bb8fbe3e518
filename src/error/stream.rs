//! Why an item of a stream is no message.

use thiserror::Error;

use super::{DeserializeError, InvalidArchiveError, predicates};

/// Why an item of a [`ReceiverStream`](crate::ReceiverStream) or a
/// [`PortStream`](crate::PortStream) is no message.
///
/// That message is skipped and the stream goes on. The end of the channel is no error but the end
/// of the stream.
///
/// # Examples
///
/// ```
/// use futures_util::StreamExt;
/// use message_port::{MessageChannel, StreamError};
///
/// # futures_lite::future::block_on(async {
/// let MessageChannel { mut port1, port2 } = MessageChannel::<String>::new();
/// port1.post_message(&"hello".to_owned())?;
/// port1.close();
/// let mut messages = port2.into_stream();
/// while let Some(message) = messages.next().await {
///     match message {
///         Ok(text) => println!("{text}"),
///         Err(StreamError::InvalidArchive(error)) => eprintln!("skipped: {error}"),
///         Err(error) => return Err(error.into()),
///     }
/// }
/// # Ok::<(), message_port::BoxError>(()) }).unwrap();
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
