//! What either end can see of how much is on its way.

use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use message_port::{MessageChannel, MessagePort};

type Outcome = Result<(), Box<dyn Error>>;

/// Bytes that a message with an archive of `length` bytes takes in the ring.
const fn frame(length: usize) -> usize {
    (length + 8).next_multiple_of(16)
}

/// Bytes that a spilled message takes in the ring.
const SPILLED: usize = 32;

/// What the archive of a text of so many bytes has.
fn archive(length: usize) -> usize {
    if length <= 8 { 8 } else { length.next_multiple_of(4) + 8 }
}

fn text(length: usize) -> String {
    "x".repeat(length)
}

#[test]
fn bytes_are_in_flight_until_they_are_given_back() -> Outcome {
    let MessageChannel { mut port1, mut port2 } = MessageChannel::<u64>::with_capacity(256);
    assert_eq!((port1.bytes_in_flight(), port2.bytes_available()), (0, 0));
    port1.post_messages(&[1, 2, 3])?;
    assert_eq!((port1.bytes_in_flight(), port2.bytes_available()), (24, 24));
    assert_eq!((port2.bytes_in_flight(), port1.bytes_available()), (0, 0));
    let message = port2.recv()?;
    assert_eq!(port1.bytes_in_flight(), 24, "it is still held");
    drop(message);
    assert_eq!((port1.bytes_in_flight(), port2.bytes_available()), (16, 16));
    assert_eq!(port2.recv_batch(9, |_| ())?, 2);
    assert_eq!((port1.bytes_in_flight(), port2.bytes_available()), (0, 0));
    Ok(())
}

#[test]
fn frames_are_in_flight_until_they_are_given_back() -> Outcome {
    let MessageChannel { mut port1, mut port2 } = MessageChannel::<String>::with_capacity(256);
    assert_eq!((port1.bytes_in_flight(), port2.bytes_available()), (0, 0));
    port1.post_messages(&["1", "2", "3"].map(str::to_owned))?;
    assert_eq!((port1.bytes_in_flight(), port2.bytes_available()), (3 * frame(8), 24));
    assert_eq!((port2.bytes_in_flight(), port1.bytes_available()), (0, 0));
    let message = port2.recv()?;
    assert_eq!(port1.bytes_in_flight(), 3 * frame(8), "it is still held");
    drop(message);
    assert_eq!((port1.bytes_in_flight(), port2.bytes_available()), (2 * frame(8), 16));
    assert_eq!(port2.recv_batch(9, |_| ())?, 2);
    assert_eq!((port1.bytes_in_flight(), port2.bytes_available()), (0, 0));
    Ok(())
}

#[test]
fn a_full_ring_has_no_more_than_its_capacity_in_flight() -> Outcome {
    let message = text(92);
    let MessageChannel { mut port1, mut port2 } = MessageChannel::<String>::with_capacity(1024);
    for _ in 0..50 {
        let mut posted = 0;
        while port1.try_post_message(&message).is_ok() {
            posted += 1;
            assert!(port1.bytes_in_flight() <= port1.capacity());
            assert_eq!(port2.bytes_available(), 100 * port2.len());
        }
        assert!(posted > 0 && port1.bytes_in_flight() > port1.capacity() - 2 * frame(100));
        for _ in 0..5 {
            port2.recv()?;
        }
    }
    while port2.try_recv().is_ok() {}
    // At most the end of a lap that the last message did not fit.
    assert_eq!(port2.bytes_available(), 0);
    assert!(port1.bytes_in_flight() < frame(100));
    Ok(())
}

/// Messages of one size lie in blocks: what is in flight is what is available, to the byte.
#[test]
fn a_full_ring_of_blocks_has_its_messages_in_flight() -> Outcome {
    let MessageChannel { mut port1, mut port2 } = MessageChannel::<[u8; 100]>::with_capacity(1024);
    for _ in 0..50 {
        while port1.try_post_message(&[7; 100]).is_ok() {
            assert_eq!(port1.bytes_in_flight(), 100 * port2.len());
            assert_eq!(port2.bytes_available(), 100 * port2.len());
        }
        assert_eq!(port2.len(), 1024 / 104);
        for _ in 0..5 {
            port2.recv()?;
        }
    }
    while port2.try_recv().is_ok() {}
    assert_eq!((port1.bytes_in_flight(), port2.bytes_available()), (0, 0));
    Ok(())
}

/// In flight is what the ring has of them, available what the receiver will get of them.
#[test]
fn spilled_messages_count_with_their_frames_and_their_archives() -> Outcome {
    let MessageChannel { mut port1, mut port2 } = MessageChannel::<String>::with_capacity(1024);
    port1.post_message(&text(2000))?;
    port1.post_message(&text(100))?;
    port1.post_message(&text(3000))?;
    let in_flight = 2 * SPILLED + frame(archive(100));
    assert_eq!(port1.bytes_in_flight(), in_flight);
    let available = archive(2000) + archive(100) + archive(3000);
    assert_eq!((port2.len(), port2.bytes_available()), (3, available));
    assert_eq!(port2.recv()?.as_bytes().len(), archive(2000));
    assert_eq!(port1.bytes_in_flight(), in_flight - SPILLED);
    assert_eq!(port2.bytes_available(), available - archive(2000));
    Ok(())
}

