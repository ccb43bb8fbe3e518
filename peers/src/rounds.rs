//! The rounds: every subject of a row in turn, again and again.

use std::collections::HashSet;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

use crate::measure::Sample;
use crate::rows::{Row, Scale, Subject};

/// How long to measure.
#[derive(Clone, Copy)]
pub(crate) struct Effort {
    pub(crate) rounds: usize,
    /// About how long one subject takes in one round.
    pub(crate) round: Duration,
    /// Where a row says how many operations there are: by how much to divide that.
    divisor: u64,
}

impl Effort {
    pub(crate) const FULL: Self = Self { rounds: 11, round: Duration::from_millis(40), divisor: 1 };
    pub(crate) const QUICK: Self = Self { rounds: 3, round: Duration::from_millis(10), divisor: 4 };
    /// As little as possible.
    pub(crate) const SMOKE: Self = Self { rounds: 1, round: Duration::ZERO, divisor: 100 };
}

/// A row and what came out.
pub(crate) struct Results<'a> {
    pub(crate) row: &'a Row,
    /// A list of samples for each subject, in the row's order.
    pub(crate) samples: Vec<Vec<Sample>>,
}

fn progress(steps: usize) -> ProgressBar {
    let style = ProgressStyle::with_template("{bar:24} {pos}/{len} {elapsed} of {duration}  {msg}")
        .expect("a valid template");
    // Without a thread of its own: it draws between the measurements.
    ProgressBar::new(steps as u64).with_style(style)
}

/// Sees whether every subject delivers what it should, once for each link that several rows have;
/// returns how many subjects there are.
pub(crate) fn check(rows: &[Row]) -> Result<usize, String> {
    let checks = rows.iter().map(|row| row.subjects.len()).sum();
    let bar = progress(checks);
    let mut done = HashSet::new();
    for row in rows {
        for subject in &row.subjects {
            bar.inc(1);
            if subject.check_name.is_some_and(|name| !done.insert((name, row.cpus))) {
                continue;
            }
            bar.set_message(format!("checking {}: {}", row.name, subject.peer));
            (subject.check)(row.cpus).map_err(|error| {
                format!("{}: {} {}: {error}", row.name, subject.peer, subject.how)
            })?;
        }
    }
    bar.finish_and_clear();
    Ok(checks)
}

/// Operations of a subject that take about `time`.
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "an estimate, within bounds"
)]
fn operations(subject: &Subject, row: &Row, time: Duration) -> u64 {
    let target = time.as_secs_f64() * 1e9;
    let mut operations = 64;
    if time.is_zero() {
        return operations;
    }
    loop {
        // The best of three: the others may have been interrupted.
        let runs = [(); 3].map(|()| (subject.run)(operations, row.cpus).value);
        let took = runs.into_iter().fold(f64::INFINITY, f64::min) * operations as f64;
        if took * 8.0 >= target || operations >= 1 << 26 {
            return ((operations as f64 * target / took) as u64).clamp(8, 1 << 26);
        }
        operations *= 8;
    }
}

impl Effort {
    /// Rounds of a row.
    fn rounds_of(self, row: &Row) -> usize {
        match row.scale {
            Scale::Timed => self.rounds,
            Scale::Fixed { rounds, .. } => self.rounds.min(rounds),
        }
    }
}

/// The time of all rounds of the rows that say how long one takes. The checks, the search for the
/// number of operations and the other rows come on top.
pub(crate) fn least(rows: &[Row], effort: Effort) -> Duration {
    let timed = rows.iter().filter(|row| matches!(row.scale, Scale::Timed));
    timed
        .map(|row| {
            let runs = u32::try_from(row.subjects.len() * effort.rounds_of(row));
            effort.round.saturating_mul(runs.unwrap_or(u32::MAX))
        })
        .sum()
}

/// Measures every row.
pub(crate) fn measure(rows: &[Row], effort: Effort) -> Vec<Results<'_>> {
    let rounds = |row: &Row| effort.rounds_of(row);
    let bar = progress(rows.iter().map(|row| row.subjects.len() * rounds(row)).sum());
    rows.iter()
        .map(|row| {
            bar.set_message(row.name.clone());
            let operations: Vec<u64> = row
                .subjects
                .iter()
                .map(|subject| match row.scale {
                    Scale::Timed => self::operations(subject, row, effort.round),
                    Scale::Fixed { operations, .. } => operations.div_ceil(effort.divisor),
                })
                .collect();
            let mut samples = vec![Vec::new(); row.subjects.len()];
            for _ in 0..rounds(row) {
                // A B C, A B C: what else the machine does meanwhile hits all alike.
                for ((subject, operations), samples) in
                    row.subjects.iter().zip(&operations).zip(&mut samples)
                {
                    samples.push((subject.run)(*operations, row.cpus));
                    bar.inc(1);
                }
            }
            Results { row, samples }
        })
        .collect()
}
