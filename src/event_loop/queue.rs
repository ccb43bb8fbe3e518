//! The ports of a loop or a select that have rung, in the order in which they rang.
//!
//! Each port has a place, a number, for as long as its bell may be in the list. A bell is in it at
//! most once and carries the link itself, so ringing allocates nothing and never waits.

use std::collections::VecDeque;
use std::sync::Arc;

use super::PortId;
use super::bell::Bell;
use crate::sync::{AtomicUsize, order};

/// No place.
const NOBODY: usize = usize::MAX;

/// Bells that rang and were not heard yet: a linked list, the last one first.
pub(crate) struct Rung(AtomicUsize);

/// The link from one bell to the one that rang before it. Written by the thread that rings, read by
/// the loop.
pub(super) struct Before(AtomicUsize);

impl Before {
    pub(super) fn new() -> Self {
        Self(AtomicUsize::new(NOBODY))
    }
}

impl Rung {
    pub(crate) fn new() -> Self {
        Self(AtomicUsize::new(NOBODY))
    }

    /// Appends a bell that is not in the list.
    pub(super) fn push<C>(&self, bell: &Bell<C>) {
        let mut last = self.0.load(order::UNORDERED);
        loop {
            bell.before.0.store(last, order::UNORDERED);
            // ORDERING(L3): Release; pairs with L4: the link is in place.
            match self.0.compare_exchange(last, bell.place, order::ring(), order::UNORDERED) {
                Ok(_) => return,
                Err(other) => last = other,
            }
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        // Unordered: a loop that sleeps or rests is called by the thread that has rung.
        self.0.load(order::UNORDERED) == NOBODY
    }
}

/// A place, and the port that has it.
struct Place<C> {
    /// `None` while the place is free.
    bell: Option<Arc<Bell<C>>>,
    /// The port has left the loop, and its bell is in the list or is just being put there.
    is_stale: bool,
}

/// The loop's side.
pub(crate) struct Queue<C> {
    places: Vec<Place<C>>,
    free: Vec<usize>,
    /// The places of bells that were heard and had no turn yet.
    turns: VecDeque<usize>,
    /// The number of stale places.
    stale: usize,
}

impl<C> Queue<C> {
    pub(crate) fn new() -> Self {
        Self { places: Vec::new(), free: Vec::new(), turns: VecDeque::new(), stale: 0 }
    }

    /// Makes a bell for a port, and allocates all memory that its ringing needs.
    pub(crate) fn admit(&mut self, id: PortId, called: &Arc<C>) -> Arc<Bell<C>> {
        let number = self.free.pop().unwrap_or(self.places.len());
        let bell = Bell::new(id, number, called);
        let place = Place { bell: Some(Arc::clone(&bell)), is_stale: false };
        match self.places.get_mut(number) {
            Some(free) => *free = place,
            None => self.places.push(place),
        }
        self.free.reserve(self.places.len() - self.free.len());
        self.turns.reserve(self.places.len() - self.turns.len());
        bell
    }

    /// Retires a bell. It rings no more, unless it is just ringing.
    pub(crate) fn retire(&mut self, bell: &Bell<C>, rung: &Rung) {
        if !bell.queued.raise() {
            // From now on nobody else puts it into the list.
            return self.vacate(bell.place);
        }
        self.places[bell.place].is_stale = true;
        self.stale += 1;
        // Ports that come and go while the loop is not running must not pile up.
        if self.stale > self.places.len() / 2 {
            self.hear(rung);
            for _ in 0..self.turns.len() {
                let Some(number) = self.turns.pop_front() else { break };
                if self.places[number].is_stale {
                    self.vacate(number);
                } else {
                    self.turns.push_back(number);
                }
            }
        }
    }

    fn vacate(&mut self, number: usize) {
        let place = &mut self.places[number];
        self.stale -= usize::from(std::mem::take(&mut place.is_stale));
        place.bell = None;
        self.free.push(number);
    }

    /// Gives the bells that have rung a turn, behind those that wait for theirs.
    pub(crate) fn hear(&mut self, rung: &Rung) {
        let heard = self.turns.len();
        // ORDERING(L4): Acquire; pairs with L3: the links are in place, also those of bells that
        // rang before the last one, since ringing exchanges the word.
        let mut number = rung.0.swap(NOBODY, order::hear());
        // A bell that rings again afterwards is not affected: it is not lowered before its turn.
        while let Some(Place { bell: Some(bell), .. }) = self.places.get(number) {
            self.turns.push_back(number);
            number = bell.before.0.load(order::UNORDERED);
        }
        self.turns.make_contiguous()[heard..].reverse();
    }

    /// The next port that was heard.
    pub(super) fn next(&mut self) -> Option<PortId> {
        self.next_bell().map(|bell| bell.id)
    }

    /// The bell of the next port that was heard.
    pub(crate) fn next_bell(&mut self) -> Option<&Bell<C>> {
        let number = loop {
            let number = self.turns.pop_front()?;
            if !self.places[number].is_stale {
                break number;
            }
            self.vacate(number);
        };
        self.places[number].bell.as_deref()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.turns.is_empty()
    }
}
