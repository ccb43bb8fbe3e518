//! What can be posted, and what a receiver holds.

use std::fmt;
use std::marker::PhantomData;
use std::ops::Deref;
use std::ptr::NonNull;

use rkyv::api::high::HighDeserializer;
use rkyv::bytecheck::CheckBytes;
use rkyv::{Archive, Archived, Deserialize, Serialize};

use crate::archive::{MessageSerializer, MessageValidator};
use crate::error::DeserializeError;
use crate::incoming::{Held, Looked};

/// Everything rkyv can archive and check.
///
/// There is nothing to implement: derive [`rkyv::Archive`] and [`rkyv::Serialize`] (and
/// [`rkyv::Deserialize`] for [`MessageRef::deserialize`]), and the type is a message. Numbers,
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

/// A received message, read in place.
///
/// It derefs to the archived form of the message, which lies in the ring (or in the buffer that a
/// large message travelled in). Dropping it gives the bytes back to the sender; until then the
/// port cannot receive the next message. A guard that is forgotten (`std::mem::forget`) counts as
/// received, and its bytes are given back with the next call that receives.
///
/// # Examples
///
/// ```
/// use message_port::MessageChannel;
///
/// let MessageChannel { mut port1, mut port2 } = MessageChannel::<String>::new();
/// port1.post_message(&"in place".to_owned())?;
///
/// let message = port2.recv()?;
/// assert_eq!(message.as_str(), "in place");
/// let owned: String = message.deserialize()?;
/// assert_eq!(owned, "in place");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct MessageRef<'a, In> {
    /// An `Archived<In>`; the type does not say so, to ask nothing of `In`.
    root: NonNull<()>,
    held: Held<'a>,
    values: Typed<In>,
}

// SAFETY: the guard gives access to an `&Archived<In>` on the thread that it is sent to, which
// `Sync` allows, and to the end of the port that it borrows mutably, which is `Send`. What it has
// under loom are loom's notes of the access, and loom runs all threads of a model on one.
unsafe impl<In: Message> Send for MessageRef<'_, In> where Archived<In>: Sync {}

// SAFETY: a shared guard only gives access to an `&Archived<In>` and to bytes.
unsafe impl<In: Message> Sync for MessageRef<'_, In> where Archived<In>: Sync {}

impl<'a, In: Message> MessageRef<'a, In> {
    /// # Safety
    ///
    /// `root` is a valid archive in the bytes of `held`.
    #[inline(always)]
    pub(crate) unsafe fn new(held: Held<'a>, root: NonNull<Archived<In>>) -> Self {
        Self { root: root.cast(), held, values: PhantomData }
    }

    /// Makes an owned value of the message.
    ///
    /// It allocates what the value allocates and, if there are shared pointers in it, a table of
    /// them for the time of the call.
    ///
    /// Whoever [posts archives](crate::MessagePort::post_archived) of types with shared pointers
    /// must trust where they come from: rkyv 0.8.18 makes one value of two shared pointers to one
    /// address, even if these are of different types with the same archived form. Archives that
    /// [`post_message`](crate::MessagePort::post_message) writes by derived implementations are
    /// never like that.
    ///
    /// # Errors
    ///
    /// Fails if the type's own `Deserialize` fails.
    ///
    /// # Examples
    ///
    /// ```
    /// use message_port::MessageChannel;
    ///
    /// let MessageChannel { mut port1, mut port2 } = MessageChannel::<Vec<u32>>::new();
    /// port1.post_message(&vec![1, 2, 3])?;
    /// assert_eq!(port2.recv()?.deserialize()?, [1, 2, 3]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn deserialize(&self) -> Result<In, DeserializeError>
    where
        In: OwnedMessage,
    {
        rkyv::deserialize::<In, DeserializeError>(&**self)
    }

    /// The bytes of the archive, the root at their end.
    ///
    /// They are aligned to 16, or, where the archives of the type all have one size, as the root
    /// needs it.
    ///
    /// # Examples
    ///
    /// ```
    /// use message_port::MessageChannel;
    ///
    /// let MessageChannel { mut port1, mut port2 } = MessageChannel::<u32>::new();
    /// port1.post_message(&7)?;
    /// assert_eq!(port2.recv()?.as_bytes(), [7, 0, 0, 0]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[inline]
    pub fn as_bytes(&self) -> &[u8] {
        // SAFETY: `held` keeps the bytes readable and unwritten for as long as `self` lives.
        unsafe { self.held.bytes().as_ref() }
    }
}

