//! The bridge to rkyv: values into bytes, bytes into archives.

mod check;
mod copy;
mod message;
mod scratch;
mod table;
mod width;
mod writer;

pub(crate) use check::{Known, access, is_aligned, root, validate};
pub(crate) use copy::{copy, put};
pub(crate) use message::Typed;
pub(crate) use scratch::Scratch;
pub(crate) use width::is_cut;
pub(crate) use writer::MAX_LENGTH;

#[allow(unreachable_pub, reason = "it stands in the bounds of a public trait")]
pub use check::MessageValidator;
pub use message::{Message, OwnedMessage};

use std::mem::MaybeUninit;

use rkyv::Archived;
use rkyv::rancor::Strategy;
use rkyv::ser::{Positional, Serializer};

use crate::error::DataCloneError;
use crate::ring::Layout;

use scratch::{MeasuredArena, Shares};
use writer::BoundedWriter;

/// Alignment in bytes of every archive that is received.
pub(crate) const ALIGNMENT: usize = crate::ring::frame::SLOT;

/// The rkyv serializer that writes a message into its place.
#[allow(unreachable_pub, reason = "it stands in the bounds of a public trait")]
pub type MessageSerializer<'a> =
    Strategy<Serializer<BoundedWriter<'a>, MeasuredArena<'a>, &'a mut Shares>, DataCloneError>;

/// Makes the compiler refuse a type whose archives would not be aligned. Everything that posts a `T` or
/// makes a reference to an archive of one calls this.
const fn assert_aligned<T: Message>() {
    const { assert!(align_of::<Archived<T>>() <= ALIGNMENT, "archives are aligned to 16 bytes") };
}

/// Whether the archive of a `T` is the bytes of the `T`.
const fn is_plain_copy<T: Message>() -> bool {
    T::COPY_OPTIMIZATION.is_enabled() && size_of::<T>() == size_of::<Archived<T>>()
}

/// How many bytes an archive has, as far as known before it is written.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Length {
    /// Exactly this many.
    Exact(usize),
    /// Known only once it is written.
    Unknown,
}

/// How many bytes the archive of a `T` has, as far as the type tells.
pub(crate) const fn length<T: Message>() -> Length {
    assert_aligned::<T>();
    if is_plain_copy::<T>() { Length::Exact(size_of::<T>()) } else { Length::Unknown }
}

/// How archives of a `T` lie in a ring.
pub(crate) const fn layout<T: Message>() -> Layout {
    assert_aligned::<T>();
    if is_plain_copy::<T>() {
        Layout::one_size(size_of::<Archived<T>>(), align_of::<Archived<T>>())
    } else {
        Layout::Frames
    }
}

/// Whether the archive that a `V` writes lies in the ring of `Out`s as their own archives do. Otherwise
/// the value decides how many bytes it writes, while the ring has room for the root alone.
pub(crate) const fn lies_alike<V: Message, Out: Message>() -> bool {
    match (layout::<Out>(), length::<V>()) {
        (Layout::Frames, _) => true,
        (Layout::Blocks(shape), Length::Exact(length)) => shape.size() == length,
        (Layout::Blocks(_), Length::Unknown) => false,
    }
}

/// The part of a valid archive of a `T` to post: all of it, or only the root if other archives of `T`
/// consist of nothing else.
pub(crate) fn last_bytes<T: Message>(archive: &[u8]) -> &[u8] {
    let in_blocks = const { matches!(layout::<T>(), Layout::Blocks(_)) };
    let unused = if in_blocks { archive.len() - size_of::<Archived<T>>() } else { 0 };
    &archive[unused..]
}

/// Writes the archive of `message` to the start of `place` and returns its size in bytes. If that is
/// more than there was room for, what was written is useless.
#[inline(always)]
pub(crate) fn write<T: Message>(
    message: &T,
    place: &mut [MaybeUninit<u8>],
    scratch: &mut Scratch,
) -> Result<usize, DataCloneError> {
    if is_plain_copy::<T>() {
        if let Some(place) = place.get_mut(..size_of::<T>()) {
            copy(message, place);
        }
        return Ok(size_of::<T>());
    }
    if width::is_cut(message) {
        return Err(DataCloneError::narrow());
    }
    let (arena, shares) = scratch.parts();
    let mut serializer = Serializer::new(BoundedWriter::new(place), arena, shares);
    match rkyv::api::serialize_using::<_, DataCloneError>(message, &mut serializer) {
        Ok(_) => Ok(serializer.writer.pos()),
        Err(error) => error.needed_bytes().ok_or(error),
    }
}
