//! Frames and greetings as bytes. Pure: no clock, no lock, no transport.
//!
//! The layout is described in [`crate::protocol`]. Public so that tools can read a link, and so
//! that a fuzzer can feed it.

mod cursor;
mod format;
mod greeting;

use cursor::Cursor;
pub use format::{Format, TypeFormat};
pub(crate) use greeting::is_greeting;
pub use greeting::{Greeting, LinkId, Refusal, Terms, decode_greeting, encode_greeting};

/// The version of the protocol that this crate speaks.
pub const VERSION: u16 = 1;

/// Bytes that a message costs beyond its archive.
pub const MESSAGE_COST: u64 = 64;

/// Bytes in front of a frame's body: kind, number, acknowledgement.
pub const HEADER: usize = 17;

/// Bytes in front of each archive in a `DATA` frame.
pub const LENGTH: usize = 4;

/// Bytes of credit that a message with an archive of `length` bytes takes.
pub const fn cost(length: usize) -> u64 {
    length as u64 + MESSAGE_COST
}

/// Why bytes are no frame.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WireError {
    /// The bytes end inside a field.
    #[error("a frame is cut off")]
    CutOff,
    /// Something follows the last field.
    #[error("{0} bytes follow the end of a frame")]
    Trailing(usize),
    /// No frame has this kind.
    #[error("no frame has the kind {0}")]
    UnknownKind(u8),
    /// A greeting does not begin as one.
    #[error("this is no greeting")]
    NoGreeting,
    /// A field has a value that means nothing.
    #[error("{value} is no {field}")]
    BadField {
        /// The field.
        field: &'static str,
        /// What it contains.
        value: u64,
    },
    /// A name is too long or no text.
    #[error("the name of a type is not up to {} bytes of text", format::MAX_NAME)]
    BadName,
    /// A `DATA` frame without a message.
    #[error("a frame of messages has none")]
    NoMessages,
}

mod kind {
    pub(super) const HELLO: u8 = 1;
    pub(super) const ACCEPT: u8 = 2;
    pub(super) const REFUSE: u8 = 3;
    pub(super) const READY: u8 = 4;
    pub(super) const DATA: u8 = 5;
    pub(super) const ACK: u8 = 6;
    pub(super) const WANT: u8 = 7;
    pub(super) const STOP: u8 = 8;
    pub(super) const END: u8 = 9;
    pub(super) const DONE: u8 = 10;
    pub(super) const ABORT: u8 = 11;
}

/// One frame of a link.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Frame<'a> {
    /// Counts the frames of one direction from 0.
    pub number: u64,
    /// Messages of the other direction that were posted at their destination so far.
    pub acknowledged: u64,
    /// The rest.
    pub body: Body<'a>,
}

/// What a frame says.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Body<'a> {
    /// The connector is ready; its first frame.
    Ready,
    /// Messages.
    Data(Archives<'a>),
    /// Only the acknowledgement.
    Ack,
    /// The sender waits for credit.
    Want,
    /// Nobody receives here any more.
    Stop,
    /// No message follows.
    End(EndOfStream),
    /// Both ends have been seen.
    Done,
    /// The sender of this gives the link up.
    Abort(AbortReason),
}

/// The end of one direction.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct EndOfStream {
    /// How it came about.
    pub manner: Manner,
    /// Messages that were sent in this direction in all.
    pub messages: u64,
}

/// How a direction ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Manner {
    /// Its sender was dropped, or nobody wants its messages.
    Dropped,
    /// The user closed the channel and had read so much of the other direction.
    Closed {
        /// Messages that the user has read.
        read_messages: u64,
        /// Bytes of their archives.
        read_bytes: u64,
    },
    /// The other side closed the channel.
    Answer,
}

/// Why a side gave a link up.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AbortReason {
    /// The program asked for it.
    #[error("its program gave the link up")]
    Asked,
    /// The other side broke a rule of the protocol.
    #[error("it says that a rule of the protocol was broken")]
    Violation,
    /// A message is no valid archive of its type.
    #[error("it met an archive that does not validate")]
    InvalidArchive,
    /// A message is longer than one of the two channels takes.
    #[error("it met a message that is too large")]
    TooLarge,
    /// Frames were lost on the way.
    #[error("it says that frames were lost")]
    Lost,
}

impl AbortReason {
    const ALL: [Self; 5] =
        [Self::Asked, Self::Violation, Self::InvalidArchive, Self::TooLarge, Self::Lost];
}

/// The archives in a `DATA` frame, in order. The lengths have been checked against the frame.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Archives<'a>(&'a [u8]);

impl<'a> Archives<'a> {
    /// What [`tail`](Self::tail) gave, from where it was kept.
    pub(crate) fn kept(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    /// The bytes of all that are left, to be kept.
    pub(crate) fn tail(self) -> &'a [u8] {
        self.0
    }

    /// The first one, and those behind it.
    pub(crate) fn split_first(self) -> Option<(&'a [u8], Self)> {
        let mut rest = Cursor::new(self.0);
        let archive = rest.archive().ok()?;
        Some((archive, Self(rest.rest())))
    }

    /// The archives.
    pub fn iter(self) -> impl Iterator<Item = &'a [u8]> {
        let mut rest = Cursor::new(self.0);
        // The lengths were walked once when the frame was decoded.
        std::iter::from_fn(move || if rest.is_empty() { None } else { rest.archive().ok() })
    }
}

impl std::fmt::Debug for Archives<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.iter().map(<[u8]>::len)).finish()
    }
}

