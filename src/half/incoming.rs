//! The untyped receiving half: finds the next message, waits for it, and notices the end.

mod look;
mod waiting;

pub(crate) use look::Looked;

use crate::insight::event;
use crate::link::wait::Waiter;
use crate::link::{Ended, Half, Link, LinkEnd, Side};
use crate::ring::{Consumer, Emptying, Frame, Layout, Payload, Peek, Shape};
use crate::sync::Arc;
use crate::sync::order::{Mutant, active};

/// What comes next.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Next {
    Message(Frame),
    /// Nothing yet.
    Empty,
    /// The channel was closed, and nothing is left that this port may receive.
    Closed,
    /// The peer was dropped, and nothing is left.
    Disconnected,
}

impl Next {
    /// What there is, if anything.
    fn news(self) -> Option<Self> {
        if let Self::Empty = self { None } else { Some(self) }
    }
}

/// The consumer of one direction together with what it shares with the other end.
#[derive(Debug)]
pub(crate) struct Incoming {
    end: End,
    /// The same link as the end's, to be borrowed while the end looks.
    link: Arc<Link>,
    waiter: Waiter,
}

/// The part that looks for messages; apart from the waiter so that both can be borrowed.
#[derive(Debug)]
struct End {
    consumer: Consumer,
    link: LinkEnd,
    side: Side,
    /// Nothing comes any more, even if the ring has messages: the peer's posts of these were
    /// refused.
    finished: bool,
    /// A task is looking: the look must not sleep, and is repeated when the task is woken.
    in_task: bool,
    /// A task has seen a close that could not be settled yet.
    unsettled: bool,
}

impl End {
    /// The fast path: finds a message if the channel is open, no guard was forgotten, and the
    /// message lies in place. The caller must take it. `None` decides nothing.
    #[inline(always)]
    fn ready(&mut self, layout: Layout) -> Option<Frame> {
        // Once, since the barrier keeps the compiler from using again what it has loaded.
        let link = &*self.link;
        if self.consumer.holds() || !link.state.hint().is_open() {
            return None;
        }
        let frame = self.consumer.peek_in_place(layout)?;
        self.consumer.claim(frame.end());
        // ORDERING(B3): full barrier between the claim and this look; pairs with B4.
        link.barrier.light(Mutant::B3);
        let state = link.state.hint();
        (state.is_open() || self.claim_at_end(state, frame)).then_some(frame)
    }

    /// Finds what comes next, and claims it if it is a message. The caller must take it.
    #[cold]
    fn next(&mut self) -> Next {
        match self.look() {
            Next::Message(frame) if self.claim(frame) => Next::Message(frame),
            Next::Message(_) => Next::Closed,
            end => end,
        }
    }

    /// Whether nothing comes next for now: no message, no end, and nothing to be tidied up.
    fn is_idle(&self) -> bool {
        self.link.state.hint().is_open() && !self.consumer.holds() && self.consumer.is_empty()
    }

    /// Announces the delivery of `frame`; `false` if this port has closed and must not deliver it.
    #[inline(always)]
    fn claim(&self, frame: Frame) -> bool {
        self.consumer.claim(frame.end());
        // ORDERING(B3): full barrier between the claim and this look; pairs with B4.
        self.link.barrier.light(Mutant::B3);
        let state = self.link.state.hint();
        state.is_open() || self.claim_at_end(state, frame)
    }

    #[cold]
    fn claim_at_end(&self, ended: Ended, frame: Frame) -> bool {
        !ended.is_closed_by(self.side)
            || self.consumer.withdraw(self.consumer.position(), frame.end())
    }

    /// Finds what comes next, claiming nothing.
    fn look(&mut self) -> Next {
        if self.consumer.holds() {
            // A guard was forgotten; its message counts as received.
            self.release();
        }
        let early = active(Mutant::NoSecondLook).then(|| self.peek());
        let ended = self.link.state.ended();
        if self.finished || ended.is_closed_by(self.side) {
            return Next::Closed;
        }
        // Only a ring found empty after the end was seen is drained: everything that the peer
        // posted before it closed or went away is visible now.
        match early.unwrap_or_else(|| self.peek()) {
            Some(frame) => Next::Message(frame),
            None if ended.is_open() => Next::Empty,
            None if ended.is_closed() => self.finish(),
            None if ended.is_gone(self.side.peer(), Half::Sender) => Next::Disconnected,
            None => Next::Empty,
        }
    }

    /// The peer has closed and the ring is empty. This is the end, unless the peer's sending half
    /// was just posting, on another thread than the one that closed.
    fn finish(&mut self) -> Next {
        // ORDERING(B5): full barrier between seeing the end and this look; pairs with B1: either
        // the message is seen here, or its sender sees the end and asks whether it is in time.
        if self.in_task {
            if self.link.barrier.heavy(Mutant::B5).is_err() {
                // Not yet certain. The task is polled again, see `Incoming::suspend`.
                self.unsettled = true;
                return Next::Empty;
            }
        } else {
            self.link.barrier.heavy_in_the_end(Mutant::B5);
        }
        if let Some(frame) = self.peek() {
            return Next::Message(frame);
        }
        self.finished = self.consumer.finish();
        if self.finished {
            return Next::Closed;
        }
        // The sender was first: it committed its message before it asked (S3, S4).
        self.peek().map_or(Next::Empty, Next::Message)
    }

