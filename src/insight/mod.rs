//! What can be seen of a channel from outside: what was counted (feature
//! `stats`), what happened (feature `tracing`), and what `{:?}` says.
//!
//! Without a feature its counters have no size, their methods do nothing, and its events are not
//! compiled at all.

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

/// Tells the subscriber of the program what has happened, with the feature `tracing`.
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
