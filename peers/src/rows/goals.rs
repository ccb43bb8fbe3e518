//! Where message-port is to be: its median divided by a reference's.

use serde::Serialize;

/// What is compared with.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Against {
    /// A peer of the same row, the better of the ways in which it was measured.
    Peer(&'static str),
    /// The best competitor of the row.
    Best,
    /// The unit of the row.
    Absolute,
}

/// A bar and an aim.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct Goal {
    pub(crate) against: Against,
    pub(crate) bar: f64,
    pub(crate) aim: f64,
    /// The reference is to be so many times slower, instead.
    pub(crate) inverse: bool,
}

impl Goal {
    pub(crate) fn new(against: Against, bar: f64, aim: f64) -> Self {
        Self { against, bar, aim, inverse: false }
    }

    /// Whether a figure is as good as this mark.
    pub(crate) fn reaches(&self, figure: f64, mark: f64) -> bool {
        if self.inverse { figure >= mark } else { figure <= mark }
    }
}
