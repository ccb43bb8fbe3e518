//! The command line.

use std::path::PathBuf;

use lexopt::prelude::*;

pub(crate) const HELP: &str = "\
Prints the SHA-256 sums of files, as sha256sum does, sorted by path. They are
computed by a worker in another process, on this machine or another one.

Usage: remote_checksum [OPTION]... [PATH]...
       remote_checksum --worker (--listen ENDPOINT | --connect ENDPOINT)

Without --listen or --connect a worker is started on this machine and reached
over the loopback interface. Each PATH is a file or a directory; without one, the
sources of this crate are summed. The sums go to stdout, the rest to stderr.

Options:
      --worker            sum what a reader sends, for one reader
      --listen ENDPOINT   wait for the other side, as at tcp/0.0.0.0:7447
      --connect ENDPOINT  go to the other side, as at tcp/there:7447
      --capacity BYTES    size of each channel per direction, and of the window
                          of the link [default: 1048576]
      --piece BYTES       contents per message, up to 67108864 [default: 131072];
                          alike at both sides
  -h, --help              print this text

Exit code: 0, 1 if something could not be read or written or the link failed,
2 for bad arguments.
";

const DEFAULT_CAPACITY: usize = 1 << 20;
const DEFAULT_PIECE: usize = 128 << 10;
const MAX_PIECE: usize = 64 << 20;

/// Where the other side is.
pub(crate) enum Where {
    Loopback,
    Listen(String),
    Connect(String),
}

pub(crate) struct Args {
    pub(crate) worker: bool,
    pub(crate) place: Where,
    pub(crate) paths: Vec<PathBuf>,
    pub(crate) capacity: usize,
    pub(crate) piece: usize,
}

pub(crate) enum Command {
    Help,
    Run(Args),
}

pub(crate) fn parse() -> Result<Command, lexopt::Error> {
    let mut args = Args {
        worker: false,
        place: Where::Loopback,
        paths: Vec::new(),
        capacity: DEFAULT_CAPACITY,
        piece: DEFAULT_PIECE,
    };
    let mut parser = lexopt::Parser::from_env();
    while let Some(argument) = parser.next()? {
        match argument {
            Short('h') | Long("help") => return Ok(Command::Help),
            Long("worker") => args.worker = true,
            Long("listen") => args.place = Where::Listen(parser.value()?.string()?),
            Long("connect") => args.place = Where::Connect(parser.value()?.string()?),
            Long("capacity") => args.capacity = parser.value()?.parse()?,
            Long("piece") => {
                args.piece = parser.value()?.parse()?;
                if !(1..=MAX_PIECE).contains(&args.piece) {
                    return Err(format!("a piece has 1 to {MAX_PIECE} bytes").into());
                }
            }
            // `sha256sum -c` would take a bare `-` for its standard input.
            Value(path) if path == "-" => args.paths.push("./-".into()),
            Value(path) => args.paths.push(path.into()),
            _ => return Err(argument.unexpected()),
        }
    }
    if args.worker && matches!(args.place, Where::Loopback) {
        return Err("a worker needs --listen or --connect".into());
    }
    if args.worker && !args.paths.is_empty() {
        return Err("a worker takes no paths".into());
    }
    if args.paths.is_empty() {
        args.paths.push([env!("CARGO_MANIFEST_DIR"), "src"].iter().collect());
    }
    Ok(Command::Run(args))
}
