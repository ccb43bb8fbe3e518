//! Which ports whose peers are elsewhere have news.

use std::collections::VecDeque;
use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Wake, Waker};

use message_port::LoopHandle;

/// The ports that have rung, and the loop that is woken for it.
pub(crate) struct Bells {
    rung: Mutex<VecDeque<u32>>,
    /// How many there are: a hint for those who look often. The lock orders everything.
    count: AtomicUsize,
    events: LoopHandle,
}

impl Bells {
    pub(crate) fn new(events: LoopHandle) -> Arc<Self> {
        Arc::new(Self { rung: Mutex::default(), count: AtomicUsize::new(0), events })
    }

    fn rung(&self) -> std::sync::MutexGuard<'_, VecDeque<u32>> {
        self.rung.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The waker of a port. It rings once until it is [answered](Bell::answer).
    pub(crate) fn bell(self: &Arc<Self>, id: u32) -> Arc<Bell> {
        Arc::new(Bell { id, is_queued: AtomicBool::new(false), bells: Arc::clone(self) })
    }

    pub(crate) fn take(&self) -> Option<u32> {
        let mut rung = self.rung();
        let first = rung.pop_front();
        self.count.store(rung.len(), Ordering::SeqCst);
        first
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub(crate) fn len(&self) -> usize {
        self.count.load(Ordering::SeqCst)
    }
}

pub(crate) struct Bell {
    id: u32,
    /// A hint against ringing twice; the lock of the queue orders everything.
    is_queued: AtomicBool,
    bells: Arc<Bells>,
}

impl Bell {
    /// Has it ring again. To be called before the port is looked at.
    pub(crate) fn answer(&self) {
        self.is_queued.store(false, Ordering::SeqCst);
    }

    pub(crate) fn ring(&self) {
        if !self.is_queued.swap(true, Ordering::SeqCst) {
            let mut rung = self.bells.rung();
            rung.push_back(self.id);
            self.bells.count.store(rung.len(), Ordering::SeqCst);
            drop(rung);
            self.bells.events.wake();
        }
    }

    pub(crate) fn waker(self: &Arc<Self>) -> Waker {
        Waker::from(Arc::clone(self))
    }
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.ring();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.ring();
    }
}

impl fmt::Debug for Bell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bell").field("id", &self.id).finish_non_exhaustive()
    }
}

impl fmt::Debug for Bells {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bells").finish_non_exhaustive()
    }
}
