//! What can go wrong.

use std::io;
use std::time::Duration;

use message_port::BuildError;

use crate::violation::Violation;
use crate::wire::{AbortReason, Format, TypeFormat};

/// Why a port could not be exposed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ExposeError {
    /// The key is no key expression of Zenoh, or has wildcards.
    #[error("no key for a port: {0:?}")]
    Key(String),
    /// Zenoh refused something.
    #[error("the session failed")]
    Session(#[source] zenoh::Error),
    /// The system refused a thread.
    #[error("no thread for the bridge")]
    Thread(#[source] io::Error),
}

/// Why there is no port.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConnectError {
    /// The key is no key expression of Zenoh, or has wildcards.
    #[error("no key for a port: {0:?}")]
    Key(String),
    /// Nobody exposed a port under the key within the time.
    #[error("nobody exposes a port as {key:?} within {within:?}")]
    NotExposed {
        /// The key.
        key: String,
        /// How long it was waited for.
        within: Duration,
    },
    /// Somebody exposes a port there, and did not answer within the time.
    #[error("the port {key:?} does not answer within {within:?}")]
    NoAnswer {
        /// The key.
        key: String,
        /// How long it was waited for.
        within: Duration,
    },
    /// The port has its one peer already.
    #[error("the port {0:?} has its peer already")]
    Engaged(String),
    /// The other side speaks another version of the protocol.
    #[error("the protocol has version {here} here and {there} at the other side")]
    Version {
        /// This side's.
        here: u16,
        /// The other side's.
        there: u16,
    },
    /// The two sides would not understand each other's messages.
    #[error("the two sides differ in {0}")]
    Mismatch(#[source] Mismatch),
    /// No channel with these options.
    #[error("no channel for the port")]
    Channel(#[source] BuildError),
    /// The link broke before it was there.
    #[error("the link failed")]
    Link(#[source] LinkError),
    /// Zenoh refused something.
    #[error("the session failed")]
    Session(#[source] zenoh::Error),
    /// The system refused a thread.
    #[error("no thread for the bridge")]
    Thread(#[source] io::Error),
}

/// The first thing in which two sides differ.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Mismatch {
    /// The width of pointers inside archives, a feature of rkyv.
    #[error("the pointer width of archives: {here} bits here, {there} there")]
    PointerWidth {
        /// This side's.
        here: u8,
        /// The other side's.
        there: u8,
    },
    /// The byte order of archives, a feature of rkyv.
    #[error("the byte order of archives: {} here, {} there", order(*.big_endian_here), order(!*.big_endian_here))]
    ByteOrder {
        /// Whether it is big-endian here.
        big_endian_here: bool,
    },
    /// The name of a type.
    #[error("what {direction}: {here:?} here, {there:?} there")]
    Name {
        /// Which of the two types.
        direction: Direction,
        /// This side's.
        here: String,
        /// The other side's.
        there: String,
    },
    /// The archived root of a type.
    #[error(
        "the archived form of what {direction}: {} bytes aligned to {} here, {} aligned to {} there",
        .here.0, .here.1, .there.0, .there.1
    )]
    Layout {
        /// Which of the two types.
        direction: Direction,
        /// Size and alignment at this side, in bytes.
        here: (u64, u32),
        /// The same at the other side.
        there: (u64, u32),
    },
}

fn order(big_endian: bool) -> &'static str {
    if big_endian { "big-endian" } else { "little-endian" }
}

/// Which way messages go.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Direction {
    /// From the connector to the exposed port.
    FromConnector,
    /// From the exposed port to the connector.
    ToConnector,
}

impl std::fmt::Display for Direction {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::FromConnector => "the connector posts",
            Self::ToConnector => "the connector receives",
        })
    }
}

impl Mismatch {
    /// The first difference between two formats.
    pub(crate) fn between(here: &Format, there: &Format) -> Option<Self> {
        if here.pointer_width != there.pointer_width {
            return Some(Self::PointerWidth {
                here: here.pointer_width,
                there: there.pointer_width,
            });
        }
        if here.big_endian != there.big_endian {
            return Some(Self::ByteOrder { big_endian_here: here.big_endian });
        }
        let types = |direction, here: &TypeFormat, there: &TypeFormat| {
            if here.name != there.name {
                let (here, there) = (here.name.clone(), there.name.clone());
                return Some(Self::Name { direction, here, there });
            }
            let (here, there) = ((here.size, here.align), (there.size, there.align));
            (here != there).then_some(Self::Layout { direction, here, there })
        };
        types(Direction::FromConnector, &here.up, &there.up)
            .or_else(|| types(Direction::ToConnector, &here.down, &there.down))
    }
}

/// Why a link broke.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LinkError {
    /// The other side's liveliness token vanished: it died, or cannot be reached.
    #[error("the other side is gone")]
    PeerGone,
    /// The session was closed at this side.
    #[error("the session was closed")]
    SessionClosed,
    /// Zenoh refused to send.
    #[error("sending failed: {0}")]
    Send(String),
    /// The program called [`Link::abort`](crate::Link::abort).
    #[error("the link was given up here")]
    Aborted,
    /// The other side gave the link up.
    #[error("the other side gave the link up: {0}")]
    AbortedByPeer(AbortReason),
    /// The other side broke a rule of the protocol.
    #[error("the other side broke the protocol")]
    Violation(#[source] Violation),
    /// A thread of the bridge panicked: a waker of the program's did.
    #[error("a thread of the bridge panicked")]
    Panicked,
    /// A message that this side's user posted does not validate.
    #[error("a message posted here is no valid archive")]
    InvalidArchive,
    /// A message is longer than the other side takes; or than the exposed channel, if it came
    /// from there.
    #[error("a message of {needed} bytes where {max} can be taken")]
    TooLarge {
        /// Bytes of its archive.
        needed: u64,
        /// The limit.
        max: u64,
    },
}

impl LinkError {
    /// What the other side is told.
    pub(crate) fn reason(&self) -> AbortReason {
        match self {
            Self::Violation(Violation::Lost { .. } | Violation::LostMessages { .. }) => {
                AbortReason::Lost
            }
            Self::Violation(_) => AbortReason::Violation,
            Self::InvalidArchive => AbortReason::InvalidArchive,
            Self::TooLarge { .. } => AbortReason::TooLarge,
            _ => AbortReason::Asked,
        }
    }
}
