//! The worker: what travels through the channel, and the port that answers.

use message_port::rkyv::{self, Archive, Deserialize, Serialize};
use message_port::{CloseEvent, DispatchError, MessagePort, PostError};
use sha2::{Digest, Sha256};

/// Bytes that the archive of a job may have beyond the contents: the path, and the job itself.
pub(crate) const MAX_OVERHEAD: usize = 64 << 10;

/// To the worker.
#[derive(Archive, Serialize)]
#[rkyv(crate = rkyv)]
pub(crate) enum Job {
    /// A file, or the next part of one.
    Piece {
        /// Bytes: a path need not be text.
        path: Vec<u8>,
        contents: Vec<u8>,
        then: Then,
    },
    NoMoreFiles,
}

/// What comes after a piece.
#[derive(Archive, Serialize)]
#[rkyv(crate = rkyv)]
pub(crate) enum Then {
    /// Another piece of the same file.
    More,
    /// The next file: this one is complete.
    Finished,
    /// The next file: this one could not be read to its end.
    Abandoned,
}

/// From the worker, for each file that was read to its end.
#[derive(Archive, Serialize, Deserialize)]
#[rkyv(crate = rkyv)]
pub(crate) struct Checksum {
    pub(crate) path: Vec<u8>,
    pub(crate) sha256: [u8; 32],
    pub(crate) bytes: u64,
    pub(crate) lines: u64,
}

/// The file that is being read.
#[derive(Default)]
struct Running {
    sha256: Sha256,
    bytes: u64,
    lines: u64,
}

impl Running {
    fn update(&mut self, contents: &[u8]) {
        self.sha256.update(contents);
        self.bytes += contents.len() as u64;
        self.lines += contents.iter().map(|byte| u64::from(*byte == b'\n')).sum::<u64>();
    }

    fn finish(self, path: &[u8]) -> Checksum {
        let Self { sha256, bytes, lines } = self;
        Checksum { path: path.to_vec(), sha256: sha256.finalize().into(), bytes, lines }
    }
}

/// Answers until there are no more files or nobody wants the answers. Returns how the channel was
/// closed, seen from here.
pub(crate) fn run(
    mut port: MessagePort<Checksum, Job>,
) -> Result<Option<CloseEvent>, DispatchError> {
    let mut running = Running::default();
    port.set_onmessage(move |event| {
        let (path, contents, then) = match event.data() {
            ArchivedJob::Piece { path, contents, then } => (path, contents, then),
            ArchivedJob::NoMoreFiles => {
                event.target().close();
                return Ok(());
            }
        };
        running.update(contents);
        match then {
            ArchivedThen::More => return Ok(()),
            ArchivedThen::Abandoned => running = Running::default(),
            ArchivedThen::Finished => {
                let checksum = std::mem::take(&mut running).finish(path);
                // While this waits for room, the pieces behind this one wait, too, and in the end
                // the reader: that is the back-pressure.
                match event.target().post_message(&checksum) {
                    Ok(()) | Err(PostError::Closed) => {}
                    Err(error) => return Err(error),
                }
            }
        }
        Ok(())
    });
    port.run()?;
    Ok(port.split_mut().0.close_event())
}
