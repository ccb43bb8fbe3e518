//! The model's part that dispatches: which handlers are called, in which order, and what comes of
//! it.

use super::handlers::text;
use super::journal::{Cause, Cell, Content, Dispatching, Half, Seen};
use super::oracle::{Oracle, Own, Queued, Verdict};
use super::program::{Handler, Outcome, Part, Side};

/// The events that were dispatched, or what `dispatch` returns instead of going on.
pub(crate) type Events = Result<usize, Dispatching>;

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
        let mut left = if !self.takes_messages(side) {
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
        // That there is nothing more to do is found out by another look.
        self.look(side);
        if self.len(side) > 0 {
            return Ok(Ok(events));
        }
        Ok(self.close_event(side)?.map(|dispatched| events + dispatched))
    }

    pub(crate) fn takes_messages(&self, side: Side) -> bool {
        let port = &self.ports[side];
        port.started && port.handlers[Handler::Message as usize].is_some()
    }

    pub(crate) fn message(&mut self, side: Side, message: &Queued) -> Verdict<Events> {
        let Some(content) = message.content else {
            // There is nothing to hold while its messageerror is handled.
            self.release(side);
            return self.message_error(side, Cause::Invalid, None, 0);
        };
        let outcome = self.call(side, Handler::Message, &Seen::Message(side, content))?;
        let cause = match outcome {
            Some(Outcome::Fail(_)) => outcome.map(|outcome| Cause::Returned(text(outcome))),
            Some(Outcome::Panic(_)) => outcome.map(|outcome| Cause::Panicked(text(outcome))),
            Some(Outcome::Return) | None => None,
        };
        let events = match cause {
            Some(cause) => self.message_error(side, cause, Some(content), 1)?,
            None => Ok(1),
        };
        self.release(side);
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
        let seen = Seen::MessageError { side, cause: cause.clone(), content };
        Ok(match self.call(side, Handler::MessageError, &seen)? {
            None => Err(Dispatching::Message(cause)),
            Some(Outcome::Return) => Ok(events + 1),
            Some(failure @ Outcome::Fail(_)) => Err(Dispatching::MessageError(text(failure))),
            Some(panic @ Outcome::Panic(_)) => Err(Dispatching::Panicked(text(panic))),
        })
    }

    /// The close event, where it is due.
    pub(crate) fn close_event(&mut self, side: Side) -> Verdict<Events> {
        let (Some(report), false) = (self.report(side), self.ports[side].close_fired) else {
            return Ok(Ok(0));
        };
        // Without a handler it waits for one.
        self.ports[side].close_fired = self.ports[side].handlers[Handler::Close as usize].is_some();
        Ok(match self.call(side, Handler::Close, &Seen::Close(side, report))? {
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
        self.check_wakes()?;
        let own = if handler == Handler::Message { Own::Target } else { Own::Nothing };
        self.perform(side, &turn.acts, own)?;
        Ok(Some(turn.outcome))
    }

    /// Both ports in an event loop, for some turns. Whose turn it is within these is the loop's
    /// choice, as is how much it does in one; what is dispatched must be due.
    pub(crate) fn run_loop(&mut self, first: Side, turns: usize) -> Verdict {
        if !self.ports.iter().all(|port| port.whole) {
            return self.impossible();
        }
        self.looping = true;
        self.ways.iter_mut().for_each(|way| way.room.perhaps_look());
        self.ports.iter_mut().for_each(|port| port.busy = true);
        let mut rests = false;
        for turn in 0..turns {
            let failed = self.turn_of_loop((turn == 0).then_some(first), &mut rests)?;
            // Each port that is ready has its turn in order, but a failure ends them all.
            self.release_forgotten(first);
            if turn > 0 || failed != Some(first) {
                self.release_forgotten(1 - first);
            }
            self.check_wakes()?;
        }
        self.ports.iter_mut().for_each(|port| port.busy = false);
        self.looping = false;
        let seen = self.next("the end of a loop")?;
        let Seen::Remain(remain) = seen else {
            return Err(format!("the end of a loop was due, but {seen:?} was observed"));
        };
        for (side, remains) in remain.into_iter().enumerate() {
            let ended = self.has_ended(side) && self.len(side) == 0;
            if remains && ended && rests || !remains && (!ended || self.close_is_due(side)) {
                return Err(format!("port {side} remains in the loop: {remains}"));
            }
        }
        for side in [0, 1] {
            self.disarm(Cell { side, half: Half::Receiver })?;
        }
        for (side, remains) in remain.into_iter().enumerate() {
            if !remains {
                self.drop_part(side, Part::Whole);
            }
        }
        Ok(())
    }

    /// One turn of an event loop; in the first one it is known who begins. Afterwards `rests` says
    /// whether nothing is left to do. Returns the port that failed.
    fn turn_of_loop(&mut self, first: Option<Side>, rests: &mut bool) -> Verdict<Option<Side>> {
        let mut dispatched = 0;
        let outcome = loop {
            self.note_wakes();
            let side = match self.seen.front() {
                Some(
                    Seen::Message(side, _)
                    | Seen::MessageError { side, .. }
                    | Seen::Close(side, _)
                    | Seen::Loop { at: Some(side), .. },
                ) => *side,
                _ => break Ok(dispatched),
            };
            if first != Some(side) {
                self.release_forgotten(1 - side);
            }
            match self.one_event(side)? {
                Ok(0) => return Err(format!("port {side} has nothing to dispatch")),
                Ok(events) => dispatched += events,
                Err(failure) => break Err((failure, side)),
            }
        };
        *rests = outcome == Ok(0);
        let failed = outcome.as_ref().err().map(|(_, side)| *side);
        let (outcome, at) = match outcome {
            Ok(events) => (Dispatching::Events(events), None),
            Err((panic @ Dispatching::Panicked(_), _)) => (panic, None),
            Err((failure, side)) => (failure, Some(side)),
        };
        self.expect(&Seen::Loop { outcome, at })?;
        for side in [0, 1] {
            let message_is_due = self.takes_messages(side) && self.len(side) > 0;
            if *rests && (message_is_due || self.close_is_due(side)) {
                return Err(format!("port {side} has something to dispatch and had no turn"));
            }
        }
        Ok(failed)
    }

    /// What `side` dispatches next.
    fn one_event(&mut self, side: Side) -> Verdict<Events> {
        self.look(side);
        if self.len(side) == 0 {
            return self.close_event(side);
        }
        if !self.takes_messages(side) {
            return Ok(Ok(0));
        }
        match self.deliver(side) {
            Some(message) => self.message(side, &message),
            None => Ok(Ok(0)),
        }
    }

    fn close_is_due(&self, side: Side) -> bool {
        let port = &self.ports[side];
        self.closed_first.is_some()
            && self.len(side) == 0
            && !port.close_fired
            && port.handlers[Handler::Close as usize].is_some()
    }
}
