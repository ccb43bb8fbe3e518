//! The command line.

use std::ffi::OsString;
use std::path::PathBuf;

use lexopt::prelude::*;

use crate::rounds::Effort;

pub(crate) const USAGE: &str = "\
Measures message-port and its peers in one run.

usage: peers [--rows NAMES] [--quick] [--rounds N] [--out DIR]
       peers --check [--rows NAMES]
       peers --list

  --rows NAMES   only these rows: names or beginnings of names, separated by commas
  --quick        fewer rounds and shorter ones: a first look, not a result
  --rounds N     so many rounds (11; with --quick 3)
  --out DIR      where the JSON file and the charts go (target/peers)
  --check        only see whether every peer delivers everything in order, in every row
  --list         only list the rows
";

pub(crate) enum Mode {
    Measure,
    Check,
    List,
}

pub(crate) struct Args {
    pub(crate) mode: Mode,
    pub(crate) rows: Vec<String>,
    pub(crate) effort: Effort,
    pub(crate) out: PathBuf,
}

/// `None` if only the usage was asked for.
pub(crate) fn parse() -> Result<Option<Args>, lexopt::Error> {
    let mut args = Args {
        mode: Mode::Measure,
        rows: Vec::new(),
        effort: Effort::FULL,
        out: PathBuf::from("target/peers"),
    };
    let mut rounds = None;
    let mut parser = lexopt::Parser::from_env();
    while let Some(arg) = parser.next()? {
        match arg {
            Long("rows") => args.rows.extend(names(parser.value()?)?),
            Long("quick") => args.effort = Effort::QUICK,
            Long("rounds") => rounds = Some(parser.value()?.parse()?),
            Long("out") => args.out = parser.value()?.into(),
            Long("check") => args.mode = Mode::Check,
            Long("list") => args.mode = Mode::List,
            Short('h') | Long("help") => {
                print!("{USAGE}");
                return Ok(None);
            }
            _ => return Err(arg.unexpected()),
        }
    }
    match rounds {
        Some(0) => return Err("there must be a round".into()),
        Some(rounds) => args.effort.rounds = rounds,
        None => {}
    }
    Ok(Some(args))
}

fn names(list: OsString) -> Result<Vec<String>, lexopt::Error> {
    Ok(list.string()?.split(',').filter(|name| !name.is_empty()).map(str::to_owned).collect())
}
