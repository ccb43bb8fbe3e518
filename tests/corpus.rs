//! The corpora of the fuzz targets `archive` and `layout`, replayed without a fuzzer. That of `ops` is
//! replayed in `properties`.

mod archives;
#[path = "common/corpus.rs"]
mod corpus;
mod frames;

use archives::types::{Nested, Received, Scalars, Shared, Tree};
use archives::{DISPATCHED, FORGOTTEN, SPILLED, archived};
use corpus::{replay, write};

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
    // Miri gets one place of many, and one change.
    let (places, flips): (usize, &[u8]) =
        if cfg!(miri) { (29, &[0x80]) } else { (1, &[1, 0x80, 0xff]) };
    for input in valid_archives() {
        archives::check(&input).expect("a valid archive");
        for at in (1..input.len()).step_by(places) {
            for flip in flips {
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

/// Writes the inputs that fuzzing begins with: `fuzz/seed.sh`.
#[test]
#[ignore = "writes into the source tree"]
fn write_the_first_inputs() {
    write("archive", "valid", valid_archives());
}
