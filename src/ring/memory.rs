//! Memory for rings and for spilled messages.

use std::alloc::{Layout, alloc, dealloc};
use std::mem::MaybeUninit;
use std::ptr::NonNull;

use super::buffer::ReadRun;

/// Alignment of ring and spill memory in bytes: two cache lines, so that neighbours share none.
const ALIGNMENT: usize = 128;

/// Memory of a fixed size, aligned for every archive. It starts untouched, so an idle channel costs
/// only the pages that it has written.
#[derive(Debug)]
pub(crate) struct Memory {
    base: NonNull<u8>,
    /// The number of bytes, and whether they are [`MAPPED`].
    bytes: usize,
    #[cfg(message_port_loom)]
    shadow: &'static Shadow,
}

/// What loom watches beside the bytes. It outlives them, so that it catches a late reader before a
/// crash does.
#[cfg(message_port_loom)]
#[derive(Debug)]
struct Shadow {
    /// Entered for each access to the bytes.
    bytes: crate::sync::cell::UnsafeCell<()>,
    /// Dropped when the bytes are freed; loom checks that this happens before the end.
    owned: std::cell::RefCell<Option<crate::sync::alloc::Track<()>>>,
}

#[cfg(message_port_loom)]
impl Default for Shadow {
    fn default() -> Self {
        let owned = Some(crate::sync::alloc::Track::new(())).into();
        Self { bytes: crate::sync::cell::UnsafeCell::new(()), owned }
    }
}

/// Set if the memory comes from the system, not from the allocator. No memory has this many bytes.
const MAPPED: usize = !(usize::MAX >> 1);

// SAFETY: `Memory` owns its allocation as a `Box<[u8]>` would; nothing in it is tied to a thread.
unsafe impl Send for Memory {}

impl Memory {
    /// Allocates `bytes` uninitialised bytes; `None` if the allocator has none.
    pub(crate) fn allocated(bytes: usize) -> Option<Self> {
        let layout = Self::layout(bytes)?;
        // SAFETY: the size is not zero, since `Self::layout` refuses zero.
        let base = NonNull::new(unsafe { alloc(layout) })?;
        Some(Self::new(base, bytes))
    }

    /// Like [`allocated`](Self::allocated), but where the system can map pages, it gets the memory
    /// back when that is freed. An allocator may keep memory between blocks that are in use.
    pub(crate) fn returnable(bytes: usize) -> Option<Self> {
        Self::mapped(bytes, false)
    }

    /// Like [`returnable`](Self::returnable), for memory of which all is written at once: the system is
    /// asked for its pages in one go, which takes less time than a page fault for each.
    pub(crate) fn returnable_whole(bytes: usize) -> Option<Self> {
        Self::mapped(bytes, true)
    }

    fn mapped(bytes: usize, at_once: bool) -> Option<Self> {
        mapping::map(bytes, at_once)
            .map(|base| Self::new(base, bytes | MAPPED))
            .or_else(|| Self::allocated(bytes))
    }

    fn new(base: NonNull<u8>, bytes: usize) -> Self {
        Self {
            base,
            bytes,
            #[cfg(message_port_loom)]
            shadow: Box::leak(Box::default()),
        }
    }

    /// The first byte.
    pub(super) fn base(&self) -> NonNull<u8> {
        self.base
    }

    pub(crate) fn len(&self) -> usize {
        self.bytes & !MAPPED
    }

    pub(crate) fn as_mut_slice(&mut self) -> &mut [MaybeUninit<u8>] {
        #[cfg(message_port_loom)]
        self.shadow.bytes.with_mut(|_| ());
        // SAFETY: the allocation is that long, `MaybeUninit` needs no initialisation, and `self` is
        // borrowed uniquely.
        unsafe { std::slice::from_raw_parts_mut(self.base.as_ptr().cast(), self.len()) }
    }

