//! Wakers that are watched, and polling by hand. Each test file uses its own part of it.
#![allow(dead_code)]

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Wake, Waker};

/// Counts how often its waker was called.
#[derive(Default, Debug)]
pub(crate) struct Wakes(AtomicUsize);

impl Wakes {
    /// A counter and a waker for it, which share it with nobody else.
    pub(crate) fn watched() -> (Arc<Self>, Waker) {
        let calls = Arc::new(Self::default());
        let waker = Waker::from(Arc::clone(&calls));
        (calls, waker)
    }

    pub(crate) fn count(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }
}

impl Wake for Wakes {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

/// Its waker panics when it is called.
#[derive(Debug)]
pub(crate) struct Explosive;

impl Explosive {
    pub(crate) fn waker() -> Waker {
        Waker::from(Arc::new(Self))
    }
}

impl Wake for Explosive {
    fn wake(self: Arc<Self>) {
        panic!("an explosive waker was called");
    }
}

/// Polls once.
pub(crate) fn poll<F: Future + ?Sized>(future: Pin<&mut F>, waker: &Waker) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(waker))
}
