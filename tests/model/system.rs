//! Executes a program on real ports and writes down what can be observed.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError, TryLockError};
use std::time::Duration;

use message_port::{
    BuildError, CloseEvent, ClosedBy, MessageChannel, MessagePort, MessageRef, PostTimeoutError,
    Receiver, RecvTimeoutError, Sender, TryPostError, TryRecvError,
};

use super::handlers;
use super::journal::{
    Built, Journal, PortState, Posting, ReceiverState, Receiving, Report, Seen, SenderState, State,
};
use super::oracle::Oracle;
use super::program::{Act, Operation, Part, Program};
use super::values::{Posted, Value};

/// What is left of a port. Behind a lock, for the handlers of one port use the other one; a port
/// whose handlers run is locked, and what they want from it is [`Seen::Impossible`].
pub(crate) type Shared<Out, In> = Mutex<Slot<Out, In>>;

pub(crate) enum Slot<Out, In> {
    Whole(MessagePort<Out, In>),
    Halves(Option<Sender<Out>>, Option<Receiver<In>>),
}

pub(crate) fn run<A: Posted, B: Posted>(program: &Program) -> Result<(), String> {
    let journal = Journal::default();
    let mut oracle = Oracle::new(program);
    let mut builder = MessageChannel::<A, B>::builder().capacity(program.capacity);
    if let Some(bytes) = program.max_message_len {
        builder = builder.max_message_len(bytes);
    }
    let channel = match builder.build() {
        Ok(channel) => channel,
        Err(error) => {
            journal.note(Seen::Built(Built::from(error)));
            return oracle.built(journal.take());
        }
    };
    journal.note(Seen::Built(Built::Yes));
    oracle.built(journal.take())?;
    let port0 = Arc::new(Mutex::new(Slot::Whole(channel.port1)));
    let port1 = Arc::new(Mutex::new(Slot::Whole(channel.port2)));
    for (index, (side, operation)) in program.operations.iter().enumerate() {
        if *side == 0 {
            execute(operation, &port0, &port1, &journal);
        } else {
            execute(operation, &port1, &port0, &journal);
        }
        let states = [state(&lock(&port0)), state(&lock(&port1))];
        oracle.follow(*side, operation, journal.take(), states).map_err(|objection| {
            format!("operation {index}, {operation:?} at port {side}: {objection}")
        })?;
    }
    Ok(())
}

fn lock<T>(slot: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    slot.lock().unwrap_or_else(PoisonError::into_inner)
}

fn execute<Out: Posted, In: Posted>(
    operation: &Operation,
    own: &Shared<Out, In>,
    peer: &Arc<Shared<In, Out>>,
    journal: &Journal,
) {
    let slot = &mut *lock(own);
    match (operation, slot) {
        (Operation::Post { value, timeout, times }, slot) => {
            (0..*times).for_each(|_| post(slot, value, *timeout, journal));
        }
        (Operation::Receive { timeout, acts, forget }, slot) => {
            let in_hand = InHand { acts, forget: *forget, peer, journal };
            receive(slot, *timeout, &in_hand);
        }
        (Operation::Set(handler, script), Slot::Whole(port)) => {
            handlers::set(port, *handler, script.clone(), Arc::downgrade(peer), journal.clone());
        }
        (Operation::Clear(handler), Slot::Whole(port)) => handlers::clear(port, *handler),
        (Operation::Start, Slot::Whole(port)) => port.start(),
        (Operation::Dispatch, slot) => dispatch(slot, false, journal),
        (Operation::Run, slot) => dispatch(slot, true, journal),
        (Operation::Close(part), slot) => close(slot, *part, journal),
        (Operation::Drop(part), slot) => drop_part(slot, *part),
        (Operation::Split, slot) => split(slot),
        (Operation::Report, slot) => report(slot, journal),
        (Operation::Set(..) | Operation::Clear(_) | Operation::Start, Slot::Halves(..)) => {
            journal.note(Seen::Impossible);
        }
    }
}

/// Does what a program does while it cannot use the whole port. `own` is its sending half, where
/// it can be used.
pub(crate) fn perform<Out: Posted, In: Posted>(
    acts: &[Act],
    mut own: Option<&mut Sender<Out>>,
    peer: &Shared<In, Out>,
    journal: &Journal,
) {
    for act in acts {
        match (act, own.as_deref_mut()) {
            (Act::Reply(value), Some(own)) => {
                attempt(value, journal, |message| Ok(own.try_post_message(message)?));
            }
            (Act::CloseOwn, Some(own)) => own.close(),
            (Act::ReportOwn, Some(own)) => {
                journal.note(Seen::Report(own.close_event().as_ref().map(Report::from)));
            }
            (Act::Reply(_) | Act::CloseOwn | Act::ReportOwn, None) => {
                journal.note(Seen::Impossible);
            }
            (act, _) => match peer.try_lock() {
                Ok(mut slot) => perform_at_peer(act, &mut slot, journal),
                Err(TryLockError::Poisoned(slot)) => {
                    perform_at_peer(act, &mut slot.into_inner(), journal);
                }
                Err(TryLockError::WouldBlock) => journal.note(Seen::Impossible),
            },
        }
    }
}