/// Reads one frame of a link. Copies nothing, and allocates nothing.
///
/// # Errors
///
/// Whenever the bytes are not exactly one frame.
pub fn decode(bytes: &[u8]) -> Result<Frame<'_>, WireError> {
    let mut rest = Cursor::new(bytes);
    let kind = rest.u8()?;
    if !(kind::READY..=kind::ABORT).contains(&kind) {
        return Err(WireError::UnknownKind(kind));
    }
    let (number, acknowledged) = (rest.u64()?, rest.u64()?);
    let body = match kind {
        kind::READY => Body::Ready,
        kind::DATA => Body::Data(archives(&mut rest)?),
        kind::ACK => Body::Ack,
        kind::WANT => Body::Want,
        kind::STOP => Body::Stop,
        kind::END => Body::End(end(&mut rest)?),
        kind::DONE => Body::Done,
        _ => Body::Abort(reason(rest.u8()?)?),
    };
    rest.finish()?;
    Ok(Frame { number, acknowledged, body })
}

fn archives<'a>(rest: &mut Cursor<'a>) -> Result<Archives<'a>, WireError> {
    let all = rest.rest();
    if all.is_empty() {
        return Err(WireError::NoMessages);
    }
    let mut check = Cursor::new(all);
    while !check.is_empty() {
        check.archive()?;
    }
    Ok(Archives(all))
}

fn end(rest: &mut Cursor<'_>) -> Result<EndOfStream, WireError> {
    let manner = rest.u8()?;
    let messages = rest.u64()?;
    let manner = match manner {
        0 => Manner::Dropped,
        1 => Manner::Closed { read_messages: rest.u64()?, read_bytes: rest.u64()? },
        2 => Manner::Answer,
        other => return Err(WireError::BadField { field: "manner", value: other.into() }),
    };
    Ok(EndOfStream { manner, messages })
}

fn reason(byte: u8) -> Result<AbortReason, WireError> {
    AbortReason::ALL
        .get(usize::from(byte))
        .copied()
        .ok_or(WireError::BadField { field: "reason", value: byte.into() })
}

/// Appends a frame to `to`.
///
/// # Examples
///
/// ```
/// use message_port_zenoh::wire::{Body, Frame, decode, encode};
///
/// let frame = Frame { number: 3, acknowledged: 7, body: Body::Want };
/// let mut bytes = Vec::new();
/// encode(&frame, &mut bytes);
/// assert_eq!(decode(&bytes)?, frame);
/// # Ok::<(), message_port_zenoh::wire::WireError>(())
/// ```
pub fn encode(frame: &Frame<'_>, to: &mut Vec<u8>) {
    let kind = match frame.body {
        Body::Ready => kind::READY,
        Body::Data(_) => kind::DATA,
        Body::Ack => kind::ACK,
        Body::Want => kind::WANT,
        Body::Stop => kind::STOP,
        Body::End(_) => kind::END,
        Body::Done => kind::DONE,
        Body::Abort(_) => kind::ABORT,
    };
    to.push(kind);
    to.extend_from_slice(&frame.number.to_le_bytes());
    to.extend_from_slice(&frame.acknowledged.to_le_bytes());
    match frame.body {
        Body::Data(Archives(bytes)) => to.extend_from_slice(bytes),
        Body::End(EndOfStream { manner, messages }) => {
            let byte = match manner {
                Manner::Dropped => 0,
                Manner::Closed { .. } => 1,
                Manner::Answer => 2,
            };
            to.push(byte);
            to.extend_from_slice(&messages.to_le_bytes());
            if let Manner::Closed { read_messages, read_bytes } = manner {
                to.extend_from_slice(&read_messages.to_le_bytes());
                to.extend_from_slice(&read_bytes.to_le_bytes());
            }
        }
        Body::Abort(reason) => to.push(reason as u8),
        Body::Ready | Body::Ack | Body::Want | Body::Stop | Body::Done => {}
    }
}

/// A `DATA` frame that is being filled. Its number and acknowledgement are set when it is sent.
#[derive(Debug)]
pub struct DataFrame(Vec<u8>);

impl DataFrame {
    /// An empty one with room for an archive of `length` bytes.
    pub fn with_room_for(length: usize) -> Self {
        let mut bytes = Vec::with_capacity(HEADER + LENGTH + length);
        bytes.resize(HEADER, 0);
        Self(bytes)
    }

    /// Makes room for a whole frame of so many bytes.
    pub(crate) fn make_room(&mut self, bytes: usize) {
        self.0.reserve(bytes.saturating_sub(self.0.len()));
    }

    /// Appends a message. An archive has less than 2 GiB, so its length fits.
    ///
    /// # Panics
    ///
    /// If the archive has 4 GiB or more.
    pub fn push(&mut self, archive: &[u8]) {
        let length = u32::try_from(archive.len()).expect("archives have less than 2 GiB");
        self.0.extend_from_slice(&length.to_le_bytes());
        self.0.extend_from_slice(archive);
    }

    /// Whether no message has been pushed.
    pub fn is_empty(&self) -> bool {
        self.0.len() == HEADER
    }

    /// Bytes of the whole frame so far.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// The frame's bytes.
    pub fn finish(mut self, number: u64, acknowledged: u64) -> Vec<u8> {
        self.0[0] = kind::DATA;
        self.0[1..9].copy_from_slice(&number.to_le_bytes());
        self.0[9..HEADER].copy_from_slice(&acknowledged.to_le_bytes());
        self.0
    }
}
