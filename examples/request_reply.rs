//! Requests and replies on one pair of ports, and what becomes of failures.
//!
//! A failure never crosses the channel by itself. What a worker expects to go wrong it puts into
//! its reply; what it did not expect ends up in a `messageerror` event at the worker, and the
//! caller finds its request unanswered.
//!
//! ```text
//! cargo run --example request_reply -- 6/2 1/0
//! ```

use std::collections::BTreeMap;
use std::fmt;
use std::io::{self, Write};
use std::process::ExitCode;
use std::thread;

use lexopt::prelude::*;
use message_port::rkyv::{self, Archive, Deserialize, Serialize};
use message_port::{
    BoxError, DispatchError, MessageChannel, MessagePort, PostError, Receiver, RecvError,
};

const HELP: &str = "\
Sends calculations to a worker and prints its replies.

Usage: request_reply [A*B | A/B]...

A and B are integers of 64 bits. A product that is too large and a division by
zero are answered with an error. The worker did not think of one thing, the
quotient that is too large: it panics, and goes on with the next request.

Without a calculation, 6*7 9/3 1/0 -9223372036854775808/-1 4*5 are sent.

Options:
  -h, --help  print this text

Exit code: 0, 1 if the channel failed, 2 for bad arguments.
";

const DEFAULT: [&str; 5] = ["6*7", "9/3", "1/0", "-9223372036854775808/-1", "4*5"];

#[derive(Archive, Serialize)]
#[rkyv(crate = rkyv)]
enum Request {
    Multiply { id: u64, a: i64, b: i64 },
    Divide { id: u64, dividend: i64, divisor: i64 },
    Quit,
}

#[derive(Archive, Serialize, Deserialize)]
#[rkyv(crate = rkyv)]
struct Reply {
    /// That of the request.
    id: u64,
    result: Result<i64, String>,
}

