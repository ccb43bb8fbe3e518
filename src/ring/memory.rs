//! Memory for rings and for spilled messages.

use std::alloc::{Layout, alloc, dealloc};
use std::mem::MaybeUninit;
use std::ptr::NonNull;

use super::buffer::ReadRun;

/// Alignment in bytes of ring and spill memory: two cache lines, so that neighbours never share.
const ALIGNMENT: usize = 128;

/// Memory of a fixed size, aligned for every archive and not yet touched: an idle channel costs the
/// pages that it has written.
#[derive(Debug)]
pub(crate) struct Memory {
    base: NonNull<u8>,
    /// How many bytes there are, and whether they are [`MAPPED`].
    bytes: usize,
    #[cfg(message_port_loom)]
    shadow: &'static Shadow,
}

/// What loom watches beside the bytes. It outlives them: whoever still reads them is to be found out by
/// this, not by a crash.
#[cfg(message_port_loom)]
#[derive(Debug)]
struct Shadow {
    /// Entered for every access to the bytes.
    bytes: crate::sync::cell::UnsafeCell<()>,
    /// Gone when the bytes are freed, which loom demands before the end.
    owned: std::cell::RefCell<Option<crate::sync::alloc::Track<()>>>,
}

#[cfg(message_port_loom)]
impl Default for Shadow {
    fn default() -> Self {
        let owned = Some(crate::sync::alloc::Track::new(())).into();
        Self { bytes: crate::sync::cell::UnsafeCell::new(()), owned }
    }
}

/// The memory is from the system, not from the allocator. No memory has so many bytes.
const MAPPED: usize = !(usize::MAX >> 1);

// SAFETY: `Memory` owns its allocation as a `Box<[u8]>` would; nothing in it is tied to a thread.
unsafe impl Send for Memory {}

impl Memory {
    /// Allocates `bytes` bytes, which hold anything; `None` if the allocator has none.
    pub(crate) fn allocated(bytes: usize) -> Option<Self> {
        let layout = Self::layout(bytes)?;
        // SAFETY: `layout` has a size, `Self::layout` refuses zero.
        let base = NonNull::new(unsafe { alloc(layout) })?;
        Some(Self::new(base, bytes))
    }

    /// Like [`allocated`](Self::allocated), but the system gets the memory back when it is freed,
    /// where it can map pages. An allocator may keep what is between blocks that are in use.
    pub(crate) fn returnable(bytes: usize) -> Option<Self> {
        mapping::map(bytes)
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
        // SAFETY: the allocation is that long, bytes that hold anything are `MaybeUninit`s, and
        // `self` is borrowed uniquely.
        unsafe { std::slice::from_raw_parts_mut(self.base.as_ptr().cast(), self.len()) }
    }

    /// The first `length` bytes, which were written; the run must not outlive the memory or meet a
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
            // SAFETY: `returnable` mapped so many bytes here, and they are owned until now.
            unsafe { mapping::unmap(self.base, self.len()) }
        } else if let Some(layout) = Self::layout(self.bytes) {
            // SAFETY: allocated in `allocated` with this very layout, and owned until now.
            unsafe { dealloc(self.base.as_ptr(), layout) }
        }
    }
}

/// Pages of the system's own, for what is worth the call.
#[cfg(all(target_os = "linux", not(any(message_port_loom, miri))))]
mod mapping {
    use rustix::mm::{MapFlags, ProtFlags, mmap_anonymous, munmap};
    use std::ptr::{NonNull, null_mut};

    /// Fewer bytes come from the allocator: pages would be half empty, or the calls too many.
    pub(super) const SMALLEST: usize = 64 * 1024;

    /// `bytes` bytes at the start of a page.
    pub(super) fn map(bytes: usize) -> Option<NonNull<u8>> {
        if bytes < SMALLEST || isize::try_from(bytes).is_err() {
            return None;
        }
        let access = ProtFlags::READ | ProtFlags::WRITE;
        // SAFETY: without an address the system chooses one at which nothing is.
        let base = unsafe { mmap_anonymous(null_mut(), bytes, access, MapFlags::PRIVATE) };
        NonNull::new(base.ok()?.cast())
    }

    /// # Safety
    ///
    /// [`map`] gave these bytes, and nobody uses them any more.
    pub(super) unsafe fn unmap(base: NonNull<u8>, bytes: usize) {
        // SAFETY: passed on to the caller.
        let unmapped = unsafe { munmap(base.as_ptr().cast(), bytes) };
        debug_assert!(unmapped.is_ok(), "{unmapped:?}");
    }
}

#[cfg(not(all(target_os = "linux", not(any(message_port_loom, miri)))))]
mod mapping {
    use std::ptr::NonNull;

    pub(super) fn map(_bytes: usize) -> Option<NonNull<u8>> {
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
            for memory in [Memory::allocated(bytes), Memory::returnable(bytes)] {
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
        // Of 32 bits of addresses that may be a half.
        if cfg!(target_pointer_width = "64") {
            assert!(Memory::returnable(isize::MAX as usize).is_none());
        }
    }
}
