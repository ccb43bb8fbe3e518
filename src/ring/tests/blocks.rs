//! Step-by-step tests of messages of one size.

use std::collections::VecDeque;

use super::super::block::{Cursor, STEP, Shape};
use super::super::producer::Reserve;
use super::super::{Consumer, Layout, Limits, Producer, new_at};
use super::peek;

fn limits(capacity: usize, segments: usize) -> Limits {
    let growable = (segments > 1).then_some(segments * capacity);
    Limits { capacity, max_message: 1 << 20, growable }
}

/// Both ends of a ring of blocks, and what is between them.
struct Ends {
    shape: Shape,
    /// What the messages are aligned to.
    align: usize,
    producer: Producer,
    consumer: Consumer,
    /// The fill bytes of the messages that are posted and not taken.
    posted: VecDeque<u8>,
    number: u8,
}

impl Ends {
    /// Blocks of seven numbers.
    fn of_numbers(limits: Limits) -> Self {
        Self::new(8, 8, limits)
    }

    fn new(size: usize, align: usize, limits: Limits) -> Self {
        Self::new_at(0, size, align, limits)
    }

    fn new_at(start: usize, size: usize, align: usize, limits: Limits) -> Self {
        let shape = Shape::of(size, align);
        let (producer, consumer) = new_at(start, limits, Layout::Blocks(shape)).unwrap();
        Self { shape, align, producer, consumer, posted: VecDeque::new(), number: 0 }
    }

    fn layout(&self) -> Layout {
        Layout::Blocks(self.shape)
    }

    fn write(&mut self) -> bool {
        if self.producer.reserve(self.shape.size()) != Reserve::InPlace {
            return false;
        }
        self.number = self.number.wrapping_add(1);
        for byte in self.producer.run(self.layout(), self.shape.size()).as_mut_slice() {
            byte.write(self.number);
        }
        self.posted.push_back(self.number);
        true
    }

    /// Posts a message, if there is room for it.
    fn post(&mut self) -> bool {
        let has_room = self.write();
        if has_room {
            self.producer.commit(self.layout(), self.shape.size());
        }
        has_room
    }

    /// Posts a message of a batch, if there is room for it.
    fn post_in_batch(&mut self) -> bool {
        let has_room = self.write();
        if has_room {
            self.producer.commit_in_batch(self.layout(), self.shape.size());
        }
        has_room
    }

    /// Receives a message, if there is one, without giving it back.
    fn take(&mut self) -> bool {
        let Some(frame) = peek(&mut self.consumer) else { return false };
        self.consumer.claim(frame.end());
        let payload = self.consumer.take(self.layout(), frame);
        // SAFETY: the message is taken and not released.
        let bytes = unsafe { payload.as_ptr().as_ref() };
        let due = self.posted.pop_front().expect("a message that was not posted");
        assert_eq!(bytes, vec![due; self.shape.size()]);
        assert!(bytes.as_ptr().addr().is_multiple_of(self.align));
        true
    }

    fn receive(&mut self) -> bool {
        let taken = self.take();
        self.consumer.release();
        taken
    }

    /// As many as one segment has room for.
    fn room(&self) -> usize {
        self.shape.room(self.producer.capacity()) / STEP
    }

    /// Puts a header into a block in which nothing is published yet.
    fn dirty(&self, block: usize, header: u32) {
        let at = block * self.shape.stride();
        self.producer.view().commit_block(Cursor { at, word: 0 }, self.shape, header);
    }
}

/// Unwritten memory may hold anything, including what would be news in the first lap.
#[test]
fn the_first_lap_takes_no_garbage_for_messages() {
    for header in [0, 1, 0xff, 0x100, 0x101, 0x107, 0x187, 0x1ff, 0x207, u32::MAX] {
        let mut ends = Ends::of_numbers(limits(256, 1));
        for block in 1..5 {
            ends.dirty(block, header);
        }
        for lap in (0..30).step_by(if cfg!(miri) { 7 } else { 1 }) {
            assert!(!ends.receive(), "{header:#x} is no message");
            for _ in 0..=lap % 28 {
                assert!(ends.post());
            }
            assert_eq!(ends.consumer.len(usize::MAX, || true), lap % 28 + 1);
            for _ in 0..=lap % 28 {
                assert!(ends.receive());
            }
        }
    }
}

