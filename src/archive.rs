//! The bridge to rkyv: values into bytes, bytes into archives.

use std::mem::MaybeUninit;
use std::num::NonZero;
use std::ptr::NonNull;

use rkyv::Archived;
use rkyv::api::high::HighValidator;
use rkyv::bytecheck::CheckBytes;
use rkyv::rancor::{Source, Strategy};
use rkyv::ser::allocator::{Arena, ArenaHandle};
use rkyv::ser::sharing::Share;
use rkyv::ser::{Positional, Serializer, Writer};
use rkyv::util::AlignedVec;
use rkyv::validation::Validator;
use rkyv::validation::archive::ArchiveValidator;
use rkyv::validation::shared::SharedValidator;

use crate::error::{DataCloneError, InvalidArchiveError};
use crate::message::Message;
use crate::outgoing::Length;
use crate::ring::Layout;

/// Alignment in bytes of every archive that is received.
pub(crate) const ALIGNMENT: usize = crate::ring::frame::SLOT;

/// How many pointers deep a received archive may be. Validation recurses, and a chain of a million
/// links would overflow the stack.
const MAX_DEPTH: NonZero<usize> = NonZero::new(512).unwrap();

/// The rkyv serializer that writes a message into its place.
#[allow(unreachable_pub, reason = "it stands in the bounds of a public trait")]
pub type MessageSerializer<'a> =
    Strategy<Serializer<BoundedWriter<'a>, ArenaHandle<'a>, &'a mut Share>, DataCloneError>;

/// The rkyv validator that checks a received message.
#[allow(unreachable_pub, reason = "it stands in the bounds of a public trait")]
pub type MessageValidator<'a> = HighValidator<'a, InvalidArchiveError>;

/// Archives have offsets of 32 bits; beyond this many bytes rkyv panics instead of failing.
pub(crate) const MAX_LENGTH: usize = i32::MAX as usize;

/// Writes into a fixed place, and goes on counting when that is full, up to [`MAX_LENGTH`].
#[derive(Debug)]
pub struct BoundedWriter<'a> {
    place: &'a mut [MaybeUninit<u8>],
    /// Bytes written or, beyond the place, counted.
    position: usize,
}

impl Positional for BoundedWriter<'_> {
    #[inline]
    fn pos(&self) -> usize {
        self.position
    }
}

impl Writer<DataCloneError> for BoundedWriter<'_> {
    #[inline]
    fn write(&mut self, bytes: &[u8]) -> Result<(), DataCloneError> {
        let end = self.position.saturating_add(bytes.len());
        if end > MAX_LENGTH {
            return Err(DataCloneError::beyond_every_limit(end));
        }
        if let Some(place) = self.place.get_mut(self.position..end) {
            place.write_copy_of_slice(bytes);
        }
        self.position = end;
        Ok(())
    }
}

/// What serialising needs beside the place, kept from one message to the next.
#[derive(Default)]
pub(crate) struct Scratch {
    /// Made for the first message whose type needs it.
    arena: Option<Arena>,
    share: Share,
    /// Where an archive that came from elsewhere is aligned.
    aligned: AlignedVec<ALIGNMENT>,
}

impl std::fmt::Debug for Scratch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Scratch").finish_non_exhaustive()
    }
}

/// Whether the archive of a `T` is the bytes of the `T`.
const fn is_plain_copy<T: Message>() -> bool {
    T::COPY_OPTIMIZATION.is_enabled() && size_of::<T>() == size_of::<Archived<T>>()
}

/// How many bytes the archive of a `T` has, as far as the type says.
pub(crate) const fn length<T: Message>() -> Length {
    const { assert!(align_of::<Archived<T>>() <= ALIGNMENT, "archives are aligned to 16 bytes") };
    if is_plain_copy::<T>() { Length::Exact(size_of::<T>()) } else { Length::Unknown }
}

/// How archives of a `T` lie in a ring.
pub(crate) const fn layout<T: Message>() -> Layout {
    if is_plain_copy::<T>() {
        Layout::one_size(size_of::<Archived<T>>(), align_of::<Archived<T>>())
    } else {
        Layout::Frames
    }
}

/// Writes the archive of `message` to the start of `place` and returns how many bytes it has. If
/// they are more than there was room for, what was written is of no use.
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
    let arena = scratch.arena.get_or_insert_with(Arena::new);
    scratch.share.clear();
    let writer = BoundedWriter { place, position: 0 };
    let mut serializer = Serializer::new(writer, arena.acquire(), &mut scratch.share);
    match rkyv::api::serialize_using::<_, DataCloneError>(message, &mut serializer) {
        Ok(_) => Ok(serializer.writer.position),
        Err(error) => error.needed_bytes().ok_or(error),
    }
}

