//! What waiting costs: two threads that receive, and nobody who sends.

use std::sync::Barrier;
use std::thread;
use std::time::{Duration, Instant};

use super::Sample;
use crate::link::{Link, ReceiveEnd as _, SendEnd as _};
use crate::machine::{self, Cpus, Elapsed, Role};
use crate::payload::Touch;

/// Milliseconds of CPU time that a thread needs per second of waiting. The last message of the
/// round, which wakes it, is part of it.
pub(crate) fn run<L: Link<u64>>(milliseconds: u64, cpus: Cpus) -> Sample {
    let start = Barrier::new(3);
    let wait = |mut receiver: L::Receiver, role| {
        let pinned = machine::pin(cpus, role);
        start.wait();
        let used = machine::thread_cpu_time();
        let message = receiver.receive::<Touch>();
        assert_eq!(message, 1, "something else arrived");
        (machine::thread_cpu_time().saturating_sub(used), pinned)
    };
    let ((mut to_near, near), (mut to_far, far)) = (L::open(), L::open());
    let (time, near, far) = thread::scope(|scope| {
        let near = scope.spawn(|| wait(near, Role::Near));
        let far = scope.spawn(|| wait(far, Role::Far));
        start.wait();
        let clock = Instant::now();
        thread::sleep(Duration::from_millis(milliseconds));
        let time = clock.elapsed();
        to_near.send(&1);
        to_far.send(&1);
        let joined = |thread: thread::ScopedJoinHandle<'_, _>| thread.join().expect("it wakes up");
        (time, joined(near), joined(far))
    });
    let cpu: Duration = near.0 + far.0;
    let sample = Sample::timed(milliseconds, Elapsed { wall: time, cpu }, near.1 && far.1);
    Sample { value: cpu.as_secs_f64() * 1e3 / 2.0 / time.as_secs_f64(), ..sample }
}
