//! Many messages with one publication and one wake: posting them.

#[path = "common/asleep.rs"]
mod asleep;
mod common;
#[path = "common/wakes.rs"]
mod wakes;
#[path = "common/watchdog.rs"]
mod watchdog;

use std::cell::{Cell, RefCell};
use std::error::Error;
use std::iter;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex};
use std::task::{Context, Wake, Waker};
use std::thread;

use message_port::{
    CloseEvent, ClosedBy, Message, MessageChannel, MessagePort, PostError, Receiver,
};

use asleep::spawn_asleep;
use common::clone::{Doubtful, Ending};
use wakes::Wakes;
use watchdog::Watchdog;

type Outcome = Result<(), Box<dyn Error>>;

fn numbers(count: u64) -> Vec<u64> {
    (0..count).collect()
}

/// Everything that is there now.
fn drain(port: &mut MessagePort<u64>) -> Vec<u64> {
    iter::from_fn(|| port.try_recv().ok().map(|number| number.to_native())).collect()
}

/// Everything that is there now.
fn drain_doubtful(port: &mut MessagePort<Doubtful>) -> Vec<u8> {
    iter::from_fn(|| port.try_recv().ok().map(|bytes| bytes[0])).collect()
}

/// What a port learns of the close.
fn report<Out: Message, In: Message>(port: MessagePort<Out, In>) -> CloseEvent {
    port.into_split().0.close_event().unwrap()
}

#[test]
fn messages_arrive_in_order() -> Outcome {
    let MessageChannel { mut port1, mut port2 } = MessageChannel::<u64>::new();
    port1.post_message(&0)?;
    assert_eq!(port1.post_messages(&[1, 2, 3])?, 3);
    port1.post_message(&4)?;
    assert_eq!(port1.post_messages(numbers(100)[5..].iter())?, 95);
    assert_eq!(port2.len(), 100);
    assert_eq!(drain(&mut port2), numbers(100));
    Ok(())
}

#[test]
fn no_message_is_no_error() {
    let MessageChannel { mut port1, mut port2 } = MessageChannel::<u64>::new();
    assert!(matches!(port1.post_messages(&[]), Ok(0)));
    assert!(port2.is_empty());
    port2.close();
    assert!(matches!(port1.post_messages(&[]), Ok(0)));
}

#[test]
fn m4_a_batch_wakes_once() -> Outcome {
    let MessageChannel { mut port1, mut port2 } = MessageChannel::<u64>::new();
    let (calls, waker) = Wakes::watched();
    let mut cx = Context::from_waker(&waker);
    for round in 0..3 {
        assert!(port2.poll_recv(&mut cx).is_pending());
        let batch = numbers(50);
        let before = batch.iter().inspect(|_| assert_eq!(calls.count(), round));
        assert_eq!(port1.post_messages(before)?, 50);
        assert_eq!(calls.count(), round + 1);
        assert_eq!(drain(&mut port2), batch);
    }
    Ok(())
}

#[test]
fn m4_a_batch_wakes_a_sleeping_thread() -> Outcome {
    let _watchdog = Watchdog::start();
    let MessageChannel { mut port1, mut port2 } = MessageChannel::<u64>::new();
    let receiver = spawn_asleep(move || {
        for number in 0..50 {
            assert_eq!(port2.recv().unwrap().to_native(), number);
        }
    });
    port1.post_messages(&numbers(50))?;
    receiver.join().unwrap();
    Ok(())
}

#[test]
fn nothing_is_visible_before_all_of_it_is() -> Outcome {
    let MessageChannel { mut port1, mut port2 } = MessageChannel::<u64>::new();
    let batch = numbers(20);
    let watched = batch.iter().inspect(|_| {
        assert!(port2.is_empty());
        assert!(port2.try_recv().unwrap_err().is_empty());
    });
    assert_eq!(port1.post_messages(watched)?, 20);
    assert_eq!(drain(&mut port2), batch);
    Ok(())
}

/// What waits is counted while a batch is being written: it is what can be received.
#[test]
fn the_length_leaves_out_what_is_not_visible() -> Outcome {
    let MessageChannel { mut port1, mut port2 } = MessageChannel::<u64>::new();
    port1.post_message(&0)?;
    let mut lengths = Vec::new();
    port1.post_messages(numbers(3).iter().inspect(|_| lengths.push(port2.len())))?;
    assert_eq!((lengths, port2.len()), (vec![1, 1, 1], 4));
    assert_eq!(drain(&mut port2), [0, 0, 1, 2]);
    Ok(())
}

