//! The primitives under loom, and what a model may choose about them.

pub(crate) use loom::hint::spin_loop;
pub(crate) use loom::sync::atomic::{AtomicU32, AtomicUsize, Ordering, fence};
pub(crate) use loom::sync::{Arc, Condvar, Mutex};

use loom::sync::atomic::AtomicBool;
use std::sync::PoisonError;
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
    loom::thread_local! {
        static NUMBER: usize = {
            // Loom shows the number only here.
            let id = format!("{:?}", loom::thread::current().id());
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
    StateWord: loom::sync::atomic::AtomicU32, u32;
    /// A position that its writer reads, too.
    PositionWord: loom::sync::atomic::AtomicUsize, usize;
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

/// A place in a queue.
#[derive(Debug)]
struct Place<T> {
    /// Whether the item is in place: what comes between push and pop, and nothing else.
    is_filled: AtomicBool,
    /// Not scheduled, and orders nothing: accesses that only this lock kept apart are a failure.
    item: std::sync::Mutex<(Option<T>, loom::cell::UnsafeCell<()>)>,
}

impl<T> Place<T> {
    fn swap(&self, item: Option<T>) -> Option<T> {
        let mut place = self.item.lock().unwrap_or_else(PoisonError::into_inner);
        place.1.with_mut(|_| ());
        std::mem::replace(&mut place.0, item)
    }
}

/// Items that may be in a queue at a time; a model has no more.
const PLACES: usize = 8;

/// Stands in for crossbeam's unbounded queue, which loom cannot schedule.
///
/// It orders what comes before a push ahead of what comes after the pop of that very item, and
/// nothing else: neither two pushes, nor a pop and a push, nor [`len`](Self::len) and anything (but
/// a place that is used again). An item whose push has begun counts, but is not there before the
/// push has ended; a `pop` finds nothing then, where crossbeam's waits for it.
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
        // Who comes second may as well have come earlier.
        self.head.compare_exchange(head, head + 1, relaxed, relaxed).ok()?;
        let item = place.swap(None);
        place.is_filled.store(false, Ordering::Release);
        item
    }

    pub(crate) fn len(&self) -> usize {
        // This thread may know an older tail than head.
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
    sleeper: std::sync::Mutex<Option<loom::thread::Thread>>,
}

impl Token {
    fn sleeper(&self) -> std::sync::MutexGuard<'_, Option<loom::thread::Thread>> {
        self.sleeper.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Stands in for crossbeam's parker, which loom cannot schedule.
///
/// It orders what comes before an unpark ahead of what comes after the park that takes its token,
/// and nothing else. Loom's own `thread::park` is used for the sleep alone: it lets an unpark order
/// memory before the thread has parked.
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
        if !has_light_barriers() {
            return loom::thread::yield_now();
        }
        while !self.take_token() {
            // Nobody runs between the look at the token and the sleep.
            *self.unparker.0.sleeper() = Some(loom::thread::current());
            loom::thread::park();
        }
        *self.unparker.0.sleeper() = None;
    }

    /// Loom has no time. The first deadline is reached wherever the others are by then, a later
    /// one only after they have run: a program that tries again and again must get on.
    pub(crate) fn park_deadline(&self, _deadline: Instant) {
        if self.has_timed_out.replace(true) {
            loom::thread::yield_now();
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
