//! E5: both ends waiting for room on each other can never end, and the later one is told.

#[path = "common/asleep.rs"]
mod asleep;
#[path = "common/watchdog.rs"]
mod watchdog;

use std::error::Error;
use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Barrier};
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::Duration;

use message_port::{
    DispatchError, HandlerError, MessageChannel, MessagePort, PostError, PostTimeoutError, Receiver,
};

use asleep::spawn_asleep;
use watchdog::Watchdog;

type Outcome = Result<(), Box<dyn Error>>;
type Port = MessagePort<Vec<u8>>;

/// Far longer than any test takes: a wait that only somebody else can end in time.
const LONG: Duration = Duration::from_secs(3600);

/// Bytes of the ring and of a message: waiting for room in place, for room for the frame of a
/// buffer, and for a buffer. Where messages wait, one that is received makes room for one more.
const KINDS: [(usize, usize); 3] = [(256, 16), (256, 3000), (1024, 3000)];

/// Posts until there is no room for another such message, and says how many that were.
fn fill(port: &mut Port, length: usize) -> usize {
    let mut posted = 0;
    while port.try_post_message(&vec![0; length]).is_ok() {
        posted += 1;
    }
    posted
}

/// Two ports with no room in either direction, and how many messages are on each way.
fn full(capacity: usize, length: usize) -> (Port, Port, usize) {
    let MessageChannel { mut port1, mut port2 } = MessageChannel::with_capacity(capacity);
    let posted = fill(&mut port1, length);
    assert_eq!(fill(&mut port2, length), posted);
    (port1, port2, posted)
}

