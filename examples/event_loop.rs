//! Many clients, and one thread that serves them all; or many ports that say nothing, and what
//! they cost.
//!
//! ```text
//! cargo run --release --example event_loop -- 8
//! cargo run --release --example event_loop -- --idle 10000 --seconds 10
//! ```

use std::fs;
use std::io::{self, Write};
use std::process::ExitCode;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use lexopt::prelude::*;
use message_port::rkyv::{self, Archive, Serialize};
use message_port::{BoxError, EventLoop, Handled, LoopHandle, MessageChannel, MessagePort};

const HELP: &str = "\
Serves many clients on one thread.

Usage: event_loop [CLIENTS]
       event_loop --idle PORTS [--seconds SECONDS]

Each of the CLIENTS (4 unless told otherwise) is a thread that bids for three
lots. One thread takes the bids of all of them as they come, and tells each
client the highest bid so far. The highest bids of all are printed at the end.

With --idle the loop has that many ports on which nothing is posted. What they
take in memory, and in CPU time over the SECONDS (10 unless told otherwise), is
printed where the system tells (Linux).

Options:
  -h, --help  print this text

Exit code: 0, 1 if a channel failed, 2 for bad arguments.
";

const LOTS: [&str; 3] = ["clock", "kettle", "violin"];
/// Enough for each client to get to its limit, whatever the others do.
const ROUNDS: u64 = 15;

/// Bytes per direction of a port in `--idle`: the smallest ring.
const IDLE_CAPACITY: usize = 64;

#[derive(Archive, Serialize)]
#[rkyv(crate = rkyv)]
struct Bid {
    lot: u32,
    amount: u64,
}

/// The highest bids. Only the loop's thread has them while it runs, so the lock is never waited
/// for; it is there because handlers may move to another thread with their loop.
type Book = Arc<Mutex<[u64; LOTS.len()]>>;

/// The client's end of a port in the loop.
fn connect(events: &LoopHandle, book: &Book) -> MessagePort<Bid, u64> {
    let MessageChannel { port1, mut port2 } = MessageChannel::<Bid, u64>::with_capacity(1024);
    let book = Arc::clone(book);
    port2.set_onmessage(move |event| -> Handled {
        let lot = usize::try_from(event.data().lot.to_native())?;
        let amount = event.data().amount.to_native();
        let highest = {
            let mut book = book.lock().unwrap_or_else(PoisonError::into_inner);
            let highest = book.get_mut(lot).ok_or("no such lot")?;
            *highest = amount.max(*highest);
            *highest
        };
        // Never wait inside a loop: it would hold up the others.
        event.target().try_post_message(&highest)?;
        Ok(())
    });
    events.add(port2);
    port1
}

/// Bids for each lot a little more than the highest bid that it knows of, up to its limit.
fn client(mut port: MessagePort<Bid, u64>, number: u64) -> Result<(), BoxError> {
    let mut known = [0; LOTS.len()];
    for _ in 0..ROUNDS {
        for (lot, known) in (0..).zip(&mut known) {
            let limit = 50 + (number * 31 + u64::from(lot) * 17) % 100;
            port.post_message(&Bid { lot, amount: limit.min(*known + 10) })?;
            *known = port.recv()?.to_native();
        }
    }
    // The port is dropped here, and the loop drops its other end.
    Ok(())
}

fn auction(clients: u64, out: &mut impl Write) -> Result<(), BoxError> {
    let mut events = EventLoop::new();
    let book = Book::default();
    let handle = events.handle();
    // The loop starts without ports, and waits for them as long as this lives.
    let open = handle.keep_running();
    let entrance = thread::spawn({
        let book = Arc::clone(&book);
        move || {
            let threads: Vec<_> = (0..clients)
                .map(|number| {
                    let port = connect(&handle, &book);
                    thread::spawn(move || client(port, number))
                })
                .collect();
            // Nobody else comes in: the loop ends with the ports that it has.
            drop(open);
            threads
        }
    });
    events.run()?;
    for thread in entrance.join().map_err(|_| "the entrance panicked")? {
        thread.join().map_err(|_| "a client panicked")??;
    }
    let book = book.lock().unwrap_or_else(PoisonError::into_inner);
    for (lot, highest) in LOTS.iter().zip(*book) {
        writeln!(out, "{lot}: {highest}")?;
    }
    Ok(())
}

/// CPU time that this thread has used.
fn cpu_time() -> Option<Duration> {
    let stat = fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    stat.split(' ').next()?.parse().ok().map(Duration::from_nanos)
}

/// Bytes of memory that this process has in use.
fn memory() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    resident.trim().trim_end_matches(" kB").parse::<u64>().ok().map(|kilobytes| kilobytes * 1024)
}

fn idle(ports: u64, time: Duration, out: &mut impl Write) -> Result<(), BoxError> {
    let before = memory();
    let mut events = EventLoop::new();
    let mut peers = Vec::new();
    for _ in 0..ports {
        let MessageChannel { port1, mut port2 } =
            MessageChannel::<u64>::with_capacity(IDLE_CAPACITY);
        port2.set_onmessage(|_| ());
        events.add(port2);
        peers.push(port1);
    }
    events.run_once(Some(Duration::ZERO))?;
    let (after, start) = (memory(), cpu_time());
    // Wakes up a hundred times a second, as a loop with other business does.
    let end = Instant::now() + time;
    let mut turns = 0u64;
    while Instant::now() < end {
        events.run_once(Some(Duration::from_millis(10)))?;
        turns += 1;
    }
    writeln!(out, "{} ports, {turns} turns in {} s", events.len(), time.as_secs())?;
    if let (Some(start), Some(end)) = (start, cpu_time()) {
        writeln!(out, "CPU time: {:.3} ms", end.saturating_sub(start).as_secs_f64() * 1e3)?;
    }
    if let (Some(before), Some(after)) = (before, after) {
        let each = after.saturating_sub(before) / ports.max(1);
        writeln!(out, "memory: {each} bytes for each port and its peer")?;
    }
    Ok(())
}

enum Mode {
    Auction { clients: u64 },
    Idle { ports: u64, time: Duration },
    Help,
}

fn arguments() -> Result<Mode, lexopt::Error> {
    let (mut clients, mut ports, mut seconds) = (4, None, 10);
    let mut parser = lexopt::Parser::from_env();
    while let Some(argument) = parser.next()? {
        match argument {
            Long("idle") => ports = Some(parser.value()?.parse()?),
            Long("seconds") => seconds = parser.value()?.parse()?,
            Short('h') | Long("help") => return Ok(Mode::Help),
            Value(value) => clients = value.parse()?,
            _ => return Err(argument.unexpected()),
        }
    }
    Ok(match ports {
        Some(ports) => Mode::Idle { ports, time: Duration::from_secs(seconds) },
        None => Mode::Auction { clients },
    })
}

fn main() -> ExitCode {
    let mode = match arguments() {
        Ok(mode) => mode,
        Err(error) => {
            eprintln!("event_loop: {error}");
            return ExitCode::from(2);
        }
    };
    let mut out = io::stdout().lock();
    let result = match mode {
        Mode::Help => out.write_all(HELP.as_bytes()).map_err(Into::into),
        Mode::Auction { clients } => auction(clients, &mut out),
        Mode::Idle { ports, time } => idle(ports, time, &mut out),
    };
    if let Err(error) = result {
        eprintln!("event_loop: {error}");
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}
