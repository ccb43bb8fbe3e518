//! The untyped posting half: finds room, waits for it, and decides refusals.

mod fill;

use std::mem::MaybeUninit;

use crate::archive::Length;
use crate::error::DataCloneError;
use crate::insight::{Tally, event};
use crate::link::wait::{Deadline, TimedOut, Waiter};
use crate::link::{Half, Link, LinkEnd, Side, Stall, WouldDeadlock};
use crate::ring::{Layout, Producer, Progress, Reserve, Target};
use crate::sync::Arc;
use crate::sync::order::{Mutant, active};

/// Why nothing was posted.
#[derive(Debug)]
pub(crate) enum Refusal {
    TimedOut,
    Closed,
    Disconnected,
    TooLarge { needed: usize, max: usize },
    DataClone(DataCloneError),
    WouldDeadlock,
}

/// What a port that closed had not read.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Undelivered {
    pub(crate) messages: u64,
    pub(crate) bytes: u64,
}

/// Attempts before a value is given up that grows each time it is written.
const ATTEMPTS: u32 = 8;

/// The producer of one direction together with what it shares with the other end.
#[derive(Debug)]
pub(crate) struct Outgoing {
    producer: Producer,
    link: LinkEnd,
    side: Side,
    waiter: Waiter,
    /// What the other half of this port has received.
    received: Progress,
    /// Whether the peer sees this half as waiting without a time limit.
    is_stalled: bool,
    /// Messages of a batch that were refused when the batch was published.
    too_late: usize,
    /// Messages that were committed and are not yet counted.
    tally: Tally,
    /// Whether an earlier post had to wait; decides the level of the event.
    #[cfg(feature = "tracing")]
    has_waited: bool,
}

/// Whether anybody may receive at a port while its sending half waits for room.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Standing {
    /// Nobody, if the port still has the other half of this end of the channel: its owner is
    /// waiting. Somebody, if that half was exchanged for another port's.
    Port {
        /// The address of its link.
        link: usize,
        side: Side,
    },
    /// Somebody may: the owner of the other half, or the caller of a poll before its next poll.
    Apart,
    /// Nobody, if the half at this address is the one that the running message handler of its own
    /// port received: the handler keeps its port from receiving. Otherwise somebody may.
    ///
    /// The address identifies it, since a handler can swap the half for another one and send it
    /// away. While the handler runs, no other half of this channel is in the half's place in the
    /// port.
    Target(usize),
}

/// How a post waits and becomes visible.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Manner<'a> {
    pub(crate) deadline: Deadline<'a>,
    pub(crate) standing: Standing,
    /// Whether the message becomes visible only with the rest of a batch, in `flush`.
    pub(crate) batched: bool,
}

impl Outgoing {
    pub(crate) fn new(
        producer: Producer,
        link: Arc<Link>,
        side: Side,
        waiter: Waiter,
        received: Progress,
    ) -> Self {
        Self {
            producer,
            link: LinkEnd::of_sender(link, side),
            side,
            waiter,
            received,
            is_stalled: false,
            too_late: 0,
            tally: Tally::default(),
            #[cfg(feature = "tracing")]
            has_waited: false,
        }
    }

    pub(crate) fn capacity(&self) -> usize {
        self.producer.capacity()
    }

    /// The longest archive, in bytes, that is accepted here.
    pub(crate) fn max_message(&self) -> usize {
        self.producer.max_message()
    }

    /// Whether an archive of this length fits at the cursor.
    pub(crate) fn fits_here(&self, layout: Layout, length: usize) -> bool {
        self.producer.fits_here(layout, length)
    }

    /// Bytes of frames that are posted and not yet given back; a hint while the peer receives.
    pub(crate) fn bytes_in_flight(&self) -> usize {
        self.producer.bytes_in_flight()
    }

    /// Whether even the shortest message has no room now; a hint while the peer receives.
    pub(crate) fn is_full(&self) -> bool {
        self.producer.is_full()
    }

    /// Bytes that are free for messages now; a hint while the peer receives.
    pub(crate) fn remaining(&self) -> usize {
        self.producer.remaining()
    }

    pub(crate) fn link(&self) -> &Link {
        &self.link
    }

    pub(crate) fn side(&self) -> Side {
        self.side
    }

