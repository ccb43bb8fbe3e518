//! Closing and dropping, clause by clause; the races are in `close_races.rs`.

#[path = "common/asleep.rs"]
mod asleep;
#[path = "common/hooked.rs"]
mod hooked;
#[path = "common/watchdog.rs"]
mod watchdog;

use std::error::Error;
use std::sync::{Arc, Mutex, mpsc};
use std::thread;

use message_port::{CloseEvent, ClosedBy, MessageChannel, MessagePort, PostError, Sender};

use asleep::spawn_asleep;
use hooked::Hooked;
use watchdog::Watchdog;

type Outcome = Result<(), Box<dyn Error>>;

/// Events in the order of their dispatch.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<String>>>);

impl Log {
    fn add(&self, event: impl Into<String>) {
        self.0.lock().unwrap().push(event.into());
    }

    /// The events since the last call.
    fn take(&self) -> Vec<String> {
        std::mem::take(&mut *self.0.lock().unwrap())
    }

    fn messages(&self, port: &mut MessagePort<Vec<u8>>) {
        let log = self.clone();
        port.set_onmessage(move |event| log.add(event.data().len().to_string()));
    }

    fn close(&self, port: &mut MessagePort<Vec<u8>>) {
        let log = self.clone();
        port.set_onclose(move |event| {
            log.add(format!(
                "close by {:?}, {} messages and {} bytes undelivered",
                event.closed_by(),
                event.undelivered_messages(),
                event.undelivered_bytes()
            ));
        });
    }
}

const BY_PEER: &str = "close by Peer, 0 messages and 0 bytes undelivered";
const BY_THIS_PORT: &str = "close by ThisPort, 0 messages and 0 bytes undelivered";

/// A channel that spills what is longer than some hundred bytes.
fn small_channel() -> MessageChannel<Vec<u8>> {
    MessageChannel::with_capacity(1024)
}

/// What a vector of `length` bytes adds to the bytes of a report.
fn archive_length(length: usize) -> u64 {
    (length.next_multiple_of(4) + 8) as u64
}

fn report(sender: &Sender<Vec<u8>>) -> (ClosedBy, u64, u64) {
    let event: CloseEvent = sender.close_event().unwrap();
    (event.closed_by(), event.undelivered_messages(), event.undelivered_bytes())
}

#[test]
fn c1_each_port_gets_one_close_event_however_often_both_close() -> Outcome {
    let MessageChannel { mut port1, mut port2 } = small_channel();
    let (log1, log2) = (Log::default(), Log::default());
    log1.close(&mut port1);
    log2.close(&mut port2);
    for turn in 0..3 {
        port1.close();
        port2.close();
        let expected = usize::from(turn == 0);
        assert_eq!((port1.dispatch()?, port2.dispatch()?), (expected, expected));
    }
    port1.run()?;
    port2.run()?;
    assert_eq!(log1.take(), [BY_THIS_PORT]);
    assert_eq!(log2.take(), [BY_PEER]);
    Ok(())
}

#[test]
fn c1_a_close_by_either_half_ends_both_directions() {
    for by_sender in [true, false] {
        let MessageChannel { port1, mut port2 } = small_channel();
        let (mut sender, mut receiver) = port1.into_split();
        if by_sender {
            sender.close();
        } else {
            receiver.close();
        }
        assert!(sender.is_closed() && receiver.is_closed() && port2.is_closed());
        assert!(sender.post_message(&vec![]).unwrap_err().is_closed());
        assert!(receiver.recv().unwrap_err().is_closed());
        assert!(port2.post_message(&vec![]).unwrap_err().is_closed());
        assert!(port2.recv().unwrap_err().is_closed());
        assert_eq!(report(&sender).0, ClosedBy::ThisPort);
    }
}

#[test]
fn c2_what_was_accepted_comes_before_the_close_event() -> Outcome {
    let MessageChannel { mut port1, mut port2 } = small_channel();
    let log = Log::default();
    log.messages(&mut port2);
    log.close(&mut port2);
    for length in [1, 5000, 0, 700] {
        port1.post_message(&vec![7; length])?;
    }
    port1.close();
    drop(port1);
    assert_eq!(port2.dispatch()?, 5);
    assert_eq!(log.take(), ["1", "5000", "0", "700", BY_PEER]);
    Ok(())
}

