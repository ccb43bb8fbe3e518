//! A message of any length that shows whether it arrived whole and in order.

use rkyv::{Archive, Serialize};

use crate::random::Random;

#[derive(Archive, Serialize)]
pub(crate) struct Parcel {
    pub(crate) number: u64,
    checksum: u64,
    bytes: Vec<u8>,
}

/// Fletcher's sums, which notice bytes that changed places.
fn checksum(number: u64, bytes: &[u8]) -> u64 {
    let (mut a, mut b) = (number, 1u64);
    let mut chunks = bytes.chunks_exact(8);
    for chunk in &mut chunks {
        let word = chunk.iter().fold(0, |word, byte| word << 8 | u64::from(*byte));
        a = a.wrapping_add(word);
        b = b.wrapping_add(a);
    }
    for byte in chunks.remainder() {
        a = a.wrapping_add(u64::from(*byte));
        b = b.wrapping_add(a);
    }
    a ^ b.rotate_left(32)
}

impl Parcel {
    /// A parcel of `length` bytes that depend on `number`.
    pub(crate) fn new(number: u64, length: usize) -> Self {
        let mut random = Random::new(number);
        let mut bytes = vec![0; length];
        for chunk in bytes.chunks_mut(8) {
            let word = random.next().to_le_bytes();
            chunk.copy_from_slice(&word[..chunk.len()]);
        }
        Self { number, checksum: checksum(number, &bytes), bytes }
    }

    /// How many bytes its archive has: the bytes padded to the alignment of the root, and the
    /// root, two numbers and a vector.
    pub(crate) fn archive_length(&self) -> usize {
        self.bytes.len().next_multiple_of(8) + 24
    }
}

impl ArchivedParcel {
    /// Fails unless this is parcel `number`, unharmed.
    pub(crate) fn check(&self, number: u64) {
        assert_eq!(self.number, number, "lost, doubled or out of order");
        assert_eq!(self.checksum, checksum(number, &self.bytes), "harmed");
    }
}
