//! Values that are counted when they are dropped.

use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Counts the drops of what it made.
#[derive(Clone, Default, Debug)]
pub(crate) struct Drops {
    made: Arc<AtomicUsize>,
    dropped: Arc<AtomicUsize>,
}

/// Counts when it is dropped; an error, so that a handler can return it.
#[derive(Debug)]
pub(crate) struct Counted {
    dropped: Arc<AtomicUsize>,
}

impl Drops {
    pub(crate) fn make(&self) -> Counted {
        self.made.fetch_add(1, Ordering::SeqCst);
        Counted { dropped: Arc::clone(&self.dropped) }
    }

    pub(crate) fn made(&self) -> usize {
        self.made.load(Ordering::SeqCst)
    }

    pub(crate) fn dropped(&self) -> usize {
        self.dropped.load(Ordering::SeqCst)
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.dropped.fetch_add(1, Ordering::SeqCst);
    }
}

impl fmt::Display for Counted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("counted")
    }
}

impl Error for Counted {}
