//! What writing and checking need beside the bytes of the archive, kept from one message to the
//! next.
//!
//! Everything in here follows one rule: what a message needed stays for the next one, so that
//! nothing is allocated in a steady state; and room of more than [`KEPT`] bytes of which 64
//! messages in a row needed less than a quarter shrinks to what they did need.

use std::alloc::Layout;
use std::ptr::NonNull;

use rkyv::ser::Allocator;
use rkyv::ser::allocator::{Arena, ArenaHandle};
use rkyv::ser::sharing::{Sharing, SharingState};
use rkyv::util::AlignedVec;

use super::ALIGNMENT;
use super::check::Known;
use super::table::{Idle, KEPT, Table};
use crate::error::DataCloneError;

/// What a sender keeps.
#[derive(Default)]
pub(crate) struct Scratch {
    /// Made for the first message whose type needs it.
    arena: Option<Arena>,
    need: Need,
    shares: Shares,
    /// Where an archive that came from elsewhere is aligned.
    aligned: AlignedVec<ALIGNMENT>,
    /// Whether that is more than is kept without need.
    is_large: bool,
    idle: Idle,
    pub(super) known: Known,
}

impl std::fmt::Debug for Scratch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Scratch").finish_non_exhaustive()
    }
}

impl Scratch {
    /// Starts a message.
    #[inline(always)]
    pub(super) fn parts(&mut self) -> (MeasuredArena<'_>, &mut Shares) {
        let arena = self.arena.get_or_insert_with(Arena::new).acquire();
        self.need.now = 0;
        self.shares.begun = false;
        (MeasuredArena { arena, need: &mut self.need }, &mut self.shares)
    }

    /// Ends a message.
    #[inline(always)]
    pub(super) fn settle(&mut self) {
        if self.need.is_large | self.shares.table.is_large() | self.is_large {
            self.settle_large();
        }
    }

    #[cold]
    #[inline(never)]
    fn settle_large(&mut self) {
        self.settle_arena();
        if self.shares.table.is_large() {
            self.shares.table.settle(self.shares.begun);
        }
        self.settle_aligned(0);
    }

    fn settle_arena(&mut self) {
        let Some(arena) = &mut self.arena else { return };
        let most = std::mem::replace(&mut self.need.most, KEPT);
        let room = arena.shrink();
        self.need.is_large = room > KEPT;
        if let Some(most) = self.need.idle.note(most, room) {
            *arena = Arena::with_capacity(most);
            self.need.is_large = false;
        }
    }

    /// Lends `bytes` at an address that archives may have.
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

    /// Notes how many bytes a message has had aligned.
    #[inline]
    pub(super) fn settle_aligned(&mut self, needed: usize) {
        self.is_large = self.aligned.capacity() > KEPT;
        if let Some(most) = self.idle.note(needed, self.aligned.capacity()) {
            self.aligned = AlignedVec::with_capacity(most);
        }
    }

    /// Lets go of what was aligned, for a type whose messages do not come by here again.
    pub(super) fn forget_aligned(&mut self) {
        if self.is_large {
            self.aligned = AlignedVec::new();
            self.is_large = false;
        }
    }
}

/// How much of the arena messages need, in bytes.
#[derive(Debug)]
pub(super) struct Need {
    /// What is allocated now.
    now: usize,
    /// The most of it since the last message ended, or what is kept in any case.
    most: usize,
    /// Whether the arena is perhaps larger than that.
    is_large: bool,
    idle: Idle,
}

impl Default for Need {
    fn default() -> Self {
        Self { now: 0, most: KEPT, is_large: false, idle: Idle::default() }
    }
}

impl Need {
    #[cold]
    fn grow(&mut self) {
        self.most = self.now;
        self.is_large = true;
    }
}

/// rkyv's arena, measured.
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

// SAFETY: all of it is rkyv's arena; what is counted changes nothing.
unsafe impl Allocator<DataCloneError> for MeasuredArena<'_> {
    #[inline]
    unsafe fn push_alloc(&mut self, layout: Layout) -> Result<NonNull<[u8]>, DataCloneError> {
        self.need.now = self.need.now.wrapping_add(layout.size() + PADDING);
        if self.need.now > self.need.most {
            self.need.grow();
        }
        // SAFETY: passed on to the caller.
        unsafe { self.arena.push_alloc(layout) }
    }

    #[inline]
    unsafe fn pop_alloc(&mut self, ptr: NonNull<u8>, layout: Layout) -> Result<(), DataCloneError> {
        self.need.now = self.need.now.wrapping_sub(layout.size() + PADDING);
        // SAFETY: passed on to the caller.
        unsafe { self.arena.pop_alloc(ptr, layout) }
    }
}

/// Where the values of shared pointers are in the archive that is being written.
#[derive(Debug, Default)]
pub struct Shares {
    /// The position of each value, once it is written.
    table: Table<Option<usize>>,
    /// Whether the table is about this message, which it is from its first shared pointer on.
    begun: bool,
}

/// A `Serialize` that does not keep to what `Sharing` asks.
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
