//! SHA-256 sums of files and directories, computed by a worker behind a channel.
//!
//! One thread reads files and posts them, in pieces, to the worker; the worker posts a checksum
//! per file back on the same pair of ports; the main thread prints what arrives. Posting and
//! receiving are apart (`into_split`), so that full rings in both directions cannot stop the
//! program: the reader waits for the worker, the worker for the printer, and the printer for
//! nobody but its output.
//!
//! ```text
//! cargo run --release --example checksum -- src | sha256sum -c --quiet
//! ```

mod args;
mod console;
mod output;
mod plan;
mod read;
mod worker;

use std::error::Error;
use std::panic::resume_unwind;
use std::process::ExitCode;
use std::thread::{self, ScopedJoinHandle};
use std::time::Instant;

use message_port::{BuildError, CloseEvent, ClosedBy, MessageChannel, RecvError};

use args::{Args, Command};
use console::Console;
use output::Output;
use plan::Plan;
use worker::{Checksum, Job};

const FAILURE: u8 = 1;
const USAGE: u8 = 2;

fn main() -> ExitCode {
    match args::parse() {
        Ok(Command::Help) => output::print_help(),
        Ok(Command::Run(args)) => match channel(&args) {
            Ok(channel) => run(&args, channel),
            Err(error) => usage_error(&error),
        },
        Err(error) => usage_error(&error),
    }
}

fn usage_error(error: &dyn Error) -> ExitCode {
    console::print_error(format_args!("{error}"));
    console::print_error(format_args!("try --help"));
    ExitCode::from(USAGE)
}

fn channel(args: &Args) -> Result<MessageChannel<Job, Checksum>, BuildError> {
    MessageChannel::builder()
        .capacity(args.capacity)
        .max_message_len(args.piece + worker::MAX_OVERHEAD)
        .build()
}

/// What the run came to, for the summary.
#[derive(Default)]
struct Totals {
    files: u64,
    bytes: u64,
    lines: u64,
    messages: u64,
}

fn run(args: &Args, channel: MessageChannel<Job, Checksum>) -> ExitCode {
    let MessageChannel { port1, port2 } = channel;
    let (sender, mut receiver) = port1.into_split();
    let mut output = Output::new();
    let console = Console::new(output.is_terminal());
    let Plan { files, bytes } = Plan::new(&args.paths, &console);
    console.expect(bytes);
    let start = Instant::now();

    let mut totals = Totals::default();
    let mut printed = Ok(());
    let (read, worked) = thread::scope(|scope| {
        let worker = scope.spawn(|| worker::run(port2));
        let reader = scope.spawn(|| read::post_files(sender, &files, args.piece, &console));
        loop {
            // Copied out before it is printed: a slow output keeps no bytes from the worker.
            let checksum = match receiver.recv().map(|message| message.deserialize()) {
                Ok(Ok(checksum)) => checksum,
                Ok(Err(error)) => {
                    console.fail(format_args!("a result cannot be read: {error}"));
                    continue;
                }
                Err(RecvError::Closed) => break,
                Err(error) => {
                    console.fail(format_args!("no more results: {error}"));
                    receiver.close();
                    break;
                }
            };
            totals.files += 1;
            totals.bytes += checksum.bytes;
            totals.lines += checksum.lines;
            totals.messages += 1;
            printed = output.print(&checksum);
            if printed.is_err() {
                // Both the reader and the worker learn that there is nothing left to do.
                receiver.close();
                break;
            }
        }
        (join(reader), join(worker))
    });
    if let Err(error) = printed.and_then(|()| output.flush()) {
        console.output_failed(&error);
    }
    totals.messages += read.messages;
    console.finish();
    summarise(&totals, start);
    let at_worker = worked.unwrap_or_else(|error| {
        console.fail(format_args!("the worker failed: {error}"));
        None
    });
    report_close(read.sender.close_event(), at_worker);
    if console.has_failed() { ExitCode::from(FAILURE) } else { ExitCode::SUCCESS }
}

fn join<T>(thread: ScopedJoinHandle<'_, T>) -> T {
    thread.join().unwrap_or_else(|panic| resume_unwind(panic))
}

fn summarise(totals: &Totals, start: Instant) {
    let Totals { files, bytes, lines, messages } = totals;
    let elapsed = start.elapsed();
    // Bytes per microsecond are megabytes per second.
    let tenths = u128::from(*bytes) * 10 / elapsed.as_micros().max(1);
    console::print_error(format_args!(
        "{files} files, {bytes} bytes, {lines} lines; {messages} messages in {elapsed:.1?}, \
         {}.{} MB/s",
        tenths / 10,
        tenths % 10
    ));
}

/// Prints how the channel was closed. Each side knows what became of its own posts: the one that
/// did not close first is told how many the closer never read.
fn report_close(here: Option<CloseEvent>, at_worker: Option<CloseEvent>) {
    let (how, what, report) = match here.map(|report| report.closed_by()) {
        Some(ClosedBy::Peer) => ("by the worker", "jobs", here),
        Some(ClosedBy::ThisPort) => ("early", "results", at_worker),
        None => return console::print_error(format_args!("channel not closed")),
    };
    let (messages, bytes) =
        report.map_or((0, 0), |r| (r.undelivered_messages(), r.undelivered_bytes()));
    console::print_error(format_args!(
        "channel closed {how}, which left {messages} {what} ({bytes} bytes) unread"
    ));
}
