//! The price of handlers: a hundred messages posted and dispatched on one thread, against receiving
//! them by hand, and of archives of different kinds, checked and trusted.

mod common;

use std::collections::VecDeque;
use std::hint::black_box;
use std::sync::atomic::{AtomicU64, Ordering};

use common::messages::{Line, Order};
use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, Criterion, Throughput, criterion_group, criterion_main};
use message_port::{Message, MessageChannel, MessagePort};
use rkyv::Archived;

const MESSAGES: u64 = 100;

fn handlers(c: &mut Criterion) {
    static SUM: AtomicU64 = AtomicU64::new(0);
    let mut group = c.benchmark_group("a hundred u64 on one thread");
    group.throughput(Throughput::Elements(MESSAGES));

    group.bench_function("base", |b| {
        let mut queue = VecDeque::with_capacity(128);
        let mut handler: Box<dyn FnMut(u64)> = Box::new(|n| {
            SUM.fetch_add(n, Ordering::Relaxed);
        });
        b.iter(|| {
            queue.extend(0..black_box(MESSAGES));
            while let Some(n) = queue.pop_front() {
                handler(n);
            }
        });
    });

    let MessageChannel { mut port1, mut port2 } = MessageChannel::<u64>::new();
    group.bench_function("try_recv", |b| {
        b.iter(|| {
            post_all(&mut port1);
            while let Ok(n) = port2.try_recv() {
                SUM.fetch_add(n.to_native(), Ordering::Relaxed);
            }
        });
    });
    group.bench_function("recv_batch", |b| {
        b.iter(|| {
            post_all(&mut port1);
            port2.recv_batch(usize::MAX, |n| {
                SUM.fetch_add(n.to_native(), Ordering::Relaxed);
            })
        });
    });
    port2.set_onmessage(|event| {
        SUM.fetch_add(event.data().to_native(), Ordering::Relaxed);
    });
    group.bench_function("dispatch", |b| {
        b.iter(|| {
            post_all(&mut port1);
            port2.dispatch()
        });
    });
    group.finish();
}

fn post_all(port: &mut MessagePort<u64>) {
    for n in 0..black_box(MESSAGES) {
        port.post_message(&n).unwrap();
    }
}

fn kinds(c: &mut Criterion) {
    let mut group = c.benchmark_group("post and receive on one thread");
    group.bench_function("base", |b| b.iter(|| black_box(Order::new(black_box(1)).clone().id)));
    checked_and_trusted(&mut group, "u64", &7u64, |n| n.to_native());
    checked_and_trusted(&mut group, "64-byte struct", &Line::new(7), |line| {
        line.numbers[3].to_native()
    });
    checked_and_trusted(&mut group, "order", &Order::new(7), |order| order.id.to_native());
    group.finish();
}

fn checked_and_trusted<T: Message>(
    group: &mut BenchmarkGroup<'_, WallTime>,
    name: &str,
    message: &T,
    read: impl Fn(&Archived<T>) -> u64,
) {
    let builder = MessageChannel::<T>::builder();
    // SAFETY: the messages are derived or rkyv's own and write valid archives, and nothing in them
    // is aligned to more than eight bytes.
    let trusted = unsafe { MessageChannel::<T>::builder().trust_archives() };
    for (kind, channel) in [("checked", builder.build()), ("trusted", trusted.build())] {
        let MessageChannel { mut port1, mut port2 } = channel.unwrap();
        group.bench_function(format!("{name}, {kind}"), |b| {
            b.iter(|| {
                port1.post_message(black_box(message)).unwrap();
                read(&port2.recv().unwrap())
            });
        });
    }
}

criterion_group!(benches, handlers, kinds);
criterion_main!(benches);
