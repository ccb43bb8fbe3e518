//! Answers that came before the caller asked for them, and the buffers that they are kept in.

use std::mem::take;

use rkyv::util::AlignedVec;

use crate::archive::ALIGNMENT;

/// The archive of an answer, outside of the ring.
pub(super) type Kept = AlignedVec<ALIGNMENT>;

/// A buffer of at most so many bytes is small.
const SMALL: usize = 16 * 1024;

/// So many small buffers stay in any case: together they are no more than a ring of the default
/// capacity, and a client that now and then waits for its calls in another order allocates nothing.
const FEW: usize = 4;

/// Buffers that are used again, so that nothing is allocated in a steady state.
#[derive(Debug, Default)]
pub(super) struct Keep {
    small: Spares,
    large: Spares,
    /// What the last reply was read from.
    in_hand: Option<Kept>,
}

/// Buffers of one kind.
#[derive(Debug, Default)]
struct Spares {
    /// Those that nobody uses; the last one is the next to be taken, so the idle ones come first.
    buffers: Vec<Kept>,
    /// How many are in use.
    used: usize,
    /// The most that were in use at a time since the last look.
    most: usize,
    /// The longest archive since the last look.
    longest: usize,
}

impl Spares {
    fn take(&mut self, length: usize) -> Kept {
        self.used += 1;
        self.most = self.most.max(self.used);
        self.longest = self.longest.max(length);
        self.buffers.pop().unwrap_or_default()
    }

    fn give_back(&mut self, kept: Kept) {
        self.used -= 1;
        self.buffers.push(kept);
    }

    /// Frees what was idle since the last look, if that is more than three quarters of the buffers,
    /// and buffers more than four times as long as what was kept in them. `few` buffers stay.
    ///
    /// With less than that as the limit, a need that goes up and down would allocate each time.
    fn trim(&mut self, few: usize) {
        let (most, longest) = (take(&mut self.most), take(&mut self.longest));
        self.most = self.used;
        let total = self.used + self.buffers.len();
        if most < total / 4 {
            let idle = (total - most.max(few)).min(self.buffers.len());
            self.buffers.drain(..idle);
            self.buffers.shrink_to(total - idle);
        }
        self.buffers.retain(|kept| kept.capacity() <= SMALL || kept.capacity() / 4 <= longest);
    }
}

impl Keep {
    /// Copies an archive out of its message.
    pub(super) fn keep(&mut self, archive: &[u8]) -> Kept {
        let spares = if archive.len() > SMALL { &mut self.large } else { &mut self.small };
        let mut kept = spares.take(archive.len());
        kept.clear();
        kept.extend_from_slice(archive);
        kept
    }

    /// Takes a buffer back that nobody reads any more.
    pub(super) fn give_back(&mut self, kept: Kept) {
        let spares = if kept.len() > SMALL { &mut self.large } else { &mut self.small };
        spares.give_back(kept);
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

    /// Whether there is anything that [`trim`](Self::trim) might free.
    #[inline]
    pub(super) fn has_spares(&self) -> bool {
        !self.small.buffers.is_empty() || !self.large.buffers.is_empty()
    }

    /// Frees what was not needed since the last time.
    pub(super) fn trim(&mut self) {
        self.small.trim(FEW);
        self.large.trim(0);
    }
}

#[cfg(all(test, not(message_port_loom)))]
mod tests {
    use super::*;

    fn bytes(keep: &Keep) -> usize {
        let buffers = keep.small.buffers.iter().chain(&keep.large.buffers);
        buffers.map(AlignedVec::capacity).sum()
    }

    /// Keeps so many archives at a time.
    fn burst(keep: &mut Keep, archives: usize, length: usize) {
        let kept: Vec<_> = (0..archives).map(|_| keep.keep(&vec![7; length])).collect();
        for kept in kept {
            keep.give_back(kept);
        }
    }

    #[test]
    fn a_buffer_is_used_again() {
        let mut keep = Keep::default();
        for length in [1000, SMALL + 1] {
            let kept = keep.keep(&vec![7; length]);
            let address = kept.as_ptr();
            assert_eq!(keep.take_in_hand(kept), vec![7; length]);
            keep.rest_hand();
            keep.trim();
            let again = keep.keep(&vec![9; length]);
            assert_eq!(again.as_ptr(), address);
            assert_eq!(again.as_slice(), vec![9; length]);
            keep.give_back(again);
        }
    }

    #[test]
    fn a_rare_long_answer_leaves_nothing_for_good() {
        let mut keep = Keep::default();
        burst(&mut keep, 1, 1 << 20);
        for _ in 0..2 {
            burst(&mut keep, 1, 100);
            keep.trim();
        }
        assert!(bytes(&keep) <= SMALL, "{} bytes", bytes(&keep));
    }

    /// The one of a mebibyte must not live on as a buffer for less.
    #[test]
    fn a_buffer_that_is_far_too_long_is_freed() {
        let mut keep = Keep::default();
        burst(&mut keep, 1, 1 << 20);
        for _ in 0..3 {
            burst(&mut keep, 1, SMALL + 1);
            keep.trim();
        }
        assert!(bytes(&keep) <= 4 * SMALL, "{} bytes", bytes(&keep));
    }

    #[test]
    fn what_a_burst_needed_is_freed_but_for_a_few_buffers() {
        for length in [SMALL, SMALL + 1] {
            let mut keep = Keep::default();
            burst(&mut keep, 100, length);
            // One of the burst is still unread, and is not counted as idle.
            let unread = keep.keep(&vec![7; length]);
            for _ in 0..2 {
                keep.trim();
            }
            keep.give_back(unread);
            assert!(bytes(&keep) <= FEW * SMALL, "{} bytes", bytes(&keep));
            assert!(keep.small.buffers.capacity() + keep.large.buffers.capacity() <= 8);
        }
    }

    #[test]
    fn a_need_that_goes_up_and_down_frees_nothing() {
        for length in [1000, SMALL + 1] {
            let mut keep = Keep::default();
            burst(&mut keep, 100, length);
            keep.trim();
            let all = bytes(&keep);
            for archives in [25, 100, 60, 99] {
                burst(&mut keep, archives, length);
                keep.trim();
                assert_eq!(bytes(&keep), all, "after {archives} archives");
            }
        }
    }
}
