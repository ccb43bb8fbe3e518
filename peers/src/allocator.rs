//! The system's allocator, which counts when it is told to.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};

/// Counts while [`Count`] says so; otherwise it only looks at a flag that nobody writes.
pub(crate) struct Counting;

static ON: AtomicBool = AtomicBool::new(false);
static ALLOCATIONS: AtomicU64 = AtomicU64::new(0);
static BYTES: AtomicI64 = AtomicI64::new(0);

impl Counting {
    #[inline(always)]
    fn allocated(before: usize, after: usize) {
        if ON.load(Ordering::Relaxed) {
            Self::count(before, after);
        }
    }

    #[cold]
    fn count(before: usize, after: usize) {
        if after > 0 {
            ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        }
        let bytes = |bytes: usize| i64::try_from(bytes).unwrap_or(i64::MAX);
        BYTES.fetch_add(bytes(after) - bytes(before), Ordering::Relaxed);
    }
}

// SAFETY: every call is passed on to the system's allocator, unchanged; counting does not
// allocate.
unsafe impl GlobalAlloc for Counting {
    #[inline(always)]
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        Self::allocated(0, layout.size());
        // SAFETY: the caller promises what `System` asks for.
        unsafe { System.alloc(layout) }
    }

    #[inline(always)]
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        Self::allocated(0, layout.size());
        // SAFETY: the caller promises what `System` asks for.
        unsafe { System.alloc_zeroed(layout) }
    }

    #[inline(always)]
    unsafe fn realloc(&self, place: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        Self::allocated(layout.size(), size);
        // SAFETY: the caller promises what `System` asks for.
        unsafe { System.realloc(place, layout, size) }
    }

    #[inline(always)]
    unsafe fn dealloc(&self, place: *mut u8, layout: Layout) {
        Self::allocated(layout.size(), 0);
        // SAFETY: the caller promises what `System` asks for.
        unsafe { System.dealloc(place, layout) }
    }
}

/// What was allocated between its start and its end, by all threads.
pub(crate) struct Count {
    allocations: u64,
    bytes: i64,
}

impl Count {
    /// Starts to count. There is one count at a time.
    pub(crate) fn start() -> Self {
        let was_on = ON.swap(true, Ordering::Relaxed);
        assert!(!was_on, "two counts at a time");
        Self {
            allocations: ALLOCATIONS.load(Ordering::Relaxed),
            bytes: BYTES.load(Ordering::Relaxed),
        }
    }

    /// The bytes that are there now and were not at the start.
    pub(crate) fn bytes(&self) -> i64 {
        BYTES.load(Ordering::Relaxed) - self.bytes
    }

    /// Allocations since the start.
    pub(crate) fn allocations(&self) -> u64 {
        ALLOCATIONS.load(Ordering::Relaxed) - self.allocations
    }
}

impl Drop for Count {
    fn drop(&mut self) {
        ON.store(false, Ordering::Relaxed);
    }
}
