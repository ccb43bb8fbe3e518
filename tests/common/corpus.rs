//! The corpora of the fuzz targets: the files below `fuzz/corpus`, by target.

use std::fs;
use std::path::{Path, PathBuf};

/// Crates below this one use it too: for their own corpora or, as `platforms/`, for these.
fn directory(target: &str) -> PathBuf {
    let roots = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors();
    let mut corpora = roots.map(|root| root.join("fuzz/corpus"));
    corpora.find(|corpora| corpora.is_dir()).expect("the corpora are there").join(target)
}

/// Checks each input, and says how many they were.
pub(crate) fn replay(target: &str, mut check: impl FnMut(&[u8]) -> Result<(), String>) -> usize {
    let entries = fs::read_dir(directory(target)).expect("the corpus is there");
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
    replayed
}

/// Writes inputs that fuzzing begins with.
pub(crate) fn write(target: &str, name: &str, inputs: Vec<Vec<u8>>) {
    for (index, input) in inputs.into_iter().enumerate() {
        let path = directory(target).join(format!("{name}-{index:02}"));
        fs::write(path, input).expect("the corpus can be written");
    }
}
