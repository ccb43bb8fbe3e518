//! The corpora of the fuzz targets, replayed without a fuzzer.

mod archives;
mod frames;
mod model;
#[path = "model/random.rs"]
mod random;

use std::fs;
use std::path::{Path, PathBuf};

use archives::types::{Nested, Received, Scalars, Shared, Tree};
use archives::{DISPATCHED, FORGOTTEN, SPILLED, archived};

fn corpus(target: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(target)
}

fn replay(target: &str, check: impl Fn(&[u8]) -> Result<(), String>) {
    let entries = fs::read_dir(corpus(target)).expect("the corpus is there");
    let mut replayed = 0;
    for entry in entries {
        let path = entry.expect("the corpus can be read").path();
        let input = fs::read(&path).expect("its files can be read");
        if let Err(objection) = check(&input) {
            panic!("{}: {objection}", path.display());
        }
        replayed += 1;
    }
    assert!(replayed > 0, "the corpus of {target} is empty");
}

#[test]
fn ops() {
    replay("ops", |input| {
        let program = model::Program::decode(input);
        model::check(&program).map_err(|objection| format!("{objection}\n{program}"))
    });
}

#[test]
fn archive() {
    replay("archive", archives::check);
}

#[test]
fn layout() {
    replay("layout", frames::check);
}

/// Inputs whose archives are valid, for each type and way: one mutation away from what a receiver
/// must notice.
fn valid_archives() -> Vec<Vec<u8>> {
    let samples = [
        archived(&String::sample()),
        archived(&Vec::<u32>::sample()),
        archived(&Scalars::sample()),
        archived(&Nested::sample()),
        archived(&Shared::sample()),
        archived(&Tree::sample()),
    ];
    let ways = [0, SPILLED, DISPATCHED, SPILLED | FORGOTTEN];
    let inputs = (0u8..)
        .zip(&samples)
        .flat_map(|(kind, archive)| ways.map(|way| [&[kind | way], archive.as_slice()].concat()));
    inputs.collect()
}

/// Valid archives of every type, changed in one place at a time: what a receiver must notice or
/// cope with, without a fuzzer.
#[test]
fn damaged_archives() {
    for input in valid_archives() {
        archives::check(&input).expect("a valid archive");
        for at in 1..input.len() {
            for flip in [1, 0x80, 0xff] {
                let mut damaged = input.clone();
                damaged[at] ^= flip;
                if let Err(objection) = archives::check(&damaged) {
                    panic!("{flip:#x} at {at} of {input:?}: {objection}");
                }
            }
            archives::check(&input[..at]).expect("a cut archive");
        }
    }
}

/// Writes the inputs that fuzzing begins with: `cargo test --test corpus -- --ignored`.
#[test]
#[ignore = "writes into the source tree"]
fn write_the_first_inputs() {
    let write = |target: &str, name: &str, inputs: Vec<Vec<u8>>| {
        for (index, input) in inputs.into_iter().enumerate() {
            let path = corpus(target).join(format!("{name}-{index:02}"));
            fs::write(path, input).expect("the corpus can be written");
        }
    };
    write("archive", "valid", valid_archives());
    write("ops", "program", (0..24).map(random::bytes).collect());
}
