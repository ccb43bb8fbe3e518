//! What is counted with the feature `stats`: exact while nobody is active, the same at both ends.
#![cfg(feature = "stats")]

#[path = "common/watchdog.rs"]
mod watchdog;

use std::error::Error;
use std::task::{Context, Waker};
use std::thread::{self, yield_now};
use std::time::Duration;

use message_port::{MessageChannel, MessagePort, Stats};

use watchdog::Watchdog;

type Outcome = Result<(), Box<dyn Error>>;

const CAPACITY: usize = 1024;
/// Bytes in flight of a number, which lies in a block.
const NUMBER: u64 = 8;
/// Bytes in flight of a short text, which lies in a frame.
const FRAME: u64 = 16;

fn text(length: usize) -> String {
    "x".repeat(length)
}

/// Of the direction from one port to the other, which both see alike.
#[track_caller]
fn stats<A: message_port::Message, B: message_port::Message>(
    from: &MessagePort<A, B>,
    to: &MessagePort<B, A>,
) -> Stats {
    assert_eq!(from.outgoing_stats(), to.incoming_stats());
    from.outgoing_stats()
}

#[test]
fn messages_and_bytes_are_counted_however_they_travel() -> Outcome {
    let MessageChannel { mut port1, mut port2 } = MessageChannel::<String>::with_capacity(CAPACITY);
    assert_eq!(stats(&port1, &port2), Stats::default());
    port1.post_message(&text(3))?; // 8 bytes
    port1.post_messages(&[text(8), text(92)])?; // 8 and 100 bytes
    port1.post_message(&text(1992))?; // 2000 bytes, spilled
    port1.post_archived(port2.recv()?.as_bytes())?; // 8 bytes
    let seen = stats(&port1, &port2);
    assert_eq!((seen.posted, seen.posted_bytes), (5, 2124));
    assert_eq!((seen.received, seen.received_bytes), (1, 8));
    assert_eq!((seen.largest_message, seen.spilled), (2000, 1));
    assert_eq!((seen.full, seen.segments_added), (0, 0));
    assert_eq!(port2.recv_batch(2, |_| ())?, 2);
    assert_eq!(port2.recv_batch(9, |_| ())?, 2);
    let seen = stats(&port1, &port2);
    assert_eq!((seen.received, seen.received_bytes), (5, 2124));
    assert_eq!(stats(&port2, &port1), Stats::default(), "nothing was posted the other way");
    Ok(())
}

#[test]
fn the_high_water_mark_stays() -> Outcome {
    let MessageChannel { mut port1, mut port2 } = MessageChannel::<u64>::with_capacity(CAPACITY);
    port1.post_messages(&[1, 2, 3, 4, 5])?;
    assert_eq!(stats(&port1, &port2).high_water_mark, 5 * NUMBER);
    assert_eq!(port2.recv_batch(5, |_| ())?, 5);
    port1.post_message(&6)?;
    assert_eq!(stats(&port1, &port2).high_water_mark, 5 * NUMBER);
    port1.post_messages(&[7, 8, 9, 10, 11])?;
    assert_eq!(stats(&port1, &port2).high_water_mark, 6 * NUMBER);
    Ok(())
}

#[test]
fn the_high_water_mark_of_texts_counts_frames() -> Outcome {
    let MessageChannel { mut port1, mut port2 } = MessageChannel::<String>::with_capacity(CAPACITY);
    port1.post_messages(&[text(3), text(5), text(8)])?;
    assert_eq!(stats(&port1, &port2).high_water_mark, 3 * FRAME);
    assert_eq!(port2.recv_batch(3, |_| ())?, 3);
    port1.post_message(&text(3))?;
    assert_eq!(stats(&port1, &port2).high_water_mark, 3 * FRAME);
    Ok(())
}

