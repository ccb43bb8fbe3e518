//! What a thread does with a port, or with a half of one.

use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;

use loom_tests::tasks::block_on;
use loom_tests::thread;
use message_port::{EventLoop, MessagePort, PortId, Receiver, Sender};

use crate::calls::{self, Nothing, post_by, receive_by, scripted};
use crate::content::Content;
use crate::handlers::{self, perform};
use crate::ledger::Ledger;
use crate::program::{Handler, How, Operation, Outcome, Part, Turn};
use crate::values::{Kind, Posted, unwind};

/// One end of a channel, as its thread or its handlers see it.
#[derive(Clone)]
pub(crate) struct Actor {
    pub(crate) outgoing: Ledger,
    pub(crate) incoming: Ledger,
    pub(crate) kind: Kind,
    /// Waits for messages that may never come, since the peer comes to its end by itself.
    pub(crate) is_patient: bool,
    /// Closes and drops nothing before its end.
    pub(crate) calm: bool,
    pub(crate) ending: Ending,
    /// The message whose handler has failed, until its `messageerror`.
    pub(crate) failed: Arc<Mutex<Option<Content>>>,
    /// The place in an event loop.
    pub(crate) id: Option<PortId>,
}

/// What a thread does at last.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Ending {
    Close,
    Drop,
    /// Receives until the channel has ended, by this call.
    Drain(How),
    /// The same by handlers.
    Run,
    /// The same by handlers, in a task.
    RunInTask,
}

impl Actor {
    pub(crate) fn report<Out: Posted>(&self, sender: &Sender<Out>) {
        if let Some(event) = sender.close_event() {
            self.outgoing.report(&event);
        }
    }

    fn check(&self) {
        self.outgoing.check();
        self.incoming.check();
    }

    /// How to receive, so that it ends.
    fn patience(&self, how: How) -> How {
        match how {
            How::Wait | How::Async(_) if !self.is_patient && !self.incoming.has_message() => {
                How::Timeout
            }
            how => how,
        }
    }

    fn nothing(&self, nothing: Nothing) {
        match nothing {
            Nothing::Empty => {}
            Nothing::Ended => self.incoming.ended(),
            Nothing::Invalid => self.incoming.deliver(None, None),
        }
    }
}

/// The operations that a port and its sending half have in common; whether it was one of them.
macro_rules! posting {
    ($actor:expr, $poster:expr, $operation:expr) => {
        match $operation {
            Operation::Post { value, how, times } => {
                for _ in 0..*times {
                    $actor.outgoing.post(value, |message| post_by!($poster, message, *how));
                }
                true
            }
            Operation::PostBatch(values) => {
                $actor
                    .outgoing
                    .post_batch(values, |messages| $poster.post_messages(messages).unwrap_or(0));
                true
            }
            Operation::PostArchived(archive) => {
                $actor.outgoing.post_archived::<Out>(archive, $actor.kind, |bytes| {
                    $poster.post_archived(bytes).is_ok()
                });
                true
            }
            Operation::PostTask { value, acts, .. } => {
                $actor.outgoing.post(value, |message| {
                    let waker = calls::waker();
                    let mut task = Box::pin($poster.post_message_async(message));
                    let cx = &mut Context::from_waker(&waker);
                    let mut poll = |_| match task.as_mut().poll(cx) {
                        Poll::Ready(posted) => Some(posted.is_ok()),
                        Poll::Pending => {
                            thread::yield_now();
                            None
                        }
                    };
                    // Dropped if it is not done then.
                    (0..=acts.len()).find_map(&mut poll).unwrap_or(false)
                });
                true
            }
            _ => false,
        }
    };
}

/// The operations that a port and its receiving half have in common.
macro_rules! receiving {
    ($actor:expr, $receiver:expr, $operation:expr) => {
        match $operation {
            Operation::ReceiveBatch { limit, panics_at } => {
                let mut taken = 0;
                let received = scripted(|| {
                    $receiver.recv_batch(*limit, |message| {
                        $actor.incoming.deliver(Some(In::content(message)), None);
                        taken += 1;
                        if *panics_at == Some(taken - 1) {
                            unwind("enough");
                        }
                    })
                });
                match received {
                    Some(Ok(received)) if received != taken => {
                        $actor.incoming.fail("a batch is not what it says");
                    }
                    Some(Err(error)) => $actor.nothing(error.into()),
                    _ => {}
                }
                true
            }
            _ => false,
        }
    };
}

/// Receives until the channel has ended.
macro_rules! drain {
    ($actor:expr, $receiver:expr, $how:expr) => {
        loop {
            match receive_by!($receiver, $how) {
                Ok(message) => $actor.incoming.take(&message),
                Err(Nothing::Empty) => thread::yield_now(),
                Err(Nothing::Invalid) => $actor.nothing(Nothing::Invalid),
                Err(Nothing::Ended) => break $actor.nothing(Nothing::Ended),
            }
        }
    };
}

