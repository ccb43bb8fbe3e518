//! The calls of a client that have not ended: which answer is for which of them.
//!
//! Both ends number calls by the order of the requests, which the channel keeps. An answer is for
//! the call behind the one that was answered last, unless [`Envelope::Next`] names another one
//! before it. So whatever becomes of an answer, also one that is no valid archive, is known to its
//! call; and a number is never used again, so an answer that comes late finds no other call.

use std::collections::VecDeque;

use thiserror::Error;

use super::dropped::{Dropped, Handle};
use super::envelope::{ArchivedEnvelope, Envelope};
use super::error::CallError;
use super::keep::{Keep, Kept};
use crate::archive::Message;
use crate::archive::{self, Known};
use crate::error::{InvalidArchiveError, RecvError};
use crate::half::{Verdict, Wants};
use rkyv::Archived;
use rkyv::rancor::Source;

/// The list of calls is given room for so many in any case.
const FEW_CALLS: usize = 64;

/// So many calls, and as many more as are in flight, are made before what they did not need is let go
/// of. Calls that are only started need no buffers yet, so those do not count.
const PATIENCE: usize = 64;

/// How far a call is.
#[derive(Debug)]
enum State {
    /// There is no answer yet.
    Waiting,
    /// There is no answer yet, and nobody wants it.
    Cancelled,
    /// The answer came while another one was waited for.
    Kept(Kept),
    /// An error came while another answer was waited for.
    Failed(CallError),
}

#[derive(Debug)]
struct Flight {
    call: u64,
    state: State,
}

/// The calls that have not ended.
#[derive(Debug)]
pub(super) struct Flights {
    /// In the order of their numbers. Never more than `limit`: that is the room that answers have.
    calls: VecDeque<Flight>,
    limit: usize,
    /// Bytes that the archive of an answer may have.
    max_len: usize,
    /// The number of the next call.
    sent: u64,
    /// The call that the next answer is for, if it does not say otherwise.
    next: u64,
    /// Whether a message was taken and not looked at: its check panicked.
    is_lost: bool,
    /// A call that is waited for without being listed. Left here by a future that was forgotten.
    unlisted: Option<u64>,
    dropped: Dropped,
    keep: Keep,
    /// Calls since memory was let go of.
    calls_since: usize,
    /// The most that were in flight at a time since then.
    most: usize,
    known: Known,
}

/// The check of an answer panicked, so nobody knows what it is.
#[derive(Debug, Error)]
#[error("its check panicked")]
struct CheckPanicked;

impl Flights {
    pub(super) fn new(limit: usize, max_len: usize) -> Self {
        Self {
            calls: VecDeque::new(),
            limit,
            max_len,
            sent: 0,
            next: 0,
            is_lost: false,
            unlisted: None,
            dropped: Dropped::new(limit),
            keep: Keep::default(),
            calls_since: 0,
            most: 0,
            known: Known::default(),
        }
    }

    pub(super) fn len(&self) -> usize {
        self.calls.len()
    }

    pub(super) fn limit(&self) -> usize {
        self.limit
    }

    pub(super) fn is_full(&self) -> bool {
        self.calls.len() == self.limit
    }

    /// Whether a call will end although nobody waits for it.
    pub(super) fn has_cancelled(&self) -> bool {
        self.calls.iter().any(|flight| matches!(flight.state, State::Cancelled))
    }

    /// Gives back what the last reply took, and what dropped handles left. Comes first, whatever the
    /// client does.
    #[inline]
    pub(super) fn tidy(&mut self) {
        self.keep.rest_hand();
        if let Some(call) = self.unlisted {
            self.cancel_unlisted(call);
        }
        if self.is_lost {
            self.find_lost();
        }
        if !self.calls.is_empty() {
            self.cancel_dropped();
        }
    }

    /// Gives a call, the request of which was just posted, its number.
    #[inline(always)]
    pub(super) fn number(&mut self) -> u64 {
        debug_assert!(!self.is_full());
        let call = self.sent;
        self.sent += 1;
        if self.keep.has_spares() || self.calls.capacity() > FEW_CALLS {
            self.note_call();
        }
        call
    }

    /// Counts a call, and lets go of what a burst needed and the calls since then did not.
    #[cold]
    fn note_call(&mut self) {
        let in_flight = self.calls.len() + 1;
        self.most = self.most.max(in_flight);
        self.calls_since += 1;
        if self.calls_since < PATIENCE + in_flight {
            return;
        }
        self.calls_since = 0;
        self.keep.trim();
        let most = std::mem::take(&mut self.most).max(FEW_CALLS);
        if most < self.calls.capacity() / 4 {
            self.calls.shrink_to(most);
        }
    }

