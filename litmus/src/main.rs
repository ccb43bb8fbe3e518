//! Checks litmus tests, or shows what the models say of some.
//!
//! ```text
//! litmus                          checks tests/ against the library, and README.md
//! litmus --table                  the table of the README
//! litmus FILE...                  what each model says of these tests
//! litmus --print FILE [TAG]       a test, without the ordering TAG, for herd7
//! litmus --aarch64 FILE [TAG]     the same, compiled
//! litmus --export DIRECTORY       all tests and their variants, with what is found, for herd.sh
//! ```

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

use message_port_litmus::check::{self, Report};
use message_port_litmus::parse::parse;
use message_port_litmus::program::Test;
use message_port_litmus::source::Source;
use message_port_litmus::verdict::{MODELS, Model, Verdicts};
use message_port_litmus::weaken::{exchange, weaken};
use message_port_litmus::{assembly, print};

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let done = match words[..] {
        [] => gate(),
        ["--table"] => check_all().map(|report| {
            println!("{}\n{}", check::HEAD, report.rows.join("\n"));
            true
        }),
        ["--print", file] => load(file, None).map(|test| print_as(print::c, &test)),
        ["--print", file, tag] => load(file, Some(tag)).map(|test| print_as(print::c, &test)),
        ["--aarch64", file] => load(file, None).map(|test| print_as(assembly::of, &test)),
        ["--aarch64", file, tag] => load(file, Some(tag)).map(|test| print_as(assembly::of, &test)),
        ["--export", directory] => export(Path::new(directory)),
        _ => words.iter().try_fold(true, |_, file| show(file)),
    };
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(why) => {
            eprintln!("{why}");
            ExitCode::from(2)
        }
    }
}

fn print_as(format: impl Fn(&Test) -> String, test: &Test) -> bool {
    print!("{}", format(test));
    true
}

type Result<T> = std::result::Result<T, String>;

fn here(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn read(path: &Path) -> Result<String> {
    fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))
}

fn source() -> Result<Source> {
    let order = here("../src/sync/order.rs");
    let mut code = Vec::new();
    read_code(&here("../src"), &order, &mut code)?;
    Source::read(&read(&order)?, &read(&here("../docs/protocol.md"))?, &code)
}

/// All of the library's code, but for the file that has the orderings.
fn read_code(directory: &Path, order: &Path, code: &mut Vec<String>) -> Result<()> {
    for entry in fs::read_dir(directory).map_err(|error| error.to_string())? {
        let path = entry.map_err(|error| error.to_string())?.path();
        if path.is_dir() {
            read_code(&path, order, code)?;
        } else if path.extension().is_some_and(|extension| extension == "rs") && path != order {
            code.push(read(&path)?);
        }
    }
    Ok(())
}

/// A test, without the ordering of a tag. Its tags are not looked at otherwise.
fn load(file: &str, tag: Option<&str>) -> Result<Test> {
    let mut test = parse(&read(Path::new(file))?).map_err(|why| format!("{file}: {why}"))?;
    let Some(tag) = tag else { return Ok(test) };
    if !test.tags().iter().any(|other| other == tag) {
        return Err(format!("{file} has no {tag}"));
    }
    let source = source()?;
    source.apply(&mut test)?;
    test = weaken(&test, tag, &source);
    test.name = format!("{}-without-{tag}", test.name);
    Ok(test)
}

fn litmus_files(directory: &str) -> Result<Vec<PathBuf>> {
    let entries = fs::read_dir(here(directory)).map_err(|error| error.to_string())?;
    let mut files: Vec<PathBuf> = entries
        .map(|entry| entry.map(|entry| entry.path()).map_err(|error| error.to_string()))
        .collect::<Result<_>>()?;
    files.retain(|file| file.extension().is_some_and(|extension| extension == "litmus"));
    files.sort();
    Ok(files)
}

