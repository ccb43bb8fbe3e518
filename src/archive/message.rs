//! What can be posted.

use std::marker::PhantomData;

use rkyv::api::high::HighDeserializer;
use rkyv::bytecheck::CheckBytes;
use rkyv::{Archive, Deserialize, Serialize};

use super::{MessageSerializer, MessageValidator};
use crate::error::DeserializeError;

/// Everything rkyv can archive and check.
///
/// There is nothing to implement. Derive [`rkyv::Archive`] and [`rkyv::Serialize`], and the type is a
/// message; [`MessageRef::deserialize`](crate::MessageRef::deserialize) also needs
/// [`rkyv::Deserialize`]. Numbers and strings are messages already, and so are vectors, maps, options
/// and tuples of messages.
///
/// A receiver gets the archived form of the type, such as `ArchivedOrder` for `Order`. Derive what it
/// needs for that form too, with `#[rkyv(derive(Debug, PartialEq))]`. [The guide](crate::guide::archived)
/// shows how to match, compare and print it.
///
/// Archives are aligned to at most 16 bytes. A type whose archived form needs more is refused at
/// compile time. Do not post a type that only contains such a type behind a pointer, such as a `Vec` of
/// them: wherever that happens to be less aligned, it is received as an invalid archive.
///
/// An archive may be up to 512 pointers deep, such as a list of boxed links. A deeper one is received
/// as invalid.
///
/// # `usize`, `isize` and lengths
///
/// rkyv archives these in 32 bits, unless the program turns on the feature `pointer_width_64` of this
/// crate or of rkyv. A crate can also choose 16 bits, with rkyv's `pointer_width_16`. If messages
/// contain such numbers, turn on `pointer_width_64` or use types of a fixed width. Otherwise, on a
/// 64-bit machine:
///
/// - A message that is itself a `usize`, `isize`, `NonZeroUsize` or `NonZeroIsize` fails with
///   [`DataClone`](crate::PostError::DataClone) if its number does not fit.
/// - In a field, an option or a collection, only rkyv sees the number: **its upper half is silently
///   lost**.
/// - A `NonZeroUsize` or `NonZeroIsize` in such a place **whose lower half is zero is undefined
///   behaviour inside rkyv 0.8.18**, which makes a non-zero number out of zero. Use `NonZeroU64`.
/// - Collections of zero-sized values (a `Vec<()>`) keep only the lower half of their length. Other
///   collections are `TooLarge` long before that.
///
/// # Memory
///
/// Posting and receiving allocate nothing once a channel is warm. A large message may need memory beside
/// its archive: a table for its shared pointers, an arena for its nested collections. This memory is
/// reused, and freed once 64 messages in a row needed less than a quarter of it.
///
/// # Notes
///
/// A value whose bytes are its archive ([`Archive::COPY_OPTIMIZATION`]) is copied as it is, without
/// calling its `Serialize`. rkyv does the same with slices of such values.
///
/// rkyv's derives refer to the crate `rkyv`. A program that depends on it directly needs nothing more.
/// One that uses the re-exported [`rkyv`] says so with `#[rkyv(crate = ...)]`.
///
/// # Examples
///
/// ```
/// use message_port::rkyv::{self, Archive, Serialize};
/// use message_port::{Message, MessageChannel};
///
/// #[derive(Archive, Serialize)]
/// #[rkyv(crate = rkyv)]
/// struct Order {
///     id: u64,
///     items: Vec<String>,
/// }
///
/// fn is_message<T: Message>() {}
/// is_message::<Order>();
///
/// let MessageChannel { mut port1, mut port2 } = MessageChannel::<Order>::new();
/// port1.post_message(&Order { id: 7, items: vec!["tea".to_owned()] })?;
/// assert_eq!(port2.recv()?.items[0], "tea");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be posted through a channel",
    note = "derive `rkyv::Archive` and `rkyv::Serialize` for it and for the types of its fields, with rkyv 0.8 and its feature `bytecheck`"
)]
pub trait Message:
    Archive<Archived: for<'a> CheckBytes<MessageValidator<'a>>>
    + for<'a> Serialize<MessageSerializer<'a>>
{
}

// Without this the compiler lists what the bounds below consist of.
#[diagnostic::do_not_recommend]
impl<T> Message for T
where
    T: Archive + for<'a> Serialize<MessageSerializer<'a>>,
    T::Archived: for<'a> CheckBytes<MessageValidator<'a>>,
{
}

/// A message that a receiver can deserialise into an owned value.
///
/// Use this bound in generic code, in place of
/// `Archived<T>: Deserialize<T, HighDeserializer<DeserializeError>>`. There is nothing to implement:
/// derive [`rkyv::Deserialize`] in addition to what [`Message`] needs. To read messages in place,
/// [`Message`] is enough.
///
/// # Examples
///
/// ```
/// use message_port::{MessagePort, OwnedMessage, RecvOwnedError};
///
/// /// Receives two messages and gives the second one.
/// fn second<T: OwnedMessage>(port: &mut MessagePort<T>) -> Result<T, RecvOwnedError> {
///     port.recv_owned()?;
///     port.recv_owned()
/// }
///
/// let mut channel = message_port::MessageChannel::<String>::new();
/// channel.port1.post_messages(&["one".to_owned(), "two".to_owned()])?;
/// assert_eq!(second(&mut channel.port2)?, "two");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[diagnostic::on_unimplemented(
    message = "no owned `{Self}` can be made of a received message",
    note = "derive `rkyv::Deserialize` for it, or read the message in place"
)]
pub trait OwnedMessage:
    Message + Archive<Archived: Deserialize<Self, HighDeserializer<DeserializeError>>> + Sized
{
}

#[diagnostic::do_not_recommend]
impl<T: Message> OwnedMessage for T where
    T::Archived: Deserialize<T, HighDeserializer<DeserializeError>>
{
}

/// Marks a type as handling values of `T`. It is invariant: a subtype of `T` may have another archived
/// form, so an archive of one must never pass for an archive of the other.
pub(crate) type Typed<T> = PhantomData<fn(T) -> T>;