/// More than the ring holds: what fits is published before the batch waits for room.
#[test]
fn a_batch_larger_than_the_ring_waits_in_between() -> Outcome {
    const MESSAGES: u64 = if cfg!(miri) { 100 } else { 1000 };
    let _watchdog = Watchdog::start();
    let MessageChannel { mut port1, mut port2 } = MessageChannel::<u64>::with_capacity(256);
    let sender = spawn_asleep(move || port1.post_messages(&numbers(MESSAGES)));
    assert!(!sender.is_finished());
    assert!(!port2.is_empty());
    for number in 0..MESSAGES {
        assert_eq!(*port2.recv()?, number);
    }
    assert_eq!(sender.join().unwrap()? as u64, MESSAGES);
    Ok(())
}

/// Frames of several slots do not always fit up to the end of the lap.
#[test]
fn a_batch_may_cross_the_end_of_the_ring() -> Outcome {
    let MessageChannel { mut port1, mut port2 } = MessageChannel::<Vec<u8>>::with_capacity(512);
    for round in 0..if cfg!(miri) { 20 } else { 100 } {
        let batch: Vec<_> = (0..4).map(|n| vec![n; 20 + round % 40]).collect();
        assert_eq!(port1.post_messages(&batch)?, 4);
        for message in &batch {
            assert_eq!(**port2.try_recv()?, **message);
        }
        assert!(port2.try_recv().unwrap_err().is_empty());
    }
    Ok(())
}

#[test]
fn a_spilled_message_keeps_its_place() -> Outcome {
    let MessageChannel { mut port1, mut port2 } = MessageChannel::<Vec<u8>>::with_capacity(1024);
    let lengths = [3000, 10, 20, 4000, 5000, 0, 30, 2000];
    let batch: Vec<_> = (0u8..).zip(lengths).map(|(n, length)| vec![n; length]).collect();
    for _ in 0..if cfg!(miri) { 1 } else { 5 } {
        let (calls, waker) = Wakes::watched();
        assert!(port2.poll_recv(&mut Context::from_waker(&waker)).is_pending());
        assert_eq!(port1.post_messages(&batch)?, batch.len());
        assert_eq!(calls.count(), 1);
        for message in &batch {
            assert_eq!(**port2.try_recv()?, **message);
        }
    }
    Ok(())
}

/// More spilled messages than there are buffers: the batch waits for one to come back.
#[test]
fn a_batch_waits_for_buffers() -> Outcome {
    const LENGTH: usize = if cfg!(miri) { 600 } else { 2000 };
    let _watchdog = Watchdog::start();
    let MessageChannel { mut port1, mut port2 } = MessageChannel::<Vec<u8>>::with_capacity(1024);
    let sender = spawn_asleep(move || {
        let batch: Vec<_> = (0..30).map(|n| vec![n; LENGTH]).collect();
        port1.post_messages(&batch)
    });
    assert!(!sender.is_finished());
    for n in 0..30 {
        assert_eq!(**port2.recv()?, [n; LENGTH]);
    }
    assert_eq!(sender.join().unwrap()?, 30);
    Ok(())
}

#[test]
fn e1_a_value_that_cannot_be_cloned_ends_the_batch() -> Outcome {
    let MessageChannel { mut port1, mut port2 } = MessageChannel::<Doubtful>::new();
    let batch = [
        Doubtful::good(&[1]),
        Doubtful::good(&[2]),
        Doubtful::new(&[3], Ending::Error),
        Doubtful::good(&[4]),
    ];
    assert_eq!(port1.post_messages(&batch)?, 2);
    assert_eq!(drain_doubtful(&mut port2), [1, 2]);
    assert!(matches!(port1.post_messages(&batch[2..]), Err(PostError::DataClone(_))));
    assert!(port2.is_empty());
    assert_eq!(port1.post_messages(&batch[3..])?, 1);
    assert_eq!(drain_doubtful(&mut port2), [4]);
    Ok(())
}

