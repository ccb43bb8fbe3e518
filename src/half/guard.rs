//! Guards of received messages and of messages looked at.

use std::fmt;
use std::marker::PhantomData;
use std::ops::Deref;
use std::ptr::NonNull;

use rkyv::Archived;

use super::incoming::{Held, Looked};
use crate::archive::{Message, OwnedMessage, Typed};
use crate::error::DeserializeError;

/// A received message, read in place.
///
/// It derefs to the archived form of the message, which lies in the ring (or in the heap buffer of
/// a large message). Dropping it gives the bytes back to the sender; until then the port cannot
/// receive the next message. A forgotten guard (`std::mem::forget`) counts as received, and the
/// next call that receives gives its bytes back.
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
    /// An `Archived<In>`; erased, to require nothing of `In`.
    root: NonNull<()>,
    held: Held<'a>,
    values: Typed<In>,
}

// SAFETY: the guard gives access to an `&Archived<In>` on the thread that it is sent to, which
// `Sync` allows, and to the end of the port, which it borrows mutably and which is `Send`. Under
// loom it also has loom's record of the access, and loom runs all threads of a model on one.
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
    /// It allocates what the value needs and, if the value has shared pointers, a table of them for
    /// the duration of the call.
    ///
    /// If you [post archives](crate::MessagePort::post_archived) of types with shared pointers, you
    /// must trust their source: rkyv 0.8.18 makes one value of two shared pointers to one address,
    /// even if these are of different types with the same archived form. Archives that
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

    /// The bytes of the archive, with the root at their end.
    ///
    /// They are aligned to 16 or, if the archives of the type all have one size, to what the root
    /// needs.
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

/// The next message, looked at and left in the channel.
///
/// It derefs to the archived form of the message, in place. Dropping it changes nothing: the next
/// call that receives gets the message. Until then the message counts as waiting, and as
/// undelivered if the port closes first.
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
    /// An `Archived<In>`; erased, to require nothing of `In`.
    root: NonNull<()>,
    looked: Looked<'a>,
    values: Typed<In>,
}

// SAFETY: as for `MessageRef`: an `&Archived<In>`, and the end of a port, which it borrows mutably.
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