fn perform_at_peer<Out: Posted, In: Posted>(
    act: &Act,
    slot: &mut Slot<Out, In>,
    journal: &Journal,
) {
    match act {
        Act::PeerPost(value) => post(slot, value, false, journal),
        Act::PeerReceive => match slot {
            Slot::Whole(port) => {
                note_received(port.try_recv().map_err(Receiving::from), journal);
            }
            Slot::Halves(_, Some(receiver)) => {
                note_received(receiver.try_recv().map_err(Receiving::from), journal);
            }
            Slot::Halves(_, None) => journal.note(Seen::Impossible),
        },
        Act::PeerDispatch => dispatch(slot, false, journal),
        Act::PeerClose => close(slot, Part::Whole, journal),
        Act::PeerDrop => drop_part(slot, Part::Whole),
        Act::PeerReport => report(slot, journal),
        Act::Reply(_) | Act::CloseOwn | Act::ReportOwn => unreachable!("not at the peer"),
    }
}

fn post<Out: Posted, In: Posted>(
    slot: &mut Slot<Out, In>,
    value: &Value,
    timeout: bool,
    journal: &Journal,
) {
    match slot {
        Slot::Whole(port) if timeout => attempt(value, journal, |message| {
            Ok(port.post_message_timeout(message, Duration::ZERO)?)
        }),
        Slot::Whole(port) => attempt(value, journal, |message| Ok(port.try_post_message(message)?)),
        Slot::Halves(Some(sender), _) if timeout => attempt(value, journal, |message| {
            Ok(sender.post_message_timeout(message, Duration::ZERO)?)
        }),
        Slot::Halves(Some(sender), _) => {
            attempt(value, journal, |message| Ok(sender.try_post_message(message)?));
        }
        Slot::Halves(None, _) => journal.note(Seen::Impossible),
    }
}

fn attempt<Out: Posted>(
    value: &Value,
    journal: &Journal,
    post: impl FnOnce(&Out) -> Result<(), Posting>,
) {
    let serial = journal.serial();
    let message = Out::make(value, serial);
    let outcome = match catch_unwind(AssertUnwindSafe(|| post(&message))) {
        Ok(Ok(())) => Posting::Done,
        Ok(Err(refusal)) => refusal,
        Err(_) => Posting::Panicked,
    };
    journal.note(Seen::Post { serial, writes: message.writes(), outcome });
}

/// What is done with a message in hand.
struct InHand<'a, Out, In> {
    acts: &'a [Act],
    forget: bool,
    peer: &'a Shared<In, Out>,
    journal: &'a Journal,
}

fn receive<Out: Posted, In: Posted>(
    slot: &mut Slot<Out, In>,
    timeout: bool,
    in_hand: &InHand<'_, Out, In>,
) {
    let now = Duration::ZERO;
    let (own, received) = match slot {
        Slot::Whole(port) if in_hand.acts.is_empty() && timeout => {
            (None, port.recv_timeout(now).map_err(Receiving::from))
        }
        Slot::Whole(port) if in_hand.acts.is_empty() => {
            (None, port.try_recv().map_err(Receiving::from))
        }
        Slot::Whole(port) => {
            let (sender, receiver) = port.split_mut();
            (Some(sender), receive_half(receiver, timeout))
        }
        Slot::Halves(sender, Some(receiver)) => (sender.as_mut(), receive_half(receiver, timeout)),
        Slot::Halves(_, None) => return in_hand.journal.note(Seen::Impossible),
    };
    let Some(message) = note_received(received, in_hand.journal) else { return };
    if !in_hand.acts.is_empty() {
        perform(in_hand.acts, own, in_hand.peer, in_hand.journal);
        in_hand.journal.note(Seen::StillInHand(In::owned_content(&message)));
    }
    if in_hand.forget {
        std::mem::forget(message);
    }
}

fn receive_half<In: Posted>(
    receiver: &mut Receiver<In>,
    timeout: bool,
) -> Result<MessageRef<'_, In>, Receiving> {
    if timeout {
        receiver.recv_timeout(Duration::ZERO).map_err(Receiving::from)
    } else {
        receiver.try_recv().map_err(Receiving::from)
    }
}

fn note_received<'a, In: Posted>(
    received: Result<MessageRef<'a, In>, Receiving>,
    journal: &Journal,
) -> Option<MessageRef<'a, In>> {
    match received {
        Ok(message) => {
            let archive_length = message.as_bytes().len();
            let content = In::content(&message);
            journal.note(Seen::Receive(Receiving::Message { content, archive_length }));
            Some(message)
        }
        Err(nothing) => {
            journal.note(Seen::Receive(nothing));
            None
        }
    }
}

