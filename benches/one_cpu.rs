//! Both threads pinned to one CPU, as on a machine or in a container that has no other.

mod common;

use std::time::Duration;

use common::loops::{one_way, round_trips};
use common::{Blocking, Crossbeam, Parking, pin};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};

fn latency(c: &mut Criterion) {
    let mut group = c.benchmark_group("round trip, u64, one CPU");
    group.measurement_time(Duration::from_secs(3));
    pin(0);
    round_trips(&mut group, "base", 0, Parking::pair());
    round_trips(&mut group, "message-port, blocking", 0, Blocking::pair());
    round_trips(&mut group, "crossbeam-channel, blocking", 0, Crossbeam::pair());
    group.finish();
}

fn throughput(c: &mut Criterion) {
    let mut group = c.benchmark_group("one way, u64, one CPU");
    group.measurement_time(Duration::from_secs(3)).throughput(Throughput::Elements(1));
    pin(0);
    one_way(&mut group, "base", 0, Parking::pair);
    one_way(&mut group, "message-port, blocking", 0, Blocking::pair);
    one_way(&mut group, "crossbeam-channel, blocking", 0, Crossbeam::pair);
    group.finish();
}

criterion_group!(benches, latency, throughput);
criterion_main!(benches);