    fn peek(&mut self) -> Option<Frame> {
        loop {
            match self.consumer.peek() {
                Peek::Message(frame) => return Some(frame),
                Peek::Empty if self.consumer.pause() => {}
                Peek::Empty => return None,
                Peek::Skipped => self.wake_sender(),
                // If this port has just closed, it may no longer receive what comes next.
                Peek::Switch if !self.consumer.pass_switch() => return None,
                Peek::Switch => {
                    self.wake_sender();
                    event!(
                        trace,
                        channel = self.link.channel,
                        port = self.side.number(),
                        "segment given back"
                    );
                }
            }
        }
    }

    fn may_look_ahead(&self) -> bool {
        // ORDERING(B6): full barrier between the announcement and this look; pairs with B4.
        self.link.barrier.light(Mutant::B6);
        !self.link.state.hint().is_closed_by(self.side)
    }

    #[inline(always)]
    fn count_received(&self, length: impl FnOnce() -> usize) {
        self.link.counters(self.side.peer()).received(length);
    }

    #[inline(always)]
    fn release(&mut self) {
        self.consumer.release();
        self.wake_sender();
    }

    #[inline(always)]
    fn wake_sender(&self) {
        self.link.peer().notify_if(self.link.barrier, |target| self.consumer.has_released(target));
    }
}

impl Incoming {
    pub(crate) fn new(consumer: Consumer, link: Arc<Link>, side: Side, waiter: Waiter) -> Self {
        let at_end = LinkEnd::of_receiver(Arc::clone(&link), side);
        let end =
            End { consumer, link: at_end, side, finished: false, in_task: false, unsettled: false };
        Self { end, link, waiter }
    }

    pub(crate) fn link(&self) -> &Link {
        &self.end.link
    }

    pub(crate) fn side(&self) -> Side {
        self.end.side
    }

    /// Whether the peer's sending half was dropped.
    pub(crate) fn is_disconnected(&self) -> bool {
        self.end.link.is_peer_gone(self.end.side, Half::Sender)
    }

    /// A message, by the fast path. It must be [taken](Self::take). `None` decides nothing: ask
    /// [`next`](Self::next).
    #[inline(always)]
    pub(crate) fn ready(&mut self, layout: Layout) -> Option<Frame> {
        self.end.ready(layout)
    }

    /// What comes next; never waits. A message must be [taken](Self::take).
    #[inline(always)]
    pub(crate) fn next(&mut self, layout: Layout) -> Next {
        match self.end.ready(layout) {
            Some(frame) => Next::Message(frame),
            None => self.end.next(),
        }
    }

    /// What comes next, left where it is; never waits.
    pub(crate) fn look(&mut self) -> Next {
        self.end.look()
    }

    /// Takes a message that [`next`](Self::next) found. The payload must be [held](Self::hold) or
    /// [rejected](Self::reject); if it is neither, the next call releases it.
    #[inline(always)]
    pub(crate) fn take(&mut self, layout: Layout, frame: Frame) -> Payload {
        let payload = self.end.consumer.take(layout, frame);
        self.end.count_received(|| payload.as_ptr().len());
        payload
    }

    /// Wraps a message that was just taken in a guard.
    #[inline(always)]
    pub(crate) fn hold(&mut self, payload: Payload) -> Held<'_> {
        Held { payload, release: Release(self) }
    }

    /// Gives a message that was just taken back to the sender without delivering it.
    #[cold]
    pub(crate) fn reject(&mut self, payload: Payload) {
        drop(self.hold(payload));
    }

    /// Starts to take messages whose bytes are given back together.
    pub(crate) fn batch(&mut self) -> Batch<'_> {
        Batch { end: &mut self.end }
    }

    /// Messages that this port may still receive.
    pub(crate) fn len(&self) -> usize {
        self.len_up_to(usize::MAX)
    }

    /// Messages that this port may still receive; counts no further than `limit`.
    pub(crate) fn len_up_to(&self, limit: usize) -> usize {
        if self.delivers_no_more() {
            0
        } else {
            self.end.consumer.len(limit, || self.end.may_look_ahead())
        }
    }

    /// [`len_up_to`](Self::len_up_to), after which a [batch](Self::batch) takes these messages faster.
    pub(crate) fn foresee(&mut self, limit: usize) -> usize {
        let found = self.len_up_to(limit);
        self.end.consumer.know(found, limit);
        found
    }

    /// Bytes of the archives that this port may still receive. Looks at each of them.
    pub(crate) fn bytes_available(&self) -> usize {
        if self.delivers_no_more() {
            0
        } else {
            self.end.consumer.bytes_available(|| self.end.may_look_ahead())
        }
    }

    fn delivers_no_more(&self) -> bool {
        self.end.finished || self.end.link.state.hint().is_closed_by(self.end.side)
    }
}

