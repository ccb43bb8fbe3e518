//! Measures message-port and its peers in one run: see README.md.

mod allocator;
mod args;
mod carrier;
mod criterion;
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
use rows::Row;

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

/// The rows that the command line asks for.
fn chosen(args: &Args) -> Result<Vec<Row>, String> {
    let mut rows = rows::all();
    let unknown = args
        .rows
        .iter()
        .chain(&args.skip)
        .find(|pattern| !rows.iter().any(|row| row.is_called(pattern)));
    if let Some(unknown) = unknown {
        return Err(format!("no row is called {unknown}; --list shows them"));
    }
    let any = |patterns: &[String], row: &Row| patterns.iter().any(|p| row.is_called(p));
    rows.retain(|row| (args.rows.is_empty() || any(&args.rows, row)) && !any(&args.skip, row));
    Ok(rows)
}

fn run(args: &Args) -> Result<(), Box<dyn std::error::Error>> {
    if let Mode::Resident { peer, channels } = &args.mode {
        println!("{}", serde_json::to_string(&rows::resident(peer, *channels)?)?);
        return Ok(());
    }
    let rows = chosen(args)?;
    match args.mode {
        Mode::List => {
            for row in &rows {
                println!("{:<40} {} ({} subjects)", row.name, row.what, row.subjects.len());
            }
            let least = rounds::least(&rows, args.effort);
            println!("{} rows: more than {} minutes", rows.len(), least.as_secs() / 60);
        }
        Mode::Check => {
            let checks = rounds::check(&rows)?;
            println!("{checks} checks in {} rows: every message arrived, in order", rows.len());
        }
        Mode::Measure => {
            rounds::check(&rows)?;
            let environment = report::Environment::read();
            let results = rounds::measure(&rows, args.effort);
            let report = report::Report::new(&environment, &results);
            print!("{}", report.table());
            let files = report.write(&args.out)?;
            println!("{files} files in {}", args.out.display());
        }
        Mode::Criterion => {
            rounds::check(&rows)?;
            let out = args.out.join("criterion");
            let measured = criterion::measure(&rows, &out);
            if measured == 0 {
                return Err(
                    "criterion measures time per operation, and no such row is chosen".into()
                );
            }
            println!("{measured} rows: open {}", out.join("report/index.html").display());
        }
        Mode::Resident { .. } => unreachable!("it has returned"),
    }
    Ok(())
}
