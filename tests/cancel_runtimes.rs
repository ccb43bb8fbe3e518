//! Futures that are dropped before they are ready, in tasks of other runtimes and without one,
//! while a thread is at the other end: nothing is lost, nothing is doubled.

#[path = "common/runtimes.rs"]
mod runtimes;
#[path = "common/watchdog.rs"]
mod watchdog;

use std::thread;

use futures_lite::future::block_on;
use message_port::{BoxError, MessageChannel};

use runtimes::{cancelled_after, smol, tokio};
use watchdog::Watchdog;

type Outcome = Result<(), BoxError>;

/// In each of the three ways to run a task.
const CANCELLATIONS: u64 = if cfg!(miri) { 60 } else { 35_000 };

/// Receives until so many futures were dropped. What the peer's posts had accepted was received or
/// reported.
async fn receive_now_and_then() -> Outcome {
    let MessageChannel { mut port1, mut port2 } = MessageChannel::<u64>::with_capacity(256);
    let sender = thread::spawn(move || {
        let mut accepted = 0;
        // Until the receiver has had enough.
        while port1.post_message(&accepted).is_ok() {
            accepted += 1;
        }
        (accepted, port1.into_split().0.close_event())
    });
    let (mut expected, mut cancelled) = (0, 0);
    for turn in 0.. {
        if cancelled == CANCELLATIONS {
            break;
        }
        match cancelled_after(turn % 3, port2.recv_async()).await {
            Some(number) => {
                assert_eq!(*number?, expected, "lost or doubled");
                expected += 1;
            }
            None => cancelled += 1,
        }
    }
    port2.close();
    let (accepted, event) = sender.join().unwrap();
    assert_eq!(accepted, expected + event.unwrap().undelivered_messages());
    Ok(())
}

/// Posts each message until its future was not dropped, and until so many were. The peer receives
/// what was accepted.
async fn post_now_and_then() -> Outcome {
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
    for turn in 0.. {
        if cancelled == CANCELLATIONS {
            break;
        }
        match cancelled_after(turn % 3, port1.post_message_async(&posted)).await {
            Some(outcome) => {
                outcome?;
                posted += 1;
            }
            None => cancelled += 1,
        }
    }
    port1.close();
    assert_eq!(receiver.join().unwrap(), posted);
    Ok(())
}

#[test]
fn kanal_24_recv_on_tokio() -> Outcome {
    let _watchdog = Watchdog::start();
    tokio::run(receive_now_and_then())
}

#[test]
fn kanal_24_recv_on_smol() -> Outcome {
    let _watchdog = Watchdog::start();
    smol::run(receive_now_and_then())
}

#[test]
fn kanal_24_recv_without_a_runtime() -> Outcome {
    let _watchdog = Watchdog::start();
    block_on(receive_now_and_then())
}

#[test]
fn kanal_24_post_on_tokio() -> Outcome {
    let _watchdog = Watchdog::start();
    tokio::run(post_now_and_then())
}

#[test]
fn kanal_24_post_on_smol() -> Outcome {
    let _watchdog = Watchdog::start();
    smol::run(post_now_and_then())
}

#[test]
fn kanal_24_post_without_a_runtime() -> Outcome {
    let _watchdog = Watchdog::start();
    block_on(post_now_and_then())
}