/// What a thread does with a port that is whole, until it is not.
pub(crate) fn whole<Out: Posted, In: Posted>(
    actor: &Actor,
    mut port: MessagePort<Out, In>,
    operations: &[Operation],
) {
    for (index, operation) in operations.iter().enumerate() {
        actor.check();
        if posting!(actor, port, operation) || receiving!(actor, port, operation) {
            continue;
        }
        match operation {
            Operation::Receive { how, acts, .. } => {
                let (sender, receiver) = port.split_mut();
                match receive_by!(receiver, actor.patience(*how)) {
                    Ok(message) => {
                        actor.incoming.take(&message);
                        let content = In::content(&message);
                        perform(actor, acts, Some(sender), false);
                        if In::content(&message) != content {
                            actor.incoming.fail("a message changed while it was in hand");
                        }
                    }
                    Err(nothing) => actor.nothing(nothing),
                }
            }
            Operation::Set(handler, script) => {
                handlers::set(actor, &mut port, *handler, script.clone());
            }
            // Whoever waits for a handler does not come to an end.
            Operation::Clear(Handler::Message) => {}
            Operation::Clear(handler) => handlers::clear(&mut port, *handler),
            Operation::Start => port.start(),
            Operation::Run if actor.is_patient => run(actor, &mut port, false),
            Operation::Dispatch | Operation::Run => {
                if let Some(Err(failure)) = scripted(|| port.dispatch()) {
                    handlers::note(actor, failure);
                }
            }
            Operation::Loop { turns } => match in_loop(actor, port, *turns) {
                Some(back) => port = back,
                None => return,
            },
            Operation::Report => actor.report(port.split_mut().0),
            Operation::Close(_) | Operation::Drop(_) if actor.calm => thread::yield_now(),
            Operation::Close(by) => {
                actor.incoming.closing();
                match by {
                    Part::Whole => port.close(),
                    Part::Sender => port.split_mut().0.close(),
                    Part::Receiver => port.split_mut().1.close(),
                }
            }
            Operation::Drop(Part::Whole) => return,
            Operation::Drop(half) => {
                let (sender, receiver) = port.into_split();
                let rest = &operations[index + 1..];
                if *half == Part::Sender {
                    drop(sender);
                    receiver_half(actor, receiver, rest);
                } else {
                    drop(receiver);
                    sender_half(actor, sender, rest);
                }
                return;
            }
            Operation::Split => {
                let (sender, receiver) = port.into_split();
                let rest = operations[index + 1..].to_vec();
                let (receiving, operations) = (actor.clone(), rest.clone());
                let receiving =
                    thread::spawn(move || receiver_half(&receiving, receiver, &operations));
                sender_half(actor, sender, &rest);
                receiving.join().unwrap();
                return;
            }
            Operation::Post { .. }
            | Operation::PostBatch(_)
            | Operation::PostArchived(_)
            | Operation::PostTask { .. }
            | Operation::ReceiveBatch { .. } => unreachable!("done above"),
        }
    }
    actor.check();
    match actor.ending {
        Ending::Drop => {}
        Ending::Close => {
            actor.incoming.closing();
            port.close();
        }
        Ending::Drain(how) => drain!(actor, port, how),
        Ending::Run => run(actor, &mut port, false),
        Ending::RunInTask => run(actor, &mut port, true),
    }
    actor.report(port.split_mut().0);
    actor.check();
}

/// Has handlers take what comes, until the channel has ended.
fn run<Out: Posted, In: Posted>(actor: &Actor, port: &mut MessagePort<Out, In>, in_task: bool) {
    let script = vec![Turn { acts: Vec::new(), outcome: Outcome::Return }];
    handlers::set(actor, port, Handler::Message, script);
    loop {
        let ran = scripted(|| if in_task { block_on(port.run_async()) } else { port.run() });
        actor.check();
        match ran {
            Some(Ok(())) => break actor.incoming.ended(),
            Some(Err(failure)) => handlers::note(actor, failure),
            None => {}
        }
    }
}

/// Lends a port to an event loop for some turns; it is gone if its channel has ended meanwhile.
fn in_loop<Out: Posted, In: Posted>(
    actor: &Actor,
    port: MessagePort<Out, In>,
    turns: usize,
) -> Option<MessagePort<Out, In>> {
    let mut events = EventLoop::new();
    let id = events.add(port);
    for _ in 0..turns {
        if let Some(Err(error)) = scripted(|| events.run_once(Some(Duration::ZERO))) {
            handlers::note(actor, error.into_inner());
        }
        thread::yield_now();
    }
    events.remove(id)
}

/// What a thread does with the half that posts.
fn sender_half<Out: Posted>(actor: &Actor, mut sender: Sender<Out>, operations: &[Operation]) {
    for operation in operations {
        actor.check();
        if posting!(actor, sender, operation) {
            continue;
        }
        match operation {
            Operation::Report => actor.report(&sender),
            Operation::Close(Part::Whole | Part::Sender) if !actor.calm => {
                actor.incoming.closing();
                sender.close();
            }
            Operation::Drop(Part::Whole | Part::Sender) if !actor.calm => return,
            _ => {}
        }
    }
    if actor.ending == Ending::Close {
        actor.incoming.closing();
        sender.close();
    }
    actor.report(&sender);
}

/// What a thread does with the half that receives. It comes to the end, so that nobody waits for it.
fn receiver_half<In: Posted>(actor: &Actor, mut receiver: Receiver<In>, operations: &[Operation]) {
    for operation in operations {
        actor.check();
        if receiving!(actor, receiver, operation) {
            continue;
        }
        match operation {
            Operation::Receive { how, .. } => match receive_by!(receiver, actor.patience(*how)) {
                Ok(message) => {
                    actor.incoming.take(&message);
                    thread::yield_now();
                }
                Err(nothing) => actor.nothing(nothing),
            },
            Operation::Close(Part::Receiver) if !actor.calm => {
                actor.incoming.closing();
                receiver.close();
            }
            Operation::Drop(Part::Receiver) if !actor.calm => return,
            _ => {}
        }
    }
    let how = match actor.ending {
        Ending::Drain(how) => how,
        Ending::Drop | Ending::Close => How::Wait,
        Ending::Run | Ending::RunInTask => How::Async(0),
    };
    drain!(actor, receiver, how);
}
