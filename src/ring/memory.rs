//! Heap memory for rings and for spilled messages.

use std::alloc::{Layout, alloc_zeroed, dealloc};
use std::ptr::NonNull;

use super::buffer::ReadRun;

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

    /// The first byte.
    pub(super) fn base(&self) -> NonNull<u8> {
        self.base
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
        ReadRun::new(
            self.base,
            length,
            #[cfg(message_port_loom)]
            vec![self.shadow.get_ref().get()],
        )
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
