//! Bursts of long messages through a direction that grows, against queues of clones: one thread posts
//! twenty and then receives them.

mod common;

use std::hint::black_box;
use std::time::Duration;

use common::pin;
use criterion::{Bencher, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use message_port::MessageChannel;

const SIZES: [usize; 3] = [3_000, 100_000, 1 << 20];
const MESSAGES: usize = 20;

fn bursts(c: &mut Criterion) {
    let mut group = c.benchmark_group("bursts of long messages, one thread");
    group.measurement_time(Duration::from_secs(2)).sample_size(20);
    pin(0);
    for size in SIZES {
        group.throughput(Throughput::Elements(MESSAGES as u64));
        let message = vec![1u8; size];
        group.bench_with_input(BenchmarkId::new("message-port", size), &message, |b, message| {
            let MessageChannel { mut port1, mut port2 } = MessageChannel::<Vec<u8>>::builder()
                .capacity(4096)
                .growable(256 << 20)
                .build()
                .unwrap();
            b.iter(|| {
                for _ in 0..MESSAGES {
                    port1.try_post_message(message).unwrap();
                }
                for _ in 0..MESSAGES {
                    let received = port2.try_recv().unwrap();
                    assert_eq!(black_box(received[size - 1]), 1);
                }
            });
        });
        group.bench_with_input(BenchmarkId::new("crossbeam-channel", size), &message, {
            |b, message| {
                let (sender, receiver) = crossbeam_channel::unbounded();
                let send = |message| sender.send(message).unwrap();
                clones(b, message, send, || receiver.try_recv().unwrap());
            }
        });
        group.bench_with_input(BenchmarkId::new("rtrb", size), &message, |b, message| {
            let (mut producer, mut consumer) = rtrb::RingBuffer::new(MESSAGES);
            let send = |message| producer.push(message).unwrap();
            clones(b, message, send, || consumer.pop().unwrap());
        });
    }
    group.finish();
}

/// A burst through a queue that takes values.
fn clones(
    b: &mut Bencher<'_>,
    message: &[u8],
    mut send: impl FnMut(Vec<u8>),
    mut receive: impl FnMut() -> Vec<u8>,
) {
    b.iter(|| {
        for _ in 0..MESSAGES {
            send(message.to_vec());
        }
        for _ in 0..MESSAGES {
            let received = receive();
            assert_eq!(black_box(received[received.len() - 1]), 1);
        }
    });
}

criterion_group!(benches, bursts);
criterion_main!(benches);
