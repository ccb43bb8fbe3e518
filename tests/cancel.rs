//! Futures that are dropped before they are ready, as `select!` does: nothing is lost, nothing is
//! doubled, no room leaks.

#[path = "common/wakes.rs"]
mod wakes;
#[path = "common/watchdog.rs"]
mod watchdog;

use std::error::Error;
use std::future::{Future, poll_fn, ready};
use std::pin::pin;
use std::sync::Arc;
use std::task::{Poll, Waker};
use std::thread;

use message_port::{MessageChannel, MessagePort, RecvError};

use wakes::{Wakes, poll};
use watchdog::Watchdog;

type Outcome = Result<(), Box<dyn Error>>;

const CANCELLATIONS: u64 = if cfg!(miri) { 60 } else { 100_000 };

/// Posts until there is no room, and says how many messages that were.
fn fill(port: &mut MessagePort<u64>, number: u64) -> u64 {
    let mut posted = 0;
    while port.try_post_message(&(number + posted)).is_ok() {
        posted += 1;
    }
    posted
}

/// Ready at the poll after so many others, as a timer is: it wakes the task itself.
fn countdown(mut polls: u64) -> impl Future<Output = ()> {
    poll_fn(move |cx| {
        if polls == 0 {
            return Poll::Ready(());
        }
        polls -= 1;
        cx.waker().wake_by_ref();
        Poll::Pending
    })
}

fn runtime() -> Result<tokio::runtime::Runtime, std::io::Error> {
    tokio::runtime::Builder::new_current_thread().build()
}

/// Each future is polled once and dropped; most of them find nothing.
#[test]
fn kanal_24_recv_polled_once_and_dropped() -> Outcome {
    let MessageChannel { mut port1, mut port2 } = MessageChannel::<u64>::with_capacity(1024);
    let room = fill(&mut port1, 0);
    while port2.try_recv().is_ok() {}
    let (calls, waker) = Wakes::watched();
    let (mut next, mut expected) = (0, 0);
    for round in 0..CANCELLATIONS {
        if poll(pin!(port2.recv_async()), &waker).is_pending() {
            assert_eq!(expected, next, "a message was there");
        } else {
            // It was ready, and so was its message: taken by the poll, dropped with the result.
            expected += 1;
        }
        if round % 3 == 0 {
            port1.try_post_message(&next)?;
            next += 1;
        }
    }
    while let Ok(number) = port2.try_recv() {
        assert_eq!(*number, expected);
        expected += 1;
    }
    assert_eq!(expected, next);
    assert_eq!(calls.count(), 0, "nobody waited any more when something came");
    drop(waker);
    assert_eq!(Arc::strong_count(&calls), 1);
    assert_eq!(fill(&mut port1, 0), room);
    Ok(())
}

/// A future that was woken and then dropped does not take the message with it.
#[test]
fn kanal_24_recv_dropped_after_it_was_woken() -> Outcome {
    let MessageChannel { mut port1, mut port2 } = MessageChannel::<u64>::with_capacity(64);
    let (calls, waker) = Wakes::watched();
    for number in 0..CANCELLATIONS {
        {
            let mut receiving = pin!(port2.recv_async());
            assert!(poll(receiving.as_mut(), &waker).is_pending());
            port1.try_post_message(&number)?;
        }
        assert_eq!(calls.count() as u64, number + 1);
        let mut receiving = pin!(port2.recv_async());
        let Poll::Ready(Ok(message)) = poll(receiving.as_mut(), &waker) else {
            panic!("message {number} was lost");
        };
        assert_eq!(*message, number);
    }
    Ok(())
}

/// The future of a post that is dropped has posted nothing, whether it was woken or not.
#[test]
fn kanal_24_post_dropped_on_a_full_ring() -> Outcome {
    let MessageChannel { mut port1, mut port2 } = MessageChannel::<u64>::with_capacity(256);
    let room = fill(&mut port1, 0);
    let (calls, waker) = Wakes::watched();
    let mut next = room;
    for round in 0..CANCELLATIONS {
        let oldest = next - room;
        {
            let mut posting = pin!(port1.post_message_async(&u64::MAX));
            assert!(poll(posting.as_mut(), &waker).is_pending());
            if round % 2 == 0 {
                // There is room now, and the task was told, and does not want it any more.
                assert_eq!(*port2.try_recv()?, oldest);
            }
        }
        if round % 2 == 0 {
            assert_eq!(calls.count() as u64, round / 2 + 1);
            assert_eq!(port2.len() as u64, room - 1);
            assert!(matches!(
                poll(pin!(port1.post_message_async(&next)), &waker),
                Poll::Ready(Ok(()))
            ));
            next += 1;
        }
        assert_eq!(port2.len() as u64, room);
    }
    for number in next - room..next {
        assert_eq!(*port2.try_recv()?, number);
    }
    assert!(port2.try_recv().unwrap_err().is_empty());
    assert_eq!(fill(&mut port1, 0), room);
    Ok(())
}

