//! A number there and back between two tasks: on two threads, or on one.

use std::hint::black_box;
use std::thread;
use std::time::Instant;

use futures_lite::future::block_on;
use tokio::runtime;

use super::round_trip::{Trips, echoed, nanoseconds, timed_alone};
use super::{Sample, apart, on_two_threads, warm_up};
use crate::link::{TaskDuplex, TaskEnd};
use crate::machine::{self, Clock, Cpus, Elapsed, Role};

/// Trips in a correctness check.
const CHECKED: u64 = 200;

/// How many trips are made in a run: to warm up, timed together, timed one by one.
#[derive(Clone, Copy)]
struct Plan {
    warm: u64,
    trips: u64,
    alone: u64,
}

impl Plan {
    fn new(trips: u64) -> Self {
        Self { warm: warm_up::<u64>(trips), trips, alone: timed_alone(trips) }
    }

    fn total(self) -> u64 {
        self.warm + self.trips + self.alone
    }

    /// What came of it; `echo` is the CPU time of the other side, if that has a thread of its own.
    fn sample(self, found: Trips, echo: Elapsed, pinned: bool) -> Sample {
        assert_eq!(found.sum, echoed::<u64>(self.total()), "something else came back");
        let sample = Sample::timed(self.trips, found.elapsed.and(echo), pinned);
        Sample { latencies: found.latencies, ..sample }
    }
}

/// The task that asks and times.
async fn ask<E: TaskEnd>(end: &mut E, plan: Plan) -> Trips {
    let mut sum = 0u64;
    for number in 0..plan.warm {
        end.send(number).await;
        sum = sum.wrapping_add(end.receive().await);
    }
    let clock = Clock::start();
    for number in plan.warm..plan.warm + plan.trips {
        end.send(number).await;
        sum = sum.wrapping_add(black_box(end.receive().await));
    }
    let elapsed = clock.stop();
    let mut latencies = Vec::new();
    for number in plan.warm + plan.trips..plan.total() {
        let start = Instant::now();
        end.send(number).await;
        sum = sum.wrapping_add(black_box(end.receive().await));
        latencies.push(nanoseconds(start));
    }
    Trips { elapsed, latencies, sum }
}

/// Sends back what comes.
async fn echo<E: TaskEnd>(end: &mut E, trips: u64) {
    for _ in 0..trips {
        let message = end.receive().await;
        end.send(message).await;
    }
}

/// The task that answers.
async fn answer<E: TaskEnd>(end: &mut E, plan: Plan) -> Elapsed {
    echo(end, plan.warm).await;
    let clock = Clock::start();
    echo(end, plan.trips).await;
    let elapsed = clock.stop();
    echo(end, plan.alone).await;
    elapsed
}

/// Whether each number comes back as it was sent.
async fn ask_and_compare<E: TaskEnd>(end: &mut E) -> Result<(), String> {
    let mut outcome = Ok(());
    for number in 0..CHECKED {
        end.send(number).await;
        if end.receive().await != number && outcome.is_ok() {
            outcome = Err(format!("trip {number} brought back something else"));
        }
    }
    outcome
}

/// Whether numbers arrive and come back as they were sent, from one thread to another.
pub(crate) fn check<D: TaskDuplex>(cpus: Cpus) -> Result<(), String> {
    let (mut near, mut far) = apart(D::open());
    let (outcome, (), _) = on_two_threads(
        cpus,
        |_| block_on(ask_and_compare(&mut *near)),
        |_| block_on(echo(&mut *far, CHECKED)),
    );
    outcome
}

/// Time per round trip between two tasks, each in a bare `block_on` on a thread of its own.
pub(crate) fn run<D: TaskDuplex>(trips: u64, cpus: Cpus) -> Sample {
    let plan = Plan::new(trips);
    let (mut near, mut far) = apart(D::open());
    let (found, echo, pinned) = on_two_threads(
        cpus,
        |start| {
            start.wait();
            block_on(ask(&mut *near, plan))
        },
        |start| {
            start.wait();
            block_on(answer(&mut *far, plan))
        },
    );
    plan.sample(found, echo, pinned)
}

/// Runs two tasks on one current-thread runtime, on a fresh thread; says what they returned, and
/// whether the thread was pinned.
fn on_one_thread<A: Send + 'static, B: Send + 'static>(
    cpus: Cpus,
    near: impl Future<Output = A> + Send + 'static,
    far: impl Future<Output = B> + Send + 'static,
) -> (A, B, bool) {
    let both = || {
        let pinned = machine::pin(cpus, Role::Near);
        let runtime = runtime::Builder::new_current_thread().build().expect("a runtime");
        let (near, far) = runtime.block_on(async {
            let (far, near) = (tokio::spawn(far), tokio::spawn(near));
            (near.await.expect("the near task ends"), far.await.expect("the far task ends"))
        });
        (near, far, pinned)
    };
    thread::scope(|scope| scope.spawn(both).join().expect("the thread of both tasks ends"))
}

/// [`check`], on one thread.
pub(crate) fn check_on_one_thread<D: TaskDuplex>(cpus: Cpus) -> Result<(), String> {
    let (mut near, mut far) = apart(D::open());
    let (outcome, (), _) =
        on_one_thread(cpus, async move { ask_and_compare(&mut *near).await }, async move {
            echo(&mut *far, CHECKED).await;
        });
    outcome
}

/// Time per round trip between two tasks of one current-thread runtime.
pub(crate) fn run_on_one_thread<D: TaskDuplex>(trips: u64, cpus: Cpus) -> Sample {
    let plan = Plan::new(trips);
    let (mut near, mut far) = apart(D::open());
    let (found, _, pinned) =
        on_one_thread(cpus, async move { ask(&mut *near, plan).await }, async move {
            answer(&mut *far, plan).await
        });
    // The clock of the one thread has counted both tasks.
    plan.sample(found, Elapsed::default(), pinned)
}
