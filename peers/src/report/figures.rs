//! From samples to figures.

use serde::Serialize;

use crate::machine::Cpus;
use crate::measure::Sample;
use crate::rounds::Results;
use crate::rows::{Against, Goal, OURS, Subject, Unit};

/// A row.
#[derive(Serialize)]
pub(crate) struct RowFigures<'a> {
    pub(crate) name: &'a str,
    pub(crate) what: &'static str,
    pub(crate) unit: Unit,
    pub(crate) cpus: Cpus,
    /// By their medians, the smallest first.
    pub(crate) subjects: Vec<Figures>,
    /// Ours against the best peer, if there are both.
    pub(crate) standing: Option<Standing>,
    pub(crate) goals: Vec<GoalFigures>,
}

/// Where ours stands in a row.
#[derive(Serialize)]
pub(crate) struct Standing {
    /// The peer with the smallest median in this row of this run, limits aside.
    pub(crate) best: String,
    /// Our median divided by its.
    pub(crate) ratio: f64,
    pub(crate) verdict: Verdict,
}

#[derive(Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Verdict {
    Won,
    /// Within 3 %, on either side.
    Level,
    Lost,
}

/// How far from 1 a ratio is level.
pub(crate) const LEVEL: f64 = 0.03;

impl Verdict {
    fn of(ratio: f64) -> Self {
        match ratio {
            ratio if ratio < 1.0 - LEVEL => Self::Won,
            ratio if ratio <= 1.0 + LEVEL => Self::Level,
            _ => Self::Lost,
        }
    }

    pub(crate) fn text(self) -> &'static str {
        match self {
            Self::Won => "won",
            Self::Level => "level",
            Self::Lost => "lost",
        }
    }
}

/// A subject.
#[derive(Serialize)]
pub(crate) struct Figures {
    pub(crate) peer: &'static str,
    pub(crate) how: &'static str,
    /// Whether it is the better of the ways in which this peer was measured.
    pub(crate) better: bool,
    competes: bool,
    pub(crate) median: f64,
    pub(crate) min: f64,
    pub(crate) max: f64,
    /// Its median divided by ours: above 1 if we are faster.
    pub(crate) ratio_to_ours: Option<f64>,
    /// Seconds of CPU time per second of wall time; the median over the rounds.
    pub(crate) cpus_busy: Option<f64>,
    /// Seconds of CPU time in one round; the median.
    pub(crate) cpu_seconds: f64,
    operations_per_round: u64,
    /// Whether its threads ran where they should in all rounds.
    pub(crate) pinned: bool,
    pub(crate) latency: Option<Latency>,
    /// The value of each round, in the order in which they were measured.
    rounds: Vec<f64>,
    /// The CPU time of each, in seconds.
    rounds_cpu_seconds: Vec<f64>,
}

impl Figures {
    /// The peer, and how it carries the message if there is a choice.
    pub(crate) fn name(&self) -> String {
        match self.how {
            "" => self.peer.to_owned(),
            how => format!("{}, by {how}", self.peer),
        }
    }
}

/// Percentiles of single times, in nanoseconds, over all rounds.
#[derive(Serialize)]
pub(crate) struct Latency {
    samples: usize,
    pub(crate) p50: u64,
    pub(crate) p99: u64,
    pub(crate) p999: u64,
    pub(crate) max: u64,
}

/// What became of a goal.
#[derive(Serialize)]
pub(crate) struct GoalFigures {
    #[serde(flatten)]
    pub(crate) goal: Goal,
    /// What was compared with.
    pub(crate) reference: String,
    /// Ours divided by the reference.
    pub(crate) figure: f64,
    pub(crate) bar_reached: bool,
    pub(crate) aim_reached: bool,
}

