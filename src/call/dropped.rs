//! How the owner of a channel's end learns that a handle of a call was dropped, perhaps on another
//! thread.

use crossbeam_queue::ArrayQueue;

use crate::sync::Arc;

/// Calls whose handles were dropped, and a mark by which one end knows its own handles.
#[derive(Debug)]
pub(super) struct Dropped(Arc<ArrayQueue<u64>>);

/// A handle of one call.
#[derive(Debug)]
pub(super) struct Handle {
    queue: Arc<ArrayQueue<u64>>,
    call: u64,
    /// Whether nobody needs to know when it is dropped.
    is_over: bool,
}

impl Dropped {
    /// For so many calls at a time: each is dropped once, so there is always room.
    pub(super) fn new(calls: usize) -> Self {
        Self(Arc::new(ArrayQueue::new(calls)))
    }

    pub(super) fn handle(&self, call: u64) -> Handle {
        Handle { queue: Arc::clone(&self.0), call, is_over: false }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn next(&self) -> Option<u64> {
        self.0.pop()
    }

    /// The call that a handle of this end names.
    ///
    /// # Panics
    ///
    /// Panics if it is one of another end, or if its call is over.
    pub(super) fn call(&self, handle: &Handle) -> u64 {
        assert!(Arc::ptr_eq(&self.0, &handle.queue), "the call belongs to another channel");
        assert!(!handle.is_over, "the call is over already");
        handle.call
    }
}

impl Handle {
    /// Says that the call is over: dropping this means nothing any more.
    pub(super) fn is_over(&mut self) {
        self.is_over = true;
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        if !self.is_over {
            let pushed = self.queue.push(self.call);
            debug_assert!(pushed.is_ok(), "more handles than calls in flight");
        }
    }
}
