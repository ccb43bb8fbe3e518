//! The bytes of a ring: the only raw pointers into it, and its commit words.
//!
//! Nothing is initialised up front: the producer writes a header before the consumer can reach it,
//! and a payload before it publishes the header. The protocol (`docs/protocol.md`) says who may
//! touch which bytes when; the `unsafe` functions here leave that obligation to the producer and
//! the consumer. Under loom each message has a shadow cell that every access enters for as long as
//! it lasts, so that a model catches accesses that the protocol does not order.

use std::mem::MaybeUninit;
use std::ptr::NonNull;

use super::block::{self, Cursor, Shape};
use super::frame::{self, HEADER, SLOT};
use super::layout::Layout;
use super::memory::Memory;
use super::prefetch;
use crate::sync::{AtomicU32, order};

#[cfg(message_port_loom)]
#[path = "shadow.rs"]
mod shadow;

/// The bytes of one ring.
#[derive(Debug)]
pub(super) struct Buffer {
    memory: Memory,
    #[cfg(message_port_loom)]
    shadow: shadow::Shadow,
}

// SAFETY: shared access goes through the headers, which are atomic, and through the reads and
// writes of its views, whose callers promise that conflicting ranges never overlap in time.
unsafe impl Sync for Buffer {}

impl Buffer {
    /// Makes a ring of uninitialised memory. The producer clears the first header before there is a
    /// consumer.
    pub(super) fn new(memory: Memory, layout: Layout) -> Self {
        debug_assert!(
            layout != Layout::Frames
                || memory.len().is_power_of_two() && memory.len() >= frame::MIN_CAPACITY
        );
        Self {
            #[cfg(message_port_loom)]
            shadow: shadow::Shadow::new(memory.len(), layout),
            memory,
        }
    }

    /// Bytes of the ring.
    pub(super) fn len(&self) -> usize {
        self.memory.len()
    }

    /// A view of the bytes, for an end to keep.
    ///
    /// # Safety
    ///
    /// The buffer does not move, and the view is not used after the buffer is dropped.
    pub(super) unsafe fn view(&self) -> View {
        View {
            base: self.memory.base(),
            mask: self.memory.len() - 1,
            #[cfg(message_port_loom)]
            shadow: NonNull::from(&self.shadow),
        }
    }
}

#[cfg(any(message_port_loom, message_port_teeth))]
impl Buffer {
    /// Makes a model fail if anybody still uses these bytes.
    pub(super) fn enter(&self) {
        #[cfg(message_port_loom)]
        self.shadow.enter();
    }
}

#[cfg(message_port_loom)]
impl Drop for Buffer {
    /// The drop must be ordered after every access.
    fn drop(&mut self) {
        if !std::thread::panicking() {
            self.enter();
        }
    }
}

/// Direct access to the bytes of a [`Buffer`], not through the shared state.
#[derive(Clone, Copy, Debug)]
pub(super) struct View {
    base: NonNull<u8>,
    /// The size of the ring in bytes, less one; in the frame layout, a mask for positions.
    mask: usize,
    #[cfg(message_port_loom)]
    shadow: NonNull<shadow::Shadow>,
}

// SAFETY: this is a shared reference to a `Buffer`, which is `Sync`, without its lifetime.
unsafe impl Send for View {}
// SAFETY: as above.
unsafe impl Sync for View {}

impl View {
    /// Bytes of the ring.
    #[inline]
    pub(super) fn len(&self) -> usize {
        self.mask + 1
    }

    /// The first byte.
    #[cfg(test)]
    pub(super) fn base(&self) -> NonNull<u8> {
        self.base
    }

    #[inline]
    fn offset(&self, position: usize) -> usize {
        position & self.mask
    }

    #[inline]
    fn at(&self, position: usize) -> NonNull<u8> {
        // SAFETY: the offset is below the capacity, so the result is inside the allocation.
        unsafe { self.base.add(self.offset(position)) }
    }

    #[cfg(message_port_loom)]
    fn shadow(&self) -> &shadow::Shadow {
        // SAFETY: `Buffer::view` was promised that the buffer is still there.
        unsafe { self.shadow.as_ref() }
    }