fn check_all() -> Result<Report> {
    let files = litmus_files("tests")?;
    let tests = files.iter().map(|file| {
        let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
        Ok((name, read(file)?))
    });
    let tests: Vec<(String, String)> = tests.collect::<Result<_>>()?;
    Ok(check::check(&tests, &read(&here("tests/exceptions.txt"))?, &source()?))
}

fn gate() -> Result<bool> {
    let start = Instant::now();
    let mut report = check_all()?;
    let table = format!("{}\n{}\n", check::HEAD, report.rows.join("\n"));
    if !read(&here("README.md"))?.contains(&table) {
        let why = "README.md does not have the table that `--table` prints";
        report.failures.push(why.to_owned());
    }
    for (tag, tests) in &report.needed {
        println!("{tag:8} {}", tests.iter().map(String::as_str).collect::<Vec<_>>().join(" "));
    }
    for test in &report.allowed_as_shipped {
        println!("as it is shipped, {test} is allowed by a model: see tests/exceptions.txt");
    }
    println!(
        "{} tests, {} variants in {} models: {} verdicts, {} forbidden and {} allowed; \
         {} candidate executions; {:.1} s",
        report.tests,
        report.variants,
        MODELS.len(),
        report.forbidden + report.allowed,
        report.forbidden,
        report.allowed,
        report.candidates,
        start.elapsed().as_secs_f64(),
    );
    for failure in &report.failures {
        println!("FAILED {failure}");
    }
    Ok(report.failures.is_empty())
}

/// What the models say of a test and, if its tags are the library's, of its weakened variants.
fn show(file: &str) -> Result<bool> {
    let mut test = load(file, None)?;
    println!("{}: {}", test.name, test.claim);
    show_verdicts("as it is", &test);
    let tags = test.tags();
    if tags.is_empty() {
        return Ok(true);
    }
    let source = source()?;
    source.apply(&mut test)?;
    for tag in tags {
        show_verdicts(&format!("without {tag}"), &weaken(&test, &tag, &source));
        if let Some(exchanged) = exchange(&test, &tag, &source) {
            show_verdicts("  and compiled so", &exchanged);
        }
    }
    Ok(true)
}

fn show_verdicts(what: &str, test: &Test) {
    let verdicts = Verdicts::of(test);
    print!("  {what:18}");
    for model in MODELS {
        print!(" {}: {:10}", model.name(), verdicts.by(model).word());
    }
    println!(" of {} candidates", verdicts.candidates);
}

/// Writes all tests with their variants, in C and compiled, and what the models of the language and
/// of the hardware say.
fn export(directory: &Path) -> Result<bool> {
    type Format = (&'static str, Model, fn(&Test) -> String);
    let formats: [Format; 2] =
        [("c", Model::Rc11, print::c), ("aarch64", Model::AArch64, assembly::of)];
    let mut variants = Vec::new();
    for file in litmus_files("tests")?.iter().chain(&litmus_files("shapes")?) {
        let file = file.to_string_lossy();
        let test = load(&file, None)?;
        for tag in test.tags() {
            variants.push(load(&file, Some(&tag))?);
        }
        variants.push(test);
    }
    for (format, model, print) in formats {
        let directory = directory.join(format);
        let failed = |error: std::io::Error| format!("{}: {error}", directory.display());
        fs::create_dir_all(&directory).map_err(failed)?;
        let mut found = Vec::new();
        for test in &variants {
            let verdict = Verdicts::of(test).by(model);
            let race = if verdict.race { " race" } else { "" };
            found.push(format!("{} {} {}{race}", test.name, verdict.positive, verdict.negative));
            let file = directory.join(format!("{}.litmus", test.name));
            fs::write(file, print(test)).map_err(failed)?;
        }
        found.sort();
        fs::write(directory.join("found"), found.join("\n") + "\n").map_err(failed)?;
    }
    println!("{} tests and variants", variants.len());
    Ok(true)
}
