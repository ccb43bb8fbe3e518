//! What the other side may not do.

use crate::wire::WireError;

/// Which rule of the protocol the other side broke.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Violation {
    /// The bytes are no frame.
    #[error("a frame cannot be read: {0}")]
    Wire(#[from] WireError),
    /// The frame is longer than the window allows.
    #[error("a frame of {length} bytes where {max} were allowed")]
    FrameTooLong {
        /// Bytes of the frame.
        length: u64,
        /// The limit.
        max: u64,
    },
    /// An archive is longer than this side takes.
    #[error("an archive of {length} bytes where {max} were agreed")]
    TooLong {
        /// Bytes of the archive.
        length: u64,
        /// The limit.
        max: u64,
    },
    /// More was sent than there was credit for.
    #[error("more than the window of {window} bytes")]
    Credit {
        /// The window.
        window: u64,
    },
    /// An acknowledgement of what was not sent, or of less than before.
    #[error("{claimed} messages acknowledged, after {acknowledged} of {sent}")]
    Acknowledgement {
        /// What the frame says.
        claimed: u64,
        /// What an earlier one said.
        acknowledged: u64,
        /// What was sent.
        sent: u64,
    },
    /// More was read than sent.
    #[error("{claimed} messages read of {sent}, or more bytes than these had")]
    Report {
        /// What the frame says.
        claimed: u64,
        /// What was sent.
        sent: u64,
    },
    /// Frames are missing.
    #[error("frame {number} came instead of frame {expected}")]
    Lost {
        /// The number that was due.
        expected: u64,
        /// The number that came.
        number: u64,
    },
    /// Messages are missing, or there are too many.
    #[error("{received} messages came of {sent}")]
    LostMessages {
        /// How many the end of the direction counts.
        sent: u64,
        /// How many came.
        received: u64,
    },
    /// Something behind the end of a direction.
    #[error("a message or another end behind the end")]
    AfterEnd,
    /// A frame where it has no meaning.
    #[error("a frame out of order")]
    OutOfOrder,
    /// An archive does not validate.
    #[error("an archive does not validate")]
    InvalidArchive,
}
