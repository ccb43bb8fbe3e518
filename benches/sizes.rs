//! Bytes of all sizes from one thread to another, against copying the same bytes and nothing else.

mod common;

use std::hint::black_box;
use std::time::Duration;

use common::loops::stream;
use common::pin;
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use message_port::MessageChannel;

const SIZES: [usize; 6] = [16, 256, 1 << 10, 4 << 10, 64 << 10, 1 << 20];

fn bytes(c: &mut Criterion) {
    let mut group = c.benchmark_group("one way, bytes, two CPUs");
    group.measurement_time(Duration::from_secs(2)).sample_size(20);
    pin(0);
    for size in SIZES {
        group.throughput(Throughput::Bytes(size as u64));
        let message = vec![1u8; size];
        group.bench_with_input(BenchmarkId::new("base", size), &message, |b, message| {
            let mut copy = vec![0u8; size];
            b.iter(|| {
                copy.copy_from_slice(black_box(message));
                black_box(copy[size - 1])
            });
        });
        group.bench_with_input(BenchmarkId::new("message-port", size), &message, |b, message| {
            b.iter_custom(|messages| {
                let MessageChannel { mut port1, mut port2 } =
                    MessageChannel::<Vec<u8>>::with_capacity(1 << 20);
                let message = message.clone();
                stream(
                    1,
                    move || {
                        for _ in 0..messages {
                            port1.post_message(&message).unwrap();
                        }
                        port1
                    },
                    || {
                        for _ in 0..messages {
                            let received = port2.recv().unwrap();
                            assert_eq!(black_box(received[size - 1]), 1);
                        }
                    },
                )
            });
        });
    }
    group.finish();
}

criterion_group!(benches, bytes);
criterion_main!(benches);