pub(crate) fn of_row<'a>(results: &Results<'a>) -> RowFigures<'a> {
    let row = results.row;
    let mut subjects: Vec<Figures> = row
        .subjects
        .iter()
        .zip(&results.samples)
        .map(|(subject, samples)| of_subject(subject, samples, row.unit))
        .collect();
    let ours = subjects.iter().find(|figures| figures.peer == OURS).map(|ours| ours.median);
    let medians: Vec<_> = subjects.iter().map(|figures| (figures.peer, figures.median)).collect();
    for figures in &mut subjects {
        figures.ratio_to_ours = ours.filter(|ours| *ours > 0.0).map(|ours| figures.median / ours);
        figures.better =
            medians.iter().all(|(peer, median)| *peer != figures.peer || *median >= figures.median);
    }
    subjects.sort_by(|a, b| a.median.total_cmp(&b.median));
    let goals =
        row.goals.iter().filter_map(|goal| of_goal(*goal, ours?, &subjects, row.unit)).collect();
    RowFigures {
        name: &row.name,
        what: row.what,
        unit: row.unit,
        cpus: row.cpus,
        standing: ours.and_then(|ours| standing(ours, &subjects)),
        subjects,
        goals,
    }
}

fn standing(ours: f64, subjects: &[Figures]) -> Option<Standing> {
    let best = best(subjects)?;
    let ratio = match best.median {
        median if median > 0.0 => ours / median,
        // Where allocations are counted, nothing is as good as nothing.
        _ if ours > 0.0 => f64::INFINITY,
        _ => 1.0,
    };
    Some(Standing { best: best.name(), ratio, verdict: Verdict::of(ratio) })
}

/// The best competitor. The subjects are sorted.
fn best(subjects: &[Figures]) -> Option<&Figures> {
    subjects.iter().find(|figures| figures.competes)
}

fn of_subject(subject: &Subject, samples: &[Sample], unit: Unit) -> Figures {
    let values: Vec<f64> = samples.iter().map(|sample| sample.value).collect();
    let busy: Vec<f64> = samples.iter().filter_map(|sample| busy(sample, unit)).collect();
    let cpu: Vec<f64> = samples.iter().map(|sample| sample.cpu).collect();
    Figures {
        peer: subject.peer,
        how: subject.how,
        better: true,
        competes: subject.competes(),
        median: median(&values),
        min: values.iter().copied().fold(f64::INFINITY, f64::min),
        max: values.iter().copied().fold(0.0, f64::max),
        ratio_to_ours: None,
        cpus_busy: (!busy.is_empty()).then(|| median(&busy)),
        cpu_seconds: median(&cpu),
        operations_per_round: samples.first().map_or(0, |sample| sample.operations),
        pinned: samples.iter().all(|sample| sample.pinned),
        latency: latency(samples),
        rounds: values,
        rounds_cpu_seconds: cpu,
    }
}

/// CPUs that a round kept busy, if the unit is a time.
#[expect(clippy::cast_precision_loss, reason = "no count is near 2^52")]
fn busy(sample: &Sample, unit: Unit) -> Option<f64> {
    let wall = sample.value * sample.operations as f64 / 1e9;
    (unit.is_time() && wall > 0.0).then(|| sample.cpu / wall)
}

fn latency(samples: &[Sample]) -> Option<Latency> {
    let mut times: Vec<u64> =
        samples.iter().flat_map(|sample| sample.latencies.iter().copied()).collect();
    times.sort_unstable();
    let max = *times.last()?;
    let at = |per_mille: usize| times[(times.len() - 1) * per_mille / 1000];
    Some(Latency { samples: times.len(), p50: at(500), p99: at(990), p999: at(999), max })
}

fn of_goal(goal: Goal, ours: f64, subjects: &[Figures], unit: Unit) -> Option<GoalFigures> {
    // Sorted: the first of a peer's ways is its better one.
    let reference = match goal.against {
        Against::Peer(peer) => Some(subjects.iter().find(|figures| figures.peer == peer)?),
        Against::Best => Some(best(subjects)?),
        Against::Absolute => None,
    };
    let figure = match reference {
        Some(reference) if goal.inverse => reference.median / ours,
        Some(reference) => ours / reference.median,
        None => ours,
    };
    Some(GoalFigures {
        goal,
        reference: reference.map_or_else(|| unit.text().to_owned(), Figures::name),
        figure,
        bar_reached: goal.reaches(figure, goal.bar),
        aim_reached: goal.reaches(figure, goal.aim),
    })
}

fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    match sorted.len() {
        0 => 0.0,
        n if n % 2 == 1 => sorted[n / 2],
        n => f64::midpoint(sorted[n / 2 - 1], sorted[n / 2]),
    }
}
