//! Receiving the one message that a caller waits for, and looking at others on the way.

use std::future::poll_fn;
use std::pin::pin;
use std::task::{Context, Poll, ready};

use super::Receiver;
use super::tasks::Receiving;
use crate::archive::Message;
use crate::error::{InvalidArchiveError, RecvError};
use crate::half::MessageRef;
use crate::link::wait::Deadline;
use rkyv::Archived;

/// What to do with a message that was looked at.
pub(crate) enum Verdict<S> {
    /// It is the wanted one; its receiver gets it in place.
    Take,
    /// Its bytes are given back, and the next one is looked at.
    Pass,
    /// Its bytes are given back, and nothing more is received.
    Stop(S),
}

/// Looks at messages as they come, and decides about each.
pub(crate) trait Wants<In: Message> {
    /// Why receiving stopped.
    type Stop: From<RecvError>;

    /// A message counts as received now. `look` or `invalid` follows, unless its check panics.
    fn taken(&mut self);

    /// Looks at a message and at the bytes of its archive.
    fn look(&mut self, message: &Archived<In>, archive: &[u8]) -> Verdict<Self::Stop>;

    /// Hears that a message was no valid archive. Unless this returns a reason to stop, the next
    /// message is looked at.
    fn invalid(&mut self, error: InvalidArchiveError) -> Option<Self::Stop>;
}

impl<In: Message> Receiver<In> {
    /// Receives the first wanted message, or none if the deadline comes first.
    #[inline(always)]
    pub(crate) fn recv_wanted<W: Wants<In>>(
        &mut self,
        deadline: Deadline<'_>,
        wants: &mut W,
    ) -> Result<Option<MessageRef<'_, In>>, W::Stop> {
        Ok(self.find(deadline, wants)?.map(|found| self.hold(found)))
    }

    /// Receives the first wanted message, or registers the task to be woken when there is news.
    pub(crate) fn poll_wanted<W: Wants<In>>(
        &mut self,
        cx: &mut Context<'_>,
        wants: &mut W,
    ) -> Poll<Result<MessageRef<'_, In>, W::Stop>> {
        ready!(self.poll_budget(cx));
        let polled = match self.find(Deadline::Task(cx.waker()), wants) {
            Ok(found) => found.map_or(Poll::Pending, |found| Poll::Ready(Ok(found))),
            Err(stop) => Poll::Ready(Err(stop)),
        };
        self.settle(polled).map_ok(|found| self.hold(found))
    }

    /// Receives the first wanted message, or none if `end` is ready first.
    pub(crate) async fn recv_wanted_async<W: Wants<In>>(
        &mut self,
        wants: &mut W,
        end: impl Future,
    ) -> Result<Option<MessageRef<'_, In>>, W::Stop> {
        let receiving = Receiving(self);
        let found = {
            let mut end = pin!(end);
            poll_fn(|cx| {
                // A task suspended for the sake of others has not waited: it looks before it gives
                // up.
                ready!(receiving.0.poll_budget(cx));
                let polled = match receiving.0.find(Deadline::Task(cx.waker()), wants) {
                    Ok(None) => end.as_mut().poll(cx).map(|_| Ok(None)),
                    found => Poll::Ready(found),
                };
                receiving.0.settle(polled)
            })
            .await
        };
        drop(receiving);
        Ok(found?.map(|found| self.hold(found)))
    }
}