#[test]
fn posts_that_are_refused_are_not_counted_as_posted() -> Outcome {
    let MessageChannel { mut port1, mut port2 } =
        MessageChannel::<String>::builder().capacity(CAPACITY).max_message_len(5000).build()?;
    assert!(port1.post_message(&text(6000)).is_err(), "too large");
    assert!(port1.post_archived(b"none").is_err(), "no archive");
    let mut posted = 0;
    while port1.try_post_message(&text(3)).is_ok() {
        posted += 1;
    }
    let timeout = Duration::from_millis(1);
    assert!(port1.post_message_timeout(&text(3), timeout).is_err(), "full as well");
    assert_eq!((stats(&port1, &port2).posted, stats(&port1, &port2).full), (posted, 2));
    port2.recv()?;
    port2.close();
    assert!(port1.post_message(&text(3)).is_err(), "closed");
    assert!(port1.post_messages(&[text(3)]).is_err(), "closed");
    let seen = stats(&port1, &port2);
    assert_eq!((seen.posted, seen.received), (posted, 1));
    let report = port1.split_mut().0.close_event().ok_or("no report")?;
    assert_eq!(seen.posted, seen.received + report.undelivered_messages());
    assert_eq!(seen.posted_bytes, seen.received_bytes + report.undelivered_bytes());
    Ok(())
}

#[test]
fn segments_are_counted() -> Outcome {
    fn check<T: message_port::Message>(message: &T, bytes: u64) -> Outcome {
        let MessageChannel { mut port1, mut port2 } =
            MessageChannel::<T>::builder().capacity(CAPACITY).growable(4 * CAPACITY).build()?;
        let mut posted = 0;
        while port1.try_post_message(message).is_ok() {
            posted += 1;
        }
        let seen = stats(&port1, &port2);
        assert_eq!((seen.posted, seen.segments_added, seen.full), (posted, 3, 1));
        assert_eq!(seen.high_water_mark, posted * bytes);
        while port2.try_recv().is_ok() {}
        assert_eq!(stats(&port1, &port2).received, posted);
        Ok(())
    }
    check(&7u64, NUMBER)?;
    check(&text(3), FRAME)
}

/// The wake is sent to whoever waits, and only then.
#[test]
fn waits_for_messages_are_counted() -> Outcome {
    let _watchdog = Watchdog::start();
    let MessageChannel { mut port1, mut port2 } = MessageChannel::<u64>::new();
    port1.post_message(&1)?;
    port2.recv()?;
    assert_eq!(stats(&port1, &port2).receiver, Stats::default().receiver);
    let receiver = thread::spawn(move || {
        port2.recv().unwrap();
        port2
    });
    while port1.outgoing_stats().receiver.waits == 0 {
        yield_now();
    }
    port1.post_message(&2)?;
    let port2 = receiver.join().map_err(|_| "failed")?;
    let waiting = stats(&port1, &port2).receiver;
    assert_eq!((waiting.waits, waiting.wakes), (1, 1));
    assert!(waiting.waited > Duration::ZERO);
    Ok(())
}

#[test]
fn waits_for_room_are_counted() -> Outcome {
    let _watchdog = Watchdog::start();
    let MessageChannel { mut port1, mut port2 } = MessageChannel::<u64>::with_capacity(CAPACITY);
    let mut posted = 0;
    while port1.try_post_message(&posted).is_ok() {
        posted += 1;
    }
    let sender = thread::spawn(move || {
        port1.post_message(&7).unwrap();
        port1
    });
    while port2.incoming_stats().sender.waits == 0 {
        yield_now();
    }
    // No more: until it has looked for room, each further one would wake it again.
    assert_eq!(*port2.recv()?, 0);
    let port1 = sender.join().map_err(|_| "failed")?;
    let seen = stats(&port1, &port2);
    assert_eq!((seen.posted, seen.received, seen.full), (posted + 1, 1, 2));
    assert_eq!((seen.sender.waits, seen.sender.wakes), (1, 1));
    assert!(seen.sender.waited > Duration::ZERO);
    Ok(())
}

