//! A batch of messages of one size, written one after the other.

use std::mem::MaybeUninit;

use super::Producer;
use crate::ring::block::{self, Cursor, Shape};
use crate::ring::buffer::View;
use crate::sync::order::{self, Mutant};

/// Messages being put into blocks. Once this is dropped, in whatever way, they belong to the batch
/// that is held back.
///
/// It keeps its own copy of the producer's positions, so that only the messages are written to memory
/// meanwhile.
#[derive(Debug)]
pub(crate) struct Filling<'a> {
    producer: &'a mut Producer,
    shape: Shape,
    view: View,
    cursor: Cursor,
    tail: usize,
    limit: usize,
}

impl<'a> Filling<'a> {
    #[inline]
    pub(crate) fn new(producer: &'a mut Producer, shape: Shape) -> Self {
        let (view, cursor) = (producer.view, producer.cursor);
        let (tail, limit) = (producer.tail, producer.limit);
        Self { producer, shape, view, cursor, tail, limit }
    }

    /// Whether there is no room for another message, judging by local knowledge only.
    #[inline(always)]
    pub(crate) fn is_full(&self) -> bool {
        self.tail == self.limit
    }

    /// Adds the message that `write` writes. There must be room for it.
    #[inline(always)]
    pub(crate) fn add(&mut self, write: impl FnOnce(&mut [MaybeUninit<u8>])) {
        debug_assert!(!self.is_full());
        let (view, cursor, shape) = (self.view, self.cursor, self.shape);
        // SAFETY: as in `Producer::run`; this borrows the only producer.
        write(unsafe { view.write_message(cursor, shape) }.as_mut_slice());
        let (limit, tail) = (self.limit, self.tail);
        let room = || limit.wrapping_sub(tail);
        Producer::pass(view, &mut self.cursor, shape, room, || {
            if order::active(Mutant::NoHoldBack) {
                view.commit_block(cursor, shape, cursor.word + 1);
            }
        });
        self.tail = self.tail.wrapping_add(block::STEP);
    }
}

impl Drop for Filling<'_> {
    #[inline]
    fn drop(&mut self) {
        let producer = &mut *self.producer;
        let messages = self.tail.wrapping_sub(producer.tail) / block::STEP;
        if messages == 0 {
            return;
        }
        producer.hold_back(messages);
        (producer.cursor, producer.tail) = (self.cursor, self.tail);
    }
}
