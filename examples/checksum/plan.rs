//! Which files there are to sum.

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};

use walkdir::WalkDir;

use crate::console::Console;

/// The files, each once, sorted by the bytes of their paths.
#[derive(Default)]
pub(crate) struct Plan {
    pub(crate) files: Vec<PathBuf>,
    /// Bytes of all files, as far as the file system knew beforehand.
    pub(crate) bytes: u64,
}

impl Plan {
    /// Looks at all `paths`. What cannot be looked at is reported and left out.
    pub(crate) fn new(paths: &[PathBuf], console: &Console) -> Self {
        let mut plan = Self::default();
        let mut seen = HashSet::new();
        for path in paths {
            match fs::metadata(path) {
                Ok(metadata) if metadata.is_dir() => plan.walk(path, &mut seen, console),
                // Also a pipe or a device, if it is asked for by name.
                Ok(metadata) => {
                    if seen.insert(identity(path)) {
                        plan.add(path.clone(), metadata.len());
                    }
                }
                Err(error) => console.unreadable(path, &error),
            }
        }
        let bytes = |path: &Path| path.as_os_str().as_encoded_bytes().to_vec();
        plan.files.sort_by_cached_key(|path| bytes(path));
        plan
    }

    fn walk(&mut self, root: &Path, seen: &mut HashSet<PathBuf>, console: &Console) {
        // Links are not followed below the root, so nothing else needs to be resolved.
        let root_identity = identity(root);
        for entry in WalkDir::new(root) {
            let entry = match entry {
                Ok(entry) => entry,
                Err(error) => {
                    let path = error.path().unwrap_or(root).to_path_buf();
                    match error.into_io_error() {
                        Some(error) => console.unreadable(&path, &error),
                        None => console.unreadable(&path, &"cannot be walked"),
                    }
                    continue;
                }
            };
            if !entry.file_type().is_file() {
                continue;
            }
            let relative = entry.path().strip_prefix(root).unwrap_or(entry.path());
            if seen.insert(root_identity.join(relative)) {
                let length = entry.metadata().map_or(0, |metadata| metadata.len());
                self.add(entry.into_path(), length);
            }
        }
    }

    fn add(&mut self, path: PathBuf, length: u64) {
        self.files.push(path);
        self.bytes += length;
    }
}

/// The path itself where it has no other name, as the pipe of a process substitution.
fn identity(path: &Path) -> PathBuf {
    fs::canonicalize(path).unwrap_or_else(|_| path.to_path_buf())
}