    /// The first `length` bytes, which were written. The run must not outlive the memory or overlap a
    /// write.
    pub(super) fn read(&self, length: usize) -> ReadRun {
        debug_assert!(length <= self.len());
        ReadRun::new(
            self.base,
            length,
            #[cfg(message_port_loom)]
            vec![self.shadow.bytes.get()],
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
            self.shadow.bytes.with_mut(|_| ());
        }
        #[cfg(message_port_loom)]
        assert!(self.shadow.owned.take().is_some(), "memory is freed twice");
        if self.bytes & MAPPED != 0 {
            // SAFETY: `returnable` mapped this many bytes here, and this still owns them.
            unsafe { mapping::unmap(self.base, self.len()) }
        } else if let Some(layout) = Self::layout(self.bytes) {
            // SAFETY: `allocated` allocated this with the same layout, and this still owns it.
            unsafe { dealloc(self.base.as_ptr(), layout) }
        }
    }
}

/// Pages from the system, for sizes that are worth the call.
#[cfg(all(target_os = "linux", not(any(message_port_loom, miri))))]
mod mapping {
    use rustix::mm::{MapFlags, ProtFlags, mmap_anonymous, munmap};
    use std::ptr::{NonNull, null_mut};

    /// Fewer bytes come from the allocator: they would leave pages half empty or need too many calls.
    pub(super) const SMALLEST: usize = 64 * 1024;

    /// Maps `bytes` bytes, at the start of a page; `at_once` with the pages.
    pub(super) fn map(bytes: usize, at_once: bool) -> Option<NonNull<u8>> {
        if bytes < SMALLEST || isize::try_from(bytes).is_err() {
            return None;
        }
        let access = ProtFlags::READ | ProtFlags::WRITE;
        let pages = if at_once { MapFlags::POPULATE } else { MapFlags::empty() };
        // SAFETY: without a given address, the system chooses an unused one.
        let base = unsafe { mmap_anonymous(null_mut(), bytes, access, MapFlags::PRIVATE | pages) };
        NonNull::new(base.ok()?.cast())
    }

    /// # Safety
    ///
    /// [`map`] returned these bytes, and nobody uses them any more.
    pub(super) unsafe fn unmap(base: NonNull<u8>, bytes: usize) {
        // SAFETY: the caller promises this.
        let unmapped = unsafe { munmap(base.as_ptr().cast(), bytes) };
        debug_assert!(unmapped.is_ok(), "{unmapped:?}");
    }
}

#[cfg(not(all(target_os = "linux", not(any(message_port_loom, miri)))))]
mod mapping {
    use std::ptr::NonNull;

    pub(super) fn map(_bytes: usize, _at_once: bool) -> Option<NonNull<u8>> {
        None
    }

    pub(super) unsafe fn unmap(_base: NonNull<u8>, _bytes: usize) {
        unreachable!("nothing was mapped")
    }
}

#[cfg(all(test, target_os = "linux", not(any(message_port_loom, miri))))]
mod tests {
    use super::*;

    #[test]
    fn memory_of_either_origin_is_aligned_and_freed() {
        for bytes in [1, mapping::SMALLEST - 1, mapping::SMALLEST, mapping::SMALLEST + 1, 1 << 20] {
            let origins = [
                Memory::allocated(bytes),
                Memory::returnable(bytes),
                Memory::returnable_whole(bytes),
            ];
            for memory in origins {
                let mut memory = memory.unwrap();
                assert_eq!(memory.len(), bytes);
                assert_eq!(memory.base().addr().get() % ALIGNMENT, 0);
                memory.as_mut_slice().fill(MaybeUninit::new(1));
            }
        }
    }

    #[test]
    fn what_is_large_is_mapped() {
        assert_eq!(Memory::returnable(mapping::SMALLEST - 1).unwrap().bytes & MAPPED, 0);
        assert_eq!(Memory::returnable(mapping::SMALLEST).unwrap().bytes & MAPPED, MAPPED);
        assert!(Memory::returnable(usize::MAX).is_none());
        // In a 32-bit address space that may be half of it.
        if cfg!(target_pointer_width = "64") {
            assert!(Memory::returnable(isize::MAX as usize).is_none());
        }
    }
}
