//! The primitives under a model checker, and what a model may choose about them.
//!
//! The engine is loom or shuttle. Loom tries every schedule up to a bound and shows old values to
//! unordered loads. Shuttle tries random schedules of programs of any size, but shows only the
//! newest values.

#[cfg(not(message_port_shuttle))]
use super::loom as engine;
#[cfg(message_port_shuttle)]
use super::shuttle as engine;

#[cfg(message_port_shuttle)]
pub use engine::memory_in_use;

pub(crate) use engine::hint::spin_loop;
pub(crate) use engine::sync::atomic::{AtomicU32, AtomicUsize, Ordering, fence};
pub(crate) use engine::sync::{Arc, Condvar, Mutex};
pub(crate) use engine::{PositionWord, StateWord, ThreadId, this_thread};
pub(crate) use engine::{alloc, cell};

use engine::sync::atomic::AtomicBool;
use std::sync::PoisonError;
use std::time::Instant;

thread_local! {
    /// Thread-local, since the engine runs all threads of a model on the thread that called it.
    static LIGHT_BARRIERS: std::cell::Cell<bool> = const { std::cell::Cell::new(true) };
    /// Whether sleeping threads wake up spuriously.
    static SPURIOUS_WAKES: std::cell::Cell<bool> = const { std::cell::Cell::new(false) };
}

/// Sets what a model may choose, and takes it back in the end.
fn with<R>(light_barriers: bool, spurious_wakes: bool, model: impl FnOnce() -> R) -> R {
    struct Restore(bool, bool);
    impl Drop for Restore {
        fn drop(&mut self) {
            LIGHT_BARRIERS.set(self.0);
            SPURIOUS_WAKES.set(self.1);
        }
    }
    let _restore =
        Restore(LIGHT_BARRIERS.replace(light_barriers), SPURIOUS_WAKES.replace(spurious_wakes));
    model()
}

/// Runs `model` with channels whose light barriers order nothing at all.
///
/// Loom makes `fence(SeqCst)` stronger than it is: of two such fences the later one sees everything
/// that came before the earlier one, plain memory included. If every post and every receive
/// executes such a fence, the model hides a missing `Release` or `Acquire`, which would show on a
/// system where the light side is only a compiler fence.
///
/// Without the fence a wake-up can be lost. So a sleeping thread then wakes up spuriously every now
/// and then, as a parker may.
pub fn without_light_barriers<R>(model: impl FnOnce() -> R) -> R {
    with(false, true, model)
}

/// Like [`without_light_barriers`], but a sleeping thread wakes up only if it is woken: for a model whose
/// wait cells ask for fences before anybody notifies them.
pub fn with_asked_fences_alone<R>(model: impl FnOnce() -> R) -> R {
    with(false, false, model)
}

/// Whether light barriers are fences in this model.
pub fn has_light_barriers() -> bool {
    LIGHT_BARRIERS.get()
}

/// A cell whose accesses the engine tracks.
#[derive(Debug, Default)]
pub(crate) struct Cell<T>(cell::UnsafeCell<T>);

impl<T> Cell<T> {
    pub(crate) fn new(value: T) -> Self {
        Self(cell::UnsafeCell::new(value))
    }

    pub(crate) fn with<R>(&self, f: impl FnOnce(*const T) -> R) -> R {
        self.0.with(f)
    }

    pub(crate) fn with_mut<R>(&self, f: impl FnOnce(*mut T) -> R) -> R {
        self.0.with_mut(|value| {
            // Another thread that must not come meanwhile now could: without old values, a race is
            // two accesses at once.
            #[cfg(message_port_shuttle)]
            engine::switch();
            f(value)
        })
    }
}

/// A place in a queue.
#[derive(Debug)]
struct Place<T> {
    /// Whether the item is in place; the only ordering between push and pop.
    is_filled: AtomicBool,
    /// Not scheduled, and orders nothing: a failure if only this lock kept two accesses apart.
    item: std::sync::Mutex<(Option<T>, cell::UnsafeCell<()>)>,
}

impl<T> Place<T> {
    fn swap(&self, item: Option<T>) -> Option<T> {
        let mut place = self.item.lock().unwrap_or_else(PoisonError::into_inner);
        place.1.with_mut(|_| ());
        std::mem::replace(&mut place.0, item)
    }
}

/// The most items that may be in a queue at a time.
const PLACES: usize = 8;

