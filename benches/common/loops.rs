//! What two threads do with the two ends of a channel, timed by criterion.

use std::sync::{Arc, Barrier};
use std::thread;
use std::time::{Duration, Instant};

use criterion::BenchmarkGroup;
use criterion::measurement::WallTime;

use super::{End, pin};

/// Tells the echoing thread to stop.
const STOP: u64 = u64::MAX - 1;

/// One end sends a number, the other one, on `echo_cpu`, sends it back.
pub(crate) fn round_trips<E: End>(
    group: &mut BenchmarkGroup<'_, WallTime>,
    name: &str,
    echo_cpu: usize,
    (mut near, mut far): (E, E),
) {
    let echo = thread::spawn(move || {
        pin(echo_cpu);
        loop {
            let value = far.receive();
            if value == STOP {
                break;
            }
            far.send(value);
        }
    });
    group.bench_function(name, |b| {
        b.iter_custom(|rounds| {
            let start = Instant::now();
            for round in 0..rounds {
                near.send(round);
                assert_eq!(near.receive(), round);
            }
            start.elapsed()
        });
    });
    near.send(STOP);
    echo.join().unwrap();
}

/// One end, on `sender_cpu`, sends numbers in a row, the other one receives them.
pub(crate) fn one_way<E: End>(
    group: &mut BenchmarkGroup<'_, WallTime>,
    name: &str,
    sender_cpu: usize,
    pair: impl Fn() -> (E, E),
) {
    group.bench_function(name, |b| {
        b.iter_custom(|messages| {
            let (mut near, mut far) = pair();
            stream(
                sender_cpu,
                move || {
                    for n in 0..messages {
                        far.send(n);
                    }
                    far
                },
                || {
                    for n in 0..messages {
                        assert_eq!(near.receive(), n);
                    }
                },
            )
        });
    });
}

/// Runs `send` on a thread of its own, on `sender_cpu`, and times `receive` meanwhile. What `send`
/// returns lives until both are done.
pub(crate) fn stream<S: Send + 'static>(
    sender_cpu: usize,
    send: impl FnOnce() -> S + Send + 'static,
    receive: impl FnOnce(),
) -> Duration {
    let ready = Arc::new(Barrier::new(2));
    let sender = thread::spawn({
        let ready = Arc::clone(&ready);
        move || {
            pin(sender_cpu);
            ready.wait();
            send()
        }
    });
    ready.wait();
    let start = Instant::now();
    receive();
    let elapsed = start.elapsed();
    drop(sender.join().unwrap());
    elapsed
}