fn dispatch<Out: Posted, In: Posted>(slot: &mut Slot<Out, In>, run: bool, journal: &Journal) {
    let Slot::Whole(port) = slot else { return journal.note(Seen::Impossible) };
    // Only the receiving half knows whether its own peer half is gone.
    if run && !port.is_closed() && !port.split_mut().1.is_disconnected() {
        return journal.note(Seen::Impossible);
    }
    let outcome = handlers::dispatch(port, run);
    journal.note(Seen::Dispatch(outcome));
}

fn close<Out: Posted, In: Posted>(slot: &mut Slot<Out, In>, by: Part, journal: &Journal) {
    match (slot, by) {
        (Slot::Whole(port), Part::Whole) => port.close(),
        (Slot::Whole(port), Part::Sender) => port.split_mut().0.close(),
        (Slot::Whole(port), Part::Receiver) => port.split_mut().1.close(),
        (Slot::Halves(_, Some(receiver)), Part::Receiver)
        | (Slot::Halves(None, Some(receiver)), _) => receiver.close(),
        (Slot::Halves(Some(sender), _), _) => sender.close(),
        (Slot::Halves(None, None), _) => journal.note(Seen::Impossible),
    }
}

fn split<Out: Posted, In: Posted>(slot: &mut Slot<Out, In>) {
    *slot = match std::mem::replace(slot, Slot::Halves(None, None)) {
        Slot::Whole(port) => {
            let (sender, receiver) = port.into_split();
            Slot::Halves(Some(sender), Some(receiver))
        }
        halves @ Slot::Halves(..) => halves,
    };
}

fn drop_part<Out: Posted, In: Posted>(slot: &mut Slot<Out, In>, part: Part) {
    if part == Part::Whole {
        *slot = Slot::Halves(None, None);
        return;
    }
    if matches!(slot, Slot::Whole(_)) {
        split(slot);
    }
    match (slot, part) {
        (Slot::Halves(sender, _), Part::Sender) => *sender = None,
        (Slot::Halves(_, receiver), _) => *receiver = None,
        (Slot::Whole(_), _) => unreachable!("it was split"),
    }
}

fn report<Out: Posted, In: Posted>(slot: &mut Slot<Out, In>, journal: &Journal) {
    let sender = match slot {
        Slot::Whole(port) => port.split_mut().0,
        Slot::Halves(Some(sender), _) => sender,
        Slot::Halves(None, _) => return journal.note(Seen::Impossible),
    };
    journal.note(Seen::Report(sender.close_event().as_ref().map(Report::from)));
}

fn state<Out: Posted, In: Posted>(slot: &Slot<Out, In>) -> State {
    match slot {
        Slot::Whole(port) => State {
            port: Some(PortState {
                closed: port.is_closed(),
                disconnected: port.is_disconnected(),
                len: port.len(),
                empty: port.is_empty(),
                capacity: port.capacity(),
            }),
            sender: None,
            receiver: None,
        },
        Slot::Halves(sender, receiver) => State {
            port: None,
            sender: sender.as_ref().map(|sender| SenderState {
                closed: sender.is_closed(),
                disconnected: sender.is_disconnected(),
                capacity: sender.capacity(),
            }),
            receiver: receiver.as_ref().map(|receiver| ReceiverState {
                closed: receiver.is_closed(),
                disconnected: receiver.is_disconnected(),
                len: receiver.len(),
                empty: receiver.is_empty(),
            }),
        },
    }
}

impl From<BuildError> for Built {
    fn from(error: BuildError) -> Self {
        match error {
            BuildError::ZeroCapacity => Self::Zero,
            BuildError::TooSmall { capacity, .. } => Self::TooSmall { capacity },
            other => Self::Otherwise(other.to_string()),
        }
    }
}

impl From<&CloseEvent> for Report {
    fn from(event: &CloseEvent) -> Self {
        Self {
            by_this_port: event.closed_by() == ClosedBy::ThisPort,
            messages: event.undelivered_messages(),
            bytes: event.undelivered_bytes(),
        }
    }
}

/// The errors of the calls that never wait and of those that wait for no time say the same.
macro_rules! same_but_for_the_wait {
    ($posting:ident, $full:ident, $receiving:ident, $empty:ident) => {
        impl From<$posting> for Posting {
            fn from(error: $posting) -> Self {
                match error {
                    $posting::$full => Self::Full,
                    $posting::Closed => Self::Closed,
                    $posting::Disconnected => Self::Disconnected,
                    $posting::TooLarge { needed, max } => Self::TooLarge { needed, max },
                    $posting::DataClone(_) => Self::DataClone,
                    other => unreachable!("{other}"),
                }
            }
        }

        impl From<$receiving> for Receiving {
            fn from(error: $receiving) -> Self {
                match error {
                    $receiving::$empty => Self::Empty,
                    $receiving::Closed => Self::Closed,
                    $receiving::Disconnected => Self::Disconnected,
                    $receiving::InvalidArchive(_) => Self::Invalid,
                    other => unreachable!("{other}"),
                }
            }
        }
    };
}

same_but_for_the_wait!(TryPostError, Full, TryRecvError, Empty);
same_but_for_the_wait!(PostTimeoutError, Timeout, RecvTimeoutError, Timeout);