    /// Lists the call that was numbered last, to be waited for by its handle. A call that is waited
    /// for at once is only listed if it is cancelled.
    pub(super) fn launch(&mut self, call: u64) -> Handle {
        self.calls.push_back(Flight { call, state: State::Waiting });
        self.dropped.handle(call)
    }

    /// The call that was numbered last is waited for from now on, and not listed.
    #[inline(always)]
    pub(super) fn wait_unlisted(&mut self, call: u64) {
        self.unlisted = Some(call);
    }

    /// That wait is over, and so is the call.
    #[inline(always)]
    pub(super) fn end_unlisted(&mut self) {
        self.unlisted = None;
    }

    /// Lists the call that was numbered last as one that nobody waits for.
    #[cold]
    pub(super) fn cancel_unlisted(&mut self, call: u64) {
        self.unlisted = None;
        if self.is_lost && self.next == call + 1 {
            // It was answered, and the check of the answer panicked.
            self.is_lost = false;
        } else {
            self.calls.push_back(Flight { call, state: State::Cancelled });
        }
    }

    /// The call that a handle names; see [`Dropped::call`].
    pub(super) fn call(&self, handle: &Handle) -> u64 {
        self.dropped.call(handle)
    }

    /// Ends a call that nobody waits for any more, at once or when its answer comes.
    #[cold]
    fn cancel(&mut self, call: u64) {
        let Some(at) = self.position(call) else { return };
        if matches!(self.calls[at].state, State::Waiting) {
            self.calls[at].state = State::Cancelled;
        } else if let Some(Flight { state: State::Kept(kept), .. }) = self.calls.remove(at) {
            self.keep.give_back(kept);
        }
    }

    fn cancel_dropped(&mut self) {
        // Looked at first: taking something out of the queue costs more.
        while !self.dropped.is_empty()
            && let Some(call) = self.dropped.next()
        {
            self.cancel(call);
        }
    }

    /// Ends a call that has its answer already. It is ready to be read if `Ok`.
    #[inline]
    pub(super) fn land(&mut self, call: u64) -> Option<Result<Kept, CallError>> {
        let at = self.position(call)?;
        if matches!(self.calls[at].state, State::Waiting | State::Cancelled) {
            return None;
        }
        match self.calls.remove(at)?.state {
            State::Kept(kept) => Some(Ok(kept)),
            State::Failed(error) => Some(Err(error)),
            State::Waiting | State::Cancelled => None,
        }
    }

    /// Reads an answer that was kept. It stays for as long as the result, and until the next call.
    pub(super) fn read<Ans: Message>(
        &mut self,
        kept: Kept,
    ) -> Result<&ArchivedEnvelope<Ans>, CallError> {
        let archive = self.keep.take_in_hand(kept);
        Ok(archive::access::<Envelope<Ans>>(archive, &mut self.known)?)
    }

    /// A call that has a handle is over, with its answer or without.
    #[inline]
    pub(super) fn end(&mut self, call: u64) {
        if let Some(at) = self.position(call) {
            self.calls.remove(at);
        }
    }

    #[inline]
    fn position(&self, call: u64) -> Option<usize> {
        // The oldest one is mostly the next to end.
        if self.calls.front().is_some_and(|first| first.call == call) {
            return Some(0);
        }
        self.calls.binary_search_by_key(&call, |flight| flight.call).ok()
    }

    /// A message was taken: it is for the call whose turn it is.
    #[inline(always)]
    fn taken(&mut self) {
        self.next += 1;
        self.is_lost = true;
    }

    /// The call that the message is for which was just taken.
    #[inline(always)]
    fn looked_at(&mut self) -> u64 {
        self.is_lost = false;
        self.next - 1
    }

    /// A message was taken, and its check panicked.
    #[cold]
    fn find_lost(&mut self) {
        let call = self.looked_at();
        self.settle(call, |_| State::Failed(InvalidArchiveError::new(CheckPanicked).into()));
    }

    /// Notes what came for a call that is not waited for now.
    #[cold]
    fn settle(&mut self, call: u64, state: impl FnOnce(&mut Keep) -> State) {
        // Before anything is copied that nobody wants any more.
        self.cancel_dropped();
        let Some(at) = self.position(call) else { return };
        match self.calls[at].state {
            State::Waiting => self.calls[at].state = state(&mut self.keep),
            State::Cancelled => drop(self.calls.remove(at)),
            State::Kept(_) | State::Failed(_) => debug_assert!(false, "a second answer"),
        }
    }