/// The same with messages that wait for a buffer.
#[test]
fn kanal_24_post_dropped_without_a_buffer() -> Outcome {
    let MessageChannel { mut port1, mut port2 } = MessageChannel::<Vec<u64>>::with_capacity(256);
    let message = |number: u64| vec![number; 100];
    let mut next = 0;
    while port1.try_post_message(&message(next)).is_ok() {
        next += 1;
    }
    let room = next;
    for _ in 0..CANCELLATIONS / 50 {
        assert!(
            poll(pin!(port1.post_message_async(&message(u64::MAX))), Waker::noop()).is_pending()
        );
        assert_eq!(port2.try_recv()?[..], message(next - room)[..]);
        assert!(poll(pin!(port1.post_message_async(&message(next))), Waker::noop()).is_ready());
        next += 1;
    }
    assert_eq!(port2.len() as u64, room);
    Ok(())
}

/// `select!` against a future that is always ready: half of the time the receiving future is
/// polled first, and dropped if it found nothing.
#[test]
fn kanal_24_select_recv_against_a_ready_future() -> Outcome {
    let _watchdog = Watchdog::start();
    let MessageChannel { mut port1, mut port2 } = MessageChannel::<u64>::with_capacity(256);
    let sender = thread::spawn(move || {
        (0..CANCELLATIONS / 4).try_for_each(|number| port1.post_message(&number))
    });
    let (mut expected, mut cancelled) = (0, 0u64);
    runtime()?.block_on(async {
        loop {
            tokio::select! {
                received = port2.recv_async() => match received {
                    Ok(number) => assert_eq!(*number, expected, "lost or doubled"),
                    Err(RecvError::Disconnected) => return Ok(()),
                    Err(error) => return Err(error),
                },
                () = ready(()) => {
                    cancelled += 1;
                    if cancelled.is_multiple_of(64) {
                        thread::yield_now();
                    }
                    continue;
                }
            }
            expected += 1;
        }
    })?;
    sender.join().unwrap()?;
    assert_eq!(expected, CANCELLATIONS / 4);
    assert!(cancelled > 0);
    Ok(())
}

/// `select!` against a timer, with the sender on another thread: the future may be dropped at any
/// point of the wake-up.
#[test]
fn kanal_24_select_recv_against_a_timer() -> Outcome {
    let _watchdog = Watchdog::start();
    let MessageChannel { mut port1, mut port2 } = MessageChannel::<u64>::with_capacity(256);
    let sender = thread::spawn(move || {
        let mut number = 0;
        // Until the receiver has had enough.
        while port1.post_message(&number).is_ok() {
            number += 1;
        }
        (number, port1.into_split().0.close_event())
    });
    let (mut expected, mut cancelled) = (0, 0);
    runtime()?.block_on(async {
        while cancelled < CANCELLATIONS {
            tokio::select! {
                biased;
                () = countdown(cancelled % 3) => cancelled += 1,
                received = port2.recv_async() => {
                    assert_eq!(*received?, expected, "lost or doubled");
                    expected += 1;
                }
            }
        }
        Ok::<(), RecvError>(())
    })?;
    port2.close();
    let (accepted, event) = sender.join().unwrap();
    assert_eq!(accepted, expected + event.unwrap().undelivered_messages());
    Ok(())
}

/// A message is posted again until its future was not cancelled; the receiver is on another
/// thread.
#[test]
fn kanal_24_select_post_against_a_timer() -> Outcome {
    let _watchdog = Watchdog::start();
    let MessageChannel { mut port1, mut port2 } = MessageChannel::<u64>::with_capacity(64);
    let receiver = thread::spawn(move || {
        let mut expected = 0;
        while let Ok(number) = port2.recv() {
            assert_eq!(*number, expected, "lost or doubled");
            expected += 1;
        }
        expected
    });
    let (mut posted, mut cancelled) = (0, 0);
    runtime()?.block_on(async {
        while cancelled < CANCELLATIONS {
            tokio::select! {
                biased;
                // Some are over at once: room that never ends does not keep all posts from being
                // cancelled.
                () = countdown((cancelled + posted) % 3) => cancelled += 1,
                outcome = port1.post_message_async(&posted) => {
                    outcome?;
                    posted += 1;
                }
            }
        }
        Ok::<(), message_port::PostError>(())
    })?;
    port1.close();
    assert_eq!(receiver.join().unwrap(), posted);
    Ok(())
}

/// Both halves of a port in one `select!`, each cancelling the other, against an echo.
#[test]
fn kanal_24_select_post_against_recv() -> Outcome {
    const MESSAGES: u64 = CANCELLATIONS / 4;
    let _watchdog = Watchdog::start();
    let MessageChannel { port1, mut port2 } = MessageChannel::<u64>::with_capacity(64);
    let echo = thread::spawn(move || {
        while let Ok(number) = port2.recv().map(|number| number.to_native()) {
            if port2.post_message(&number).is_err() {
                return;
            }
        }
    });
    let (mut sender, mut receiver) = port1.into_split();
    let (mut posted, mut expected) = (0, 0);
    runtime()?.block_on(async {
        while expected < MESSAGES {
            tokio::select! {
                outcome = sender.post_message_async(&posted), if posted < MESSAGES => {
                    outcome?;
                    posted += 1;
                }
                outcome = receiver.recv_async() => {
                    assert_eq!(*outcome?, expected, "lost or doubled");
                    expected += 1;
                }
            }
        }
        Ok::<(), Box<dyn Error>>(())
    })?;
    assert_eq!(posted, MESSAGES);
    sender.close();
    echo.join().unwrap();
    Ok(())
}
