//! The model's part that sleeps: which task waits for what, and when it must be woken.
//!
//! Each half has one place for a task; the last waker that was given counts. Whoever has news for
//! a waiting task wakes it, once. Where the model does not know whether something is news (see
//! `room`) it believes what was observed.

use super::journal::{Cell, Half, Seen};
use super::oracle::{Oracle, Verdict};
use super::program::{Side, Which};
use super::room::{Awaited, Fit};

/// A task that waits.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Armed {
    which: Which,
    /// What a sender waits for.
    awaited: Option<Awaited>,
}

/// A task that was given news.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Due {
    cell: Cell,
    certain: bool,
}

impl Oracle {
    /// A task waits from now on.
    pub(crate) fn arm(&mut self, cell: Cell, which: Which, awaited: Option<Awaited>) -> Verdict {
        self.check_wakes()?;
        self.ports[cell.side].armed[cell.half as usize] = Some(Armed { which, awaited });
        Ok(())
    }

    /// The future of the task that may wait there is gone.
    pub(crate) fn disarm(&mut self, cell: Cell) -> Verdict {
        self.check_wakes()?;
        self.ports[cell.side].armed[cell.half as usize] = None;
        Ok(())
    }

    /// There is news for the task that waits there, if one does.
    pub(crate) fn wake(&mut self, side: Side, half: Half) {
        // An event loop puts a waker of its own there when it is the port's turn.
        let certain = !(self.looping && half == Half::Receiver);
        self.wake_if(side, half, if certain { Fit::Certain } else { Fit::Possible });
    }

    /// The receiver at `side` has given something back.
    pub(crate) fn wake_sender(&mut self, side: Side) {
        let poster = 1 - side;
        let armed = self.ports[poster].armed[Half::Sender as usize];
        if let Some(Armed { awaited: Some(awaited), .. }) = armed {
            let reached = self.ways[poster].room.has_reached(awaited);
            self.wake_if(poster, Half::Sender, reached);
        }
    }

    fn wake_if(&mut self, side: Side, half: Half, news: Fit) {
        if news == Fit::Impossible || self.ports[side].armed[half as usize].is_none() {
            return;
        }
        let (cell, certain) = (Cell { side, half }, news == Fit::Certain);
        match self.due.iter_mut().find(|due| due.cell == cell) {
            Some(due) => due.certain |= certain,
            None => self.due.push(Due { cell, certain }),
        }
    }

    /// Takes the wakes that were observed next. Whether they were due is known only when what
    /// was observed behind them is understood.
    pub(crate) fn note_wakes(&mut self) {
        while let Some(&Seen::Woken(cell, which)) = self.seen.front() {
            self.seen.pop_front();
            self.woken.push((cell, which));
            if self.looping && cell.half == Half::Sender {
                // When a port of a loop has its turn is seen by what comes of it only.
                self.look(1 - cell.side);
            }
        }
    }

    /// Compares the wakes that were observed so far with those that were due. Those that come next
    /// and are not due yet may be due to what comes behind them.
    pub(crate) fn check_wakes(&mut self) -> Verdict {
        for (cell, which) in std::mem::take(&mut self.woken) {
            if !self.is_due(cell, which) {
                let due = &self.due;
                return Err(format!("waker {which} of {cell:?} was called, due was {due:?}"));
            }
        }
        while let Some(&Seen::Woken(cell, which)) = self.seen.front()
            && self.is_due(cell, which)
        {
            self.seen.pop_front();
        }
        match std::mem::take(&mut self.due).into_iter().find(|due| due.certain) {
            Some(missed) => Err(format!("{missed:?} was not woken")),
            None => Ok(()),
        }
    }

    /// Whether this wake was due; then it is no longer, and nobody waits there any more.
    fn is_due(&mut self, cell: Cell, which: Which) -> bool {
        let armed = &mut self.ports[cell.side].armed[cell.half as usize];
        let index = self.due.iter().position(|due| due.cell == cell);
        match (index, *armed) {
            (Some(index), Some(waiting)) if waiting.which == which => {
                *armed = None;
                self.due.remove(index);
                true
            }
            _ => false,
        }
    }
}