/// Publishes the batch that is held back, and takes all of it.
fn flush_and_receive(ends: &mut Ends, length: usize) {
    assert_eq!(ends.producer.flush(), Some(length));
    assert_eq!(ends.consumer.len(usize::MAX, || true), length);
    for _ in 0..length {
        assert!(ends.receive());
    }
    assert!(!ends.receive());
}

/// A batch through blocks that nobody has written becomes visible as a whole.
#[test]
fn a_batch_in_the_first_lap_takes_no_garbage_for_messages() {
    for length in (1..=28).step_by(if cfg!(miri) { 9 } else { 1 }) {
        let mut ends = Ends::of_numbers(limits(256, 1));
        for block in 1..5 {
            ends.dirty(block, 0x107);
        }
        for _ in 0..length {
            assert!(ends.post_in_batch());
            assert!(peek(&mut ends.consumer).is_none());
        }
        flush_and_receive(&mut ends, length);
    }
}

/// A reused segment holds the headers of its earlier laps, including a switch.
#[test]
fn a_segment_that_is_used_again_begins_anew() {
    let mut ends = Ends::of_numbers(limits(128, 3));
    for round in if cfg!(miri) { 20..30 } else { 0..40 } {
        for _ in 0..=round % 30 {
            assert!(ends.post());
        }
        // Laps in the newest segment, so that the next switch can be anywhere in it.
        for _ in 0..round * 5 % 23 {
            assert!(ends.receive() && ends.post());
        }
        assert_eq!(ends.consumer.len(usize::MAX, || true), ends.posted.len());
        while ends.receive() {}
        assert!(ends.posted.is_empty());
    }
    assert!(ends.producer.segments_added() > if cfg!(miri) { 3 } else { 20 });
}

/// A batch over several switches is invisible until its first message is visible.
#[test]
fn a_batch_over_switches_is_seen_as_a_whole() {
    for before in (0..=14).step_by(if cfg!(miri) { 5 } else { 1 }) {
        for length in (1..=42 - before).step_by(if cfg!(miri) { 9 } else { 1 }) {
            let mut ends = Ends::of_numbers(limits(128, 3));
            for _ in 0..before {
                assert!(ends.post());
            }
            for _ in 0..length {
                assert!(ends.post_in_batch());
                assert_eq!(ends.consumer.len(usize::MAX, || true), before, "of {length}");
            }
            for _ in 0..before {
                assert!(ends.receive());
            }
            assert!(peek(&mut ends.consumer).is_none());
            flush_and_receive(&mut ends, length);
        }
    }
}

/// The head shows whether a switch was passed. Until then, the segment in front of it is in use.
#[test]
fn a_switch_takes_a_position_and_no_bytes() {
    let mut ends = Ends::of_numbers(limits(128, 2));
    while ends.post() {}
    assert_eq!((ends.posted.len(), ends.producer.bytes_in_flight()), (28, 28 * 8));
    let Reserve::WaitFor(target) = ends.producer.reserve(8) else { panic!("there is room") };
    for left in (14..28).rev() {
        assert!(!ends.consumer.has_released(target));
        assert!(ends.receive());
        assert_eq!(ends.producer.bytes_in_flight(), left * 8);
    }
    assert!(!ends.consumer.has_released(target), "all was read, but the segment is not left");
    assert!(peek(&mut ends.consumer).is_some());
    assert!(ends.consumer.has_released(target));
    assert_eq!(ends.producer.bytes_in_flight(), 14 * 8);
    assert!(ends.post());
}

