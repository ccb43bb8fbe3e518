//! Measures message-port and its peers in one run: see README.md.

mod allocator;
mod args;
mod carrier;
mod link;
mod machine;
mod measure;
mod node;
mod payload;
mod peers;
mod report;
mod rounds;
mod rows;

use std::process::ExitCode;

use args::{Args, Mode};

#[global_allocator]
static ALLOCATOR: allocator::Counting = allocator::Counting;

fn main() -> ExitCode {
    let args = match args::parse() {
        Ok(Some(args)) => args,
        Ok(None) => return ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}\n\n{}", args::USAGE);
            return ExitCode::from(2);
        }
    };
    match run(&args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(args: &Args) -> Result<(), Box<dyn std::error::Error>> {
    let mut rows = rows::all();
    if !args.rows.is_empty() {
        if let Some(unknown) =
            args.rows.iter().find(|wanted| !rows.iter().any(|row| row.name.starts_with(*wanted)))
        {
            return Err(format!("no row is called {unknown}; --list shows them").into());
        }
        rows.retain(|row| args.rows.iter().any(|wanted| row.name.starts_with(wanted)));
    }
    match args.mode {
        Mode::List => {
            for row in &rows {
                println!("{:<34} {} ({} subjects)", row.name, row.what, row.subjects.len());
            }
        }
        Mode::Check => {
            let checks = rounds::check(&rows)?;
            println!("{checks} checks in {} rows: every message arrived, in order", rows.len());
        }
        Mode::Measure => {
            rounds::check(&rows)?;
            let environment = report::Environment::read();
            let results = rounds::measure(&rows, args.effort);
            print!("{}", report::table(&environment, &results));
            let files = report::write(&args.out, &environment, &results)?;
            println!("{files} files in {}", args.out.display());
        }
    }
    Ok(())
}