fn main() -> ExitCode {
    let requests = match arguments() {
        Ok(Some(requests)) => requests,
        Ok(None) => {
            let _ = io::stdout().write_all(HELP.as_bytes());
            return ExitCode::SUCCESS;
        }
        Err(error) => {
            let _ = writeln!(io::stderr(), "request_reply: {error}\nrequest_reply: try --help");
            return ExitCode::from(2);
        }
    };
    match run(requests) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(io::stderr(), "request_reply: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(calculations: Vec<Calculation>) -> Result<(), BoxError> {
    let MessageChannel { port1, port2 } = MessageChannel::new();
    let worker = thread::Builder::new().name("worker".to_owned()).spawn(move || work(port2))?;
    let called = call(port1, calculations);
    // If the worker failed, that is the reason, and what the caller saw of it is not.
    worker.join().map_err(|_| "the worker's thread panicked")??;
    called
}

/// Answers requests on the port that they arrive at, until one says to quit.
fn work(mut port: MessagePort<Reply, Request>) -> Result<(), DispatchError> {
    port.set_onmessage(|event| {
        let reply = match event.data() {
            ArchivedRequest::Multiply { id, a, b } => Reply {
                id: id.to_native(),
                result: a.to_native().checked_mul(b.to_native()).ok_or("overflow".to_owned()),
            },
            ArchivedRequest::Divide { id, dividend, divisor } => Reply {
                id: id.to_native(),
                result: match divisor.to_native() {
                    0 => Err("division by zero".to_owned()),
                    divisor => Ok(dividend.to_native() / divisor),
                },
            },
            ArchivedRequest::Quit => {
                event.target().close();
                return Ok(());
            }
        };
        event.target().post_message(&reply)
    });
    // The event is dispatched here, not at the caller: it has no port to reply on.
    port.set_onmessageerror(|event| say(format_args!("worker: messageerror: {}", event.error())));
    port.run()
}

/// Posts all calculations and prints what becomes of each, in the order of the replies.
fn call(port: MessagePort<Request, Reply>, calculations: Vec<Calculation>) -> Result<(), BoxError> {
    let (mut sender, receiver) = port.into_split();
    let mut waiting: BTreeMap<u64, String> = BTreeMap::new();
    let mut requests = Vec::new();
    for (id, Calculation { text, a, operator, b }) in (1..).zip(calculations) {
        waiting.insert(id, text);
        requests.push(match operator {
            Operator::Times => Request::Multiply { id, a, b },
            Operator::Over => Request::Divide { id, dividend: a, divisor: b },
        });
    }
    requests.push(Request::Quit);

    // Posting and receiving at once: with both on this thread, requests that wait for room and
    // replies that wait for room could wait for each other.
    thread::scope(|scope| {
        let poster = scope.spawn(move || -> Result<(), PostError> {
            requests.iter().try_for_each(|request| sender.post_message(request))
        });
        receive(receiver, &mut waiting)?;
        poster.join().map_err(|_| "the posting thread panicked")??;
        Ok::<_, BoxError>(())
    })?;

    // The worker closed after the last request, so nothing is on its way any more.
    for text in waiting.values() {
        say(format_args!("caller: {text}: no reply"));
    }
    Ok(())
}

/// Prints replies until the channel is closed, and takes the requests off that were answered.
///
/// Owns the receiver: if this fails, the worker cannot be left waiting for room.
fn receive(
    mut receiver: Receiver<Reply>,
    waiting: &mut BTreeMap<u64, String>,
) -> Result<(), BoxError> {
    loop {
        let Reply { id, result } = match receiver.recv() {
            Ok(reply) => reply.deserialize()?,
            Err(RecvError::Closed) => return Ok(()),
            Err(error) => return Err(error.into()),
        };
        let text = waiting.remove(&id).ok_or("a reply to no request")?;
        match result {
            Ok(number) => say(format_args!("caller: {text} = {number}")),
            Err(error) => say(format_args!("caller: {text}: {error}")),
        }
    }
}

/// Prints a line. Not with `println!`, which panics when nobody reads on (`| head`).
fn say(line: fmt::Arguments<'_>) {
    let _ = writeln!(io::stdout(), "{line}");
}

/// A request before it has an id.
struct Calculation {
    text: String,
    a: i64,
    operator: Operator,
    b: i64,
}

#[derive(Clone, Copy)]
enum Operator {
    Times,
    Over,
}

impl Calculation {
    fn parse(text: &str) -> Result<Self, lexopt::Error> {
        let (operator, (a, b)) = None
            .or_else(|| text.split_once('*').map(|sides| (Operator::Times, sides)))
            .or_else(|| text.split_once('/').map(|sides| (Operator::Over, sides)))
            .ok_or_else(|| format!("{text:?} is no A*B or A/B"))?;
        let number = |side: &str| {
            let side = side.trim();
            side.parse().map_err(|error| format!("{side:?} in {text:?}: {error}"))
        };
        Ok(Self { text: text.to_owned(), a: number(a)?, operator, b: number(b)? })
    }
}

/// The calculations, or `None` if help was asked for.
fn arguments() -> Result<Option<Vec<Calculation>>, lexopt::Error> {
    let mut calculations = Vec::new();
    let mut parser = lexopt::Parser::from_env();
    loop {
        // A negative number is no option.
        if let Some(mut raw) = parser.try_raw_args() {
            let negative = |argument: &std::ffi::OsStr| {
                let bytes = argument.as_encoded_bytes();
                bytes.first() == Some(&b'-') && bytes.get(1).is_some_and(u8::is_ascii_digit)
            };
            if let Some(argument) = raw.next_if(negative) {
                calculations.push(Calculation::parse(&argument.string()?)?);
                continue;
            }
        }
        match parser.next()? {
            None => break,
            Some(Short('h') | Long("help")) => return Ok(None),
            Some(Value(text)) => calculations.push(Calculation::parse(&text.string()?)?),
            Some(other) => return Err(other.unexpected()),
        }
    }
    if calculations.is_empty() {
        for text in DEFAULT {
            calculations.push(Calculation::parse(text)?);
        }
    }
    Ok(Some(calculations))
}
