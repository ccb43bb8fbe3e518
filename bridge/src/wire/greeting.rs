//! The frames with which a link begins.

use std::fmt;

use super::cursor::Cursor;
use super::{Format, VERSION, WireError, kind};

const MAGIC: [u8; 4] = *b"MPZ\0";

/// A number of 128 random bits.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct LinkId(pub [u8; 16]);

impl fmt::Display for LinkId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for LinkId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// What a side offers.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Terms {
    /// Bytes of credit that it grants.
    pub window: u64,
    /// The longest archive that it takes, in bytes.
    pub max_message_len: u64,
    /// How it reads and writes archives.
    pub format: Format,
}

/// Why a connector is refused.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Refusal {
    /// The port has its one peer already.
    Engaged,
    /// The formats differ; this is the exposing side's.
    Format(Format),
    /// The versions differ.
    Version,
}

/// A greeting.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Greeting {
    /// From a connector.
    Hello(LinkId, Terms),
    /// From the exposing side.
    Accept(LinkId, Terms),
    /// From the exposing side.
    Refuse(LinkId, Refusal),
    /// Of another version than [`VERSION`], and therefore not read.
    OtherVersion(LinkId, u16),
}

/// Whether a payload that begins with this byte is a greeting rather than a frame of a link; it need
/// not be a good one.
pub(crate) fn is_greeting(first: u8) -> bool {
    (kind::HELLO..=kind::REFUSE).contains(&first)
}

/// Reads a greeting.
///
/// # Errors
///
/// Whenever the bytes are not exactly one greeting.
pub fn decode_greeting(bytes: &[u8]) -> Result<Greeting, WireError> {
    let mut rest = Cursor::new(bytes);
    let kind = rest.u8()?;
    if !(kind::HELLO..=kind::REFUSE).contains(&kind) || rest.array()? != MAGIC {
        return Err(WireError::NoGreeting);
    }
    let version = rest.u16()?;
    let link = LinkId(rest.array()?);
    if version != VERSION {
        return Ok(Greeting::OtherVersion(link, version));
    }
    let greeting = match kind {
        kind::HELLO => Greeting::Hello(link, terms(&mut rest)?),
        kind::ACCEPT => Greeting::Accept(link, terms(&mut rest)?),
        _ => Greeting::Refuse(link, refusal(&mut rest)?),
    };
    rest.finish()?;
    Ok(greeting)
}

fn terms(rest: &mut Cursor<'_>) -> Result<Terms, WireError> {
    let (window, max_message_len) = (rest.u64()?, rest.u64()?);
    Ok(Terms { window, max_message_len, format: Format::decode(rest)? })
}

fn refusal(rest: &mut Cursor<'_>) -> Result<Refusal, WireError> {
    match rest.u8()? {
        1 => Ok(Refusal::Engaged),
        2 => Ok(Refusal::Format(Format::decode(rest)?)),
        3 => Ok(Refusal::Version),
        other => Err(WireError::BadField { field: "refusal", value: other.into() }),
    }
}

/// The bytes of a greeting. One of another version has nothing behind its link.
pub fn encode_greeting(greeting: &Greeting) -> Vec<u8> {
    let (kind, version, link) = match greeting {
        Greeting::Hello(link, _) => (kind::HELLO, VERSION, link),
        Greeting::Accept(link, _) => (kind::ACCEPT, VERSION, link),
        Greeting::Refuse(link, _) => (kind::REFUSE, VERSION, link),
        Greeting::OtherVersion(link, version) => (kind::HELLO, *version, link),
    };
    let mut bytes = vec![kind];
    bytes.extend_from_slice(&MAGIC);
    bytes.extend_from_slice(&version.to_le_bytes());
    bytes.extend_from_slice(&link.0);
    match greeting {
        Greeting::Hello(_, terms) | Greeting::Accept(_, terms) => {
            bytes.extend_from_slice(&terms.window.to_le_bytes());
            bytes.extend_from_slice(&terms.max_message_len.to_le_bytes());
            terms.format.encode(&mut bytes);
        }
        Greeting::Refuse(_, Refusal::Engaged) => bytes.push(1),
        Greeting::Refuse(_, Refusal::Format(format)) => {
            bytes.push(2);
            format.encode(&mut bytes);
        }
        Greeting::Refuse(_, Refusal::Version) => bytes.push(3),
        Greeting::OtherVersion(..) => {}
    }
    bytes
}
