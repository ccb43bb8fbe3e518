//! Integers without a limit.

use std::fmt;

/// An integer of a value, of any size, read in place.
///
/// # Examples
///
/// ```
/// use message_port_structured::Builder;
///
/// let mut builder = Builder::new();
/// let number = builder.bigint(true, &[0, 1]);
/// let value = builder.finish(number)?;
/// let number = value.root().as_bigint().unwrap();
/// assert_eq!(number.to_i128(), Some(-256));
/// assert_eq!(number.to_string(), "-0x100");
/// # Ok::<(), message_port_structured::TooLargeError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct BigInt<'a> {
    pub(crate) negative: bool,
    pub(crate) magnitude: &'a [u8],
}

impl<'a> BigInt<'a> {
    /// Whether it is below zero.
    pub fn is_negative(self) -> bool {
        self.negative
    }

    /// Its absolute value in little-endian bytes, the last of which is not zero; none for zero.
    pub fn magnitude(self) -> &'a [u8] {
        self.magnitude
    }

    /// The number, if it is in range.
    pub fn to_i128(self) -> Option<i128> {
        let mut bytes = [0; 16];
        bytes.get_mut(..self.magnitude.len())?.copy_from_slice(self.magnitude);
        let magnitude = u128::from_le_bytes(bytes);
        if self.negative {
            0_i128.checked_sub_unsigned(magnitude)
        } else {
            magnitude.try_into().ok()
        }
    }
}

impl fmt::Display for BigInt<'_> {
    /// In hexadecimal digits, as `-0x100`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.negative { "-0x" } else { "0x" })?;
        match self.magnitude {
            [] => f.write_str("0"),
            [rest @ .., last] => {
                write!(f, "{last:x}")?;
                rest.iter().rev().try_for_each(|byte| write!(f, "{byte:02x}"))
            }
        }
    }
}

impl fmt::Debug for BigInt<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.to_i128() {
            Some(number) => write!(f, "{number}n"),
            None => write!(f, "{self}n"),
        }
    }
}
