//! The thread that carries the user's messages out, and ends the link.

use std::sync::Arc;
use std::task::{Context, Waker};
use std::thread;
use std::time::{Duration, Instant};

use message_port::{ClosedBy, Message, Receiver};

use super::load::{Load, waiting};
use super::posts::Carrier;
use super::{Desk, Link, Outward, lock};
use crate::error::LinkError;
use crate::ledger::Count;
use crate::wire::{Body, EndOfStream, Manner};

/// How long the other side's `DONE` is waited for. Everything has been said by then; a side that goes
/// earlier might be taken for one that died.
const LINGER: Duration = Duration::from_secs(5);

/// How a link ended, for the report.
#[derive(Clone, Debug)]
pub(crate) struct Ended {
    pub(crate) error: Option<LinkError>,
    pub(crate) closed: bool,
    pub(crate) undelivered: Count,
    pub(crate) posted: Count,
    pub(crate) received: Count,
}

/// Why nothing more is carried.
pub(super) enum Finish {
    /// The user closed the channel, or the other side's user did.
    Closed,
    /// The user dropped its sending half.
    Dropped,
    /// Nobody receives at the other side.
    Stopped,
    Failed,
}

/// Runs until both directions have ended and both sides know, or the link fails.
pub(crate) fn carry<P, T>(link: &Arc<Link<P>>, receiver: Receiver<T>) -> Ended
where
    P: Message + 'static,
    T: Message + 'static,
{
    // Only one thread ever carries for a link.
    let _ = link.carrier.set(thread::current());
    let carrier = Arc::new(Carrier::new(Arc::clone(link), receiver));
    let waker = Waker::from(Arc::clone(&carrier));
    let finished = Finished(&carrier);
    let finish = carrier.carry_messages(&mut Context::from_waker(&waker));
    let load = finished.0.take();
    let left = load.as_ref().map_or(Count::default(), Load::waiting);
    // From here on the user's posts are refused, if the channel is not closed.
    drop(load);
    let failed = link.end_outward(&finish, left) || link.wait_for_end();
    link.ended(failed)
}

/// Ends the user's direction if the carrying thread panics: a load that stays keeps its own waker.
struct Finished<'a, P, T>(&'a Carrier<P, T>);

impl<P, T> Drop for Finished<'_, P, T> {
    fn drop(&mut self) {
        drop(self.0.take());
    }
}

impl Ended {
    /// A link that was never there, of a port whose user has posted so much.
    pub(crate) fn before_it_began<T>(error: LinkError, receiver: &Receiver<T>) -> Self {
        Self {
            error: Some(error),
            closed: false,
            undelivered: waiting(receiver),
            posted: Count::default(),
            received: Count::default(),
        }
    }
}

impl Outward {
    pub(super) fn finish(&self) -> Option<Finish> {
        if self.failed.is_some() {
            Some(Finish::Failed)
        } else if self.stopped && !self.closing {
            Some(Finish::Stopped)
        } else {
            None
        }
    }
}

impl<P: Message> Link<P> {
    /// Tells the other side how this direction ended; says whether the link failed.
    fn end_outward(&self, finish: &Finish, left: Count) -> bool {
        let manner = match finish {
            Finish::Closed => self.close_manner(),
            Finish::Dropped => {
                let gone = match &lock(&self.inward).desk {
                    Desk::Here(sender) => sender.is_disconnected(),
                    Desk::Away | Desk::Gone => false,
                };
                if gone {
                    // The receiving half went with it. Otherwise the next message will tell.
                    lock(&self.inward).discarding = true;
                    self.send(Body::Stop);
                }
                Manner::Dropped
            }
            Finish::Stopped => {
                lock(&self.outward).books.discard_many(left);
                Manner::Dropped
            }
            Finish::Failed => {
                lock(&self.outward).books.discard_many(left);
                return true;
            }
        };
        // In this order: `DONE` may come as soon as the end has gone out.
        self.end_sent(matches!(manner, Manner::Closed { .. }));
        let messages = lock(&self.outward).books.sent().messages;
        self.send(Body::End(EndOfStream { manner, messages }));
        if matches!(manner, Manner::Dropped) && lock(&self.inward).discarding {
            self.send(Body::Stop);
        }
        false
    }

    /// Who closed the channel, and if it was the user, what it has read.
    fn close_manner(&self) -> Manner {
        let mut inward = lock(&self.inward);
        // The delivering thread comes back with it: a post into a closed channel waits for nothing.
        inward.desk_awaited = true;
        while matches!(inward.desk, Desk::Away) {
            drop(inward);
            thread::park();
            inward = lock(&self.inward);
        }
        let delivered = inward.books.delivered();
        let unread = match &inward.desk {
            Desk::Here(sender) => sender.close_event(),
            Desk::Away | Desk::Gone => None,
        };
        let unread = match unread {
            Some(event) if event.closed_by() == ClosedBy::ThisPort => return Manner::Answer,
            Some(event) => {
                Count { messages: event.undelivered_messages(), bytes: event.undelivered_bytes() }
            }
            None => Count::default(),
        };
        inward.discarding = true;
        let read = delivered.minus(unread);
        Manner::Closed { read_messages: read.messages, read_bytes: read.bytes }
    }

    /// Waits until everything that the other side sends has been delivered and both sides know;
    /// says whether the link failed.
    fn wait_for_end(&self) -> bool {
        let mut told = None;
        loop {
            if lock(&self.outward).failed.is_some() {
                return true;
            }
            if lock(&self.inward).finished {
                let Some(deadline) = told else {
                    self.send(Body::Done);
                    told = Some(Instant::now() + LINGER);
                    continue;
                };
                let left = deadline.saturating_duration_since(Instant::now());
                if lock(&self.outward).done_seen || left.is_zero() {
                    return false;
                }
                thread::park_timeout(left);
            } else {
                thread::park();
            }
        }
    }

    fn ended(&self, failed: bool) -> Ended {
        let error = if failed { self.failure() } else { None };
        if let Some(error) = &error
            && !matches!(error, LinkError::AbortedByPeer(_) | LinkError::PeerGone)
        {
            self.send(Body::Abort(error.reason()));
        }
        lock(&self.outlet).publisher = None;
        let (received, closed) = {
            let inward = lock(&self.inward);
            (inward.books.received(), inward.books.is_closed())
        };
        let outward = lock(&self.outward);
        Ended {
            error,
            closed: closed || outward.closed_here,
            undelivered: outward.books.undelivered(),
            posted: outward.books.sent(),
            received,
        }
    }
}
