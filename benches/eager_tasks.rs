//! What looking before being suspended costs others: many ports on one tokio thread, of which one at a
//! time gets a message from another thread, and a timer that wants to be on time.
//!
//! Prints, with and without [`eager_tasks`](message_port::Builder::eager_tasks), the CPU time of the tokio
//! thread, how late the timer is, and how long a message takes to arrive. `cargo bench --bench eager_tasks`;
//! with `--test` it runs once, briefly.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use message_port::{MessageChannel, MessagePort};

/// Between two messages, at least.
const PAUSE: Duration = Duration::from_micros(100);
const TICK: Duration = Duration::from_millis(1);

struct Setting {
    ports: usize,
    is_eager: bool,
    time: Duration,
}

/// Sorted nanoseconds, and the CPU time of the tokio thread.
struct Outcome {
    cpu: Option<Duration>,
    late: Vec<u64>,
    arrived: Vec<u64>,
}

fn nanoseconds(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

/// The CPU time of the calling thread, where the system tells.
fn cpu_time() -> Option<Duration> {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    text.split(' ').next()?.parse().ok().map(Duration::from_nanos)
}

/// Posts the time to one port after the other, in a random order, until told to stop.
fn post(mut ports: Vec<MessagePort<u64>>, start: Instant, stop: &AtomicBool) {
    let mut random = 0x9e37_79b9_7f4a_7c15_u64;
    while !stop.load(Ordering::Relaxed) {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        let chosen = usize::try_from(random % ports.len() as u64).expect("an index");
        ports[chosen].post_message(&nanoseconds(start.elapsed())).expect("the peer is there");
        thread::sleep(PAUSE);
    }
}

fn measure(setting: &Setting) -> Outcome {
    let channel = || {
        let builder = MessageChannel::<u64>::builder().capacity(1024);
        builder.eager_tasks(setting.is_eager).build().expect("a channel")
    };
    let (near, far): (Vec<_>, Vec<_>) = (0..setting.ports)
        .map(|_| {
            let MessageChannel { port1, port2 } = channel();
            (port1, port2)
        })
        .unzip();
    let start = Instant::now();
    let stop = Arc::new(AtomicBool::new(false));
    let posting = thread::spawn({
        let stop = Arc::clone(&stop);
        move || post(near, start, &stop)
    });
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_time().build().expect("tokio");
    let before = cpu_time();
    let (mut late, mut arrived) = runtime.block_on(async {
        let receiving: Vec<_> = far
            .into_iter()
            .map(|mut port| {
                tokio::spawn(async move {
                    let mut took = Vec::new();
                    while let Ok(posted) = port.recv_async().await {
                        took.push(nanoseconds(start.elapsed()) - posted.to_native());
                    }
                    took
                })
            })
            .collect();
        let mut late = Vec::new();
        while start.elapsed() < setting.time {
            let due = Instant::now() + TICK;
            tokio::time::sleep_until(due.into()).await;
            late.push(nanoseconds(due.elapsed()));
        }
        stop.store(true, Ordering::Relaxed);
        let mut arrived = Vec::new();
        for task in receiving {
            arrived.extend(task.await.expect("no panic"));
        }
        (late, arrived)
    });
    let cpu = before.and_then(|before| cpu_time()?.checked_sub(before));
    posting.join().expect("no panic");
    late.sort_unstable();
    arrived.sort_unstable();
    assert!(!arrived.is_empty(), "messages arrive");
    Outcome { cpu, late, arrived }
}

/// Microseconds, of sorted nanoseconds, below which that many of a thousand are.
fn quantile(sorted: &[u64], per_mille: usize) -> u64 {
    sorted[(sorted.len() * per_mille / 1000).min(sorted.len() - 1)] / 1000
}

fn main() {
    let is_brief = std::env::args().any(|arg| arg == "--test");
    let (rounds, time) = if is_brief { (1, 50) } else { (3, 3000) };
    println!(
        "| ports | eager | CPU, ms/s | timer late, µs: median | 99 % | worst | arrival, µs: median | 99 % |"
    );
    println!("|---|---|---|---|---|---|---|---|");
    for ports in [1, 10, 1000] {
        for round in 0..rounds * 2 {
            let setting =
                Setting { ports, is_eager: round % 2 == 0, time: Duration::from_millis(time) };
            let Outcome { cpu, late, arrived } = measure(&setting);
            let cpu = cpu.map_or("?".into(), |cpu| {
                (cpu.as_millis() * 1000 / setting.time.as_millis()).to_string()
            });
            println!(
                "| {ports} | {} | {cpu} | {} | {} | {} | {} | {} |",
                setting.is_eager,
                quantile(&late, 500),
                quantile(&late, 990),
                quantile(&late, 1000),
                quantile(&arrived, 500),
                quantile(&arrived, 990),
            );
        }
    }
}