/// Checks an archive of a `T` that was made elsewhere, wherever its bytes lie.
pub(crate) fn validated<'a, T: Message>(
    archive: &'a [u8],
    scratch: &'a mut Scratch,
) -> Result<&'a [u8], DataCloneError> {
    let archive = if archive.as_ptr().addr().is_multiple_of(ALIGNMENT) {
        archive
    } else {
        scratch.aligned.clear();
        scratch.aligned.extend_from_slice(archive);
        scratch.aligned.as_slice()
    };
    // SAFETY: the bytes are borrowed, and aligned.
    match unsafe { checked::<T>(NonNull::from(archive)) } {
        Ok(_) => Ok(archive),
        Err(error) => Err(DataCloneError::new(error)),
    }
}

/// Bytes of values that are copied word by word.
const FEW_WORDS: usize = 128;

/// Copies a value whose bytes are its archive to a place that is as long.
///
/// A message has mostly just been written, field by field, and may still be in the CPU's store
/// buffer. A load of several fields at once cannot be served from there and waits until they have
/// all reached the cache, which takes as long as the stores into the ring before them. Loads of
/// single words can be served, so small values are copied by words, which the compiler must not
/// combine.
#[inline(always)]
fn copy<T: Message>(message: &T, place: &mut [MaybeUninit<u8>]) {
    const WORD: usize = size_of::<u64>();
    let (from, to) = (std::ptr::from_ref(message).cast::<u8>(), place.as_mut_ptr().cast::<u8>());
    let size = size_of::<T>();
    debug_assert!(place.len() == size);
    let words = if size <= FEW_WORDS && align_of::<T>() >= WORD { size / WORD } else { 0 };
    let mut word = 0;
    while word < words {
        // SAFETY: the type attests through `CopyOptimization` that it is trivially copyable and
        // that all its bytes are initialised; the word is inside of it and, as `T`, aligned.
        let value = unsafe { from.add(word * WORD).cast::<u64>().read_volatile() };
        // SAFETY: the place is as long as the value, and borrowed uniquely.
        unsafe { to.add(word * WORD).cast::<u64>().write_unaligned(value) };
        word += 1;
    }
    let copied = words * WORD;
    // SAFETY: as above, for what is left of both.
    unsafe { std::ptr::copy_nonoverlapping(from.add(copied), to.add(copied), size - copied) };
}

/// What of a valid archive of a `T` has to be posted: all of it, or the root if that is all there is
/// of others.
pub(crate) fn last_bytes<T: Message>(archive: &[u8]) -> &[u8] {
    let in_blocks = const { matches!(layout::<T>(), Layout::Blocks(_)) };
    let unused = if in_blocks { archive.len() - size_of::<Archived<T>>() } else { 0 };
    &archive[unused..]
}

/// Finds the root of the archive in `bytes`; checks all of it, unless `trusted`.
///
/// # Safety
///
/// As for [`checked`]; and if `trusted`, `bytes` is a valid archive of a `T`.
#[inline(always)]
pub(crate) unsafe fn root<T: Message>(
    bytes: NonNull<[u8]>,
    trusted: bool,
) -> Result<NonNull<Archived<T>>, InvalidArchiveError> {
    if !trusted {
        // SAFETY: passed on to the caller.
        return unsafe { checked::<T>(bytes) };
    }
    // SAFETY: passed on to the caller.
    let bytes = unsafe { bytes.as_ref() };
    // SAFETY: passed on to the caller.
    Ok(NonNull::from(unsafe { rkyv::access_unchecked::<Archived<T>>(bytes) }))
}

/// Finds the root of the archive in `bytes`, checking all of it.
///
/// # Safety
///
/// `bytes` is valid for reads and aligned to [`ALIGNMENT`], and nobody writes it while the result
/// is in use.
#[inline(always)]
unsafe fn checked<T: Message>(
    bytes: NonNull<[u8]>,
) -> Result<NonNull<Archived<T>>, InvalidArchiveError> {
    let root = bytes.cast::<Archived<T>>();
    // SAFETY: passed on to the caller.
    let bytes = unsafe { bytes.as_ref() };
    let validator = || {
        let archive = ArchiveValidator::with_max_depth(bytes, Some(MAX_DEPTH));
        Validator::new(archive, SharedValidator::new())
    };
    if is_plain_copy::<T>() && bytes.len() == size_of::<Archived<T>>() {
        // The root is all there is: its own check remains, and that is nothing for numbers.
        // SAFETY: archives are aligned to 16 bytes, `length` has the compiler check that this is
        // enough; and there are as many bytes as the root needs.
        unsafe { Archived::<T>::check_bytes(root.as_ptr(), Strategy::wrap(&mut validator())) }?;
        return Ok(root);
    }
    rkyv::api::access_with_context::<Archived<T>, _, InvalidArchiveError>(bytes, &mut validator())
        .map(NonNull::from)
}
