//! The engine that tries every interleaving: loom.

use std::io::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use crate::{Barriers, Model, Run, slow};

/// Steps of one interleaving before loom takes it for an endless loop.
const MAX_BRANCHES: usize = 10_000;

pub(crate) fn check(model: Model, scenario: impl Fn(&Run) + Send + Sync + 'static) {
    let scenario = Arc::new(scenario);
    if matches!(model.barriers, Barriers::Heavy | Barriers::Both) {
        message_port::model::without_light_barriers(|| explore(model, "heavy", &scenario));
    }
    if model.barriers == Barriers::Asked {
        message_port::model::with_asked_fences_alone(|| explore(model, "asked", &scenario));
    }
    if matches!(model.barriers, Barriers::Full | Barriers::Both) {
        explore(model, "full", &scenario);
    }
}

fn explore<S>(model: Model, barriers: &str, scenario: &Arc<S>)
where
    S: Fn(&Run) + Send + Sync + 'static,
{
    let run = Run::default();
    let interleavings = Arc::new(AtomicUsize::new(0));
    let start = Instant::now();

    let mut builder = loom::model::Builder::new();
    builder.max_branches = builder.max_branches.max(MAX_BRANCHES);
    let preemptions = model.preemptions + usize::from(slow());
    let preemptions = builder.preemption_bound.map_or(preemptions, |asked| asked.max(preemptions));
    builder.preemption_bound = Some(preemptions);
    builder.check({
        let (scenario, run) = (Arc::clone(scenario), run.clone());
        let interleavings = Arc::clone(&interleavings);
        move || {
            interleavings.fetch_add(1, Ordering::Relaxed);
            scenario(&run);
        }
    });

    report(&format!(
        "{:<72} {barriers:<6} {preemptions} {:>8} {:>7.2} s",
        std::thread::current().name().unwrap_or("?"),
        interleavings.load(Ordering::Relaxed),
        start.elapsed().as_secs_f64(),
    ));
    let missed = run.missed(model.reaches);
    assert!(missed.is_empty(), "no interleaving came to: {}", missed.join(", "));
}

/// Prints a line, and appends it to the file that `MESSAGE_PORT_LOOM_REPORT` names.
fn report(line: &str) {
    println!("{line}");
    if let Some(path) = std::env::var_os("MESSAGE_PORT_LOOM_REPORT") {
        let file = std::fs::OpenOptions::new().create(true).append(true).open(path);
        file.and_then(|mut file| writeln!(file, "{line}")).expect("the report cannot be written");
    }
}
