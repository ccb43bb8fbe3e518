//! Receives of all kinds on real ports.

use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::task::{Context, Poll};
use std::time::Duration;

use message_port::{MessageRef, RecvError, RecvTimeoutError, TryRecvError};

use super::journal::{Half, Journal, Receiving, ReceivingBatch, Seen};
use super::posting::poll;
use super::program::{Act, How};
use super::system::{Shared, Slot, perform};
use super::values::{Posted, unwind};

type Received<'a, In> = Result<MessageRef<'a, In>, Receiving>;

/// What is done with a message in hand, or while there is none yet.
pub(crate) struct InHand<'a, Out, In> {
    pub(crate) acts: &'a [Act],
    pub(crate) forget: bool,
    pub(crate) peer: &'a Shared<In, Out>,
    pub(crate) journal: &'a Journal,
}

/// Receives by way of a port or a half, whose calls have the same names; `pending` is called
/// between the two polls of a future.
macro_rules! receive_by {
    ($receiver:expr, $how:expr, $pending:expr, $journal:expr) => {
        match $how {
            How::Try => $receiver.try_recv().map_err(Receiving::from),
            How::Timeout => $receiver.recv_timeout(Duration::ZERO).map_err(Receiving::from),
            How::Wait => $receiver.recv().map_err(Receiving::from),
            How::Poll(which) => {
                let waker = $journal.waker(Half::Receiver, which);
                let (cx, noted) = (&mut Context::from_waker(&waker), $journal.noted());
                let polled = $receiver.poll_recv(cx);
                match polled {
                    Poll::Ready(received) => received.map_err(Receiving::from),
                    // The task was only to let others run.
                    Poll::Pending if $journal.take_back_wake(noted, Half::Receiver, which) => {
                        drop(polled);
                        match $receiver.poll_recv(cx) {
                            Poll::Ready(received) => received.map_err(Receiving::from),
                            Poll::Pending => Err(Receiving::Empty),
                        }
                    }
                    Poll::Pending => Err(Receiving::Empty),
                }
            }
            How::Async(which) => in_task(pin!($receiver.recv_async()), which, $pending, $journal),
        }
    };
}

fn in_task<'a, In: Posted, F: Future<Output = Result<MessageRef<'a, In>, RecvError>>>(
    mut future: Pin<&mut F>,
    which: usize,
    pending: impl FnOnce(),
    journal: &Journal,
) -> Received<'a, In> {
    let first = poll(future.as_mut(), journal, Half::Receiver, which);
    if let Poll::Ready(received) = first {
        return received.map_err(Receiving::from);
    }
    journal.note(Seen::Receive(Receiving::Empty));
    pending();
    match poll(future, journal, Half::Receiver, 1 - which) {
        Poll::Ready(received) => received.map_err(Receiving::from),
        Poll::Pending => Err(Receiving::Empty),
    }
}

pub(crate) fn receive<Out: Posted, In: Posted>(
    slot: &mut Slot<Out, In>,
    how: How,
    in_hand: &InHand<'_, Out, In>,
) {
    let InHand { acts, forget, peer, journal } = *in_hand;
    let mut acted = acts.is_empty();
    let (own, received) = match slot {
        Slot::Whole(port) if acted => (None, receive_by!(port, how, || (), journal)),
        Slot::Whole(port) => {
            let (sender, half) = port.split_mut();
            let pending = || {
                acted = true;
                perform(acts, Some(&mut *sender), peer, journal);
            };
            let received = receive_by!(half, how, pending, journal);
            (Some(sender), received)
        }
        Slot::Halves(sender, Some(half)) => {
            let pending = || {
                acted = true;
                perform(acts, sender.as_mut(), peer, journal);
            };
            let received = receive_by!(half, how, pending, journal);
            (sender.as_mut(), received)
        }
        Slot::Halves(_, None) => return journal.note(Seen::Impossible),
    };
    let Some(message) = note(received, journal) else { return };
    if !acted {
        perform(acts, own, peer, journal);
        journal.note(Seen::StillInHand(In::owned_content(&message)));
    }
    if forget {
        std::mem::forget(message);
    }
}

/// Receives, and lets go of the message at once.
pub(crate) fn receive_one<Out: Posted, In: Posted>(
    slot: &mut Slot<Out, In>,
    how: How,
    journal: &Journal,
) {
    let received = match slot {
        Slot::Whole(port) => receive_by!(port, how, || (), journal),
        Slot::Halves(_, Some(receiver)) => receive_by!(receiver, how, || (), journal),
        Slot::Halves(_, None) => return journal.note(Seen::Impossible),
    };
    note(received, journal);
}

fn note<'a, In: Posted>(
    received: Received<'a, In>,
    journal: &Journal,
) -> Option<MessageRef<'a, In>> {
    match received {
        Ok(message) => {
            let bytes = message.as_bytes();
            assert!(bytes.as_ptr().addr().is_multiple_of(In::ALIGNMENT), "not aligned");
            let (archive_length, in_bytes) = (bytes.len(), In::read(bytes));
            let content = In::content(&message);
            journal.note(Seen::Receive(Receiving::Message { content, archive_length, in_bytes }));
            Some(message)
        }
        Err(nothing) => {
            journal.note(Seen::Receive(nothing));
            None
        }
    }
}

pub(crate) fn receive_batch<Out: Posted, In: Posted>(
    slot: &mut Slot<Out, In>,
    limit: usize,
    panics_at: Option<usize>,
    journal: &Journal,
) {
    if matches!(slot, Slot::Halves(_, None)) {
        return journal.note(Seen::Impossible);
    }
    let mut contents = Vec::new();
    let take = |message: &message_port::rkyv::Archived<In>| {
        contents.push(In::content(message));
        if panics_at == Some(contents.len() - 1) {
            unwind("enough");
        }
    };
    let received = catch_unwind(AssertUnwindSafe(|| match slot {
        Slot::Whole(port) => port.recv_batch(limit, take),
        Slot::Halves(_, Some(receiver)) => receiver.recv_batch(limit, take),
        Slot::Halves(_, None) => unreachable!("there is a receiver"),
    }));
    let outcome = match received {
        Ok(Ok(received)) => ReceivingBatch::Received(received),
        Ok(Err(error)) => ReceivingBatch::Refused(error.into()),
        Err(_) => ReceivingBatch::Panicked,
    };
    journal.note(Seen::ReceiveBatch { contents, outcome });
}

/// The errors of the various calls say the same, but for how they wait.
macro_rules! as_receiving {
    ($error:ident $(, $empty:ident)?) => {
        impl From<$error> for Receiving {
            fn from(error: $error) -> Self {
                match error {
                    $($error::$empty => Self::Empty,)?
                    $error::Closed => Self::Closed,
                    $error::Disconnected => Self::Disconnected,
                    $error::InvalidArchive(_) => Self::Invalid,
                    other => unreachable!("{other}"),
                }
            }
        }
    };
}

as_receiving!(RecvError);
as_receiving!(TryRecvError, Empty);
as_receiving!(RecvTimeoutError, Timeout);
