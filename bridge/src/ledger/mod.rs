//! The books of a link: numbers, credit, acknowledgements, ends. Pure, so that whatever the other
//! side sends can be tried without a transport.

use std::collections::VecDeque;

use crate::violation::Violation;
use crate::wire::{self, Archives, EndOfStream, Manner};

/// Messages and the bytes of their archives.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Count {
    pub(crate) messages: u64,
    pub(crate) bytes: u64,
}

impl Count {
    fn add(&mut self, length: u64) {
        self.messages += 1;
        self.bytes += length;
    }

    pub(crate) fn minus(self, other: Self) -> Self {
        Self {
            messages: self.messages.saturating_sub(other.messages),
            bytes: self.bytes.saturating_sub(other.bytes),
        }
    }
}

/// What this side sends.
#[derive(Debug)]
pub(crate) struct Outgoing {
    /// What the other side grants.
    window: u64,
    /// What it acknowledges without being asked.
    tells_at: u64,
    max_message_len: u64,
    /// Lengths of what was sent and not acknowledged; at most `window / MESSAGE_COST` of them, or
    /// one.
    unacknowledged: VecDeque<u64>,
    /// What these cost together.
    owed: u64,
    sent: Count,
    acknowledged: Count,
    /// What was taken from the user and not sent, since nobody wants it.
    discarded: Count,
    /// What the closing user of the other side has read, once it says so.
    read: Option<Count>,
}

impl Outgoing {
    pub(crate) fn new(window: u64, tells_at: u64, max_message_len: u64) -> Self {
        Self {
            window,
            tells_at,
            max_message_len,
            unacknowledged: VecDeque::new(),
            owed: 0,
            sent: Count::default(),
            acknowledged: Count::default(),
            discarded: Count::default(),
            read: None,
        }
    }

    pub(crate) fn max_message_len(&self) -> u64 {
        self.max_message_len
    }

    pub(crate) fn window(&self) -> u64 {
        self.window
    }

    /// Whether a message of this length may be sent now.
    pub(crate) fn has_credit(&self, length: usize) -> bool {
        self.owed == 0 || self.owed.saturating_add(wire::cost(length)) <= self.window
    }

    /// Whether what is under way will be acknowledged without asking, once it has arrived.
    pub(crate) fn will_be_told(&self) -> bool {
        self.owed >= self.tells_at
    }

    /// Notes a message that is being sent.
    pub(crate) fn send(&mut self, length: usize) {
        debug_assert!(self.has_credit(length));
        self.unacknowledged.push_back(length as u64);
        self.owed += wire::cost(length);
        self.sent.add(length as u64);
    }

    pub(crate) fn discard(&mut self, length: usize) {
        self.discarded.add(length as u64);
    }

    pub(crate) fn discard_many(&mut self, count: Count) {
        self.discarded.messages += count.messages;
        self.discarded.bytes += count.bytes;
    }

    /// Takes an acknowledgement; says whether there is more credit now.
    pub(crate) fn acknowledge(&mut self, messages: u64) -> Result<bool, Violation> {
        if messages < self.acknowledged.messages || messages > self.sent.messages {
            return Err(Violation::Acknowledgement {
                claimed: messages,
                acknowledged: self.acknowledged.messages,
                sent: self.sent.messages,
            });
        }
        let more = messages > self.acknowledged.messages;
        while self.acknowledged.messages < messages {
            let Some(length) = self.unacknowledged.pop_front() else { break };
            self.owed -= length + wire::MESSAGE_COST;
            self.acknowledged.add(length);
        }
        Ok(more)
    }

    /// Takes the other user's own report of what it has read.
    pub(crate) fn read_by_closer(&mut self, read: Count) -> Result<(), Violation> {
        if read.messages > self.sent.messages || read.bytes > self.sent.bytes {
            return Err(Violation::Report { claimed: read.messages, sent: self.sent.messages });
        }
        self.read = Some(read);
        Ok(())
    }

    pub(crate) fn sent(&self) -> Count {
        self.sent
    }

    /// What the user posted, the bridge took, and nobody is known to have got.
    pub(crate) fn undelivered(&self) -> Count {
        let mut undelivered = self.sent.minus(self.read.unwrap_or(self.acknowledged));
        undelivered.messages += self.discarded.messages;
        undelivered.bytes += self.discarded.bytes;
        undelivered
    }
}

