//! Loom's primitives, and atomics for which it finds more interleavings.

pub(crate) use ::loom::{alloc, cell, hint, sync, thread};

use ::loom::sync::atomic::{AtomicBool, Ordering};

/// Threads of a model that can be told apart: loom's maximum of five.
const THREADS: usize = 5;

/// Identifies a thread of a model.
pub(crate) type ThreadId = usize;

/// The calling thread's identity.
pub(crate) fn this_thread() -> ThreadId {
    thread_number()
}

/// The number of the calling thread within its model.
fn thread_number() -> usize {
    ::loom::thread_local! {
        static NUMBER: usize = {
            // Loom shows the number only in this text.
            let id = format!("{:?}", thread::current().id());
            let digits: String = id.chars().filter(char::is_ascii_digit).collect();
            digits.parse().unwrap_or(0)
        };
    }
    NUMBER.with(|number| number % THREADS)
}

/// An atomic for which loom finds every order of accesses, even if a thread that writes it has read
/// it before.
///
/// To find out which access could have run earlier, loom remembers only the last one to each
/// atomic. A thread that loads and then writes meets its own load there, and an earlier load by
/// another thread stays undiscovered: a `fetch_update` against one load is a single interleaving.
/// So each thread's loads leave a mark in an atomic of their own, and writes look at the marks
/// first. Nothing is ever stored in a mark, so it orders no memory.
macro_rules! words {
    ($($(#[$doc:meta])* $name:ident: $atomic:ty, $value:ty;)*) => {$(
        $(#[$doc])*
        #[derive(Debug)]
        pub(crate) struct $name {
            value: $atomic,
            /// On the heap: loom gives each thread of a model little stack.
            marks: Box<[AtomicBool]>,
            /// Which threads have ever loaded; not scheduled.
            marked: std::sync::atomic::AtomicUsize,
        }

        #[allow(dead_code, reason = "an atomic needs some of them")]
        impl $name {
            pub(crate) fn new(value: $value) -> Self {
                Self {
                    value: <$atomic>::new(value),
                    marks: (0..THREADS).map(|_| AtomicBool::new(false)).collect(),
                    marked: std::sync::atomic::AtomicUsize::new(0),
                }
            }

            pub(crate) fn load(&self, order: Ordering) -> $value {
                let number = thread_number();
                self.marked.fetch_or(1 << number, Ordering::Relaxed);
                self.marks[number].load(Ordering::Relaxed);
                self.value.load(order)
            }

            /// Called before every write.
            fn meet_loads(&self) {
                let others = self.marked.load(Ordering::Relaxed) & !(1 << thread_number());
                for (number, mark) in self.marks.iter().enumerate() {
                    if others & 1 << number != 0 {
                        let (set, relaxed) = (true, Ordering::Relaxed);
                        let _ = mark.compare_exchange(set, set, relaxed, relaxed);
                    }
                }
            }

            pub(crate) fn store(&self, value: $value, order: Ordering) {
                self.meet_loads();
                self.value.store(value, order);
            }

            pub(crate) fn fetch_or(&self, value: $value, order: Ordering) -> $value {
                self.meet_loads();
                self.value.fetch_or(value, order)
            }

            pub(crate) fn compare_exchange(
                &self,
                current: $value,
                new: $value,
                success: Ordering,
                failure: Ordering,
            ) -> Result<$value, $value> {
                self.meet_loads();
                self.value.compare_exchange(current, new, success, failure)
            }

            pub(crate) fn fetch_update(
                &self,
                success: Ordering,
                failure: Ordering,
                mut next: impl FnMut($value) -> Option<$value>,
            ) -> Result<$value, $value> {
                let mut value = self.load(failure);
                while let Some(new) = next(value) {
                    match self.compare_exchange(value, new, success, failure) {
                        Ok(previous) => return Ok(previous),
                        Err(actual) => value = actual,
                    }
                }
                Err(value)
            }
        }
    )*};
}

words! {
    /// A state that every thread reads and writes.
    StateWord: sync::atomic::AtomicU32, u32;
    /// A position that its writer reads, too.
    PositionWord: sync::atomic::AtomicUsize, usize;
}
