//! From bytes to archives: nothing reads them before they are checked.

use std::any::TypeId;
use std::cell::Cell;
use std::num::NonZero;
use std::ptr::NonNull;

use rkyv::Archived;
use rkyv::bytecheck::CheckBytes;
use rkyv::erased::{ErasedPtr, Metadata};
use rkyv::rancor::{Source, Strategy};
use rkyv::validation::Validator;
use rkyv::validation::archive::ArchiveValidator;
use rkyv::validation::shared::{SharedContext, ValidationState};

use super::scratch::Scratch;
use super::table::Table;
use super::{ALIGNMENT, assert_aligned, is_plain_copy};
use crate::error::{DataCloneError, InvalidArchiveError};
use crate::message::Message;

/// How many pointers deep a received archive may be. Validation recurses, and a chain of a million
/// links would overflow the stack.
const MAX_DEPTH: NonZero<usize> = NonZero::new(512).unwrap();

/// The rkyv validator that checks a received message.
#[allow(unreachable_pub, reason = "it stands in the bounds of a public trait")]
pub type MessageValidator<'a> =
    Strategy<Validator<ArchiveValidator<'a>, SharedPlaces<'a>>, InvalidArchiveError>;

/// What is known about the places that shared pointers lead to; kept from one message to the next
/// by whoever checks archives.
#[derive(Debug, Default)]
pub(crate) struct Known {
    places: Table<Place>,
}

#[derive(Clone, Debug)]
struct Place {
    type_id: TypeId,
    metadata: Metadata,
    is_finished: bool,
}

/// The shared pointers of one archive.
#[derive(Debug)]
pub struct SharedPlaces<'a> {
    known: &'a mut Known,
    /// Whether what is known is about this archive, which it is from its first shared pointer on.
    begun: &'a Cell<bool>,
}

/// Why shared pointers are not valid.
#[derive(Debug, thiserror::Error)]
enum Conflict {
    #[error("two shared pointers claim one place for values of different types")]
    Types,
    #[error("two shared pointers claim one place for values of different lengths or kinds")]
    Metadata,
    #[error("the shared pointer was not started")]
    NotStarted,
    #[error("the shared pointer was finished before")]
    Finished,
}

impl SharedContext<InvalidArchiveError> for SharedPlaces<'_> {
    fn start_shared(
        &mut self,
        type_id: TypeId,
        pointer: ErasedPtr,
        metadata_is_eq: unsafe fn(Metadata, Metadata) -> bool,
    ) -> Result<ValidationState, InvalidArchiveError> {
        if !self.begun.replace(true) {
            self.known.places.clear();
        }
        let (address, metadata) = (pointer.data_address().addr(), pointer.metadata());
        let Some(place) = self.known.places.get_mut(address) else {
            self.known.places.insert(address, Place { type_id, metadata, is_finished: false });
            return Ok(ValidationState::Started);
        };
        if place.type_id != type_id {
            return Err(InvalidArchiveError::new(Conflict::Types));
        }
        // SAFETY: a shared pointer of the same type made the other metadata, in the same archive.
        if !unsafe { metadata_is_eq(metadata, place.metadata) } {
            return Err(InvalidArchiveError::new(Conflict::Metadata));
        }
        Ok(if place.is_finished { ValidationState::Finished } else { ValidationState::Pending })
    }

    fn finish_shared(&mut self, _: TypeId, pointer: ErasedPtr) -> Result<(), InvalidArchiveError> {
        let place = self.known.places.get_mut(pointer.data_address().addr());
        match place.filter(|_| self.begun.get()) {
            Some(place) if place.is_finished => Err(InvalidArchiveError::new(Conflict::Finished)),
            Some(place) => {
                place.is_finished = true;
                Ok(())
            }
            None => Err(InvalidArchiveError::new(Conflict::NotStarted)),
        }
    }
}

/// Checks an archive of a `T` that was made elsewhere, wherever its bytes lie. Where they are not
/// aligned, they are copied first.
pub(crate) fn validate<T: Message>(
    archive: &[u8],
    scratch: &mut Scratch,
) -> Result<(), DataCloneError> {
    // SAFETY: the bytes are borrowed, and aligned.
    let check = |bytes: &[u8], known: &mut Known| unsafe {
        checked::<T>(NonNull::from(bytes), known).map(drop)
    };
    let checked = if is_aligned(archive) {
        scratch.settle_aligned(0);
        check(archive, &mut scratch.known)
    } else {
        scratch.with_aligned(archive, check)
    };
    if is_plain_copy::<T>() {
        scratch.forget_aligned();
    }
    checked.map_err(DataCloneError::new)
}

/// Whether the bytes lie where archives may lie.
pub(crate) fn is_aligned(bytes: &[u8]) -> bool {
    bytes.as_ptr().addr().is_multiple_of(ALIGNMENT)
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
    known: &mut Known,
) -> Result<NonNull<Archived<T>>, InvalidArchiveError> {
    if !trusted {
        // SAFETY: passed on to the caller.
        return unsafe { checked::<T>(bytes, known) };
    }
    assert_aligned::<T>();
    // SAFETY: passed on to the caller.
    let bytes = unsafe { bytes.as_ref() };
    // SAFETY: passed on to the caller; the root is aligned, as asserted.
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
    known: &mut Known,
) -> Result<NonNull<Archived<T>>, InvalidArchiveError> {
    assert_aligned::<T>();
    let root = bytes.cast::<Archived<T>>();
    // SAFETY: passed on to the caller.
    let bytes = unsafe { bytes.as_ref() };
    if !is_plain_copy::<T>() {
        return checked_by_rkyv::<T>(bytes, known);
    }
    if bytes.len() != size_of::<Archived<T>>() {
        return checked_at_length::<T>(bytes, known);
    }
    // The root is all there is: its own check remains, and that is nothing for numbers.
    let begun = Cell::new(false);
    let mut validator = validator(bytes, known, &begun);
    // SAFETY: archives are aligned to 16 bytes, which was asserted to be enough; and there are
    // as many bytes as the root needs.
    unsafe { Archived::<T>::check_bytes(root.as_ptr(), Strategy::wrap(&mut validator)) }?;
    Ok(root)
}

/// Out of the way of what is common.
#[cold]
#[inline(never)]
fn checked_at_length<T: Message>(
    bytes: &[u8],
    known: &mut Known,
) -> Result<NonNull<Archived<T>>, InvalidArchiveError> {
    checked_by_rkyv::<T>(bytes, known)
}

#[inline(always)]
fn checked_by_rkyv<T: Message>(
    bytes: &[u8],
    known: &mut Known,
) -> Result<NonNull<Archived<T>>, InvalidArchiveError> {
    let begun = Cell::new(false);
    let mut validator = validator(bytes, known, &begun);
    let root = rkyv::api::access_with_context::<Archived<T>, _, InvalidArchiveError>(
        bytes,
        &mut validator,
    )?;
    if known.places.is_large() {
        known.places.settle(begun.get());
    }
    Ok(NonNull::from(root))
}

#[inline(always)]
fn validator<'a>(
    bytes: &'a [u8],
    known: &'a mut Known,
    begun: &'a Cell<bool>,
) -> Validator<ArchiveValidator<'a>, SharedPlaces<'a>> {
    let archive = ArchiveValidator::with_max_depth(bytes, Some(MAX_DEPTH));
    Validator::new(archive, SharedPlaces { known, begun })
}
