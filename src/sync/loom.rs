//! Loom's primitives, and atomics of which it finds more.

pub(crate) use ::loom::{alloc, cell, hint, sync, thread};

use ::loom::sync::atomic::{AtomicBool, Ordering};

/// Threads of a model that can be told apart; loom allows five.
const THREADS: usize = 5;

/// Which thread of a model it is.
pub(crate) type ThreadId = usize;

/// Tells threads apart.
pub(crate) fn this_thread() -> ThreadId {
    thread_number()
}

/// The number of the calling thread within its model.
fn thread_number() -> usize {
    ::loom::thread_local! {
        static NUMBER: usize = {
            // Loom shows the number only here.
            let id = format!("{:?}", thread::current().id());
            let digits: String = id.chars().filter(char::is_ascii_digit).collect();
            digits.parse().unwrap_or(0)
        };
    }
    NUMBER.with(|number| number % THREADS)
}

/// An atomic of which loom finds every order of accesses, also where a thread that writes it has
/// read it before.
///
/// To find out what could have run earlier, loom remembers one last access for each atomic. A
/// thread that loads and then writes meets its own load there, and what another thread loaded
/// before stays undiscovered: a `fetch_update` against one load is a single interleaving. So each
/// thread's loads leave a mark in an atomic of their own, and writes look at the marks first.
/// Nothing is ever stored in a mark, so that it orders no memory.
macro_rules! words {
    ($($(#[$doc:meta])* $name:ident: $atomic:ty, $value:ty;)*) => {$(
        $(#[$doc])*
        #[derive(Debug)]
        pub(crate) struct $name {
            value: $atomic,
            /// On the heap, as loom gives each thread of a model little stack.
            marks: Box<[AtomicBool]>,
            /// Which threads have loaded at all; not scheduled.
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

            /// Before every write.
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
