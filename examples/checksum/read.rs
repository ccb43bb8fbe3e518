//! The reading thread: files in, messages out.

use std::fs::File;
use std::io::Read;
use std::mem::take;
use std::path::{Path, PathBuf};

use message_port::{PostError, Sender};

use crate::console::Console;
use crate::worker::{Job, Then};

/// What reading came to.
pub(crate) struct Posted {
    pub(crate) messages: u64,
    /// Kept for its close report, which is there when the worker has finished.
    pub(crate) sender: Sender<Job>,
}

struct Reader<'a> {
    sender: Sender<Job>,
    piece: usize,
    /// Used for one piece after the other.
    contents: Vec<u8>,
    messages: u64,
    console: &'a Console,
}

/// Posts all `files` in pieces of at most `piece` bytes, then that there are no more. A file
/// that cannot be read is reported and left out.
///
/// Owns the sender: should this thread panic, the worker sees the channel end and ends, too.
pub(crate) fn post_files(
    sender: Sender<Job>,
    files: &[PathBuf],
    piece: usize,
    console: &Console,
) -> Posted {
    let mut reader = Reader { sender, piece, contents: Vec::new(), messages: 0, console };
    let posted = files
        .iter()
        .try_for_each(|path| reader.post_file(path))
        .and_then(|()| reader.post(&Job::NoMoreFiles));
    match posted {
        // Closed: the output is not wanted any more. Disconnected: the worker died, and whoever
        // waits for it says why.
        Ok(()) | Err(PostError::Closed | PostError::Disconnected) => {}
        Err(error) => {
            console.fail(format_args!("posting failed: {error}"));
            reader.sender.close();
        }
    }
    Posted { messages: reader.messages, sender: reader.sender }
}

impl Reader<'_> {
    fn post_file(&mut self, path: &Path) -> Result<(), PostError> {
        let mut file = match File::open(path) {
            Ok(file) => file,
            Err(error) => {
                self.console.unreadable(path, &error);
                return Ok(());
            }
        };
        let mut posted = false;
        loop {
            self.contents.clear();
            let piece = file.by_ref().take(self.piece as u64).read_to_end(&mut self.contents);
            let then = match piece {
                Ok(length) if length == self.piece => Then::More,
                Ok(_) => Then::Finished,
                Err(error) => {
                    self.console.unreadable(path, &error);
                    if !posted {
                        return Ok(());
                    }
                    Then::Abandoned
                }
            };
            let is_last = !matches!(then, Then::More);
            self.post_piece(path, then)?;
            posted = true;
            if is_last {
                return Ok(());
            }
        }
    }

    /// Posts the contents that were read.
    fn post_piece(&mut self, path: &Path, then: Then) -> Result<(), PostError> {
        let path = path.as_os_str().as_encoded_bytes().to_vec();
        let job = Job::Piece { path, contents: take(&mut self.contents), then };
        self.post(&job)?;
        // A post goes by reference: the buffer is free again as soon as it returns.
        if let Job::Piece { contents, .. } = job {
            self.console.advance(contents.len());
            self.contents = contents;
        }
        Ok(())
    }

    fn post(&mut self, job: &Job) -> Result<(), PostError> {
        self.sender.post_message(job)?;
        self.messages += 1;
        Ok(())
    }
}
