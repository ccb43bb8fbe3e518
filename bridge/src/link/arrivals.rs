//! Frames as they arrive, on a thread of the session.

use std::borrow::Cow;

use message_port::{Message, Sender};
use zenoh::bytes::ZBytes;

use super::{Arrival, Desk, Inward, Link, Pace, Role, lock, posts};
use crate::error::LinkError;
use crate::ledger::Count;
use crate::link::deliver::Posted;
use crate::violation::Violation;
use crate::wire::{self, Archives, Body, EndOfStream, Manner};

impl<P: Message> Link<P> {
    /// Takes the payload of a put. Never waits for the user, and never sends.
    pub(crate) fn arrive(&self, payload: &ZBytes) {
        // A user whose waker posts posts from here.
        let _callback = posts::not_here();
        if let Err(error) = self.take(payload) {
            self.fail(error);
        }
    }

    fn take(&self, payload: &ZBytes) -> Result<(), LinkError> {
        let mut inward = lock(&self.inward);
        if inward.failed {
            return Ok(());
        }
        let (length, max) = (payload.len() as u64, inward.books.max_frame());
        if length > max {
            return Err(Violation::FrameTooLong { length, max }.into());
        }
        // Copied if it is not in one piece.
        let bytes = payload.to_bytes();
        let frame = wire::decode(&bytes).map_err(Violation::from)?;
        let first = frame.number == 0;
        if !inward.books.number(frame.number)? {
            return Ok(());
        }
        {
            let mut outward = lock(&self.outward);
            if outward.books.acknowledge(frame.acknowledged)? && outward.credit_awaited {
                self.wake_carrier();
            }
        }
        let is_ready = matches!(frame.body, Body::Ready);
        if is_ready != (first && self.role == Role::Exposer) {
            return Err(Violation::OutOfOrder.into());
        }
        match frame.body {
            Body::Ready => {
                inward.ready = true;
                drop(inward);
                (self.stir)();
            }
            Body::Data(archives) => {
                inward.books.receive(archives)?;
                let left = inward.deliver_at_once(archives)?.tail().len();
                if left > 0 {
                    let delivered = bytes.len() - left;
                    inward.queue.push_back(match bytes {
                        Cow::Owned(bytes) => Arrival::Data { bytes, delivered },
                        // Copied, since a small piece would keep a whole buffer of the session alive.
                        Cow::Borrowed(bytes) => {
                            Arrival::Data { bytes: bytes[delivered..].to_vec(), delivered: 0 }
                        }
                    });
                }
                let urgent = left > 0 || inward.wanted || inward.books.should_tell();
                // The one that is due will be sent without waking anybody for it.
                let must_wake = match inward.pace {
                    Pace::Awake => false,
                    Pace::Asleep => urgent || inward.books.has_news(),
                    Pace::Ticking => urgent,
                };
                if must_wake {
                    self.arrived.notify_all();
                }
            }
            Body::Ack => {}
            Body::Want => {
                inward.wanted = true;
                self.arrived.notify_all();
            }
            Body::Stop => {
                lock(&self.outward).stopped = true;
                self.wake_carrier();
            }
            Body::End(end) => {
                self.end(&mut inward, end)?;
                self.arrived.notify_all();
                self.wake_carrier();
            }
            Body::Done => {
                let mut outward = lock(&self.outward);
                if !outward.end_sent || !outward.end_seen {
                    return Err(Violation::OutOfOrder.into());
                }
                outward.done_seen = true;
                self.wake_carrier();
            }
            Body::Abort(reason) => return Err(LinkError::AbortedByPeer(reason)),
        }
        Ok(())
    }

    fn end(&self, inward: &mut Inward<P>, end: EndOfStream) -> Result<(), LinkError> {
        inward.books.end(end)?;
        let mut outward = lock(&self.outward);
        match end.manner {
            Manner::Dropped => {}
            Manner::Closed { read_messages, read_bytes } => {
                let read = Count { messages: read_messages, bytes: read_bytes };
                outward.books.read_by_closer(read)?;
                outward.closing = true;
            }
            Manner::Answer if outward.closed_here => {}
            Manner::Answer => return Err(Violation::OutOfOrder.into()),
        }
        outward.end_seen = true;
        inward.queue.push_back(Arrival::End(end));
        Ok(())
    }
}

impl<P: Message> Inward<P> {
    /// Posts a frame's messages from here, as long as nothing is in front of them and there is
    /// certainly room: that saves a thread's wake-up. Returns those that are left.
    fn deliver_at_once<'a>(
        &mut self,
        mut archives: Archives<'a>,
    ) -> Result<Archives<'a>, LinkError> {
        if self.discarding {
            return Ok(Archives::kept(&[]));
        }
        let Desk::Here(sender) = &mut self.desk else { return Ok(archives) };
        if !self.queue.is_empty() {
            return Ok(archives);
        }
        while let Some((archive, rest)) = archives.split_first() {
            if !has_room(sender, archive.len()) {
                break;
            }
            match Posted::of(&sender.post_archived(archive))? {
                Posted::Delivered => self.books.deliver(archive.len()),
                // The delivering thread finds the same, and can say so to the other side.
                Posted::Closed | Posted::Dropped => break,
            }
            archives = rest;
        }
        Ok(archives)
    }
}

/// Whether a message of this length fits the ring without waiting, wherever its cursors stand. This
/// thread is the only one that posts, so room does not become less.
fn has_room<P>(sender: &Sender<P>, length: usize) -> bool {
    /// What a message takes beside its archive, at most: a header, and to be aligned.
    const FRAME: usize = 24;
    /// What is always free, and some.
    const RESERVE: usize = 64;
    if length == 0 {
        // Any number of such messages takes no bytes.
        return !sender.is_full();
    }
    // Not what is in flight, which counts the archives alone if all have one size. A message longer than
    // a ring waits for more than the ring, even if that may grow.
    let free = sender.remaining().min(sender.capacity());
    // At the end of a lap less room than the message takes may be skipped.
    length.saturating_add(FRAME).saturating_mul(2).saturating_add(RESERVE) <= free
}
