//! What tells one message from another.

/// The contents of a message, short enough to be printed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Content {
    length: usize,
    hash: u64,
}

impl Content {
    pub(crate) fn of(bytes: &[u8]) -> Self {
        // By words: the fuzzer spends most of its time in here otherwise.
        let step =
            |hash: u64, word: u64| (hash ^ word).wrapping_mul(0x0100_0000_01b3).rotate_left(29);
        let (words, rest) = bytes.as_chunks::<8>();
        let words = words.iter().map(|word| u64::from_le_bytes(*word));
        let hash = words.fold(0xcbf2_9ce4_8422_2325, step);
        let hash = rest.iter().map(|byte| u64::from(*byte)).fold(hash, step);
        Self { length: bytes.len(), hash }
    }
}
