//! Where the bytes of an archive go.

use std::mem::MaybeUninit;

use rkyv::primitive::FixedIsize;
use rkyv::ser::{Positional, Writer};

use super::copy::put;
use crate::error::DataCloneError;

/// The reach of the offsets in an archive, which another crate of the program may choose with a feature
/// of rkyv. Beyond this many bytes, rkyv panics instead of failing.
#[allow(
    clippy::cast_sign_loss,
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::unnecessary_cast,
    reason = "positive, and compared in the wider of the two types"
)]
pub(crate) const MAX_LENGTH: usize = if size_of::<FixedIsize>() < size_of::<usize>() {
    FixedIsize::MAX as usize
} else {
    isize::MAX as usize
};

/// Writes into a fixed place. When that is full, it keeps counting, up to [`MAX_LENGTH`].
#[derive(Debug)]
pub struct BoundedWriter<'a> {
    place: &'a mut [MaybeUninit<u8>],
    /// Bytes written or, beyond the place, only counted.
    position: usize,
}

impl<'a> BoundedWriter<'a> {
    #[inline(always)]
    pub(super) fn new(place: &'a mut [MaybeUninit<u8>]) -> Self {
        Self { place, position: 0 }
    }
}

impl Positional for BoundedWriter<'_> {
    #[inline]
    fn pos(&self) -> usize {
        self.position
    }
}

impl Writer<DataCloneError> for BoundedWriter<'_> {
    #[inline]
    fn write(&mut self, bytes: &[u8]) -> Result<(), DataCloneError> {
        let end = self.position.saturating_add(bytes.len());
        if end > MAX_LENGTH {
            return Err(DataCloneError::beyond_every_limit(end));
        }
        if let Some(place) = self.place.get_mut(self.position..end) {
            put(place, bytes);
        }
        self.position = end;
        Ok(())
    }
}
