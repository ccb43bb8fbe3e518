//! Round trip of a `u64` between two threads, each pinned to a CPU of its own.

mod common;

use std::time::Duration;

use common::loops::round_trips;
use common::{Base, Blocking, Crossbeam, Rtrb, Spinning, pin};
use criterion::{Criterion, criterion_group, criterion_main};

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

criterion_group!(benches, two_cpus);
criterion_main!(benches);
