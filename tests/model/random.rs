//! Random bytes for programs.

/// Between a few and some hundred bytes, by the generator splitmix64.
pub(crate) fn bytes(seed: u64) -> Vec<u8> {
    let mut state = seed;
    let mut next = || {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    };
    let words = 1 + next() % 64;
    (0..words).flat_map(|_| next().to_le_bytes()).collect()
}
