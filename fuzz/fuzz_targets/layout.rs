//! The arithmetic of frames and blocks, against numbers that never wrap.

#![no_main]

#[path = "../../tests/frames/mod.rs"]
mod frames;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    if let Err(objection) = frames::check(input) {
        panic!("{objection}");
    }
});
