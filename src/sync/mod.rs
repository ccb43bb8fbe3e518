//! The one place that names atomics, fences, cells and reference counts.
//!
//! Ordinarily these are the standard library's and crossbeam's; under `--cfg message_port_loom`
//! they are loom's, so that a model checker can schedule them. No other module imports
//! `std::sync::atomic`, and no other module names an [`Ordering`]: they use the tags of
//! [`order`].

#![allow(clippy::disallowed_types, clippy::disallowed_methods)]

#[cfg(message_port_loom)]
pub(crate) mod model;
pub(crate) mod order;

#[cfg(all(message_port_loom, not(feature = "loom")))]
compile_error!("`--cfg message_port_loom` needs the feature `loom` of message-port");

#[cfg(not(message_port_loom))]
mod imp {
    pub(crate) use crossbeam_queue::{ArrayQueue, SegQueue};
    pub(crate) use crossbeam_utils::sync::{Parker, Unparker};
    pub(crate) use std::hint::spin_loop;
    pub(crate) use std::sync::atomic::{AtomicU32 as StateWord, AtomicUsize as PositionWord};
    pub(crate) use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering, fence};
    pub(crate) use std::sync::{Arc, Mutex};

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

pub(crate) use crossbeam_utils::CachePadded;
#[cfg(not(message_port_loom))]
pub(crate) use imp::*;
#[cfg(message_port_loom)]
pub(crate) use model::*;

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

    /// Adds one, wrapping; for the owner only.
    #[inline]
    pub(crate) fn count(&self) {
        self.set(self.get().wrapping_add(1));
    }
}
