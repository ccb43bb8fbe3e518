//! Many messages with one release: receiving them.

#[path = "common/asleep.rs"]
mod asleep;
mod common;
#[path = "common/wakes.rs"]
mod wakes;
#[path = "common/watchdog.rs"]
mod watchdog;

use std::cell::RefCell;
use std::error::Error;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::thread;

use message_port::{Message, MessageChannel, MessagePort, TryRecvError};

use asleep::spawn_asleep;
use common::hostile::Hostile;
use wakes::{Wakes, poll};
use watchdog::Watchdog;

type Outcome = Result<(), Box<dyn Error>>;

/// Receives one batch.
fn batch(port: &mut MessagePort<u64>, limit: usize) -> Result<Vec<u64>, TryRecvError> {
    let mut numbers = Vec::new();
    let received = port.recv_batch(limit, |number| numbers.push(number.to_native()))?;
    assert_eq!(received, numbers.len());
    Ok(numbers)
}

/// Posts until there is no room, and says how many messages that were.
fn fill<T: Message>(port: &mut MessagePort<T>, message: &T) -> usize {
    let mut posted = 0;
    while port.try_post_message(message).is_ok() {
        posted += 1;
    }
    posted
}

#[test]
fn a_batch_has_at_most_so_many_messages() -> Outcome {
    let MessageChannel { mut port1, mut port2 } = MessageChannel::<u64>::new();
    port1.post_messages(&[0, 1, 2, 3, 4])?;
    assert_eq!(batch(&mut port2, 1)?, [0]);
    assert_eq!(batch(&mut port2, 3)?, [1, 2, 3]);
    assert_eq!(batch(&mut port2, usize::MAX)?, [4]);
    assert!(batch(&mut port2, 3).unwrap_err().is_empty());
    Ok(())
}

/// A batch of texts was as long as the queue, whatever its limit.
#[test]
fn regression_a_batch_of_frames_has_at_most_so_many_messages() -> Outcome {
    let MessageChannel { mut port1, mut port2 } = MessageChannel::<String>::new();
    port1.post_messages(&["0", "1", "2", "3", "4"].map(str::to_owned))?;
    for (limit, due) in [(1, &["0"][..]), (3, &["1", "2", "3"]), (usize::MAX, &["4"])] {
        let mut texts = Vec::new();
        let received = port2.recv_batch(limit, |text| texts.push(text.as_str().to_owned()))?;
        assert_eq!(
            (received, texts.as_slice()),
            (due.len(), &due.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>()[..])
        );
    }
    assert!(port2.recv_batch(3, |_| ()).unwrap_err().is_empty());
    Ok(())
}

#[test]
fn a_batch_of_nothing_does_not_fail() -> Outcome {
    let MessageChannel { mut port1, mut port2 } = MessageChannel::<u64>::new();
    assert!(batch(&mut port2, 0)?.is_empty());
    port1.post_message(&7)?;
    assert!(batch(&mut port2, 0)?.is_empty());
    assert_eq!(port2.len(), 1);
    port2.close();
    assert!(batch(&mut port2, 0)?.is_empty());
    Ok(())
}

#[test]
fn c8_a_batch_drains_before_the_end() -> Outcome {
    for closes in [true, false] {
        let MessageChannel { mut port1, mut port2 } = MessageChannel::<u64>::new();
        port1.post_messages(&[0, 1, 2])?;
        if closes {
            port1.close();
        } else {
            drop(port1);
        }
        assert_eq!(batch(&mut port2, 2)?, [0, 1]);
        assert_eq!(batch(&mut port2, 2)?, [2]);
        let error = batch(&mut port2, 2).unwrap_err();
        assert_eq!((error.is_closed(), error.is_disconnected()), (closes, !closes));
    }
    Ok(())
}

/// Also in one piece, as while the channel is open.
#[test]
fn c8_what_is_left_at_the_end_is_one_batch() -> Outcome {
    for closes in [true, false] {
        let MessageChannel { mut port1, mut port2 } = MessageChannel::<u64>::new();
        port1.post_messages(&[0, 1, 2])?;
        if closes {
            port1.close();
        } else {
            drop(port1);
        }
        assert_eq!(batch(&mut port2, 10)?, [0, 1, 2]);
    }
    Ok(())
}

/// C3: nothing is delivered at a port that has closed, the rest of a batch included.
#[test]
fn c3_a_close_ends_the_batch_that_runs() -> Outcome {
    let MessageChannel { mut port1, port2 } = MessageChannel::<u64>::new();
    port1.post_messages(&[0, 1, 2, 3])?;
    let (sender, mut receiver) = port2.into_split();
    let sender = RefCell::new(sender);
    let mut numbers = Vec::new();
    let count = receiver.recv_batch(10, |number| {
        numbers.push(number.to_native());
        if *number == 1 {
            sender.borrow_mut().close();
        }
    })?;
    assert_eq!((count, numbers), (2, vec![0, 1]));
    assert!(receiver.recv_batch(10, |_| ()).unwrap_err().is_closed());
    let event = port1.into_split().0.close_event().unwrap();
    assert_eq!((event.undelivered_messages(), event.undelivered_bytes()), (2, 16));
    Ok(())
}

