//! What a run has to have gone through, and how much of it did.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};

use crate::plan::{Plan, Sizes, Types};
use crate::watch::{Progress, WAYS};

/// From so many rounds on, each mode has had messages: the rarest one, threads that spin, comes in one round
/// of 144.
const LONG_RUN: u64 = 2000;

/// What a plan can be. A round belongs to several of them.
const MODES: [&str; 27] = [
    "types Numbers",
    "types Structs",
    "types LongStructs",
    "types FixedAndParcels",
    "types NumbersAndParcels",
    "types Parcels",
    "user Halves",
    "user Whole",
    "user WholeToTheEnd",
    "user Handlers",
    "user Tasks",
    "user WholeTask",
    "user HandlersTask",
    "user Loop",
    "sizes Tiny",
    "sizes Mixed",
    "sizes Around",
    "sizes Large",
    "sizes Huge",
    "directions of one ring",
    "directions that grow",
    "rings up to 1 KiB",
    "rings up to 16 KiB",
    "rings over 16 KiB",
    "eager tasks",
    "spinning threads",
    "several channels in a loop",
];

fn modes_of(plan: &Plan) -> BTreeSet<String> {
    let mut modes = BTreeSet::from([format!("types {:?}", plan.types)]);
    let mut add = |mode: &str, is: bool| {
        if is {
            modes.insert(mode.to_owned());
        }
    };
    add("directions of one ring", plan.growable.is_none());
    add("directions that grow", plan.growable.is_some());
    add("rings up to 1 KiB", plan.capacity <= 1 << 10);
    add("rings up to 16 KiB", plan.capacity > 1 << 10 && plan.capacity <= 16 << 10);
    add("rings over 16 KiB", plan.capacity > 16 << 10);
    add("eager tasks", plan.eager && plan.sides[0].iter().any(|side| side.user.is_task()));
    add("spinning threads", plan.spins);
    add("several channels in a loop", plan.sides.len() > 1);
    for (side, with_parcels) in plan.sides[0].iter().zip(plan.types.parcels()) {
        add(&format!("user {:?}", side.user), true);
        let sizes = match side.sizes {
            Sizes::Around { .. } => "Around".to_owned(),
            other => format!("{other:?}"),
        };
        add(&format!("sizes {sizes}"), with_parcels);
    }
    modes
}

impl Types {
    /// Whether the messages from either side have a choice of length.
    fn parcels(self) -> [bool; 2] {
        match self {
            Self::Numbers | Self::Structs | Self::LongStructs => [false, false],
            Self::FixedAndParcels | Self::NumbersAndParcels => [false, true],
            Self::Parcels => [true, true],
        }
    }
}

/// Rounds and received messages of each mode.
pub(crate) struct Modes {
    counts: BTreeMap<String, [u64; 2]>,
    rounds: u64,
}

impl Default for Modes {
    fn default() -> Self {
        let counts = MODES.iter().map(|mode| ((*mode).to_owned(), [0; 2])).collect();
        Self { counts, rounds: 0 }
    }
}

impl Modes {
    pub(crate) fn count(&mut self, plan: &Plan, received: u64) {
        self.rounds += 1;
        for mode in modes_of(plan) {
            let counts = self.counts.get_mut(&mode);
            let [rounds, messages] = counts.unwrap_or_else(|| panic!("{mode} is not in the list"));
            *rounds += 1;
            *messages += received;
        }
    }

    pub(crate) fn print(&self, progress: &Progress, out: &mut impl Write) -> io::Result<()> {
        writeln!(out, "modes, of which each round has several:")?;
        for (mode, [rounds, messages]) in &self.counts {
            writeln!(out, "  {mode:<28} {rounds:>9} rounds  {messages:>13} messages")?;
        }
        writeln!(out, "ways, chosen call by call:")?;
        for way in WAYS {
            writeln!(out, "  {:<28} {:>30} messages", way.name(), progress.went(way))?;
        }
        Ok(())
    }

    /// What a long run should have had, and had not.
    pub(crate) fn missing(&self, progress: &Progress) -> Vec<&str> {
        if self.rounds < LONG_RUN {
            return vec![];
        }
        let modes = self.counts.iter().filter(|(_, [_, messages])| *messages == 0);
        let ways = WAYS.iter().filter(|way| progress.went(**way) == 0);
        modes.map(|(mode, _)| mode.as_str()).chain(ways.map(|way| way.name())).collect()
    }
}
