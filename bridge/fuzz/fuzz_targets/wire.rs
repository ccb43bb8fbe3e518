//! Any bytes as a frame of a link, or as a greeting: an error, or something that has one form.

#![no_main]
#![allow(dead_code, unused_imports, reason = "the rest of the crate is not here")]

#[path = "../../tests/frames/mod.rs"]
mod frames;
#[path = "../../src/wire/mod.rs"]
mod wire;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    if let Err(objection) = frames::check(input) {
        panic!("{objection}");
    }
});
