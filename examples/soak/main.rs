//! A thousand million messages, in every way in which they can travel.
//!
//! ```text
//! cargo run --release --example soak                            # until 10^9 messages have arrived
//! cargo run --release --example soak -- --minutes 90 --seed 7
//! ```

mod args;
mod events;
mod judge;
mod load;
mod modes;
mod plan;
mod ports;
mod posting;
mod random;
mod round;
mod taking;
mod tasks;
mod threads;
mod watch;

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use args::{Args, Command};
use judge::Outcome;
use modes::Modes;
use plan::Plan;
use round::Stage;
use watch::{BOUND, Lines, Memory, Progress, Resident, mebibytes};

/// The warm-up ends after this time and so many rounds, or after a quarter of the run.
const WARM_UP: Duration = Duration::from_secs(60);
const WARM_UP_ROUNDS: u64 = 1000;

/// How many rounds there were of each kind, and how many messages these received.
#[derive(Default)]
struct Kinds(BTreeMap<String, [u64; 2]>);

impl Kinds {
    fn count(&mut self, kind: String, messages: u64) {
        let [rounds, received] = self.0.entry(kind).or_default();
        *rounds += 1;
        *received += messages;
    }

    fn print(&self, title: &str, out: &mut impl Write) -> io::Result<()> {
        writeln!(out, "{title}:")?;
        for (kind, [rounds, messages]) in &self.0 {
            writeln!(out, "  {kind:<28} {rounds:>9} rounds  {messages:>13} messages")?;
        }
        Ok(())
    }
}

#[derive(Default)]
struct Totals {
    outcome: Outcome,
    rounds: u64,
    channels: u64,
    types: Kinds,
    users: Kinds,
    modes: Modes,
}

impl Totals {
    fn add(&mut self, plan: &Plan, outcome: Outcome) {
        self.rounds += 1;
        self.channels += plan.sides.len() as u64;
        let messages = outcome.read.messages;
        let growable = if plan.growable.is_some() { ", growable" } else { "" };
        self.types.count(format!("{:?}{growable}", plan.types), messages);
        let mut users = [0, 1].map(|side| plan.sides[0][side].user);
        users.sort();
        self.users.count(format!("{:?} and {:?}", users[0], users[1]), messages);
        self.modes.count(plan, messages);
        self.outcome.include(outcome);
    }

    fn print(&self, memory: &Memory, out: &mut impl Write) -> io::Result<()> {
        let Outcome { posted, read, reported, left, reports, drained } = self.outcome;
        self.types.print("types", out)?;
        self.users.print("users", out)?;
        writeln!(
            out,
            "posted {} = received {} + counted by close reports {} + left in dropped channels {}",
            posted.messages, read.messages, reported.messages, left.messages
        )?;
        writeln!(
            out,
            "bytes  {} = received {} + counted by close reports {} + left in dropped channels {}",
            posted.bytes, read.bytes, reported.bytes, left.bytes
        )?;
        writeln!(out, "{reports} directions with a close report, {drained} read to their end")?;
        writeln!(
            out,
            "memory between rounds: at most {} MiB during the warm-up, {} MiB after it (bound: {} MiB \
             more); at most {} MiB ever",
            mebibytes(Some(memory.warm)),
            mebibytes(Some(memory.highest)),
            BOUND >> 20,
            mebibytes(Resident::peak()),
        )
    }
}

fn soak(args: &Args) -> Result<bool, io::Error> {
    watch::keep_nothing_back();
    let progress = Arc::new(Progress::default());
    let stage = Stage::new(Arc::clone(&progress))?;
    watch::watch(&progress, args.seed, args.time);
    let mut memory = Memory::new();
    let mut lines = Lines::new(args.every);
    let mut totals = Totals::default();
    let quarter = args.time.map_or(Duration::MAX, |time| time / 4);
    for round in args.first.. {
        let plan = Plan::of(args.seed, round);
        if args.print {
            writeln!(io::stdout(), "round {round}: {plan:?}")?;
        }
        progress.begin(round);
        let Some(outcome) = stage.play(&plan) else {
            watch::failed(args.seed, round, &format!("round {round}: {plan:?}"));
            return Ok(false);
        };
        totals.add(&plan, outcome);
        let messages = totals.outcome.read.messages;
        let elapsed = lines.elapsed();
        if elapsed >= WARM_UP && totals.rounds >= WARM_UP_ROUNDS
            || elapsed >= quarter
            || messages >= args.messages / 4
        {
            memory.is_warm();
        }
        let over = messages >= args.messages || progress.is_over();
        let numbers = [messages, totals.rounds, totals.channels];
        if !lines.line(over, numbers, &mut memory)? {
            let why = format!("memory grew by more than {} MiB, for good", BOUND >> 20);
            watch::failed(args.seed, args.first, &why);
            return Ok(false);
        }
        if over {
            break;
        }
    }
    assert_eq!(totals.outcome.read.messages, progress.messages());
    totals.print(&memory, &mut io::stdout().lock())?;
    totals.modes.print(&progress, &mut io::stdout().lock())?;
    let missing = totals.modes.missing(&progress);
    if !missing.is_empty() {
        watch::failed(args.seed, args.first, &format!("no message of {}", missing.join(", ")));
        return Ok(false);
    }
    Ok(true)
}

fn main() -> ExitCode {
    let args = match args::parse() {
        Ok(Command::Run(args)) => args,
        Ok(Command::Help) => {
            print!("{}", args::HELP);
            return ExitCode::SUCCESS;
        }
        Err(error) => {
            eprintln!("soak: {error}");
            return ExitCode::from(2);
        }
    };
    match soak(&args) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("soak: {error}");
            ExitCode::FAILURE
        }
    }
}
