//! Two ports, three events: `message`, `messageerror` and `close`.
//!
//! ```text
//! cargo run --example quickstart
//! ```

use std::fmt;
use std::io::{self, Write};
use std::process::ExitCode;
use std::thread;

use lexopt::prelude::*;
use message_port::{BoxError, MessageChannel};

const HELP: &str = "\
Posts texts on one port of a channel and shows the events at both.

Usage: quickstart [TEXT]...

Without a TEXT, 'Hello from port2!' and an empty text are posted. An empty text
is refused by the message handler, which makes a messageerror event of it.

Options:
  -h, --help  print this text

Exit code: 0, 1 if the channel failed, 2 for bad arguments.
";

fn main() -> ExitCode {
    let texts = match arguments() {
        Ok(Some(texts)) => texts,
        Ok(None) => {
            let _ = io::stdout().write_all(HELP.as_bytes());
            return ExitCode::SUCCESS;
        }
        Err(error) => {
            let _ = writeln!(io::stderr(), "quickstart: {error}\nquickstart: try --help");
            return ExitCode::from(2);
        }
    };
    match run(&texts) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(io::stderr(), "quickstart: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(texts: &[String]) -> Result<(), BoxError> {
    let MessageChannel { mut port1, mut port2 } = MessageChannel::<String>::new();

    // Handlers run where the port is: port1 goes to a thread of its own.
    let thread1 = thread::spawn(move || {
        port1.set_onmessage(|event| {
            let text = event.data();
            if text.is_empty() {
                return Err("an empty text");
            }
            say(format_args!("port1: message: {text}"));
            Ok(())
        });
        port1.set_onmessageerror(|event| {
            say(format_args!("port1: messageerror: {}", event.error()));
        });
        port1.set_onclose(|event| say(format_args!("port1: closed by {:?}", event.closed_by())));
        port1.run()
    });

    // What is posted on port2 arrives at port1. This handler is never called: nobody posts on
    // port1.
    port2.set_onmessage(|event| say(format_args!("port2: message: {}", event.data())));
    port2.set_onclose(|event| say(format_args!("port2: closed by {:?}", event.closed_by())));
    for text in texts {
        port2.post_message(text)?;
    }
    let arrived = port2.dispatch()?;
    say(format_args!("port2: {} texts posted, {arrived} events arrived here", texts.len()));

    // Everything that was posted before is still delivered.
    port2.close();
    thread1.join().map_err(|_| "the thread of port1 panicked")??;
    // The close event of the port that closed waits for that port's next turn.
    port2.run()?;
    Ok(())
}

/// Prints a line. Not with `println!`, which panics when nobody reads on (`| head`).
fn say(line: fmt::Arguments<'_>) {
    let _ = writeln!(io::stdout(), "{line}");
}

/// The texts to post, or `None` if help was asked for.
fn arguments() -> Result<Option<Vec<String>>, lexopt::Error> {
    let mut texts = Vec::new();
    let mut parser = lexopt::Parser::from_env();
    while let Some(argument) = parser.next()? {
        match argument {
            Short('h') | Long("help") => return Ok(None),
            Value(text) => texts.push(text.string()?),
            _ => return Err(argument.unexpected()),
        }
    }
    if texts.is_empty() {
        texts = vec!["Hello from port2!".to_owned(), String::new()];
    }
    Ok(Some(texts))
}