/// The cost of unacknowledged messages at which a receiver with this window acknowledges: often enough
/// for the sender to go on meanwhile, and no oftener.
pub(crate) fn tells_at(window: u64) -> u64 {
    window / 2
}

/// What this side receives.
#[derive(Debug)]
pub(crate) struct Incoming {
    window: u64,
    max_message_len: u64,
    next_number: u64,
    received: Count,
    /// Posted into the user's channel.
    delivered: Count,
    /// Of these, the ones that the other side has been told of.
    told: Count,
    ended: Option<EndOfStream>,
}

impl Incoming {
    pub(crate) fn new(window: u64, max_message_len: u64) -> Self {
        Self {
            window,
            max_message_len,
            next_number: 0,
            received: Count::default(),
            delivered: Count::default(),
            told: Count::default(),
            ended: None,
        }
    }

    /// Takes the other side's limit into account; returns the limit that both have.
    pub(crate) fn agree(&mut self, max_message_len: u64) -> u64 {
        self.max_message_len = self.max_message_len.min(max_message_len);
        self.max_message_len
    }

    /// Bytes of the longest frame that can be allowed.
    pub(crate) fn max_frame(&self) -> u64 {
        // The cost of a message is more than its archive and its length.
        let longest = self.max_message_len.saturating_add(wire::MESSAGE_COST);
        self.window.max(longest).saturating_add(wire::HEADER as u64)
    }

    /// Takes the number of a frame; says whether the frame is new.
    pub(crate) fn number(&mut self, number: u64) -> Result<bool, Violation> {
        if number > self.next_number {
            return Err(Violation::Lost { expected: self.next_number, number });
        }
        let new = number == self.next_number;
        self.next_number += u64::from(new);
        Ok(new)
    }

    /// Takes the messages of a frame, if each may be as long as it is and all of them together
    /// were granted.
    pub(crate) fn receive(&mut self, archives: Archives<'_>) -> Result<(), Violation> {
        if self.ended.is_some() {
            return Err(Violation::AfterEnd);
        }
        for archive in archives.iter() {
            let length = archive.len() as u64;
            if length > self.max_message_len {
                return Err(Violation::TooLong { length, max: self.max_message_len });
            }
            let owed = self.owed();
            if owed > 0 && owed + wire::cost(archive.len()) > self.window {
                return Err(Violation::Credit { window: self.window });
            }
            self.received.add(length);
        }
        Ok(())
    }

    /// What was received and not acknowledged costs.
    fn owed(&self) -> u64 {
        let owed = self.received.minus(self.told);
        owed.bytes + owed.messages * wire::MESSAGE_COST
    }

    pub(crate) fn deliver(&mut self, length: usize) {
        self.delivered.add(length as u64);
    }

    pub(crate) fn delivered(&self) -> Count {
        self.delivered
    }

    pub(crate) fn received(&self) -> Count {
        self.received
    }

    /// The acknowledgement for the frame that is being sent.
    pub(crate) fn tell(&mut self) -> u64 {
        self.told = self.delivered;
        self.told.messages
    }

    /// Whether there is something to acknowledge.
    pub(crate) fn has_news(&self) -> bool {
        self.delivered.messages > self.told.messages
    }

    /// Whether so much is unacknowledged that the sender may soon have to wait.
    pub(crate) fn should_tell(&self) -> bool {
        let news = self.delivered.minus(self.told);
        news.bytes + news.messages * wire::MESSAGE_COST >= tells_at(self.window)
    }

    /// Takes the end of this direction.
    pub(crate) fn end(&mut self, end: EndOfStream) -> Result<(), Violation> {
        if self.ended.is_some() {
            return Err(Violation::AfterEnd);
        }
        if end.messages != self.received.messages {
            return Err(Violation::LostMessages {
                sent: end.messages,
                received: self.received.messages,
            });
        }
        self.ended = Some(end);
        Ok(())
    }

    /// Whether the other side's user closed the channel.
    pub(crate) fn is_closed(&self) -> bool {
        matches!(self.ended, Some(EndOfStream { manner: Manner::Closed { .. }, .. }))
    }
}

#[cfg(test)]
mod tests;
