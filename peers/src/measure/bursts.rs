//! Bursts after pauses: the receiver sleeps when the first message comes.

use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use super::{Sample, apart, expect_sum, on_two_threads};
use crate::link::{Link, ReceiveEnd as _, SendEnd as _};
use crate::machine::{Clock, Cpus};
use crate::payload::{Payload, Touch};

/// Long enough for every receiver to fall asleep.
const PAUSE: Duration = Duration::from_micros(300);

/// Time from the start of a burst until its last message was read.
#[expect(clippy::cast_precision_loss, reason = "no time is near 2^52 ns")]
pub(crate) fn run<T: Payload, L: Link<T>>(bursts: u64, cpus: Cpus, burst: u64) -> Sample {
    let (mut sender, mut receiver) = apart(L::open());
    // Nanoseconds since `epoch` at which the burst had arrived; 0 before that.
    let arrived = AtomicU64::new(0);
    let epoch = Instant::now();
    let now = || u64::try_from(epoch.elapsed().as_nanos()).unwrap_or(u64::MAX);
    // The first one warms up.
    let total = bursts + 1;
    let ((mut times, sending), (reading, sum), pinned) = on_two_threads(
        cpus,
        |start| {
            let mut message = T::sample();
            let mut times = Vec::new();
            start.wait();
            let clock = Clock::start();
            for number in 0..total {
                thread::sleep(PAUSE);
                let sent = now();
                for n in 0..burst {
                    message.stamp(number * burst + n);
                    sender.send(&message);
                }
                let took = loop {
                    match arrived.swap(0, Ordering::Relaxed) {
                        0 => thread::sleep(PAUSE / 10),
                        arrived => break arrived.saturating_sub(sent),
                    }
                };
                times.push(took);
            }
            (times, clock.stop())
        },
        |start| {
            let mut sum = 0u64;
            start.wait();
            let clock = Clock::start();
            for _ in 0..total {
                for _ in 0..burst {
                    sum = sum.wrapping_add(receiver.receive::<Touch>());
                }
                arrived.store(now(), Ordering::Relaxed);
            }
            (clock.stop(), sum)
        },
    );
    expect_sum::<T>(total * burst, sum);
    times.remove(0);
    let value = times.iter().sum::<u64>() as f64 / bursts as f64;
    let sample = Sample::timed(bursts, sending.and(reading), pinned);
    Sample { value, latencies: times, ..sample }
}
