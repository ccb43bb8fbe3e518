//! Whether a test's final state exists, by model.

use crate::aarch64::{self, Barriers};
use crate::execution::{Execution, for_each};
use crate::language;
use crate::program::Test;

/// A memory model.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Model {
    /// The language, where no store comes before a load that its thread has done first.
    Rc11,
    /// The language without that: loads may be buffered, as on real hardware and by real compilers.
    LoadBuffering,
    /// The hardware, with fences on both sides.
    AArch64,
    /// The hardware, with barriers that the system executes for the light side.
    Membarrier,
}

/// All of them, in the order in which they are shown.
pub const MODELS: [Model; 4] =
    [Model::Rc11, Model::LoadBuffering, Model::AArch64, Model::Membarrier];

impl Model {
    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Rc11 => "rc11",
            Self::LoadBuffering => "rc11-lb",
            Self::AArch64 => "aarch64",
            Self::Membarrier => "membarrier",
        }
    }

    /// Whether the execution exists.
    #[must_use]
    pub fn is_consistent(self, execution: &Execution) -> bool {
        match self {
            Self::Rc11 => language::is_consistent(execution, false),
            Self::LoadBuffering => language::is_consistent(execution, true),
            Self::AArch64 => aarch64::is_consistent(execution, Barriers::Fences),
            Self::Membarrier => aarch64::is_consistent(execution, Barriers::System),
        }
    }

    /// Whether a race is undefined behaviour.
    #[must_use]
    pub fn knows_races(self) -> bool {
        matches!(self, Self::Rc11 | Self::LoadBuffering)
    }
}

/// What a model says of a test.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Verdict {
    /// So many executions have the final state that is asked for.
    pub positive: usize,
    /// So many have another one.
    pub negative: usize,
    /// An execution has a data race.
    pub race: bool,
}

impl Verdict {
    /// What must not happen can happen.
    #[must_use]
    pub fn is_allowed(self) -> bool {
        self.positive > 0 || self.race
    }

    /// A word for it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match (self.positive, self.race) {
            (_, true) => "race",
            (0, false) => "forbidden",
            (_, false) => "allowed",
        }
    }
}

/// What all models say of a test.
#[derive(Debug)]
pub struct Verdicts {
    /// So many candidates there are.
    pub candidates: usize,
    /// In the order of [`MODELS`].
    pub verdicts: [Verdict; MODELS.len()],
}

impl Verdicts {
    /// Asks all models.
    #[must_use]
    pub fn of(test: &Test) -> Self {
        let mut verdicts = [Verdict::default(); MODELS.len()];
        let candidates = for_each(test, |execution| {
            let is_asked_for = execution.satisfies(&test.exists);
            for (model, verdict) in MODELS.into_iter().zip(&mut verdicts) {
                if model.is_consistent(execution) {
                    verdict.positive += usize::from(is_asked_for);
                    verdict.negative += usize::from(!is_asked_for);
                    verdict.race |= model.knows_races() && language::has_race(execution);
                }
            }
        });
        Self { candidates, verdicts }
    }

    /// What one model says.
    #[must_use]
    pub fn by(&self, model: Model) -> Verdict {
        self.verdicts[model as usize]
    }

    /// The models that allow it.
    pub fn allowed_by(&self) -> impl Iterator<Item = Model> {
        MODELS.into_iter().filter(|&model| self.by(model).is_allowed())
    }
}