/// In the first lap the consumer looks at no header ahead of what it knows; in later laps it may.
#[test]
fn what_is_ahead_in_the_first_lap_is_not_looked_at() {
    let mut ends = Ends::of_numbers(limits(8192, 1));
    // The header of a full block of the first lap, wherever the consumer might look.
    for block in 60..129 {
        ends.dirty(block, 0x107);
    }
    for _ in 0..50 * 7 {
        assert!(ends.post());
    }
    for _ in 0..50 * 7 {
        assert!(ends.receive());
    }
    assert!(!ends.receive(), "nothing was posted behind this");
    // Laps of all lengths: each time exactly what was posted arrives.
    for round in 0..if cfg!(miri) { 5 } else { 200 } {
        let messages = round * 37 % ends.room() + 1;
        for _ in 0..messages {
            assert!(ends.post());
        }
        for _ in 0..messages {
            assert!(ends.receive());
        }
        assert!(!ends.receive());
    }
}

/// A close reports what was posted and not taken, with the consumer in every segment.
#[test]
fn the_report_is_exact() {
    for segments in [1, 4] {
        for posted in (0..=segments * 14).step_by(if cfg!(miri) { 5 } else { 1 }) {
            for taken in (0..=posted).step_by(if cfg!(miri) { 9 } else { 1 }) {
                let mut ends = Ends::of_numbers(limits(128, segments));
                for _ in 0..posted {
                    assert!(ends.post());
                }
                for _ in 0..taken {
                    assert!(ends.receive());
                }
                let left = (posted - taken) as u64;
                assert_eq!(ends.producer.undelivered(), (left, left * 8));
                ends.producer.count_to_give_back(true);
                ends.producer.give_back();
                assert_eq!(ends.producer.undelivered(), (left, left * 8));
                drop(ends.consumer);
                ends.producer.give_back();
                assert_eq!(ends.producer.undelivered(), (left, left * 8));
            }
        }
    }
}

/// Each size at each place of the smallest rings, and of slightly larger ones.
#[test]
fn every_size_goes_round() {
    let shapes = [
        (0, 1),
        (0, 16),
        (1, 1),
        (2, 2),
        (8, 8),
        (16, 16),
        (24, 8),
        (28, 4),
        (30, 1),
        (31, 1),
        (32, 8),
        (32, 16),
        (64, 8),
        (200, 8),
        (496, 16),
        (511, 1),
        (512, 1),
        (512, 16),
    ];
    for (size, align) in shapes.into_iter().step_by(if cfg!(miri) { 4 } else { 1 }) {
        for capacity in if cfg!(miri) { [64, 128, 256] } else { [64, 256, 2048] } {
            for segments in [1, 3] {
                let mut ends = Ends::new(size, align, limits(capacity, segments));
                let room = ends.room();
                for round in 0..if cfg!(miri) { 3 } else { 40 } {
                    while ends.post() {}
                    assert!(ends.posted.len() >= room);
                    assert!(segments > 1 || ends.posted.len() == room);
                    for _ in 0..=round % room {
                        assert!(ends.receive());
                    }
                    // Taken, but not given back: this makes no room, unless the direction grows.
                    if ends.take() {
                        let held = ends.posted.len() + 1;
                        while ends.post() {}
                        assert!(segments > 1 || ends.posted.len() + 1 == room.max(held));
                        ends.consumer.release();
                    }
                }
                while ends.receive() {}
                assert!(ends.posted.is_empty());
            }
        }
    }
}

/// Positions wrap with the counter.
#[test]
fn positions_wrap() {
    let start = 0usize.wrapping_sub(1024);
    let mut ends = Ends::new_at(start, 8, 8, limits(128, 3));
    for round in 0..if cfg!(miri) { 20 } else { 100 } {
        while ends.post() {}
        assert!(ends.posted.len() >= 14);
        assert_eq!(ends.producer.bytes_in_flight(), ends.posted.len() * 8);
        for _ in 0..=round % 30 {
            ends.receive();
        }
    }
    let left = ends.posted.len() as u64;
    assert_eq!(ends.producer.undelivered(), (left, left * 8));
}