impl<In> MessageRef<'_, In> {
    /// See [`Held::set_target`].
    #[inline]
    pub(crate) fn set_target(&self, address: usize) {
        self.held.set_target(address);
    }
}

#[cfg(message_port_teeth)]
impl<In> MessageRef<'_, In> {
    /// See [`Held::release_early`].
    pub(crate) fn release_early(&mut self) {
        self.held.release_early();
    }
}

impl<In: Message> Deref for MessageRef<'_, In> {
    type Target = Archived<In>;

    #[inline]
    fn deref(&self) -> &Archived<In> {
        // SAFETY: `new` put the root of the archive here, and `held` keeps it in place for as long
        // as `self` lives.
        unsafe { self.root.cast::<Archived<In>>().as_ref() }
    }
}

/// The next message, looked at in place and left where it is.
///
/// It derefs to the archived form of the message. Dropping it changes nothing: the next call that
/// receives gets the message. Until it is received it counts as waiting, and if the port is closed
/// before, as undelivered.
///
/// # Examples
///
/// ```
/// use message_port::MessageChannel;
///
/// let MessageChannel { mut port1, mut port2 } = MessageChannel::<String>::new();
/// port1.post_message(&"for later".to_owned())?;
/// assert_eq!(port2.peek()?.as_str(), "for later");
/// assert_eq!(port2.len(), 1);
/// assert_eq!(port2.recv()?.as_str(), "for later");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct PeekRef<'a, In> {
    /// An `Archived<In>`; the type does not say so, to ask nothing of `In`.
    root: NonNull<()>,
    looked: Looked<'a>,
    values: Typed<In>,
}

// SAFETY: as for `MessageRef`: an `&Archived<In>`, and the end of a port that it borrows mutably.
unsafe impl<In: Message> Send for PeekRef<'_, In> where Archived<In>: Sync {}

// SAFETY: a shared guard only gives access to an `&Archived<In>` and to bytes.
unsafe impl<In: Message> Sync for PeekRef<'_, In> where Archived<In>: Sync {}

impl<'a, In: Message> PeekRef<'a, In> {
    /// # Safety
    ///
    /// `root` is a valid archive in the bytes of `looked`.
    pub(crate) unsafe fn new(looked: Looked<'a>, root: NonNull<Archived<In>>) -> Self {
        Self { root: root.cast(), looked, values: PhantomData }
    }

    /// Makes an owned value of the message; see [`MessageRef::deserialize`].
    ///
    /// # Errors
    ///
    /// Fails if the type's own `Deserialize` fails.
    ///
    /// # Examples
    ///
    /// ```
    /// use message_port::MessageChannel;
    ///
    /// let MessageChannel { mut port1, mut port2 } = MessageChannel::<Vec<u32>>::new();
    /// port1.post_message(&vec![1, 2, 3])?;
    /// assert_eq!(port2.peek()?.deserialize()?, [1, 2, 3]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn deserialize(&self) -> Result<In, DeserializeError>
    where
        In: OwnedMessage,
    {
        rkyv::deserialize::<In, DeserializeError>(&**self)
    }

    /// The bytes of the archive; see [`MessageRef::as_bytes`].
    ///
    /// # Examples
    ///
    /// ```
    /// use message_port::MessageChannel;
    ///
    /// let MessageChannel { mut port1, mut port2 } = MessageChannel::<u32>::new();
    /// port1.post_message(&7)?;
    /// assert_eq!(port2.peek()?.as_bytes(), [7, 0, 0, 0]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn as_bytes(&self) -> &[u8] {
        // SAFETY: `looked` keeps the bytes readable and unwritten for as long as `self` lives.
        unsafe { self.looked.bytes().as_ref() }
    }
}

impl<In: Message> Deref for PeekRef<'_, In> {
    type Target = Archived<In>;

    fn deref(&self) -> &Archived<In> {
        // SAFETY: `new` put the root of the archive here, and `looked` keeps it in place for as
        // long as `self` lives.
        unsafe { self.root.cast::<Archived<In>>().as_ref() }
    }
}

impl<In: Message> fmt::Debug for PeekRef<'_, In>
where
    Archived<In>: fmt::Debug,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("PeekRef").field(&**self).finish()
    }
}

impl<In: Message> fmt::Debug for MessageRef<'_, In>
where
    Archived<In>: fmt::Debug,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("MessageRef").field(&**self).finish()
    }
}
