//! What a link takes from its user and has not put yet.

use std::hint;
use std::sync::TryLockError;
use std::task::{Context, Poll};
use std::thread;
use std::time::Instant;

use message_port::{Message, Receiver, TryRecvError};

use super::carry::Finish;
use super::{Link, Outlet, Outward, lock};
use crate::error::LinkError;
use crate::ledger::Count;
use crate::wire::{Body, DataFrame, LENGTH};

/// Bytes of the longest frame with several messages. What a frame costs is mostly wake-ups on its way, so
/// long ones make streams faster; a lone message never waits for others.
const LONGEST_FRAME: u64 = 512 << 10;

/// Such a frame takes at most this part of the window, so that credit comes back while others are on
/// their way.
const FRAMES_OF_A_WINDOW: u64 = 4;

/// How often an empty ring is looked at before the thread sleeps.
const LOOKS: u32 = 64;

/// Messages that a post carries at most: more are a stream, which the thread carries as well.
const MOST_OF_A_POST: u32 = 64;

/// What is between the user's ring and the outlet. Whoever carries has it to itself.
pub(super) struct Load<T> {
    receiver: Receiver<T>,
    /// The frame that is being filled.
    frame: Option<DataFrame>,
    /// What a post has received and could not put into the frame: a message, or what there was
    /// instead of one. In front of all that is in the ring.
    left: Option<Result<Vec<u8>, TryRecvError>>,
    /// When the ring was last found empty.
    pub(super) idle_since: Instant,
}

impl<T> Load<T> {
    pub(super) fn new(receiver: Receiver<T>) -> Self {
        Self { receiver, frame: None, left: None, idle_since: Instant::now() }
    }

    pub(super) fn waiting(&self) -> Count {
        waiting(&self.receiver)
    }
}

/// What the user has posted and nobody took.
pub(super) fn waiting<T>(receiver: &Receiver<T>) -> Count {
    let (messages, bytes) = (receiver.len(), receiver.bytes_available());
    Count { messages: messages as u64, bytes: bytes as u64 }
}

/// How a post has left a load.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Carried {
    /// Everything has been put, and the next post will wake whoever carries.
    All,
    /// Something is there for the carrying thread.
    NotAll,
}

impl<T: Message> Load<T> {
    /// Carries what there is, for the carrying thread: waits for credit and for the outlet. `None` means
    /// that the ring is empty and the task is registered.
    pub(super) fn carry<P: Message>(
        &mut self,
        link: &Link<P>,
        cx: &mut Context<'_>,
    ) -> Option<Finish> {
        let Self { receiver, frame, left, idle_since } = self;
        let mut looks = 0;
        loop {
            let carried = match left.take() {
                Some(Ok(archive)) => Ok(link.carry_one(frame, &archive)),
                Some(Err(instead)) => Err(instead),
                // Only the last look asks to be woken, which costs more than a look.
                None if looks < LOOKS => {
                    receiver.try_recv().map(|message| link.carry_one(frame, message.as_bytes()))
                }
                None => match receiver.poll_recv(cx) {
                    Poll::Ready(received) => received
                        .map(|message| link.carry_one(frame, message.as_bytes()))
                        .map_err(Into::into),
                    Poll::Pending => Err(TryRecvError::Empty),
                },
            };
            let finish = match carried {
                Ok(Ok(())) => {
                    looks = 0;
                    continue;
                }
                Ok(Err(finish)) => finish,
                Err(TryRecvError::Empty) => {
                    link.flush(frame);
                    if let Some(finish) = lock(&link.outward).finish() {
                        return Some(finish);
                    }
                    if looks == LOOKS {
                        *idle_since = Instant::now();
                        return None;
                    }
                    looks += 1;
                    hint::spin_loop();
                    continue;
                }
                Err(TryRecvError::Closed) => Finish::Closed,
                Err(TryRecvError::Disconnected) => Finish::Dropped,
                Err(_) => Finish::Failed,
            };
            link.flush(frame);
            if matches!(finish, Finish::Failed) {
                // Unless there was another reason.
                link.fail(LinkError::InvalidArchive);
            }
            return Some(finish);
        }
    }

