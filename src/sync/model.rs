//! The primitives under loom, and what a model may choose about them.

pub(crate) use loom::hint::spin_loop;
pub(crate) use loom::sync::atomic::{AtomicU32, AtomicUsize, Ordering, fence};
pub(crate) use loom::sync::{Arc, Mutex};

use loom::sync::Condvar;
use std::collections::VecDeque;
use std::time::Instant;

thread_local! {
    /// Loom runs all threads of a model on the thread that called it.
    static LIGHT_BARRIERS: std::cell::Cell<bool> = const { std::cell::Cell::new(true) };
}

/// Runs `model` with channels whose light barriers order nothing at all.
///
/// Loom takes `fence(SeqCst)` for more than it is: of two such fences the later one sees
/// everything that came before the earlier one, plain memory included. Where every post and every
/// receive executes one, a missing `Release` or `Acquire` is covered up. Where the light side is
/// really a compiler fence, it would not be.
///
/// Without the fence a wake can be lost, so a sleeping thread then wakes up every now and then of
/// its own accord, as a parker may.
pub fn without_light_barriers<R>(model: impl FnOnce() -> R) -> R {
    struct Restore(bool);
    impl Drop for Restore {
        fn drop(&mut self) {
            LIGHT_BARRIERS.set(self.0);
        }
    }
    let _restore = Restore(LIGHT_BARRIERS.replace(false));
    model()
}

/// Whether light barriers are fences here.
pub fn has_light_barriers() -> bool {
    LIGHT_BARRIERS.get()
}

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

/// Stands in for crossbeam's unbounded queue, which loom cannot schedule.
#[derive(Debug)]
pub(crate) struct SegQueue<T>(Mutex<VecDeque<T>>);

impl<T> SegQueue<T> {
    pub(crate) fn new() -> Self {
        Self(Mutex::new(VecDeque::new()))
    }

    pub(crate) fn push(&self, item: T) {
        self.0.lock().unwrap().push_back(item);
    }

    pub(crate) fn pop(&self) -> Option<T> {
        self.0.lock().unwrap().pop_front()
    }

    pub(crate) fn len(&self) -> usize {
        self.0.lock().unwrap().len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// Stands in for crossbeam's queue, which loom cannot schedule.
#[derive(Debug)]
pub(crate) struct ArrayQueue<T> {
    items: Mutex<VecDeque<T>>,
    capacity: usize,
}

impl<T> ArrayQueue<T> {
    pub(crate) fn new(capacity: usize) -> Self {
        Self { items: Mutex::new(VecDeque::new()), capacity }
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
    present: Mutex<bool>,
    changed: Condvar,
}

/// Stands in for crossbeam's parker, which loom cannot schedule. (Loom's own `thread::park` lets
/// an unpark order memory before the thread has parked.)
#[derive(Debug)]
pub(crate) struct Parker {
    unparker: Unparker,
    has_timed_out: std::cell::Cell<bool>,
}

#[derive(Debug, Clone)]
pub(crate) struct Unparker(Arc<Token>);

impl Parker {
    pub(crate) fn new() -> Self {
        let unparker = Unparker(Arc::new(Token::default()));
        Self { unparker, has_timed_out: std::cell::Cell::new(false) }
    }

    pub(crate) fn unparker(&self) -> &Unparker {
        &self.unparker
    }

    pub(crate) fn park(&self) {
        if !has_light_barriers() {
            return loom::thread::yield_now();
        }
        let token = &self.unparker.0;
        let mut present = token.present.lock().unwrap();
        while !*present {
            present = token.changed.wait(present).unwrap();
        }
        *present = false;
    }

    /// Loom has no time. The first deadline is reached wherever the others are by then, a later
    /// one only after they have run: a program that tries again and again must get on.
    pub(crate) fn park_deadline(&self, _deadline: Instant) {
        if self.has_timed_out.replace(true) {
            loom::thread::yield_now();
        }
        *self.unparker.0.present.lock().unwrap() = false;
    }
}

impl Unparker {
    pub(crate) fn unpark(&self) {
        *self.0.present.lock().unwrap() = true;
        self.0.changed.notify_one();
    }
}