/// Polls without being woken.
fn poll<F: Future>(future: Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

fn is_refused(polled: &Poll<Result<(), PostError>>) -> bool {
    matches!(polled, Poll::Ready(Err(PostError::WouldDeadlock)))
}

/// Waits until the peer of `port`, which is full, waits for room without end.
fn until_the_peer_is_stuck(port: &mut Port, message: &Vec<u8>) {
    loop {
        match port.post_message_timeout(message, Duration::ZERO) {
            Err(PostTimeoutError::Timeout) => thread::yield_now(),
            Err(PostTimeoutError::WouldDeadlock) => return,
            other => panic!("{other:?}"),
        }
    }
}

/// Receives `count` messages that say `content`.
fn drain(receiver: &mut Receiver<Vec<u8>>, count: usize, content: u8) {
    for _ in 0..count {
        assert_eq!(receiver.try_recv().unwrap().first(), Some(&content));
    }
}

#[test]
fn e5_one_of_two_waiting_ports_is_refused() {
    let _watchdog = Watchdog::start();
    for round in 0..if cfg!(miri) { 9 } else { 450 } {
        let (capacity, length) = KINDS[round % KINDS.len()];
        let (port1, port2, posted) = full(capacity, length);
        let start = Arc::new(Barrier::new(2));
        let threads = [port1, port2].map(|mut port| {
            let start = Arc::clone(&start);
            thread::spawn(move || {
                start.wait();
                let outcome = port.post_message(&vec![1; length]);
                let refused = matches!(outcome, Err(PostError::WouldDeadlock));
                assert!(refused || outcome.is_ok(), "{outcome:?}");
                if refused {
                    // The other one goes on for this.
                    drain(port.split_mut().1, 1, 0);
                }
                (port, refused)
            })
        });
        let [(mut port1, refused1), (mut port2, refused2)] =
            threads.map(|thread| thread.join().unwrap());
        assert_ne!(refused1, refused2, "exactly one is refused, round {round}");

        // The other one posted one more, and nothing of the refused message is seen.
        for (port, refused) in [(&mut port1, refused1), (&mut port2, refused2)] {
            let receiver = port.split_mut().1;
            drain(receiver, posted - usize::from(refused), 0);
            drain(receiver, usize::from(refused), 1);
            assert!(receiver.try_recv().unwrap_err().is_empty());
        }
    }
}

/// Two ports that each post more than both rings hold, and receive when they are refused: nobody
/// waits for ever, nothing is lost.
#[test]
fn e5_who_receives_when_refused_makes_progress() {
    const MESSAGES: usize = if cfg!(miri) { 40 } else { 3000 };
    let _watchdog = Watchdog::start();
    let refusals = AtomicUsize::new(0);
    for capacity in [64, 256] {
        let MessageChannel { port1, port2 } = MessageChannel::<u64>::with_capacity(capacity);
        thread::scope(|scope| {
            for mut port in [port1, port2] {
                let refusals = &refusals;
                scope.spawn(move || {
                    let (mut posted, mut received) = (0, 0);
                    while posted < MESSAGES {
                        match port.post_message(&(posted as u64)) {
                            Ok(()) => posted += 1,
                            Err(PostError::WouldDeadlock) => {
                                refusals.fetch_add(1, Ordering::Relaxed);
                                assert_eq!(*port.try_recv().unwrap(), received as u64);
                                received += 1;
                            }
                            Err(other) => panic!("{other}"),
                        }
                    }
                    while received < MESSAGES {
                        assert_eq!(*port.recv().unwrap(), received as u64);
                        received += 1;
                    }
                });
            }
        });
    }
    assert_ne!(refusals.into_inner(), 0);
}

/// Every way to wait for room is refused at once, and as often as it is tried.
#[test]
fn e5_the_later_one_is_refused_until_it_receives() -> Outcome {
    let _watchdog = Watchdog::start();
    for (capacity, length) in KINDS {
        let (mut port1, mut port2, posted) = full(capacity, length);
        let message = vec![1; length];
        let first = thread::spawn({
            let message = message.clone();
            move || port1.post_message(&message).map(|()| port1)
        });
        until_the_peer_is_stuck(&mut port2, &message);
        let archive = rkyv::to_bytes::<rkyv::rancor::Error>(&message)?;
        for _ in 0..20 {
            assert!(port2.post_message(&message).unwrap_err().is_would_deadlock());
            for timeout in [LONG, Duration::MAX] {
                let error = port2.post_message_timeout(&message, timeout).unwrap_err();
                assert!(error.is_would_deadlock());
            }
            assert!(port2.post_messages([&message, &message]).unwrap_err().is_would_deadlock());
            assert!(port2.post_archived(&archive).unwrap_err().is_would_deadlock());
            assert!(is_refused(&poll(pin!(port2.post_message_async(&message)))));
            assert!(port2.try_post_message(&message).unwrap_err().is_full());
        }
        assert!(!first.is_finished());
        drain(port2.split_mut().1, 1, 0);
        let mut port1 = first.join().unwrap()?;
        drain(port1.split_mut().1, posted, 0);
        assert!(port1.is_empty(), "nothing of what was refused is seen");
        drain(port2.split_mut().1, posted - 1, 0);
        drain(port2.split_mut().1, 1, 1);
    }
    Ok(())
}

/// Each of the calls that wait without end has the peer refused.
#[test]
fn e5_every_endless_wait_counts() {
    let _watchdog = Watchdog::start();
    let waits: [fn(&mut Port) -> bool; 5] = [
        |port| port.post_message(&vec![1; 16]).is_ok(),
        // Two come later than the clock can say.
        |port| port.post_message_timeout(&vec![1; 16], Duration::MAX).is_ok(),
        |port| port.post_messages([&vec![1; 16]]).is_ok(),
        |port| {
            let archive = rkyv::to_bytes::<rkyv::rancor::Error>(&vec![1u8; 16]).unwrap();
            port.post_archived(&archive).is_ok()
        },
        |port| futures_lite::future::block_on(port.post_message_async(&vec![1; 16])).is_ok(),
    ];
    for wait in waits {
        let (mut port1, mut port2, posted) = full(256, 16);
        let first = thread::spawn(move || wait(&mut port1));
        until_the_peer_is_stuck(&mut port2, &vec![1; 16]);
        drain(port2.split_mut().1, 1, 0);
        assert!(first.join().unwrap());
        drain(port2.split_mut().1, posted - 1, 0);
        drain(port2.split_mut().1, 1, 1);
    }
}

/// A batch that has to stop halfway says how far it came.
#[test]
fn e5_a_batch_is_accepted_as_far_as_there_is_room() -> Outcome {
    let _watchdog = Watchdog::start();
    for (capacity, length) in KINDS {
        let MessageChannel { mut port1, mut port2 } = MessageChannel::with_capacity(capacity);
        let room = fill(&mut port1, length);
        let message = vec![1; length];
        let mut first = pin!(port1.post_message_async(&message));
        assert!(poll(first.as_mut()).is_pending());
        let batch = vec![message.clone(); 20];
        assert_eq!(port2.post_messages(&batch)?, room, "the other direction is empty");
        assert!(port2.post_messages(&batch).unwrap_err().is_would_deadlock());
        drain(port2.split_mut().1, 1, 0);
        assert!(matches!(poll(first.as_mut()), Poll::Ready(Ok(()))));
    }
    Ok(())
}

/// Who waits with a timeout goes on by itself, so the other one may wait for it.
#[test]
fn e5_a_wait_with_a_timeout_never_counts() -> Outcome {
    let _watchdog = Watchdog::start();
    for (capacity, length) in KINDS {
        let message = vec![1; length];
        let (mut port1, mut port2, posted) = full(capacity, length);
        let first = spawn_asleep({
            let message = message.clone();
            move || port1.post_message_timeout(&message, LONG).map(|()| port1)
        });
        {
            let mut second = pin!(port2.post_message_async(&message));
            for _ in 0..10 {
                assert!(poll(second.as_mut()).is_pending());
            }
        }
        let timeout = port2.post_message_timeout(&message, Duration::ZERO);
        assert!(timeout.unwrap_err().is_timeout());
        drain(port2.split_mut().1, 1, 0);
        let mut port1 = first.join().unwrap()?;
        drain(port1.split_mut().1, posted, 0);
    }
    Ok(())
}

/// Two threads, one of which waits with a timeout: the other one is never refused.
#[test]
fn e5_a_blocking_post_outlasts_a_wait_with_a_timeout() -> Outcome {
    let _watchdog = Watchdog::start();
    for round in 0..30 {
        let (capacity, length) = KINDS[round % KINDS.len()];
        let message = vec![1; length];
        let (mut port1, mut port2, _) = full(capacity, length);
        let first = spawn_asleep({
            let message = message.clone();
            move || {
                let error =
                    port1.post_message_timeout(&message, Duration::from_millis(5)).unwrap_err();
                // Refused if the other one was waiting already.
                assert!(error.is_timeout() || error.is_would_deadlock());
                drain(port1.split_mut().1, 1, 0);
                port1
            }
        });
        port2.post_message(&message)?;
        drop(first.join().unwrap());
    }
    Ok(())
}

/// Timed out first, refused later: once the other one waits without end.
#[test]
fn e5_an_endless_wait_comes_after_a_timeout() -> Outcome {
    let _watchdog = Watchdog::start();
    for (capacity, length) in KINDS {
        let message = vec![1; length];
        let (mut port1, mut port2, _) = full(capacity, length);
        let timeout = Duration::from_millis(1);
        assert!(port1.post_message_timeout(&message, timeout).unwrap_err().is_timeout());
        let mut second = pin!(port2.post_message_async(&message));
        assert!(poll(second.as_mut()).is_pending());
        assert!(port1.post_message_timeout(&message, LONG).unwrap_err().is_would_deadlock());
        assert!(port1.post_message(&message).unwrap_err().is_would_deadlock());
        port1.recv()?;
        assert!(poll(second.as_mut()).is_ready());
    }
    Ok(())
}

#[test]
fn e5_a_pending_future_counts() {
    let _watchdog = Watchdog::start();
    for (capacity, length) in KINDS {
        let message = vec![1; length];
        let (mut port1, mut port2, posted) = full(capacity, length);
        {
            let mut first = pin!(port1.post_message_async(&message));
            assert!(poll(first.as_mut()).is_pending());
            assert!(port2.post_message(&message).unwrap_err().is_would_deadlock());
            assert!(is_refused(&poll(pin!(port2.post_message_async(&message)))));
            // Being polled again changes nothing.
            assert!(poll(first.as_mut()).is_pending());
            assert!(port2.post_message(&message).unwrap_err().is_would_deadlock());
            drain(port2.split_mut().1, 1, 0);
            assert!(matches!(poll(first.as_mut()), Poll::Ready(Ok(()))));
        }
        // It waits no longer, so the other one may.
        assert!(poll(pin!(port2.post_message_async(&message))).is_pending());
        drain(port1.split_mut().1, posted, 0);
        assert!(port1.is_empty());
    }
}

#[test]
fn e5_a_future_is_refused_while_a_thread_waits() -> Outcome {
    let _watchdog = Watchdog::start();
    for (capacity, length) in KINDS {
        let message = vec![1; length];
        let (mut port1, mut port2, _) = full(capacity, length);
        let first = thread::spawn({
            let message = message.clone();
            move || port1.post_message(&message)
        });
        until_the_peer_is_stuck(&mut port2, &message);
        assert!(is_refused(&poll(pin!(port2.post_message_async(&message)))));
        drain(port2.split_mut().1, 1, 0);
        first.join().unwrap()?;
    }
    Ok(())
}

#[test]
fn e5_a_dropped_future_no_longer_counts() {
    let _watchdog = Watchdog::start();
    for (capacity, length) in KINDS {
        let message = vec![1; length];
        let (mut port1, mut port2, posted) = full(capacity, length);
        for _ in 0..10 {
            {
                let mut first = pin!(port1.post_message_async(&message));
                assert!(poll(first.as_mut()).is_pending());
                assert!(port2.post_message(&message).unwrap_err().is_would_deadlock());
            }
            // Now the other one may wait, and this one may not.
            let mut second = pin!(port2.post_message_async(&message));
            assert!(poll(second.as_mut()).is_pending());
            assert!(port1.post_message(&message).unwrap_err().is_would_deadlock());
        }
        drain(port1.split_mut().1, posted, 0);
        assert!(port1.is_empty());
        drain(port2.split_mut().1, posted, 0);
        assert!(port2.is_empty());
    }
}

/// Whoever polls may receive before polling again.
#[test]
fn e5_polling_by_hand_never_counts_and_is_never_refused() {
    let _watchdog = Watchdog::start();
    for (capacity, length) in KINDS {
        let message = vec![1; length];
        let (mut port1, mut port2, posted) = full(capacity, length);
        let mut cx = Context::from_waker(Waker::noop());
        for _ in 0..10 {
            assert!(port1.poll_post_message(&mut cx, &message).is_pending());
            assert!(port2.poll_post_message(&mut cx, &message).is_pending());
            assert!(port1.split_mut().0.poll_post_message(&mut cx, &message).is_pending());
            let mut second = pin!(port2.post_message_async(&message));
            assert!(poll(second.as_mut()).is_pending());
            // Also not while the other one cannot go on by itself.
            assert!(port1.poll_post_message(&mut cx, &message).is_pending());
        }
        let mut second = pin!(port2.post_message_async(&message));
        assert!(poll(second.as_mut()).is_pending());
        drain(port1.split_mut().1, 1, 0);
        assert!(matches!(poll(second.as_mut()), Poll::Ready(Ok(()))));
        drain(port1.split_mut().1, posted - 1, 0);
    }
}

/// In its message handler a port cannot receive: the handler is told, and its message is the room
/// that the other one waits for.
#[test]
fn e5_a_handler_is_refused() {
    let _watchdog = Watchdog::start();
    for (capacity, length) in KINDS {
        let message = vec![1; length];
        let (mut port1, mut port2, posted) = full(capacity, length);
        port2.set_onmessage(move |event| event.target().post_message(&vec![2; length]));
        // Its halves were apart once; in a dispatch they are not.
        let _ = port2.split_mut();
        let mut first = pin!(port1.post_message_async(&message));
        assert!(poll(first.as_mut()).is_pending());
        let Err(DispatchError::Message(HandlerError::Returned(error))) = port2.dispatch() else {
            panic!("the reply is refused");
        };
        assert!(error.downcast_ref::<PostError>().is_some_and(PostError::is_would_deadlock));
        assert_eq!(port2.len(), posted - 1);
        assert!(matches!(poll(first.as_mut()), Poll::Ready(Ok(()))));
    }
}

/// Both ports answer every request in their message handlers, with no room to begin with.
#[test]
fn e5_both_ports_reply_in_their_handlers() {
    const REPLY: u8 = 2;
    let _watchdog = Watchdog::start();
    for round in 0..if cfg!(miri) { 3 } else { 60 } {
        let (capacity, length) = KINDS[round % KINDS.len()];
        let (port1, port2, posted) = full(capacity, length);
        let answered = Arc::new(AtomicUsize::new(0));
        let sides = [port1, port2].map(|mut port| {
            let [refused, replies] = [(); 2].map(|()| Arc::new(AtomicUsize::new(0)));
            let (all_answered, got) = (Arc::clone(&answered), Arc::clone(&replies));
            port.set_onmessage(move |event| {
                if event.data().first() == Some(&REPLY) {
                    got.fetch_add(1, Ordering::SeqCst);
                    return Ok(());
                }
                let outcome = event.target().post_message(&vec![REPLY; length]);
                all_answered.fetch_add(1, Ordering::SeqCst);
                outcome
            });
            let counted = Arc::clone(&refused);
            port.set_onmessageerror(move |event| {
                let HandlerError::Returned(error) = event.error() else {
                    panic!("{:?}", event.error());
                };
                assert!(error.downcast_ref::<PostError>().unwrap().is_would_deadlock());
                counted.fetch_add(1, Ordering::SeqCst);
            });
            let answered = Arc::clone(&answered);
            let thread = thread::spawn(move || {
                while answered.load(Ordering::SeqCst) < 2 * posted {
                    port.dispatch().unwrap();
                    thread::yield_now();
                }
                port
            });
            (thread, refused, replies)
        });
        let [(mut port1, refused1, replies1), (mut port2, refused2, replies2)] =
            sides.map(|(thread, refused, replies)| (thread.join().unwrap(), refused, replies));
        for port in [&mut port1, &mut port2] {
            port.dispatch().unwrap();
            assert!(port.is_empty());
        }
        let [refused1, refused2, replies1, replies2] =
            [refused1, refused2, replies1, replies2].map(|count| count.load(Ordering::SeqCst));
        // Each request was answered or its handler was told.
        assert_eq!((refused1 + replies2, refused2 + replies1), (posted, posted), "round {round}");
        assert_ne!(refused1 + refused2, 0, "the first two replies cannot both wait");
    }
}

/// The end ends every wait; it is no deadlock.
#[test]
fn e5_the_end_comes_first() {
    let _watchdog = Watchdog::start();
    for (capacity, length) in KINDS {
        let message = vec![1; length];
        for closes in [true, false] {
            let (mut port1, mut port2, _) = full(capacity, length);
            let first = thread::spawn({
                let message = message.clone();
                move || port1.post_message(&message).unwrap_err()
            });
            until_the_peer_is_stuck(&mut port2, &message);
            if closes {
                port2.close();
                assert!(port2.post_message(&message).unwrap_err().is_closed());
            }
            drop(port2);
            let error = first.join().unwrap();
            assert_eq!((error.is_closed(), error.is_disconnected()), (closes, !closes));
        }
    }
}