    /// The commit word of the frame at `position`.
    #[inline]
    fn header(&self, position: usize) -> &AtomicU32 {
        debug_assert!(position.is_multiple_of(SLOT));
        #[cfg(message_port_loom)]
        return self.shadow().header(self.shadow_slot(position));
        #[cfg(not(message_port_loom))]
        {
            let header = self.at(position.wrapping_sub(HEADER)).cast();
            // SAFETY: `Buffer::view` was promised that the buffer is still there. The header is
            // inside it and 8-aligned, since positions are multiples of sixteen. While a position
            // is the consumer's next one or the producer's, its header is accessed only through
            // this function. In other laps it is payload; release and refresh (R1, R2) order those
            // accesses against these.
            unsafe { AtomicU32::from_ptr(header.as_ptr()) }
        }
    }

    /// The slot whose upper half is the header of the frame at `position`.
    #[cfg(message_port_loom)]
    fn shadow_slot(&self, position: usize) -> usize {
        self.offset(position.wrapping_sub(HEADER)) / SLOT
    }

    /// Reads the commit word of the frame at `position`, and makes visible what it announces.
    #[inline]
    pub(super) fn poll(&self, position: usize) -> u32 {
        #[cfg(message_port_loom)]
        self.shadow().load(self.shadow_slot(position));
        // ORDERING(P2): Acquire; pairs with P1 in `commit`: payload and cleared next header.
        self.header(position).load(order::poll())
    }

    /// Marks the frame at `position` as absent. The producer does this before it commits the frame in
    /// front, which makes the consumer poll this one.
    #[inline]
    pub(super) fn clear(&self, position: usize) {
        #[cfg(message_port_loom)]
        self.shadow().store(self.shadow_slot(position));
        if !order::active(order::Mutant::NoClear) {
            self.header(position).store(frame::EMPTY, order::UNORDERED);
        }
    }

    /// Publishes the frame at `position` and everything written before it.
    #[inline]
    pub(super) fn commit(&self, position: usize, word: u32) {
        #[cfg(message_port_loom)]
        self.shadow().store(self.shadow_slot(position));
        // ORDERING(P1): Release; pairs with P2 in `poll`.
        self.header(position).store(word, order::commit());
    }

    /// Reads back a commit word. Only for the producer and the last owner.
    pub(super) fn committed(&self, position: usize) -> u32 {
        #[cfg(message_port_loom)]
        self.shadow().load(self.shadow_slot(position));
        self.header(position).load(order::UNORDERED)
    }

    /// Borrows bytes for writing.
    ///
    /// # Safety
    ///
    /// The range does not reach past the end of its lap, and nobody else reads or writes these bytes
    /// while the run lives.
    #[inline]
    pub(super) unsafe fn write(&self, position: usize, length: usize) -> WriteRun {
        debug_assert!(self.offset(position) + length <= self.mask + 1);
        WriteRun {
            base: self.at(position),
            length,
            #[cfg(message_port_loom)]
            _tracked: self.shadow().write(self.offset(position), length),
        }
    }

    /// Borrows bytes for reading.
    ///
    /// # Safety
    ///
    /// The range does not reach past the end of its lap, its bytes were written, and nobody writes
    /// them while the run lives.
    #[inline]
    pub(super) unsafe fn read(&self, position: usize, length: usize) -> ReadRun {
        debug_assert!(self.offset(position) + length <= self.mask + 1);
        ReadRun {
            base: self.at(position),
            length,
            #[cfg(message_port_loom)]
            _tracked: self.shadow().read(self.offset(position), length),
        }
    }
}

/// Blocks of messages of one size.
impl View {
    /// The header of the block at `cursor`.
    #[inline(always)]
    fn block_header(&self, cursor: Cursor, shape: Shape) -> &AtomicU32 {
        #[cfg(message_port_loom)]
        return self.shadow().block(cursor, shape);
        #[cfg(not(message_port_loom))]
        {
            let _ = shape;
            // SAFETY: cursors are at blocks of the ring.
            let header = unsafe { self.base.add(cursor.at) }.cast();
            // SAFETY: `Buffer::view` was promised that the buffer is still there. The header is
            // inside it, aligned as blocks are, and never holds payload: it is accessed only
            // through this function.
            unsafe { AtomicU32::from_ptr(header.as_ptr()) }
        }
    }

    /// Reads the header of the block at `cursor`, and makes visible the messages that it announces.
    #[inline(always)]
    pub(super) fn poll_block(&self, cursor: Cursor, shape: Shape) -> u32 {
        // ORDERING(P2): Acquire; pairs with P1 in `commit_block`: the messages, and the cleared
        // header of the next block.
        self.block_header(cursor, shape).load(order::poll())
    }

    /// Gives the block at `cursor` a header that announces nothing. The producer does this before it
    /// publishes the last message in front of the block.
    #[inline(always)]
    pub(super) fn clear_block(&self, cursor: Cursor, shape: Shape) {
        if !order::active(order::Mutant::NoClear) {
            self.block_header(cursor, shape).store(block::untouched(cursor), order::UNORDERED);
        }
    }

