//! From bytes to archives. Nothing reads the bytes as an archive before they are checked.

use std::alloc::Layout;
use std::any::TypeId;
use std::cell::Cell;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr::NonNull;

use rkyv::Archived;
use rkyv::bytecheck::CheckBytes;
use rkyv::erased::{ErasedPtr, Metadata};
use rkyv::primitive::FixedUsize;
use rkyv::rancor::{Source, Strategy};
use rkyv::validation::ArchiveContext;
use rkyv::validation::shared::{SharedContext, ValidationState};

use super::Message;
use super::scratch::Scratch;
use super::table::Table;
use super::{ALIGNMENT, assert_aligned, is_plain_copy};
use crate::error::{Contained, DataCloneError, InvalidArchiveError};

/// How many pointers deep a received archive may be. Validation recurses, so a chain of a million links
/// would overflow the stack.
const MAX_DEPTH: usize = 512;

/// The rkyv validator that checks a received message.
#[allow(unreachable_pub, reason = "it stands in the bounds of a public trait")]
pub type MessageValidator<'a> = Strategy<Checker<'a>, InvalidArchiveError>;

/// What is known about the places that shared pointers lead to. The code that checks archives keeps
/// this from one message to the next.
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

/// Checks one archive.
///
/// It does what rkyv's own validators do. Those layer their contexts and have no place for what is kept
/// from one archive to the next.
#[derive(Debug)]
pub struct Checker<'a> {
    /// Addresses of the bytes that no part of the archive has claimed yet.
    unclaimed: Range<usize>,
    /// How many pointers deeper the archive may go, counting the one to the root.
    depth: usize,
    known: &'a mut Known,
    /// Whether `known` describes this archive, as it does from its first shared pointer on.
    begun: &'a Cell<bool>,
}

/// Why pointers are invalid, in rkyv's words, without the addresses.
#[derive(Debug, thiserror::Error)]
enum Stray {
    #[error("subtree pointer overran range: ptr 0x… size {size} in range 0x…..0x…")]
    Outside { size: usize },
    #[error("unaligned pointer: ptr 0x… unaligned for alignment {align}")]
    Unaligned { align: usize },
    #[error("pushed a subtree range that exceeded the maximum subtree depth")]
    Deep,
    #[error("subtree range popped out of order")]
    Order,
}

#[cold]
#[inline(never)]
fn stray(why: Stray) -> InvalidArchiveError {
    InvalidArchiveError::new(why)
}

// SAFETY: a pointer passes only if it is aligned and everything it leads to is unclaimed. That lies in
// the bytes of the archive, which are readable while the checker lives.
unsafe impl ArchiveContext<InvalidArchiveError> for Checker<'_> {
    #[inline]
    fn check_subtree_ptr(
        &mut self,
        pointer: *const u8,
        layout: &Layout,
    ) -> Result<(), InvalidArchiveError> {
        let (start, size, align) = (pointer.addr(), layout.size(), layout.align());
        let end = start.wrapping_add(size);
        if end < start || start < self.unclaimed.start || end > self.unclaimed.end {
            return Err(stray(Stray::Outside { size }));
        }
        if start & (align - 1) != 0 {
            return Err(stray(Stray::Unaligned { align }));
        }
        Ok(())
    }

    /// The bytes in front of `root` are for its parts; those behind its end are for what comes after it.
    #[inline]
    unsafe fn push_subtree_range(
        &mut self,
        root: *const u8,
        end: *const u8,
    ) -> Result<Range<usize>, InvalidArchiveError> {
        if self.depth == 0 {
            return Err(stray(Stray::Deep));
        }
        self.depth -= 1;
        let behind = end.addr()..self.unclaimed.end;
        self.unclaimed.end = root.addr();
        Ok(behind)
    }

    #[inline]
    unsafe fn pop_subtree_range(
        &mut self,
        behind: Range<usize>,
    ) -> Result<(), InvalidArchiveError> {
        if behind.start < self.unclaimed.end {
            return Err(stray(Stray::Order));
        }
        self.unclaimed = behind;
        self.depth += 1;
        Ok(())
    }
}

/// Why shared pointers are invalid.
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

impl SharedContext<InvalidArchiveError> for Checker<'_> {
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
        // SAFETY: the other metadata is from a shared pointer of the same type in the same archive.
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

/// Checks an archive of a `T` that was made elsewhere. If its bytes are not aligned, they are copied
/// first.
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