#[test]
fn e4_a_message_that_is_too_large_ends_the_batch() -> Outcome {
    let MessageChannel { mut port1, mut port2 } =
        MessageChannel::<Vec<u8>>::builder().max_message_len(1000).build()?;
    let batch = [vec![1; 10], vec![2; 900], vec![3; 2000], vec![4; 10]];
    assert_eq!(port1.post_messages(&batch)?, 2);
    assert_eq!(port2.recv()?.len(), 10);
    assert_eq!(port2.recv()?.len(), 900);
    let error = port1.post_messages(&batch[2..]).unwrap_err();
    assert!(matches!(error, PostError::TooLarge { max: 1000, needed } if needed >= 2000));
    assert!(port2.is_empty());
    Ok(())
}

/// E2: the own error of a value comes before the end of the channel.
#[test]
fn e2_the_first_message_decides_on_the_error() {
    let MessageChannel { mut port1, mut port2 } = MessageChannel::<Doubtful>::new();
    port2.close();
    let bad = [Doubtful::new(&[1], Ending::Error), Doubtful::good(&[2])];
    assert!(matches!(port1.post_messages(&bad), Err(PostError::DataClone(_))));
    assert!(matches!(port1.post_messages(&bad[1..]), Err(PostError::Closed)));
}

#[test]
fn e1_a_serializer_that_panics_publishes_what_was_accepted() {
    let MessageChannel { mut port1, mut port2 } = MessageChannel::<Doubtful>::new();
    let (calls, waker) = Wakes::watched();
    assert!(port2.poll_recv(&mut Context::from_waker(&waker)).is_pending());
    let batch = [Doubtful::good(&[1]), Doubtful::good(&[2]), Doubtful::new(&[3, 3], Ending::Panic)];
    let posted = catch_unwind(AssertUnwindSafe(|| port1.post_messages(&batch)));
    assert!(posted.is_err());
    assert_eq!(calls.count(), 1);
    assert_eq!(drain_doubtful(&mut port2), [1, 2]);
    port1.post_message(&Doubtful::good(&[4])).unwrap();
    assert_eq!(drain_doubtful(&mut port2), [4]);
}

#[test]
fn an_iterator_that_panics_publishes_what_was_accepted() {
    let MessageChannel { mut port1, mut port2 } = MessageChannel::<u64>::new();
    let batch = numbers(10);
    let posted = catch_unwind(AssertUnwindSafe(|| {
        port1.post_messages(batch.iter().inspect(|number| assert!(**number < 3)))
    }));
    assert!(posted.is_err());
    assert_eq!(drain(&mut port2), [0, 1, 2]);
    assert!(matches!(port1.post_messages(&[7]), Ok(1)));
    assert_eq!(drain(&mut port2), [7]);
}

/// The peer closes or goes away while the batch is being written: what had been accepted counts
/// as posted, and the report says that it was not read.
#[test]
fn c4_a_peer_that_closes_in_the_middle_of_a_batch_reports_it() -> Outcome {
    let MessageChannel { mut port1, mut port2 } = MessageChannel::<u64>::new();
    port1.post_messages(&numbers(5))?;
    for _ in 0..2 {
        port2.recv()?;
    }
    let batch = numbers(10);
    let closing = batch.iter().inspect(|number| {
        if **number == 4 {
            port2.close();
        }
    });
    assert_eq!(port1.post_messages(closing)?, 4);
    assert!(matches!(port1.post_messages(&batch), Err(PostError::Closed)));
    let event = report(port1);
    assert_eq!(event.closed_by(), ClosedBy::Peer);
    assert_eq!((event.undelivered_messages(), event.undelivered_bytes()), (7, 56));
    Ok(())
}

#[test]
fn c7_a_peer_that_goes_away_in_the_middle_of_a_batch_ends_it() -> Outcome {
    let MessageChannel { mut port1, port2 } = MessageChannel::<u64>::new();
    let port2 = Cell::new(Some(port2));
    let batch = numbers(10);
    let dropping = batch.iter().inspect(|number| {
        if **number == 4 {
            drop(port2.take());
        }
    });
    assert_eq!(port1.post_messages(dropping)?, 4);
    assert!(matches!(port1.post_messages(&batch), Err(PostError::Disconnected)));
    Ok(())
}

/// The other half of the own port closes: what was accepted before is delivered.
#[test]
fn c2_the_own_close_in_the_middle_of_a_batch_comes_after_what_was_accepted() -> Outcome {
    let MessageChannel { port1, mut port2 } = MessageChannel::<u64>::new();
    let (mut sender, receiver) = port1.into_split();
    let receiver = RefCell::new(receiver);
    let batch = numbers(10);
    let closing = batch.iter().inspect(|number| {
        if **number == 4 {
            receiver.borrow_mut().close();
        }
    });
    assert_eq!(sender.post_messages(closing)?, 4);
    assert_eq!(drain(&mut port2), numbers(4));
    assert!(port2.try_recv().unwrap_err().is_closed());
    Ok(())
}

