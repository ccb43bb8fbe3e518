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
    /// What is not as it should be.
    pub failures: Vec<String>,
    /// The rows of the table in the README, one per test and tag.
    pub rows: Vec<String>,
}

/// The head of the table in the README.
pub const HEAD: &str =
    "| test | without | rc11 | rc11-lb | aarch64 | membarrier |\n|---|---|---|---|---|---|";

/// Checks tests, given as their file names and texts. `exceptions` are the tags that none of them
/// can show, each with the reason behind a colon.
#[must_use]
pub fn check(tests: &[(String, String)], exceptions: &str, source: &Source) -> Report {
    let mut report = Report::default();
    for (file, text) in tests {
        match parse(text).and_then(|mut test| source.apply(&mut test).map(|()| test)) {
            Ok(test) => check_test(&test, file, source, &mut report),
            Err(why) => report.failures.push(format!("{file}: {why}")),
        }
    }
    check_tags(exceptions, source, &mut report);
    report
}

fn check_test(test: &Test, file: &str, source: &Source, report: &mut Report) {
    if *file != format!("{}.litmus", test.name) {
        report.failures.push(format!("{file}: it calls itself {}", test.name));
    }
    if test.claim.is_empty() {
        report.failures.push(format!("{file}: it does not say what must not happen"));
    }
    let tags = test.tags();
    if let Some(key) = test.notes.keys().find(|key| !tags.contains(key)) {
        report.failures.push(format!("{file}: {key} is expected to matter, and does not occur"));
    }
    report.tests += 1;
    let shipped = count(test, report);
    if shipped.candidates == 0 {
        report.failures.push(format!("{file}: it has no executions"));
    }
    report.forbidden += MODELS.len();
    for model in shipped.allowed_by() {
        report.forbidden -= 1;
        report.allowed += 1;
        report.failures.push(format!("{file}: {} allows it as it is shipped", model.name()));
    }
    for tag in tags {
        let mut verdicts = count(&weaken(test, &tag, source), report);
        if let Some(exchanged) = exchange(test, &tag, source) {
            // The hardware gets another program.
            let compiled = Verdicts::of(&exchanged);
            report.candidates += compiled.candidates;
            verdicts.verdicts[Model::Membarrier as usize] = compiled.by(Model::Membarrier);
        }
        for verdict in verdicts.verdicts {
            if verdict.is_allowed() {
                report.allowed += 1;
            } else {
                report.forbidden += 1;
            }
        }
        let allowed: Vec<Model> = verdicts.allowed_by().collect();
        match expected_models(test.notes.get(&tag).map_or("", String::as_str)) {
            Ok(expected) if expected == allowed => {}
            Ok(expected) => report.failures.push(format!(
                "{file}: without {tag} it is allowed by {:?}, and expected to be by {:?}",
                names(&allowed),
                names(&expected),
            )),
            Err(why) => report.failures.push(format!("{file}: {tag}: {why}")),
        }
        if [Model::Rc11, Model::LoadBuffering].iter().all(|model| allowed.contains(model)) {
            report.needed.entry(tag.clone()).or_default().insert(test.name.clone());
        }
        if !allowed.is_empty() {
            let mut row = format!("| `{}` | {tag} |", test.name);
            for model in MODELS {
                let _ = write!(row, " {} |", verdicts.by(model).word());
            }
            report.rows.push(row);
        }
    }
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

/// Each tag is needed by a test, or is an exception with a reason, and not both.
fn check_tags(exceptions: &str, source: &Source, report: &mut Report) {
    let mut excepted = BTreeSet::new();
    for line in exceptions.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        match line.split_once(": ") {
            Some((tag, reason)) if !reason.trim().is_empty() => {
                if source.meaning(tag).is_none() {
                    report.failures.push(format!("exceptions: {tag} is not in order.rs"));
                }
                excepted.insert(tag);
            }
            _ => report.failures.push(format!("exceptions: not `TAG: reason`: {line}")),
        }
    }
    for tag in source.tags() {
        match (report.needed.contains_key(tag), excepted.contains(tag)) {
            (false, false) => report.failures.push(format!("{tag}: no test needs it")),
            (true, true) => report.failures.push(format!("{tag}: an exception that tests need")),
            _ => {}
        }
    }
}
