//! Whether an end looks for news for a while longer before it is suspended.

use crate::sync::spin_loop;

/// Looks of a task before it is suspended, each after a pause: about a microsecond.
const LOOKS: u32 = 24;

/// Looks of a try, which lasts as long as waking the other end takes: tens of microseconds.
const LOOKS_OF_A_TRY: u32 = 1200;

/// After this many failures in a row, an end that recently succeeded stops looking.
const PATIENCE: u32 = 4;

/// Suspensions before the first try. The number doubles up to [`LONGEST_BREAK`].
const FIRST_BREAK: u32 = 8;
const LONGEST_BREAK: u32 = 1024;

/// Suspending and waking an end costs far more than receiving a message that is about to arrive. So
/// an end looks for news as long as that has recently succeeded.
///
/// Two tasks that are woken for each message never meet that way: each is suspended long before the
/// other has woken up. So now and then a task tries for as long as a wake-up takes. If both do, they
/// meet and need no wake-ups from then on.
///
/// A thread that sleeps has looked for a while already. It meets a peer that takes somewhat longer for
/// each message, as for a megabyte, if it looks for as long again as a wake-up takes.
#[derive(Debug)]
pub(super) struct Eager {
    is_allowed: bool,
    /// Looks while they succeed.
    looks: u32,
    /// Failures still accepted before the end stops looking.
    patience: u32,
    /// Suspensions left without looking, until the next try.
    left_out: u32,
    /// How many suspensions to leave out the next time.
    next_break: u32,
}

impl Eager {
    pub(super) fn of_a_task(is_allowed: bool) -> Self {
        Self::new(is_allowed, LOOKS)
    }

    pub(super) fn of_a_thread() -> Self {
        Self::new(true, LOOKS_OF_A_TRY)
    }

    fn new(is_allowed: bool, looks: u32) -> Self {
        Self { is_allowed, looks, patience: 0, left_out: FIRST_BREAK, next_break: FIRST_BREAK }
    }

    /// Looks for a moment if that has recently succeeded, or if a try is due, and if `helps` says that
    /// it can do so now: the other end can run meanwhile, and no deadline passes.
    pub(super) fn look<R>(
        &mut self,
        helps: impl FnOnce() -> bool,
        mut look: impl FnMut() -> Option<R>,
    ) -> Option<R> {
        if !self.is_allowed || cfg!(any(message_port_loom, miri)) {
            return None;
        }
        if self.patience == 0 && self.left_out > 0 {
            self.left_out -= 1;
            return None;
        }
        if !helps() {
            if self.patience == 0 {
                // Finding that out costs time as well.
                self.left_out = FIRST_BREAK;
            }
            return None;
        }
        for _ in 0..if self.patience == 0 { LOOKS_OF_A_TRY } else { self.looks } {
            spin_loop();
            if let Some(found) = look() {
                (self.patience, self.next_break) = (PATIENCE, FIRST_BREAK);
                return Some(found);
            }
        }
        self.patience = self.patience.saturating_sub(1);
        if self.patience == 0 {
            self.left_out = self.next_break;
            self.next_break = (self.next_break * 2).min(LONGEST_BREAK);
        }
        None
    }
}

#[cfg(all(test, not(any(message_port_loom, miri))))]
mod tests {
    use super::*;

    #[test]
    fn it_looks_only_where_the_other_end_can_run() {
        let mut eager = Eager::of_a_task(true);
        for _ in 0..100 {
            assert_eq!(eager.look(|| false, || -> Option<()> { unreachable!() }), None);
        }
        // It does not ask at each suspension.
        let found = (0..=FIRST_BREAK).find_map(|_| eager.look(|| true, || Some(7)));
        assert_eq!(found, Some(7));
        let mut off = Eager::of_a_task(false);
        for _ in 0..100 {
            assert_eq!(off.look(|| true, || -> Option<()> { unreachable!() }), None);
        }
    }

    #[test]
    fn what_brings_nothing_is_left_out_more_and_more() {
        let mut eager = Eager::of_a_task(true);
        let mut tries = 0;
        for _ in 0..100_000 {
            let mut looked = false;
            let found = eager.look(
                || true,
                || {
                    looked = true;
                    None::<()>
                },
            );
            assert_eq!(found, None);
            tries += u32::from(looked);
        }
        assert!((90..120).contains(&tries), "{tries} tries");
        // A success makes it look each time again, and a few failures do not stop it.
        while eager.look(|| true, || Some(())).is_none() {}
        for _ in 1..PATIENCE {
            assert_eq!(eager.look(|| true, || None::<()>), None);
        }
        assert_eq!(eager.look(|| true, || Some(())), Some(()));
    }
}
