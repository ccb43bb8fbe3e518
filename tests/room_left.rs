//! How much room there is, asked at either end: what is said of it, and what posting then does.

use std::error::Error;

use message_port::{Message, MessageChannel, MessagePort};

type Outcome = Result<(), Box<dyn Error>>;

/// Posts until there is no room, and compares what both ends say with what happens.
fn agree<T: Message>(port1: &mut MessagePort<T>, port2: &mut MessagePort<T>, message: &T) -> usize {
    let mut posted = 0;
    loop {
        let (_, receiver) = port2.split_mut();
        assert_eq!(receiver.remaining(), port1.remaining());
        assert_eq!(receiver.is_full(), port1.is_full());
        assert_eq!(receiver.capacity(), port1.capacity());
        let (sender, _) = port1.split_mut();
        let (is_full, remaining) = (sender.is_full(), sender.remaining());
        // A ring has room for one message of one size, however small it is.
        assert!(sender.bytes_in_flight() + remaining <= sender.capacity().max(size_of::<T>()));
        let refused = sender.try_post_message(message).is_err();
        assert_eq!(refused, is_full);
        if refused {
            return posted;
        }
        posted += 1;
    }
}

/// Everywhere in the ring, with every number of messages in it.
fn agree_in_every_lap<T: Message>(message: &T, capacity: usize) {
    let MessageChannel { mut port1, mut port2 } = MessageChannel::<T>::with_capacity(capacity);
    for received in 0..40 {
        agree(&mut port1, &mut port2, message);
        for _ in 0..=(received % 4) {
            // A ring may hold fewer.
            let _ = port2.try_recv();
        }
    }
}

#[test]
fn both_ends_agree_where_messages_lie_in_frames() {
    // The shortest one: nothing but a root of 8 bytes.
    agree_in_every_lap(&String::new(), 64);
    agree_in_every_lap(&String::new(), 256);
}

#[test]
fn both_ends_agree_where_messages_have_one_size() {
    agree_in_every_lap(&7_u64, 64);
    agree_in_every_lap(&7_u64, 256);
    agree_in_every_lap(&7_u8, 64);
    agree_in_every_lap(&[7_u8; 100], 1024);
    agree_in_every_lap(&[7_u8; 100], 64);
    agree_in_every_lap(&(), 64);
}

#[test]
fn a_message_in_hand_takes_its_room() -> Outcome {
    let MessageChannel { mut port1, mut port2 } = MessageChannel::<u64>::with_capacity(64);
    agree(&mut port1, &mut port2, &7);
    let message = port2.recv()?;
    assert!(port1.is_full());
    drop(message);
    assert!(!port1.is_full());
    Ok(())
}

#[test]
fn a_whole_port_tells_of_what_it_posts() -> Outcome {
    let MessageChannel { mut port1, mut port2 } = MessageChannel::<u64, String>::with_capacity(64);
    while port1.try_post_message(&7).is_ok() {}
    assert!(port1.is_full() && !port2.is_full());
    assert_eq!((port1.remaining(), port2.remaining()), (0, 64 - 16));
    port2.recv()?;
    assert!(!port1.is_full());
    Ok(())
}

/// What fits one segment is not the end of it.
fn grows<T: Message>(message: &T) -> Outcome {
    let MessageChannel { mut port1, mut port2 } =
        MessageChannel::<T>::builder().capacity(256).growable(2048).build()?;
    for _ in 0..3 {
        let mut before = port1.remaining();
        assert!(before > 1024);
        let mut posted = 0;
        while !port1.is_full() {
            port1.try_post_message(message)?;
            posted += 1;
            assert!(port1.remaining() <= before);
            before = port1.remaining();
        }
        assert!(port1.try_post_message(message).unwrap_err().is_full());
        let (_, receiver) = port2.split_mut();
        assert!(receiver.is_full() && receiver.remaining() == 0);
        for _ in 0..posted {
            receiver.recv()?;
        }
        assert!(!receiver.is_full() && !port1.is_full());
    }
    Ok(())
}

#[test]
fn a_direction_that_may_grow_is_full_when_it_may_grow_no_more() -> Outcome {
    grows(&String::new())?;
    grows(&7_u64)
}

#[test]
fn asking_after_the_end_is_harmless() -> Outcome {
    for closes in [true, false] {
        let MessageChannel { mut port1, port2 } =
            MessageChannel::<String>::builder().capacity(256).growable(4096).build()?;
        let (mut sender, receiver) = port2.into_split();
        for _ in 0..20 {
            port1.post_message(&"longer than what is inline".to_owned())?;
        }
        if closes {
            sender.close();
        } else {
            drop(receiver);
        }
        for _ in 0..2 {
            let _ = (port1.is_full(), port1.remaining(), port1.bytes_in_flight());
            assert!(port1.post_message(&String::new()).is_err());
        }
    }
    let MessageChannel { mut port1, port2 } = MessageChannel::<u64>::new();
    let (mut sender, receiver) = port2.into_split();
    port1.post_message(&7)?;
    sender.close();
    assert!(!receiver.is_full());
    assert_eq!(receiver.remaining(), 0);
    Ok(())
}

/// Buffers that the receiver has handed back make way for a segment.
#[test]
fn a_direction_with_unused_buffers_is_not_full() -> Outcome {
    let MessageChannel { mut port1, mut port2 } =
        MessageChannel::<Vec<u8>>::builder().capacity(4096).growable(100_000).build()?;
    for _ in 0..3 {
        for _ in 0..20 {
            port1.try_post_message(&vec![1; 3000])?;
        }
        while port2.try_recv().is_ok() {}
    }
    // Two of these fill a segment exactly.
    let messages = [vec![1; 2016], vec![1; 2032]];
    for message in messages.iter().cycle() {
        let (is_full, remaining) = (port1.is_full(), port1.remaining());
        let refused = port1.try_post_message(message).is_err();
        assert_eq!(refused, is_full);
        assert_eq!(refused, remaining == 0);
        if refused {
            break;
        }
    }
    Ok(())
}
