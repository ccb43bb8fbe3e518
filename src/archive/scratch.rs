//! The memory that writing and checking need beside the bytes of the archive, kept from one message to
//! the next.
//!
//! Everything in here follows one rule. What a message needed stays for the next one, so that nothing
//! is allocated in a steady state. If 64 messages in a row need less than a quarter of some room, and
//! it has more than [`KEPT`] bytes, it shrinks to what they needed.

use std::alloc::Layout;
use std::mem::MaybeUninit;
use std::ptr::NonNull;

use rkyv::ser::Allocator;
use rkyv::ser::allocator::{Arena, ArenaHandle};
use rkyv::ser::sharing::{Sharing, SharingState};
use rkyv::util::AlignedVec;

use super::ALIGNMENT;
use super::check::Known;
use super::table::{Idle, KEPT, Table};
use crate::archive::Message;
use crate::error::DataCloneError;

/// What a sender keeps between messages.
#[derive(Default)]
pub(crate) struct Scratch {
    /// Made for the first message whose type needs it.
    arena: Option<Arena>,
    need: Need,
    shares: Shares,
    /// An aligned copy of an archive that was made elsewhere.
    aligned: AlignedVec<ALIGNMENT>,
    idle: Idle,
    /// Holds an archive that is not written directly into its place.
    draft: Vec<MaybeUninit<u8>>,
    draft_idle: Idle,
    pub(super) known: Known,
}

/// An archive that was written aside. [Keep](Scratch::keep) it once it is posted.
#[derive(Debug)]
pub(crate) struct Draft {
    bytes: Vec<MaybeUninit<u8>>,
    /// How many of the bytes were written.
    length: usize,
}

impl Draft {
    pub(crate) fn as_bytes(&self) -> &[u8] {
        let bytes = &self.bytes[..self.length];
        // SAFETY: `write` returns how many bytes it wrote, from the start and without gaps. They come
        // from slices of bytes, or are a value whose type attests that all of its bytes are
        // initialised. Pointer and length are those of a slice of that many bytes.
        unsafe { std::slice::from_raw_parts(bytes.as_ptr().cast::<u8>(), bytes.len()) }
    }
}

/// After this many attempts, a value that is larger each time it is written aside is given up.
const DRAFTS: u32 = 8;

impl std::fmt::Debug for Scratch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Scratch").finish_non_exhaustive()
    }
}

impl Scratch {
    /// Starts a message.
    #[inline(always)]
    pub(super) fn parts(&mut self) -> (MeasuredArena<'_>, &mut Shares) {
        // Here and not after the last message, which may have panicked.
        if self.need.is_dirty | self.shares.is_dirty {
            self.settle();
        }
        let arena = self.arena.get_or_insert_with(Arena::new).acquire();
        (MeasuredArena { arena, need: &mut self.need }, &mut self.shares)
    }

    /// Ends the last message, if it left more than an arena of the usual size.
    #[cold]
    #[inline(never)]
    fn settle(&mut self) {
        self.need.is_dirty = false;
        self.settle_arena();
        self.shares.settle();
        self.settle_aligned(0);
    }

    fn settle_arena(&mut self) {
        let Some(arena) = &mut self.arena else { return };
        let most = std::mem::replace(&mut self.need.most, KEPT);
        self.need.now = 0;
        let mut room = arena.shrink();
        if let Some(most) = self.need.idle.note(most, room) {
            *arena = Arena::with_capacity(most);
            room = most;
        }
        self.need.is_dirty |= room > KEPT;
    }

    /// Writes the archive of `message` aside, or returns how many bytes it needs if that is more than
    /// `max`.
    pub(crate) fn draft<T: Message>(
        &mut self,
        message: &T,
        max: usize,
    ) -> Result<Result<Draft, usize>, DataCloneError> {
        let mut bytes = std::mem::take(&mut self.draft);
        for _ in 0..DRAFTS {
            let needed = super::write(message, &mut bytes, self)?;
            if needed > max {
                return Ok(Err(needed));
            }
            if needed <= bytes.len() {
                return Ok(Ok(Draft { bytes, length: needed }));
            }
            let more = needed - bytes.len();
            bytes.try_reserve_exact(more).map_err(|_| DataCloneError::out_of_memory(needed))?;
            bytes.resize(needed, MaybeUninit::uninit());
        }
        Err(DataCloneError::unstable())
    }

    /// Keeps the bytes of a draft for the next one, unless they are too many.
    pub(crate) fn keep(&mut self, draft: Draft) {
        self.draft = draft.bytes;
        if self.draft.capacity() > KEPT
            && let Some(most) = self.draft_idle.note(draft.length, self.draft.capacity())
        {
            self.draft = Vec::with_capacity(most);
        }
    }