#[test]
fn c2_a_posting_half_that_closes_loses_nothing_that_it_posted() -> Outcome {
    const MESSAGES: u8 = if cfg!(miri) { 20 } else { 200 };
    let _watchdog = Watchdog::start();
    let MessageChannel { port1, mut port2 } = small_channel();
    let (mut sender, _receiver) = port1.into_split();
    let poster = thread::spawn(move || {
        for n in 0..MESSAGES {
            sender.post_message(&vec![n; usize::from(n) * 5]).unwrap();
        }
        sender.close();
    });
    for n in 0..MESSAGES {
        assert_eq!(**port2.recv()?, *vec![n; usize::from(n) * 5]);
    }
    assert!(port2.recv().unwrap_err().is_closed());
    poster.join().unwrap();
    Ok(())
}

#[test]
fn c3_a_port_that_closed_receives_nothing_of_what_had_arrived() -> Outcome {
    let MessageChannel { mut port1, mut port2 } = small_channel();
    let log = Log::default();
    log.messages(&mut port2);
    log.close(&mut port2);
    port1.post_message(&vec![1])?;
    port1.post_message(&vec![2; 5000])?;
    port2.close();
    assert!(log.take().is_empty(), "the event is for the next turn, not for inside close()");
    assert_eq!(port2.len(), 0);
    assert!(port2.try_recv().unwrap_err().is_closed());
    assert!(port2.recv().unwrap_err().is_closed());
    assert_eq!(port2.dispatch()?, 1);
    assert_eq!(log.take(), [BY_THIS_PORT]);
    Ok(())
}

#[test]
fn c3_a_handler_that_closes_gets_no_further_message() -> Outcome {
    let MessageChannel { mut port1, mut port2 } = small_channel();
    let log = Log::default();
    let handled = log.clone();
    port2.set_onmessage(move |event| {
        event.target().close();
        handled.add(format!("message {}", event.data()[0]));
    });
    log.close(&mut port2);
    for n in 0..3 {
        port1.post_message(&vec![n])?;
    }
    assert_eq!(port2.dispatch()?, 2);
    assert_eq!(log.take(), ["message 0", BY_THIS_PORT]);
    let (sender, _) = port1.split_mut();
    assert_eq!(report(sender), (ClosedBy::Peer, 2, 2 * archive_length(1)));
    Ok(())
}

#[test]
fn c4_the_report_counts_what_the_closer_never_read() -> Outcome {
    let MessageChannel { mut port1, mut port2 } = small_channel();
    let log = Log::default();
    log.close(&mut port1);
    let lengths = [1, 5000, 0, 600, 17];
    for length in lengths {
        port1.post_message(&vec![7; length])?;
    }
    assert_eq!(port2.recv()?.len(), 1);
    // A forgotten guard counts as received.
    std::mem::forget(port2.recv()?);
    port2.close();
    drop(port2);
    assert!(port1.post_message(&vec![7]).unwrap_err().is_closed());
    assert_eq!(port1.dispatch()?, 1);
    let bytes = archive_length(0) + archive_length(600) + archive_length(17);
    let expected = format!("close by Peer, 3 messages and {bytes} bytes undelivered");
    assert_eq!(log.take(), [expected]);
    Ok(())
}

#[test]
fn c4_the_report_is_exact_wherever_in_the_ring_the_messages_lie() -> Outcome {
    for start in (0..64).step_by(if cfg!(miri) { 13 } else { 1 }) {
        let MessageChannel { mut port1, mut port2 } = small_channel();
        for _ in 0..start {
            port1.post_message(&vec![])?;
            port2.recv()?;
        }
        let mut posted = Vec::new();
        for length in [300, 10, 2000, 260, 0, 450].into_iter().cycle() {
            if port1.try_post_message(&vec![7; length]).is_err() {
                break;
            }
            posted.push(length);
        }
        port2.recv()?;
        port2.close();
        let (sender, _) = port1.split_mut();
        let bytes = posted[1..].iter().map(|length| archive_length(*length)).sum();
        assert_eq!(report(sender), (ClosedBy::Peer, posted.len() as u64 - 1, bytes));
        assert_eq!(report(sender), report(sender), "the numbers are final");
    }
    Ok(())
}

#[test]
fn c4_the_first_closer_reports_nothing_and_the_second_everything() -> Outcome {
    let MessageChannel { port1, port2 } = small_channel();
    let (mut sender1, _receiver1) = port1.into_split();
    let (mut sender2, mut receiver2) = port2.into_split();
    sender1.post_message(&vec![1])?;
    sender2.post_message(&vec![2])?;
    assert!(sender1.close_event().is_none());
    sender1.close();
    assert_eq!(**receiver2.recv()?, [1], "still the peer's to read");
    sender2.close();
    assert_eq!(report(&sender1), (ClosedBy::ThisPort, 0, 0));
    assert_eq!(report(&sender2), (ClosedBy::Peer, 1, archive_length(1)));
    Ok(())
}

