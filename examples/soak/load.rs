//! The messages: each shows whose it is, which it is, and whether it is whole.

use message_port::Message;
use rkyv::rancor::Error;
use rkyv::util::AlignedVec;
use rkyv::{Archive, Archived, Serialize};

use crate::plan::Sizes;
use crate::random::{Random, scramble};

/// A message that can be made again and again in the same place, and checked where it arrives.
pub(crate) trait Load: Message + Archive + Send + Sync + 'static {
    fn blank() -> Self;

    /// Makes this message `number` of the stream `key`, of a length out of `sizes` if it has a choice.
    fn fill(&mut self, key: u64, number: u64, sizes: Sizes, random: &mut Random);

    /// Bytes of the archive.
    fn archive_length(&self) -> usize;

    /// The archive, made outside of a channel.
    fn archive(&self) -> AlignedVec;

    /// Panics unless this is message `number` of the stream `key`, unharmed. Says how many bytes the
    /// archive has.
    fn check(archived: &Archived<Self>, key: u64, number: u64) -> usize;
}

/// A sum that notices words that changed places.
fn sum(start: u64, words: impl Iterator<Item = u64>) -> u64 {
    let (mut a, mut b) = (start, 1u64);
    for word in words {
        a = a.wrapping_add(word);
        b = b.wrapping_add(a);
    }
    a ^ b.rotate_left(32)
}

/// The start of the sum of a message: it belongs to one place in one stream only.
fn start(key: u64, number: u64) -> u64 {
    scramble(key ^ number)
}

fn in_order(found: u64, number: u64) {
    assert!(
        found == number,
        "message {found} came instead of {number}: lost, doubled or out of order"
    );
}

fn unharmed(found: u64, expected: u64, number: u64) {
    assert!(
        found == expected,
        "message {number} was harmed: sum {found:x} instead of {expected:x}"
    );
}

/// The number is its own sum: only one `u64` is right at each place of a stream.
impl Load for u64 {
    fn blank() -> Self {
        0
    }

    fn fill(&mut self, key: u64, number: u64, _: Sizes, _: &mut Random) {
        *self = start(key, number);
    }

    fn archive_length(&self) -> usize {
        size_of::<Self>()
    }

    fn archive(&self) -> AlignedVec {
        rkyv::to_bytes::<Error>(self).unwrap()
    }

    fn check(archived: &Archived<Self>, key: u64, number: u64) -> usize {
        unharmed(archived.to_native(), start(key, number), number);
        size_of::<Self>()
    }
}

/// The number, words that differ from message to message, and the sum of these.
impl<const N: usize> Load for [u64; N] {
    fn blank() -> Self {
        [0; N]
    }

    fn fill(&mut self, key: u64, number: u64, _: Sizes, _: &mut Random) {
        let start = start(key, number);
        self[0] = number;
        for (word, index) in self[1..N - 1].iter_mut().zip(1u64..) {
            *word = start.wrapping_mul(2 * index + 1);
        }
        self[N - 1] = sum(start, self[1..N - 1].iter().copied());
    }

    fn archive_length(&self) -> usize {
        size_of::<Self>()
    }

    fn archive(&self) -> AlignedVec {
        rkyv::to_bytes::<Error>(self).unwrap()
    }

    fn check(archived: &Archived<Self>, key: u64, number: u64) -> usize {
        in_order(archived[0].to_native(), number);
        let words = archived[1..N - 1].iter().map(|word| word.to_native());
        unharmed(archived[N - 1].to_native(), sum(start(key, number), words), number);
        size_of::<Self>()
    }
}

/// A message of any length.
#[derive(Archive, Serialize)]
pub(crate) struct Parcel {
    number: u64,
    sum: u64,
    bytes: Vec<u8>,
}

fn sum_of_bytes(start: u64, bytes: &[u8]) -> u64 {
    let (words, rest) = bytes.as_chunks::<8>();
    let last = rest.iter().fold(bytes.len() as u64, |word, byte| word << 8 | u64::from(*byte));
    sum(start ^ last, words.iter().map(|word| u64::from_le_bytes(*word)))
}

/// The bytes padded to the alignment of the root, and the root: two numbers and a vector.
fn parcel_length(bytes: usize) -> usize {
    bytes.next_multiple_of(8) + 24
}

impl Load for Parcel {
    fn blank() -> Self {
        Self { number: 0, sum: 0, bytes: Vec::new() }
    }

    fn fill(&mut self, key: u64, number: u64, sizes: Sizes, random: &mut Random) {
        let start = start(key, number);
        self.number = number;
        self.bytes.resize(sizes.length(random), 0);
        let (words, rest) = self.bytes.as_chunks_mut::<8>();
        for (word, index) in words.iter_mut().zip(0u64..) {
            *word = start.wrapping_mul(2 * index + 1).to_le_bytes();
        }
        rest.copy_from_slice(&start.to_le_bytes()[..rest.len()]);
        self.sum = sum_of_bytes(start, &self.bytes);
        // What one long message took is not kept for the short ones.
        self.bytes.shrink_to(self.bytes.len().max(64 << 10));
    }

    fn archive_length(&self) -> usize {
        parcel_length(self.bytes.len())
    }

    fn archive(&self) -> AlignedVec {
        rkyv::to_bytes::<Error>(self).unwrap()
    }

    fn check(archived: &Archived<Self>, key: u64, number: u64) -> usize {
        in_order(archived.number.to_native(), number);
        let expected = sum_of_bytes(start(key, number), &archived.bytes);
        unharmed(archived.sum.to_native(), expected, number);
        parcel_length(archived.bytes.len())
    }
}
