//! A look at the messages in front of a consumer.

use std::marker::PhantomData;

use super::Consumer;
use crate::ring::block::{self, Cursor, News, Shape};
use crate::ring::frame::{self, Kind, SPILL_PAYLOAD};
use crate::ring::layout::Layout;
use crate::ring::segment::{Chain, SegmentRef};
use crate::ring::spill::Ticket;

/// Walks the messages in front of a consumer, which takes none of them meanwhile.
#[derive(Debug)]
pub(super) struct Lengths<'a> {
    segment: SegmentRef,
    position: usize,
    cursor: Cursor,
    known: usize,
    layout: Layout,
    consumer: PhantomData<&'a Consumer>,
}

impl<'a> Lengths<'a> {
    pub(super) fn of(consumer: &'a Consumer) -> Self {
        Self {
            segment: consumer.segment,
            position: consumer.next,
            cursor: consumer.cursor,
            known: consumer.next,
            layout: consumer.layout,
            consumer: PhantomData,
        }
    }

    fn next_in_block(&mut self, shape: Shape) -> Option<usize> {
        while self.position == self.known {
            let header = self.segment.view.poll_block(self.cursor, shape);
            match block::news(header, self.cursor) {
                News::Nothing => return None,
                News::Messages(count) => {
                    self.known = self.position.wrapping_add(count * block::STEP);
                }
                News::Switch => {
                    // SAFETY: P2 made the switch visible, and only the consumer frees segments.
                    self.segment = unsafe { Chain::behind(self.segment) }?;
                    self.cursor = Cursor::START;
                }
            }
        }
        self.cursor.advance(shape, self.segment.view.len());
        self.position = self.position.wrapping_add(block::STEP);
        Some(shape.size())
    }

    fn next_frame(&mut self) -> Option<usize> {
        loop {
            let (view, position) = (self.segment.view, self.position);
            let word = view.poll(position);
            let next_lap = frame::next_lap(position, view.len());
            let (payload, length) = match frame::kind(word)? {
                Kind::Message => (frame::length(word), frame::length(word)),
                // SAFETY: P2 made the frame visible, and only the consumer gives it back.
                Kind::Spill => (SPILL_PAYLOAD, unsafe { Ticket::length(view, position) }),
                Kind::Skip => {
                    self.position = next_lap;
                    continue;
                }
                Kind::Switch => {
                    // SAFETY: P2 made the switch visible, and only the consumer frees segments.
                    self.segment = unsafe { Chain::behind(self.segment) }?;
                    self.position = next_lap;
                    continue;
                }
            };
            self.position = position.wrapping_add(frame::size(payload));
            return Some(length);
        }
    }
}

impl Iterator for Lengths<'_> {
    type Item = usize;

    fn next(&mut self) -> Option<usize> {
        match self.layout {
            Layout::Frames => self.next_frame(),
            Layout::Blocks(shape) => self.next_in_block(shape),
        }
    }
}
