//! Programs over both ports of a channel, against the model.

#![no_main]

#[path = "../../tests/model/mod.rs"]
mod model;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let program = model::Program::decode(input);
    if let Err(objection) = model::check(&program) {
        panic!("{objection}\n{program}");
    }
});