#[test]
fn an_invalid_message_is_reported_in_its_turn() -> Outcome {
    let MessageChannel { mut port1, mut port2 } = MessageChannel::<Hostile>::new();
    let (good, bad) = (Hostile::honest(b"good"), Hostile::lying(b"bad"));
    port1.post_messages([&bad, &good, &good, &bad, &bad, &good])?;
    let mut outcomes = Vec::new();
    for _ in 0..6 {
        outcomes.push(port2.recv_batch(10, |message| assert_eq!(**message, *b"good")));
    }
    let [invalid1, two, invalid2, invalid3, one, end] = &outcomes[..] else { unreachable!() };
    for invalid in [invalid1, invalid2, invalid3] {
        assert!(matches!(invalid, Err(TryRecvError::InvalidArchive(_))));
    }
    assert!(matches!((two, one, end), (Ok(2), Ok(1), Err(TryRecvError::Empty))));
    Ok(())
}

#[test]
fn a_function_that_panics_has_received_its_message() -> Outcome {
    for fails_at in [0, 2] {
        let MessageChannel { mut port1, mut port2 } = MessageChannel::<u64>::with_capacity(128);
        let room = fill(&mut port1, &7);
        batch(&mut port2, room)?;
        port1.post_messages(&[0, 1, 2, 3, 4])?;
        let received = catch_unwind(AssertUnwindSafe(|| {
            port2.recv_batch(5, |number| assert_ne!(*number, fails_at))
        }));
        assert!(received.is_err());
        let rest: Vec<_> = (fails_at + 1..5).collect();
        assert_eq!(batch(&mut port2, 5)?, rest);
        assert_eq!(fill(&mut port1, &7), room, "all bytes were given back");
    }
    Ok(())
}

/// A spilled message may lie anywhere in what is received, each buffer is given back.
#[test]
fn spilled_messages_are_received_too() -> Outcome {
    let MessageChannel { mut port1, mut port2 } = MessageChannel::<Vec<u8>>::with_capacity(1024);
    let lengths = [10, 20, 3000, 4000, 30, 5000, 0, 40];
    let messages: Vec<_> = (0u8..).zip(lengths).map(|(n, length)| vec![n; length]).collect();
    for _ in 0..20 {
        port1.post_messages(&messages)?;
        let mut received = Vec::new();
        while received.len() < messages.len() {
            let before = received.len();
            let count = port2.recv_batch(100, |message| received.push(message.to_vec()))?;
            assert_eq!(received.len() - before, count);
        }
        assert_eq!(received, messages);
        assert!(port2.recv_batch(100, |_| ()).unwrap_err().is_empty());
    }
    Ok(())
}

/// What is not spilled comes in one batch, wherever it lies in the ring.
#[test]
fn the_end_of_the_ring_does_not_end_a_batch() -> Outcome {
    let MessageChannel { mut port1, mut port2 } = MessageChannel::<Vec<u8>>::with_capacity(512);
    for round in 0..if cfg!(miri) { 20 } else { 100 } {
        let messages: Vec<_> = (0..4).map(|n| vec![n; 20 + round % 60]).collect();
        port1.post_messages(&messages)?;
        let mut received = Vec::new();
        assert_eq!(port2.recv_batch(4, |message| received.push(message.to_vec()))?, 4, "{round}");
        assert_eq!(received, messages);
    }
    Ok(())
}

#[test]
fn the_sender_has_room_after_a_batch() -> Outcome {
    let MessageChannel { mut port1, mut port2 } = MessageChannel::<u64>::with_capacity(1024);
    let room = fill(&mut port1, &7);
    for limit in [1, 2, 10, room] {
        assert_eq!(batch(&mut port2, limit)?.len(), limit);
        assert_eq!(fill(&mut port1, &7), limit);
    }
    Ok(())
}

/// M4: a batch of less than a quarter of the ring gives its bytes back in two steps at most: the
/// first message, and the rest.
#[test]
fn m4_a_short_batch_wakes_the_sender_once() -> Outcome {
    let MessageChannel { mut port1, mut port2 } = MessageChannel::<u64>::with_capacity(4096);
    fill(&mut port1, &7);
    let (calls, waker) = Wakes::watched();
    let mut posting = pin!(port1.post_message_async(&8));
    assert!(poll(posting.as_mut(), &waker).is_pending());
    assert_eq!(batch(&mut port2, 50)?.len(), 50);
    assert_eq!(calls.count(), 1);
    assert!(poll(posting.as_mut(), &waker).is_ready());
    Ok(())
}

