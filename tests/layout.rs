//! The arithmetic of frames, blocks and positions against a model that never wraps, with random
//! numbers and at the ends of their ranges.

mod frames;

#[test]
fn the_arithmetic_agrees_with_numbers_that_never_wrap() {
    let mut state = 0u64;
    for round in 0..if cfg!(miri) { 10 } else { 4_000 } {
        let bytes: Vec<u8> = (0..24 + round % 64)
            .flat_map(|_| {
                state =
                    state.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(0x1405_7b7e_f767_814f);
                (state ^ (state >> 33)).to_le_bytes()
            })
            .collect();
        if let Err(objection) = frames::check(&bytes) {
            panic!("round {round}: {objection}");
        }
    }
}