    /// Lends `bytes` at an address that is aligned for archives.
    pub(super) fn with_aligned<R>(
        &mut self,
        bytes: &[u8],
        f: impl FnOnce(&[u8], &mut Known) -> R,
    ) -> R {
        self.aligned.clear();
        self.aligned.extend_from_slice(bytes);
        let result = f(self.aligned.as_slice(), &mut self.known);
        self.settle_aligned(bytes.len());
        result
    }

    /// Records how many bytes of a message were copied to be aligned.
    pub(super) fn settle_aligned(&mut self, needed: usize) {
        if let Some(most) = self.idle.note(needed, self.aligned.capacity()) {
            self.aligned = AlignedVec::with_capacity(most);
        }
        self.need.is_dirty |= self.aligned.capacity() > KEPT;
    }

    /// Frees a large aligned copy, for a type whose other messages never call `settle`.
    pub(super) fn forget_aligned(&mut self) {
        if self.aligned.capacity() > KEPT {
            self.aligned = AlignedVec::new();
        }
    }
}

/// How many bytes of the arena messages need.
#[derive(Debug)]
pub(super) struct Need {
    /// Bytes allocated now; too high after a message that failed.
    now: usize,
    /// The maximum of `now` since the last message ended, or what is kept in any case.
    most: usize,
    /// Whether there is something to settle: an arena or an aligned copy may be too large.
    is_dirty: bool,
    idle: Idle,
}

impl Default for Need {
    fn default() -> Self {
        Self { now: 0, most: KEPT, is_dirty: false, idle: Idle::default() }
    }
}

impl Need {
    #[cold]
    fn grow(&mut self) {
        self.most = self.now;
        self.is_dirty = true;
    }
}

/// rkyv's arena, with its use measured.
pub struct MeasuredArena<'a> {
    arena: ArenaHandle<'a>,
    need: &'a mut Need,
}

impl std::fmt::Debug for MeasuredArena<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MeasuredArena").field("need", &self.need).finish_non_exhaustive()
    }
}

/// More than the padding of almost every allocation.
const PADDING: usize = 16;

// SAFETY: rkyv's arena does all the work; counting changes nothing.
unsafe impl Allocator<DataCloneError> for MeasuredArena<'_> {
    #[inline]
    unsafe fn push_alloc(&mut self, layout: Layout) -> Result<NonNull<[u8]>, DataCloneError> {
        self.need.now = self.need.now.wrapping_add(layout.size() + PADDING);
        if self.need.now > self.need.most {
            self.need.grow();
        }
        // SAFETY: the caller promises this.
        unsafe { self.arena.push_alloc(layout) }
    }

    #[inline]
    unsafe fn pop_alloc(&mut self, ptr: NonNull<u8>, layout: Layout) -> Result<(), DataCloneError> {
        self.need.now = self.need.now.wrapping_sub(layout.size() + PADDING);
        // SAFETY: the caller promises this.
        unsafe { self.arena.pop_alloc(ptr, layout) }
    }
}

/// The positions of shared pointers' values in the archive that is being written.
#[derive(Debug, Default)]
pub struct Shares {
    /// The position of each value, once the value is written.
    table: Table<Option<usize>>,
    /// Whether the table describes this message, as it does from its first shared pointer on.
    begun: bool,
    /// Whether there is something to settle: a table of this message, or a large table.
    is_dirty: bool,
}

impl Shares {
    fn settle(&mut self) {
        if self.table.is_large() {
            self.table.settle(self.begun);
        }
        self.begun = false;
        self.is_dirty = self.table.is_large();
    }
}

/// A `Serialize` that breaks the contract of `Sharing`.
#[derive(Debug, thiserror::Error)]
enum Misuse {
    #[error("the shared pointer was not started")]
    NotStarted,
    #[error("the shared pointer was finished before")]
    Finished,
}

impl Sharing<DataCloneError> for Shares {
    fn start_sharing(&mut self, address: usize) -> SharingState {
        if !std::mem::replace(&mut self.begun, true) {
            self.is_dirty = true;
            self.table.clear();
        }
        match self.table.get_mut(address) {
            Some(Some(position)) => SharingState::Finished(*position),
            Some(None) => SharingState::Pending,
            None => {
                self.table.insert(address, None);
                SharingState::Started
            }
        }
    }

    fn finish_sharing(&mut self, address: usize, position: usize) -> Result<(), DataCloneError> {
        use rkyv::rancor::Source;

        match self.table.get_mut(address).filter(|_| self.begun) {
            Some(unfinished @ None) => *unfinished = Some(position),
            Some(Some(_)) => return Err(DataCloneError::new(Misuse::Finished)),
            None => return Err(DataCloneError::new(Misuse::NotStarted)),
        }
        Ok(())
    }
}
