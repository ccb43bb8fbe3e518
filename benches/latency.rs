//! Round trip of a `u64` between two threads, each pinned to a CPU of its own, or both to one.

mod common;

use std::thread;
use std::time::{Duration, Instant};

use common::{Base, Blocking, Crossbeam, End, Rtrb, Spinning, pin};
use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, Criterion, criterion_group, criterion_main};

/// Tells the echoing thread to stop.
const STOP: u64 = u64::MAX - 1;

fn round_trips<E: End>(
    group: &mut BenchmarkGroup<'_, WallTime>,
    name: &str,
    echo_cpu: usize,
    (mut near, mut far): (E, E),
) {
    let echo = thread::spawn(move || {
        pin(echo_cpu);
        loop {
            let value = far.receive();
            if value == STOP {
                break;
            }
            far.send(value);
        }
    });
    group.bench_function(name, |b| {
        b.iter_custom(|rounds| {
            let start = Instant::now();
            for round in 0..rounds {
                near.send(round);
                assert_eq!(near.receive(), round);
            }
            start.elapsed()
        });
    });
    near.send(STOP);
    echo.join().unwrap();
}

fn two_cpus(c: &mut Criterion) {
    let mut group = c.benchmark_group("round trip, u64, two CPUs");
    group.measurement_time(Duration::from_secs(3));
    pin(0);
    round_trips(&mut group, "base", 1, Base::pair());
    round_trips(&mut group, "message-port, spinning", 1, Spinning::pair());
    round_trips(&mut group, "rtrb, spinning", 1, Rtrb::pair());
    round_trips(&mut group, "message-port, blocking", 1, Blocking::pair());
    round_trips(&mut group, "crossbeam-channel, blocking", 1, Crossbeam::pair());
    group.finish();
}

fn one_cpu(c: &mut Criterion) {
    let mut group = c.benchmark_group("round trip, u64, one CPU");
    group.measurement_time(Duration::from_secs(3));
    pin(0);
    round_trips(&mut group, "message-port, blocking", 0, Blocking::pair());
    round_trips(&mut group, "crossbeam-channel, blocking", 0, Crossbeam::pair());
    group.finish();
}

criterion_group!(benches, two_cpus, one_cpu);
criterion_main!(benches);
