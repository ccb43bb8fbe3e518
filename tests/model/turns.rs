//! The model's part that dispatches: which handlers are called, in which order, and what comes of
//! it.

use super::handlers::text;
use super::journal::{Cause, Content, Dispatching, Seen};
use super::oracle::{Oracle, Queued, Verdict};
use super::program::{Handler, Outcome, Side};

/// The events that were dispatched, or what `dispatch` returns instead of going on.
type Events = Result<usize, Dispatching>;

impl Oracle {
    pub(crate) fn dispatch(&mut self, side: Side, run: bool) -> Verdict {
        if !self.ports[side].whole || run && !self.has_ended(side) {
            return self.impossible();
        }
        self.ports[side].busy = true;
        let outcome = match self.events(side, run)? {
            Ok(_) if run => Dispatching::Ran,
            Ok(events) => Dispatching::Events(events),
            Err(failure) => failure,
        };
        self.ports[side].busy = false;
        self.expect(&Seen::Dispatch(outcome))
    }

    /// The messages that are there now (for `run` all that come), then the close.
    fn events(&mut self, side: Side, run: bool) -> Verdict<Events> {
        self.look(side);
        let port = &self.ports[side];
        let takes_messages = port.started && port.handlers[Handler::Message as usize].is_some();
        let mut left = if !takes_messages {
            0
        } else if run {
            usize::MAX
        } else {
            self.len(side)
        };
        let mut events = 0;
        while left > 0 {
            let Some(message) = self.deliver(side) else { break };
            left -= 1;
            match self.message(side, &message)? {
                Ok(dispatched) => events += dispatched,
                failure => return Ok(failure),
            }
        }
        if self.len(side) > 0 {
            return Ok(Ok(events));
        }
        Ok(self.close_event(side)?.map(|dispatched| events + dispatched))
    }

    fn message(&mut self, side: Side, message: &Queued) -> Verdict<Events> {
        let Some(content) = message.content else {
            // There is nothing to hold while its messageerror is handled.
            self.ways[1 - side].room.release();
            return self.message_error(side, Cause::Invalid, None, 0);
        };
        let outcome = self.call(side, Handler::Message, &Seen::Message(content))?;
        let cause = match outcome {
            Some(Outcome::Fail(_)) => outcome.map(|outcome| Cause::Returned(text(outcome))),
            Some(Outcome::Panic(_)) => outcome.map(|outcome| Cause::Panicked(text(outcome))),
            Some(Outcome::Return) | None => None,
        };
        let events = match cause {
            Some(cause) => self.message_error(side, cause, Some(content), 1)?,
            None => Ok(1),
        };
        self.ways[1 - side].room.release();
        Ok(events)
    }

    /// The event after the failure of a message that counted as `events` itself.
    fn message_error(
        &mut self,
        side: Side,
        cause: Cause,
        content: Option<Content>,
        events: usize,
    ) -> Verdict<Events> {
        let seen = Seen::MessageError { cause: cause.clone(), content };
        Ok(match self.call(side, Handler::MessageError, &seen)? {
            None => Err(Dispatching::Message(cause)),
            Some(Outcome::Return) => Ok(events + 1),
            Some(failure @ Outcome::Fail(_)) => Err(Dispatching::MessageError(text(failure))),
            Some(panic @ Outcome::Panic(_)) => Err(Dispatching::Panicked(text(panic))),
        })
    }

    /// The close event, where it is due.
    fn close_event(&mut self, side: Side) -> Verdict<Events> {
        let (Some(report), false) = (self.report(side), self.ports[side].close_fired) else {
            return Ok(Ok(0));
        };
        // Without a handler it waits for one.
        self.ports[side].close_fired = self.ports[side].handlers[Handler::Close as usize].is_some();
        Ok(match self.call(side, Handler::Close, &Seen::Close(report))? {
            None => Ok(0),
            Some(Outcome::Return) => Ok(1),
            Some(failure @ Outcome::Fail(_)) => Err(Dispatching::Close(text(failure))),
            Some(panic @ Outcome::Panic(_)) => Err(Dispatching::Panicked(text(panic))),
        })
    }

    /// A call of a handler, if there is one, and how it ended.
    fn call(&mut self, side: Side, handler: Handler, seen: &Seen) -> Verdict<Option<Outcome>> {
        let Some((script, calls)) = &mut self.ports[side].handlers[handler as usize] else {
            return Ok(None);
        };
        let turn = script[*calls % script.len()].clone();
        *calls += 1;
        self.expect(seen)?;
        self.perform(side, &turn.acts, handler == Handler::Message)?;
        Ok(Some(turn.outcome))
    }
}
