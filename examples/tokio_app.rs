//! A tokio application whose heavy work is done by a blocking worker: `select!` with a
//! timer, a limit of time, and a shutdown that loses no outcome.
//!
//! ```text
//! cargo run --release --example tokio_app -- 20 10000
//! ```

use std::pin::pin;
use std::time::Duration;

use message_port::{BoxError, MessageChannel, MessagePort, PostError, RecvError, Sender};
use rkyv::{Archive, Serialize};
use tokio::task::spawn_blocking;
use tokio::time::{self, MissedTickBehavior};

#[derive(Archive, Serialize)]
struct Job {
    below: u64,
}

#[derive(Archive, Serialize)]
#[rkyv(derive(Debug, PartialEq))]
enum Outcome {
    Primes { below: u64, count: u64 },
    NoPrimes { below: u64 },
}

/// The worker: an ordinary thread with blocking calls. It ends once the application has dropped its
/// sending half and every job is done.
fn work(mut port: MessagePort<Outcome, Job>) -> Result<(), BoxError> {
    loop {
        let below = match port.recv() {
            Ok(job) => job.below.to_native(), // the guard ends here, so the port can post
            Err(RecvError::Disconnected) => return Ok(()),
            Err(error) => return Err(error.into()),
        };
        let prime = |n: &u64| (2..*n).take_while(|d| d * d <= *n).all(|d| !n.is_multiple_of(d));
        port.post_message(&match (2..below).filter(prime).count() {
            0 => Outcome::NoPrimes { below },
            count => Outcome::Primes { below, count: count as u64 },
        })?;
    }
}

/// Posts up to `jobs` jobs, fewer if `limit` passes first, and returns how many. Returning drops the
/// sending half, which tells the worker that no job follows.
async fn post(mut sender: Sender<Job>, jobs: u64, limit: Duration) -> Result<u64, PostError> {
    let mut stop = pin!(time::sleep(limit)); // `tokio::signal::ctrl_c()` in a service
    for number in 0..jobs {
        let job = Job { below: number * 100 };
        // The future that loses is dropped. Its job is not posted then, not even in part.
        tokio::select! {
            biased;
            () = &mut stop => return Ok(number),
            posted = sender.post_message_async(&job) => posted?,
        }
    }
    Ok(jobs)
}

async fn run(jobs: u64, limit: Duration) -> Result<(), BoxError> {
    let MessageChannel { port1, port2 } = MessageChannel::<Job, Outcome>::with_capacity(4096);
    let worker = spawn_blocking(move || work(port2));
    let (sender, mut outcomes) = port1.into_split();
    let poster = tokio::spawn(post(sender, jobs, limit));

    let mut ticks = time::interval(Duration::from_millis(100));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    let mut done = 0;
    loop {
        // Each tick drops the future that receives. No outcome is lost with it: a message is taken
        // only when that future completes.
        tokio::select! {
            outcome = outcomes.recv_async() => match outcome {
                Ok(outcome) => {
                    match &*outcome {
                        ArchivedOutcome::Primes { below, count } => {
                            println!("{count} primes below {below}");
                        }
                        ArchivedOutcome::NoPrimes { below } => println!("no primes below {below}"),
                    }
                    done += 1;
                }
                // The worker has ended, and its last outcome was read.
                Err(RecvError::Disconnected) => break,
                Err(error) => return Err(error.into()),
            },
            _ = ticks.tick() => eprintln!("{done} done"),
        }
    }
    worker.await??;
    println!("{} posted, {done} done", poster.await??);
    Ok(())
}

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    let mut arguments = std::env::args().skip(1);
    let jobs = arguments.next().map_or(Ok(20), |text| text.parse())?;
    let limit = arguments.next().map_or(Ok(60_000), |text| text.parse())?;
    run(jobs, Duration::from_millis(limit)).await
}
