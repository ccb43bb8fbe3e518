//! The thread that posts what arrived into the user's channel, and acknowledges it.

use std::mem;
use std::sync::{MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use message_port::{Message, PostError, Sender};

use super::{Arrival, Desk, Inward, Link, Pace, lock};
use crate::error::LinkError;
use crate::violation::Violation;
use crate::wire::{Archives, Body, Manner};

/// How long an acknowledgement may wait for a frame that goes the same way.
const ACKNOWLEDGE_WITHIN: Duration = Duration::from_millis(20);

/// What became of a post that a link may go on after.
pub(super) enum Posted {
    Delivered,
    /// The user closed the channel.
    Closed,
    /// The user dropped its receiving half.
    Dropped,
}

impl Posted {
    pub(super) fn of(posted: &Result<(), PostError>) -> Result<Self, LinkError> {
        match posted {
            Ok(()) => Ok(Self::Delivered),
            Err(PostError::Closed) => Ok(Self::Closed),
            Err(PostError::Disconnected) => Ok(Self::Dropped),
            Err(PostError::TooLarge { needed, max }) => {
                Err(LinkError::TooLarge { needed: *needed as u64, max: *max as u64 })
            }
            Err(_) => Err(Violation::InvalidArchive.into()),
        }
    }
}

/// Runs until the end of the direction has been delivered, or, if the link fails, what had arrived
/// before. Then the sending half is gone or closed.
pub(crate) fn deliver<P: Message>(link: &Link<P>) {
    let _leave = Leave(link);
    // When an acknowledgement is due, and what had been delivered when that was decided.
    let (mut due, mut seen) = (None, 0);
    let mut inward = lock(&link.inward);
    loop {
        if let Some(arrival) = inward.queue.pop_front() {
            let mut desk = mem::replace(&mut inward.desk, Desk::Away);
            drop(inward);
            let finished = matches!(arrival, Arrival::End(_));
            let delivered = link.deliver_one(&mut desk, arrival);
            if let Err(error) = delivered {
                // What is behind it cannot be trusted either.
                lock(&link.inward).discarding = true;
                link.fail(error);
            }
            inward = lock(&link.inward);
            inward.desk = desk;
            inward.finished |= finished;
            if inward.desk_awaited {
                link.wake_carrier();
            }
            continue;
        }
        if inward.failed {
            inward = link.leave_desk(inward);
        }
        let news = inward.books.has_news();
        if news && (inward.finished || inward.is_urgent() || due.is_some_and(has_passed)) {
            inward.wanted = false;
            due = None;
            drop(inward);
            link.send(Body::Ack);
            inward = lock(&link.inward);
            continue;
        }
        if inward.finished {
            link.wake_carrier();
            return;
        }
        if !news {
            inward.wanted = false;
            due = due.filter(|due| !has_passed(*due));
        }
        // While messages come, the next ones need wake nobody up for their acknowledgement.
        let delivered = inward.books.delivered().messages;
        if due.is_none() && mem::replace(&mut seen, delivered) != delivered {
            due = Some(Instant::now() + ACKNOWLEDGE_WITHIN);
        }
        if let Some(due) = due {
            let left = due.saturating_duration_since(Instant::now());
            inward.pace = Pace::Ticking;
            let waited = link.arrived.wait_timeout(inward, left);
            inward = waited.unwrap_or_else(PoisonError::into_inner).0;
        } else {
            inward.pace = Pace::Asleep;
            inward = link.arrived.wait(inward).unwrap_or_else(PoisonError::into_inner);
        }
        inward.pace = Pace::Awake;
    }
}

/// Leaves nobody waiting if a waker of the user's panics.
struct Leave<'a, P>(&'a Link<P>);

impl<P> Drop for Leave<'_, P> {
    fn drop(&mut self) {
        if thread::panicking() {
            drop(self.0.leave_desk(lock(&self.0.inward)));
            self.0.fail(LinkError::Panicked);
        }
    }
}

fn has_passed(moment: Instant) -> bool {
    moment <= Instant::now()
}

impl<P> Link<P> {
    /// Delivers no more. The user's waker, which the drop of the sending half calls, may post to this link.
    fn leave_desk<'a>(
        &'a self,
        mut inward: MutexGuard<'a, Inward<P>>,
    ) -> MutexGuard<'a, Inward<P>> {
        let desk = mem::replace(&mut inward.desk, Desk::Gone);
        drop(inward);
        drop(desk);
        inward = lock(&self.inward);
        inward.finished = true;
        inward
    }
}

impl<P> Inward<P> {
    fn is_urgent(&self) -> bool {
        self.wanted || self.books.should_tell()
    }
}

impl<P: Message> Link<P> {
    fn deliver_one(&self, desk: &mut Desk<P>, arrival: Arrival) -> Result<(), LinkError> {
        match arrival {
            Arrival::Data { bytes, delivered } => {
                let Desk::Here(sender) = desk else { return Ok(()) };
                self.post_all(sender, &bytes[delivered..])
            }
            Arrival::End(end) => {
                match (end.manner, &mut *desk) {
                    (Manner::Dropped, _) => *desk = Desk::Gone,
                    (_, Desk::Here(sender)) => sender.close(),
                    (_, _) => {}
                }
                Ok(())
            }
        }
    }

    /// Posts messages of a frame, waiting for room.
    fn post_all(&self, sender: &mut Sender<P>, bytes: &[u8]) -> Result<(), LinkError> {
        for archive in Archives::kept(bytes).iter() {
            if lock(&self.inward).discarding {
                break;
            }
            match Posted::of(&sender.post_archived(archive))? {
                Posted::Delivered => {
                    let mut inward = lock(&self.inward);
                    inward.books.deliver(archive.len());
                    let tell = inward.books.should_tell();
                    drop(inward);
                    if tell {
                        self.send(Body::Ack);
                    }
                }
                Posted::Closed => {
                    lock(&self.inward).discarding = true;
                    // If the end was sent, then it was that of a sending half that was dropped,
                    // and nothing else will tell the other side.
                    if lock(&self.outward).end_sent {
                        self.send(Body::Stop);
                    }
                }
                Posted::Dropped => {
                    lock(&self.inward).discarding = true;
                    self.send(Body::Stop);
                }
            }
        }
        Ok(())
    }
}
