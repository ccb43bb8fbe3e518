//! The ports of a loop that have rung, in the order in which they did.
//!
//! Each port has a place, a number, as long as its bell may be in the list. A bell is in it at most
//! once and carries the link itself, so ringing allocates nothing and waits for nobody.

use std::collections::VecDeque;
use std::sync::Arc;

use super::PortId;
use super::shared::{Bell, Shared};
use crate::sync::{AtomicUsize, order};

/// No place.
const NOBODY: usize = usize::MAX;

/// Those that rang and were not heard yet: a list, the last one first.
pub(super) struct Rung(AtomicUsize);

/// The way from one bell to the one that rang before it. Written by whoever rings, read by the
/// loop.
pub(super) struct Before(AtomicUsize);

impl Before {
    pub(super) fn new() -> Self {
        Self(AtomicUsize::new(NOBODY))
    }
}

impl Rung {
    pub(super) fn new() -> Self {
        Self(AtomicUsize::new(NOBODY))
    }

    /// Appends a bell, which is not in the list.
    pub(super) fn push(&self, bell: &Bell) {
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

    pub(super) fn is_empty(&self) -> bool {
        // Unordered: a loop that sleeps or rests is called by whoever has rung.
        self.0.load(order::UNORDERED) == NOBODY
    }
}

/// A place, and the port that has it.
struct Place {
    /// `None` while the place is free.
    bell: Option<Arc<Bell>>,
    /// The port has left the loop, and its bell is in the list, or somebody is just putting it there.
    is_stale: bool,
}

/// The loop's own side.
pub(super) struct Queue {
    places: Vec<Place>,
    free: Vec<usize>,
    /// The places of those that were heard and had no turn yet.
    turns: VecDeque<usize>,
    /// Places that are stale.
    stale: usize,
}

impl Queue {
    pub(super) fn new() -> Self {
        Self { places: Vec::new(), free: Vec::new(), turns: VecDeque::new(), stale: 0 }
    }

    /// Makes a bell for a port. With it comes the memory for everything that its ringing needs.
    pub(super) fn admit(&mut self, id: PortId, shared: &Arc<Shared>) -> Arc<Bell> {
        let number = self.free.pop().unwrap_or(self.places.len());
        let bell = Bell::new(id, number, shared);
        let place = Place { bell: Some(Arc::clone(&bell)), is_stale: false };
        match self.places.get_mut(number) {
            Some(free) => *free = place,
            None => self.places.push(place),
        }
        self.free.reserve(self.places.len() - self.free.len());
        self.turns.reserve(self.places.len() - self.turns.len());
        bell
    }

    /// Lets go of a bell. It rings no more, unless it just does.
    pub(super) fn retire(&mut self, bell: &Bell, rung: &Rung) {
        if !bell.queued.raise() {
            // Nobody else puts it into the list from now on.
            return self.vacate(bell.place);
        }
        self.places[bell.place].is_stale = true;
        self.stale += 1;
        // Ports that come and go while nobody runs the loop must not pile up.
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

    /// Gives those that have rung a turn, behind those that wait for theirs.
    pub(super) fn hear(&mut self, rung: &Rung) {
        let heard = self.turns.len();
        // ORDERING(L4): Acquire; pairs with L3: the links are in place, also those of bells that
        // rang before the last one, since ringing exchanges the word.
        let mut number = rung.0.swap(NOBODY, order::hear());
        // A bell that rings again afterwards is another matter: it is not lowered before its turn.
        while let Some(Place { bell: Some(bell), .. }) = self.places.get(number) {
            self.turns.push_back(number);
            number = bell.before.0.load(order::UNORDERED);
        }
        self.turns.make_contiguous()[heard..].reverse();
    }

    /// The next one that was heard.
    pub(super) fn next(&mut self) -> Option<PortId> {
        loop {
            let number = self.turns.pop_front()?;
            match &self.places[number] {
                Place { bell: Some(bell), is_stale: false } => return Some(bell.id),
                _ => self.vacate(number),
            }
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.turns.is_empty()
    }
}
