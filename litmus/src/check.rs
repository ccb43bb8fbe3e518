//! Checks the tests of the library's protocols: what must not happen does not, and it does as soon
//! as an ordering is taken away.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use crate::parse::parse;
use crate::program::Test;
use crate::source::Source;
use crate::verdict::{MODELS, Model, Verdicts};
use crate::weaken::{exchange, weaken};

/// What was found.
#[derive(Debug, Default)]
pub struct Report {
    /// Tests.
    pub tests: usize,
    /// Tests, and tests with one ordering taken away.
    pub variants: usize,
    /// Candidate executions of all of them.
    pub candidates: usize,
    /// Pairs of a variant and a model that allows it.
    pub allowed: usize,
    /// Pairs of a variant and a model that forbids it.
    pub forbidden: usize,
    /// For each tag the tests that need it, by the language.
    pub needed: BTreeMap<String, BTreeSet<String>>,
    /// Tests of something that a model allows as the library is shipped, as they say themselves.
    pub allowed_as_shipped: BTreeSet<String>,
    /// What is not as it should be.
    pub failures: Vec<String>,
    /// The rows of the table in the README, one per test and tag.
    pub rows: Vec<String>,
}

/// The head of the table in the README.
pub const HEAD: &str =
    "| test | without | rc11 | rc11-lb | aarch64 | membarrier |\n|---|---|---|---|---|---|";

/// Checks tests, given as their file names and texts. `exceptions` are the tags that none of them
/// can show, and the tests of what is allowed as it is shipped, each with the reason behind a colon.
#[must_use]
pub fn check(tests: &[(String, String)], exceptions: &str, source: &Source) -> Report {
    let mut report = Report::default();
    for (file, text) in tests {
        match parse(text).and_then(|mut test| source.apply(&mut test).map(|()| test)) {
            Ok(test) => check_test(&test, file, source, &mut report),
            Err(why) => report.failures.push(format!("{file}: {why}")),
        }
    }
    let exceptions = read_exceptions(exceptions, &mut report.failures);
    check_exceptions(&exceptions, source, &mut report);
    report
}

/// Names with their reasons.
fn read_exceptions<'a>(text: &'a str, failures: &mut Vec<String>) -> BTreeSet<&'a str> {
    let mut names = BTreeSet::new();
    for line in text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        match line.split_once(": ") {
            Some((name, reason)) if !reason.trim().is_empty() => _ = names.insert(name),
            _ => failures.push(format!("exceptions: not `NAME: reason`: {line}")),
        }
    }
    names
}

fn check_test(test: &Test, file: &str, source: &Source, report: &mut Report) {
    if *file != format!("{}.litmus", test.name) {
        report.failures.push(format!("{file}: it calls itself {}", test.name));
    }
    if test.claim.is_empty() {
        report.failures.push(format!("{file}: it does not say what must not happen"));
    }
    let tags = test.tags();
    if let Some(key) = test.notes.keys().find(|key| *key != SHIPPED && !tags.contains(key)) {
        report.failures.push(format!("{file}: {key} is expected to matter, and does not occur"));
    }
    report.tests += 1;
    let shipped = count(test, report);
    if shipped.candidates == 0 {
        report.failures.push(format!("{file}: it has no executions"));
    }
    count_verdicts(&shipped, report);
    let allowed: Vec<Model> = shipped.allowed_by().collect();
    expect(test, SHIPPED, &allowed, &format!("{file}: as it is shipped"), report);
    if !allowed.is_empty() {
        report.allowed_as_shipped.insert(test.name.clone());
        report.rows.push(row(&test.name, "nothing", &shipped));
    }
    for tag in tags {
        let mut verdicts = count(&weaken(test, &tag, source), report);
        if let Some(exchanged) = exchange(test, &tag, source) {
            // The hardware gets another program.
            let compiled = Verdicts::of(&exchanged);
            report.candidates += compiled.candidates;
            verdicts.verdicts[Model::Membarrier as usize] = compiled.by(Model::Membarrier);
        }
        count_verdicts(&verdicts, report);
        let allowed: Vec<Model> = verdicts.allowed_by().collect();
        expect(test, &tag, &allowed, &format!("{file}: without {tag}"), report);
        if [Model::Rc11, Model::LoadBuffering].iter().all(|model| allowed.contains(model)) {
            report.needed.entry(tag.clone()).or_default().insert(test.name.clone());
        }
        if !allowed.is_empty() {
            report.rows.push(row(&test.name, &tag, &verdicts));
        }
    }
}

/// The key of the line that says which models allow it as it is shipped.
const SHIPPED: &str = "Shipped";

fn row(test: &str, without: &str, verdicts: &Verdicts) -> String {
    let mut row = format!("| `{test}` | {without} |");
    for model in MODELS {
        let _ = write!(row, " {} |", verdicts.by(model).word());
    }
    row
}

/// What the line of this key in the test says must be exactly what is allowed.
fn expect(test: &Test, key: &str, allowed: &[Model], what: &str, report: &mut Report) {
    match expected_models(test.notes.get(key).map_or("", String::as_str)) {
        Ok(expected) if expected == allowed => {}
        Ok(expected) => report.failures.push(format!(
            "{what} it is allowed by {:?}, and expected to be by {:?}",
            names(allowed),
            names(&expected),
        )),
        Err(why) => report.failures.push(format!("{what}: {why}")),
    }
}

fn count_verdicts(verdicts: &Verdicts, report: &mut Report) {
    let allowed = verdicts.allowed_by().count();
    report.allowed += allowed;
    report.forbidden += MODELS.len() - allowed;
}

fn count(test: &Test, report: &mut Report) -> Verdicts {
    let verdicts = Verdicts::of(test);
    report.variants += 1;
    report.candidates += verdicts.candidates;
    verdicts
}

/// `language` and `hardware` stand for two models each.
fn expected_models(words: &str) -> Result<Vec<Model>, String> {
    let mut expected = BTreeSet::new();
    for word in words.split_whitespace() {
        match word {
            "language" => expected.extend([Model::Rc11, Model::LoadBuffering]),
            "hardware" => expected.extend([Model::AArch64, Model::Membarrier]),
            name => {
                let model = MODELS.into_iter().find(|model| model.name() == name);
                expected.insert(model.ok_or(format!("there is no model {name}"))?);
            }
        }
    }
    Ok(expected.into_iter().collect())
}

fn names(models: &[Model]) -> Vec<&'static str> {
    models.iter().map(|model| model.name()).collect()
}

/// Each tag is needed by a test, or is an exception, and not both; each test is of something that is
/// forbidden as it is shipped, or is an exception, and not both.
fn check_exceptions(exceptions: &BTreeSet<&str>, source: &Source, report: &mut Report) {
    for tag in source.tags() {
        match (report.needed.contains_key(tag), exceptions.contains(tag)) {
            (false, false) => report.failures.push(format!("{tag}: no test needs it")),
            (true, true) => report.failures.push(format!("{tag}: an exception that tests need")),
            _ => {}
        }
    }
    for test in &report.allowed_as_shipped {
        if !exceptions.contains(test.as_str()) {
            report.failures.push(format!("{test}: allowed as it is shipped, and no exception"));
        }
    }
    for name in exceptions {
        let is_tag = source.tags().any(|tag| tag == *name);
        if !is_tag && !report.allowed_as_shipped.contains(*name) {
            report
                .failures
                .push(format!("exceptions: {name} is no tag, and no test that needs one"));
        }
    }
}
