//! Shuttle's primitives under loom's names, and stand-ins for what shuttle lacks.
//!
//! Shuttle runs the threads of a program in one random order after another. It treats every
//! ordering as `SeqCst`: a failure shows a wrong interleaving, not a missing ordering.

pub(crate) use ::shuttle::hint;
pub(crate) use ::shuttle::sync;
pub(crate) use ::shuttle::sync::atomic::{AtomicU32 as StateWord, AtomicUsize as PositionWord};
pub(crate) use ::shuttle::thread;
pub(crate) use ::shuttle::thread::ThreadId;
pub use alloc::memory_in_use;

use std::time::Duration;

/// The calling thread's identity.
pub(crate) fn this_thread() -> ThreadId {
    thread::current().id()
}

/// Lets another thread run here. Unlike a yield, it does not suggest whose turn it should be.
pub(super) fn switch() {
    // There is no time in a model.
    thread::sleep(Duration::ZERO);
}

/// Cells that fail if an access overlaps a write, however long either of them lasts.
pub(crate) mod cell {
    use std::marker::PhantomData;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    /// Who is in a cell: a number of readers, or a writer.
    ///
    /// Not scheduled. All threads of a program run on one thread of the system, so nothing else
    /// happens between a look and an entry.
    #[derive(Debug, Default)]
    struct Users(AtomicUsize);

    const WRITER: usize = usize::MAX;

    impl Users {
        fn enter(&self, write: bool) {
            match (self.0.load(Ordering::Relaxed), write) {
                (0, true) => self.0.store(WRITER, Ordering::Relaxed),
                (WRITER, _) => panic!("a cell is used that somebody is currently writing"),
                (_, true) => panic!("a cell is written that somebody is currently reading"),
                (readers, false) => self.0.store(readers + 1, Ordering::Relaxed),
            }
        }

        fn leave(&self) {
            let left = match self.0.load(Ordering::Relaxed) {
                WRITER => 0,
                readers => readers - 1,
            };
            self.0.store(left, Ordering::Relaxed);
        }
    }

    #[derive(Debug, Default)]
    pub(crate) struct UnsafeCell<T> {
        value: std::cell::UnsafeCell<T>,
        users: Arc<Users>,
    }

    /// An access in progress.
    #[derive(Debug)]
    pub(crate) struct Access<P> {
        users: Arc<Users>,
        pointer: PhantomData<P>,
    }

    pub(crate) type ConstPtr<T> = Access<*const T>;
    pub(crate) type MutPtr<T> = Access<*mut T>;

    impl<P> Drop for Access<P> {
        fn drop(&mut self) {
            self.users.leave();
        }
    }

    impl<T> UnsafeCell<T> {
        pub(crate) fn new(value: T) -> Self {
            Self { value: std::cell::UnsafeCell::new(value), users: Arc::default() }
        }

        fn access<P>(&self, write: bool) -> Access<P> {
            self.users.enter(write);
            Access { users: Arc::clone(&self.users), pointer: PhantomData }
        }

        pub(crate) fn get(&self) -> ConstPtr<T> {
            self.access(false)
        }

        pub(crate) fn get_mut(&self) -> MutPtr<T> {
            self.access(true)
        }

        pub(crate) fn with<R>(&self, f: impl FnOnce(*const T) -> R) -> R {
            let _access = self.get();
            f(self.value.get())
        }

        pub(crate) fn with_mut<R>(&self, f: impl FnOnce(*mut T) -> R) -> R {
            let _access = self.get_mut();
            f(self.value.get())
        }
    }
}

/// Allocations that are counted, and must be freed.
pub(crate) mod alloc {
    use std::cell::Cell;

    thread_local! {
        /// Thread-local, since all threads of a program run on one thread of the system.
        static IN_USE: Cell<usize> = const { Cell::new(0) };
    }

    /// Rings, segments and buffers that are not freed yet. Must be zero when a program has ended.
    pub fn memory_in_use() -> usize {
        IN_USE.get()
    }

    #[derive(Debug)]
    pub(crate) struct Track<T> {
        _value: T,
    }

    impl<T> Track<T> {
        pub(crate) fn new(value: T) -> Self {
            IN_USE.set(IN_USE.get() + 1);
            Self { _value: value }
        }
    }

    impl<T> Drop for Track<T> {
        fn drop(&mut self) {
            IN_USE.set(IN_USE.get() - 1);
        }
    }
}
