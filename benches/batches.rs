//! What it brings to post and to receive many messages at once.

mod common;

use std::time::Duration;

use common::loops::{one_way, stream};
use common::{Base, Blocking, pin};
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use message_port::MessageChannel;

const BATCHES: [usize; 3] = [10, 100, 1000];

fn batches(c: &mut Criterion) {
    let mut group = c.benchmark_group("one way, u64, in batches, two CPUs");
    group.measurement_time(Duration::from_secs(3)).throughput(Throughput::Elements(1));
    pin(0);
    one_way(&mut group, "base", 1, Base::pair);
    one_way(&mut group, "message-port, one at a time", 1, Blocking::pair);
    for batch in BATCHES {
        group.bench_function(BenchmarkId::new("message-port, batches", batch), |b| {
            b.iter_custom(|messages| {
                let MessageChannel { mut port1, mut port2 } = MessageChannel::<u64>::new();
                stream(
                    1,
                    move || {
                        let numbers: Vec<u64> = (0..batch as u64).collect();
                        let mut left = usize::try_from(messages).unwrap();
                        while left > 0 {
                            let posting = numbers.iter().take(left);
                            left -= port1.post_messages(posting).unwrap();
                        }
                        port1
                    },
                    || {
                        let mut received = 0;
                        let mut add = |n: u64| {
                            assert_eq!(n, received % batch as u64);
                            received += 1;
                        };
                        let mut left = messages;
                        while left > 0 {
                            add(port2.recv().unwrap().to_native());
                            left -= 1;
                            let more = batch.min(usize::try_from(left).unwrap());
                            if let Ok(more) = port2.recv_batch(more, |n| add(n.to_native())) {
                                left -= more as u64;
                            }
                        }
                    },
                )
            });
        });
    }
    group.finish();
}

criterion_group!(benches, batches);
criterion_main!(benches);
