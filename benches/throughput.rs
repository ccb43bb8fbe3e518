//! A stream of `u64`s from one thread to another, each pinned to a CPU of its own.

mod common;

use std::sync::Arc;
use std::sync::Barrier;
use std::thread;
use std::time::{Duration, Instant};

use common::{Blocking, Crossbeam, End, Rtrb, Spinning, pin};
use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, Criterion, Throughput, criterion_group, criterion_main};

fn one_way<E: End>(
    group: &mut BenchmarkGroup<'_, WallTime>,
    name: &str,
    pair: impl Fn() -> (E, E),
) {
    group.bench_function(name, |b| {
        b.iter_custom(|messages| {
            let (mut near, mut far) = pair();
            let ready = Arc::new(Barrier::new(2));
            let sender = thread::spawn({
                let ready = Arc::clone(&ready);
                move || {
                    pin(1);
                    ready.wait();
                    for n in 0..messages {
                        far.send(n);
                    }
                    far
                }
            });
            ready.wait();
            let start = Instant::now();
            for n in 0..messages {
                assert_eq!(near.receive(), n);
            }
            let elapsed = start.elapsed();
            sender.join().unwrap();
            elapsed
        });
    });
}

fn numbers(c: &mut Criterion) {
    let mut group = c.benchmark_group("one way, u64, two CPUs");
    group.measurement_time(Duration::from_secs(3)).throughput(Throughput::Elements(1));
    pin(0);
    one_way(&mut group, "message-port, spinning", Spinning::pair);
    one_way(&mut group, "rtrb, spinning", Rtrb::pair);
    one_way(&mut group, "message-port, blocking", Blocking::pair);
    one_way(&mut group, "crossbeam-channel, blocking", Crossbeam::pair);
    group.finish();
}

criterion_group!(benches, numbers);
criterion_main!(benches);