/// The buffer that comes back first is too small, and with the others in use none is allocated.
#[test]
fn a_post_that_waits_twice_was_full_once() -> Outcome {
    let _watchdog = Watchdog::start();
    let MessageChannel { mut port1, mut port2 } =
        MessageChannel::<String>::builder().capacity(CAPACITY).max_message_len(2000).build()?;
    for _ in 0..3 {
        port1.try_post_message(&text(992))?;
    }
    let sender = thread::spawn(move || {
        port1.post_message(&text(1992)).unwrap();
        port1
    });
    for waits in 1..=2 {
        while port2.incoming_stats().sender.waits < waits {
            yield_now();
        }
        port2.recv()?;
    }
    let port1 = sender.join().map_err(|_| "failed")?;
    let seen = stats(&port1, &port2);
    assert_eq!((seen.spilled, seen.full, seen.sender.wakes), (4, 1, 2));
    Ok(())
}

/// A port without handlers waits for the end; messages wake it and are not what it waits for.
#[test]
fn wakes_for_nothing_are_counted() -> Outcome {
    let _watchdog = Watchdog::start();
    let MessageChannel { mut port1, mut port2 } = MessageChannel::<u64>::new();
    port1.post_message(&0)?;
    let runner = thread::spawn(move || {
        port2.run().unwrap();
        port2
    });
    while port1.outgoing_stats().receiver.waits == 0 {
        yield_now();
    }
    for spurious in 1..=2 {
        port1.post_message(&spurious)?;
        while port1.outgoing_stats().receiver.spurious_wakes < spurious {
            yield_now();
        }
    }
    port1.close();
    let port2 = runner.join().map_err(|_| "failed")?;
    let waiting = stats(&port1, &port2).receiver;
    assert_eq!((waiting.waits, waiting.wakes, waiting.spurious_wakes), (1, 3, 2));
    Ok(())
}

#[test]
fn tasks_that_wait_are_counted() -> Outcome {
    let MessageChannel { mut port1, mut port2 } = MessageChannel::<u64>::with_capacity(CAPACITY);
    let mut cx = Context::from_waker(Waker::noop());
    assert!(port2.poll_recv(&mut cx).is_pending());
    port1.post_message(&1)?;
    port1.post_message(&2)?;
    let waiting = stats(&port1, &port2).receiver;
    assert_eq!((waiting.waits, waiting.wakes), (1, 1), "one waker, one wake");
    assert_eq!(waiting.waited, Duration::ZERO, "only threads are timed");
    // On the way the task lets others run, which is no wait.
    while stats(&port1, &port2).full == 0 {
        let _ = port1.poll_post_message(&mut cx, &7);
    }
    assert_eq!((stats(&port1, &port2).full, stats(&port1, &port2).sender.waits), (1, 1));
    Ok(())
}

#[test]
fn either_end_may_read_at_any_time() {
    const MESSAGES: u64 = if cfg!(miri) { 100 } else { 20_000 };
    fn later(before: Stats, now: Stats) -> Stats {
        assert!(now.posted >= now.received && now.posted_bytes >= now.received_bytes);
        assert!(now.posted >= before.posted && now.received >= before.received);
        assert!(now.high_water_mark >= before.high_water_mark);
        assert!(now.high_water_mark <= 1024);
        now
    }
    let MessageChannel { mut port1, mut port2 } = MessageChannel::<u64>::with_capacity(CAPACITY);
    let poster = thread::spawn(move || {
        let mut before = Stats::default();
        for n in 0..MESSAGES {
            port1.post_message(&n).unwrap();
            before = later(before, port1.outgoing_stats());
        }
        port1
    });
    let mut before = Stats::default();
    for _ in 0..MESSAGES {
        port2.recv().unwrap();
        before = later(before, port2.incoming_stats());
    }
    let port1 = poster.join().unwrap();
    let seen = stats(&port1, &port2);
    assert_eq!((seen.posted, seen.received), (MESSAGES, MESSAGES));
    assert_eq!((seen.posted_bytes, seen.received_bytes), (8 * MESSAGES, 8 * MESSAGES));
}
