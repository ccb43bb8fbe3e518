//! Step-by-step tests of the two ends of a ring together.

mod blocks;

use std::mem::MaybeUninit;

use super::producer::Reserve;
use super::{Consumer, Frame, Layout, Limits, Peek, Producer, new};

const LIMITS: Limits = Limits { capacity: 256, max_message: 256, growable: None };

/// Posts an archive of `length` bytes.
fn post(producer: &mut Producer, length: usize) {
    assert_eq!(producer.reserve(length), Reserve::InPlace);
    producer.run(Layout::Frames, length).as_mut_slice().fill(MaybeUninit::new(0xff));
    producer.commit(Layout::Frames, length);
}

fn peek(consumer: &mut Consumer) -> Option<Frame> {
    loop {
        match consumer.peek() {
            Peek::Message(frame) => return Some(frame),
            Peek::Empty => return None,
            Peek::Skipped => {}
            Peek::Switch => assert!(consumer.pass_switch()),
        }
    }
}

/// Receives a message and gives its bytes back.
fn receive(consumer: &mut Consumer) {
    let frame = peek(consumer).unwrap();
    consumer.claim(frame.end());
    let _payload = consumer.take(Layout::Frames, frame);
    consumer.release();
}

/// The producer's own port closes around the last accepted message. The next post skips to the next
/// lap before it is refused. The consumer passes the skip and must still find the end.
#[test]
fn a_skip_behind_the_end_is_the_end() {
    let (mut producer, mut consumer) = new(LIMITS, Layout::Frames).unwrap();
    for _ in 0..2 {
        post(&mut producer, 88);
        receive(&mut consumer);
    }
    assert!(producer.finish());
    assert_eq!(producer.reserve(88), Reserve::InPlace, "in the next lap");
    assert!(peek(&mut consumer).is_none());
    assert!(consumer.finish());
}

/// The consumer reaches the end first: the post that it did not see is refused.
#[test]
fn a_message_behind_the_end_is_refused() {
    let (mut producer, mut consumer) = new(LIMITS, Layout::Frames).unwrap();
    assert!(peek(&mut consumer).is_none());
    assert!(consumer.finish());
    post(&mut producer, 8);
    assert!(!producer.finish());
}

/// The producer is first: the consumer has to look again.
#[test]
fn an_accepted_message_is_before_the_end() {
    let (mut producer, mut consumer) = new(LIMITS, Layout::Frames).unwrap();
    assert!(peek(&mut consumer).is_none());
    post(&mut producer, 8);
    assert!(producer.finish());
    assert!(!consumer.finish());
    receive(&mut consumer);
    assert!(consumer.finish());
}

/// The consumer's port closes while a message behind a skip is about to be delivered. The report
/// comes first and counts the message, so it is not delivered.
#[test]
fn a_message_behind_a_skip_is_delivered_or_reported() {
    let (mut producer, mut consumer) = new(LIMITS, Layout::Frames).unwrap();
    for _ in 0..2 {
        post(&mut producer, 88);
        receive(&mut consumer);
    }
    post(&mut producer, 88);
    let frame = peek(&mut consumer).unwrap();
    assert_eq!(producer.undelivered(), (1, 88));
    consumer.claim(frame.end());
    assert!(!consumer.withdraw(consumer.position(), frame.end()));
}