    /// Notes what came while something else was waited for.
    #[cold]
    fn put_aside<Ans: Message>(
        &mut self,
        call: u64,
        message: &ArchivedEnvelope<Ans>,
        archive: &[u8],
    ) {
        match message {
            // The one behind it is for that call.
            ArchivedEnvelope::Next(call) => self.next = call.to_native(),
            ArchivedEnvelope::Answer(_) => {
                self.settle(call, |keep| State::Kept(keep.keep(archive)));
            }
            failure => {
                let error = self.failure(failure);
                self.settle(call, |_| State::Failed(error));
            }
        }
    }

    /// What the caller is told instead of an answer.
    #[cold]
    fn failure<Ans: Message>(&self, envelope: &ArchivedEnvelope<Ans>) -> CallError {
        match envelope {
            ArchivedEnvelope::Handler(text) => CallError::Handler(text.to_string()),
            ArchivedEnvelope::Panicked(text) => CallError::Panicked(text.to_string()),
            ArchivedEnvelope::TooLarge(needed) => CallError::AnswerTooLarge {
                needed: usize::try_from(needed.to_native()).unwrap_or(usize::MAX),
                max: self.max_len,
            },
            ArchivedEnvelope::DataClone(text) => CallError::AnswerDataClone(text.to_string()),
            ArchivedEnvelope::InvalidRequest(text) => CallError::InvalidRequest(text.to_string()),
            ArchivedEnvelope::Unanswered
            | ArchivedEnvelope::Answer(_)
            | ArchivedEnvelope::Next(_) => CallError::Unanswered,
        }
    }
}

/// Waits for the answer to one call; what else comes is put aside.
pub(super) struct AnswerTo<'a> {
    pub(super) flights: &'a mut Flights,
    pub(super) call: u64,
    /// Whether the answer, or what stands in for it, has come.
    pub(super) is_over: bool,
}

impl<'a> AnswerTo<'a> {
    #[inline(always)]
    pub(super) fn new(flights: &'a mut Flights, call: u64) -> Self {
        Self { flights, call, is_over: false }
    }
}

impl<Ans: Message> Wants<Envelope<Ans>> for AnswerTo<'_> {
    type Stop = CallError;

    #[inline(always)]
    fn taken(&mut self) {
        self.flights.taken();
    }

    #[inline(always)]
    fn look(&mut self, message: &ArchivedEnvelope<Ans>, archive: &[u8]) -> Verdict<CallError> {
        let call = self.flights.looked_at();
        if call != self.call || matches!(message, ArchivedEnvelope::Next(_)) {
            self.flights.put_aside(call, message, archive);
            return Verdict::Pass;
        }
        self.is_over = true;
        if matches!(message, ArchivedEnvelope::Answer(_)) {
            Verdict::Take
        } else {
            Verdict::Stop(self.flights.failure(message))
        }
    }

    #[cold]
    fn invalid(&mut self, error: InvalidArchiveError) -> Option<CallError> {
        let call = self.flights.looked_at();
        if call == self.call {
            self.is_over = true;
            return Some(error.into());
        }
        self.flights.settle(call, |_| State::Failed(error.into()));
        None
    }
}

/// Waits until one more call may be in flight; what comes is put aside.
pub(super) struct Room<'a>(pub(super) &'a mut Flights);

/// Why nothing more is received.
pub(super) enum HasRoom {
    Yes,
    Never(CallError),
}

impl From<RecvError> for HasRoom {
    fn from(error: RecvError) -> Self {
        Self::Never(error.into())
    }
}

impl<Ans: Message> Wants<Envelope<Ans>> for Room<'_> {
    type Stop = HasRoom;

    fn taken(&mut self) {
        self.0.taken();
    }

    fn look(&mut self, message: &Archived<Envelope<Ans>>, archive: &[u8]) -> Verdict<HasRoom> {
        let call = self.0.looked_at();
        self.0.put_aside(call, message, archive);
        if self.0.is_full() { Verdict::Pass } else { Verdict::Stop(HasRoom::Yes) }
    }

    fn invalid(&mut self, error: InvalidArchiveError) -> Option<HasRoom> {
        let call = self.0.looked_at();
        self.0.settle(call, |_| State::Failed(error.into()));
        (!self.0.is_full()).then_some(HasRoom::Yes)
    }
}
