//! Looking at a message without taking it.

mod common;

use std::error::Error;

use message_port::rkyv::Archived;
use message_port::{Builder, MessageChannel, PeekRef, TryRecvError};
use static_assertions::assert_impl_all;

use common::hostile::Hostile;

type Outcome = Result<(), Box<dyn Error>>;
type Bytes = Vec<u8>;

assert_impl_all!(PeekRef<'static, String>: Send, Sync);

/// In place, and in a buffer of its own.
const LENGTHS: [usize; 2] = [10, 5000];

fn builders() -> [Builder<Bytes>; 2] {
    let builder = || MessageChannel::<Bytes>::builder().capacity(256);
    [builder(), builder().growable(1 << 20)]
}

#[test]
fn a_message_that_is_looked_at_stays() -> Outcome {
    for builder in builders() {
        let MessageChannel { mut port1, mut port2 } = builder.build()?;
        for length in LENGTHS {
            port1.post_message(&vec![7; length])?;
            port1.post_message(&vec![8; 10])?;
            let in_flight = port1.bytes_in_flight();
            for _ in 0..3 {
                let message = port2.peek()?;
                assert_eq!((message.len(), message[0]), (length, 7));
                assert_eq!(message.deserialize()?, vec![7; length]);
                assert!(message.as_bytes().len() >= length);
            }
            assert_eq!((port2.len(), port1.bytes_in_flight()), (2, in_flight));
            assert_eq!(port2.split_mut().1.peek()?[0], 7);
            assert_eq!(port2.recv()?[0], 7);
            assert_eq!(port2.peek()?[0], 8);
            assert_eq!(port2.recv()?[0], 8);
            assert!(port2.peek().unwrap_err().is_empty());
        }
        assert_eq!(port1.bytes_in_flight(), 0);
    }
    Ok(())
}

#[test]
fn messages_of_one_size_are_looked_at_too() -> Outcome {
    let MessageChannel { mut port1, mut port2 } = MessageChannel::<u64>::with_capacity(64);
    for number in 0..100 {
        port1.post_message(&number)?;
        assert_eq!(*port2.peek()?, number);
        assert_eq!(*port2.recv()?, number);
    }
    Ok(())
}

#[test]
fn what_is_left_can_be_looked_at_before_the_end_is_told() {
    for closes in [true, false] {
        let MessageChannel { mut port1, mut port2 } = MessageChannel::<u64>::new();
        port1.post_message(&7).unwrap();
        if closes {
            port1.close();
        } else {
            drop(port1);
        }
        assert_eq!(*port2.peek().unwrap(), 7);
        assert_eq!(*port2.recv().unwrap(), 7);
        let error = port2.peek().unwrap_err();
        assert_eq!((error.is_closed(), error.is_disconnected()), (closes, !closes));
    }
}

#[test]
fn an_invalid_message_stays_until_it_is_received() -> Outcome {
    let MessageChannel { mut port1, mut port2 } = MessageChannel::<Hostile>::new();
    port1.post_message(&Hostile::lying(b"no"))?;
    port1.post_message(&Hostile::honest(b"yes"))?;
    assert!(port2.peek().unwrap_err().is_invalid_archive());
    assert!(port2.peek().unwrap_err().is_invalid_archive());
    assert_eq!(port2.len(), 2);
    assert!(port2.recv().unwrap_err().is_invalid_archive());
    assert_eq!(port2.peek()?.as_slice(), b"yes");
    Ok(())
}

/// A guard that was forgotten counts as received; a look that was forgotten as nothing.
#[test]
fn guards_that_are_forgotten_do_no_harm() -> Outcome {
    let MessageChannel { mut port1, mut port2 } = MessageChannel::<Bytes>::with_capacity(256);
    for length in [5000, 5001, 10] {
        port1.post_message(&vec![7; length])?;
    }
    std::mem::forget(port2.peek()?);
    std::mem::forget(port2.recv()?);
    assert_eq!(port2.peek()?.len(), 5001);
    std::mem::forget(port2.peek()?);
    assert_eq!(port2.recv()?.len(), 5001);
    port2.close();
    assert!(port1.post_message(&Bytes::new()).unwrap_err().is_closed());
    Ok(())
}

/// C4: what was only looked at was not read.
#[test]
fn c4_a_message_that_was_only_looked_at_is_reported_as_undelivered() -> Outcome {
    for (builder, length) in builders().into_iter().zip(LENGTHS) {
        let MessageChannel { mut port1, mut port2 } = builder.build()?;
        port1.post_message(&vec![7; length])?;
        port1.post_message(&vec![8; length])?;
        port2.recv()?;
        port2.peek()?;
        port2.close();
        assert!(matches!(port2.peek(), Err(TryRecvError::Closed)), "C3");
        let event = port1.split_mut().0.close_event().unwrap();
        assert_eq!(event.undelivered_messages(), 1);
    }
    Ok(())
}

/// C9: the half that closes, and a sender that gives back what was never read, leave a message alone
/// that is just looked at.
#[test]
fn c9_a_message_stays_readable_while_its_channel_ends() -> Outcome {
    let sum = |message: &Archived<Bytes>| message.iter().map(|byte| u64::from(*byte)).sum::<u64>();
    for length in LENGTHS {
        for builder in builders() {
            let MessageChannel { mut port1, port2 } = builder.build()?;
            let (mut sender, mut receiver) = port2.into_split();
            port1.post_message(&vec![7; length])?;
            port1.post_message(&vec![8; length])?;
            let message = receiver.peek()?;
            sender.close();
            // This is where it gives back.
            assert!(port1.post_message(&vec![9; length]).unwrap_err().is_closed());
            assert_eq!(sum(&message), 7 * length as u64);
            drop(port1);
            drop(sender);
            assert_eq!(sum(&message), 7 * length as u64);
        }
    }
    Ok(())
}

/// What could not be given back while it was looked at is given back with a later call.
#[test]
fn memory_is_given_back_once_nobody_looks_any_more() -> Outcome {
    let MessageChannel { mut port1, port2 } = MessageChannel::<Bytes>::with_capacity(256);
    let (mut sender, mut receiver) = port2.into_split();
    port1.post_message(&vec![7; 5000])?;
    let message = receiver.peek()?;
    sender.close();
    assert!(port1.post_message(&Bytes::new()).unwrap_err().is_closed());
    let event = port1.split_mut().0.close_event().unwrap();
    assert_eq!(event.undelivered_messages(), 1);
    drop(message);
    assert!(receiver.peek().unwrap_err().is_closed());
    assert!(port1.post_message(&Bytes::new()).unwrap_err().is_closed());
    let event = port1.split_mut().0.close_event().unwrap();
    assert_eq!(event.undelivered_messages(), 1, "the count is final");
    Ok(())
}
