//! What loom watches beside the bytes of a ring.
//!
//! Loom tracks atomics and cells, no plain memory. So each slot has cells here that are entered
//! for the length of every access to its bytes, and an atomic in place of the commit word in its
//! upper half. That half is payload in one lap and a commit word in another, so three cells keep
//! apart what excludes what:
//!
//! |                 | plain read | plain write | atomic load | atomic store |
//! |-----------------|------------|-------------|-------------|--------------|
//! | `plain`         | shared     | exclusive   |             |              |
//! | `under_write`   |            | exclusive   | shared      | shared       |
//! | `under_read`    | shared     |             |             | exclusive    |
//!
//! Atomic stores exclude each other too: there is one producer.

use super::frame::{self, HEADER, SLOT};
use crate::sync::AtomicU32;
use loom::cell::{ConstPtr, MutPtr, UnsafeCell};

/// Plain writes in progress.
pub(super) type Writing = Vec<MutPtr<()>>;

/// Plain reads in progress.
pub(super) type Reading = Vec<ConstPtr<()>>;

#[derive(Debug)]
struct Slot {
    plain: UnsafeCell<()>,
    under_write: UnsafeCell<()>,
    under_read: UnsafeCell<()>,
    header: AtomicU32,
}

#[derive(Debug)]
pub(super) struct Shadow(Vec<Slot>);

impl Shadow {
    pub(super) fn new(slots: usize) -> Self {
        let slot = |_| Slot {
            plain: UnsafeCell::new(()),
            under_write: UnsafeCell::new(()),
            under_read: UnsafeCell::new(()),
            header: AtomicU32::new(frame::EMPTY),
        };
        Self((0..slots).map(slot).collect())
    }

    /// The commit word in the upper half of a slot.
    pub(super) fn header(&self, slot: usize) -> &AtomicU32 {
        &self.0[slot].header
    }

    /// Notes that the commit word of a slot is about to be loaded.
    pub(super) fn load(&self, slot: usize) {
        self.0[slot].under_write.with(|_| ());
    }

    /// Notes that the commit word of a slot is about to be stored.
    pub(super) fn store(&self, slot: usize) {
        self.0[slot].under_write.with(|_| ());
        self.0[slot].under_read.with_mut(|_| ());
    }

    pub(super) fn write(&self, offset: usize, length: usize) -> Writing {
        let plain = self.slots(offset, length).iter().map(|slot| slot.plain.get_mut());
        let headers = self.headers(offset, length).iter().map(|slot| slot.under_write.get_mut());
        plain.chain(headers).collect()
    }

    pub(super) fn read(&self, offset: usize, length: usize) -> Reading {
        let plain = self.slots(offset, length).iter().map(|slot| slot.plain.get());
        let headers = self.headers(offset, length).iter().map(|slot| slot.under_read.get());
        plain.chain(headers).collect()
    }

    /// The slots of which some bytes are in the range.
    fn slots(&self, offset: usize, length: usize) -> &[Slot] {
        &self.0[offset / SLOT..(offset + length).div_ceil(SLOT)]
    }

    /// The slots of which the commit word is in the range, as a whole or in part.
    fn headers(&self, offset: usize, length: usize) -> &[Slot] {
        let end = (offset + length + SLOT - HEADER - 1) / SLOT;
        &self.0[offset / SLOT..end.max(offset / SLOT)]
    }
}
