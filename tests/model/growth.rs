//! The model of a ring that may grow: which segment a frame goes to.
//!
//! Segments have equal sizes. A frame for which the newest one has no room goes to the start of
//! another one, if that and all segments and buffers that are in use stay within the limit; what
//! is kept for later makes way.
//!
//! Where messages lie in blocks the model knows when one fits and which wake-ups are due, but for
//! the time in an event loop, where it does not see the receiver pass a switch. In frames it says
//! when a message must fit. It does not know exactly how long the buffers are that are in use (a
//! shorter archive may be in one that was made for a longer one). So it believes that one fits which
//! it does not expect to, and that a sender at the limit is woken: `tests/growable.rs` and
//! `tests/growable_memory.rs` hold those to account.

use super::room::{Fit, Item, Room};

/// Where a frame goes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Place {
    Here,
    NextLap,
    NewSegment,
}

impl Room {
    /// Whether an archive fits, once everything is tried.
    pub(super) fn fit_growing(&self, length: usize, max_bytes: usize) -> Fit {
        if self.lost {
            return Fit::Possible;
        }
        let bytes = self.frame_of(length);
        let fits = |(passed, buffers)| {
            let beside = self.segments(passed) * self.segment() + buffers <= max_bytes;
            (!self.spills(length) || beside) && self.place(bytes, passed, buffers).is_some()
        };
        let cases = self.cases(length).map(fits);
        // Without buffers nothing is counted from above.
        if self.blocks_of.is_some() && !cases.contains(&true) {
            return Fit::Impossible;
        }
        all_or_none(cases)
    }

    /// Whether a frame fits the newest segment.
    pub(super) fn fit_in_segment(&self, bytes: usize) -> Fit {
        let cases = [0, self.perhaps_passed()];
        let fits = cases.map(|passed| self.fits_newest(bytes, passed));
        if self.blocks_of.is_some() && !fits.contains(&true) {
            return Fit::Impossible;
        }
        all_or_none(fits)
    }

    /// Leaves the lap or the segment for an archive that has room. `false` says that the rest of
    /// the lap is to be skipped if it is too short.
    pub(super) fn reserve_growing(&mut self, length: usize) -> bool {
        let bytes = self.frame_of(length);
        let places = |room: &Self| {
            room.cases(length).map(|(passed, buffers)| room.place(bytes, passed, buffers))
        };
        // That there is room only if the receiver has looked says that it has.
        if let [None, Some(_), ..] = places(self) {
            self.look();
        }
        let mut places = places(self).into_iter().flatten();
        let place = places.next();
        self.lost |= places.any(|other| Some(other) != place);
        if place == Some(Place::NewSegment) {
            self.items.push_back(Item::Switch);
            self.tail = 0;
        }
        place == Some(Place::NewSegment)
    }

    /// What may be the case: items that were passed without being seen, and bytes of the buffers
    /// in use, with the one of this archive. First those with the fewest bytes.
    fn cases(&self, length: usize) -> [(usize, usize); 4] {
        let away = || self.items.iter().filter_map(Item::spilled);
        let own = self.spills(length);
        let least = away().sum::<usize>() + if own { length } else { 0 };
        let most = (away().count() + usize::from(own)) * self.longest_spilled;
        let passed = self.perhaps_passed();
        [(0, least), (passed, least), (0, most), (passed, most)]
    }

    fn place(&self, bytes: usize, passed: usize, buffers: usize) -> Option<Place> {
        if self.fits_newest(bytes, passed) {
            return Some(if bytes <= self.run() { Place::Here } else { Place::NextLap });
        }
        let grown = (self.segments(passed) + 1) * self.segment() + buffers;
        (grown <= self.max_bytes?).then_some(Place::NewSegment)
    }

    fn fits_newest(&self, bytes: usize, passed: usize) -> bool {
        let newest = self.items.range(passed..).rev();
        let newest = newest.take_while(|item| !matches!(item, Item::Switch));
        let used: usize = newest.map(Item::bytes).sum();
        used + self.needed(bytes) <= self.usable()
    }

    /// Bytes of a segment, as the limit counts them: without the block that stays free.
    fn segment(&self) -> usize {
        self.blocks_of.map_or(self.capacity, |blocks| blocks.bytes.max(self.capacity))
    }

    fn segments(&self, passed: usize) -> usize {
        let switches = self.items.range(passed..).filter(|it| matches!(it, Item::Switch));
        1 + switches.count()
    }

    /// Items that a receiver has passed if it has looked.
    fn perhaps_passed(&self) -> usize {
        if self.delivered || !self.perhaps_looked {
            return 0;
        }
        self.items.iter().take_while(|item| item.is_passed_by_looking()).count()
    }
}

/// What the model expects in none of its cases may still fit: it counts the memory of what is in
/// use from above.
fn all_or_none<const CASES: usize>(fits: [bool; CASES]) -> Fit {
    if fits.iter().all(|fits| *fits) { Fit::Certain } else { Fit::Possible }
}
