//! The only module that names atomics, fences, cells and reference counts.
//!
//! In an ordinary build these are the standard library's and crossbeam's. Under
//! `--cfg message_port_loom` they are loom's, so that a model checker can schedule them; with
//! `--cfg message_port_shuttle` as well they are shuttle's. No other module imports
//! `std::sync::atomic` or names an [`Ordering`]: they use the tags of [`order`].

#![allow(clippy::disallowed_types, clippy::disallowed_methods)]

#[cfg(all(message_port_loom, not(message_port_shuttle)))]
mod loom;
#[cfg(message_port_loom)]
pub(crate) mod model;
pub(crate) mod order;
#[cfg(all(message_port_loom, message_port_shuttle))]
mod shuttle;

#[cfg(all(message_port_loom, not(message_port_shuttle), not(feature = "loom")))]
compile_error!("`--cfg message_port_loom` needs the feature `loom` of message-port");
#[cfg(all(message_port_shuttle, not(all(message_port_loom, feature = "shuttle"))))]
compile_error!(
    "`--cfg message_port_shuttle` needs `--cfg message_port_loom` and the feature `shuttle` of \
     message-port"
);

#[cfg(not(message_port_loom))]
mod imp {
    pub(crate) use crossbeam_queue::SegQueue;
    pub(crate) use crossbeam_utils::sync::{Parker, Unparker};
    pub(crate) use std::hint::spin_loop;
    pub(crate) use std::sync::atomic::{AtomicU32 as StateWord, AtomicUsize as PositionWord};
    pub(crate) use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering, fence};
    pub(crate) use std::sync::{Arc, Condvar, Mutex};
    pub(crate) use std::thread::ThreadId;

    /// The calling thread's identity.
    pub(crate) fn this_thread() -> ThreadId {
        std::thread::current().id()
    }

    /// A cell whose accesses loom tracks; an ordinary build has a plain one.
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

pub(crate) use crossbeam_utils::CachePadded;
#[cfg(not(message_port_loom))]
pub(crate) use imp::*;
#[cfg(message_port_loom)]
pub(crate) use model::*;

/// A number that one thread writes and any thread may read as a hint.
///
/// It orders nothing, and nothing relies on its freshness. So it stays a standard atomic under loom
/// too, and adds no interleavings to a model.
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

    /// Adds one, wrapping; for the owner only.
    #[inline]
    pub(crate) fn count(&self) {
        self.set(self.get().wrapping_add(1));
    }
}

/// A number that one thread writes and another relies on, once something else has ordered the two.
///
/// It orders nothing itself, but must not be stale where it is relied upon. So, unlike a
/// [`Statistic`], it is loom's in a model.
#[derive(Debug)]
pub(crate) struct Total(PositionWord);

impl Total {
    pub(crate) fn new(value: usize) -> Self {
        Self(PositionWord::new(value))
    }

    /// The last value written, or an older one unless something else has ordered the write first.
    #[inline]
    pub(crate) fn get(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }

    /// Writes; for the owner only.
    #[inline]
    pub(crate) fn set(&self, value: usize) {
        self.0.store(value, Ordering::Relaxed);
    }
}

/// A number for people to read. Like a [`Statistic`], but with 64 bits on targets that have such
/// atomics.
#[cfg(feature = "stats")]
#[derive(Debug, Default)]
pub(crate) struct Counter(CounterWord);

#[cfg(all(feature = "stats", target_has_atomic = "64"))]
type CounterWord = std::sync::atomic::AtomicU64;
#[cfg(all(feature = "stats", not(target_has_atomic = "64")))]
type CounterWord = std::sync::atomic::AtomicU32;

#[cfg(feature = "stats")]
#[allow(
    clippy::unnecessary_fallible_conversions,
    clippy::useless_conversion,
    clippy::cast_possible_truncation,
    reason = "the word may have 32 bits; it wraps then"
)]
impl Counter {
    /// The last value written, or an older one.
    pub(crate) fn get(&self) -> u64 {
        self.0.load(std::sync::atomic::Ordering::Relaxed).into()
    }

    /// Adds, wrapping; for the owner only.
    #[inline]
    pub(crate) fn add(&self, number: u64) {
        self.set(self.get().wrapping_add(number));
    }

    /// Raises it to at least this much; for the owner only.
    #[inline]
    pub(crate) fn raise_to(&self, number: u64) {
        if number > self.get() {
            self.set(number);
        }
    }

    /// Adds one, wrapping; for any thread.
    pub(crate) fn count_shared(&self) {
        self.0.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    }

    #[inline]
    fn set(&self, number: u64) {
        self.0.store(number as _, std::sync::atomic::Ordering::Relaxed);
    }
}

/// A number that no other call in this process has returned or will return.
pub(crate) fn unique_name() -> u64 {
    #[cfg(target_has_atomic = "64")]
    {
        use std::sync::atomic::{AtomicU64, Ordering};
        static NEXT: AtomicU64 = AtomicU64::new(0);
        NEXT.fetch_add(1, Ordering::Relaxed)
    }
    #[cfg(not(target_has_atomic = "64"))]
    {
        static NEXT: std::sync::Mutex<u64> = std::sync::Mutex::new(0);
        let mut next = NEXT.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        *next += 1;
        *next
    }
}

/// A number that no other call has returned or will return.
#[cfg(feature = "tracing")]
pub(crate) fn unique() -> usize {
    use std::sync::atomic::{AtomicUsize, Ordering};
    static NEXT: AtomicUsize = AtomicUsize::new(1);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

/// Whether no other thread can ever exist to end a wait: on WebAssembly without threads.
///
/// A target feature would tell, but stable compilers hide it. The standard library tells as well:
/// on a target where nobody can wait on a condition variable, that type has no bytes.
#[allow(clippy::disallowed_types, reason = "only its size is looked at")]
pub(crate) const IS_ALONE: bool =
    cfg!(target_family = "wasm") && size_of::<std::sync::Condvar>() == 0;
