//! A burst through a channel that grows: far more than a ring is posted while the receiver sleeps,
//! then all of it is read, and the memory goes back to the system.
//!
//! ```sh
//! cargo run --release --example burst              # 1 GiB
//! cargo run --release --example burst -- 67108864  # 64 MiB
//! ```

use std::fs;
use std::process::ExitCode;
use std::sync::mpsc;
use std::thread;

use lexopt::prelude::*;
use message_port::{BoxError, MessageChannel, MessagePort};

const HELP: &str = "\
Posts a burst of messages to a receiver that sleeps, and prints how much memory
this process has before it, at the peak, and when all of it was read.

Usage: burst [BYTES]

BYTES is how many bytes to post, 1073741824 if it is not given.

Options:
  -h, --help  print this text

Exit code: 0, 1 if the channel failed, 2 for bad arguments.
";

const DEFAULT: usize = 1 << 30;

/// Bytes of most messages.
const SHORT: usize = 4000;
/// Bytes of one message in a hundred: too long for the ring, so that it takes a buffer of its own.
const LONG: usize = 100_000;

/// How long a message is, and the byte that it consists of.
fn message(number: u64) -> (usize, u8) {
    (if number % 100 == 99 { LONG } else { SHORT }, number.to_le_bytes()[0])
}

/// Prints how much memory this process has and had at most, where the system tells.
fn show(when: &str) {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let field = |name| status.lines().find_map(|line| line.strip_prefix(name)).map(str::trim);
    match (field("VmRSS:"), field("VmHWM:")) {
        (Some(now), Some(most)) => println!("{when:<7} {now:>11} now, {most:>11} at most"),
        _ => println!("{when:<7} this system does not tell"),
    }
}

/// Posts `bytes` and never waits for room; returns how many messages that were.
fn post(port: &mut MessagePort<Vec<u8>>, bytes: usize) -> Result<u64, BoxError> {
    let (mut posted, mut number) = (0, 0);
    let mut buffer = Vec::new();
    while posted < bytes {
        let (length, byte) = message(number);
        buffer.clear();
        buffer.resize(length, byte);
        port.try_post_message(&buffer)?;
        posted += length;
        number += 1;
    }
    Ok(number)
}

/// Receives so many messages and checks every byte.
fn receive(port: &mut MessagePort<Vec<u8>>, messages: u64) -> Result<(), BoxError> {
    for number in 0..messages {
        let received = port.recv()?;
        let (length, byte) = message(number);
        if received.len() != length || received.iter().any(|&other| other != byte) {
            return Err(format!("message {number} is not what was posted").into());
        }
    }
    Ok(())
}

fn burst(bytes: usize) -> Result<(), BoxError> {
    // Beside the messages: their headers, what they leave at the end of a segment, and the ring.
    let limit = bytes.saturating_add(bytes / 10).saturating_add(1 << 20);
    let MessageChannel { mut port1, mut port2 } =
        MessageChannel::builder().growable(limit).build()?;
    show("before");

    let (wake, asleep) = mpsc::channel();
    let receiver = thread::spawn(move || {
        // Nothing comes if the posts failed.
        let Ok(messages) = asleep.recv() else { return Ok(port2) };
        receive(&mut port2, messages).map(|()| port2)
    });
    let messages = post(&mut port1, bytes)?;
    show("peak");
    wake.send(messages)?;
    let port2 = receiver.join().map_err(|_| "the receiver panicked")??;
    show("after");
    println!("{messages} messages posted and received, {} left", port2.len());
    Ok(())
}

fn arguments() -> Result<Option<usize>, lexopt::Error> {
    let mut bytes = DEFAULT;
    let mut parser = lexopt::Parser::from_env();
    while let Some(argument) = parser.next()? {
        match argument {
            Short('h') | Long("help") => return Ok(None),
            Value(text) => bytes = text.parse()?,
            _ => return Err(argument.unexpected()),
        }
    }
    Ok(Some(bytes))
}

fn main() -> ExitCode {
    let bytes = match arguments() {
        Ok(Some(bytes)) => bytes,
        Ok(None) => {
            print!("{HELP}");
            return ExitCode::SUCCESS;
        }
        Err(error) => {
            eprintln!("burst: {error}\n\n{HELP}");
            return ExitCode::from(2);
        }
    };
    if let Err(error) = burst(bytes) {
        eprintln!("burst: {error}");
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}
