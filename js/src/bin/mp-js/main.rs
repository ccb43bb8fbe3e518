//! Runs a module of JavaScript with `MessageChannel`, `MessagePort` and what belongs to them.

mod arguments;
mod console;
mod modules;
mod program;
mod threads;

use std::process::ExitCode;

use arguments::{Asked, USAGE};

fn main() -> ExitCode {
    match arguments::parse() {
        Ok(Asked::Help) => {
            print!("{USAGE}");
            ExitCode::SUCCESS
        }
        Ok(Asked::Run(settings)) => match program::run(&settings) {
            Ok(true) => ExitCode::SUCCESS,
            Ok(false) => ExitCode::FAILURE,
            Err(error) => fail(&error, ExitCode::FAILURE),
        },
        Err(error) => {
            let code = fail(&error, ExitCode::from(2));
            eprintln!("try --help");
            code
        }
    }
}

fn fail(error: &dyn std::fmt::Display, code: ExitCode) -> ExitCode {
    eprintln!("mp-js: {error}");
    code
}
