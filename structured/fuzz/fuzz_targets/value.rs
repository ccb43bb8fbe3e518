//! Arbitrary bytes, received as the archive of a value.

#![no_main]

#[path = "../../tests/archives/mod.rs"]
mod archives;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    if let Err(objection) = archives::check(input) {
        panic!("{objection}");
    }
});
