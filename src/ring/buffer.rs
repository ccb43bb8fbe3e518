//! The bytes of a ring: the only raw pointers into it, and the commit words inside it.
//!
//! Every byte is initialised from the start. Who may touch which bytes when is the protocol's
//! business (`docs/protocol.md`); the `unsafe` functions here pass that obligation on to the
//! producer and the consumer. Under loom each slot has a shadow cell that is entered for the
//! length of every access, so that a model notices an access the protocol does not order.

use std::alloc::{Layout, alloc_zeroed, dealloc};
use std::ptr::NonNull;

use super::frame::{self, HEADER, SLOT};
use crate::sync::{AtomicU32, order};

#[cfg(message_port_loom)]
#[path = "shadow.rs"]
mod shadow;

/// Alignment in bytes of ring and spill memory: two cache lines, so that neighbours never share.
const ALIGNMENT: usize = 128;

/// Zeroed heap memory of a fixed size, aligned for every archive.
#[derive(Debug)]
pub(crate) struct Memory {
    base: NonNull<u8>,
    bytes: usize,
    /// Beside the access to the bytes, loom watches that they are freed.
    #[cfg(message_port_loom)]
    shadow: Box<loom::alloc::Track<loom::cell::UnsafeCell<()>>>,
}

// SAFETY: `Memory` owns its allocation as a `Box<[u8]>` would; nothing in it is tied to a thread.
unsafe impl Send for Memory {}

impl Memory {
    /// Allocates `bytes` zeroed bytes; `None` when there are none to be had.
    pub(crate) fn zeroed(bytes: usize) -> Option<Self> {
        let layout = Self::layout(bytes)?;
        // SAFETY: `layout` has a size, `Self::layout` refuses zero.
        let base = NonNull::new(unsafe { alloc_zeroed(layout) })?;
        Some(Self {
            base,
            bytes,
            #[cfg(message_port_loom)]
            shadow: Box::new(loom::alloc::Track::new(loom::cell::UnsafeCell::new(()))),
        })
    }

    pub(crate) fn len(&self) -> usize {
        self.bytes
    }

    pub(crate) fn as_mut_slice(&mut self) -> &mut [u8] {
        #[cfg(message_port_loom)]
        self.shadow.get_ref().with_mut(|_| ());
        // SAFETY: the allocation is `bytes` long and was zeroed, and `self` is borrowed uniquely.
        unsafe { std::slice::from_raw_parts_mut(self.base.as_ptr(), self.bytes) }
    }

    /// The first `length` bytes; the run must not outlive the memory or meet a write.
    pub(super) fn read(&self, length: usize) -> ReadRun {
        debug_assert!(length <= self.bytes);
        ReadRun {
            base: self.base,
            length,
            #[cfg(message_port_loom)]
            _tracked: vec![self.shadow.get_ref().get()],
        }
    }

    fn layout(bytes: usize) -> Option<Layout> {
        if bytes == 0 { None } else { Layout::from_size_align(bytes, ALIGNMENT).ok() }
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        #[cfg(message_port_loom)]
        if !std::thread::panicking() {
            self.shadow.get_ref().with_mut(|_| ());
        }
        if let Some(layout) = Self::layout(self.bytes) {
            // SAFETY: allocated in `zeroed` with this very layout, and owned until now.
            unsafe { dealloc(self.base.as_ptr(), layout) }
        }
    }
}

/// The bytes of one ring. The capacity is a power of two.
#[derive(Debug)]
pub(super) struct Buffer {
    memory: Memory,
    #[cfg(message_port_loom)]
    shadow: shadow::Shadow,
}

// SAFETY: shared access goes through the commit words, which are atomic, and through `read` and
// `write`, whose callers promise that their ranges do not overlap in time.
unsafe impl Sync for Buffer {}

/// Bytes that are the caller's alone to write, for as long as this lives.
#[derive(Debug)]
pub(crate) struct WriteRun {
    base: NonNull<u8>,
    length: usize,
    #[cfg(message_port_loom)]
    _tracked: shadow::Writing,
}

impl WriteRun {
    pub(crate) fn as_mut_slice(&mut self) -> &mut [u8] {
        // SAFETY: `Buffer::write` was promised that nobody else touches these initialised bytes
        // while this run lives, and `self` is borrowed uniquely.
        unsafe { std::slice::from_raw_parts_mut(self.base.as_ptr(), self.length) }
    }
}

/// Bytes that nobody writes, for as long as this lives.
#[derive(Debug)]
pub(crate) struct ReadRun {
    base: NonNull<u8>,
    length: usize,
    #[cfg(message_port_loom)]
    _tracked: shadow::Reading,
}

