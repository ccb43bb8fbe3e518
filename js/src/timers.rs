//! When which timer is due.

use std::collections::{BTreeSet, HashMap};
use std::time::{Duration, Instant};

#[derive(Default, Debug)]
pub(crate) struct Timers {
    due: BTreeSet<(Instant, u32)>,
    by_id: HashMap<u32, Instant>,
}

impl Timers {
    /// Sets a timer, or sets it anew. One that the clock cannot express is never due.
    pub(crate) fn set(&mut self, id: u32, delay: Duration) {
        self.clear(id);
        if let Some(due) = Instant::now().checked_add(delay) {
            self.due.insert((due, id));
            self.by_id.insert(id, due);
        }
    }

    pub(crate) fn clear(&mut self, id: u32) {
        if let Some(due) = self.by_id.remove(&id) {
            self.due.remove(&(due, id));
        }
    }

    /// Takes a timer that is due at that time, the earliest first.
    pub(crate) fn take_due(&mut self, now: Instant) -> Option<u32> {
        let (due, id) = *self.due.first()?;
        if due > now {
            return None;
        }
        self.clear(id);
        Some(id)
    }

    pub(crate) fn next(&self) -> Option<Instant> {
        self.due.first().map(|(due, _)| *due)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_earliest_is_first_and_those_at_once_in_order() {
        let mut timers = Timers::default();
        timers.set(1, Duration::from_secs(60));
        timers.set(2, Duration::ZERO);
        timers.set(3, Duration::ZERO);
        timers.set(4, Duration::MAX);
        let now = Instant::now();
        assert_eq!([timers.take_due(now), timers.take_due(now)], [Some(2), Some(3)]);
        assert_eq!(timers.take_due(now), None);
        assert!(timers.next().is_some());
        timers.clear(1);
        assert_eq!(timers.next(), None);
    }
}
