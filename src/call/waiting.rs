//! Waiting for a call that has a handle.

use std::task::{Context, Poll};

use super::client::Client;
use super::dropped::Handle;
use super::error::CallError;
use super::flight::AnswerTo;
use super::reply::Reply;
use crate::archive::Message;
use crate::link::wait::Deadline;

impl<Req: Message, Ans: Message> Client<Req, Ans> {
    /// Ends a call that has a handle, if its answer comes before the deadline.
    pub(super) fn wait(
        &mut self,
        handle: &mut Handle,
        deadline: Deadline<'_>,
    ) -> Result<Option<Reply<'_, Ans>>, CallError> {
        let call = self.flights.call(handle);
        let Self { port, flights } = self;
        flights.tidy();
        if let Some(landed) = flights.land(call) {
            handle.is_over();
            return flights.read(landed?).map(|kept| Some(Reply::kept(kept)));
        }
        let wants = &mut AnswerTo::new(flights, call);
        let waited = port.halves_mut().1.recv_wanted(deadline, wants);
        if !matches!(waited, Ok(None)) {
            flights.end(call);
            handle.is_over();
        }
        Ok(waited?.map(Reply::in_place))
    }

    /// Ends a call that has a handle, in a task.
    pub(super) async fn wait_async(
        &mut self,
        handle: &mut Handle,
        end: impl Future,
    ) -> Result<Option<Reply<'_, Ans>>, CallError> {
        let call = self.flights.call(handle);
        let Self { port, flights } = self;
        flights.tidy();
        if let Some(landed) = flights.land(call) {
            handle.is_over();
            return flights.read(landed?).map(|kept| Some(Reply::kept(kept)));
        }
        let wants = &mut AnswerTo::new(flights, call);
        let waited = port.halves_mut().1.recv_wanted_async(wants, end).await;
        if !matches!(waited, Ok(None)) {
            flights.end(call);
            handle.is_over();
        }
        Ok(waited?.map(Reply::in_place))
    }

    /// Ends a call that has a handle, or has the task woken when there is news.
    pub(super) fn poll(
        &mut self,
        handle: &mut Handle,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Reply<'_, Ans>, CallError>> {
        let call = self.flights.call(handle);
        let Self { port, flights } = self;
        flights.tidy();
        if let Some(landed) = flights.land(call) {
            handle.is_over();
            return Poll::Ready(landed.and_then(|kept| flights.read(kept).map(Reply::kept)));
        }
        let wants = &mut AnswerTo::new(flights, call);
        let polled = port.halves_mut().1.poll_wanted(cx, wants);
        if polled.is_ready() {
            flights.end(call);
            handle.is_over();
        }
        polled.map_ok(Reply::in_place)
    }
}
