//! The handlers of the real ports: they write down what they are called with, do what their script
//! says, and end as it says.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Weak;

use message_port::{DispatchError, HandlerError, MessagePort, Sender};

use super::journal::{Cause, Dispatching, Journal, Report, Seen};
use super::program::{Handler, Outcome, Script};
use super::system::{Shared, perform};
use super::values::{Posted, unwind};

/// A handler's script, and what it needs to follow it. The peer's port is not kept alive by it,
/// or the two ports would keep each other alive.
struct Actor<Out, In> {
    script: Script,
    calls: usize,
    peer: Weak<Shared<In, Out>>,
    journal: Journal,
}

impl<Out: Posted, In: Posted> Actor<Out, In> {
    fn call(&mut self, seen: Seen, own: Option<&mut Sender<Out>>) -> Result<(), String> {
        self.journal.note(seen);
        let turn = &self.script[self.calls % self.script.len()];
        self.calls += 1;
        if let Some(peer) = self.peer.upgrade() {
            perform(&turn.acts, own, &peer, &self.journal);
        }
        match turn.outcome {
            Outcome::Return => Ok(()),
            Outcome::Fail(_) => Err(text(turn.outcome)),
            Outcome::Panic(_) => unwind(&text(turn.outcome)),
        }
    }
}

/// What a handler's error or panic says.
pub(crate) fn text(outcome: Outcome) -> String {
    format!("{outcome:?}")
}

pub(crate) fn set<Out: Posted, In: Posted>(
    port: &mut MessagePort<Out, In>,
    handler: Handler,
    script: Script,
    peer: Weak<Shared<In, Out>>,
    journal: Journal,
) {
    let side = journal.side();
    let mut actor = Actor { script, calls: 0, peer, journal };
    match handler {
        Handler::Message => port.set_onmessage(move |event| {
            let seen = Seen::Message(side, In::content(event.data()));
            actor.call(seen, Some(event.target()))
        }),
        Handler::MessageError => port.set_onmessageerror(move |event| {
            let content = event.data().map(In::content);
            actor.call(Seen::MessageError { side, cause: event.error().into(), content }, None)
        }),
        Handler::Close => {
            port.set_onclose(move |event| actor.call(Seen::Close(side, Report::from(event)), None));
        }
    }
}

pub(crate) fn clear<Out: Posted, In: Posted>(port: &mut MessagePort<Out, In>, handler: Handler) {
    match handler {
        Handler::Message => port.clear_onmessage(),
        Handler::MessageError => port.clear_onmessageerror(),
        Handler::Close => port.clear_onclose(),
    }
}

pub(crate) fn dispatch<Out: Posted, In: Posted>(
    port: &mut MessagePort<Out, In>,
    run: bool,
) -> Dispatching {
    let outcome = catch_unwind(AssertUnwindSafe(|| {
        if run { port.run().map(|()| None) } else { port.dispatch().map(Some) }
    }));
    match outcome {
        Ok(Ok(Some(events))) => Dispatching::Events(events),
        Ok(Ok(None)) => Dispatching::Ran,
        Ok(Err(failure)) => failed(&failure),
        Err(payload) => panicked(&*payload),
    }
}

/// What a failure says that nobody handled.
pub(crate) fn failed(failure: &DispatchError) -> Dispatching {
    match failure {
        DispatchError::Message(error) => Dispatching::Message(error.into()),
        DispatchError::MessageError(error) => Dispatching::MessageError(error.to_string()),
        DispatchError::Close(error) => Dispatching::Close(error.to_string()),
        other => unreachable!("{other}"),
    }
}

/// What a panic says that nobody caught.
pub(crate) fn panicked(payload: &(dyn Any + Send)) -> Dispatching {
    let text = payload.downcast_ref::<String>();
    Dispatching::Panicked(text.map_or("not by a handler", |text| text).to_owned())
}

impl From<&HandlerError> for Cause {
    fn from(error: &HandlerError) -> Self {
        match error {
            HandlerError::Returned(error) => Self::Returned(error.to_string()),
            HandlerError::Panicked(payload) => Self::Panicked(payload.message()),
            HandlerError::InvalidArchive(_) => Self::Invalid,
            other => unreachable!("{other}"),
        }
    }
}
