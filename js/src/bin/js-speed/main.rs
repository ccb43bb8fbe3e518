//! Measures messages between scripts, here and in Node, and prints a table of them.

mod ours;
mod table;

use std::process::{Command, ExitCode};

use lexopt::prelude::*;

use table::Rows;

const USAGE: &str = "\
usage: js-speed [--rounds N] [--scale S]

Prints what a message costs between scripts, here and, where `node` is on the PATH, in Node. Both
run the same code, in turns; each figure is the least of all rounds.

  --rounds N  how often each has its turn: 5
  --scale S   times as many messages as usual: 0.2
";

struct Settings {
    rounds: u32,
    scale: f64,
}

fn main() -> ExitCode {
    match parse() {
        Ok(Some(settings)) => {
            run(&settings);
            ExitCode::SUCCESS
        }
        Ok(None) => {
            print!("{USAGE}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("js-speed: {error}\ntry --help");
            ExitCode::from(2)
        }
    }
}

fn parse() -> Result<Option<Settings>, lexopt::Error> {
    let mut settings = Settings { rounds: 5, scale: 0.2 };
    let mut parser = lexopt::Parser::from_env();
    while let Some(argument) = parser.next()? {
        match argument {
            Long("rounds") => settings.rounds = parser.value()?.parse()?,
            Long("scale") => settings.scale = parser.value()?.parse()?,
            Long("help") | Short('h') => return Ok(None),
            other => return Err(other.unexpected()),
        }
    }
    Ok(Some(settings))
}

fn run(settings: &Settings) {
    let (mut ours, mut theirs) = (Rows::default(), Rows::default());
    for round in 1..=settings.rounds {
        eprintln!("round {round} of {}", settings.rounds);
        match ours::measure(settings.scale) {
            Ok(lines) => ours.add(lines.iter().map(String::as_str)),
            Err(error) => eprintln!("js-speed: {error}"),
        }
        if let Some(lines) = node(settings.scale) {
            theirs.add(lines.lines());
        }
    }
    match version() {
        Some(version) => println!("Node {version}\n"),
        None => println!("no Node on the PATH\n"),
    }
    print!("{}", table::table(&ours, &theirs));
}

fn version() -> Option<String> {
    let output = Command::new("node").arg("--version").output().ok()?;
    Some(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// What the script prints in Node; `None` where there is none.
fn node(scale: f64) -> Option<String> {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/speed/node.mjs");
    let output = Command::new("node").arg(script).arg(scale.to_string()).output().ok()?;
    if !output.status.success() {
        eprintln!("js-speed: node: {}", String::from_utf8_lossy(&output.stderr));
    }
    Some(String::from_utf8_lossy(&output.stdout).into_owned())
}
