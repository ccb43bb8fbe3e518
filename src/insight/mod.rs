//! What a channel shows of itself: counters (feature `stats`), events (feature `tracing`), and its
//! `{:?}` output.
//!
//! Without `stats` the counters have no size and their methods do nothing. Without `tracing` the
//! events are not compiled.

#[cfg(feature = "stats")]
mod counters;
#[cfg(not(feature = "stats"))]
mod no_counters;
#[cfg(feature = "stats")]
mod stats;

#[cfg(feature = "stats")]
pub(crate) use counters::{DirectionCounters, Tally, WaitCounters};
#[cfg(not(feature = "stats"))]
pub(crate) use no_counters::{DirectionCounters, Tally, WaitCounters};
#[cfg(feature = "stats")]
pub use stats::{Stats, WaitStats};

/// Tells the program's subscriber what has happened, with the feature `tracing`.
#[cfg(feature = "tracing")]
macro_rules! event {
    ($level:ident, $($fields:tt)+) => {
        ::tracing::$level!(target: "message_port", $($fields)+)
    };
}

/// Without the feature `tracing` there is nobody to tell.
#[cfg(not(feature = "tracing"))]
macro_rules! event {
    ($($nothing:tt)*) => {};
}

pub(crate) use event;
