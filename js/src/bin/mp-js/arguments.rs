//! What the command was asked for.

use std::path::PathBuf;

use message_port_js::Compatibility;

pub(crate) const USAGE: &str = "\
usage: mp-js [OPTIONS] FILE [ARGS]

Runs FILE as a module; scriptArgs has FILE and ARGS. Ends when nothing is left to happen: with 0,
or with 1 if something was not caught.

  --compat-date DATE   which names are on the global, as of a day like 2026-09-15
  --compat-flag FLAG   changes that: expose_global_message_channel,
                       no_expose_global_message_channel, nodejs_compat; may be repeated
  --strict-start       addEventListener does not start a port, as in HTML
  --keep-unstarted     what waits at a port that was not started survives the other side's close
  --threads            adds startThread(FILE): runs a module on another thread and returns a port;
                       its peer is parentPort there
  --expose-gc          adds gc(), which collects garbage
  --help               shows this
";

pub(crate) enum Asked {
    Help,
    Run(Settings),
}

#[derive(Clone)]
#[allow(clippy::struct_excessive_bools, reason = "one for each switch of the command line")]
pub(crate) struct Settings {
    pub(crate) compatibility: Compatibility,
    pub(crate) strict_start: bool,
    pub(crate) keep_unstarted: bool,
    pub(crate) threads: bool,
    pub(crate) expose_gc: bool,
    pub(crate) file: PathBuf,
    pub(crate) arguments: Vec<String>,
}

pub(crate) fn parse() -> Result<Asked, lexopt::Error> {
    use lexopt::prelude::*;

    let mut settings = Settings {
        compatibility: Compatibility::default(),
        strict_start: false,
        keep_unstarted: false,
        threads: false,
        expose_gc: false,
        file: PathBuf::new(),
        arguments: Vec::new(),
    };
    let mut parser = lexopt::Parser::from_env();
    loop {
        match parser.next()? {
            Some(Long("compat-date")) => {
                settings.compatibility.date = parser.value()?.string()?;
            }
            Some(Long("compat-flag")) => {
                settings.compatibility.flags.push(parser.value()?.string()?);
            }
            Some(Long("strict-start")) => settings.strict_start = true,
            Some(Long("keep-unstarted")) => settings.keep_unstarted = true,
            Some(Long("threads")) => settings.threads = true,
            Some(Long("expose-gc")) => settings.expose_gc = true,
            Some(Long("help") | Short('h')) => return Ok(Asked::Help),
            Some(Value(file)) => {
                settings.file = file.into();
                break;
            }
            Some(other) => return Err(other.unexpected()),
            None => return Err("there is no FILE to run".into()),
        }
    }
    // What comes behind the file is the script's.
    for argument in parser.raw_args()? {
        settings.arguments.push(argument.string()?);
    }
    if let Err(error) = settings.compatibility.exposes_message_channel() {
        return Err(error.to_string().into());
    }
    Ok(Asked::Run(settings))
}
