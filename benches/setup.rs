//! What it costs to make a channel and to drop it.

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use message_port::MessageChannel;

fn setup(c: &mut Criterion) {
    let mut group = c.benchmark_group("make and drop a channel");
    group.bench_function("base", |b| {
        // The memory of two rings of a kilobyte and nothing else.
        b.iter(|| (black_box(vec![0u8; 1024]), black_box(vec![0u8; 1024])));
    });
    for capacity in [1 << 10, 64 << 10, 1 << 20] {
        group.bench_function(format!("message-port, {} KiB each way", capacity >> 10), |b| {
            b.iter(|| MessageChannel::<u64>::with_capacity(black_box(capacity)));
        });
    }
    group.bench_function("crossbeam-channel, 64 messages each way", |b| {
        b.iter(|| (crossbeam_channel::bounded::<u64>(64), crossbeam_channel::bounded::<u64>(64)));
    });
    group.bench_function("rtrb, 64 messages each way", |b| {
        b.iter(|| (rtrb::RingBuffer::<u64>::new(64), rtrb::RingBuffer::<u64>::new(64)));
    });
    group.finish();
}

criterion_group!(benches, setup);
criterion_main!(benches);
