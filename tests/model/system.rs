//! Executes a program on real ports and writes down what can be observed.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError};
use std::time::Duration;

use message_port::{
    BuildError, CloseEvent, ClosedBy, EventLoop, MessageChannel, MessagePort, Receiver, Sender,
};

use super::handlers;
use super::journal::{
    Built, Dispatching, Journal, PortState, ReceiverState, Report, Seen, SenderState, State,
};
use super::oracle::Oracle;
use super::posting::{post, post_archived, post_batch, post_by_half, post_in_task};
use super::program::{Act, Operation, Part, Program};
use super::receiving::{InHand, receive, receive_batch, receive_one};
use super::values::Posted;

/// What is left of a port. Behind a lock, for the handlers of one port use the other one; a port
/// whose handlers run is locked, and what they want from it is [`Seen::Impossible`].
pub(crate) type Shared<Out, In> = Mutex<Slot<Out, In>>;

pub(crate) enum Slot<Out, In> {
    Whole(MessagePort<Out, In>),
    Halves(Option<Sender<Out>>, Option<Receiver<In>>),
}

pub(crate) fn run<A: Posted, B: Posted>(program: &Program) -> Result<(), String> {
    let journal = Journal::new();
    let mut oracle = Oracle::new(program);
    let mut builder = MessageChannel::<A, B>::builder().capacity(program.capacity);
    if let Some(bytes) = program.max_message_len {
        builder = builder.max_message_len(bytes);
    }
    if let Some(bytes) = program.growable {
        builder = builder.growable(bytes);
    }
    if program.trusted {
        // SAFETY: a trusted program has no value that writes a wrong archive, and no type of
        // `values` is aligned to more than eight bytes.
        builder = unsafe { builder.trust_archives() };
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
    let (journal0, journal1) = (journal.clone(), journal.of_peer());
    for (index, (side, operation)) in program.operations.iter().enumerate() {
        let Some(operation) = oracle.without_a_wait(*side, operation) else { continue };
        if *side == 0 {
            execute(&operation, &port0, &port1, &journal0);
        } else {
            execute(&operation, &port1, &port0, &journal1);
        }
        let states = [state(&lock(&port0), &journal0), state(&lock(&port1), &journal1)];
        oracle.follow(*side, &operation, journal.take(), states).map_err(|objection| {
            format!("operation {index}, {operation:?} at port {side}: {objection}")
        })?;
    }
    Ok(())
}

pub(crate) fn lock<T>(slot: &Mutex<T>) -> MutexGuard<'_, T> {
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
        (Operation::Post { value, how, times }, slot) => {
            (0..*times).for_each(|_| post(slot, value, *how, journal));
        }
        (Operation::PostBatch(values), slot) => post_batch(slot, values, journal),
        (Operation::PostArchived(archive), slot) => post_archived(slot, archive, journal),
        (Operation::PostTask { value, rival, acts }, slot) => {
            post_in_task(slot, value, (rival, acts), peer, journal);
        }
        (Operation::Receive { how, acts, forget }, slot) => {
            receive(slot, *how, &InHand { acts, forget: *forget, peer, journal });
        }
        (Operation::ReceiveBatch { limit, panics_at }, slot) => {
            receive_batch(slot, *limit, *panics_at, journal);
        }
        (Operation::Set(handler, script), Slot::Whole(port)) => {
            handlers::set(port, *handler, script.clone(), Arc::downgrade(peer), journal.clone());
        }
        (Operation::Clear(handler), Slot::Whole(port)) => handlers::clear(port, *handler),
        (Operation::Start, Slot::Whole(port)) => port.start(),
        (Operation::Dispatch, slot) => dispatch(slot, false, journal),
        (Operation::Run, slot) => dispatch(slot, true, journal),
        (Operation::Loop { turns }, slot) => run_loop(slot, &mut lock(peer), *turns, journal),
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
            (Act::Reply(value, how), Some(own)) => post_by_half(own, value, *how, journal),
            (Act::CloseOwn, Some(own)) => own.close(),
            (Act::ReportOwn, Some(own)) => {
                journal.note(Seen::Report(own.close_event().as_ref().map(Report::from)));
            }
            (Act::Reply(..) | Act::CloseOwn | Act::ReportOwn, None) => {
                journal.note(Seen::Impossible);
            }
            (act, _) => match peer.try_lock() {
                Ok(mut slot) => perform_at_peer(act, &mut slot, &journal.of_peer()),
                Err(TryLockError::Poisoned(slot)) => {
                    perform_at_peer(act, &mut slot.into_inner(), &journal.of_peer());
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
        Act::PeerPost(value, how) => post(slot, value, *how, journal),
        Act::PeerReceive(how) => receive_one(slot, *how, journal),
        Act::PeerDispatch => dispatch(slot, false, journal),
        Act::PeerClose => close(slot, Part::Whole, journal),
        Act::PeerDrop => drop_part(slot, Part::Whole),
        Act::PeerReport => report(slot, journal),
        Act::Reply(..) | Act::CloseOwn | Act::ReportOwn => unreachable!("not at the peer"),
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

/// Gives both ports to an event loop for some turns. Their slots stay locked meanwhile.
fn run_loop<Out: Posted, In: Posted>(
    own: &mut Slot<Out, In>,
    peer: &mut Slot<In, Out>,
    turns: usize,
    journal: &Journal,
) {
    let gone = || (Slot::Halves(None, None), Slot::Halves(None, None));
    let (port, peer_port) =
        match (std::mem::replace(own, gone().0), std::mem::replace(peer, gone().1)) {
            (Slot::Whole(port), Slot::Whole(peer_port)) => (port, peer_port),
            (own_slot, peer_slot) => {
                (*own, *peer) = (own_slot, peer_slot);
                return journal.note(Seen::Impossible);
            }
        };
    let mut events = EventLoop::new();
    let ids = [events.add(port), events.add(peer_port)];
    for _ in 0..turns {
        let turn = catch_unwind(AssertUnwindSafe(|| events.run_once(Some(Duration::ZERO))));
        let (outcome, at) = match turn {
            Ok(Ok(dispatched)) => (Dispatching::Events(dispatched), None),
            Ok(Err(error)) => {
                let own = error.port() == ids[0];
                let side = if own { journal.side() } else { journal.of_peer().side() };
                (handlers::failed(&error.into_inner()), Some(side))
            }
            Err(payload) => (handlers::panicked(&*payload), None),
        };
        journal.note(Seen::Loop { outcome, at });
    }
    if let Some(port) = events.remove(ids[0]) {
        *own = Slot::Whole(port);
    }
    if let Some(port) = events.remove(ids[1]) {
        *peer = Slot::Whole(port);
    }
    let mut remain = [matches!(own, Slot::Whole(_)), matches!(peer, Slot::Whole(_))];
    remain.rotate_left(journal.side());
    journal.note(Seen::Remain(remain));
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

fn state<Out: Posted, In: Posted>(slot: &Slot<Out, In>, journal: &Journal) -> State {
    let wakers = journal.wakers();
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
            wakers,
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
            wakers,
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