/// What is not used behind a switch is not in flight, wherever the receiver is.
#[test]
fn all_segments_of_a_direction_that_grew_count() -> Outcome {
    let MessageChannel { mut port1, mut port2 } =
        MessageChannel::<String>::builder().capacity(1024).growable(1 << 14).build()?;
    // The cursors stand somewhere in a lap.
    let message = text(92);
    port1.post_messages([&message; 3])?;
    while port2.try_recv().is_ok() {}
    let mut posted = 0;
    while port1.try_post_message(&message).is_ok() {
        posted += 1;
        assert!(port1.bytes_in_flight() >= posted * frame(100));
        assert!(port1.bytes_in_flight() <= 1 << 14);
        assert_eq!(port2.bytes_available(), posted * 100);
    }
    assert!(posted > 100);
    while posted > 0 {
        port2.recv()?;
        posted -= 1;
        assert!(port1.bytes_in_flight() >= posted * frame(100));
        assert!(port1.bytes_in_flight() <= 1 << 14);
        assert_eq!((port2.len(), port2.bytes_available()), (posted, posted * 100));
    }
    assert!(port1.bytes_in_flight() < 1024);
    Ok(())
}

/// Switches take no bytes, wherever the receiver is.
#[test]
fn all_segments_of_a_direction_that_grew_in_blocks_count() -> Outcome {
    let MessageChannel { mut port1, mut port2 } =
        MessageChannel::<[u8; 100]>::builder().capacity(1024).growable(1 << 14).build()?;
    port1.post_messages(&[[0; 100]; 3])?;
    while port2.try_recv().is_ok() {}
    let mut posted = 0;
    while port1.try_post_message(&[7; 100]).is_ok() {
        posted += 1;
        assert_eq!(
            (port1.bytes_in_flight(), port2.bytes_available()),
            (posted * 100, posted * 100)
        );
    }
    // Nine to a segment, sixteen of them.
    assert_eq!(posted, 16 * (1024 / 104));
    while posted > 0 {
        port2.recv()?;
        posted -= 1;
        assert_eq!((port2.len(), port2.bytes_available()), (posted, posted * 100));
        assert_eq!(port1.bytes_in_flight(), posted * 100);
    }
    Ok(())
}

/// The report of a close counts messages, not the switches between them.
#[test]
fn a_close_reports_what_is_in_all_segments_of_blocks() -> Outcome {
    for received in 0..40 {
        let MessageChannel { mut port1, mut port2 } =
            MessageChannel::<[u8; 100]>::builder().capacity(1024).growable(1 << 14).build()?;
        port1.post_messages(&[[0; 100]; 60])?;
        for _ in 0..received {
            port2.recv()?;
        }
        port2.close();
        let event = port1.split_mut().0.close_event().ok_or("no report")?;
        let left = 60 - received;
        assert_eq!((event.undelivered_messages(), event.undelivered_bytes()), (left, 100 * left));
    }
    Ok(())
}

#[test]
fn what_is_available_is_what_a_close_reports() -> Outcome {
    let MessageChannel { mut port1, mut port2 } = MessageChannel::<String>::with_capacity(1024);
    for length in [3, 30, 300, 3000] {
        port1.post_message(&text(length))?;
    }
    port2.recv()?;
    let available = port2.bytes_available();
    port2.close();
    let event = port1.split_mut().0.close_event().ok_or("no report")?;
    assert_eq!(event.undelivered_bytes(), u64::try_from(available)?);
    assert_eq!((port2.len(), port2.bytes_available()), (0, 0), "nothing is for this port any more");
    assert!(port1.bytes_in_flight() > 0, "nobody gives it back");
    Ok(())
}

/// What one end sees while the other one is active is somewhere between before and after.
#[test]
fn either_end_may_look_at_any_time() {
    fn look(port: &MessagePort<String>, most: usize) {
        assert!(port.bytes_in_flight() <= most);
        let (available, messages) = (port.bytes_available(), port.len());
        assert!(messages > 0 || available == 0 || port.is_closed());
        assert!(format!("{port:?}").starts_with("MessagePort { sender: Sender { capacity: "));
    }
    for builder in [MessageChannel::builder(), MessageChannel::builder().growable(1 << 14)] {
        const MESSAGES: usize = if cfg!(miri) { 60 } else { 3000 };
        let MessageChannel { mut port1, mut port2 } = builder.capacity(1024).build().unwrap();
        let done = Arc::new(AtomicBool::new(false));
        let all_posted = Arc::clone(&done);
        // Each thread owns its port: if one fails the other one is disconnected.
        let poster = thread::spawn(move || {
            for n in 0..MESSAGES {
                port1.post_message(&text(n % 700)).unwrap();
                look(&port1, 1 << 14);
            }
            all_posted.store(true, Ordering::Release);
        });
        for received in 0..MESSAGES {
            look(&port2, 0);
            if done.load(Ordering::Acquire) {
                assert_eq!(port2.len(), MESSAGES - received);
            }
            port2.recv().unwrap();
        }
        assert_eq!(port2.bytes_available(), 0);
        poster.join().unwrap();
    }
}
