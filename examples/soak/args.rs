//! The command line.

use std::time::Duration;

use lexopt::prelude::*;

pub(crate) const HELP: &str = "\
Sends messages through one channel after the other, in every way there is, ends
each channel at a random moment, and checks what arrived and what was reported.

Usage: soak [OPTION]...

What a channel is, who uses it and how, and when it ends follow from the seed and
the number of the round. A line is printed every ten seconds, a table at the end.

Options:
      --messages N  ends after N received messages [default: 1000000000 without
                    --minutes]
      --minutes N   ends after N minutes, which may have a fraction; with
                    --messages too, whichever comes first
      --seed S      the seed of the programs [default: 1]
      --first R     the round to begin with [default: 0]; repeats a failure soon
      --every N     seconds between two lines [default: 10]
      --print       prints what each round does before it begins
  -h, --help        print this text

Exit code: 0, 1 if a message was lost, doubled, harmed or out of order, a report
was wrong, memory grew, nothing moved for three minutes, or a run of 2000 rounds
had no message in one of the modes (the seed and the round are printed), 2 for bad arguments.
";

const DEFAULT_MESSAGES: u64 = 1_000_000_000;
/// A year, which no run reaches; it keeps the arithmetic of instants in range.
const MAX_MINUTES: f64 = 525_600.0;

pub(crate) struct Args {
    pub(crate) messages: u64,
    pub(crate) time: Option<Duration>,
    pub(crate) seed: u64,
    pub(crate) first: u64,
    pub(crate) every: u64,
    pub(crate) print: bool,
}

pub(crate) enum Command {
    Help,
    Run(Args),
}

pub(crate) fn parse() -> Result<Command, lexopt::Error> {
    let (mut messages, mut time) = (None, None);
    let mut args = Args { messages: 0, time: None, seed: 1, first: 0, every: 10, print: false };
    let mut parser = lexopt::Parser::from_env();
    while let Some(argument) = parser.next()? {
        match argument {
            Short('h') | Long("help") => return Ok(Command::Help),
            Long("messages") => messages = Some(parser.value()?.parse()?),
            Long("minutes") => {
                let minutes: f64 = parser.value()?.parse()?;
                if !(0.0..=MAX_MINUTES).contains(&minutes) {
                    return Err(format!("a run takes 0 to {MAX_MINUTES} minutes").into());
                }
                time = Some(Duration::from_secs_f64(minutes * 60.0));
            }
            Long("seed") => args.seed = parser.value()?.parse()?,
            Long("first") => args.first = parser.value()?.parse()?,
            Long("every") => {
                args.every = parser.value()?.parse()?;
                if args.every == 0 {
                    return Err("there is a second between two lines at least".into());
                }
            }
            Long("print") => args.print = true,
            _ => return Err(argument.unexpected()),
        }
    }
    args.messages = messages.unwrap_or(if time.is_some() { u64::MAX } else { DEFAULT_MESSAGES });
    args.time = time;
    Ok(Command::Run(args))
}
