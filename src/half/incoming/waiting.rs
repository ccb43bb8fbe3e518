//! How a receiving half waits: a thread in a call, or a task that is woken.

use std::task::{Context, Poll, Waker};

use super::{End, Incoming, Next};
use crate::link::wait::{Deadline, TimedOut, pending};
use crate::ring::Target;

impl Incoming {
    /// What comes next, waiting for it until the deadline. A message must be
    /// [taken](Self::take).
    #[cold]
    pub(crate) fn wait_next(&mut self, deadline: Deadline<'_>) -> Result<Next, TimedOut> {
        match self.end.next() {
            Next::Empty => self.wait(deadline, End::next),
            next => Ok(next),
        }
    }

    /// What comes next; registers the task to be woken if there is nothing yet. A message must be
    /// [taken](Self::take).
    pub(crate) fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Next> {
        if let Some(frame) = self.end.ready(self.end.consumer.layout()) {
            return Poll::Ready(Next::Message(frame));
        }
        self.poll_elsewhere(cx.waker())
    }

    /// [`poll_next`](Self::poll_next) where no message lies in place.
    #[cold]
    fn poll_elsewhere(&mut self, waker: &Waker) -> Poll<Next> {
        self.set_in_task(true);
        let next = if self.end.is_idle() {
            // The look that counts comes soon, behind the arming.
            self.suspend(waker, End::next)
        } else {
            self.wait_next(Deadline::Task(waker))
        };
        self.set_in_task(false);
        pending(next)
    }

    /// Sets whether a task is looking from now on: looking then does not sleep.
    pub(crate) fn set_in_task(&mut self, in_task: bool) {
        self.end.in_task = in_task;
    }

    /// Waits until something comes next, and leaves it where it is.
    pub(crate) fn wait_for_news(&mut self, deadline: Deadline<'_>) -> Result<(), TimedOut> {
        self.wait(deadline, End::look).map(|_| ())
    }

    /// Waits until the channel has ended, whatever arrives meanwhile.
    pub(crate) fn wait_for_end(&mut self, deadline: Deadline<'_>) -> Result<(), TimedOut> {
        let Self { end, waiter, .. } = self;
        let cell = end.link.receiver(end.side);
        waiter.wait(cell, Target::ANY, 0, deadline, || end.link.has_ended(end.side).then_some(()))
    }

    /// Drops the waker of the task that waits here.
    #[inline]
    pub(crate) fn forget_task(&mut self) {
        self.waiter.forget_task(self.link.receiver(self.end.side));
    }

    fn wait(
        &mut self,
        deadline: Deadline<'_>,
        mut look: impl FnMut(&mut End) -> Next,
    ) -> Result<Next, TimedOut> {
        if let Some(waker) = deadline.task() {
            return self.suspend(waker, look);
        }
        let Self { end, link, waiter } = self;
        let (cell, received) = (link.receiver(end.side), end.consumer.received());
        waiter.wait(cell, Target::ANY, received, deadline, || look(end).news())
    }

    /// [`wait`](Self::wait) for a task.
    fn suspend(
        &mut self,
        waker: &Waker,
        mut look: impl FnMut(&mut End) -> Next,
    ) -> Result<Next, TimedOut> {
        let Self { end, link, waiter } = self;
        let (cell, received) = (link.receiver(end.side), end.consumer.received());
        end.unsettled = false;
        let looked_at = &mut *end;
        // By value: a `look` without a state takes no place beside the pointer, which then stays in a
        // register.
        let look = move || look(looked_at).news();
        let waited = waiter.suspend(cell, Target::ANY, received, waker, look);
        // While the process changes over to fences a task finds a close that it cannot settle yet.
        // The wake-up of that close is spent, so the task has itself polled again.
        if waited.is_err() && end.unsettled {
            waker.wake_by_ref();
        }
        waited
    }
}
