//! Stands in for the counters without the feature `stats`: it stores nothing and does nothing.

/// Nothing.
#[derive(Debug, Default)]
pub(crate) struct DirectionCounters(());

/// Nothing.
#[derive(Debug, Default)]
pub(crate) struct Tally(());

/// Nothing.
#[derive(Debug, Default)]
pub(crate) struct WaitCounters(());

/// Nothing.
#[derive(Debug)]
pub(crate) struct Sleeper;

#[allow(clippy::unused_self, reason = "the signatures are those of the counters")]
impl Tally {
    #[inline(always)]
    pub(crate) fn add(&mut self, _length: usize) {}
}

#[allow(clippy::unused_self, reason = "the signatures are those of the counters")]
impl DirectionCounters {
    #[inline(always)]
    pub(crate) fn posted(&self, _tally: &Tally) {}

    #[inline(always)]
    pub(crate) fn in_flight(&self, _bytes: impl FnOnce() -> usize) {}

    #[inline(always)]
    pub(crate) fn full(&self) {}

    #[inline(always)]
    pub(crate) fn spilled(&self) {}

    #[inline(always)]
    pub(crate) fn segment_added(&self) {}

    #[inline(always)]
    pub(crate) fn received(&self, _length: impl FnOnce() -> usize) {}
}

#[allow(clippy::unused_self, reason = "the signatures are those of the counters")]
impl WaitCounters {
    #[inline(always)]
    pub(crate) fn wake(&self) {}

    #[inline(always)]
    pub(crate) fn suspend(&self) {}

    #[inline(always)]
    pub(crate) fn sleeper(&self) -> Sleeper {
        Sleeper
    }
}

#[allow(clippy::unused_self, reason = "the signatures are those of the counters")]
impl Sleeper {
    #[inline(always)]
    pub(crate) fn sleep(&mut self, _wakes_by_itself: bool) {}
}
