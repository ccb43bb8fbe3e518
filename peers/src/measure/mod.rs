//! The measured loops. They know ends and messages, and nothing of the peers.

pub(crate) mod allocations;
pub(crate) mod batches;
pub(crate) mod bursts;
pub(crate) mod copy;
pub(crate) mod duplex;
pub(crate) mod events;
pub(crate) mod idle;
pub(crate) mod one_way;
pub(crate) mod pace;
pub(crate) mod round_trip;
pub(crate) mod setup;
pub(crate) mod tasks;

use std::sync::Barrier;
use std::thread;

use crossbeam_utils::CachePadded;
use serde::{Deserialize, Serialize};

use crate::machine::{self, Cpus, Elapsed, Role};
use crate::payload::Payload;

/// What one peer did in one round.
#[derive(Clone, Default, Serialize, Deserialize)]
pub(crate) struct Sample {
    /// Messages, trips, channels: whatever the row counts.
    pub(crate) operations: u64,
    /// In the unit of the row; per operation, if that is a time.
    pub(crate) value: f64,
    /// Seconds of CPU time, of all threads.
    pub(crate) cpu: f64,
    /// Single times in nanoseconds, if the row has them.
    pub(crate) latencies: Vec<u64>,
    /// Whether every thread ran where it should.
    pub(crate) pinned: bool,
}

impl Sample {
    #[expect(clippy::cast_precision_loss, reason = "no count is near 2^52")]
    fn timed(operations: u64, elapsed: Elapsed, pinned: bool) -> Self {
        Self {
            operations,
            value: elapsed.wall.as_secs_f64() * 1e9 / operations as f64,
            cpu: elapsed.cpu.as_secs_f64(),
            latencies: Vec::new(),
            pinned,
        }
    }
}

/// Both ends, each in cache lines of its own, as on the stacks of two threads: what an end
/// remembers is written with each message.
fn apart<A, B>((near, far): (A, B)) -> (CachePadded<A>, CachePadded<B>) {
    (CachePadded::new(near), CachePadded::new(far))
}

/// One side, for [`spawn_two`].
type Side<'a> = Box<dyn FnOnce(&Barrier) + Send + 'a>;

/// Runs both sides, each on a fresh thread; says what they returned, and whether both were pinned.
fn on_two_threads<A: Send, B: Send>(
    cpus: Cpus,
    near: impl FnOnce(&Barrier) -> A + Send,
    far: impl FnOnce(&Barrier) -> B + Send,
) -> (A, B, bool) {
    let (mut near_result, mut far_result) = (None, None);
    let pinned = spawn_two(
        cpus,
        Box::new(|start| near_result = Some(near(start))),
        Box::new(|start| far_result = Some(far(start))),
    );
    let [near, far] = ["the near side has run", "the far side has run"];
    (near_result.expect(near), far_result.expect(far), pinned)
}

/// The same without types: the many measured loops share its code.
fn spawn_two(cpus: Cpus, near: Side<'_>, far: Side<'_>) -> bool {
    let start = Barrier::new(2);
    let run = |role, side: Side<'_>| {
        let pinned = machine::pin(cpus, role);
        side(&start);
        pinned
    };
    thread::scope(|scope| {
        let far = scope.spawn(|| run(Role::Far, far));
        let near = scope.spawn(|| run(Role::Near, near));
        let joined = |side: thread::ScopedJoinHandle<'_, bool>| side.join().expect("it finishes");
        joined(near) & joined(far)
    })
}

/// Messages before the clock starts: what was allocated lazily is there then, and every place of
/// a queue was used.
fn warm_up<T: Payload>(messages: u64) -> u64 {
    (messages / 8).clamp(2, T::CHECKED)
}

/// Compares what was read with what was sent, for messages numbered from 0.
fn expect_sum<T: Payload>(messages: u64, sum: u64) {
    let mut message = T::sample();
    let expected = (0..messages).fold(0u64, |sum, number| {
        message.stamp(number);
        sum.wrapping_add(message.touch())
    });
    assert_eq!(sum, expected, "what was read is not what was sent");
}

/// Compares one message with what should have come.
struct Expected<T> {
    message: T,
    next: u64,
    wrong: Option<u64>,
}

impl<T: Payload> Expected<T> {
    fn new() -> Self {
        Self { message: T::sample(), next: 0, wrong: None }
    }

    fn arrived(&mut self, digest: u64) {
        self.message.stamp(self.next);
        if self.message.digest() != digest {
            self.wrong.get_or_insert(self.next);
        }
        self.next += 1;
    }

    fn outcome(self) -> Result<(), String> {
        match self.wrong {
            Some(number) => Err(format!("message {number} is not what was sent")),
            None => Ok(()),
        }
    }
}
