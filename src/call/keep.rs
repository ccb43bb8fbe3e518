//! Answers that came before the caller asked for them, and the buffers that they are kept in.

use rkyv::util::AlignedVec;

use crate::archive::ALIGNMENT;

/// The archive of an answer, outside of the ring.
pub(super) type Kept = AlignedVec<ALIGNMENT>;

/// Buffers of so many bytes are used again in any case.
const SMALL: usize = 16 * 1024;

/// After so many calls in a row that needed no larger buffer, the larger ones are let go of.
const PATIENCE: u32 = 64;

/// Buffers that are used again, so that nothing is allocated in a steady state.
#[derive(Debug, Default)]
pub(super) struct Keep {
    small: Vec<Kept>,
    large: Vec<Kept>,
    /// What the last reply was read from.
    in_hand: Option<Kept>,
    /// Calls since a larger buffer was needed.
    quiet: u32,
}

impl Keep {
    /// Copies an archive out of its message.
    pub(super) fn keep(&mut self, archive: &[u8]) -> Kept {
        let is_large = archive.len() > SMALL;
        if is_large {
            self.quiet = 0;
        }
        let spare = if is_large { self.large.pop() } else { self.small.pop() };
        let mut kept = spare.unwrap_or_default();
        kept.clear();
        kept.extend_from_slice(archive);
        kept
    }

    /// Takes a buffer back that nobody reads any more.
    pub(super) fn give_back(&mut self, kept: Kept) {
        if kept.capacity() > SMALL { self.large.push(kept) } else { self.small.push(kept) }
    }

    /// Keeps an archive for as long as a reply is read from it, which is until the next call.
    pub(super) fn take_in_hand(&mut self, kept: Kept) -> &[u8] {
        self.rest_hand();
        self.in_hand.insert(kept)
    }

    #[inline]
    pub(super) fn rest_hand(&mut self) {
        if self.in_hand.is_some() {
            self.give_hand_back();
        }
    }

    #[cold]
    fn give_hand_back(&mut self) {
        if let Some(kept) = self.in_hand.take() {
            self.give_back(kept);
        }
    }

    /// Notes a call.
    #[inline]
    pub(super) fn note_call(&mut self) {
        if !self.large.is_empty() {
            self.settle();
        }
    }

    #[cold]
    fn settle(&mut self) {
        self.quiet += 1;
        if self.quiet >= PATIENCE {
            self.quiet = 0;
            self.large = Vec::new();
        }
    }
}

#[cfg(all(test, not(message_port_loom)))]
mod tests {
    use super::*;

    fn bytes(keep: &Keep) -> usize {
        keep.small.iter().chain(&keep.large).map(AlignedVec::capacity).sum()
    }

    #[test]
    fn a_buffer_is_used_again() {
        let mut keep = Keep::default();
        for length in [1000, SMALL + 1] {
            let kept = keep.keep(&vec![7; length]);
            let address = kept.as_ptr();
            assert_eq!(keep.take_in_hand(kept), vec![7; length]);
            keep.rest_hand();
            assert_eq!(keep.keep(&[8; 10]).as_slice(), [8; 10]);
            keep.note_call();
            let again = keep.keep(&vec![9; length]);
            if length > SMALL {
                assert_eq!(again.as_ptr(), address);
            }
            keep.give_back(again);
        }
    }

    #[test]
    fn a_rare_long_answer_leaves_nothing_for_good() {
        let mut keep = Keep::default();
        let kept = keep.keep(&vec![7; 1 << 20]);
        keep.give_back(kept);
        for _ in 0..PATIENCE {
            let kept = keep.keep(&[7; 100]);
            keep.give_back(kept);
            keep.note_call();
        }
        assert!(bytes(&keep) <= SMALL, "{} bytes", bytes(&keep));
    }
}