/// A batch of the whole ring gives bytes back on its way, so that the sender can go on while the
/// receiver is still at it.
#[test]
fn a_long_batch_lets_the_sender_go_on() -> Outcome {
    let _watchdog = Watchdog::start();
    let MessageChannel { mut port1, mut port2 } = MessageChannel::<u64>::with_capacity(1024);
    let waiting = fill(&mut port1, &7);
    // More room than the first message gives.
    let more = u64::try_from(waiting / 4)?;
    let sender = spawn_asleep(move || {
        let batch: Vec<_> = (100..100 + more).collect();
        port1.post_messages(&batch)
    });
    assert!(!sender.is_finished());
    let mut received = 0;
    let count = port2.recv_batch(waiting, |_| {
        received += 1;
        if received == waiting {
            // It must not depend on the end of this batch.
            while !sender.is_finished() {
                thread::yield_now();
            }
        }
    })?;
    assert_eq!(count, waiting);
    assert_eq!(u64::try_from(sender.join().unwrap()?)?, more);
    assert!(batch(&mut port2, waiting)?.into_iter().eq(100..100 + more));
    Ok(())
}

/// Batches against batches, with a ring that is full or empty most of the time.
#[test]
fn batches_on_both_sides_keep_the_order() -> Outcome {
    const MESSAGES: u64 = if cfg!(miri) { 200 } else { 20_000 };
    let _watchdog = Watchdog::start();
    let MessageChannel { mut port1, mut port2 } = MessageChannel::<u64>::with_capacity(512);
    let sender = thread::spawn(move || {
        let mut next = 0;
        while next < MESSAGES {
            let batch: Vec<_> = (next..(next + next % 50 + 1).min(MESSAGES)).collect();
            next += port1.post_messages(&batch).unwrap() as u64;
        }
        port1.close();
    });
    let mut next = 0;
    while let Ok(number) = port2.recv().map(|number| number.to_native()) {
        assert_eq!(number, next);
        next += 1;
        match port2.recv_batch(usize::try_from(next % 40)?, |number| {
            assert_eq!(*number, next);
            next += 1;
        }) {
            Ok(_) | Err(TryRecvError::Empty | TryRecvError::Closed) => {}
            Err(error) => return Err(error.into()),
        }
    }
    assert_eq!(next, MESSAGES);
    sender.join().unwrap();
    Ok(())
}

/// A batch is what is there when it begins, whatever its function posts.
#[test]
fn m5_a_batch_ends_although_its_function_posts_back() -> Outcome {
    let _watchdog = Watchdog::start();
    let MessageChannel { mut port1, mut port2 } = MessageChannel::<u64>::new();
    for there in [1, 5] {
        for number in 0..there {
            port1.post_message(&number)?;
        }
        // The function is the sender, so to say.
        let received = port2.recv_batch(1_000_000, |number| {
            port1.post_message(&(number.to_native() + 100)).unwrap();
        })?;
        assert_eq!(received as u64, there);
        assert!(batch(&mut port2, 1_000_000)?.into_iter().eq(100..100 + there));
    }
    Ok(())
}

/// Nor does a sender on another thread keep it going.
#[test]
fn m5_a_batch_ends_although_the_sender_goes_on() {
    let _watchdog = Watchdog::start();
    let MessageChannel { mut port1, mut port2 } = MessageChannel::<u64>::with_capacity(1024);
    let sender = thread::spawn(move || while port1.post_message(&7).is_ok() {});
    for _ in 0..if cfg!(miri) { 5 } else { 100 } {
        let there = port2.len();
        let mut received = 0;
        let outcome = port2.recv_batch(usize::MAX, |_| {
            received += 1;
            // A batch that goes on for as long as there is something would not end: there is.
            assert!(received <= 112, "more than the ring holds");
            thread::yield_now();
        });
        match outcome {
            Ok(count) => assert!(count >= there.min(1)),
            Err(error) => assert!(error.is_empty()),
        }
    }
    port2.close();
    sender.join().unwrap();
}

/// A forgotten guard's bytes come back with the batch.
#[test]
fn a_forgotten_guard_does_not_stop_batches() -> Outcome {
    let MessageChannel { mut port1, mut port2 } = MessageChannel::<u64>::with_capacity(256);
    let room = fill(&mut port1, &7);
    std::mem::forget(port2.recv()?);
    assert_eq!(batch(&mut port2, room)?.len(), room - 1);
    assert_eq!(fill(&mut port1, &7), room);
    Ok(())
}
