//! Random programs over both ports of a channel, against a model of what a user must observe.
//!
//! The programs come from fixed seeds, so a run is repeatable. `MESSAGE_PORT_ROUNDS` says how many
//! are run, `MESSAGE_PORT_SEED` with which seed to begin; a failure names its seed and prints the
//! program without the operations that it does not need.
//!
//! The corpus of the fuzz target `ops`, whose inputs are such programs, is replayed here too.

#[path = "common/corpus.rs"]
mod corpus;
mod model;
#[path = "model/random.rs"]
mod random;
#[path = "common/watchdog.rs"]
mod watchdog;

use std::env;
use std::panic::catch_unwind;

use model::Program;
use watchdog::Watchdog;

const ROUNDS: u64 = if cfg!(miri) { 5 } else { 6_000 };

#[test]
fn random_programs_agree_with_the_model() {
    let number = |name: &str, default| {
        env::var(name).map_or(default, |text| text.parse().expect("the variable is a number"))
    };
    let first: u64 = number("MESSAGE_PORT_SEED", 0);
    // The programs have calls that can wait, where the model says that they will not.
    let mut watchdog = Watchdog::start();
    for seed in first..first + number("MESSAGE_PORT_ROUNDS", ROUNDS) {
        if seed % 1000 == 0 {
            watchdog = Watchdog::start();
        }
        let program = Program::decode(&random::bytes(seed));
        if let Err(objection) = verdict(&program) {
            drop(watchdog);
            let program = shrunk(program);
            let of_shrunk = verdict(&program).err().unwrap_or_default();
            panic!(
                "seed {seed}: {objection}\n\nthe same, shrunk: {of_shrunk}\n{program}\n\
                 run it alone with MESSAGE_PORT_SEED={seed} MESSAGE_PORT_ROUNDS=1"
            );
        }
    }
}

#[test]
#[cfg_attr(miri, ignore = "it reads files: ci/miri.sh --all has a run for it")]
fn the_corpus_agrees_with_the_model() {
    let _watchdog = Watchdog::start();
    corpus::replay("ops", |input| {
        let program = Program::decode(input);
        model::check(&program).map_err(|objection| format!("{objection}\n{program}"))
    });
}

/// Writes the inputs that fuzzing begins with: `fuzz/seed.sh`.
#[test]
#[ignore = "writes into the source tree"]
fn write_the_first_inputs() {
    corpus::write("ops", "program", (0..24).map(random::bytes).collect());
}

/// The model's verdict; a panic, which is the library's since handlers' panics are caught, is one
/// too.
fn verdict(program: &Program) -> Result<(), String> {
    catch_unwind(|| model::check(program))
        .unwrap_or_else(|_| Err("the library panicked".to_owned()))
}

/// Leaves out operations for as long as the rest still fails: long runs of them first.
fn shrunk(mut program: Program) -> Program {
    let mut run = program.operations.len();
    while run > 0 {
        let mut start = 0;
        while start < program.operations.len() {
            let mut shorter = program.clone();
            let end = (start + run).min(shorter.operations.len());
            shorter.operations.drain(start..end);
            if verdict(&shorter).is_err() {
                program = shorter;
            } else {
                start += run;
            }
        }
        run /= 2;
    }
    program
}