#[test]
fn c5_messages_that_wait_for_a_handler_hold_the_close_event_back() -> Outcome {
    let MessageChannel { mut port1, mut port2 } = small_channel();
    let log = Log::default();
    log.close(&mut port2);
    port1.post_message(&vec![1])?;
    port1.close();
    assert_eq!(port2.dispatch()?, 0);
    port2.run()?;
    assert!(log.take().is_empty());
    log.messages(&mut port2);
    assert_eq!(port2.dispatch()?, 2);
    assert_eq!(log.take(), ["1", BY_PEER]);
    Ok(())
}

#[test]
fn c5_pulled_messages_make_way_for_the_close_event_too() -> Outcome {
    let MessageChannel { mut port1, mut port2 } = small_channel();
    let log = Log::default();
    log.close(&mut port2);
    port1.post_message(&vec![1])?;
    port1.close();
    assert_eq!(port2.dispatch()?, 0);
    assert_eq!(**port2.recv()?, [1]);
    assert_eq!(port2.dispatch()?, 1);
    assert_eq!(log.take(), [BY_PEER]);
    Ok(())
}

#[test]
fn c5_the_close_event_waits_for_a_handler() -> Outcome {
    let MessageChannel { mut port1, mut port2 } = small_channel();
    port1.close();
    port2.run()?;
    assert_eq!(port2.dispatch()?, 0);
    let log = Log::default();
    log.close(&mut port2);
    assert_eq!(port2.dispatch()?, 1);
    assert_eq!(log.take(), [BY_PEER]);
    assert_eq!(port2.dispatch()?, 0);
    Ok(())
}

/// With a message in the ring that nobody handles, `run` has something to look at and still
/// nothing to do.
#[test]
fn c5_run_waits_while_the_channel_is_open_with_or_without_a_handler() -> Outcome {
    let _watchdog = Watchdog::start();
    for handled in [true, false] {
        let MessageChannel { mut port1, mut port2 } = small_channel();
        let log = Log::default();
        if handled {
            log.messages(&mut port2);
        }
        log.close(&mut port2);
        port1.post_message(&vec![1])?;
        let runner = spawn_asleep(move || port2.run());
        assert!(!runner.is_finished());
        port1.post_message(&vec![2, 2])?;
        port1.close();
        runner.join().unwrap()?;
        let expected: &[&str] = if handled { &["1", "2", BY_PEER] } else { &[] };
        assert_eq!(log.take(), expected);
    }
    Ok(())
}

#[test]
fn c6_after_the_close() -> Outcome {
    let MessageChannel { mut port1, mut port2 } = small_channel();
    port1.post_message(&vec![1])?;
    port2.post_message(&vec![2])?;
    port1.close();
    for port in [&mut port1, &mut port2] {
        assert!(port.post_message(&vec![3]).unwrap_err().is_closed());
        assert!(port.try_post_message(&vec![3; 5000]).unwrap_err().is_closed());
        port.start();
        port.set_onmessageerror(|_| ());
        port.clear_onmessageerror();
    }
    assert!(port1.recv().unwrap_err().is_closed());
    assert_eq!(**port2.recv()?, [1]);
    assert!(port2.recv().unwrap_err().is_closed());
    assert!(port2.is_closed() && !port2.is_disconnected());
    Ok(())
}

#[test]
fn c6_a_handler_that_posts_after_the_close_gets_the_error() -> Outcome {
    let MessageChannel { mut port1, mut port2 } = small_channel();
    let (tell, told) = mpsc::channel();
    port2.set_onmessage(move |event| tell.send(event.target().post_message(&vec![1])).unwrap());
    port1.post_message(&vec![1])?;
    port1.close();
    assert_eq!(port2.dispatch()?, 1);
    assert!(matches!(told.try_recv()?, Err(PostError::Closed)));
    Ok(())
}

#[test]
fn c7_dropping_is_not_closing() -> Outcome {
    let MessageChannel { mut port1, mut port2 } = small_channel();
    let log = Log::default();
    log.close(&mut port2);
    port1.post_message(&vec![1])?;
    port1.post_message(&vec![2; 5000])?;
    drop(port1);
    assert!(port2.is_disconnected() && !port2.is_closed());
    assert!(port2.post_message(&vec![3]).unwrap_err().is_disconnected());
    assert_eq!(**port2.recv()?, [1]);
    log.messages(&mut port2);
    port2.run()?;
    assert!(port2.recv().unwrap_err().is_disconnected());
    assert_eq!(log.take(), ["5000"]);
    Ok(())
}

