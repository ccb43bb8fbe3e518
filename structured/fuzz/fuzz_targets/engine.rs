//! Arbitrary bytes as the archive of a value: what validation lets through goes into an engine, and
//! comes back from its script.

#![no_main]

#[path = "../../../js/tests/echo/mod.rs"]
mod echo;
#[path = "../../tests/archives/input.rs"]
mod input;

use std::cell::RefCell;

use echo::Echo;
use libfuzzer_sys::fuzz_target;

/// Values that one engine takes before the next one is made.
const VALUES: u32 = 500;

thread_local! {
    static ENGINE: RefCell<Option<(Echo, u32)>> = const { RefCell::new(None) };
}

fuzz_target!(|input: &[u8]| {
    ENGINE.with_borrow_mut(|engine| {
        let (echo, left) = engine.get_or_insert_with(|| (Echo::new(), VALUES));
        if let Err(objection) = echo.check(&input::archive(input)) {
            panic!("{objection}");
        }
        *left -= 1;
        if *left == 0 {
            *engine = None;
        }
    });
});
