//! Calls with a deadline: what is there in spite of it, what comes in time, what does not.

#[path = "common/asleep.rs"]
mod asleep;
#[path = "common/watchdog.rs"]
mod watchdog;

use std::error::Error;
use std::time::{Duration, Instant};

use message_port::{MessageChannel, MessagePort};

use asleep::spawn_asleep;
use watchdog::Watchdog;

type Outcome = Result<(), Box<dyn Error>>;

/// Farther away than any clock can say, or as far as this one can.
fn never() -> Instant {
    let now = Instant::now();
    let years = [1 << 40, 1 << 34, 1 << 30].map(|years: u64| years.saturating_mul(31_556_952));
    years.into_iter().find_map(|secs| now.checked_add(Duration::from_secs(secs))).unwrap_or(now)
}

fn past() -> Instant {
    let now = Instant::now();
    now.checked_sub(Duration::from_secs(1)).unwrap_or(now)
}

fn full() -> (MessagePort<u64>, MessagePort<u64>) {
    let MessageChannel { mut port1, port2 } = MessageChannel::with_capacity(64);
    while port1.try_post_message(&0).is_ok() {}
    (port1, port2)
}

#[test]
fn what_fits_is_posted_and_what_is_there_is_received_after_the_deadline() -> Outcome {
    let MessageChannel { mut port1, mut port2 } = MessageChannel::<u64>::new();
    port1.post_message_deadline(&1, past())?;
    port1.split_mut().0.post_message_deadline(&2, past())?;
    assert_eq!(*port2.recv_deadline(past())?, 1);
    assert_eq!(*port2.split_mut().1.recv_deadline(past())?, 2);
    Ok(())
}

#[test]
fn a_deadline_that_has_passed_is_a_timeout_at_once() {
    let (mut port1, mut port2) = full();
    assert!(port1.post_message_deadline(&1, past()).unwrap_err().is_timeout());
    assert!(port1.split_mut().0.post_message_deadline(&1, past()).unwrap_err().is_timeout());
    assert!(port1.recv_deadline(past()).unwrap_err().is_timeout());
    assert!(port1.split_mut().1.recv_deadline(past()).unwrap_err().is_timeout());
    while port2.try_recv().is_ok_and(|message| *message == 0) {}
    assert!(port2.is_empty(), "what timed out was not posted");
}

#[test]
fn a_deadline_that_passes_during_the_wait_is_a_timeout() {
    let _watchdog = Watchdog::start();
    let (mut port1, _port2) = full();
    let soon = || Instant::now() + Duration::from_millis(2);
    assert!(port1.post_message_deadline(&1, soon()).unwrap_err().is_timeout());
    assert!(port1.recv_deadline(soon()).unwrap_err().is_timeout());
}

#[test]
fn a_deadline_far_away_does_not_end_a_wait() {
    let _watchdog = Watchdog::start();
    let (mut port1, mut port2) = full();
    let poster = spawn_asleep(move || port1.post_message_deadline(&1, never()));
    while *port2.recv_deadline(never()).unwrap() == 0 {}
    poster.join().unwrap().unwrap();
}

#[test]
fn the_end_of_the_channel_comes_before_a_timeout() {
    for closes in [true, false] {
        let (mut port1, mut port2) = full();
        if closes {
            port2.close();
        } else {
            drop(port2);
        }
        let error = port1.post_message_deadline(&1, past()).unwrap_err();
        assert_eq!((error.is_closed(), error.is_disconnected()), (closes, !closes));
        let error = port1.recv_deadline(past()).unwrap_err();
        assert_eq!((error.is_closed(), error.is_disconnected()), (closes, !closes));
    }
}

#[test]
fn the_end_of_the_channel_ends_a_wait() {
    let _watchdog = Watchdog::start();
    let (mut port1, mut port2) = full();
    let poster = spawn_asleep(move || port1.post_message_deadline(&1, never()));
    port2.close();
    assert!(poster.join().unwrap().unwrap_err().is_closed());

    let MessageChannel { port1, mut port2 } = MessageChannel::<u64>::new();
    let receiver = spawn_asleep(move || port2.recv_deadline(never()).map(|message| *message));
    drop(port1);
    assert!(receiver.join().unwrap().unwrap_err().is_disconnected());
}

/// E5: whoever waits until a deadline is not taken for stuck.
#[test]
fn e5_the_peer_may_wait_while_a_deadline_is_waited_for() -> Outcome {
    let _watchdog = Watchdog::start();
    let (mut port1, mut port2) = full();
    while port2.try_post_message(&0).is_ok() {}
    let first = spawn_asleep(move || {
        let posted = port1.post_message_deadline(&1, never());
        (port1, posted)
    });
    // Neither is told that it would deadlock; the second one gives up first and makes room.
    let second = port2.post_message_deadline(&1, Instant::now() + Duration::from_millis(2));
    assert!(second.unwrap_err().is_timeout());
    while *port2.recv()? == 0 {}
    let (_port1, posted) = first.join().unwrap();
    posted?;
    Ok(())
}
