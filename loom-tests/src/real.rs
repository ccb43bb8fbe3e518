//! The engine that runs a scenario on real threads, many times.

use crate::{Model, Run};

/// How often a scenario is run. Miri and the sanitizers take their time for each.
const REPETITIONS: usize = if cfg!(miri) { 5 } else { 300 };

pub(crate) fn check(_model: Model, scenario: &dyn Fn(&Run)) {
    let run = Run::default();
    for _ in 0..REPETITIONS {
        scenario(&run);
    }
}
