//! What else fails at the sender: ended channels, and messages that can never fit (E3, E4).

mod common;

use std::thread;
use std::time::Duration;

use common::clone::Doubtful;
use common::log::Log;
use common::small::{CAPACITY, SPILLED, channel, fill};
use message_port::{MessageChannel, MessagePort, PostError, PostTimeoutError, TryPostError};

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum End {
    Closed,
    Disconnected,
}

/// Posts a small and a large value in each of the three ways; each must find this end.
fn assert_ended(port: &mut MessagePort<Doubtful>, end: End) {
    for bytes in [&b"small"[..], &[5; SPILLED]] {
        let value = Doubtful::good(bytes);
        let error = port.post_message(&value).unwrap_err();
        let found = (error.is_closed(), error.is_disconnected());
        assert_eq!(found, (end == End::Closed, end == End::Disconnected), "{error}");
        let error = port.try_post_message(&value).unwrap_err();
        let found = (error.is_closed(), error.is_disconnected());
        assert_eq!(found, (end == End::Closed, end == End::Disconnected), "{error}");
        let error = port.post_message_timeout(&value, Duration::MAX).unwrap_err();
        let found = (error.is_closed(), error.is_disconnected());
        assert_eq!(found, (end == End::Closed, end == End::Disconnected), "{error}");
    }
}

#[test]
fn e3_posting_on_a_closed_port_is_closed_on_both_sides() {
    let MessageChannel { mut port1, mut port2 } = channel();
    port1.close();
    assert_ended(&mut port1, End::Closed);
    assert_ended(&mut port2, End::Closed);
    port2.close();
    assert_ended(&mut port1, End::Closed);
    assert_ended(&mut port2, End::Closed);
    assert!(port1.is_empty() && port2.is_empty(), "a refused post arrived");
}

#[test]
fn e3_posting_to_a_dropped_peer_is_disconnected() {
    let MessageChannel { mut port1, port2 } = channel();
    drop(port2);
    assert_ended(&mut port1, End::Disconnected);
    port1.close();
    assert_ended(&mut port1, End::Closed);
}

#[test]
fn e3_a_peer_that_closed_and_went_away_has_closed() {
    let MessageChannel { mut port1, mut port2 } = channel();
    port2.close();
    drop(port2);
    assert_ended(&mut port1, End::Closed);
}

#[test]
fn e3_posting_is_disconnected_when_the_receiving_half_is_dropped_and_only_then() {
    let MessageChannel { mut port1, port2 } = channel();
    let (sender, mut receiver) = port2.into_split();
    drop(sender);
    port1.post_message(&Doubtful::good(b"heard")).unwrap();
    assert_eq!(receiver.recv().unwrap().as_slice(), b"heard");
    drop(receiver);
    assert_ended(&mut port1, End::Disconnected);
}

#[test]
fn e3_the_end_of_a_full_channel_is_told_before_its_fullness() {
    let MessageChannel { mut port1, mut port2 } = channel();
    fill(&mut port1);
    port2.close();
    assert_ended(&mut port1, End::Closed);
    let MessageChannel { mut port1, port2 } = channel();
    fill(&mut port1);
    drop(port2);
    assert_ended(&mut port1, End::Disconnected);
}

#[test]
fn e3_a_post_that_waits_for_room_ends_with_the_channel() {
    type End = fn(MessagePort<u64>) -> Option<MessagePort<u64>>;
    let close: End = |mut port| {
        port.close();
        Some(port)
    };
    for (end, is_closed) in [(close, true), (|_| None, false)] {
        let MessageChannel { mut port1, port2 } = channel();
        let poster = thread::spawn(move || {
            loop {
                if let Err(error) = port1.post_message(&7) {
                    return error;
                }
            }
        });
        while port2.len() < 5 {
            thread::yield_now();
        }
        let peer = end(port2);
        let error = poster.join().unwrap();
        assert_eq!((error.is_closed(), error.is_disconnected()), (is_closed, !is_closed));
        drop(peer);
    }
}

#[test]
fn e3_a_handler_that_posts_on_an_ended_channel_gets_the_error() {
    let MessageChannel { mut port1, mut port2 } = channel::<u64>();
    let outcomes = Log::new();
    let log = outcomes.clone();
    port2.set_onmessage(move |event| log.push(event.target().post_message(&1)));
    port1.post_message(&0).unwrap();
    port1.close();
    assert_eq!(port2.dispatch().unwrap(), 1);
    assert!(matches!(outcomes.take()[..], [Err(PostError::Closed)]));
}