/// Stands in for crossbeam's unbounded queue, which no engine can schedule.
///
/// It orders what comes before a push ahead of what comes after the pop of that same item, and
/// nothing else: neither two pushes, nor a pop and a push, nor [`len`](Self::len) and anything
/// (except by the reuse of a place). An item counts once its push has begun, but can only be popped
/// once the push has ended; before that `pop` finds nothing, where crossbeam's waits.
#[derive(Debug)]
pub(crate) struct SegQueue<T> {
    /// On the heap: loom gives each thread of a model little stack.
    places: Box<[Place<T>]>,
    head: PositionWord,
    tail: AtomicUsize,
}

impl<T> SegQueue<T> {
    pub(crate) fn new() -> Self {
        let place =
            |_| Place { is_filled: AtomicBool::new(false), item: std::sync::Mutex::default() };
        Self {
            places: (0..PLACES).map(place).collect(),
            head: PositionWord::new(0),
            tail: AtomicUsize::new(0),
        }
    }

    pub(crate) fn push(&self, item: T) {
        let index = self.tail.fetch_add(1, Ordering::Relaxed);
        let place = &self.places[index % PLACES];
        while index >= PLACES && place.is_filled.load(Ordering::Acquire) {
            spin_loop();
        }
        place.swap(Some(item));
        place.is_filled.store(true, Ordering::Release);
    }

    pub(crate) fn pop(&self) -> Option<T> {
        let (relaxed, head) = (Ordering::Relaxed, self.head.load(Ordering::Relaxed));
        if self.tail.load(relaxed) <= head {
            return None;
        }
        let place = &self.places[head % PLACES];
        if !place.is_filled.load(Ordering::Acquire) {
            return None;
        }
        // If another pop came first, this one may as well have come earlier.
        self.head.compare_exchange(head, head + 1, relaxed, relaxed).ok()?;
        let item = place.swap(None);
        place.is_filled.store(false, Ordering::Release);
        item
    }

    pub(crate) fn len(&self) -> usize {
        // This thread may see an older tail than head.
        let head = self.head.load(Ordering::Relaxed);
        self.tail.load(Ordering::Relaxed).saturating_sub(head)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

#[derive(Debug, Default)]
struct Token {
    is_there: AtomicBool,
    /// The owner, while it sleeps. Not scheduled: it belongs to the step before.
    sleeper: std::sync::Mutex<Option<engine::thread::Thread>>,
}

impl Token {
    fn sleeper(&self) -> std::sync::MutexGuard<'_, Option<engine::thread::Thread>> {
        self.sleeper.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Stands in for crossbeam's parker, which no engine can schedule.
///
/// It orders what comes before an unpark ahead of what comes after the park that takes its token,
/// and nothing else. It uses loom's own `thread::park` only for the sleep: that lets an unpark
/// order memory before the thread has parked.
#[derive(Debug)]
pub(crate) struct Parker {
    unparker: Unparker,
    has_timed_out: std::cell::Cell<bool>,
}

#[derive(Debug, Clone)]
pub(crate) struct Unparker(Arc<Token>);

impl Parker {
    pub(crate) fn new() -> Self {
        let token =
            Token { is_there: AtomicBool::new(false), sleeper: std::sync::Mutex::default() };
        let unparker = Unparker(Arc::new(token));
        Self { unparker, has_timed_out: std::cell::Cell::new(false) }
    }

    pub(crate) fn unparker(&self) -> &Unparker {
        &self.unparker
    }

    fn take_token(&self) -> bool {
        self.unparker.0.is_there.swap(false, Ordering::Acquire)
    }

    pub(crate) fn park(&self) {
        if SPURIOUS_WAKES.get() {
            return engine::thread::yield_now();
        }
        while !self.take_token() {
            // No other thread runs between the look at the token and the sleep.
            *self.unparker.0.sleeper() = Some(engine::thread::current());
            engine::thread::park();
        }
        *self.unparker.0.sleeper() = None;
    }

    /// Loom has no time. The first deadline is reached wherever the other threads are by then, a
    /// later one only after they have run, so that a program that tries again and again makes
    /// progress.
    pub(crate) fn park_deadline(&self, _deadline: Instant) {
        if self.has_timed_out.replace(true) {
            engine::thread::yield_now();
        }
        self.take_token();
    }
}

impl Unparker {
    pub(crate) fn unpark(&self) {
        // A swap: the park that takes the token comes after each unpark that left it there.
        self.0.is_there.swap(true, Ordering::Release);
        let sleeper = self.0.sleeper().take();
        if let Some(sleeper) = sleeper {
            sleeper.unpark();
        }
    }
}
