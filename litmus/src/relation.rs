//! Sets of events and relations between them, as in a `.cat` file.

use std::ops::{BitAnd, BitOr, Sub};

/// At most so many events has an execution.
pub const MAX_EVENTS: usize = 64;

/// Events, as the bits of a word.
pub type Set = u64;

/// A relation between events.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Relation {
    /// For each event those that it is related to.
    rows: Vec<Set>,
}

impl Relation {
    /// Between so many events, none of which are related.
    ///
    /// # Panics
    ///
    /// If there are more than [`MAX_EVENTS`].
    #[must_use]
    pub fn empty(events: usize) -> Self {
        assert!(events <= MAX_EVENTS, "{events} events are too many");
        Self { rows: vec![0; events] }
    }

    /// Each event of the set to itself: `[set]`.
    #[must_use]
    pub fn identity(events: usize, set: Set) -> Self {
        let mut identity = Self::empty(events);
        for (event, row) in identity.rows.iter_mut().enumerate() {
            *row = set & 1 << event;
        }
        identity
    }

    /// Adds one pair.
    pub fn insert(&mut self, from: usize, to: usize) {
        self.rows[from] |= 1 << to;
    }

    /// Adds each pair of `from` and `to`.
    pub fn insert_all(&mut self, from: Set, to: Set) {
        for (event, row) in self.rows.iter_mut().enumerate() {
            if from & 1 << event != 0 {
                *row |= to;
            }
        }
    }

    /// Whether the two are related.
    #[must_use]
    pub fn contains(&self, from: usize, to: usize) -> bool {
        self.rows[from] & 1 << to != 0
    }

    /// First this one, then the other one: `self; other`.
    #[must_use]
    pub fn then(&self, other: &Self) -> Self {
        let rows = self.rows.iter().map(|&row| {
            let (mut left, mut to) = (row, 0);
            while left != 0 {
                to |= other.rows[left.trailing_zeros() as usize];
                left &= left - 1;
            }
            to
        });
        Self { rows: rows.collect() }
    }

    /// The other way round: `self^-1`.
    #[must_use]
    pub fn inverse(&self) -> Self {
        let mut inverse = Self::empty(self.rows.len());
        for (from, &row) in self.rows.iter().enumerate() {
            for to in 0..self.rows.len() {
                if row & 1 << to != 0 {
                    inverse.insert(to, from);
                }
            }
        }
        inverse
    }

    /// One or several steps: `self+`.
    #[must_use]
    pub fn plus(&self) -> Self {
        let mut closure = self.clone();
        for middle in 0..self.rows.len() {
            let reached = closure.rows[middle];
            for row in &mut closure.rows {
                if *row & 1 << middle != 0 {
                    *row |= reached;
                }
            }
        }
        closure
    }

    /// At most one step: `self?`.
    #[must_use]
    pub fn maybe(&self) -> Self {
        self | &Self::identity(self.rows.len(), Set::MAX)
    }

    /// Any number of steps: `self*`.
    #[must_use]
    pub fn star(&self) -> Self {
        self.plus().maybe()
    }

    /// The pairs from `from` to `to`: `[from]; self; [to]`.
    #[must_use]
    pub fn between(&self, from: Set, to: Set) -> Self {
        let rows = self.rows.iter().enumerate();
        Self { rows: rows.map(|(e, &row)| if from & 1 << e == 0 { 0 } else { row & to }).collect() }
    }

    /// Whether no event is related to itself.
    #[must_use]
    pub fn is_irreflexive(&self) -> bool {
        self.rows.iter().enumerate().all(|(event, &row)| row & 1 << event == 0)
    }

    /// Whether no event leads back to itself.
    #[must_use]
    pub fn is_acyclic(&self) -> bool {
        self.plus().is_irreflexive()
    }

    /// Whether nothing is related.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows.iter().all(|&row| row == 0)
    }

    /// The events that something leads to: `range(self)`.
    #[must_use]
    pub fn range(&self) -> Set {
        self.rows.iter().fold(0, |range, row| range | row)
    }

    fn zip(&self, other: &Self, f: impl Fn(Set, Set) -> Set) -> Self {
        Self { rows: self.rows.iter().zip(&other.rows).map(|(&a, &b)| f(a, b)).collect() }
    }
}

impl BitOr for &Relation {
    type Output = Relation;

    fn bitor(self, other: Self) -> Relation {
        self.zip(other, |a, b| a | b)
    }
}

impl BitAnd for &Relation {
    type Output = Relation;

    fn bitand(self, other: Self) -> Relation {
        self.zip(other, |a, b| a & b)
    }
}

impl Sub for &Relation {
    type Output = Relation;

    fn sub(self, other: Self) -> Relation {
        self.zip(other, |a, b| a & !b)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn relation(pairs: &[(usize, usize)]) -> Relation {
        let mut relation = Relation::empty(4);
        for &(from, to) in pairs {
            relation.insert(from, to);
        }
        relation
    }

    #[test]
    fn operators_are_those_of_relations() {
        let (a, b) = (relation(&[(0, 1), (1, 2)]), relation(&[(1, 3), (2, 0)]));
        assert_eq!(a.then(&b), relation(&[(0, 3), (1, 0)]));
        assert_eq!(a.inverse(), relation(&[(1, 0), (2, 1)]));
        assert_eq!(a.plus(), relation(&[(0, 1), (1, 2), (0, 2)]));
        assert_eq!(&a | &b, relation(&[(0, 1), (1, 2), (1, 3), (2, 0)]));
        assert_eq!(&a - &relation(&[(0, 1)]), relation(&[(1, 2)]));
        assert_eq!(&a & &relation(&[(0, 1), (3, 3)]), relation(&[(0, 1)]));
        assert_eq!(a.between(0b01, 0b10), relation(&[(0, 1)]));
        assert_eq!(a.range(), 0b110);
        assert_eq!(Relation::identity(4, 0b1010), relation(&[(1, 1), (3, 3)]));
    }

    #[test]
    fn cycles_are_found() {
        let (a, b) = (relation(&[(0, 1), (1, 2)]), relation(&[(2, 0)]));
        assert!(a.is_acyclic() && b.is_acyclic());
        let both = &a | &b;
        assert!(both.is_irreflexive() && !both.is_acyclic());
        assert!(both.plus().contains(0, 0));
        assert!(!a.maybe().is_irreflexive());
        assert!(relation(&[]).is_empty() && !a.is_empty());
    }
}