/// The archive of a vector of bytes: the bytes, then its eight-byte root, aligned to four.
const ROOT: usize = 8;

fn limited(capacity: usize, max: usize) -> MessageChannel<Doubtful> {
    MessageChannel::builder().capacity(capacity).max_message_len(max).build().unwrap()
}

/// Posts `bytes` bytes in each of the three ways; each must find that they never fit.
fn assert_too_large(port: &mut MessagePort<Doubtful>, bytes: usize, max: usize) {
    let value = Doubtful::good(&vec![1; bytes]);
    let expected = bytes + ROOT;
    let error = port.post_message(&value).unwrap_err();
    assert!(
        matches!(error, PostError::TooLarge { needed, max: at_most } if (needed, at_most) == (expected, max)),
        "{error}"
    );
    let error = port.try_post_message(&value).unwrap_err();
    assert!(
        matches!(error, TryPostError::TooLarge { needed, max: at_most } if (needed, at_most) == (expected, max)),
        "{error}"
    );
    let error = port.post_message_timeout(&value, Duration::MAX).unwrap_err();
    assert!(
        matches!(error, PostTimeoutError::TooLarge { needed, max: at_most } if (needed, at_most) == (expected, max)),
        "{error}"
    );
}

/// In place with room for many, in place with room for few, and spilled.
const LIMITS: [(usize, usize); 3] = [(4096, 104), (256, 104), (256, 2008)];

#[test]
fn e4_the_longest_message_fits_and_one_of_a_byte_more_never_does() {
    for (capacity, max) in LIMITS {
        let MessageChannel { mut port1, mut port2 } = limited(capacity, max);
        // The root is aligned, so lengths go in steps of four.
        let longest = max - ROOT;
        for _ in 0..3 {
            port1.try_post_message(&Doubtful::good(&vec![1; longest])).unwrap();
            assert_too_large(&mut port1, longest + 4, max);
            assert_eq!(port2.recv().unwrap().as_slice(), vec![1; longest]);
            assert!(port2.is_empty());
        }
    }
}

#[test]
fn e4_a_plain_value_beyond_the_limit_is_too_large() {
    let MessageChannel { mut port1, mut port2 } =
        MessageChannel::<[u8; 100], [u8; 99]>::builder().max_message_len(99).build().unwrap();
    let error = port1.try_post_message(&[1; 100]).unwrap_err();
    assert!(matches!(error, TryPostError::TooLarge { needed: 100, max: 99 }), "{error}");
    port2.try_post_message(&[1; 99]).unwrap();
    assert_eq!(*port1.recv().unwrap(), [1; 99]);
}

#[test]
fn e4_too_large_is_told_apart_from_full() {
    for (capacity, max) in LIMITS {
        let MessageChannel { mut port1, mut port2 } = limited(capacity, max);
        let longest = Doubtful::good(&vec![1; max - ROOT]);
        while port1.try_post_message(&longest).is_ok() {}
        assert!(port1.try_post_message(&longest).unwrap_err().is_full());
        assert_too_large(&mut port1, max, max);
        assert!(port1.try_post_message(&longest).unwrap_err().is_full());
        // Full means later, and later comes at the latest when everything was received.
        while port1.try_post_message(&longest).is_err() {
            port2.try_recv().unwrap();
        }
    }
}

#[test]
#[cfg_attr(miri, ignore = "16 MiB take Miri hours")]
fn e4_without_a_limit_of_its_own_a_channel_takes_sixteen_mebibytes() {
    const MAX: usize = 16 << 20;
    let MessageChannel { mut port1, mut port2 } = channel();
    port1.try_post_message(&Doubtful::good(&vec![1; MAX - ROOT])).unwrap();
    assert_too_large(&mut port1, MAX, MAX);
    assert_eq!(port2.recv().unwrap().len(), MAX - ROOT);
}

#[test]
fn e4_the_next_post_works() {
    let MessageChannel { mut port1, mut port2 } = limited(CAPACITY, 500);
    let posted = fill(&mut port1);
    assert_too_large(&mut port1, 600, 500);
    assert_eq!(port2.len(), posted);
    for _ in 0..posted {
        assert_eq!(port2.recv().unwrap().as_slice(), [1; 10]);
    }
    assert!(port2.is_empty());
    port1.post_message(&Doubtful::good(b"next")).unwrap();
    assert_eq!(port2.recv().unwrap().as_slice(), b"next");
}
