//! Records what travels through a channel, and replays it into another one.
//!
//! A message is an archive from the moment it is posted, so whoever passes it on can keep its
//! bytes: [`MessageRef::as_bytes`] gives them, a file takes them, and [`post_archived`] posts them
//! again, days later and elsewhere. Bytes from a file may be anything; `post_archived` checks
//! that they are an archive of the type before anybody reads them.
//!
//! ```text
//! cargo run --release --example tee -- record lines.rec README.md
//! cargo run --release --example tee -- replay lines.rec
//! ```
//!
//! Who checks what is received otherwise: see "Why trust it" in the README of the crate.
//!
//! [`MessageRef::as_bytes`]: message_port::MessageRef::as_bytes
//! [`post_archived`]: message_port::MessagePort::post_archived

mod recording;
mod traffic;

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, BufRead, BufReader, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use lexopt::prelude::*;
use message_port::BoxError;
use recording::Summary;

const HELP: &str = "\
Records the lines of a text on their way through a channel, and replays them.

Usage: tee record RECORDING [TEXT]
       tee replay RECORDING
       tee

record  posts the lines of the file TEXT, or of the standard input, and prints
        them at the other end, numbered; what passes goes into RECORDING.
replay  posts the records of RECORDING and prints what arrives. A record that
        is no line is refused before it is printed; that none was altered, left
        out or added is known at the end, when their sum has been compared.

Without a command, a few lines are recorded in memory and replayed from there.

Options:
  -h, --help  print this text

Exit code: 0, 1 if it failed (a recording that is not whole is a failure), 2 for
bad arguments.
";

const LINES: [&str; 3] = ["What is posted on one port", "arrives at the other,", "in order."];

enum Command {
    Help,
    Record { recording: PathBuf, text: Option<PathBuf> },
    Replay { recording: PathBuf },
    Demonstrate,
}

fn main() -> ExitCode {
    let done = match arguments() {
        Ok(Command::Help) => io::stdout().write_all(HELP.as_bytes()).map_err(BoxError::from),
        Ok(Command::Record { recording, text }) => record(&recording, text.as_deref()),
        Ok(Command::Replay { recording }) => replay(&recording),
        Ok(Command::Demonstrate) => demonstrate(),
        Err(error) => {
            say(format_args!("{error}\ntee: try --help"));
            return ExitCode::from(2);
        }
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say(format_args!("{error}"));
            ExitCode::FAILURE
        }
    }
}

fn record(recording: &Path, text: Option<&Path>) -> Result<(), BoxError> {
    let input: Box<dyn BufRead + Send> = match text {
        Some(text) => Box::new(BufReader::new(File::open(text).map_err(about(text))?)),
        None => Box::new(BufReader::new(io::stdin())),
    };
    let file = File::create(recording).map_err(about(recording))?;
    let Summary { records, .. } =
        traffic::record(input.lines(), BufWriter::new(file), BufWriter::new(io::stdout()))?;
    say(format_args!("{records} lines recorded"));
    Ok(())
}

fn replay(recording: &Path) -> Result<(), BoxError> {
    let file = File::open(recording).map_err(about(recording))?;
    let Summary { records, .. } =
        traffic::replay(BufReader::new(file), BufWriter::new(io::stdout()))?;
    say(format_args!("{records} lines replayed, as they were recorded"));
    Ok(())
}

fn demonstrate() -> Result<(), BoxError> {
    let mut recording = Vec::new();
    let lines = LINES.into_iter().map(|line| Ok(line.to_owned()));
    let recorded = traffic::record(lines, &mut recording, io::stdout())?;
    say(format_args!("{} lines recorded in {} bytes", recorded.records, recording.len()));
    let replayed = traffic::replay(recording.as_slice(), io::stdout())?;
    say(format_args!("{} lines replayed, as they were recorded", replayed.records));
    Ok(())
}

/// Has an error say which file it is about.
fn about(path: &Path) -> impl FnOnce(io::Error) -> String + '_ {
    move |error| format!("{}: {error}", path.display())
}

/// Not with `eprintln!`, which panics when nobody listens.
fn say(line: std::fmt::Arguments<'_>) {
    let _ = writeln!(io::stderr(), "tee: {line}");
}

fn arguments() -> Result<Command, lexopt::Error> {
    let mut values: Vec<OsString> = Vec::new();
    let mut parser = lexopt::Parser::from_env();
    while let Some(argument) = parser.next()? {
        match argument {
            Short('h') | Long("help") => return Ok(Command::Help),
            Value(value) => values.push(value),
            _ => return Err(argument.unexpected()),
        }
    }
    let mut values = values.into_iter();
    let Some(command) = values.next() else { return Ok(Command::Demonstrate) };
    let mut path = || values.next().map(PathBuf::from);
    let missing = || lexopt::Error::from("where is the recording?");
    let command = match command.to_str() {
        Some("record") => Command::Record { recording: path().ok_or_else(missing)?, text: path() },
        Some("replay") => Command::Replay { recording: path().ok_or_else(missing)? },
        _ => return Err(format!("no command is called {}", command.display()).into()),
    };
    match values.next() {
        Some(value) => Err(lexopt::Error::UnexpectedArgument(value)),
        None => Ok(command),
    }
}
