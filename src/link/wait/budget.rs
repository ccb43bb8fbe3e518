//! How much a task may do before it lets other tasks run.

use std::task::{Context, Poll};

/// How many operations of one half in a row may be ready at once before it suspends its task once.
///
/// The public documentation states this number.
const READY_IN_A_ROW: u32 = 64;

/// How many operations a half has left before its task has to yield.
///
/// A task that always finds a message or room never returns `Pending` by itself, and a runtime cannot
/// take the thread away from it. The half keeps the budget, since each message has a new future.
#[derive(Debug, Default)]
pub(crate) struct Budget {
    spent: u32,
}

impl Budget {
    /// Takes one operation from the budget. If none is left, wakes the task and suspends it once; the
    /// next call has the full budget again.
    #[inline]
    pub(crate) fn spend(&mut self, cx: &Context<'_>) -> Poll<()> {
        if self.spent == READY_IN_A_ROW {
            self.spent = 0;
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        self.spent += 1;
        Poll::Ready(())
    }

    /// Passes on the result of an operation. A pending one suspends the task anyway, so the budget
    /// starts again.
    #[inline]
    pub(crate) fn settle<T>(&mut self, polled: Poll<T>) -> Poll<T> {
        if polled.is_pending() {
            self.spent = 0;
        }
        polled
    }
}

#[cfg(test)]
mod tests {
    use super::{Budget, READY_IN_A_ROW};
    use std::task::{Context, Poll, Waker};

    #[test]
    fn it_suspends_once_after_so_many_operations() {
        let cx = Context::from_waker(Waker::noop());
        let mut budget = Budget::default();
        for _ in 0..3 {
            for _ in 0..READY_IN_A_ROW {
                assert!(budget.spend(&cx).is_ready());
            }
            assert!(budget.spend(&cx).is_pending());
        }
    }

    #[test]
    fn a_task_that_waits_starts_again() {
        let cx = Context::from_waker(Waker::noop());
        let mut budget = Budget::default();
        for _ in 0..10 * READY_IN_A_ROW {
            assert!(budget.spend(&cx).is_ready());
            assert!(budget.settle(Poll::<()>::Pending).is_pending());
        }
    }
}
