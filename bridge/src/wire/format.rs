//! What two sides must agree on to read each other's archives.

use std::mem::{align_of, size_of};

use message_port::rkyv::{Archived, primitive::FixedUsize};
use message_port::{Message, MessageChannel};

use super::WireError;
use super::cursor::Cursor;

/// The longest name of a type, in bytes; longer ones are cut off at the next border of a
/// character.
pub(super) const MAX_NAME: usize = 512;

/// How archives are laid out, and which types they are of.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Format {
    /// Bits of a pointer inside an archive.
    pub pointer_width: u8,
    /// Whether numbers inside an archive are big-endian.
    pub big_endian: bool,
    /// What the connector posts.
    pub up: TypeFormat,
    /// What the connector receives.
    pub down: TypeFormat,
}

/// The archived form of one type.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TypeFormat {
    /// Bytes of the root.
    pub size: u64,
    /// Alignment of the root in bytes.
    pub align: u32,
    /// What the program, or the compiler, calls the type.
    pub name: String,
}

impl TypeFormat {
    /// That of `T`, under this name or the compiler's.
    pub(crate) fn of<T: Message>(name: Option<&str>) -> Self {
        let mut name = name.unwrap_or_else(|| std::any::type_name::<T>()).to_owned();
        name.truncate(name.floor_char_boundary_of(MAX_NAME));
        Self {
            size: size_of::<Archived<T>>() as u64,
            align: u32::try_from(align_of::<Archived<T>>()).unwrap_or(u32::MAX),
            name,
        }
    }

    pub(super) fn encode(&self, to: &mut Vec<u8>) {
        let name = &self.name.as_bytes()[..self.name.floor_char_boundary_of(MAX_NAME)];
        to.extend_from_slice(&self.size.to_le_bytes());
        to.extend_from_slice(&self.align.to_le_bytes());
        to.extend_from_slice(&u16::try_from(name.len()).unwrap_or(0).to_le_bytes());
        to.extend_from_slice(name);
    }

    pub(super) fn decode(rest: &mut Cursor<'_>) -> Result<Self, WireError> {
        let (size, align) = (rest.u64()?, rest.u32()?);
        let length = usize::from(rest.u16()?);
        if length > MAX_NAME {
            return Err(WireError::BadName);
        }
        let name = std::str::from_utf8(rest.bytes(length)?).map_err(|_| WireError::BadName)?;
        Ok(Self { size, align, name: name.to_owned() })
    }
}

impl Format {
    /// That of this program, for these types under these names.
    pub(crate) fn new(up: TypeFormat, down: TypeFormat) -> Self {
        let pointer_width = u8::try_from(FixedUsize::BITS).unwrap_or(u8::MAX);
        Self { pointer_width, big_endian: archives_are_big_endian(), up, down }
    }

    pub(super) fn encode(&self, to: &mut Vec<u8>) {
        to.extend_from_slice(&[self.pointer_width, u8::from(self.big_endian)]);
        self.up.encode(to);
        self.down.encode(to);
    }

    pub(super) fn decode(rest: &mut Cursor<'_>) -> Result<Self, WireError> {
        let pointer_width = rest.u8()?;
        let big_endian = match rest.u8()? {
            0 => false,
            1 => true,
            other => {
                return Err(WireError::BadField { field: "byte order", value: other.into() });
            }
        };
        let (up, down) = (TypeFormat::decode(rest)?, TypeFormat::decode(rest)?);
        Ok(Self { pointer_width, big_endian, up, down })
    }
}

/// Features of rkyv decide, and no constant of it says: so look at an archive.
fn archives_are_big_endian() -> bool {
    let MessageChannel { mut port1, mut port2 } = MessageChannel::<u16>::with_capacity(64);
    port1.post_message(&1).is_ok()
        && port2.recv().is_ok_and(|message| message.as_bytes().first() == Some(&0))
}

/// `str::floor_char_boundary`, which is younger than the Rust version that this crate asks for.
trait FloorCharBoundary {
    fn floor_char_boundary_of(&self, index: usize) -> usize;
}

impl FloorCharBoundary for str {
    fn floor_char_boundary_of(&self, index: usize) -> usize {
        let mut index = index.min(self.len());
        while !self.is_char_boundary(index) {
            index -= 1;
        }
        index
    }
}
