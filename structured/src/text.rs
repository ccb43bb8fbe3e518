//! Text of 16-bit units, as JavaScript has it.

use std::borrow::Cow;
use std::fmt;

/// A string of a value, read in place: any sequence of 16-bit units.
///
/// Where all of them are below 256 they take a byte each. A lone surrogate, which no Rust string
/// can have, stays what it is.
///
/// # Examples
///
/// ```
/// use message_port_structured::{Builder, Value};
///
/// let value = Value::from("tea");
/// let text = value.root().as_str().unwrap();
/// assert_eq!(text, "tea");
/// assert_eq!(text.len(), 3);
///
/// let mut builder = Builder::new();
/// let lone = builder.string_utf16(&[0x61, 0xd800]);
/// let value = builder.finish(lone)?;
/// let text = value.root().as_str().unwrap();
/// assert_eq!(text.to_str(), None);
/// assert_eq!(text.to_string(), "a\u{fffd}");
/// # Ok::<(), message_port_structured::TooLargeError>(())
/// ```
#[derive(Clone, Copy)]
pub struct Text<'a>(pub(crate) Units<'a>);

#[derive(Clone, Copy)]
pub(crate) enum Units<'a> {
    /// A byte each.
    Latin1(&'a [u8]),
    /// Two bytes each, little-endian.
    Utf16(&'a [[u8; 2]]),
}

impl<'a> Text<'a> {
    /// Length in 16-bit units, what JavaScript calls `length`.
    pub fn len(self) -> usize {
        match self.0 {
            Units::Latin1(bytes) => bytes.len(),
            Units::Utf16(units) => units.len(),
        }
    }

    /// Whether there are no units.
    pub fn is_empty(self) -> bool {
        self.len() == 0
    }

    /// The units, one by one.
    pub fn units(self) -> impl Iterator<Item = u16> + 'a {
        let (bytes, units): (&[u8], &[[u8; 2]]) = match self.0 {
            Units::Latin1(bytes) => (bytes, &[]),
            Units::Utf16(units) => (&[], units),
        };
        let units = units.iter().map(|unit| u16::from_le_bytes(*unit));
        bytes.iter().map(|byte| u16::from(*byte)).chain(units)
    }

    /// The characters, each lone surrogate replaced by U+FFFD.
    pub fn chars(self) -> impl Iterator<Item = char> + 'a {
        char::decode_utf16(self.units()).map(|unit| unit.unwrap_or(char::REPLACEMENT_CHARACTER))
    }

    /// The text where it lies, if it is ASCII and stored as such.
    pub fn as_ascii(self) -> Option<&'a str> {
        match self.0 {
            Units::Latin1(bytes) if bytes.is_ascii() => str::from_utf8(bytes).ok(),
            _ => None,
        }
    }

    /// The text, borrowed if it is ASCII; `None` if it has a lone surrogate.
    pub fn to_str(self) -> Option<Cow<'a, str>> {
        if let Some(text) = self.as_ascii() {
            return Some(Cow::Borrowed(text));
        }
        char::decode_utf16(self.units()).collect::<Result<_, _>>().ok().map(Cow::Owned)
    }

    /// The bytes, if all units are below 256 and stored as such.
    #[inline]
    pub fn as_latin1(self) -> Option<&'a [u8]> {
        match self.0 {
            Units::Latin1(bytes) => Some(bytes),
            Units::Utf16(_) => None,
        }
    }
}

impl fmt::Display for Text<'_> {
    /// Writes the text, each lone surrogate as U+FFFD.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.as_ascii() {
            Some(text) => f.pad(text),
            None => self.chars().try_for_each(|char| fmt::Write::write_char(f, char)),
        }
    }
}

impl fmt::Debug for Text<'_> {
    /// As a literal; a lone surrogate as `\u{d800}`, as JavaScript writes it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("\"")?;
        for unit in char::decode_utf16(self.units()) {
            match unit {
                Ok('\'') => f.write_str("'")?,
                Ok(char) => write!(f, "{}", char.escape_debug())?,
                Err(lone) => write!(f, "\\u{{{:x}}}", lone.unpaired_surrogate())?,
            }
        }
        f.write_str("\"")
    }
}

impl PartialEq for Text<'_> {
    fn eq(&self, other: &Self) -> bool {
        match (self.0, other.0) {
            (Units::Latin1(one), Units::Latin1(other)) => one == other,
            (Units::Utf16(one), Units::Utf16(other)) => one == other,
            _ => self.len() == other.len() && self.units().eq(other.units()),
        }
    }
}

impl Eq for Text<'_> {}

impl PartialEq<str> for Text<'_> {
    fn eq(&self, other: &str) -> bool {
        match self.as_ascii() {
            Some(text) => text == other,
            None => self.units().eq(other.encode_utf16()),
        }
    }
}

impl PartialEq<&str> for Text<'_> {
    fn eq(&self, other: &&str) -> bool {
        *self == **other
    }
}
