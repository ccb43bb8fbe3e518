//! What is measured: a row per question, a subject per answer.

mod duplex;
mod events;
mod goals;
mod idle;
mod node;
mod one_way;
mod round_trip;
mod setup;

pub(crate) use goals::{Against, Goal};
pub(crate) use setup::{RESIDENT, resident};

use serde::Serialize;

use crate::machine::Cpus;
use crate::measure::Sample;

/// What the values of a row are.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Unit {
    NanosecondsPerMessage,
    NanosecondsPerTrip,
    NanosecondsPerBurst,
    NanosecondsPerChannel,
    BytesPerChannel,
    AllocationsPerMessage,
    CpuMillisecondsPerSecond,
}

impl Unit {
    pub(crate) fn text(self) -> &'static str {
        match self {
            Self::NanosecondsPerMessage => "ns per message",
            Self::NanosecondsPerTrip => "ns per round trip",
            Self::NanosecondsPerBurst => "ns per burst",
            Self::NanosecondsPerChannel => "ns per channel",
            Self::BytesPerChannel => "bytes per channel",
            Self::AllocationsPerMessage => "allocations per message",
            Self::CpuMillisecondsPerSecond => "ms of CPU time per waiting thread and second",
        }
    }

    /// Whether values are times per operation, with nothing in between.
    pub(crate) fn is_time(self) -> bool {
        matches!(
            self,
            Self::NanosecondsPerMessage | Self::NanosecondsPerTrip | Self::NanosecondsPerChannel
        )
    }
}

/// How much one round does.
#[derive(Clone, Copy)]
pub(crate) enum Scale {
    /// As many operations as take about the time of a round; found out for each subject.
    Timed,
    /// This many operations, in at most so many rounds; fewer in a run that is short on purpose.
    Fixed { operations: u64, rounds: usize },
}

/// One question.
pub(crate) struct Row {
    pub(crate) name: String,
    pub(crate) what: &'static str,
    pub(crate) unit: Unit,
    pub(crate) cpus: Cpus,
    pub(crate) scale: Scale,
    pub(crate) subjects: Vec<Subject>,
    pub(crate) goals: Vec<Goal>,
}

type Check = Box<dyn Fn(Cpus) -> Result<(), String>>;
type Run = Box<dyn Fn(u64, Cpus) -> Sample>;

/// A peer in a row.
pub(crate) struct Subject {
    pub(crate) peer: &'static str,
    /// How it carries the message, where there is a choice.
    pub(crate) how: &'static str,
    pub(crate) check: Check,
    /// Names the check, if it is the same wherever it has this name.
    pub(crate) check_name: Option<&'static str>,
    /// Does so many operations.
    pub(crate) run: Run,
}

impl Subject {
    fn new<C: Fn(Cpus) -> Result<(), String> + 'static>(
        peer: &'static str,
        how: &'static str,
        check: C,
        run: impl Fn(u64, Cpus) -> Sample + 'static,
    ) -> Self {
        // What captures nothing does the same in every row.
        let check_name = (size_of::<C>() == 0).then(std::any::type_name::<C>);
        Self { check_name, peer, how, check: Box::new(check), run: Box::new(run) }
    }

    /// Whether it is a competitor: neither ours nor a limit.
    pub(crate) fn competes(&self) -> bool {
        !self.peer.starts_with(OURS) && ![BASE, MEMCPY, WORK].contains(&self.peer)
    }
}

pub(crate) const OURS: &str = "message-port";
/// Two bare words.
pub(crate) const BASE: &str = "base";
/// A plain copy of the same bytes.
pub(crate) const MEMCPY: &str = "memcpy";
/// What a slowed end does besides, and nothing else.
pub(crate) const WORK: &str = "work";

impl Row {
    /// Whether the name begins with the pattern, in which a `*` stands for anything.
    pub(crate) fn is_called(&self, pattern: &str) -> bool {
        let mut parts = pattern.split('*');
        let rest = parts.next().and_then(|beginning| self.name.strip_prefix(beginning));
        // The first place of a part is the best one: it leaves most for the parts that follow.
        parts
            .try_fold(rest, |rest, part| {
                let (_, rest) = rest?.split_once(part)?;
                Some(Some(rest))
            })
            .flatten()
            .is_some()
    }
}

/// Every row, in the order of the report.
pub(crate) fn all() -> Vec<Row> {
    let mut rows = round_trip::rows();
    rows.extend(one_way::rows());
    rows.extend(duplex::rows());
    rows.extend(events::rows());
    rows.extend(idle::rows());
    rows.extend(setup::rows());
    rows.extend(node::rows());
    rows
}
