//! The engine that tries random interleavings, of programs as large as one likes: shuttle.

use std::sync::Arc;
use std::time::Instant;

use shuttle::scheduler::{PctScheduler, RandomScheduler, ReplayScheduler, Scheduler};
use shuttle::{Config, FailurePersistence, MaxSteps, Runner};

use crate::{Model, Run, number};

/// Interleavings of one scenario, unless `MESSAGE_PORT_SHUTTLE_RUNS` says how many.
const RUNS: usize = 1000;

/// Steps of one interleaving before it is taken for an endless loop.
const MAX_STEPS: usize = 500_000;

/// Involuntary switches of the schedules of which each has few of them.
const DEPTHS: [usize; 3] = [2, 4, 10];

/// Bytes of stack for each thread.
const STACK: usize = 512 * 1024;

pub(crate) fn check(model: Model, scenario: impl Fn(&Run) + Send + Sync + 'static) {
    let name = std::thread::current().name().unwrap_or("?").to_owned();
    let (run, start) = (Run::default(), Instant::now());
    let scenario = {
        let run = run.clone();
        Arc::new(move || scenario(&run))
    };
    let runs = explore(&scenario, seed_of(&name), number("MESSAGE_PORT_SHUTTLE_RUNS", RUNS));
    println!("{name:<72} {runs:>8} {:>7.2} s", start.elapsed().as_secs_f64());
    let missed = run.missed(model.reaches);
    // Fewer schedules, or the one that is replayed, need not come to everything.
    assert!(missed.is_empty() || runs < RUNS, "no schedule came to: {}", missed.join(", "));
}

/// Runs the scenario so many times, in schedules that follow from the seed, and says how often it was:
/// a quarter of them in schedules that may switch anywhere, the others in such as have few switches,
/// since most faults need few. `MESSAGE_PORT_SHUTTLE_SCHEDULE` names one schedule instead, as a failure has
/// printed it, or a file with it.
///
/// # Panics
///
/// Panics as the first run that fails, or if the schedule is none.
pub fn explore<S>(scenario: &Arc<S>, seed: u64, runs: usize) -> usize
where
    S: Fn() + Send + Sync + 'static,
{
    if let Some(schedule) = std::env::var_os("MESSAGE_PORT_SHUTTLE_SCHEDULE") {
        let schedule = schedule.into_string().expect("a schedule is text");
        let schedule = std::fs::read_to_string(&schedule).unwrap_or(schedule);
        return run(scenario, ReplayScheduler::new_from_encoded(schedule.trim()));
    }
    let parts = DEPTHS.len() + 1;
    let share = |part: usize| (runs + part) / parts;
    let random = run(scenario, RandomScheduler::new_from_seed(seed, share(0)));
    let few = DEPTHS
        .iter()
        .zip(1..)
        .map(|(depth, part)| run(scenario, PctScheduler::new_from_seed(seed, *depth, share(part))));
    random + few.sum::<usize>()
}

fn run<S>(scenario: &Arc<S>, scheduler: impl Scheduler + 'static) -> usize
where
    S: Fn() + Send + Sync + 'static,
{
    let mut config = Config::new();
    config.stack_size = STACK;
    config.max_steps = MaxSteps::FailAfter(MAX_STEPS);
    config.failure_persistence = FailurePersistence::Print;
    config.silence_warnings = true;
    let scenario = Arc::clone(scenario);
    Runner::new(scheduler, config).run(move || {
        scenario();
        assert_eq!(message_port::model::memory_in_use(), 0, "memory is leaked");
    })
}

/// The same schedules each time, and others for each model.
fn seed_of(name: &str) -> u64 {
    let mixed = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    name.bytes().fold(0xcbf2_9ce4_8422_2325, mixed)
}
