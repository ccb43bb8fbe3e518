//! Bugs that comparable crates had, under the names of theirs.

#[path = "common/hooked.rs"]
mod hooked;
#[path = "common/watchdog.rs"]
mod watchdog;

use std::error::Error;
use std::sync::{Arc, Barrier, Mutex, mpsc};
use std::thread;
use std::time::Duration;

use message_port::{MessageChannel, TryPostError, TryRecvError};

use hooked::Hooked;
use watchdog::Watchdog;

type Outcome = Result<(), Box<dyn Error>>;

/// Races of each kind.
const ROUNDS: u64 = if cfg!(miri) { 10 } else { 2000 };
/// In place, and in a buffer.
const LENGTHS: [usize; 2] = [40, if cfg!(miri) { 700 } else { 3000 }];

/// A receiver was told that its sender is gone while a message was still queued.
#[test]
fn flume_120_message_before_disconnect() {
    let _watchdog = Watchdog::start();
    for round in 0..ROUNDS {
        let MessageChannel { mut port1, mut port2 } = MessageChannel::<u64>::with_capacity(64);
        let start = Arc::new(Barrier::new(2));
        let ready = Arc::clone(&start);
        let sender = thread::spawn(move || {
            ready.wait();
            port1.post_message(&round).unwrap();
            if round % 2 == 0 {
                port1.close();
            }
        });
        start.wait();
        let mut received = 0;
        loop {
            match port2.try_recv() {
                Ok(number) => {
                    assert_eq!(*number, round);
                    received += 1;
                }
                Err(TryRecvError::Empty) => thread::yield_now(),
                Err(TryRecvError::Closed | TryRecvError::Disconnected) => break,
                Err(other) => panic!("{other}"),
            }
        }
        assert_eq!(received, 1, "round {round}");
        sender.join().unwrap();
    }
}

/// A send that raced with the receiver's close returned `Ok`, and the message was never seen.
#[test]
fn futures_909_ok_yet_never_delivered() {
    let _watchdog = Watchdog::start();
    for round in 0..ROUNDS {
        let MessageChannel { mut port1, mut port2 } = MessageChannel::<u64>::with_capacity(256);
        let start = Arc::new(Barrier::new(2));
        let ready = Arc::clone(&start);
        let sender = thread::spawn(move || {
            ready.wait();
            let mut accepted = 0;
            loop {
                match port1.try_post_message(&accepted) {
                    Ok(()) => accepted += 1,
                    Err(TryPostError::Full) => thread::yield_now(),
                    Err(TryPostError::Closed) => break,
                    Err(other) => panic!("{other}"),
                }
            }
            (accepted, port1.split_mut().0.close_event().unwrap())
        });
        start.wait();
        let mut read = 0;
        while read < round % 30 {
            if let Ok(number) = port2.try_recv() {
                assert_eq!(*number, read);
                read += 1;
            } else {
                thread::yield_now();
            }
        }
        port2.close();
        let (accepted, event) = sender.join().unwrap();
        assert_eq!(accepted, read + event.undelivered_messages(), "round {round}");
    }
}

/// A receiver that held a slot while the channel ended hung or corrupted the heap.
#[test]
fn thingbuf_100_slot_held_across_the_end() {
    let _watchdog = Watchdog::start();
    for round in 0..if cfg!(miri) { 10 } else { 200 } {
        let length = LENGTHS[usize::from(round % 2)];
        let MessageChannel { mut port1, port2 } = MessageChannel::<Vec<u8>>::with_capacity(1024);
        let (mut sender2, mut receiver2) = port2.into_split();
        let (holding, held) = mpsc::channel();
        let sender = thread::spawn(move || {
            port1.post_message(&vec![round; length]).unwrap();
            held.recv().unwrap();
            while port1.try_post_message(&vec![!round; length]).is_ok() {}
            if round % 3 == 0 {
                port1.close();
            }
        });
        let guard = receiver2.recv().unwrap();
        holding.send(()).unwrap();
        if round % 5 == 0 {
            sender2.close();
        }
        drop(sender2);
        sender.join().unwrap();
        assert_eq!(**guard, *vec![round; length]);
        drop(guard);
        while let Ok(message) = receiver2.recv() {
            assert_eq!(**message, *vec![!round; length]);
        }
    }
}

/// The two ends went at the same moment, one sending and one receiving, and one of them used what
/// the other had freed.
#[test]
fn oneshot_87_both_ends_go_at_once() {
    let _watchdog = Watchdog::start();
    for round in 0..if cfg!(miri) { 10 } else { 2000 } {
        let length = LENGTHS[round % 2];
        let MessageChannel { mut port1, mut port2 } = MessageChannel::<Vec<u8>>::with_capacity(256);
        let start = Arc::new(Barrier::new(2));
        let ready = Arc::clone(&start);
        let sender = thread::spawn(move || {
            ready.wait();
            port1.post_message(&vec![1; length]).is_ok()
        });
        start.wait();
        let received = match port2.try_recv() {
            Ok(message) => {
                assert_eq!(**message, *vec![1; length]);
                true
            }
            Err(error) => {
                assert!(error.is_empty() || error.is_disconnected());
                false
            }
        };
        drop(port2);
        let accepted = sender.join().unwrap();
        assert!(accepted || !received);
    }
}

/// `try_recv` waited for a sender that had been interrupted in the middle of its send.
#[test]
fn crossbeam_997_try_recv_does_not_wait_for_an_interrupted_sender() {
    const MESSAGES: u64 = if cfg!(miri) { 10 } else { 100 };
    let _watchdog = Watchdog::start();
    let MessageChannel { mut port1, mut port2 } = MessageChannel::<Hooked, u64>::new();
    let (writing, begun) = mpsc::channel();
    let (go_on, interrupted) = mpsc::channel::<()>();
    let interrupted = Mutex::new(interrupted);
    let sender = thread::spawn(move || {
        let message = Hooked(Box::new(move || {
            writing.send(()).unwrap();
            interrupted.lock().unwrap().recv().unwrap();
        }));
        port1.post_message(&message).unwrap();
        port1
    });
    begun.recv().unwrap();
    // The other thread stays where it is until it is told to go on.
    for n in 0..MESSAGES {
        assert!(port2.try_recv().unwrap_err().is_empty());
        assert!(port2.recv_timeout(Duration::ZERO).unwrap_err().is_timeout());
        assert!(port2.is_empty());
        port2.try_post_message(&n).unwrap();
        assert_eq!(port2.dispatch().unwrap(), 0);
    }
    go_on.send(()).unwrap();
    let mut port1 = sender.join().unwrap();
    assert_eq!(*port2.try_recv().unwrap(), 7);
    for n in 0..MESSAGES {
        assert_eq!(*port1.try_recv().unwrap(), n);
    }
}

/// With a deadline in the past a message that was there was not received.
#[test]
fn crossbeam_975_past_deadline_returns_a_ready_message() -> Outcome {
    for length in LENGTHS {
        let MessageChannel { mut port1, mut port2 } =
            MessageChannel::<Vec<u8>>::with_capacity(1024);
        for n in 0..if cfg!(miri) { 5 } else { 100 } {
            // There is room, so this is not too late either.
            port1.post_message_timeout(&vec![n; length], Duration::ZERO)?;
            assert_eq!(**port2.recv_timeout(Duration::ZERO)?, *vec![n; length]);
            assert!(port2.recv_timeout(Duration::ZERO).unwrap_err().is_timeout());
        }
    }
    Ok(())
}
