//! What can be posted.

use std::marker::PhantomData;

use rkyv::api::high::HighDeserializer;
use rkyv::bytecheck::CheckBytes;
use rkyv::{Archive, Deserialize, Serialize};

use super::{MessageSerializer, MessageValidator};
use crate::error::DeserializeError;

/// Everything rkyv can archive and check.
///
/// There is nothing to implement: derive [`rkyv::Archive`] and [`rkyv::Serialize`] (and
/// [`rkyv::Deserialize`] for [`MessageRef::deserialize`](crate::MessageRef::deserialize)), and the type is a message. Numbers,
/// strings, vectors, maps, options and tuples of messages are messages already.
///
/// A receiver gets the archived form of the type, such as `ArchivedOrder` for `Order`. Derive what it
/// needs for that form too, by `#[rkyv(derive(Debug, PartialEq))]`;
/// [the guide](crate::guide::archived) says how to match, compare and print it.
///
/// Archives are aligned to as much as 16 bytes. A type whose archived form needs more is refused when it is
/// compiled; one that only contains such a type behind a pointer (a `Vec` of them, say) is
/// received as an invalid archive wherever it happens to lie less aligned, so do not post it.
///
/// An archive may be 512 pointers deep (a list of boxed links, say); a deeper one is received as
/// invalid.
///
/// # `usize`, `isize` and lengths
///
/// rkyv archives these in 32 bits, unless the feature `pointer_width_64` of this crate or of rkyv
/// is on in the program; a crate can also choose 16 bits, by rkyv's `pointer_width_16`. Turn
/// `pointer_width_64` on if messages contain such numbers, or use types of a fixed width. Without
/// it, on a 64-bit machine:
///
/// - A message that is itself a `usize`, `isize`, `NonZeroUsize` or `NonZeroIsize` fails with
///   [`DataClone`](crate::PostError::DataClone) where its number does not fit.
/// - In a field, an option or a collection, rkyv shows the number to nobody: **its upper half is
///   lost in silence**.
/// - A `NonZeroUsize` or `NonZeroIsize` in such a place **whose lower half is zero is undefined
///   behaviour inside rkyv 0.8.18**, which makes a non-zero number of zero. Use `NonZeroU64`.
/// - Collections of values without bytes (a `Vec<()>`) keep the lower half of their length. Those of
///   other values are `TooLarge` long before.
///
/// # Memory
///
/// Posting and receiving allocate nothing once a channel is warm. What a large message needed
/// beside its archive (the table of its shared pointers, the arena for its nested collections) is
/// used again, and let go of once 64 messages in a row needed less than a quarter of it.
///
/// # Notes
///
/// A value whose bytes are its archive ([`Archive::COPY_OPTIMIZATION`]) is copied as it is,
/// without a call of its `Serialize`; so does rkyv with slices of them.
///
/// rkyv's derives refer to the crate `rkyv`. A program that has it among its own dependencies needs
/// nothing more; one that uses the re-exported [`rkyv`] says so with
/// `#[rkyv(crate = ...)]`.
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
    note = "derive `rkyv::Archive` and `rkyv::Serialize` for it, with rkyv's feature `bytecheck`"
)]
pub trait Message:
    Archive<Archived: for<'a> CheckBytes<MessageValidator<'a>>>
    + for<'a> Serialize<MessageSerializer<'a>>
{
}

impl<T> Message for T
where
    T: Archive + for<'a> Serialize<MessageSerializer<'a>>,
    T::Archived: for<'a> CheckBytes<MessageValidator<'a>>,
{
}

/// A message of which a receiver can make an owned value: one that can be deserialised.
///
/// A bound for generic code, in place of
/// `Archived<T>: Deserialize<T, HighDeserializer<DeserializeError>>`. There is nothing to implement:
/// derive [`rkyv::Deserialize`] beside what a [`Message`] needs. Reading a message in place needs
/// only that.
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

impl<T: Message> OwnedMessage for T where
    T::Archived: Deserialize<T, HighDeserializer<DeserializeError>>
{
}

/// Stands for values of `T` that are not here. Invariant: a subtype of `T` may have another
/// archived form, so an archive of the one must never pass for an archive of the other.
pub(crate) type Typed<T> = PhantomData<fn(T) -> T>;
