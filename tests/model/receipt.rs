//! The model's part that receives.

use super::journal::{Cell, Half, Receiving, ReceivingBatch, Seen};
use super::oracle::{Oracle, Own, Queued, Verdict, must_be};
use super::program::{Act, How, Side};

impl Oracle {
    pub(crate) fn receive(&mut self, side: Side, how: How, acts: &[Act], forget: bool) -> Verdict {
        if !self.ports[side].receiver {
            return self.impossible();
        }
        let own = if self.ports[side].sender { Own::Half } else { Own::Nothing };
        let mut acts_left = acts;
        let mut received = self.poll_receive(side, how)?;
        if let (How::Async(which), Err(Receiving::Empty)) = (how, &received) {
            self.ports[side].busy = true;
            self.perform(side, std::mem::take(&mut acts_left), own)?;
            self.ports[side].busy = false;
            received = self.poll_receive(side, How::Async(1 - which))?;
        }
        if matches!(how, How::Async(_)) {
            self.disarm(Cell { side, half: Half::Receiver })?;
        }
        let Ok(content) = received else { return Ok(()) };
        if !acts_left.is_empty() {
            self.ports[side].busy = true;
            self.perform(side, acts_left, own)?;
            self.ports[side].busy = false;
            self.expect(&Seen::StillInHand(content))?;
        }
        if forget {
            self.ports[side].forgotten = true;
        } else {
            self.release(side);
        }
        self.check_wakes()
    }

    /// One call, or one poll of a future. With `Ok` a message is in hand.
    fn poll_receive(
        &mut self,
        side: Side,
        how: How,
    ) -> Verdict<Result<super::journal::Content, Receiving>> {
        self.look(side);
        let message = self.deliver(side);
        let received = match &message {
            None => Err(self.nothing(side)),
            Some(Queued { content: None, .. }) => {
                self.release(side);
                Err(Receiving::Invalid)
            }
            Some(Queued { content: Some(content), .. }) => Ok(*content),
        };
        let seen = match (&received, &message) {
            (Ok(content), Some(Queued { archive_length, .. })) => Receiving::Message {
                content: *content,
                archive_length: *archive_length,
                in_bytes: Some(*content),
            },
            (Ok(_), None) => unreachable!("a message has contents"),
            (Err(nothing), _) => nothing.clone(),
        };
        self.expect(&Seen::Receive(seen))?;
        self.check_wakes()?;
        if let (Err(Receiving::Empty), Some(which)) = (&received, how.task()) {
            self.arm(Cell { side, half: Half::Receiver }, which, None)?;
        }
        Ok(received)
    }

    /// What a receiver is told that finds no message.
    fn nothing(&self, side: Side) -> Receiving {
        if self.closed_first.is_some() {
            Receiving::Closed
        } else if self.ports[1 - side].sender {
            Receiving::Empty
        } else {
            Receiving::Disconnected
        }
    }

    /// A message in a heap buffer, or one that is not valid, can only be the first.
    pub(crate) fn receive_batch(
        &mut self,
        side: Side,
        limit: usize,
        panics_at: Option<usize>,
    ) -> Verdict {
        if !self.ports[side].receiver {
            return self.impossible();
        }
        // Bounded by what is there now: behind the last one of that it does not look any more.
        let limit = limit.min(self.ways[1 - side].queue.len().max(1));
        let mut due = Vec::new();
        let mut outcome = None;
        while due.len() < limit {
            self.look(side);
            let front = self.ways[1 - side].queue.front();
            let ends = front.is_none_or(|message| message.spilled || message.content.is_none());
            if ends && !due.is_empty() {
                break;
            }
            match self.deliver(side).map(|message| message.content) {
                None => outcome = Some(ReceivingBatch::Refused(self.nothing(side))),
                Some(None) => {
                    self.release(side);
                    outcome = Some(ReceivingBatch::Refused(Receiving::Invalid));
                }
                Some(Some(content)) => {
                    self.release(side);
                    due.push(content);
                    if panics_at == Some(due.len() - 1) {
                        outcome = Some(ReceivingBatch::Panicked);
                    }
                }
            }
            if outcome.is_some() {
                break;
            }
        }
        let outcome = outcome.unwrap_or(ReceivingBatch::Received(due.len()));
        let seen = self.next("a batch")?;
        must_be("the batch", &seen, &Seen::ReceiveBatch { contents: due, outcome })?;
        self.check_wakes()
    }

    /// What each receiving call does first.
    pub(crate) fn look(&mut self, side: Side) {
        self.release_forgotten(side);
        if !self.ports[side].closed {
            self.ways[1 - side].room.look();
            self.wake_sender(side);
        }
    }

    /// The message of a forgotten guard counts as received by now.
    pub(crate) fn release_forgotten(&mut self, side: Side) {
        if std::mem::take(&mut self.ports[side].forgotten) {
            self.release(side);
        }
    }

    /// Takes the next message into the receiver's hands.
    pub(crate) fn deliver(&mut self, side: Side) -> Option<Queued> {
        let way = &mut self.ways[1 - side];
        let message = way.queue.pop_front()?;
        way.room.deliver();
        // It may have passed a switch on the way.
        self.wake_sender(side);
        Some(message)
    }

    /// Gives back the message in the receiver's hands.
    pub(crate) fn release(&mut self, side: Side) {
        self.ways[1 - side].room.release();
        self.wake_sender(side);
    }
}
