//! All rows in a few lines.

use std::fmt::Write as _;

use serde::Serialize;

use super::figures::{LEVEL, RowFigures, Verdict};
use super::table::number;

/// How many rows were won, and how many goals were reached.
#[derive(Serialize)]
pub(crate) struct Summary {
    won: usize,
    level: usize,
    lost: usize,
    /// Names of the rows that were lost, and ours divided by the best peer.
    lost_rows: Vec<(String, f64)>,
    /// Rows in which nobody but ours was measured.
    without_peers: usize,
    goals: usize,
    bars_reached: usize,
    aims_reached: usize,
}

impl Summary {
    pub(crate) fn of(rows: &[RowFigures<'_>]) -> Self {
        let with = |verdict| {
            rows.iter().filter(move |row| {
                row.standing.as_ref().is_some_and(|standing| standing.verdict == verdict)
            })
        };
        let ratio = |row: &RowFigures<'_>| row.standing.as_ref().map_or(f64::NAN, |s| s.ratio);
        let goals = || rows.iter().flat_map(|row| &row.goals);
        Self {
            won: with(Verdict::Won).count(),
            level: with(Verdict::Level).count(),
            lost: with(Verdict::Lost).count(),
            lost_rows: with(Verdict::Lost).map(|row| (row.name.to_owned(), ratio(row))).collect(),
            without_peers: rows.iter().filter(|row| row.standing.is_none()).count(),
            goals: goals().count(),
            bars_reached: goals().filter(|goal| goal.bar_reached).count(),
            aims_reached: goals().filter(|goal| goal.aim_reached).count(),
        }
    }

    pub(crate) fn text(&self) -> String {
        let Self { won, level, lost, goals, bars_reached, aims_reached, .. } = self;
        let mut text = String::new();
        // Writing to a string cannot fail.
        let _ = writeln!(
            text,
            "\nrows won {won} / level (within {:.0} %) {level} / lost {lost}; {} without peers",
            LEVEL * 100.0,
            self.without_peers,
        );
        let _ =
            writeln!(text, "goals: {bars_reached} of {goals} bars, {aims_reached} of {goals} aims");
        if !self.lost_rows.is_empty() {
            let lost: Vec<_> = self
                .lost_rows
                .iter()
                .map(|(row, ratio)| format!("{row} {}", number(*ratio)))
                .collect();
            let _ = writeln!(text, "lost (ours / best peer): {}", lost.join(", "));
        }
        text
    }
}
