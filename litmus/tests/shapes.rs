//! The classical shapes have the verdicts that the literature gives them, in each model.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use message_port_litmus::parse::parse;
use message_port_litmus::verdict::Verdicts;

fn verdicts(file: &Path) -> (String, BTreeSet<String>, BTreeSet<String>) {
    let test = parse(&fs::read_to_string(file).unwrap())
        .unwrap_or_else(|why| panic!("{}: {why}", file.display()));
    let expected = test.notes["Allowed"].split(' ').filter(|&word| word != "none");
    let expected = expected.map(str::to_owned).collect();
    let verdicts = Verdicts::of(&test);
    assert!(verdicts.candidates > 0, "{}", test.name);
    let found = verdicts.allowed_by().map(|model| model.name().to_owned()).collect();
    (test.name, expected, found)
}

#[test]
fn classical_shapes_have_their_known_verdicts() {
    let (mut names, mut wrong) = (BTreeSet::new(), Vec::new());
    for file in fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/shapes")).unwrap() {
        let (name, expected, found) = verdicts(&file.unwrap().path());
        if expected != found {
            wrong.push(format!("{name}: expected {expected:?}, found {found:?}"));
        }
        names.insert(name);
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    for family in ["MP", "SB", "LB", "CoRR", "IRIW", "2+2W", "R", "S", "WRC", "ISA2"] {
        assert!(names.contains(family), "{family} is missing");
    }
}