impl Drop for Incoming {
    fn drop(&mut self) {
        self.end.link.drop_half(self.end.side, Half::Receiver);
        self.forget_task();
    }
}

/// Messages that are taken together. Their bytes go back to the sender when it is dropped, and
/// after each quarter of the ring on the way.
#[derive(Debug)]
pub(crate) struct Batch<'a> {
    end: &'a mut End,
}

impl Batch<'_> {
    /// A message in place, if one comes next. `None` decides nothing. Messages taken before must no
    /// longer be in use.
    #[inline(always)]
    pub(crate) fn ready(&mut self, layout: Layout) -> Option<Frame> {
        if self.end.link.state.hint().is_closed_by(self.end.side) {
            return None;
        }
        self.end.consumer.peek_in_place(layout).or_else(|| self.ready_in_next_lap(layout))
    }

    /// A batch goes on beyond the end of a lap.
    #[cold]
    fn ready_in_next_lap(&mut self, layout: Layout) -> Option<Frame> {
        self.end.peek().and_then(|_| self.end.consumer.peek_in_place(layout))
    }

    /// Takes messages out of blocks: all that are known to be published, but at most `limit`, and
    /// only while `check` finds a root, which `deliver` gets. Returns how many it took, and whether
    /// to go on.
    #[inline(always)]
    pub(crate) fn take_from_blocks<R>(
        &mut self,
        shape: Shape,
        limit: usize,
        mut check: impl FnMut(&Payload) -> Option<R>,
        mut deliver: impl FnMut(R),
    ) -> (usize, bool) {
        if self.end.consumer.holds_much() {
            self.end.release();
        }
        let End { consumer, link, side, .. } = &mut *self.end;
        let (link, side) = (&**link, *side);
        let limit = limit.min(consumer.may_hold());
        let mut emptying = Emptying::new(consumer, limit);
        let mut taken = 0;
        while !emptying.is_empty() {
            let payload = emptying.payload(shape);
            // The next call reports an invalid one.
            let Some(root) = check(&payload) else { return (taken, false) };
            emptying.claim();
            // ORDERING(B3): full barrier between the claim and this look; pairs with B4.
            link.barrier.light(Mutant::B3);
            let state = link.state.hint();
            if !state.is_open() && state.is_closed_by(side) && !emptying.withdraw() {
                return (taken, false);
            }
            emptying.pass(shape);
            link.counters(side.peer()).received(|| shape.size());
            taken += 1;
            deliver(root);
        }
        (taken, true)
    }

    /// The bytes of a message that is not yet taken.
    #[inline(always)]
    pub(crate) fn payload(&self, layout: Layout, frame: Frame) -> Payload {
        self.end.consumer.payload(layout, frame)
    }

    /// Takes a message of `length` bytes; `false` if this port has closed and must not deliver it.
    #[inline(always)]
    pub(crate) fn claim(&mut self, layout: Layout, frame: Frame, length: usize) -> bool {
        if self.end.consumer.holds_much() {
            self.end.release();
        }
        let claimed = self.end.claim(frame);
        if claimed {
            self.end.consumer.pass(layout, frame);
            self.end.count_received(|| length);
        }
        claimed
    }
}

impl Drop for Batch<'_> {
    fn drop(&mut self) {
        if self.end.consumer.holds() {
            self.end.release();
        }
    }
}

/// A message in its receiver's hands. Dropping it gives its bytes back to the sender.
#[derive(Debug)]
pub(crate) struct Held<'a> {
    // In this order: the bytes must be out of use before they are given back.
    payload: Payload,
    release: Release<'a>,
}

impl Held<'_> {
    /// The archive. The pointer is valid for as long as this guard.
    #[inline(always)]
    pub(crate) fn bytes(&self) -> std::ptr::NonNull<[u8]> {
        self.payload.as_ptr()
    }

    /// Records where the sending half is that the message's handler received; zero for nowhere.
    #[inline]
    pub(crate) fn set_target(&self, address: usize) {
        let end = &self.release.0.end;
        end.link.target(end.side).set(address);
    }
}

/// Releases a taken message when it is dropped.
#[derive(Debug)]
struct Release<'a>(&'a mut Incoming);

impl Drop for Release<'_> {
    #[inline(always)]
    fn drop(&mut self) {
        self.0.end.release();
    }
}

#[cfg(message_port_teeth)]
impl Held<'_> {
    /// Gives the bytes back although they are still in use.
    pub(crate) fn release_early(&mut self) {
        self.release.0.end.release();
    }
}

#[cfg(message_port_teeth)]
impl Drop for Held<'_> {
    fn drop(&mut self) {
        if active(Mutant::EarlyRelease) {
            self.release_early();
        }
    }
}
