//! E5: where a half on another thread can still drain, waiting is no deadlock.

#[path = "common/watchdog.rs"]
mod watchdog;

use std::error::Error;
use std::future::Future;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::Duration;

use message_port::{MessageChannel, MessagePort, Receiver, Sender};

use watchdog::Watchdog;

type Outcome = Result<(), Box<dyn Error>>;
type Port = MessagePort<Vec<u8>>;

/// Bytes of the ring and of a message: waiting for room in place, and for a buffer.
const KINDS: [(usize, usize); 2] = [(256, 16), (1024, 3000)];

/// Two ports with no room in either direction.
fn full(capacity: usize, length: usize) -> (Port, Port) {
    let MessageChannel { mut port1, mut port2 } = MessageChannel::with_capacity(capacity);
    for port in [&mut port1, &mut port2] {
        while port.try_post_message(&vec![0; length]).is_ok() {}
    }
    (port1, port2)
}

/// Polls without being woken.
fn poll<F: Future>(future: Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

/// The sending half of a split port may wait while the other port waits, whichever came first.
#[test]
fn e5_a_split_port_is_not_refused_and_does_not_count() -> Outcome {
    let _watchdog = Watchdog::start();
    for (capacity, length) in KINDS {
        let message = vec![1; length];
        for split_first in [true, false] {
            let (port1, mut port2) = full(capacity, length);
            let (mut sender, mut receiver) = port1.into_split();
            let mut halves = pin!(sender.post_message_async(&message));
            let mut whole = pin!(port2.post_message_async(&message));
            if split_first {
                assert!(poll(halves.as_mut()).is_pending());
            }
            assert!(poll(whole.as_mut()).is_pending());
            assert!(poll(halves.as_mut()).is_pending());
            receiver.recv()?;
            assert!(matches!(poll(whole.as_mut()), Poll::Ready(Ok(()))));
        }
    }
    Ok(())
}

/// So may a half that was only borrowed; the whole port counts again afterwards.
#[test]
fn e5_a_borrowed_half_is_not_refused_and_does_not_count() -> Outcome {
    let _watchdog = Watchdog::start();
    for (capacity, length) in KINDS {
        let message = vec![1; length];
        let (mut port1, mut port2) = full(capacity, length);
        for _ in 0..3 {
            {
                let (sender, _receiver) = port1.split_mut();
                let mut half = pin!(sender.post_message_async(&message));
                assert!(poll(half.as_mut()).is_pending());
                let mut whole = pin!(port2.post_message_async(&message));
                assert!(poll(whole.as_mut()).is_pending());
                assert!(poll(half.as_mut()).is_pending());
            }
            let mut first = pin!(port1.post_message_async(&message));
            assert!(poll(first.as_mut()).is_pending());
            assert!(port2.post_message(&message).unwrap_err().is_would_deadlock());
        }
        // Neither is a half refused after its port ran handlers as a whole.
        port1.set_onmessage(|_| {});
        port1.clear_onmessage();
        assert_eq!(port1.dispatch()?, 0);
        let mut whole = pin!(port2.post_message_async(&message));
        assert!(poll(whole.as_mut()).is_pending());
        let (sender, receiver) = port1.split_mut();
        let mut half = pin!(sender.post_message_async(&message));
        assert!(poll(half.as_mut()).is_pending());
        receiver.recv()?;
        assert!(matches!(poll(whole.as_mut()), Poll::Ready(Ok(()))));
    }
    Ok(())
}

/// Posts and drains at the same time, on two threads.
fn both_ways(sender: &mut Sender<u64>, receiver: &mut Receiver<u64>, messages: u64) {
    thread::scope(|scope| {
        scope.spawn(|| {
            for number in 0..messages {
                sender.post_message(&number).unwrap();
            }
        });
        for number in 0..messages {
            assert_eq!(*receiver.recv().unwrap(), number);
        }
    });
}

/// A whole port posts everything before it receives anything; only the halves of the other one
/// keep that going, and no post is refused.
#[test]
fn e5_halves_on_two_threads_keep_a_whole_port_going() {
    const MESSAGES: u64 = if cfg!(miri) { 20 } else { 500 };
    let _watchdog = Watchdog::start();
    for round in 0..if cfg!(miri) { 6 } else { 60 } {
        let capacity = [64, 256][round % 2];
        let MessageChannel { mut port1, mut port2 } =
            MessageChannel::<u64>::with_capacity(capacity);
        let split = thread::spawn(move || {
            if round % 3 == 0 {
                let (sender, receiver) = port1.split_mut();
                both_ways(sender, receiver, MESSAGES);
            } else {
                let (mut sender, mut receiver) = port1.into_split();
                both_ways(&mut sender, &mut receiver, MESSAGES);
            }
        });
        for number in 0..MESSAGES {
            // With a timeout or without: it is refused neither way.
            if number % 2 == 0 {
                port2.post_message(&number).unwrap();
            } else {
                port2.post_message_timeout(&number, Duration::from_secs(3600)).unwrap();
            }
        }
        for number in 0..MESSAGES {
            assert_eq!(*port2.recv().unwrap(), number);
        }
        split.join().unwrap();
    }
}

/// Two split ports post on two threads and drain on two others.
#[test]
fn e5_four_halves_on_four_threads_are_never_refused() {
    let (rounds, messages) = if cfg!(miri) { (2, 20) } else { (20, 500) };
    let _watchdog = Watchdog::start();
    for _ in 0..rounds {
        let MessageChannel { port1, port2 } = MessageChannel::<u64>::with_capacity(64);
        let threads = [port1, port2].map(|port| {
            let (mut sender, mut receiver) = port.into_split();
            thread::spawn(move || both_ways(&mut sender, &mut receiver, messages))
        });
        for thread in threads {
            thread.join().unwrap();
        }
    }
}
