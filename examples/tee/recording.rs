//! The file: archives one behind the other, and an end that says whether that was all.
//!
//! ```text
//! 8 bytes   MAGIC
//! 4 bytes   length of an archive, little-endian  ┐ for each record
//! length    the archive                          ┘
//! 4 bytes   END instead of a length
//! 8 bytes   how many records there were, little-endian
//! 32 bytes  SHA-256 of the records, lengths included
//! ```
//!
//! A reader believes nothing of this before it has seen it: a file may come from anywhere.

use std::io::{self, Read, Write};

use sha2::{Digest, Sha256};
use thiserror::Error;

const MAGIC: [u8; 8] = *b"msgtee1\n";
const END: u32 = u32::MAX;

/// Bytes that the archive of a record may have.
pub(crate) const MAX_RECORD: usize = 1 << 20;

/// What the records of a recording come to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Summary {
    pub(crate) records: u64,
    pub(crate) sha256: [u8; 32],
}

/// Sums records up, wherever they pass by.
#[derive(Default)]
pub(crate) struct Tally {
    records: u64,
    sha256: Sha256,
}

impl Tally {
    pub(crate) fn add(&mut self, archive: &[u8]) {
        self.records += 1;
        self.sha256.update(length_of(archive).to_le_bytes());
        self.sha256.update(archive);
    }

    pub(crate) fn finish(self) -> Summary {
        Summary { records: self.records, sha256: self.sha256.finalize().into() }
    }
}

/// Saturates: what is too long for a length is far too long for a record.
fn length_of(archive: &[u8]) -> u32 {
    u32::try_from(archive.len()).unwrap_or(END)
}

/// Writes a recording. Without [`finish`](Self::finish) it has no end, and a reader says so.
pub(crate) struct Recorder<W> {
    out: W,
    tally: Tally,
}

impl<W: Write> Recorder<W> {
    pub(crate) fn new(mut out: W) -> io::Result<Self> {
        out.write_all(&MAGIC)?;
        Ok(Self { out, tally: Tally::default() })
    }

    /// Appends an archive of at most [`MAX_RECORD`] bytes.
    pub(crate) fn append(&mut self, archive: &[u8]) -> io::Result<()> {
        assert!(archive.len() <= MAX_RECORD, "the channel refuses longer messages");
        self.tally.add(archive);
        self.out.write_all(&length_of(archive).to_le_bytes())?;
        self.out.write_all(archive)
    }

    pub(crate) fn finish(self) -> io::Result<Summary> {
        let Self { mut out, tally } = self;
        let summary = tally.finish();
        out.write_all(&END.to_le_bytes())?;
        out.write_all(&summary.records.to_le_bytes())?;
        out.write_all(&summary.sha256)?;
        out.flush()?;
        Ok(summary)
    }
}

/// Why a file is no recording, or not a whole one. Records are counted from 1.
#[derive(Debug, Error)]
pub(crate) enum RecordingError {
    #[error("the recording cannot be read: {0}")]
    Unreadable(#[from] io::Error),
    #[error("this is no recording")]
    NotARecording,
    #[error("the recording is cut off behind record {records}: nothing says that it is complete")]
    NoEnd { records: u64 },
    #[error("the recording is cut off in the length of record {record}")]
    NoLength { record: u64 },
    #[error("the recording is cut off in record {record}: {found} of its {length} bytes are there")]
    NoArchive { record: u64, found: usize, length: usize },
    #[error("record {record} claims {length} bytes, and none has more than {MAX_RECORD}")]
    TooLong { record: u64, length: u32 },
    #[error("the recording is cut off in its end")]
    NoSummary,
    #[error("the recording claims {claimed} records and has {found}")]
    WrongCount { claimed: u64, found: u64 },
    #[error("something follows behind the end of the recording")]
    Trailing,
}

/// Reads a recording.
pub(crate) struct Recording<R> {
    input: R,
    records: u64,
    /// Used for one record after the other.
    archive: Vec<u8>,
}

/// What comes next in a recording.
pub(crate) enum Next<'a> {
    /// An archive, or what claims to be one, and which record it is.
    Record(u64, &'a [u8]),
    /// The end, and what the recorder said of the records.
    End(Summary),
}

impl<R: Read> Recording<R> {
    pub(crate) fn open(input: R) -> Result<Self, RecordingError> {
        let mut recording = Self { input, records: 0, archive: Vec::new() };
        if recording.fill(MAGIC.len())? && recording.archive == MAGIC {
            Ok(recording)
        } else {
            Err(RecordingError::NotARecording)
        }
    }

    pub(crate) fn next(&mut self) -> Result<Next<'_>, RecordingError> {
        let records = self.records;
        let record = records + 1;
        if !self.fill(4)? {
            return Err(match self.archive.len() {
                0 => RecordingError::NoEnd { records },
                _ => RecordingError::NoLength { record },
            });
        }
        let claimed = u32::from_le_bytes(self.array(0));
        if claimed == END {
            return self.end().map(Next::End);
        }
        let length = match usize::try_from(claimed) {
            Ok(length) if length <= MAX_RECORD => length,
            _ => return Err(RecordingError::TooLong { record, length: claimed }),
        };
        if !self.fill(length)? {
            return Err(RecordingError::NoArchive { record, found: self.archive.len(), length });
        }
        self.records = record;
        Ok(Next::Record(record, &self.archive))
    }

    fn end(&mut self) -> Result<Summary, RecordingError> {
        if !self.fill(40)? {
            return Err(RecordingError::NoSummary);
        }
        let summary = Summary { records: u64::from_le_bytes(self.array(0)), sha256: self.array(8) };
        if summary.records != self.records {
            let (claimed, found) = (summary.records, self.records);
            return Err(RecordingError::WrongCount { claimed, found });
        }
        if self.fill(1)? { Err(RecordingError::Trailing) } else { Ok(summary) }
    }

    /// Reads this many bytes; `false` if there were fewer. Takes memory for what is there only,
    /// whatever was claimed.
    fn fill(&mut self, length: usize) -> io::Result<bool> {
        self.archive.clear();
        let limit = u64::try_from(length).unwrap_or(u64::MAX);
        Ok(self.input.by_ref().take(limit).read_to_end(&mut self.archive)? == length)
    }

    /// `N` of the bytes that were read, which must be there.
    fn array<const N: usize>(&self, from: usize) -> [u8; N] {
        let mut array = [0; N];
        array.copy_from_slice(&self.archive[from..from + N]);
        array
    }
}
