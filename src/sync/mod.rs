//! The one place that names atomics, fences, cells and reference counts.
//!
//! Ordinarily these are the standard library's and crossbeam's; under `--cfg message_port_loom`
//! they are loom's, so that a model checker can schedule them. No other module imports
//! `std::sync::atomic`, and no other module names an [`Ordering`]: they use the tags of
//! [`order`].

pub(crate) mod order;

#[cfg(all(message_port_loom, not(feature = "loom")))]
compile_error!("`--cfg message_port_loom` needs the feature `loom` of message-port");

#[cfg(not(message_port_loom))]
mod imp {
    pub(crate) use crossbeam_queue::ArrayQueue;
    pub(crate) use crossbeam_utils::sync::{Parker, Unparker};
    pub(crate) use std::hint::spin_loop;
    pub(crate) use std::sync::Arc;
    pub(crate) use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering, fence};

    /// A cell whose accesses loom tracks; outside of loom a plain one.
    #[derive(Debug, Default)]
    pub(crate) struct Cell<T>(std::cell::UnsafeCell<T>);

    impl<T> Cell<T> {
        pub(crate) const fn new(value: T) -> Self {
            Self(std::cell::UnsafeCell::new(value))
        }

        /// Runs `f` with a pointer for reading.
        #[inline]
        pub(crate) fn with<R>(&self, f: impl FnOnce(*const T) -> R) -> R {
            f(self.0.get())
        }

        /// Runs `f` with a pointer for writing.
        #[inline]
        pub(crate) fn with_mut<R>(&self, f: impl FnOnce(*mut T) -> R) -> R {
            f(self.0.get())
        }
    }
}

#[cfg(message_port_loom)]
mod imp {
    pub(crate) use loom::hint::spin_loop;
    pub(crate) use loom::sync::Arc;
    pub(crate) use loom::sync::atomic::{AtomicU32, AtomicUsize, Ordering, fence};

    use std::collections::VecDeque;
    use std::time::Instant;

    /// A cell whose accesses loom tracks.
    #[derive(Debug, Default)]
    pub(crate) struct Cell<T>(loom::cell::UnsafeCell<T>);

    impl<T> Cell<T> {
        pub(crate) fn new(value: T) -> Self {
            Self(loom::cell::UnsafeCell::new(value))
        }

        pub(crate) fn with<R>(&self, f: impl FnOnce(*const T) -> R) -> R {
            self.0.with(f)
        }

        pub(crate) fn with_mut<R>(&self, f: impl FnOnce(*mut T) -> R) -> R {
            self.0.with_mut(f)
        }
    }

    /// Stands in for crossbeam's queue, which loom cannot schedule.
    #[derive(Debug)]
    pub(crate) struct ArrayQueue<T> {
        items: loom::sync::Mutex<VecDeque<T>>,
        capacity: usize,
    }

    impl<T> ArrayQueue<T> {
        pub(crate) fn new(capacity: usize) -> Self {
            Self { items: loom::sync::Mutex::new(VecDeque::new()), capacity }
        }

        pub(crate) fn push(&self, item: T) -> Result<(), T> {
            let mut items = self.items.lock().unwrap();
            if items.len() == self.capacity {
                return Err(item);
            }
            items.push_back(item);
            Ok(())
        }

        pub(crate) fn pop(&self) -> Option<T> {
            self.items.lock().unwrap().pop_front()
        }

        pub(crate) fn is_empty(&self) -> bool {
            self.items.lock().unwrap().is_empty()
        }
    }

    #[derive(Debug, Default)]
    struct Token {
        present: loom::sync::Mutex<bool>,
        changed: loom::sync::Condvar,
    }

    /// Stands in for crossbeam's parker, which loom cannot schedule.
    #[derive(Debug)]
    pub(crate) struct Parker(Unparker);

    #[derive(Debug, Clone)]
    pub(crate) struct Unparker(Arc<Token>);

    impl Parker {
        pub(crate) fn new() -> Self {
            Self(Unparker(Arc::new(Token::default())))
        }

        pub(crate) fn unparker(&self) -> &Unparker {
            &self.0
        }

        pub(crate) fn park(&self) {
            let token = &self.0.0;
            let mut present = token.present.lock().unwrap();
            while !*present {
                present = token.changed.wait(present).unwrap();
            }
            *present = false;
        }

        /// Loom has no time: a deadline is as good as already reached, once others have run.
        pub(crate) fn park_deadline(&self, _deadline: Instant) {
            loom::thread::yield_now();
            *self.0.0.present.lock().unwrap() = false;
        }
    }

    impl Unparker {
        pub(crate) fn unpark(&self) {
            *self.0.present.lock().unwrap() = true;
            self.0.changed.notify_one();
        }
    }
}

pub(crate) use crossbeam_utils::CachePadded;
pub(crate) use imp::*;

/// A number that one thread writes and any thread may read as a hint.
///
/// It orders nothing and nothing relies on its freshness, so it stays a standard atomic under
/// loom too and adds no interleavings to a model.
#[derive(Debug, Default)]
pub(crate) struct Statistic(std::sync::atomic::AtomicUsize);

impl Statistic {
    pub(crate) const fn new(value: usize) -> Self {
        Self(std::sync::atomic::AtomicUsize::new(value))
    }

    /// The last value written, or an older one.
    #[inline]
    pub(crate) fn get(&self) -> usize {
        self.0.load(std::sync::atomic::Ordering::Relaxed)
    }

    /// Writes; for the owner only.
    #[inline]
    pub(crate) fn set(&self, value: usize) {
        self.0.store(value, std::sync::atomic::Ordering::Relaxed);
    }
}
