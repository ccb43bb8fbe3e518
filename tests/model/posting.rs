//! Posts of all kinds on real ports.

use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use message_port::rkyv::util::AlignedVec;
use message_port::{PostError, PostTimeoutError, Sender, TryPostError};

use super::journal::{Batched, Half, Journal, Posting, Seen};
use super::program::{Act, Archive, How, Rival, Which};
use super::system::{Shared, Slot, lock, perform};
use super::values::{Posted, Value};

type Polled = Poll<Result<(), PostError>>;

/// Posts by way of a port or a half, whose calls have the same names.
macro_rules! post_by {
    ($poster:expr, $message:expr, $how:expr, $journal:expr) => {
        match $how {
            How::Try => Ok($poster.try_post_message($message)?),
            How::Timeout => Ok($poster.post_message_timeout($message, Duration::ZERO)?),
            How::Wait => Ok($poster.post_message($message)?),
            How::Poll(which) => {
                let mut poll = |cx: &mut Context<'_>| $poster.poll_post_message(cx, $message);
                full_if_pending(in_turn($journal, Half::Sender, which, &mut poll))
            }
            How::Async(which) => {
                let future = pin!($poster.post_message_async($message));
                full_if_pending(poll(future, $journal, Half::Sender, which))
            }
        }
    };
}

fn full_if_pending(polled: Polled) -> Result<(), Posting> {
    match polled {
        Poll::Ready(posted) => Ok(posted?),
        Poll::Pending => Err(Posting::Full),
    }
}

pub(crate) fn poll<F: Future + ?Sized>(
    mut future: Pin<&mut F>,
    journal: &Journal,
    half: Half,
    which: Which,
) -> Poll<F::Output> {
    in_turn(journal, half, which, &mut |cx| future.as_mut().poll(cx))
}

/// Polls, and once more where the task was only to let others run. That is nothing that the model
/// has an opinion of.
fn in_turn<T>(
    journal: &Journal,
    half: Half,
    which: Which,
    poll: &mut dyn FnMut(&mut Context<'_>) -> Poll<T>,
) -> Poll<T> {
    let waker = journal.waker(half, which);
    let (cx, noted) = (&mut Context::from_waker(&waker), journal.noted());
    let polled = poll(cx);
    let let_others_run = polled.is_pending() && journal.take_back_wake(noted, half, which);
    if let_others_run { poll(cx) } else { polled }
}

pub(crate) fn post<Out: Posted, In: Posted>(
    slot: &mut Slot<Out, In>,
    value: &Value,
    how: How,
    journal: &Journal,
) {
    match slot {
        Slot::Whole(port) => {
            attempt(value, journal, |message| post_by!(port, message, how, journal));
        }
        Slot::Halves(Some(sender), _) => post_by_half(sender, value, how, journal),
        Slot::Halves(None, _) => journal.note(Seen::Impossible),
    }
}

pub(crate) fn post_by_half<Out: Posted>(
    sender: &mut Sender<Out>,
    value: &Value,
    how: How,
    journal: &Journal,
) {
    attempt(value, journal, |message| post_by!(sender, message, how, journal));
}

fn attempt<Out: Posted>(
    value: &Value,
    journal: &Journal,
    post: impl FnOnce(&Out) -> Result<(), Posting>,
) {
    let serial = journal.serial();
    let message = Out::make(value, serial);
    let outcome = outcome(|| post(&message));
    journal.note(Seen::Post { serial, writes: message.writes(), outcome });
}

fn outcome(post: impl FnOnce() -> Result<(), Posting>) -> Posting {
    match catch_unwind(AssertUnwindSafe(post)) {
        Ok(Ok(())) => Posting::Done,
        Ok(Err(refusal)) => refusal,
        Err(_) => Posting::Panicked,
    }
}

pub(crate) fn post_batch<Out: Posted, In: Posted>(
    slot: &mut Slot<Out, In>,
    values: &[Value],
    journal: &Journal,
) {
    if matches!(slot, Slot::Halves(None, _)) {
        return journal.note(Seen::Impossible);
    }
    let mut serial = None;
    let message = |value| {
        let number = journal.serial();
        serial.get_or_insert(number);
        Out::make(value, number)
    };
    let messages: Vec<Out> = values.iter().map(message).collect();
    let mut asked = 0;
    let counted = messages.iter().inspect(|_| asked += 1);
    let posted = catch_unwind(AssertUnwindSafe(|| match slot {
        Slot::Whole(port) => port.post_messages(counted),
        Slot::Halves(Some(sender), _) => sender.post_messages(counted),
        Slot::Halves(None, _) => unreachable!("there is a sender"),
    }));
    let outcome = match posted {
        Ok(Ok(posted)) => Batched::Posted(posted),
        Ok(Err(error)) => Batched::Refused(error.into()),
        Err(_) => Batched::Panicked,
    };
    let writes = messages.iter().map(Out::writes).collect();
    journal.note(Seen::PostBatch { serial: serial.unwrap_or(0), asked, writes, outcome });
}

pub(crate) fn post_archived<Out: Posted, In: Posted>(
    slot: &mut Slot<Out, In>,
    archive: &Archive,
    journal: &Journal,
) {
    if matches!(slot, Slot::Halves(None, _)) {
        return journal.note(Seen::Impossible);
    }
    let made = Out::make(&archive.value, journal.serial()).archive();
    let bytes = archive.damage.to(made);
    // Somewhere between two aligned places.
    let mut shifted = AlignedVec::<16>::new();
    shifted.resize(archive.offset, 0);
    shifted.extend_from_slice(&bytes);
    let shifted = &shifted[archive.offset..];
    let outcome = outcome(|| match slot {
        Slot::Whole(port) => Ok(port.post_archived(shifted)?),
        Slot::Halves(Some(sender), _) => Ok(sender.post_archived(shifted)?),
        Slot::Halves(None, _) => unreachable!("there is a sender"),
    });
    journal.note(Seen::PostArchived { archive: bytes, outcome });
}

/// Posts in a task; see [`Operation::PostTask`](super::program::Operation::PostTask).
pub(crate) fn post_in_task<Out: Posted, In: Posted>(
    slot: &mut Slot<Out, In>,
    value: &Value,
    (rival, acts): (&Rival, &[Act]),
    peer: &Arc<Shared<In, Out>>,
    journal: &Journal,
) {
    let Some(message) = made_for(slot, value, journal) else { return };
    match slot {
        Slot::Whole(port) => {
            let future = Box::pin(port.post_message_async(&message.0));
            Task { future, message: &message, polled: 0, journal }.against(rival, acts, peer, true);
        }
        Slot::Halves(Some(sender), _) => {
            let future = Box::pin(sender.post_message_async(&message.0));
            let task = Task { future, message: &message, polled: 0, journal };
            task.against(rival, acts, peer, false);
        }
        Slot::Halves(None, _) => unreachable!("there is a sender"),
    }
}

/// A message and its number, where there is somebody to post it.
fn made_for<Out: Posted, In: Posted>(
    slot: &Slot<Out, In>,
    value: &Value,
    journal: &Journal,
) -> Option<(Out, u64)> {
    if matches!(slot, Slot::Halves(None, _)) {
        journal.note(Seen::Impossible);
        return None;
    }
    let serial = journal.serial();
    Some((Out::make(value, serial), serial))
}

/// A post that is polled by hand.
struct Task<'a, Out, F> {
    future: Pin<Box<F>>,
    message: &'a (Out, u64),
    /// Writes that were seen in earlier polls.
    polled: usize,
    journal: &'a Journal,
}

