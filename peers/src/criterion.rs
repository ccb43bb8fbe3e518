//! The rows as benchmarks of criterion, for its HTML report: a violin for each subject, all in one picture.

use std::path::Path;
use std::time::Duration;

use criterion::{Criterion, SamplingMode};

use crate::rows::{Row, Scale};

/// How long criterion measures a subject; the warm-up comes on top.
const MEASURED: Duration = Duration::from_secs(1);
const WARM_UP: Duration = Duration::from_millis(300);

/// Measures the rows that count time and have no fixed number of operations, subject after subject, and
/// writes criterion's report into a folder. Returns how many rows those are.
pub(crate) fn measure(rows: &[Row], out: &Path) -> usize {
    let mut criterion = Criterion::default()
        .output_directory(out)
        .sample_size(30)
        .warm_up_time(WARM_UP)
        .measurement_time(MEASURED);
    let mut measured = 0;
    for row in rows.iter().filter(|row| row.unit.is_time() && matches!(row.scale, Scale::Timed)) {
        let mut group = criterion.benchmark_group(&row.name);
        // Each sample makes its threads anew, so it should not be short.
        group.sampling_mode(SamplingMode::Flat);
        for subject in &row.subjects {
            let name = [subject.peer, subject.how].join(" ");
            group.bench_function(name.trim_end(), |bencher| {
                bencher.iter_custom(|operations| {
                    let sample = (subject.run)(operations, row.cpus);
                    #[expect(clippy::cast_precision_loss, reason = "no count is near 2^52")]
                    let nanoseconds = sample.value * operations as f64;
                    Duration::from_secs_f64(nanoseconds / 1e9)
                });
            });
        }
        group.finish();
        measured += 1;
    }
    criterion.final_summary();
    measured
}
