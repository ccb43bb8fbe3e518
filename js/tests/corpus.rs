//! The corpus of the values' fuzz targets, into an engine.

mod echo;
#[path = "../../structured/tests/archives/input.rs"]
mod input;

use std::fs;
use std::path::Path;

use echo::Echo;

#[test]
fn engine() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../structured/fuzz/corpus/value");
    let mut echo = Echo::new();
    let mut replayed = 0;
    for entry in fs::read_dir(corpus).expect("the corpus is there") {
        let path = entry.expect("the corpus can be read").path();
        let input = fs::read(&path).expect("its files can be read");
        if let Err(objection) = echo.check(&input::archive(&input)) {
            panic!("{}: {objection}", path.display());
        }
        replayed += 1;
    }
    assert!(replayed > 10, "{replayed} inputs");
}
