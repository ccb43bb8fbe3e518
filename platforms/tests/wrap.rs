//! Where positions have 32 bits: more goes through one channel than they can count, and as much is
//! in flight as can be told apart.
//!
//! For a release build, one test at a time: they take gigabytes of addresses, and of time in a debug
//! build.

#![cfg(target_pointer_width = "32")]
#![allow(clippy::cast_possible_truncation, reason = "bytes of numbers tell messages apart")]

#[path = "../../tests/common/random.rs"]
mod random;

#[cfg(not(target_family = "wasm"))]
use std::thread;
use std::time::Duration;

use message_port::{Builder, Message, MessageChannel, MessagePort};

use random::Random;

const KIB: usize = 1 << 10;
const MIB: usize = 1 << 20;
const GIB: usize = 1 << 30;
/// Bytes after which a position in frames has wrapped, and some more.
const PAST_BYTES: u64 = (1 << 32) + (1 << 27);
/// Messages after which a position in blocks has wrapped (it takes two steps for each), and some more.
const PAST_MESSAGES: u32 = (1 << 31) + (1 << 24);

/// Texts of all lengths below `longest`: each begins with its number and has one byte everywhere else.
struct Texts {
    random: Random,
    longest: usize,
    number: u32,
    bytes: u64,
    text: Vec<u8>,
}

impl Texts {
    fn new(longest: usize) -> Self {
        Self { random: Random::new(1), longest, number: 0, bytes: 0, text: Vec::new() }
    }

    fn next(&mut self) -> &Vec<u8> {
        let length = 4 + self.random.below(self.longest - 4);
        self.number += 1;
        self.bytes += length as u64;
        self.text.clear();
        self.text.extend(self.number.to_le_bytes());
        self.text.resize(length, self.number as u8);
        &self.text
    }

    fn check(&mut self, received: &[u8]) {
        let expected = self.next();
        assert_eq!(received.len(), expected.len());
        assert!(received == expected.as_slice(), "message {} is damaged", self.number);
    }
}

fn build<T: Message>(
    settings: impl FnOnce(Builder<T>) -> Builder<T>,
) -> (MessagePort<T>, MessagePort<T>) {
    let MessageChannel { port1, port2 } = settings(MessageChannel::builder()).build().unwrap();
    (port1, port2)
}

/// Two threads that wait for each other all the time, with messages that are spilled among the others.
#[test]
#[cfg(not(target_family = "wasm"))]
fn frames_pass_the_end_of_the_counter() {
    let (mut port1, mut port2) = build::<Vec<u8>>(|builder| builder.capacity(4 * MIB));
    let longest = 2 * MIB + 64 * KIB;
    let poster = thread::spawn(move || {
        let mut texts = Texts::new(longest);
        while texts.bytes < PAST_BYTES * 5 / 4 {
            port1.post_message(texts.next()).unwrap();
        }
        texts.number
    });
    let mut texts = Texts::new(longest);
    while let Ok(text) = port2.recv() {
        texts.check(&text);
    }
    assert_eq!(texts.number, poster.join().unwrap());
}

#[test]
#[cfg(not(target_family = "wasm"))]
fn blocks_pass_the_end_of_the_counter() {
    let (mut port1, mut port2) = build::<u32>(|builder| builder.capacity(4 * MIB));
    let poster = thread::spawn(move || {
        let mut numbers = Vec::new();
        let mut posted = 0;
        while posted < PAST_MESSAGES {
            numbers.clear();
            numbers.extend(posted..posted + 4096);
            posted += port1.post_messages(&numbers).unwrap() as u32;
        }
        // The rest one at a time.
        for number in posted..posted + 100_000 {
            port1.post_message(&number).unwrap();
        }
        posted + 100_000
    });
    let mut next = 0;
    while let Ok(number) = port2.recv().map(|number| number.to_native()) {
        assert_eq!(number, next);
        next += 1;
        port2
            .recv_batch(usize::MAX, |number| {
                assert_eq!(*number, next);
                next += 1;
            })
            .unwrap_or_default();
    }
    assert_eq!(next, poster.join().unwrap());
}

/// Bursts up to the limit: the switch from one segment to the next, wherever it comes.
#[test]
fn frames_that_grow_pass_the_end_of_the_counter() {
    let (mut port1, mut port2) =
        build::<Vec<u8>>(|builder| builder.capacity(64 * KIB).growable(8 * MIB));
    let longest = 20 * KIB;
    let (mut posted, mut received) = (Texts::new(longest), Texts::new(longest));
    let mut fulls = 0;
    while posted.bytes < PAST_BYTES {
        if port1.try_post_message(posted.next()).is_ok() {
            continue;
        }
        fulls += 1;
        while let Ok(text) = port2.try_recv() {
            received.check(&text);
        }
        port1.try_post_message(&posted.text).unwrap();
    }
    assert!(fulls > 100, "{fulls} bursts");
    while let Ok(text) = port2.try_recv() {
        received.check(&text);
    }
    assert_eq!(received.number, posted.number);
}

