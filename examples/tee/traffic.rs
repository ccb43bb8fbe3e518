//! What travels: lines of text, through channels, past the recorder.

use std::io::{self, Read, Write};
use std::panic::resume_unwind;
use std::thread::{self, ScopedJoinHandle};

use message_port::rkyv::{self, Archive, Serialize};
use message_port::{BoxError, BuildError, MessageChannel, MessagePort, PostError, RecvError};

use crate::recording::{MAX_RECORD, Next, Recorder, Recording, Summary, Tally};

#[derive(Archive, Serialize)]
#[rkyv(crate = rkyv)]
struct Line {
    /// Counted from 1.
    number: u64,
    text: String,
}

fn channel() -> Result<MessageChannel<Line>, BuildError> {
    MessageChannel::builder().max_message_len(MAX_RECORD).build()
}

/// Has `lines` travel to `output` through two channels, and records into `out` what passes from
/// the one to the other.
///
/// If one of the three stops early, the ports that it drops tell its neighbours, which stop too,
/// and its error is the one that is returned. The recording then has no end.
pub(crate) fn record(
    lines: impl Iterator<Item = io::Result<String>> + Send,
    out: impl Write,
    output: impl Write + Send,
) -> Result<Summary, BoxError> {
    let MessageChannel { port1: source, port2: tap } = channel()?;
    let MessageChannel { port1: outlet, port2: drain } = channel()?;
    thread::scope(|scope| {
        let posting = scope.spawn(|| post_lines(source, lines));
        let printing = scope.spawn(|| print(drain, output));
        let recorded = pass_on(tap, outlet, out);
        join(posting)?;
        let printed = join(printing)?;
        match recorded? {
            Some(recorded) if recorded == printed => Ok(recorded),
            _ => Err("not all that was recorded was passed on".into()),
        }
    })
}

/// Posts the records in `input`, as they are, and prints to `output` what arrives.
///
/// Each one is checked when it is posted; whether they are the ones that were recorded, all of
/// them and in this order, is known when the last one has arrived.
pub(crate) fn replay(input: impl Read, output: impl Write + Send) -> Result<Summary, BoxError> {
    let recording = Recording::open(input)?;
    let MessageChannel { port1, port2 } = channel()?;
    thread::scope(|scope| {
        let printing = scope.spawn(|| print(port2, output));
        let posted = post_records(port1, recording);
        let printed = join(printing)?;
        match posted? {
            Some(recorded) if recorded == printed => Ok(recorded),
            Some(_) => {
                Err("the records are not those that were recorded: their sum differs".into())
            }
            None => Err("the recording was not replayed to its end".into()),
        }
    })
}

/// Posts the lines, and closes the channel to say that it was all of them.
fn post_lines(
    mut port: MessagePort<Line>,
    lines: impl Iterator<Item = io::Result<String>>,
) -> Result<(), BoxError> {
    for (number, text) in (1..).zip(lines) {
        let text = text.map_err(|error| format!("line {number} cannot be read: {error}"))?;
        match port.post_message(&Line { number, text }) {
            Ok(()) => {}
            // Whoever went away says why.
            Err(PostError::Closed | PostError::Disconnected) => return Ok(()),
            Err(error) => return Err(format!("line {number}: {error}").into()),
        }
    }
    port.close();
    Ok(())
}

/// The tee: each archive goes into the recording and into the next channel, as it is, without
/// anything being made of it in between. `None` if one of the channels ended early.
fn pass_on(
    mut tap: MessagePort<Line>,
    mut outlet: MessagePort<Line>,
    out: impl Write,
) -> Result<Option<Summary>, BoxError> {
    let unwritable = |error| format!("the recording cannot be written: {error}");
    let mut recorder = Recorder::new(out).map_err(unwritable)?;
    loop {
        let message = match tap.recv() {
            Ok(message) => message,
            Err(RecvError::Closed) => break,
            Err(RecvError::Disconnected) => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        recorder.append(message.as_bytes()).map_err(unwritable)?;
        match outlet.post_archived(message.as_bytes()) {
            Ok(()) => {}
            Err(PostError::Closed | PostError::Disconnected) => return Ok(None),
            Err(error) => return Err(error.into()),
        }
    }
    let summary = recorder.finish().map_err(unwritable)?;
    outlet.close();
    Ok(Some(summary))
}

/// Posts each record. `None` if the channel ended early.
fn post_records(
    mut port: MessagePort<Line>,
    mut recording: Recording<impl Read>,
) -> Result<Option<Summary>, BoxError> {
    loop {
        match recording.next()? {
            Next::Record(record, archive) => match port.post_archived(archive) {
                Ok(()) => {}
                Err(PostError::Closed | PostError::Disconnected) => return Ok(None),
                Err(error) => return Err(format!("record {record} is no line: {error}").into()),
            },
            Next::End(summary) => {
                port.close();
                return Ok(Some(summary));
            }
        }
    }
}

/// Prints what arrives, and sums it up.
fn print(mut port: MessagePort<Line>, mut output: impl Write) -> Result<Summary, BoxError> {
    let unwritable = |error| format!("the output cannot be written: {error}");
    let mut tally = Tally::default();
    loop {
        let message = match port.recv() {
            Ok(message) => message,
            Err(RecvError::Closed | RecvError::Disconnected) => break,
            Err(error) => return Err(error.into()),
        };
        tally.add(message.as_bytes());
        writeln!(output, "{:>4}  {}", message.number, message.text).map_err(unwritable)?;
    }
    output.flush().map_err(unwritable)?;
    Ok(tally.finish())
}

fn join<T>(thread: ScopedJoinHandle<'_, T>) -> T {
    thread.join().unwrap_or_else(|panic| resume_unwind(panic))
}