impl ReadRun {
    /// The bytes, as a pointer that does not outlive the run.
    #[inline]
    pub(crate) fn as_ptr(&self) -> NonNull<[u8]> {
        NonNull::slice_from_raw_parts(self.base, self.length)
    }
}

impl Buffer {
    /// Allocates a zeroed ring: no frame is in it.
    pub(super) fn new(capacity: usize) -> Option<Self> {
        debug_assert!(capacity.is_power_of_two() && capacity >= frame::MIN_CAPACITY);
        Some(Self {
            memory: Memory::zeroed(capacity)?,
            #[cfg(message_port_loom)]
            shadow: shadow::Shadow::new(capacity / SLOT),
        })
    }

    #[inline]
    pub(super) fn capacity(&self) -> usize {
        self.memory.len()
    }

    #[inline]
    fn offset(&self, position: usize) -> usize {
        position & (self.capacity() - 1)
    }

    #[inline]
    fn at(&self, position: usize) -> NonNull<u8> {
        // SAFETY: the offset is below the capacity, so the result is inside the allocation.
        unsafe { self.memory.base.add(self.offset(position)) }
    }

    /// The commit word of the frame at `position`.
    #[inline]
    fn header(&self, position: usize) -> &AtomicU32 {
        debug_assert!(position.is_multiple_of(SLOT));
        #[cfg(message_port_loom)]
        return self.shadow.header(self.shadow_slot(position));
        #[cfg(not(message_port_loom))]
        {
            let header = self.at(position.wrapping_sub(HEADER)).cast();
            // SAFETY: the header is inside the allocation and 8-aligned, since positions are
            // multiples of sixteen. While a position is the consumer's next one or the
            // producer's, its header is accessed through this function only; it serves as
            // payload in other laps, which release and refresh (R1, R2) order against these.
            unsafe { AtomicU32::from_ptr(header.as_ptr()) }
        }
    }

    /// The slot whose upper half is the header of the frame at `position`.
    #[cfg(message_port_loom)]
    fn shadow_slot(&self, position: usize) -> usize {
        self.offset(position.wrapping_sub(HEADER)) / SLOT
    }

    /// Reads the commit word of the frame at `position`; what it announces is then visible.
    #[inline]
    pub(super) fn poll(&self, position: usize) -> u32 {
        #[cfg(message_port_loom)]
        self.shadow.load(self.shadow_slot(position));
        // ORDERING(P2): Acquire; pairs with P1 in `commit`: payload and cleared next header.
        self.header(position).load(order::poll())
    }

    /// Marks the frame at `position` as not there. For the producer, before the commit of the
    /// frame in front of it makes the consumer poll this one.
    #[inline]
    pub(super) fn clear(&self, position: usize) {
        #[cfg(message_port_loom)]
        self.shadow.store(self.shadow_slot(position));
        if !order::active(order::Mutant::NoClear) {
            self.header(position).store(frame::EMPTY, order::UNORDERED);
        }
    }

    /// Publishes the frame at `position`, and with it everything written before.
    #[inline]
    pub(super) fn commit(&self, position: usize, word: u32) {
        #[cfg(message_port_loom)]
        self.shadow.store(self.shadow_slot(position));
        // ORDERING(P1): Release; pairs with P2 in `poll`.
        self.header(position).store(word, order::commit());
    }

    /// Reads back a commit word. For the producer, and for the last owner.
    pub(super) fn committed(&self, position: usize) -> u32 {
        #[cfg(message_port_loom)]
        self.shadow.load(self.shadow_slot(position));
        self.header(position).load(order::UNORDERED)
    }

    /// Borrows bytes for writing.
    ///
    /// # Safety
    ///
    /// The range does not reach past the end of its lap, and while the run lives nobody else
    /// reads or writes these bytes.
    #[inline]
    pub(super) unsafe fn write(&self, position: usize, length: usize) -> WriteRun {
        debug_assert!(self.offset(position) + length <= self.capacity());
        WriteRun {
            base: self.at(position),
            length,
            #[cfg(message_port_loom)]
            _tracked: self.shadow.write(self.offset(position), length),
        }
    }

    /// Borrows bytes for reading.
    ///
    /// # Safety
    ///
    /// The range does not reach past the end of its lap, and while the run lives nobody writes
    /// these bytes.
    #[inline]
    pub(super) unsafe fn read(&self, position: usize, length: usize) -> ReadRun {
        debug_assert!(self.offset(position) + length <= self.capacity());
        ReadRun {
            base: self.at(position),
            length,
            #[cfg(message_port_loom)]
            _tracked: self.shadow.read(self.offset(position), length),
        }
    }
}

#[cfg(message_port_loom)]
impl Drop for Buffer {
    /// The last owner must come after everybody's last access.
    fn drop(&mut self) {
        if !std::thread::panicking() {
            drop(self.shadow.write(0, self.capacity()));
        }
    }
}
