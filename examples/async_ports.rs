//! A port in tasks at one end, on a thread at the other: heavy work beside an async runtime.
//!
//! Factorising a large number would block the runtime's threads, so it is done on a thread of its
//! own, by blocking calls. The tasks wait for it without blocking anything. Neither side knows
//! what the other one is.
//!
//! ```text
//! cargo run --release --example async_ports -- 360 18446744073709551557
//! ```

use std::fmt;
use std::io::{self, Write};
use std::process::ExitCode;
use std::thread;
use std::time::Duration;

use lexopt::prelude::*;
use message_port::rkyv::{self, Archive, Deserialize, Serialize};
use message_port::{BoxError, DispatchError, MessageChannel, MessagePort, Receiver, Sender};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;
use tokio::time::{self, MissedTickBehavior};

const HELP: &str = "\
Factorises numbers on a thread, for tasks of an async runtime that wait for it.

Usage: async_ports [NUMBER]...

A NUMBER is an integer from 1 to 18446744073709551615. The results are printed
in the order of the numbers. While it takes long, the number of results to come
is printed to the standard error output from time to time.

Without a NUMBER, 360 97 1 100000980001501 600851475143 are factorised.

Options:
  -h, --help  print this text

Exit code: 0, 1 if the channel failed, 2 for bad arguments.
";

const DEFAULT: [u64; 5] = [360, 97, 1, 100_000_980_001_501, 600_851_475_143];

/// How often the progress is shown.
const TICK: Duration = Duration::from_secs(1);

#[derive(Archive, Serialize)]
#[rkyv(crate = rkyv)]
struct Request {
    number: u64,
}

#[derive(Archive, Serialize, Deserialize)]
#[rkyv(crate = rkyv)]
struct Reply {
    /// Prime factors and how often each of them divides the number.
    factors: Vec<(u64, u32)>,
}

/// What a task wants to know, and where it waits for the answer.
type Question = (u64, oneshot::Sender<Reply>);

