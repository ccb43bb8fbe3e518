//! The results as text. A row that is lost looks like the others.

use std::fmt::Write as _;

use super::figures::{Figures, GoalFigures, RowFigures};
use crate::machine::{self, Cpus};

/// One row.
pub(super) fn row(row: &RowFigures<'_>) -> String {
    let mut text = String::new();
    // Writing to a string cannot fail.
    let _ = writeln!(text, "\n{}   [{}; {}]", row.name, row.unit.text(), place(row));
    let _ = writeln!(text, "  {}", row.what);
    let latencies = row.subjects.iter().any(|figures| figures.latency.is_some());
    let _ = write!(
        text,
        "  {:<36}{:>12}{:>24}{:>9}{:>9}{:>9}",
        "", "median", "min–max", "× ours", "CPU s", "CPUs"
    );
    if latencies {
        let _ = write!(text, "{:>10}{:>10}{:>10}{:>12}", "p50 ns", "p99", "p99.9", "max");
    }
    text.push('\n');
    for figures in &row.subjects {
        subject(&mut text, figures);
    }
    if let Some(standing) = &row.standing {
        let _ = writeln!(
            text,
            "  ours / best peer ({}) = {}: {}",
            standing.best,
            number(standing.ratio),
            standing.verdict.text(),
        );
    }
    for figures in &row.goals {
        goal(&mut text, figures);
    }
    text
}

fn place(row: &RowFigures<'_>) -> String {
    match (machine::usable(), row.cpus) {
        _ if row.subjects.iter().all(|figures| !figures.pinned) => "NOT PINNED".to_owned(),
        ([first, ..], Cpus::One) => format!("both threads on CPU {first}"),
        ([first, second], Cpus::Two) => format!("CPUs {first} and {second}"),
        _ => "pinned".to_owned(),
    }
}

fn subject(text: &mut String, figures: &Figures) {
    let name = figures.name();
    let name = if figures.pinned { name } else { format!("{name} (not pinned)") };
    // The worse way of a peer does not count.
    let ratio = match figures.ratio_to_ours {
        Some(ratio) if figures.better => format!("{ratio:.2}"),
        Some(ratio) => format!("({ratio:.2})"),
        None => "–".to_owned(),
    };
    let busy = figures.cpus_busy.map_or_else(|| "–".to_owned(), |busy| format!("{busy:.2}"));
    let _ = write!(
        text,
        "  {name:<36}{:>12}{:>24}{ratio:>9}{:>9.4}{busy:>9}",
        number(figures.median),
        format!("{}–{}", number(figures.min), number(figures.max)),
        figures.cpu_seconds,
    );
    if let Some(latency) = &figures.latency {
        let _ = write!(
            text,
            "{:>10}{:>10}{:>10}{:>12}",
            latency.p50, latency.p99, latency.p999, latency.max
        );
    }
    text.push('\n');
}

fn goal(text: &mut String, figures: &GoalFigures) {
    let verdict = match (figures.bar_reached, figures.aim_reached) {
        (true, true) => "bar and aim reached",
        (true, false) => "bar reached, aim not reached",
        (false, _) => "bar NOT reached",
    };
    let compared = match figures.goal.against {
        crate::rows::Against::Absolute => figures.reference.clone(),
        _ if figures.goal.inverse => format!("{} / ours", figures.reference),
        _ => format!("ours / {}", figures.reference),
    };
    let _ = writeln!(
        text,
        "  goal: {compared} = {}; bar {}, aim {}: {verdict}",
        number(figures.figure),
        figures.goal.bar,
        figures.goal.aim,
    );
}

/// Three significant digits, or all of them.
pub(super) fn number(value: f64) -> String {
    match value {
        0.0 => "0".to_owned(),
        value if value < 10.0 => format!("{value:.2}"),
        value if value < 100.0 => format!("{value:.1}"),
        value => format!("{value:.0}"),
    }
}
