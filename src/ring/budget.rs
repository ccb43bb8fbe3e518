//! How much memory one direction may have. The producer owns this, since it allocates all of it.

/// How many bytes a direction has allocated, and how many it may allocate.
#[derive(Debug)]
pub(super) struct Budget {
    limit: usize,
    allocated: usize,
    /// The consumer's count of bytes freed, when last read.
    freed: usize,
}

impl Budget {
    /// A budget of `limit` bytes of which `allocated` are in use.
    pub(super) fn new(limit: usize, allocated: usize) -> Self {
        debug_assert!(allocated <= limit);
        Self { limit, allocated, freed: 0 }
    }

    pub(super) fn limit(&self) -> usize {
        self.limit
    }

    pub(super) fn allocated(&self) -> usize {
        self.allocated
    }

    /// The consumer's running count of bytes freed, as last read.
    pub(super) fn freed(&self) -> usize {
        self.freed
    }

    pub(super) fn has(&self, bytes: usize) -> bool {
        bytes <= self.limit - self.allocated
    }

    /// Bytes that may still be allocated, if the consumer's running count of bytes freed is `total`.
    pub(super) fn left(&self, total: usize) -> usize {
        self.limit - (self.allocated - total.wrapping_sub(self.freed))
    }

    /// Records an allocation, for which there is [room](Self::has).
    pub(super) fn take(&mut self, bytes: usize) {
        debug_assert!(self.has(bytes));
        self.allocated += bytes;
    }

    pub(super) fn give_back(&mut self, bytes: usize) {
        debug_assert!(bytes <= self.allocated);
        self.allocated -= bytes;
    }

    /// Credits what the consumer has freed; `total` is its running count.
    pub(super) fn note_freed(&mut self, total: usize) {
        let news = total.wrapping_sub(self.freed);
        self.freed = total;
        self.give_back(news);
    }
}
