//! A call beside a bare round trip of the same payload: a request posted, read in place and answered,
//! and its answer read in place; two threads, each pinned to a CPU of its own, or both to one.

mod common;

use std::convert::Infallible;
use std::hint::black_box;
use std::thread;
use std::time::{Duration, Instant};

use common::messages::Order;
use common::pin;
use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, Criterion, criterion_group, criterion_main};
use message_port::{Message, MessageChannel, call};
use rkyv::Archived;

/// What both ways of asking do with a payload.
struct Payload<T: Message> {
    request: T,
    answer: fn(&Archived<T>) -> T,
    check: fn(&Archived<T>) -> bool,
}

fn number() -> Payload<u64> {
    Payload { request: 7, answer: |n| n.to_native() + 1, check: |n| *n == 8 }
}

fn order() -> Payload<Order> {
    Payload {
        request: Order::new(7),
        answer: |order| Order::new(order.id.to_native() + 1),
        check: |order| order.id == 8 && order.customer.len() > 8,
    }
}

/// By two ports and nothing else.
fn bare<T: Message + Send + 'static>(
    group: &mut BenchmarkGroup<'_, WallTime>,
    cpu: usize,
    payload: Payload<T>,
) {
    let MessageChannel { mut port1, mut port2 } = MessageChannel::<T>::new();
    let Payload { request, answer, check } = payload;
    let server = thread::spawn(move || {
        pin(cpu);
        loop {
            let Ok(request) = port2.recv() else { break };
            let reply = answer(&request);
            drop(request);
            port2.post_message(&reply).unwrap();
        }
    });
    group.bench_function("bare round trip", |b| {
        b.iter_custom(|rounds| {
            timed(rounds, || {
                port1.post_message(black_box(&request)).unwrap();
                assert!(check(&port1.recv().unwrap()));
            })
        });
    });
    drop(port1);
    server.join().unwrap();
}

/// By a client and a server.
fn calls<T: Message + Send + 'static>(
    group: &mut BenchmarkGroup<'_, WallTime>,
    cpu: usize,
    payload: Payload<T>,
) {
    let (mut client, mut server) = call::channel::<T, T>();
    let Payload { request, answer, check } = payload;
    let server = thread::spawn(move || {
        pin(cpu);
        server.serve(|request| Ok::<_, Infallible>(answer(request))).unwrap();
    });
    group.bench_function("call", |b| {
        b.iter_custom(|rounds| {
            timed(rounds, || assert!(check(&client.call(black_box(&request)).unwrap())))
        });
    });
    drop(client);
    server.join().unwrap();
}

fn timed(rounds: u64, mut round: impl FnMut()) -> Duration {
    let start = Instant::now();
    for _ in 0..rounds {
        round();
    }
    start.elapsed()
}

fn all(c: &mut Criterion) {
    pin(0);
    for (cpus, cpu) in [("two CPUs", 1), ("one CPU", 0)] {
        let mut group = c.benchmark_group(format!("call, u64, {cpus}"));
        group.measurement_time(Duration::from_secs(3));
        bare(&mut group, cpu, number());
        calls(&mut group, cpu, number());
        group.finish();
        let mut group = c.benchmark_group(format!("call, order, {cpus}"));
        group.measurement_time(Duration::from_secs(3));
        bare(&mut group, cpu, order());
        calls(&mut group, cpu, order());
        group.finish();
    }
}

criterion_group!(benches, all);
criterion_main!(benches);
