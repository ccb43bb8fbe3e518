//! A stream of `u64`s from one thread to another, each pinned to a CPU of its own.

mod common;

use std::time::Duration;

use common::loops::one_way;
use common::{Base, Blocking, Crossbeam, Rtrb, Spinning, pin};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};

fn numbers(c: &mut Criterion) {
    let mut group = c.benchmark_group("one way, u64, two CPUs");
    group.measurement_time(Duration::from_secs(3)).throughput(Throughput::Elements(1));
    pin(0);
    one_way(&mut group, "base", 1, Base::pair);
    one_way(&mut group, "message-port, spinning", 1, Spinning::pair);
    one_way(&mut group, "rtrb, spinning", 1, Rtrb::pair);
    one_way(&mut group, "message-port, blocking", 1, Blocking::pair);
    one_way(&mut group, "crossbeam-channel, blocking", 1, Crossbeam::pair);
    group.finish();
}

criterion_group!(benches, numbers);
criterion_main!(benches);
