//! SHA-256 sums of files, computed by a worker in another process, or on another machine.
//!
//! The job is that of the library's example `checksum`, and so are the modules: the thread that
//! reads and the one that prints have an ordinary port, and so has the worker. Only where the two
//! ports come from differs.
//!
//! ```text
//! cargo run --release --example remote_checksum -- src | sha256sum -c --quiet
//!
//! cargo run --release --example remote_checksum -- --worker --listen tcp/0.0.0.0:7447     # there
//! cargo run --release --example remote_checksum -- --connect tcp/there:7447 src           # here
//! ```

mod args;
mod net;

#[path = "../../../examples/checksum/console.rs"]
mod console;
#[path = "../../../examples/checksum/output.rs"]
mod output;
#[path = "../../../examples/checksum/plan.rs"]
mod plan;
#[path = "../../../examples/checksum/read.rs"]
mod read;
#[path = "../../../examples/checksum/worker.rs"]
mod worker;

use std::error::Error;
use std::process::{Child, Command, ExitCode};
use std::thread;
use std::time::Duration;

use message_port::{MessageChannel, MessagePort, RecvError};
use message_port_zenoh::{Link, Options, connect_linked, expose};

use args::{Args, Where};
use console::Console;
use output::Output;
use plan::Plan;
use worker::{Checksum, Job};

type Failure = Box<dyn Error + Send + Sync>;

const FAILURE: u8 = 1;
const USAGE: u8 = 2;

/// Under which the worker exposes its port.
const KEY: &str = "message-port/checksum";

fn main() -> ExitCode {
    let args = match args::parse() {
        Ok(args::Command::Help) => return output::print_help(),
        Ok(args::Command::Run(args)) => args,
        Err(error) => {
            console::print_error(format_args!("{error}"));
            console::print_error(format_args!("try --help"));
            return ExitCode::from(USAGE);
        }
    };
    match if args.worker { work(&args) } else { sum(&args) } {
        Ok(code) => code,
        Err(error) => {
            let mut text = error.to_string();
            let mut source = error.source();
            while let Some(cause) = source {
                text = format!("{text}: {cause}");
                source = cause.source();
            }
            console::print_error(format_args!("{text}"));
            ExitCode::from(FAILURE)
        }
    }
}

fn options(args: &Args) -> Options {
    Options::new()
        .capacity(args.capacity)
        .window(args.capacity)
        .max_message_len(args.piece + worker::MAX_OVERHEAD)
        .names("checksum/job/1", "checksum/sum/1")
        .timeout(Duration::from_secs(20))
}

/// The worker's process: exposes a port for one reader, and works until that one has had enough.
fn work(args: &Args) -> Result<ExitCode, Failure> {
    let session = net::open(&args.place)?;
    // The exposed port posts jobs and receives sums, as the reader's will.
    let MessageChannel { port1, port2 } = MessageChannel::<Job, Checksum>::builder()
        .capacity(args.capacity)
        .max_message_len(args.piece + worker::MAX_OVERHEAD)
        .build()?;
    let link = expose(port1, &session, KEY, options(args))?;
    worker::run(port2)?;
    // The last sums may still be on their way.
    let report = link.wait();
    console::print_error(format_args!("worker: the link {report}"));
    Ok(if report.error().is_some() { ExitCode::from(FAILURE) } else { ExitCode::SUCCESS })
}

/// The reader's process.
fn sum(args: &Args) -> Result<ExitCode, Failure> {
    let (session, child) = match &args.place {
        Where::Loopback => {
            let (session, endpoint) = net::listen_on_loopback()?;
            (session, Some(start_worker(args, &endpoint)?))
        }
        place => (net::open(place)?, None),
    };
    let mut worker = Worker(child);
    let connected: (MessagePort<Job, Checksum>, Link) =
        connect_linked(&session, KEY, options(args))?;
    let code = print_sums(args, connected);
    worker.wait()?;
    Ok(code)
}

/// The process of the worker, if this one started it.
struct Worker(Option<Child>);

impl Worker {
    /// It ends by itself when its link has ended.
    fn wait(&mut self) -> Result<(), Failure> {
        if let Some(mut child) = self.0.take() {
            child.wait()?;
        }
        Ok(())
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        // One that nobody has connected to would wait for ever.
        if let Some(child) = &mut self.0 {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

fn start_worker(args: &Args, endpoint: &str) -> Result<Child, Failure> {
    let child = Command::new(std::env::current_exe()?)
        .args(["--worker", "--connect", endpoint])
        .args(["--capacity", &args.capacity.to_string()])
        .args(["--piece", &args.piece.to_string()])
        .spawn()?;
    Ok(child)
}

fn print_sums(args: &Args, (port, link): (MessagePort<Job, Checksum>, Link)) -> ExitCode {
    let (sender, mut receiver) = port.into_split();
    let mut output = Output::new();
    let console = Console::new(output.is_terminal());
    let Plan { files, bytes } = Plan::new(&args.paths, &console);
    console.expect(bytes);
    let mut lines = 0u64;
    let mut printed = Ok(());
    let read = thread::scope(|scope| {
        let reader = scope.spawn(|| read::post_files(sender, &files, args.piece, &console));
        loop {
            match receiver.recv().map(|message| message.deserialize()) {
                Ok(Ok(checksum)) => {
                    lines += checksum.lines;
                    printed = output.print(&checksum);
                }
                Ok(Err(error)) => console.fail(format_args!("a result cannot be read: {error}")),
                Err(RecvError::Closed) => break,
                Err(error) => {
                    console.fail(format_args!("no more results: {error}"));
                    break;
                }
            }
            if printed.is_err() {
                receiver.close();
                break;
            }
        }
        reader.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    });
    if let Err(error) = printed.and_then(|()| output.flush()) {
        console.output_failed(&error);
    }
    drop((receiver, read.sender));
    console.finish();
    let report = link.wait();
    if let Some(error) = report.error() {
        console.fail(format_args!("the link failed: {error}"));
    }
    console::print_error(format_args!(
        "{} files, {bytes} bytes, {lines} lines; {} messages; the link {report}",
        files.len(),
        read.messages,
    ));
    if console.has_failed() { ExitCode::from(FAILURE) } else { ExitCode::SUCCESS }
}
