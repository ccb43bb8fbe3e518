//! What loom watches beside the bytes of a ring.
//!
//! Loom tracks atomics and cells, but not plain memory. So each slot has cells here that every access
//! to its bytes enters for as long as it lasts, and an atomic in place of the commit word in its upper
//! half. That half is payload in one lap and a commit word in another, so three cells express which
//! accesses exclude each other:
//!
//! |                 | plain read | plain write | atomic load | atomic store |
//! |-----------------|------------|-------------|-------------|--------------|
//! | `plain`         | shared     | exclusive   |             |              |
//! | `under_write`   |            | exclusive   | shared      | shared       |
//! | `under_read`    | shared     |             |             | exclusive    |
//!
//! Atomic stores exclude each other too, since there is one producer.
//!
//! In blocks, a header is never payload, so an atomic per block and a cell per message suffice.

use super::block::{Cursor, Shape};
use super::frame::{HEADER, SLOT};
use crate::ring::layout::Layout;
use crate::sync::AtomicU32;
use crate::sync::cell::{ConstPtr, MutPtr, UnsafeCell};

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
pub(super) struct Shadow {
    /// The slots of frames.
    slots: Vec<Slot>,
    /// The headers of blocks.
    headers: Vec<AtomicU32>,
    /// The messages of blocks.
    messages: Vec<UnsafeCell<()>>,
}

/// What unwritten memory holds: a header that would be taken for news.
const ANYTHING: u32 = 0x101;

impl Shadow {
    pub(super) fn new(bytes: usize, layout: Layout) -> Self {
        let slot = |_| Slot {
            plain: UnsafeCell::new(()),
            under_write: UnsafeCell::new(()),
            under_read: UnsafeCell::new(()),
            header: AtomicU32::new(ANYTHING),
        };
        let (slots, headers, messages) = match layout {
            Layout::Frames => (bytes / SLOT, 0, 0),
            Layout::Blocks(shape) => (0, shape.blocks_of(bytes), shape.slots(bytes)),
        };
        Self {
            slots: (0..slots).map(slot).collect(),
            headers: (0..headers).map(|_| AtomicU32::new(ANYTHING)).collect(),
            messages: (0..messages).map(|_| UnsafeCell::new(())).collect(),
        }
    }

    /// Enters all cells, which nobody else may be in.
    pub(super) fn enter(&self) {
        drop(self.write(0, self.slots.len() * SLOT));
        for message in &self.messages {
            message.with_mut(|_| ());
        }
    }

    /// The header of a block.
    pub(super) fn block(&self, cursor: Cursor, shape: Shape) -> &AtomicU32 {
        &self.headers[shape.block(cursor)]
    }

    pub(super) fn write_message(&self, cursor: Cursor, shape: Shape) -> Writing {
        vec![self.messages[shape.slot(cursor)].get_mut()]
    }

    pub(super) fn read_message(&self, cursor: Cursor, shape: Shape) -> Reading {
        vec![self.messages[shape.slot(cursor)].get()]
    }

    /// The commit word in the upper half of a slot.
    pub(super) fn header(&self, slot: usize) -> &AtomicU32 {
        &self.slots[slot].header
    }

    /// Notes that the commit word of a slot is about to be loaded.
    pub(super) fn load(&self, slot: usize) {
        self.slots[slot].under_write.with(|_| ());
    }

    /// Notes that the commit word of a slot is about to be stored.
    pub(super) fn store(&self, slot: usize) {
        self.slots[slot].under_write.with(|_| ());
        self.slots[slot].under_read.with_mut(|_| ());
    }

    pub(super) fn write(&self, offset: usize, length: usize) -> Writing {
        let plain = self.slots_in(offset, length).iter().map(|slot| slot.plain.get_mut());
        let headers = self.headers_in(offset, length).iter().map(|slot| slot.under_write.get_mut());
        plain.chain(headers).collect()
    }

    pub(super) fn read(&self, offset: usize, length: usize) -> Reading {
        let plain = self.slots_in(offset, length).iter().map(|slot| slot.plain.get());
        let headers = self.headers_in(offset, length).iter().map(|slot| slot.under_read.get());
        plain.chain(headers).collect()
    }

    /// The slots with any bytes in the range.
    fn slots_in(&self, offset: usize, length: usize) -> &[Slot] {
        &self.slots[offset / SLOT..(offset + length).div_ceil(SLOT)]
    }

    /// The slots whose commit word is at least partly in the range.
    fn headers_in(&self, offset: usize, length: usize) -> &[Slot] {
        let end = (offset + length + SLOT - HEADER - 1) / SLOT;
        &self.slots[offset / SLOT..end.max(offset / SLOT)]
    }
}
