//! The command line.

use std::ffi::OsString;
use std::path::PathBuf;

use lexopt::prelude::*;

use crate::rounds::Effort;
use crate::rows::RESIDENT;

pub(crate) const USAGE: &str = "\
Measures message-port and its peers in one run.

usage: peers [--rows NAMES] [--skip NAMES] [--quick] [--rounds N] [--out DIR]
       peers --smoke [--rows NAMES] [--skip NAMES] [--out DIR]
       peers --criterion [--rows NAMES] [--skip NAMES] [--out DIR]
       peers --check [--rows NAMES] [--skip NAMES]
       peers --list [--rows NAMES] [--skip NAMES]

  --rows NAMES   only these rows: names or beginnings of names, separated by commas; * stands for anything
  --skip NAMES   none of these rows
  --quick        fewer rounds and shorter ones: a first look, not a result
  --smoke        one round that is as short as possible: whether everything works, and no result
  --rounds N     so many rounds (11; with --quick 3, with --smoke 1)
  --out DIR      where the JSON file and the charts go (target/peers)
  --criterion    have criterion measure the rows, and write its HTML report to DIR/criterion
  --check        only see whether every peer delivers everything in order, in every row
  --list         only list the rows
";

pub(crate) enum Mode {
    Measure,
    Criterion,
    Check,
    List,
    /// What this program asks of itself: to grow by so many channels of a peer.
    Resident {
        peer: String,
        channels: u64,
    },
}

pub(crate) struct Args {
    pub(crate) mode: Mode,
    pub(crate) rows: Vec<String>,
    pub(crate) skip: Vec<String>,
    pub(crate) effort: Effort,
    pub(crate) out: PathBuf,
}

/// `None` if only the usage was asked for.
pub(crate) fn parse() -> Result<Option<Args>, lexopt::Error> {
    let mut args = Args {
        mode: Mode::Measure,
        rows: Vec::new(),
        skip: Vec::new(),
        effort: Effort::FULL,
        out: PathBuf::from("target/peers"),
    };
    let mut rounds = None;
    let mut parser = lexopt::Parser::from_env();
    while let Some(arg) = parser.next()? {
        match arg {
            Long("rows") => args.rows.extend(names(parser.value()?)?),
            Long("skip") => args.skip.extend(names(parser.value()?)?),
            Long("quick") => args.effort = Effort::QUICK,
            Long("smoke") => args.effort = Effort::SMOKE,
            Long("rounds") => rounds = Some(parser.value()?.parse()?),
            Long("out") => args.out = parser.value()?.into(),
            Long("criterion") => args.mode = Mode::Criterion,
            Long("check") => args.mode = Mode::Check,
            Long("list") => args.mode = Mode::List,
            Long(name) if name == RESIDENT.trim_start_matches('-') => {
                let peer = parser.value()?.string()?;
                args.mode = Mode::Resident { peer, channels: parser.value()?.parse()? };
            }
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