/// The same, but the receiver has come to the end before the batch was published.
#[test]
fn c2_a_batch_that_comes_after_the_end_is_refused_whole() {
    let MessageChannel { port1, mut port2 } = MessageChannel::<u64>::new();
    let (mut sender, receiver) = port1.into_split();
    let receiver = RefCell::new(receiver);
    let batch = numbers(10);
    let closing = batch.iter().inspect(|number| {
        if **number == 4 {
            receiver.borrow_mut().close();
            assert!(port2.try_recv().unwrap_err().is_closed());
        }
    });
    assert!(matches!(sender.post_messages(closing), Err(PostError::Closed)));
    assert!(port2.try_recv().unwrap_err().is_closed());
    assert!(port2.is_empty());
}

/// Closes its port when it is called.
struct Closing(Mutex<Receiver<Vec<u8>>>);

impl Wake for Closing {
    fn wake(self: Arc<Self>) {
        self.0.lock().unwrap().close();
    }
}

/// The own port closes after the first part of a batch was published, and before the second: that
/// one is refused, and so never delivered.
#[test]
fn c4_what_a_batch_was_refused_is_not_delivered() -> Outcome {
    let MessageChannel { port1, mut port2 } = MessageChannel::<Vec<u8>>::with_capacity(256);
    let (mut sender, receiver) = port1.into_split();
    let waker = Waker::from(Arc::new(Closing(Mutex::new(receiver))));
    assert!(port2.poll_recv(&mut Context::from_waker(&waker)).is_pending());
    // What is spilled has its own publication; the one before it wakes, and the waker closes.
    assert_eq!(sender.post_messages(&[vec![1; 10], vec![2; 1000]])?, 1);
    assert_eq!(port2.try_recv()?.len(), 10);
    assert!(port2.try_recv().is_err_and(|error| error.is_closed()));
    Ok(())
}

/// A post that is refused may have left the rest of the lap unused. It lies behind the last
/// message, and must not hide that this was the last.
#[test]
fn c8_the_end_is_found_behind_the_skipped_rest_of_the_ring() -> Outcome {
    let MessageChannel { port1, mut port2 } = MessageChannel::<Vec<u8>>::with_capacity(256);
    let (mut sender, receiver) = port1.into_split();
    let receiver = RefCell::new(receiver);
    // Frames of 64 bytes: the third one ends 64 bytes before the end of the ring.
    let frame = vec![1; 40];
    for _ in 0..2 {
        sender.post_message(&frame)?;
        port2.recv()?;
    }
    // Accepted before its own port closed, published afterwards: delivered.
    let batch = [frame.clone(), frame];
    let closing = batch.iter().enumerate().map(|(n, message)| {
        if n == 1 {
            receiver.borrow_mut().close();
        }
        message
    });
    assert_eq!(sender.post_messages(closing)?, 1);
    // It would go to the next lap.
    assert!(matches!(sender.post_message(&vec![2; 80]), Err(PostError::Closed)));
    assert_eq!(port2.try_recv()?.len(), 40);
    assert!(port2.try_recv().unwrap_err().is_closed());
    Ok(())
}

/// C4 with threads: a close at any point of a stream of batches.
#[test]
fn c4_reports_are_exact_whenever_the_peer_closes() -> Outcome {
    let _watchdog = Watchdog::start();
    for read in (0..60).step_by(if cfg!(miri) { 11 } else { 1 }) {
        let MessageChannel { mut port1, mut port2 } = MessageChannel::<u64>::with_capacity(256);
        let sender = thread::spawn(move || {
            let batch = numbers(7);
            let mut accepted = 0;
            loop {
                match port1.post_messages(&batch) {
                    Ok(posted) => accepted += posted as u64,
                    Err(error) => {
                        assert!(error.is_closed());
                        return (accepted, report(port1));
                    }
                }
            }
        });
        for number in 0..read {
            assert_eq!(*port2.recv()?, number % 7);
        }
        port2.close();
        let (accepted, event) = sender.join().unwrap();
        assert_eq!(accepted, read + event.undelivered_messages());
        assert_eq!(event.undelivered_bytes(), 8 * event.undelivered_messages());
    }
    Ok(())
}
