//! A table of addresses for writing or checking one message, and the rule for when room that a rare
//! message needed is freed.

use std::hash::{BuildHasher, RandomState};

/// This many bytes are kept for later messages, whatever they need.
pub(super) const KEPT: usize = 16 * 1024;

/// Room shrinks after this many messages in a row that needed less than a quarter of it.
const PATIENCE: u32 = 64;

/// Counts messages in a row that did not need the room they had.
#[derive(Debug, Default)]
pub(super) struct Idle {
    messages: u32,
    /// The most bytes that one of these messages needed.
    most: usize,
}

impl Idle {
    /// Records that a message needed `needed` bytes and found room for `room`. When it is time to free
    /// some, returns how many bytes are still needed.
    pub(super) fn note(&mut self, needed: usize, room: usize) -> Option<usize> {
        if room <= KEPT || needed > room / 4 {
            *self = Self::default();
            return None;
        }
        self.messages += 1;
        self.most = self.most.max(needed);
        (self.messages == PATIENCE).then(|| std::mem::take(self).most)
    }
}

/// A table of addresses that forgets all of them at once, in constant time, so that a large message
/// costs the next ones nothing.
#[derive(Debug)]
pub(super) struct Table<V> {
    /// A power of two of slots, or none. At least a quarter are free, so that a search ends.
    slots: Vec<Slot<V>>,
    /// Slots from earlier rounds count as free.
    round: u32,
    /// How many slots this round has taken.
    taken: usize,
    /// Secret, since archives from elsewhere choose their addresses and must not make them collide.
    seed: u64,
    idle: Idle,
}

#[derive(Clone, Debug)]
struct Slot<V> {
    round: u32,
    address: usize,
    value: Option<V>,
}

impl<V> Default for Table<V> {
    fn default() -> Self {
        Self { slots: Vec::new(), round: 1, taken: 0, seed: 0, idle: Idle::default() }
    }
}

impl<V: Clone> Table<V> {
    const SMALLEST: usize = 8;

    /// Forgets every address.
    pub(super) fn clear(&mut self) {
        self.taken = 0;
        self.round = self.round.wrapping_add(1);
        if self.round == 0 {
            // The round wrapped: a slot may be as old as the table and must not pass for a new one.
            self.slots.iter_mut().for_each(|slot| slot.round = 0);
            self.round = 1;
        }
    }

    pub(super) fn get_mut(&mut self, address: usize) -> Option<&mut V> {
        if self.slots.is_empty() {
            return None;
        }
        let at = self.find(address);
        let slot = &mut self.slots[at];
        if slot.round == self.round { slot.value.as_mut() } else { None }
    }

    /// Adds an address that is not there yet.
    pub(super) fn insert(&mut self, address: usize, value: V) {
        if self.taken >= self.slots.len() / 4 * 3 {
            self.resize((2 * self.slots.len()).max(Self::SMALLEST));
        }
        self.put(address, value);
    }

    /// Whether there is more room than is kept in any case.
    #[inline]
    pub(super) fn is_large(&self) -> bool {
        self.slots.len() > const { KEPT / size_of::<Slot<V>>() }
    }

    /// Tells the table that a message is done, and whether it used the table at all. Only for a
    /// [large](Self::is_large) table.
    #[cold]
    pub(super) fn settle(&mut self, used: bool) {
        let taken = if used { self.taken } else { 0 };
        let bytes = |slots: usize| slots * size_of::<Slot<V>>();
        if let Some(most) = self.idle.note(bytes(taken), bytes(self.slots.len())) {
            self.clear();
            let slots = most / size_of::<Slot<V>>();
            self.resize((slots / 3 * 4 + 4).next_power_of_two().max(Self::SMALLEST));
        }
    }

    /// The slot in which an address is or belongs.
    fn find(&self, address: usize) -> usize {
        let mask = self.slots.len() - 1;
        let mut at = self.hash(address) & mask;
        loop {
            let slot = &self.slots[at];
            if slot.round != self.round || slot.address == address {
                return at;
            }
            at = (at + 1) & mask;
        }
    }

    fn put(&mut self, address: usize, value: V) {
        let at = self.find(address);
        self.slots[at] = Slot { round: self.round, address, value: Some(value) };
        self.taken += 1;
    }

    fn resize(&mut self, slots: usize) {
        if self.seed == 0 {
            self.seed = RandomState::new().hash_one(0) | 1;
        }
        let empty = Slot { round: 0, address: 0, value: None };
        let old = std::mem::replace(&mut self.slots, vec![empty; slots]);
        self.taken = 0;
        for slot in old {
            if let Some(value) = slot.value.filter(|_| slot.round == self.round) {
                self.put(slot.address, value);
            }
        }
    }

    /// A product folded onto itself. Without the seed, nobody can predict which addresses collide.
    #[allow(clippy::cast_possible_truncation, reason = "the halves of a product")]
    fn hash(&self, address: usize) -> usize {
        const FACTOR: u64 = 0x9e37_79b9_7f4a_7c15;
        let product = u128::from(address as u64 ^ self.seed) * u128::from(FACTOR ^ self.seed);
        (product as u64 ^ (product >> 64) as u64) as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Enough addresses to make a table large.
    const MANY: usize = if cfg!(miri) { 1000 } else { 10_000 };

    fn filled(addresses: usize) -> Table<usize> {
        let mut table = Table::default();
        table.clear();
        (0..addresses).for_each(|n| table.insert(n * 16, n));
        table
    }

    #[test]
    fn every_address_is_found_until_the_table_is_cleared() {
        let mut table = filled(MANY);
        for n in 0..MANY {
            assert_eq!(table.get_mut(n * 16).copied(), Some(n));
            assert_eq!(table.get_mut(n * 16 + 8), None);
        }
        table.clear();
        assert!((0..MANY).all(|n| table.get_mut(n * 16).is_none()));
        table.insert(16, 7);
        assert_eq!(table.get_mut(16).copied(), Some(7));
    }

    #[test]
    fn rounds_wrap() {
        let mut table = filled(3);
        table.round = u32::MAX;
        table.insert(48, 3);
        table.clear();
        assert!((0..4).all(|n| table.get_mut(n * 16).is_none()));
        table.insert(0, 9);
        assert_eq!(table.get_mut(0).copied(), Some(9));
    }

    #[test]
    fn room_that_is_not_needed_for_a_while_is_let_go_of() {
        let mut table = filled(MANY);
        assert!(table.is_large());
        table.settle(true);
        for _ in 1..PATIENCE {
            table.settle(false);
            assert!(table.is_large());
        }
        table.settle(false);
        assert!(!table.is_large());
        table.insert(16, 7);
        assert_eq!(table.get_mut(16).copied(), Some(7));
    }

    #[test]
    fn room_that_is_needed_now_and_then_stays() {
        let mut table = filled(MANY);
        let slots = table.slots.as_ptr();
        for message in 0..if cfg!(miri) { 2 } else { 10 } * PATIENCE {
            let used = message % PATIENCE == 0;
            if used {
                table.clear();
                (0..MANY).for_each(|n| table.insert(n * 8, n));
            }
            table.settle(used);
        }
        assert_eq!(table.slots.as_ptr(), slots);
    }
}