    /// Carries what there is, for a post: waits for nothing but one put. What is beyond the ordinary stays
    /// here for the carrying thread, in its order.
    pub(super) fn carry_at_once<P: Message>(
        &mut self,
        link: &Link<P>,
        cx: &mut Context<'_>,
    ) -> Carried {
        if self.left.is_some() || self.frame.is_some() {
            return Carried::NotAll;
        }
        for _ in 0..MOST_OF_A_POST {
            let left = match self.receiver.try_recv() {
                Ok(message) => {
                    if link.load(&mut self.frame, message.as_bytes()) {
                        continue;
                    }
                    Ok(message.as_bytes().to_vec())
                }
                Err(TryRecvError::Empty) if link.flush_at_once(&mut self.frame) => break,
                Err(TryRecvError::Empty) => return Carried::NotAll,
                Err(instead) => Err(instead),
            };
            self.left = Some(left);
            return Carried::NotAll;
        }
        if self.frame.is_some() {
            return Carried::NotAll;
        }
        let left = match self.receiver.poll_recv(cx) {
            Poll::Pending => {
                self.idle_since = Instant::now();
                return Carried::All;
            }
            // It came just now, from another thread than this one: no ordinary post.
            Poll::Ready(received) => received.map(|message| message.as_bytes().to_vec()),
        };
        self.left = Some(left.map_err(Into::into));
        Carried::NotAll
    }
}

impl Outward {
    /// Takes credit for a message, if there is enough and it may be sent at all.
    fn take_credit(&mut self, length: usize) -> bool {
        let is_ordinary = !self.closing
            && self.finish().is_none()
            && length as u64 <= self.books.max_message_len();
        if !is_ordinary || !self.books.has_credit(length) {
            return false;
        }
        self.credit_awaited = false;
        self.books.send(length);
        true
    }

    /// Bytes of the longest frame with several messages.
    fn longest_frame(&self) -> usize {
        let longest = (self.books.window() / FRAMES_OF_A_WINDOW).min(LONGEST_FRAME);
        usize::try_from(longest).unwrap_or(usize::MAX)
    }
}

/// Whether a message would be the first one of its frame, or fits behind the others.
fn fits(frame: Option<&DataFrame>, length: usize, longest: usize) -> bool {
    frame.is_none_or(|filled| filled.len() + LENGTH + length <= longest)
}

/// Puts a message into a frame that it fits.
fn push(frame: &mut Option<DataFrame>, archive: &[u8], longest: usize) {
    match frame {
        Some(filled) => {
            // Where a second one fits, others will follow.
            filled.make_room(longest);
            filled.push(archive);
        }
        None => frame.insert(DataFrame::with_room_for(archive.len())).push(archive),
    }
}

impl<P: Message> Link<P> {
    /// Puts a message into the frame that is being filled, waiting for credit.
    fn carry_one(&self, frame: &mut Option<DataFrame>, archive: &[u8]) -> Result<(), Finish> {
        let length = archive.len();
        let mut looked = false;
        let longest = loop {
            let mut outward = lock(&self.outward);
            if outward.take_credit(length) {
                break outward.longest_frame();
            }
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
        if !fits(frame.as_ref(), length, longest) {
            self.flush(frame);
        }
        push(frame, archive, longest);
        Ok(())
    }

    /// Puts a message into the frame that is being filled, if it fits and there is credit. Never waits.
    fn load(&self, frame: &mut Option<DataFrame>, archive: &[u8]) -> bool {
        let length = archive.len();
        let mut outward = lock(&self.outward);
        let longest = outward.longest_frame();
        if !fits(frame.as_ref(), length, longest) || !outward.take_credit(length) {
            return false;
        }
        drop(outward);
        push(frame, archive, longest);
        true
    }

    /// Puts the frame that is being filled, if there is one.
    fn flush(&self, frame: &mut Option<DataFrame>) {
        if let Some(frame) = frame.take() {
            self.send_messages(&mut lock(&self.outlet), frame);
        }
    }

    /// The same, unless another thread is putting something. Says whether there is no such frame any more.
    fn flush_at_once(&self, frame: &mut Option<DataFrame>) -> bool {
        if frame.is_none() {
            return true;
        }
        let mut outlet = match self.outlet.try_lock() {
            Ok(outlet) => outlet,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => return false,
        };
        if let Some(frame) = frame.take() {
            self.send_messages(&mut outlet, frame);
        }
        true
    }

    /// Puts a frame with messages.
    fn send_messages(&self, outlet: &mut Outlet, frame: DataFrame) {
        self.put(outlet, |number, acknowledged| frame.finish(number, acknowledged));
    }
}
