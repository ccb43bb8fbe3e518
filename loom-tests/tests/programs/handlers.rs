//! The handlers of a port, and an event loop with several ports.

use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use loom_tests::tasks::block_on;
use loom_tests::thread;
use message_port::{DispatchError, EventLoop, HandlerError, MessagePort, Sender};

use crate::calls::{self, is_scripted, post_by, scripted};
use crate::content::Content;
use crate::ports::Actor;
use crate::program::{Act, Handler, How, Outcome, Script, Turn};
use crate::values::{Posted, unwind};

/// A handler's script, and how far it has come.
struct Scripted {
    script: Script,
    calls: usize,
}

impl Scripted {
    fn turn(&mut self) -> Turn {
        self.calls += 1;
        self.script[(self.calls - 1) % self.script.len()].clone()
    }
}

fn end(outcome: Outcome) -> Result<(), String> {
    match outcome {
        Outcome::Return => Ok(()),
        Outcome::Fail(_) => Err(format!("{outcome:?}")),
        Outcome::Panic(_) => unwind(&format!("{outcome:?}")),
    }
}

/// Does what a script says, by the half that posts, if that can be used.
pub(crate) fn perform<Out: Posted>(
    actor: &Actor,
    acts: &[Act],
    mut sender: Option<&mut Sender<Out>>,
    may_wait: bool,
) {
    for act in acts {
        match (act, sender.as_deref_mut()) {
            (Act::Reply(value, how), Some(sender)) => {
                let how = if may_wait { *how } else { How::Try };
                actor.outgoing.post::<Out>(value, |message| post_by!(sender, message, how));
            }
            (Act::CloseOwn, Some(sender)) if !actor.calm => {
                actor.incoming.closing();
                sender.close();
            }
            (Act::ReportOwn, Some(sender)) => actor.report(sender),
            // The others run meanwhile.
            _ => thread::yield_now(),
        }
    }
}

/// Has the port answer its events as the script says.
pub(crate) fn set<Out: Posted, In: Posted>(
    actor: &Actor,
    port: &mut MessagePort<Out, In>,
    handler: Handler,
    script: Script,
) {
    let (actor, mut script) = (actor.clone(), Scripted { script, calls: 0 });
    match handler {
        Handler::Message => port.set_onmessage(move |event| {
            let content = In::content(event.data());
            actor.incoming.deliver(Some(content), None);
            let turn = script.turn();
            perform(&actor, &turn.acts, Some(event.target()), true);
            still_in_hand::<In>(&actor, content, event.data());
            let fails = turn.outcome != Outcome::Return;
            *lock(&actor.failed) = fails.then_some(content);
            end(turn.outcome)
        }),
        Handler::MessageError => port.set_onmessageerror(move |event| {
            let failed = lock(&actor.failed).take();
            match event.error() {
                HandlerError::InvalidArchive(_) => actor.incoming.deliver(None, None),
                error => {
                    expect(&actor, error);
                    if failed.is_none() || failed != event.data().map(In::content) {
                        actor.incoming.fail("a messageerror came for another message");
                    }
                }
            }
            let turn = script.turn();
            perform::<Out>(&actor, &turn.acts, None, false);
            end(turn.outcome)
        }),
        Handler::Close => port.set_onclose(move |event| {
            actor.outgoing.close_event(event);
            let turn = script.turn();
            perform::<Out>(&actor, &turn.acts, None, false);
            end(turn.outcome)
        }),
    }
}

pub(crate) fn clear<Out: Posted, In: Posted>(port: &mut MessagePort<Out, In>, handler: Handler) {
    match handler {
        Handler::Message => port.clear_onmessage(),
        Handler::MessageError => port.clear_onmessageerror(),
        Handler::Close => port.clear_onclose(),
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn still_in_hand<In: Posted>(
    actor: &Actor,
    before: Content,
    archived: &message_port::rkyv::Archived<In>,
) {
    if In::content(archived) != before {
        actor.incoming.fail("a message changed in the hands of its handler");
    }
}

/// Fails if a handler has failed otherwise than it should.
fn expect(actor: &Actor, error: &HandlerError) {
    let is_expected = match error {
        HandlerError::Returned(error) => is_scripted(&error.to_string()),
        HandlerError::Panicked(payload) => is_scripted(&payload.message()),
        _ => true,
    };
    if !is_expected {
        actor.incoming.fail(&format!("a handler failed: {error}"));
    }
}

/// Notes that somebody has dispatched, and what nobody handled.
pub(crate) fn note(actor: &Actor, failure: DispatchError) {
    match failure {
        DispatchError::Message(HandlerError::InvalidArchive(_)) => {
            actor.incoming.deliver(None, None);
        }
        DispatchError::Message(error) => expect(actor, &error),
        _ => {}
    }
}

/// An event loop on a thread of its own. It has ended when all of its ports have.
pub(crate) fn serve(mut events: EventLoop, actors: &Arc<Mutex<Vec<Actor>>>) {
    loop {
        match scripted(|| events.run()) {
            Some(Ok(())) => break,
            Some(Err(error)) => {
                let at = |actor: &&Actor| actor.id == Some(error.port());
                // Whoever has just left a port here is about to tell whose it is.
                let actor = loop {
                    let known = lock(actors).iter().find(at).cloned();
                    match known {
                        Some(actor) => break actor,
                        None => thread::yield_now(),
                    }
                };
                note(&actor, error.into_inner());
            }
            None => {}
        }
    }
    assert!(events.is_empty(), "a port is left in the loop");
}
