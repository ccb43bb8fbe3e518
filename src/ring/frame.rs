//! The arithmetic of frames and positions. Nothing here touches memory.
//!
//! A *position* counts bytes since the ring was made, is a multiple of [`SLOT`], and wraps with
//! `usize`. The frame at position `p` has its header in the eight bytes *before* `p` and its
//! payload at `p`. So payloads start at multiples of sixteen, and yet a `u64` takes only one slot.

/// Bytes per slot. Frames are whole slots, and payloads are aligned to a slot.
pub(crate) const SLOT: usize = 16;

/// Bytes in front of each payload.
pub(crate) const HEADER: usize = 8;

/// Payload bytes of a spill frame: the address, capacity and length of a heap buffer, and under
/// loom the address of its shadow.
pub(crate) const SPILL_PAYLOAD: usize =
    if cfg!(message_port_loom) { 4 } else { 3 } * size_of::<usize>();

/// The smallest ring: a spill frame fits it wherever the cursors are.
pub(crate) const MIN_CAPACITY: usize = (2 * size(SPILL_PAYLOAD)).next_power_of_two();

/// The largest ring: the largest power of two that an allocation may have.
pub(crate) const MAX_CAPACITY: usize = (isize::MAX as usize >> 1) + 1;

/// The most bytes that a direction may grow to.
///
/// Which of two positions is the later one can be told only while they are less than half the range
/// of a counter apart. The consumer's head and the producer's cursor are at most this and one more
/// segment apart: the oldest segment may have been lapped before its switch, so that its frames and
/// the rest of the lap behind the switch together take up to twice its capacity.
pub(crate) const MAX_GROWABLE: usize = MAX_CAPACITY;

/// The longest archive that the length field of a header can express.
const MAX_LENGTH: usize = (u32::MAX >> KIND_BITS) as usize;

const KIND_BITS: u32 = 2;

/// What a header announces.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Kind {
    /// The payload is an archive.
    Message = 1,
    /// The rest of the lap is unused; the next frame is at the start of the next lap.
    Skip = 2,
    /// The payload describes a heap buffer that holds the archive.
    Spill = 3,
    /// The next frame is at the start of the next lap, in another segment.
    Switch = 2 | 1 << KIND_BITS,
}

/// The commit word of a frame that is not there yet.
pub(crate) const EMPTY: u32 = 0;

/// The commit word of a frame: its kind, and for a message its exact length in bytes. Other kinds
/// have length zero.
#[inline]
pub(crate) const fn word(kind: Kind, length: usize) -> u32 {
    debug_assert!(length <= MAX_LENGTH);
    #[allow(clippy::cast_possible_truncation, reason = "bounded by MAX_LENGTH")]
    let length = length as u32;
    length << KIND_BITS | kind as u32
}

/// The kind that a commit word announces; `None` if there is no frame.
#[inline]
pub(crate) const fn kind(word: u32) -> Option<Kind> {
    const SKIP: u32 = Kind::Skip as u32;
    const SPILL: u32 = Kind::Spill as u32;
    const SWITCH: u32 = Kind::Switch as u32;
    if is_message(word) {
        return Some(Kind::Message);
    }
    match word {
        SKIP => Some(Kind::Skip),
        SPILL => Some(Kind::Spill),
        SWITCH => Some(Kind::Switch),
        _ => None,
    }
}

/// Whether a commit word announces a message in place.
#[inline]
pub(crate) const fn is_message(word: u32) -> bool {
    word & ((1 << KIND_BITS) - 1) == Kind::Message as u32
}

/// The length in bytes that a message's commit word announces.
#[inline]
pub(crate) const fn length(word: u32) -> usize {
    (word >> KIND_BITS) as usize
}

/// Bytes from one frame to the next when the first has `length` payload bytes.
///
/// `length` must be at most [`MAX_CAPACITY`].
#[inline]
pub(crate) const fn size(length: usize) -> usize {
    (length + HEADER + SLOT - 1) & !(SLOT - 1)
}

/// The longest archive that is written into a ring of `capacity` bytes.
///
/// A frame of up to half the ring fits an empty ring wherever the cursors are. If the run to the end
/// of the lap is shorter than the frame, the run from the start of the next lap, less the slot that
/// is always kept free, is at least half the ring.
#[inline]
pub(crate) const fn max_in_place(capacity: usize) -> usize {
    let half = capacity / 2 - HEADER;
    if half < MAX_LENGTH { half } else { MAX_LENGTH }
}

/// How far frames may reach if everything before `head` is free again.
///
/// One slot stays free, because its upper half is the header that the consumer polls.
#[inline]
pub(crate) const fn limit(head: usize, capacity: usize) -> usize {
    head.wrapping_add(capacity - SLOT)
}

/// The start of the lap after that of `position`.
#[inline]
pub(crate) const fn next_lap(position: usize, capacity: usize) -> usize {
    (position & !(capacity - 1)).wrapping_add(capacity)
}

/// Bytes from `from` to `to`, where `to` is not behind `from`.
#[inline]
pub(crate) const fn distance(from: usize, to: usize) -> usize {
    to.wrapping_sub(from)
}

