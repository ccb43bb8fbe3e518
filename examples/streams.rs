//! The halves of a port as a sink and a stream, with the combinators of the ecosystem.
//!
//! Words are forwarded into the sink; what comes out of the stream is printed. Between the two a
//! thread does the heavy work: it looks for a number which, put behind the word, makes the
//! SHA-256 sum of both begin with zeros. It waits by blocking, the task never does, and full rings
//! slow both down.
//!
//! Nobody counts. `forward` drops the sink behind the last word, so the worker's `run` returns when
//! it has answered that one, and when the worker's port is gone, the stream ends.
//!
//! ```text
//! cargo run --release --features futures --example streams -- tea coffee
//! ```

use std::io::{self, Write};
use std::process::ExitCode;
use std::thread;

use futures_lite::future::zip;
use futures_util::{SinkExt, StreamExt, TryStreamExt, stream};
use lexopt::prelude::*;
use message_port::rkyv::{self, Archive, Deserialize, Serialize};
use message_port::{BoxError, DispatchError, MessageChannel, MessagePort};
use sha2::{Digest, Sha256};

const HELP: &str = "\
Finds a number for each word that makes the SHA-256 sum of both begin with
16 zero bits.

Usage: streams [WORD]...

The lines that are printed are the word with its number and, behind two spaces,
the sum. Without a WORD, the words of a sentence are used.

Options:
  -h, --help  print this text

Exit code: 0, 1 if it failed, 2 for bad arguments.
";

const SENTENCE: &str = "what is posted on one port arrives at the other";

/// Bits of a sum that must be zero.
const ZEROS: u32 = 16;

#[derive(Archive, Serialize, Deserialize)]
#[rkyv(crate = rkyv)]
struct Found {
    /// The word and its number.
    text: String,
    sha256: [u8; 32],
}

fn main() -> ExitCode {
    let words = match arguments() {
        Ok(Some(words)) => words,
        Ok(None) => {
            let _ = io::stdout().write_all(HELP.as_bytes());
            return ExitCode::SUCCESS;
        }
        Err(error) => {
            let _ = writeln!(io::stderr(), "streams: {error}\nstreams: try --help");
            return ExitCode::from(2);
        }
    };
    match run(words) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(io::stderr(), "streams: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(words: Vec<String>) -> Result<(), BoxError> {
    let MessageChannel { port1, port2 } = MessageChannel::new();
    let worker = thread::Builder::new().name("worker".to_owned()).spawn(move || work(port2))?;
    let (printed, sent) = smol::block_on(ask(port1, words));
    let ended = worker.join().map_err(|_| "the worker's thread panicked");
    // Each of the three that stops early stops the one before it, which is not the reason then.
    printed?;
    ended??;
    sent
}

/// The task: sends and prints at the same time, for the worker may answer the first word while
/// the last one still waits for room.
async fn ask(
    port: MessagePort<String, Found>,
    words: Vec<String>,
) -> (Result<(), BoxError>, Result<(), BoxError>) {
    let (sender, receiver) = port.into_split();
    let sink = sender.into_sink().sink_err_into();
    let send = stream::iter(words).map(Ok).forward(sink);
    let print = receiver.into_stream().map_err(BoxError::from).try_for_each(async |found| {
        // Not with `println!`, which panics when nobody reads on (`| head`).
        let mut line = format!("{}  ", found.text);
        line.extend(found.sha256.iter().map(|byte| format!("{byte:02x}")));
        Ok(writeln!(io::stdout(), "{line}")?)
    });
    zip(print, send).await
}

/// The thread: answers the words in the order in which they come.
fn work(mut port: MessagePort<Found, String>) -> Result<(), DispatchError> {
    port.set_onmessage(|event| {
        let found = find(event.data());
        event.target().post_message(&found)
    });
    port.run()
}

fn find(word: &str) -> Found {
    let mut number = 0u64;
    loop {
        let text = format!("{word}{number}");
        let sha256: [u8; 32] = Sha256::digest(&text).into();
        let [a, b, c, d, ..] = sha256;
        if u32::from_be_bytes([a, b, c, d]).leading_zeros() >= ZEROS {
            return Found { text, sha256 };
        }
        number += 1;
    }
}

/// The words, or `None` if help was asked for.
fn arguments() -> Result<Option<Vec<String>>, lexopt::Error> {
    let mut words = Vec::new();
    let mut parser = lexopt::Parser::from_env();
    while let Some(argument) = parser.next()? {
        match argument {
            Short('h') | Long("help") => return Ok(None),
            Value(word) => words.push(word.string()?),
            _ => return Err(argument.unexpected()),
        }
    }
    if words.is_empty() {
        words = SENTENCE.split(' ').map(str::to_owned).collect();
    }
    Ok(Some(words))
}