fn main() -> ExitCode {
    let numbers = match arguments() {
        Ok(Some(numbers)) => numbers,
        Ok(None) => {
            let _ = io::stdout().write_all(HELP.as_bytes());
            return ExitCode::SUCCESS;
        }
        Err(error) => {
            let _ = writeln!(io::stderr(), "async_ports: {error}\nasync_ports: try --help");
            return ExitCode::from(2);
        }
    };
    match run(&numbers) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(io::stderr(), "async_ports: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(numbers: &[u64]) -> Result<(), BoxError> {
    let MessageChannel { port1, port2 } = MessageChannel::new();
    let worker = thread::Builder::new().name("worker".to_owned()).spawn(move || work(port2))?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_time().build()?;
    let asked = runtime.block_on(ask_all(port1, numbers));
    // If the worker failed, that is the reason, and what the tasks saw of it is not.
    worker.join().map_err(|_| "the worker's thread panicked")??;
    asked
}

/// The thread: answers each request at once, in the order in which they come.
fn work(mut port: MessagePort<Reply, Request>) -> Result<(), DispatchError> {
    port.set_onmessage(|event| {
        let factors = factorise(event.data().number.to_native());
        event.target().post_message(&Reply { factors })
    });
    port.run()
}

/// The tasks: one for each number, and two that own the halves of the port.
async fn ask_all(port: MessagePort<Request, Reply>, numbers: &[u64]) -> Result<(), BoxError> {
    let (sender, receiver) = port.into_split();
    // Few places: who asks faster than the worker answers has to wait.
    let (ask, questions) = mpsc::channel(4);
    let (promise, promised) = mpsc::channel(4);
    let mut halves = JoinSet::new();
    halves.spawn(pass_on(sender, questions, promise));
    halves.spawn(distribute(receiver, promised));

    let askers: Vec<_> =
        numbers.iter().map(|number| tokio::spawn(answer(*number, ask.clone()))).collect();
    drop(ask);
    for (number, asker) in numbers.iter().zip(askers) {
        // Without an answer the error is that of the half that failed.
        let Some(reply) = asker.await? else { break };
        say(format_args!("{number} = {}", Product(&reply.factors)));
    }
    while let Some(half) = halves.join_next().await {
        half??;
    }
    Ok(())
}

/// Asks for the factors of `number`; `None` if nobody is there to answer.
async fn answer(number: u64, ask: mpsc::Sender<Question>) -> Option<Reply> {
    let (reply, replied) = oneshot::channel();
    ask.send((number, reply)).await.ok()?;
    replied.await.ok()
}

/// Posts what the tasks ask, and promises them the replies in the same order.
async fn pass_on(
    mut sender: Sender<Request>,
    mut questions: mpsc::Receiver<Question>,
    promise: mpsc::Sender<oneshot::Sender<Reply>>,
) -> Result<(), BoxError> {
    while let Some((number, reply)) = questions.recv().await {
        sender.post_message_async(&Request { number }).await?;
        promise.send(reply).await?;
    }
    // The worker must not close either: a port that is dropped still has its messages delivered.
    Ok(())
}

/// Gives each reply to the task that it was promised to.
async fn distribute(
    mut receiver: Receiver<Reply>,
    mut promised: mpsc::Receiver<oneshot::Sender<Reply>>,
) -> Result<(), BoxError> {
    let mut ticks = time::interval_at(time::Instant::now() + TICK, TICK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    while let Some(reply) = promised.recv().await {
        let answer = loop {
            // Each tick drops the future that receives. The reply is not lost with it: a message
            // is taken only when that future completes.
            tokio::select! {
                message = receiver.recv_async() => break message?.deserialize()?,
                _ = ticks.tick() => {
                    let _ = writeln!(io::stderr(), "at least {} to come", promised.len() + 1);
                }
            }
        };
        // A task that does not wait any more needs no answer.
        let _ = reply.send(answer);
    }
    Ok(())
}

/// The prime factors of `number`, by trial division.
fn factorise(mut number: u64) -> Vec<(u64, u32)> {
    let mut factors = Vec::new();
    let mut divisor = 2;
    while divisor <= number / divisor {
        let mut times = 0;
        while number.is_multiple_of(divisor) {
            number /= divisor;
            times += 1;
        }
        if times > 0 {
            factors.push((divisor, times));
        }
        divisor += if divisor == 2 { 1 } else { 2 };
    }
    if number > 1 {
        factors.push((number, 1));
    }
    factors
}

/// Prints as `2^3 * 3^2 * 5`.
struct Product<'a>(&'a [(u64, u32)]);

impl fmt::Display for Product<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return f.write_str("1");
        }
        for (n, (prime, times)) in self.0.iter().enumerate() {
            let sign = if n == 0 { "" } else { " * " };
            write!(f, "{sign}{prime}")?;
            if *times > 1 {
                write!(f, "^{times}")?;
            }
        }
        Ok(())
    }
}

/// Prints a line. Not with `println!`, which panics when nobody reads on (`| head`).
fn say(line: fmt::Arguments<'_>) {
    let _ = writeln!(io::stdout(), "{line}");
}

/// The numbers, or `None` if help was asked for.
fn arguments() -> Result<Option<Vec<u64>>, lexopt::Error> {
    let mut numbers = Vec::new();
    let mut parser = lexopt::Parser::from_env();
    while let Some(argument) = parser.next()? {
        match argument {
            Short('h') | Long("help") => return Ok(None),
            Value(text) => {
                let text = text.string()?;
                match text.parse() {
                    Ok(0) => return Err("0 has no prime factors".into()),
                    Ok(number) => numbers.push(number),
                    Err(error) => return Err(format!("{text:?} is no number: {error}").into()),
                }
            }
            _ => return Err(argument.unexpected()),
        }
    }
    if numbers.is_empty() {
        numbers = DEFAULT.to_vec();
    }
    Ok(Some(numbers))
}
