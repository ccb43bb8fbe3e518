//! The thread that carries the user's messages out, and ends the link.

use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

use message_port::{ClosedBy, Message, Receiver, TryRecvError};

use super::{Desk, Link, Outward, lock};
use crate::error::LinkError;
use crate::ledger::Count;
use crate::wire::{Body, DataFrame, EndOfStream, LENGTH, Manner};

/// Bytes of the longest frame with several messages. What a frame costs is mostly wake-ups on its way, so
/// long ones make streams faster; a lone message never waits for others.
const LONGEST_FRAME: u64 = 512 << 10;

/// Such a frame takes at most this part of the window, so that credit comes back while others are on
/// their way.
const FRAMES_OF_A_WINDOW: u64 = 4;

/// How often an empty ring is looked at before the thread sleeps.
const LOOKS: u32 = 64;

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
enum Finish {
    /// The user closed the channel, or the other side's user did.
    Closed,
    /// The user dropped its sending half.
    Dropped,
    /// Nobody receives at the other side.
    Stopped,
    Failed,
}

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.0.unpark();
    }
}

/// Runs until both directions have ended and both sides know, or the link fails.
pub(crate) fn carry<P: Message, T: Message>(link: &Link<P>, receiver: Receiver<T>) -> Ended {
    let me = thread::current();
    let waker = Waker::from(Arc::new(Unpark(me.clone())));
    // Only one thread ever carries for a link.
    let _ = link.carrier.set(me);
    let mut carrier = Carrier { link, receiver, frame: None };
    let finish = carrier.carry_messages(&mut Context::from_waker(&waker));
    let left = waiting(&carrier.receiver);
    // From here on the user's posts are refused, if the channel is not closed.
    drop(carrier);
    let failed = link.end_outward(&finish, left) || link.wait_for_end();
    link.ended(failed)
}

struct Carrier<'a, P, T> {
    link: &'a Link<P>,
    receiver: Receiver<T>,
    frame: Option<DataFrame>,
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

/// What the user has posted and nobody took.
fn waiting<T>(receiver: &Receiver<T>) -> Count {
    let (messages, bytes) = (receiver.len(), receiver.bytes_available());
    Count { messages: messages as u64, bytes: bytes as u64 }
}

impl<P: Message, T: Message> Carrier<'_, P, T> {
    fn carry_messages(&mut self, cx: &mut Context<'_>) -> Finish {
        let mut looks = 0;
        loop {
            // Only the last look asks to be woken, which costs more than a look.
            let received = if looks < LOOKS {
                self.receiver.try_recv()
            } else {
                match self.receiver.poll_recv(cx) {
                    Poll::Ready(received) => received.map_err(Into::into),
                    Poll::Pending => Err(TryRecvError::Empty),
                }
            };
            let finish = match received {
                Ok(message) => {
                    looks = 0;
                    let archive = message.as_bytes();
                    match self.link.carry_one(&mut self.frame, archive) {
                        Ok(()) => continue,
                        Err(finish) => finish,
                    }
                }
                Err(TryRecvError::Empty) => {
                    self.link.flush(&mut self.frame);
                    if let Some(finish) = lock(&self.link.outward).finish() {
                        return finish;
                    }
                    if looks < LOOKS {
                        looks += 1;
                        std::hint::spin_loop();
                    } else {
                        looks = 0;
                        thread::park();
                    }
                    continue;
                }
                Err(TryRecvError::Closed) => Finish::Closed,
                Err(TryRecvError::Disconnected) => Finish::Dropped,
                Err(_) => Finish::Failed,
            };
            self.link.flush(&mut self.frame);
            if matches!(finish, Finish::Failed) {
                // Unless there was another reason.
                self.link.fail(LinkError::InvalidArchive);
            }
            return finish;
        }
    }
}

impl Outward {
    fn finish(&self) -> Option<Finish> {
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
    /// Puts a message into the frame that is being filled, waiting for credit.
    fn carry_one(&self, frame: &mut Option<DataFrame>, archive: &[u8]) -> Result<(), Finish> {
        let length = archive.len();
        let mut looked = false;
        let longest_frame = loop {
            let mut outward = lock(&self.outward);
            if outward.closing {
                // Taken all the same, so that the user's posts do not wait for ever.
                outward.books.discard(length);
                return Ok(());
            }
            if let Some(finish) = outward.finish() {
                outward.books.discard(length);
                return Err(finish);
            }
            let max = outward.books.max_message_len();
            if length as u64 > max {
                outward.books.discard(length);
                drop(outward);
                self.flush(frame);
                self.fail(LinkError::TooLarge { needed: length as u64, max });
                return Err(Finish::Failed);
            }
            if outward.books.has_credit(length) {
                outward.credit_awaited = false;
                outward.books.send(length);
                break (outward.books.window() / FRAMES_OF_A_WINDOW).min(LONGEST_FRAME);
            }
            outward.credit_awaited = true;
            let will_be_told = outward.books.will_be_told();
            drop(outward);
            // Send what there is, ask if nothing would come otherwise, look once more, and only then
            // sleep: a put may take the wake-up that came meanwhile.
            if std::mem::replace(&mut looked, true) {
                thread::park();
                looked = false;
            } else {
                self.flush(frame);
                if !will_be_told {
                    self.send(Body::Want);
                }
            }
        };
        let longest_frame = usize::try_from(longest_frame).unwrap_or(usize::MAX);
        if let Some(filled) = frame {
            if filled.len() + LENGTH + length <= longest_frame {
                // Where a second one fits, others will follow.
                filled.make_room(longest_frame);
                filled.push(archive);
                return Ok(());
            }
            self.flush(frame);
        }
        frame.insert(DataFrame::with_room_for(length)).push(archive);
        Ok(())
    }

    /// Puts the frame that is being filled; says whether there was one.
    fn flush(&self, frame: &mut Option<DataFrame>) -> bool {
        let Some(frame) = frame.take() else { return false };
        self.send_messages(frame);
        true
    }

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
