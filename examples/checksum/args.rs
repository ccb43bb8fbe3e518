//! The command line.

use std::ffi::OsString;
use std::path::PathBuf;

use lexopt::prelude::*;

pub(crate) const HELP: &str = "\
Prints the SHA-256 sums of files, as sha256sum does, sorted by path.

Usage: checksum [OPTION]... [PATH]...

Each PATH is a file or a directory; without one, the sources of this crate are
summed. Directories are walked: every regular file below them is summed once,
however many PATHs lead to it; symbolic links below them are not followed, a
PATH that is one is. The sums go to stdout, the rest to stderr.

Options:
      --capacity BYTES  size of the channel per direction [default: 1048576]
      --piece BYTES     contents per message, up to 67108864 [default: 131072]
  -h, --help            print this text

Exit code: 0, 1 if something could not be read or written, 2 for bad arguments.
";

const DEFAULT_CAPACITY: usize = 1 << 20;
const DEFAULT_PIECE: usize = 128 << 10;
const MAX_PIECE: usize = 64 << 20;

pub(crate) struct Args {
    pub(crate) paths: Vec<PathBuf>,
    /// Bytes of the ring, per direction.
    pub(crate) capacity: usize,
    /// Bytes of a file's contents in one message, at most.
    pub(crate) piece: usize,
}

pub(crate) enum Command {
    Help,
    Run(Args),
}

pub(crate) fn parse() -> Result<Command, lexopt::Error> {
    let mut args = Args { paths: Vec::new(), capacity: DEFAULT_CAPACITY, piece: DEFAULT_PIECE };
    let mut parser = lexopt::Parser::from_env();
    while let Some(argument) = parser.next()? {
        match argument {
            Short('h') | Long("help") => return Ok(Command::Help),
            Long("capacity") => args.capacity = parser.value()?.parse()?,
            Long("piece") => {
                args.piece = parser.value()?.parse()?;
                if !(1..=MAX_PIECE).contains(&args.piece) {
                    return Err(format!("a piece has 1 to {MAX_PIECE} bytes").into());
                }
            }
            Value(path) => args.paths.push(path_of(path)),
            _ => return Err(argument.unexpected()),
        }
    }
    if args.paths.is_empty() {
        args.paths.push([env!("CARGO_MANIFEST_DIR"), "src"].iter().collect());
    }
    Ok(Command::Run(args))
}

fn path_of(argument: OsString) -> PathBuf {
    // `sha256sum -c` would take a bare `-` for its standard input.
    if argument == "-" { PathBuf::from("./-") } else { argument.into() }
}