    /// Whether the peer's receiving half was dropped.
    pub(crate) fn is_disconnected(&self) -> bool {
        self.link.is_peer_gone(self.side, Half::Receiver)
    }

    /// Posts what `write` writes.
    ///
    /// `write` is given bytes and returns how many it needs. If it needs more than it was given,
    /// what it wrote does not count and it is called again with enough. Its own failure comes
    /// before any other, so whether a value can be cloned does not depend on the peer. `manner` is
    /// called only if the message does not fit at once, to keep it out of the common path;
    /// `batched` is what it says of that.
    #[inline(always)]
    pub(crate) fn post<'a>(
        &mut self,
        layout: Layout,
        length: Length,
        batched: bool,
        manner: impl Fn() -> Manner<'a>,
        mut write: impl FnMut(&mut [MaybeUninit<u8>]) -> Result<usize, DataCloneError>,
    ) -> Result<(), Refusal> {
        let needed = match length {
            Length::Exact(length) if self.producer.fits_here(layout, length) => {
                let written = write(self.producer.run(layout, length).as_mut_slice());
                debug_assert!(matches!(written, Ok(written) if written == length));
                length
            }
            // A value of known length is a plain copy and cannot fail: writing it where there is no
            // room would find out nothing.
            Length::Exact(length) => return self.post_elsewhere(length, manner(), write),
            Length::Unknown => {
                let room = self.producer.run_length();
                let written = write(self.producer.run(layout, room).as_mut_slice());
                let needed = written.map_err(Refusal::DataClone)?;
                // A room of zero may mean no room at all, not even for the header.
                if needed > room || !self.producer.fits_here(layout, needed) {
                    return self.post_elsewhere(needed, manner(), write);
                }
                needed
            }
        };
        self.refuse_if_ended()?;
        self.publish(layout, needed, batched)
    }

    /// Makes the message at the cursor visible, at once or later with the rest of a batch.
    #[inline(always)]
    fn publish(&mut self, layout: Layout, length: usize, batched: bool) -> Result<(), Refusal> {
        self.tally.add(length);
        if batched {
            self.producer.commit_in_batch(layout, length);
            return Ok(());
        }
        self.producer.commit(layout, length);
        self.published()
    }

    /// Publishes a batch and wakes the receiver once. A refusal refuses the whole batch.
    pub(crate) fn flush(&mut self) -> Result<(), Refusal> {
        let Some(messages) = self.producer.flush() else { return Ok(()) };
        self.published().inspect_err(|_| self.too_late += messages)
    }

    /// Messages of a batch that were refused after all, because this port had closed first.
    pub(crate) fn take_too_late(&mut self) -> usize {
        std::mem::take(&mut self.too_late)
    }

    /// Wakes the receiver, and finds out whether the message was in time.
    #[inline(always)]
    fn published(&mut self) -> Result<(), Refusal> {
        let tally = std::mem::take(&mut self.tally);
        self.link.counters(self.side).in_flight(|| self.producer.bytes_in_flight());
        self.wake_receiver();
        // Behind the barrier B1 in there, which pairs with B5.
        if !self.link.state.hint().is_open() {
            self.published_at_end()?;
        }
        self.link.counters(self.side).posted(&tally);
        Ok(())
    }

    /// If the other half of this port has closed meanwhile, the receiver may have reached the end
    /// without this message. If the peer has closed, the message is delivered or counted.
    #[cold]
    fn published_at_end(&mut self) -> Result<(), Refusal> {
        let closed_here = self.link.state.hint().is_closed_first_by(self.side);
        let in_time = !closed_here || self.producer.finish();
        self.give_back();
        if in_time { Ok(()) } else { Err(Refusal::Closed) }
    }

    /// Posts an archive that did not fit at the cursor: in the next lap, in a buffer, or later.
    #[cold]
    fn post_elsewhere(
        &mut self,
        mut needed: usize,
        mut manner: Manner<'_>,
        mut write: impl FnMut(&mut [MaybeUninit<u8>]) -> Result<usize, DataCloneError>,
    ) -> Result<(), Refusal> {
        let layout = self.producer.layout();
        manner.deadline = manner.deadline.fixed();
        let mut attempts = 0;
        let mut was_full = false;
        loop {
            let reserved = self.reserve(needed);
            let written = match reserved {
                Reserve::InPlace => write(self.producer.run(layout, needed).as_mut_slice()),
                Reserve::Spilled => write(self.producer.prepared()),
                Reserve::WaitFor(target) => {
                    self.refuse_if_ended()?;
                    self.flush()?;
                    if !active(Mutant::SilentSwitch) {
                        // The receiver may sleep in front of a switch that no message follows yet,
                        // and only behind that switch is there room.
                        self.wake_receiver();
                    }
                    if !std::mem::replace(&mut was_full, true) {
                        self.link.counters(self.side).full();
                    }
                    self.wait_for_room(target, manner)?;
                    continue;
                }
                Reserve::TooLarge => {
                    let max = self.producer.max_message();
                    return Err(Refusal::TooLarge { needed, max });
                }
                Reserve::OutOfMemory => Err(DataCloneError::out_of_memory(needed)),
            };
            let written = written.map_err(Refusal::DataClone)?;
            if written <= needed {
                self.refuse_if_ended()?;
                if reserved != Reserve::Spilled {
                    return self.publish(layout, written, manner.batched);
                }
                self.flush()?;
                // The flush may have fixed the end in front of this message.
                self.refuse_if_ended()?;
                // Before anybody can see the message: the program's subscriber may panic.
                event!(
                    trace,
                    channel = self.link.channel,
                    port = self.side.number(),
                    bytes = written,
                    "message spilled"
                );
                self.producer.commit_spilled(written);
                self.tally.add(written);
                self.published()?;
                self.link.counters(self.side).spilled();
                return Ok(());
            }
            needed = written;
            attempts += 1;
            if attempts == ATTEMPTS {
                return Err(Refusal::DataClone(DataCloneError::unstable()));
            }
        }
    }

    /// Makes room for an archive, as far as possible without waiting.
    fn reserve(&mut self, length: usize) -> Reserve {
        let segments = self.producer.segments_added();
        let reserved = self.producer.reserve(length);
        if self.producer.segments_added() != segments {
            self.link.counters(self.side).segment_added();
            event!(
                debug,
                channel = self.link.channel,
                port = self.side.number(),
                bytes = self.producer.capacity(),
                "segment added"
            );
        }
        reserved
    }

    /// Traces that a post waits for room: at `debug` the first time, at `trace` from then on.
    #[cfg(feature = "tracing")]
    fn tell_full(&mut self) {
        let (channel, port) = (self.link.channel, self.side.number());
        if std::mem::replace(&mut self.has_waited, true) {
            event!(trace, channel, port, "full");
        } else {
            event!(debug, channel, port, "full for the first time");
        }
    }

    fn wait_for_room(&mut self, target: Target, manner: Manner<'_>) -> Result<(), Refusal> {
        let Manner { deadline, standing, .. } = manner;
        if matches!(deadline, Deadline::Now) {
            return Err(Refusal::TimedOut);
        }
        #[cfg(feature = "tracing")]
        self.tell_full();
        let is_alone = match standing {
            Standing::Port { link, side } => link == self.link.address() && side == self.side,
            Standing::Apart => false,
            Standing::Target(address) => self.link.target(self.side).get() == address,
        };
        if is_alone {
            self.stall(target, deadline)?;
        }
        let Self { producer, link, side, waiter, .. } = self;
        let look = || {
            let refused = refusal(link, *side).map(Err);
            refused.or_else(|| producer.has_reached(target).then_some(Ok(())))
        };
        if deadline.is_endless_alone() {
            // Only this thread could make room, and it is waiting.
            return look().unwrap_or(Err(Refusal::WouldDeadlock));
        }
        let waited = waiter.wait(link.sender(*side), target, producer.posted(), deadline, look);
        // A task goes on waiting after this returns, until it is polled again or dropped.
        if waited.is_ok() || deadline.task().is_none() {
            self.leave_stall();
        }
        let waited = waited.unwrap_or_else(|TimedOut| Err(Refusal::TimedOut));
        if waited.is_err() {
            self.give_back();
        }
        waited
    }

    /// Waits until nobody will read further posts: a port closed, or the peer's receiving half went
    /// away. Bytes that the peer gives back meanwhile do not wake it.
    pub(crate) fn wait_for_end(&mut self, deadline: Deadline<'_>) -> Result<(), TimedOut> {
        // This wait is not for room, whatever became of an earlier post.
        self.leave_stall();
        let Self { link, side, waiter, .. } = self;
        let look = || refusal(link, *side).map(drop);
        if look().is_none() {
            waiter.wait(link.sender(*side), Target::END, 0, deadline, look)?;
        }
        self.give_back();
        Ok(())
    }

    /// Announces that this port waits for room, unless it would wait in vain.
    fn stall(&mut self, target: Target, deadline: Deadline<'_>) -> Result<(), Refusal> {
        // A task that is polled again asks again: the peer may have been allowed to wait meanwhile,
        // since it had given back a buffer that turned out to be too small.
        self.leave_stall();
        let endless = matches!(deadline, Deadline::Never | Deadline::Task(_)).then_some(target);
        let received = &self.received;
        let endless = endless.map(|target| Stall { target, received: received.announced() });
        match self.link.stalls.enter(self.side, endless, received, || self.producer.announced()) {
            Ok(()) => self.is_stalled = endless.is_some(),
            // The lock makes visible what the peer gave back before it began to wait. With that,
            // this wait is over before it begins.
            Err(WouldDeadlock) if self.producer.has_reached(target) => {}
            Err(WouldDeadlock) => {
                event!(
                    warn,
                    channel = self.link.channel,
                    port = self.side.number(),
                    "wait refused: both ports would wait for room"
                );
                return Err(Refusal::WouldDeadlock);
            }
        }
        Ok(())
    }

    /// Announces that this half no longer waits, also on behalf of a future that was forgotten.
    pub(crate) fn leave_stall(&mut self) {
        if std::mem::take(&mut self.is_stalled) {
            self.link.stalls.leave(self.side);
        }
    }

    #[inline(always)]
    fn refuse_if_ended(&mut self) -> Result<(), Refusal> {
        // If the peer ends after this look, the message is delivered or counted.
        if self.link.state.hint().is_open() { Ok(()) } else { self.refuse() }
    }

    #[cold]
    fn refuse(&mut self) -> Result<(), Refusal> {
        let refusal = refusal(&self.link, self.side);
        if refusal.is_some() {
            self.give_back();
        }
        refusal.map_or(Ok(()), Err)
    }

    /// Frees what nobody can read any more, if the peer has closed or no longer receives. Unread
    /// messages stay counted.
    #[cold]
    pub(crate) fn give_back(&mut self) {
        let (ended, peer) = (self.link.state.hint(), self.side.peer());
        let is_closed = ended.is_closed_by(peer);
        if is_closed && !self.producer.has_counted() {
            // ORDERING(B4): as in `undelivered`; pairs with B6 too.
            let ordered = self.link.barrier.heavy(Mutant::B4);
            self.producer.count_to_give_back(ordered.is_ok());
        }
        if is_closed || ended.is_gone(peer, Half::Receiver) {
            self.producer.give_back();
        }
    }

    #[inline(always)]
    fn wake_receiver(&self) {
        self.link.peer().notify(self.link.barrier);
    }

    /// Drops the waker of the task that waits here.
    #[inline]
    pub(crate) fn forget_task(&mut self) {
        self.leave_stall();
        self.waiter.forget_task(self.link.sender(self.side));
    }

    /// What the peer, once it has closed, never read of this half's posts. Exact and final.
    pub(crate) fn undelivered(&self) -> Undelivered {
        if !self.producer.has_counted() {
            // ORDERING(B4): full barrier between seeing the end and reading the claim; pairs with
            // B3.
            self.link.barrier.heavy_in_the_end(Mutant::B4);
        }
        let (messages, bytes) = self.producer.undelivered();
        Undelivered { messages, bytes }
    }
}

/// Why `side` may not post, if so.
#[cold]
fn refusal(link: &Link, side: Side) -> Option<Refusal> {
    let ended = link.state.hint();
    if ended.is_closed() {
        Some(Refusal::Closed)
    } else if ended.is_gone(side.peer(), Half::Receiver) {
        Some(Refusal::Disconnected)
    } else {
        None
    }
}

impl Drop for Outgoing {
    fn drop(&mut self) {
        self.link.drop_half(self.side, Half::Sender);
        self.forget_task();
    }
}
