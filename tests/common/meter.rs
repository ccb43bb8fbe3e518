//! An allocator that counts, for each thread on its own: what the test harness does meanwhile on
//! other threads does not show.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::ops::{Add, Sub};

/// What one thread allocated and freed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Counts {
    /// Calls that allocated.
    pub(crate) allocations: i64,
    /// Blocks allocated less blocks freed.
    pub(crate) blocks: i64,
    /// Bytes allocated less bytes freed.
    pub(crate) bytes: i64,
}

impl Add for Counts {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            allocations: self.allocations + other.allocations,
            blocks: self.blocks + other.blocks,
            bytes: self.bytes + other.bytes,
        }
    }
}

impl Sub for Counts {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        Self {
            allocations: self.allocations - other.allocations,
            blocks: self.blocks - other.blocks,
            bytes: self.bytes - other.bytes,
        }
    }
}

thread_local! {
    static COUNTS: Cell<Counts> =
        const { Cell::new(Counts { allocations: 0, blocks: 0, bytes: 0 }) };
}

struct Counting;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

impl Counting {
    fn count(allocations: i64, blocks: i64, bytes: i64) {
        let change = Counts { allocations, blocks, bytes };
        // A thread that is past its thread-locals is past what a test measures.
        let _ = COUNTS.try_with(|counts| counts.set(counts.get() + change));
    }
}

fn signed(bytes: usize) -> i64 {
    i64::try_from(bytes).unwrap_or(i64::MAX)
}

// SAFETY: all of it is the system's allocator; the counting allocates nothing.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        Self::count(1, 1, signed(layout.size()));
        // SAFETY: passed on to the caller.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        Self::count(1, 1, signed(layout.size()));
        // SAFETY: passed on to the caller.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, old: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        Self::count(1, 0, signed(size) - signed(layout.size()));
        // SAFETY: passed on to the caller.
        unsafe { System.realloc(old, layout, size) }
    }

    unsafe fn dealloc(&self, old: *mut u8, layout: Layout) {
        Self::count(0, -1, -signed(layout.size()));
        // SAFETY: passed on to the caller.
        unsafe { System.dealloc(old, layout) }
    }
}

/// What the calling thread allocated and freed so far.
pub(crate) fn counts() -> Counts {
    COUNTS.get()
}

/// What the calling thread allocates and frees while `f` runs.
pub(crate) fn measure<R>(f: impl FnOnce() -> R) -> (R, Counts) {
    let before = counts();
    let result = f();
    (result, counts() - before)
}