/// Where the producer can put a frame, relative to its cursor.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Place {
    /// At the cursor.
    Here,
    /// At the start of the next lap, after a skip frame.
    NextLap,
    /// Nowhere, until the consumer's head reaches this position.
    WaitFor(usize),
}

/// Finds room for a frame of `size` bytes at `tail`, with everything before `head` free.
///
/// `size` must be at most half of `capacity`, and `head` not ahead of `tail`.
#[inline]
pub(crate) const fn place(head: usize, tail: usize, size: usize, capacity: usize) -> Place {
    debug_assert!(size <= capacity / 2);
    debug_assert!(distance(head, tail) <= capacity - SLOT);
    let room = distance(tail, limit(head, capacity));
    let run = distance(tail, next_lap(tail, capacity));
    let (needed, place) =
        if size <= run { (size, Place::Here) } else { (run + size, Place::NextLap) };
    if needed <= room {
        place
    } else {
        Place::WaitFor(tail.wrapping_add(needed).wrapping_sub(capacity - SLOT))
    }
}

/// The later of two positions.
#[inline]
pub(crate) const fn later(a: usize, b: usize) -> usize {
    if reached(a, b) { a } else { b }
}

/// Whether a cursor at `position` has reached `target`, across the wrap of the counter.
#[inline]
pub(crate) const fn reached(position: usize, target: usize) -> bool {
    distance(target, position) <= usize::MAX / 2
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_costs_one_slot() {
        assert_eq!(size(0), 16);
        assert_eq!(size(8), 16);
        assert_eq!(size(9), 32);
        assert_eq!(size(24), 32);
    }

    #[test]
    fn words_round_trip_and_are_never_empty() {
        for length_in in [0, 1, 8, 4096, MAX_LENGTH] {
            let word = word(Kind::Message, length_in);
            assert_eq!(kind(word), Some(Kind::Message));
            assert_eq!(length(word), length_in);
        }
        for kind_in in [Kind::Skip, Kind::Spill, Kind::Switch] {
            let word = word(kind_in, 0);
            assert!(!is_message(word));
            assert_eq!(kind(word), Some(kind_in));
        }
        assert_eq!(kind(EMPTY), None);
    }

    /// Every frame of up to half the ring fits an empty ring at every cursor, also where the counter
    /// wraps.
    #[test]
    fn half_the_ring_always_fits_an_empty_ring() {
        for capacity in [64, 128, 1024] {
            for lap in [0usize, usize::MAX - capacity + 1] {
                for slot in 0..capacity / SLOT {
                    let tail = lap.wrapping_add(slot * SLOT);
                    for size in (SLOT..=capacity / 2).step_by(SLOT) {
                        assert!(
                            !matches!(place(tail, tail, size, capacity), Place::WaitFor(_)),
                            "capacity {capacity}, tail {tail}, size {size}"
                        );
                    }
                }
            }
        }
    }

    /// Positions as far apart as a direction allows compare correctly, for each capacity and also
    /// where the counter wraps.
    #[test]
    fn positions_at_the_limit_of_a_direction_can_be_told_apart() {
        let farthest = |growable: usize, capacity: usize| match growable / capacity {
            // The producer waits for at most a slot more than its cursor.
            0 | 1 => capacity + SLOT,
            segments => (segments + 1).saturating_mul(capacity).saturating_add(SLOT),
        };
        let mut capacity = MIN_CAPACITY;
        while capacity <= MAX_CAPACITY {
            let apart = farthest(MAX_GROWABLE, capacity);
            for head in [0, (usize::MAX - apart / 2) & !(SLOT - 1), 1 << (usize::BITS - 1)] {
                let target = head.wrapping_add(apart);
                assert!(reached(target, head), "capacity {capacity}");
                assert!(!reached(head, target), "capacity {capacity}");
                assert_eq!(later(head, target), target);
                assert_eq!(later(target, head), target);
            }
            capacity *= 2;
        }
        let too_far = farthest(MAX_GROWABLE * 2, 4096);
        assert!(reached(0, too_far), "unread bytes would be taken for free ones");
    }

    /// The position that a producer waits for is exact: there is room at it, and none a slot
    /// earlier.
    #[test]
    fn the_awaited_head_is_exact() {
        let capacity = 256;
        for lap in [0usize, usize::MAX - 511] {
            for used in (0..capacity).step_by(SLOT) {
                for start in (0..capacity).step_by(SLOT) {
                    let head = lap.wrapping_add(start);
                    let tail = head.wrapping_add(used);
                    for size in (SLOT..=capacity / 2).step_by(SLOT) {
                        if let Place::WaitFor(target) = place(head, tail, size, capacity) {
                            assert!(!reached(head, target));
                            assert!(reached(tail, target), "waiting for what was not posted");
                            let enough = place(target, tail, size, capacity);
                            assert!(!matches!(enough, Place::WaitFor(_)));
                            let short = place(target.wrapping_sub(SLOT), tail, size, capacity);
                            assert_eq!(short, Place::WaitFor(target));
                        }
                    }
                }
            }
        }
    }
}