#[test]
fn c7_a_thread_that_dies_wakes_its_peer_without_a_close_event() -> Outcome {
    let _watchdog = Watchdog::start();
    let MessageChannel { mut port1, mut port2 } = small_channel();
    let log = Log::default();
    log.messages(&mut port2);
    log.close(&mut port2);
    let runner = spawn_asleep(move || port2.run());
    let death = thread::spawn(move || {
        port1.post_message(&vec![1]).unwrap();
        std::panic::resume_unwind(Box::new("the end of this thread"));
    });
    assert!(death.join().is_err());
    runner.join().unwrap()?;
    assert_eq!(log.take(), ["1"]);
    Ok(())
}

#[test]
fn c7_each_half_that_is_dropped_ends_its_own_direction() -> Outcome {
    let MessageChannel { port1, mut port2 } = small_channel();
    let (mut sender, receiver) = port1.into_split();
    drop(receiver);
    assert!(port2.post_message(&vec![1]).unwrap_err().is_disconnected());
    assert!(!port2.is_disconnected(), "the other half still posts");
    sender.post_message(&vec![2])?;
    drop(sender);
    assert!(port2.is_disconnected());
    assert_eq!(**port2.recv()?, [2]);
    assert!(port2.recv().unwrap_err().is_disconnected());
    Ok(())
}

#[test]
fn c9_a_guard_outlives_the_close_and_the_drop_of_the_other_side() -> Outcome {
    for length in [40, 5000] {
        let message = vec![9; length];
        let MessageChannel { mut port1, port2 } = small_channel();
        let (mut sender2, mut receiver2) = port2.into_split();
        port1.post_message(&message)?;
        port1.post_message(&message)?;
        let guard = receiver2.recv()?;
        port1.close();
        drop(port1);
        assert_eq!(**guard, *message);
        // Also when the own port closes and its other half goes away.
        sender2.close();
        drop(sender2);
        assert_eq!(**guard, *message);
        drop(guard);
        assert!(receiver2.recv().unwrap_err().is_closed());
    }
    Ok(())
}

/// The peer ends the channel while the value writes itself: the post is refused, and there is
/// nothing to read or to report.
#[test]
fn c9_a_half_written_message_never_becomes_visible() {
    for closes in [true, false] {
        let MessageChannel { port1, port2 } = MessageChannel::<Hooked>::new();
        let (mut sender1, _receiver1) = port1.into_split();
        let (mut sender2, receiver2) = port2.into_split();
        let receiver2 = Arc::new(Mutex::new(Some(receiver2)));
        let end = Arc::clone(&receiver2);
        let hooked = Hooked(Box::new(move || {
            let mut receiver2 = end.lock().unwrap();
            assert_eq!(receiver2.as_ref().unwrap().len(), 0);
            assert!(receiver2.as_mut().unwrap().try_recv().unwrap_err().is_empty());
            if closes {
                receiver2.as_mut().unwrap().close();
            } else {
                *receiver2 = None;
            }
        }));
        let error = sender1.post_message(&hooked).unwrap_err();
        assert_eq!((error.is_closed(), error.is_disconnected()), (closes, !closes));
        if let Some(event) = sender1.close_event() {
            assert_eq!(event.undelivered_messages(), 0);
        }
        sender2.close();
        if let Some(receiver2) = receiver2.lock().unwrap().as_mut() {
            assert!(receiver2.recv().unwrap_err().is_closed());
        }
    }
}

/// The reader looks past the skipped rest of a lap without claiming anything; the producer then
/// writes over the skip frame, where the report starts to count.
#[test]
fn c4_the_report_is_exact_after_the_reader_looked_past_the_end_of_a_lap() {
    let MessageChannel { mut port1, mut port2 } = MessageChannel::<Vec<u8>>::with_capacity(1024);
    for _ in 0..2 {
        port1.try_post_message(&vec![1; 392]).unwrap();
        port2.try_recv().unwrap();
    }
    port1.try_post_message(&vec![1; 392]).unwrap(); // in the next lap, behind a skip frame
    assert_eq!(port2.dispatch().unwrap(), 0); // looks, has no handler
    let mut posted = 1;
    while port1.try_post_message(&vec![0xff; 8]).is_ok() {
        posted += 1;
    }
    assert_eq!(port2.len(), posted);
    port2.close();
    let event = port1.split_mut().0.close_event().unwrap();
    assert_eq!(event.closed_by(), ClosedBy::Peer);
    assert_eq!(event.undelivered_messages(), posted as u64);
}