/// Reads an archive that was copied out of its message. It checks all of it, since validity may depend
/// on the address. The bytes must be aligned to [`ALIGNMENT`].
pub(crate) fn access<'a, T: Message>(
    archive: &'a [u8],
    known: &mut Known,
) -> Result<&'a Archived<T>, InvalidArchiveError> {
    assert!(is_aligned(archive), "an archive that is not aligned");
    // SAFETY: the bytes are borrowed as long as the result is, and aligned.
    let root = unsafe { checked::<T>(NonNull::from(archive), known) }?;
    // SAFETY: it lies in the bytes, and is valid.
    Ok(unsafe { root.as_ref() })
}

/// Whether the bytes are aligned as archives must be.
pub(crate) fn is_aligned(bytes: &[u8]) -> bool {
    bytes.as_ptr().addr().is_multiple_of(ALIGNMENT)
}

/// Finds the root of the archive in `bytes`, and checks the whole archive unless `trusted`.
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
        // SAFETY: the caller promises this.
        return unsafe { checked::<T>(bytes, known) };
    }
    assert_aligned::<T>();
    // SAFETY: the caller promises this.
    let bytes = unsafe { bytes.as_ref() };
    // SAFETY: the caller promises this, and the root is aligned, as asserted.
    Ok(NonNull::from(unsafe { rkyv::access_unchecked::<Archived<T>>(bytes) }))
}

/// Finds the root of the archive in `bytes`, and checks the whole archive.
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
    // SAFETY: the caller promises this.
    let bytes = unsafe { bytes.as_ref() };
    if !is_plain_copy::<T>() {
        return checked_by_rkyv::<T>(bytes, known);
    }
    if bytes.len() != size_of::<Archived<T>>() {
        return checked_at_length::<T>(bytes);
    }
    // There is only the root. Only its own check remains, which for numbers is nothing.
    let (mut known, begun) = (Known::default(), Cell::new(false));
    let mut checker = checker(bytes, &mut known, &begun);
    // SAFETY: archives are aligned to 16 bytes, which was asserted to be enough, and there are as many
    // bytes as the root needs.
    unsafe { Archived::<T>::check_bytes(root.as_ptr(), Strategy::wrap(&mut checker)) }?;
    Ok(root)
}

/// The uncommon case of [`checked`].
#[inline(always)]
fn checked_at_length<T: Message>(
    bytes: &[u8],
) -> Result<NonNull<Archived<T>>, InvalidArchiveError> {
    // A plain copy has no shared pointers, so there is nothing to know about them.
    checked_by_rkyv::<T>(bytes, &mut Known::default())
}

#[inline(always)]
fn checked_by_rkyv<T: Message>(
    bytes: &[u8],
    known: &mut Known,
) -> Result<NonNull<Archived<T>>, InvalidArchiveError> {
    let begun = Cell::new(false);
    let mut checker = checker(bytes, known, &begun);
    let mut check = || {
        rkyv::api::access_with_context::<Archived<T>, _, InvalidArchiveError>(bytes, &mut checker)
    };
    let root = if LENGTHS_ARE_WIDE { unless_it_panics(&mut check) } else { check() }?;
    if known.places.is_large() {
        known.places.settle(begun.get());
    }
    Ok(NonNull::from(root))
}

/// Whether a length in an archive has as many bits as an address, as on 32-bit machines or with rkyv's
/// `pointer_width_64`.
const LENGTHS_ARE_WIDE: bool = size_of::<FixedUsize>() >= size_of::<usize>();

#[derive(Debug, thiserror::Error)]
#[error("the check panicked")]
struct Panicked;

/// Treats a panic as an invalid archive: near the end of the range, rkyv's arithmetic with wide lengths
/// overflows, which panics where overflow is checked.
fn unless_it_panics<R>(
    check: impl FnOnce() -> Result<R, InvalidArchiveError>,
) -> Result<R, InvalidArchiveError> {
    // The next archive with a shared pointer clears what is known about them.
    catch_unwind(AssertUnwindSafe(check)).unwrap_or_else(|payload| {
        drop(Contained::new(payload));
        Err(InvalidArchiveError::new(Panicked))
    })
}

#[inline(always)]
fn checker<'a>(bytes: &'a [u8], known: &'a mut Known, begun: &'a Cell<bool>) -> Checker<'a> {
    let Range { start, end } = bytes.as_ptr_range();
    Checker { unclaimed: start.addr()..end.addr(), depth: MAX_DEPTH + 1, known, begun }
}