    /// Writes `header` to the block at `cursor`, which publishes everything written before.
    #[inline(always)]
    pub(super) fn commit_block(&self, cursor: Cursor, shape: Shape, header: u32) {
        // ORDERING(P1): Release; pairs with P2 in `poll_block`.
        self.block_header(cursor, shape).store(header, order::commit());
    }

    /// Borrows the message at `cursor` for writing.
    ///
    /// # Safety
    ///
    /// Nobody else reads or writes this message while the run lives.
    #[inline(always)]
    pub(super) unsafe fn write_message(&self, cursor: Cursor, shape: Shape) -> WriteRun {
        debug_assert!(cursor.offset(shape) + shape.size() <= self.len());
        WriteRun {
            // SAFETY: cursors are at messages of the ring.
            base: unsafe { self.base.add(cursor.offset(shape)) },
            length: shape.size(),
            #[cfg(message_port_loom)]
            _tracked: self.shadow().write_message(cursor, shape),
        }
    }

    /// Borrows the message at `cursor` for reading.
    ///
    /// # Safety
    ///
    /// The message was written, and nobody writes it while the run lives.
    #[inline(always)]
    pub(super) unsafe fn read_message(&self, cursor: Cursor, shape: Shape) -> ReadRun {
        debug_assert!(cursor.offset(shape) + shape.size() <= self.len());
        ReadRun {
            // SAFETY: cursors are at messages of the ring.
            base: unsafe { self.base.add(cursor.offset(shape)) },
            length: shape.size(),
            #[cfg(message_port_loom)]
            _tracked: self.shadow().read_message(cursor, shape),
        }
    }
}

impl View {
    /// Asks for the cache lines of the block at `cursor`, to read it.
    #[inline(always)]
    pub(super) fn prefetch_for_reading(&self, shape: Shape, cursor: Cursor) {
        prefetch::for_reading(self.base.as_ptr().wrapping_add(cursor.at), shape.stride());
    }

    /// Asks for the cache lines of the block at `cursor`, to write it.
    #[inline(always)]
    pub(super) fn prefetch_for_writing(&self, shape: Shape, cursor: Cursor) {
        prefetch::for_writing(self.base.as_ptr().wrapping_add(cursor.at), shape.stride());
    }

    /// Asks for the cache lines of a frame of `size` bytes at `position`, to read it.
    #[inline(always)]
    pub(super) fn prefetch_frame_for_reading(&self, position: usize, size: usize) {
        prefetch::for_reading(self.base.as_ptr().wrapping_add(self.offset(position)), size);
    }

    /// Asks for the cache lines of a frame of `size` bytes at `position`, to write it.
    #[inline(always)]
    pub(super) fn prefetch_frame_for_writing(&self, position: usize, size: usize) {
        prefetch::for_writing(self.base.as_ptr().wrapping_add(self.offset(position)), size);
    }
}

/// Bytes that only the caller may write while this lives.
#[derive(Debug)]
pub(crate) struct WriteRun {
    base: NonNull<u8>,
    length: usize,
    #[cfg(message_port_loom)]
    _tracked: shadow::Writing,
}

impl WriteRun {
    #[inline(always)]
    pub(crate) fn as_mut_slice(&mut self) -> &mut [MaybeUninit<u8>] {
        // SAFETY: whoever made the run promised that nobody else touches these bytes while it
        // lives; they need not be initialised, and `self` is borrowed uniquely.
        unsafe { std::slice::from_raw_parts_mut(self.base.as_ptr().cast(), self.length) }
    }
}

/// Bytes that nobody writes while this lives.
#[derive(Debug)]
pub(crate) struct ReadRun {
    base: NonNull<u8>,
    length: usize,
    #[cfg(message_port_loom)]
    _tracked: shadow::Reading,
}

impl ReadRun {
    /// The first `length` bytes of a heap buffer.
    pub(super) fn new(
        base: NonNull<u8>,
        length: usize,
        #[cfg(message_port_loom)] tracked: shadow::Reading,
    ) -> Self {
        Self {
            base,
            length,
            #[cfg(message_port_loom)]
            _tracked: tracked,
        }
    }

    /// A pointer to the bytes, valid while the run lives.
    #[inline(always)]
    pub(crate) fn as_ptr(&self) -> NonNull<[u8]> {
        NonNull::slice_from_raw_parts(self.base, self.length)
    }
}