#[test]
fn blocks_that_grow_pass_the_end_of_the_counter() {
    let (mut port1, mut port2) = build::<u32>(|builder| builder.capacity(64 * KIB).growable(MIB));
    let mut numbers = Vec::new();
    let (mut posted, mut next) = (0, 0);
    while posted < PAST_MESSAGES {
        numbers.clear();
        numbers.extend(posted..posted + 4096);
        // As many as there is room for, without waiting.
        match port1.post_messages_now(&numbers) {
            0 => {
                while next < posted {
                    port2
                        .recv_batch(usize::MAX, |number| {
                            assert_eq!(*number, next);
                            next += 1;
                        })
                        .unwrap();
                }
            }
            count => posted += count,
        }
    }
    assert!(next > PAST_MESSAGES - (1 << 20));
}

/// Posts what there is room for.
trait Now {
    fn post_messages_now(&mut self, numbers: &[u32]) -> u32;
}

impl Now for MessagePort<u32> {
    fn post_messages_now(&mut self, numbers: &[u32]) -> u32 {
        let posted = numbers.iter().take_while(|number| self.try_post_message(number).is_ok());
        posted.count() as u32
    }
}

/// More than two gibibytes in flight could not be told apart: a quarter of the range is the most,
/// whatever was asked for. What is refused beyond that has overwritten nothing. All of it lies
/// around the end of the counter.
#[test]
fn frames_in_flight_are_limited_around_the_end_of_the_counter() {
    for (capacity, longest) in [(MIB, 500 * KIB), (64 * KIB, 20 * MIB)] {
        let (mut port1, mut port2) = build::<Vec<u8>>(|builder| {
            builder.capacity(capacity).max_message_len(GIB).growable(usize::MAX)
        });
        let (mut posted, mut received) = (Texts::new(longest), Texts::new(longest));
        if longest < capacity {
            // Four to a lap, with the header and the root of its archive.
            let quarter = vec![7; 256 * KIB - 16];
            for _ in 0..((1 << 32) - (GIB as u64) / 2) / (256 * KIB as u64) {
                port1.try_post_message(&quarter).unwrap();
                assert_eq!(port2.try_recv().unwrap().len(), quarter.len());
            }
        }
        let before = posted.bytes;
        while port1.try_post_message(posted.next()).is_ok() {}
        let in_flight = posted.bytes - posted.text.len() as u64 - before;
        assert!(in_flight <= GIB as u64, "{in_flight} bytes are in flight");
        // The ends of laps that a message did not fit are lost.
        assert!(in_flight >= (GIB - GIB / 4) as u64, "only {in_flight} bytes are in flight");
        let error = port1.post_message_timeout(&posted.text, Duration::from_millis(1)).unwrap_err();
        assert!(error.is_timeout());
        while let Ok(text) = port2.try_recv() {
            received.check(&text);
        }
        assert_eq!(received.number, posted.number - 1);
        // Then there is room again.
        port1.try_post_message(&posted.text).unwrap();
        received.check(&port2.try_recv().unwrap());
    }
}

/// The most positions that a byte can have: sixty messages in a block of 64 bytes.
#[test]
fn blocks_in_flight_are_limited() {
    let (mut port1, mut port2) =
        build::<u8>(|builder| builder.capacity(16 * MIB).growable(usize::MAX));
    let mut posted = 0u32;
    while port1.try_post_message(&((posted % 251) as u8)).is_ok() {
        posted += 1;
    }
    assert_eq!(posted, (GIB / 64 * 60) as u32);
    assert_eq!(port2.len(), posted as usize);
    assert!(port1.post_message_timeout(&0, Duration::from_millis(1)).unwrap_err().is_timeout());
    let mut next = 0u32;
    while next < posted {
        port2
            .recv_batch(usize::MAX, |number| {
                assert_eq!(u32::from(*number), next % 251);
                next += 1;
            })
            .unwrap();
    }
    assert!(port2.try_recv().unwrap_err().is_empty());
    port1.try_post_message(&7).unwrap();
    assert_eq!(*port2.try_recv().unwrap(), 7);
}

/// A ring of the largest capacity, which only four laps pass the end of the counter with.
#[test]
#[cfg(not(target_family = "wasm"))]
fn the_largest_ring_passes_the_end_of_the_counter() {
    let (mut port1, mut port2) = build::<Vec<u8>>(|builder| builder.capacity(GIB));
    assert_eq!(port1.capacity(), GIB);
    let mut text = vec![0; 200 * MIB];
    let mut bytes = 0;
    for number in 0..30u8 {
        text.truncate((200 - usize::from(number)) * MIB);
        text.fill(number);
        port1.try_post_message(&text).unwrap();
        bytes += text.len() as u64;
        let received = port2.try_recv().unwrap();
        assert!(*received == *text, "message {number} is damaged");
    }
    assert!(bytes > PAST_BYTES);
}