impl<Out: Posted, F: Future<Output = Result<(), PostError>>> Task<'_, Out, F> {
    /// Polls; whether it must be polled again.
    fn poll(&mut self, which: Which) -> bool {
        let Self { future, journal, .. } = self;
        let polled = || full_if_pending(poll(future.as_mut(), journal, Half::Sender, which));
        let outcome = outcome(polled);
        let all = self.message.0.writes();
        let writes = all[self.polled..].to_vec();
        self.polled = all.len();
        self.journal.note(Seen::Post { serial: self.message.1, writes, outcome });
        outcome == Posting::Full
    }

    fn against<In: Posted>(
        mut self,
        rival: &Rival,
        acts: &[Act],
        peer: &Arc<Shared<In, Out>>,
        whole: bool,
    ) {
        if !self.poll(0) {
            return;
        }
        wait_too(rival, &mut lock(peer), whole, &self.journal.of_peer());
        perform(acts, None, peer, self.journal);
        let Rival::Task(value) = rival else {
            self.poll(1);
            return;
        };
        let (slot, journal) = (&mut *lock(peer), self.journal.of_peer());
        let Some(message) = made_for(slot, value, &journal) else { return };
        let message = &message;
        match slot {
            Slot::Whole(port) => {
                let future = Box::pin(port.post_message_async(&message.0));
                self.compete(Task { future, message, polled: 0, journal: &journal });
            }
            Slot::Halves(Some(sender), _) => {
                let future = Box::pin(sender.post_message_async(&message.0));
                self.compete(Task { future, message, polled: 0, journal: &journal });
            }
            Slot::Halves(None, _) => unreachable!("there is a sender"),
        }
    }

    /// Polls in turn until one of the two is done, at most twice each.
    fn compete<In: Posted, G>(mut self, mut rival: Task<'_, In, G>)
    where
        G: Future<Output = Result<(), PostError>>,
    {
        let mut rival_waits = rival.poll(0);
        let waits = self.poll(1);
        if rival_waits && waits {
            rival_waits = rival.poll(1);
        }
        drop(rival);
        if waits && !rival_waits {
            self.poll(0);
        }
    }
}

/// The rival's calls that would wait. They are made only where one of the two must be refused.
fn wait_too<Out: Posted, In: Posted>(
    rival: &Rival,
    slot: &mut Slot<Out, In>,
    whole: bool,
    journal: &Journal,
) {
    match rival {
        Rival::Nothing | Rival::Task(_) => {}
        _ if !whole || !matches!(slot, Slot::Whole(_)) => journal.note(Seen::Impossible),
        Rival::Post(value) => post(slot, value, How::Wait, journal),
        Rival::Batch(values) => post_batch(slot, values, journal),
        Rival::Archived(archive) => post_archived(slot, archive, journal),
    }
}

/// The errors of the various calls say the same, but for how they wait.
macro_rules! as_posting {
    ($error:ident, $($other:ident => $posting:ident),*) => {
        impl From<$error> for Posting {
            fn from(error: $error) -> Self {
                match error {
                    $($error::$other => Self::$posting,)*
                    $error::Closed => Self::Closed,
                    $error::Disconnected => Self::Disconnected,
                    $error::TooLarge { needed, max } => Self::TooLarge { needed, max },
                    $error::DataClone(_) => Self::DataClone,
                    other => unreachable!("{other}"),
                }
            }
        }
    };
}

as_posting!(TryPostError, Full => Full);
as_posting!(PostError, WouldDeadlock => WouldDeadlock);
as_posting!(PostTimeoutError, Timeout => Full, WouldDeadlock => WouldDeadlock);
