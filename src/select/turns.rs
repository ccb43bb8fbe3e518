//! The ports of a select, and the order in which they are looked at.

use std::collections::VecDeque;
use std::sync::Arc;
use std::task::Waker;

use super::key::Ready;
use super::watch::Watch;
use crate::event_loop::PortId;
use crate::event_loop::bell::{Bell, Called};
use crate::event_loop::queue::{Queue, Rung};
use crate::link::wait::Glance;
use crate::sync::Unparker;
use crate::sync::order::{Mutant, active};

/// What the wakers of the ports see of the thread that waits.
pub(super) struct Sleeper {
    pub(super) rung: Rung,
    pub(super) glance: Glance,
    unparker: Unparker,
}

impl Sleeper {
    pub(super) fn new(unparker: Unparker) -> Arc<Self> {
        Arc::new(Self { rung: Rung::new(), glance: Glance::default(), unparker })
    }
}

impl Called for Sleeper {
    fn rung(&self) -> &Rung {
        &self.rung
    }

    fn call(&self) {
        self.glance.note_waker();
        self.unparker.unpark();
    }
}

struct Entry<'a> {
    port: &'a mut (dyn Watch + 'static),
    id: PortId,
    bell: Arc<Bell<Sleeper>>,
    waker: Waker,
    /// Whether it is in the list of turns. If not, its wait cell is armed or its bell has rung.
    has_turn: bool,
}

/// The ports with their bells. A port without a turn sleeps: it costs nothing until its bell rings.
pub(super) struct Turns<'a> {
    /// By their places; `None` where a place is free.
    entries: Vec<Option<Entry<'a>>>,
    ports: usize,
    queue: Queue<Sleeper>,
    /// The places of the ports to be looked at, each at most once, in this order.
    waiting: VecDeque<usize>,
    sleeper: Arc<Sleeper>,
}

impl<'a> Turns<'a> {
    pub(super) fn new(sleeper: Arc<Sleeper>) -> Self {
        let (entries, waiting) = (Vec::new(), VecDeque::new());
        Self { entries, ports: 0, queue: Queue::new(), waiting, sleeper }
    }

    pub(super) fn len(&self) -> usize {
        self.ports
    }

    /// Takes a port in, and allocates all memory that it can need here.
    pub(super) fn add(&mut self, port: &'a mut (dyn Watch + 'static)) -> Ready {
        let id = PortId::unique();
        let bell = self.queue.admit(id, &self.sleeper);
        let (place, waker) = (bell.place, Waker::from(Arc::clone(&bell)));
        if place == self.entries.len() {
            self.entries.push(None);
        }
        self.waiting.reserve(self.entries.len() - self.waiting.len());
        self.entries[place] = Some(Entry { port, id, bell, waker, has_turn: true });
        self.waiting.push_back(place);
        self.ports += 1;
        Ready { id, place }
    }

    fn entry(&self, name: Ready) -> Option<&Entry<'a>> {
        self.entries.get(name.place)?.as_ref().filter(|entry| entry.id == name.id)
    }

    /// A port, for a use that does not change its state.
    pub(super) fn port(&self, name: Ready) -> Option<&(dyn Watch + 'static)> {
        Some(&*self.entry(name)?.port)
    }

    /// A port, for any use by its owner. Afterwards its wait cell may not be armed, or may be armed
    /// for another waiter, so it is looked at again.
    pub(super) fn lend(&mut self, name: Ready) -> Option<&mut (dyn Watch + 'static)> {
        self.entry(name)?;
        let entry = self.entries[name.place].as_mut()?;
        if !active(Mutant::ForgetLent) && !std::mem::replace(&mut entry.has_turn, true) {
            self.waiting.push_back(name.place);
        }
        Some(&mut *entry.port)
    }

    /// Gives a port back, as it came.
    pub(super) fn remove(&mut self, name: Ready) -> Option<&'a mut (dyn Watch + 'static)> {
        self.entry(name)?;
        let Entry { port, bell, has_turn, .. } = self.entries[name.place].take()?;
        self.ports -= 1;
        if has_turn {
            // The place may soon be another port's.
            self.waiting.retain(|&place| place != name.place);
        }
        port.forget_task();
        self.queue.retire(&bell, &self.sleeper.rung);
        Some(port)
    }

    /// Gives the ports that have rung a turn.
    fn hear(&mut self) {
        self.queue.hear(&self.sleeper.rung);
        while let Some(bell) = self.queue.next_bell() {
            // Before the port is looked at: what comes from now on rings again.
            if !active(Mutant::LateBell) {
                bell.queued.lower();
            }
            let Some(entry) = &mut self.entries[bell.place] else { continue };
            if !std::mem::replace(&mut entry.has_turn, true) {
                self.waiting.push_back(bell.place);
            }
        }
    }

    /// Looks at the ports in turn until one has something; its next turn then comes after those of
    /// the others. With `to_sleep`, the ports that have nothing sleep from then on.
    pub(super) fn find(&mut self, to_sleep: bool) -> Option<Ready> {
        self.hear();
        for _ in 0..self.waiting.len() {
            let Some(place) = self.waiting.pop_front() else { break };
            let Some(entry) = &mut self.entries[place] else { continue };
            let has_news =
                entry.port.has_news() || to_sleep && entry.port.wake_for_news(&entry.waker);
            if active(Mutant::LateBell) {
                entry.bell.queued.lower();
            }
            if has_news {
                self.waiting.push_back(place);
                return Some(Ready { id: entry.id, place });
            }
            entry.has_turn = !to_sleep;
            if entry.has_turn {
                self.waiting.push_back(place);
            }
        }
        None
    }
}

impl Drop for Turns<'_> {
    fn drop(&mut self) {
        for entry in self.entries.iter_mut().flatten() {
            entry.port.forget_task();
        }
    }
}
