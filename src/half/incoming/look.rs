//! Looks at a receiving half's messages without taking any.

use super::{Incoming, Next};
use crate::ring::{Look, Payload};

/// A message that is looked at and left in the channel.
#[derive(Debug)]
pub(crate) struct Looked<'a> {
    // In this order: the bytes must be out of use before the look ends.
    payload: Payload,
    _look: Option<Look<'a>>,
}

impl Looked<'_> {
    /// The archive. The pointer is valid for as long as `self`.
    pub(crate) fn bytes(&self) -> std::ptr::NonNull<[u8]> {
        self.payload.as_ptr()
    }
}

impl Incoming {
    /// Looks at what comes next without taking it or announcing its delivery. The error says what
    /// there is instead of a message.
    pub(crate) fn peek(&mut self) -> Result<Looked<'_>, Next> {
        let next = self.end.look();
        let Next::Message(frame) = next else { return Err(next) };
        let consumer = &self.end.consumer;
        if !consumer.is_spilled(frame) {
            // The ring lives as long as this half does, and its bytes are not written before they
            // are given back, whatever closes.
            let payload = consumer.payload(consumer.layout(), frame);
            return Ok(Looked { payload, _look: None });
        }
        let look = consumer.start_look();
        if !self.end.may_look_ahead() {
            return Err(Next::Closed);
        }
        Ok(Looked { payload: consumer.spilled(frame, &look), _look: Some(look) })
    }

    /// Bytes of the ring.
    pub(crate) fn capacity(&self) -> usize {
        self.end.consumer.capacity()
    }

    /// Whether the peer has no room. Looks at each message.
    pub(crate) fn is_full(&self) -> bool {
        !self.delivers_no_more() && self.end.consumer.is_full(|| self.end.may_look_ahead())
    }

    /// Bytes of the ring that are free for the peer. Looks at each message.
    pub(crate) fn remaining(&self) -> usize {
        if self.delivers_no_more() {
            return 0;
        }
        self.end.consumer.remaining(|| self.end.may_look_ahead())
    }
}
