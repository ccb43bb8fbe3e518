//! What nobody can read any more is given back at the next call of its sender, and stays counted.
//!
//! The segments and buffers here are so small that all of them come from the allocator, which
//! counts.

#[path = "common/meter.rs"]
mod meter;
#[path = "common/watchdog.rs"]
mod watchdog;

use std::sync::{Arc, Barrier};
use std::thread;

use message_port::{MessageChannel, MessagePort};

use meter::{Counts, counts, measure};
use watchdog::Watchdog;

type Port = MessagePort<Vec<u8>>;

const CAPACITY: usize = 4096;
/// In place, and in a buffer.
const LENGTHS: [usize; 2] = [100, 5000];
/// Bytes of a direction that grows.
const LIMIT: usize = if cfg!(miri) { 1 << 16 } else { 1 << 20 };
/// A few lists and their rests.
const OVERHEAD: i64 = 1024;

fn channel(growable: bool) -> (Port, Port) {
    let builder = MessageChannel::<Vec<u8>>::builder().capacity(CAPACITY);
    let builder = if growable { builder.growable(LIMIT) } else { builder };
    let MessageChannel { mut port1, mut port2 } = builder.build().unwrap();
    // The sender's scratch memory is none of this.
    port1.try_post_message(&Vec::new()).unwrap();
    port2.try_recv().unwrap();
    (port1, port2)
}

/// Posts until there is no room, and says how many messages and bytes of archives that were.
fn burst(port: &mut Port) -> (u64, u64) {
    let (mut messages, mut bytes) = (0, 0);
    let posts: Vec<_> = LENGTHS.iter().map(|length| vec![1; *length]).collect();
    for post in posts.iter().cycle() {
        if port.try_post_message(post).is_err() {
            break;
        }
        messages += 1;
        // The root of a `Vec` is aligned and has eight bytes.
        bytes += post.len().next_multiple_of(4) as u64 + 8;
    }
    assert!(messages > 10, "{messages} messages");
    (messages, bytes)
}

/// Bytes allocated since then.
fn kept(start: Counts) -> i64 {
    (counts() - start).bytes
}

#[test]
fn a_burst_is_given_back_when_its_receiver_was_dropped() {
    for growable in [false, true] {
        let (mut port1, port2) = channel(growable);
        let start = counts();
        let (_, taken) = measure(|| burst(&mut port1));
        assert!(taken.bytes > 8 * 5000, "{taken:?}");
        drop(port2);
        assert!(port1.try_post_message(&vec![1]).unwrap_err().is_disconnected());
        // The receiver's half of the words went meanwhile.
        assert!(kept(start) < OVERHEAD, "{} bytes", kept(start));
    }
}

#[test]
fn a_burst_is_given_back_when_its_receiver_was_closed() {
    for growable in [false, true] {
        for read in [0, 1, 2, 9] {
            let (mut port1, mut port2) = channel(growable);
            let start = counts();
            let (messages, bytes) = burst(&mut port1);
            let bytes_read: usize = (0..read).map(|_| port2.try_recv().unwrap().len() + 8).sum();
            port2.close();
            assert!(port1.try_post_message(&vec![1]).unwrap_err().is_closed());
            // The segment in which the receiver is stays, and the one in which the sender is.
            let most = if growable { i64::try_from(2 * CAPACITY).unwrap() } else { 0 };
            assert!(kept(start) < most + OVERHEAD, "{} bytes", kept(start));
            for _ in 0..2 {
                let event = port1.split_mut().0.close_event().unwrap();
                assert_eq!(event.undelivered_messages(), messages - read);
                assert_eq!(event.undelivered_bytes(), bytes - bytes_read as u64);
            }
            assert!(port2.try_recv().unwrap_err().is_closed());
            assert_eq!(port2.bytes_available(), 0);
            drop(port2);
            assert!(port1.try_post_message(&vec![1]).unwrap_err().is_closed());
            assert!(kept(start) < OVERHEAD, "{} bytes", kept(start));
            let event = port1.split_mut().0.close_event().unwrap();
            assert_eq!(event.undelivered_messages(), messages - read);
        }
    }
}

/// The other half of the port that went away closes only afterwards.
#[test]
fn the_report_counts_what_was_given_back_before_the_close() {
    for growable in [false, true] {
        for read in [0, 3] {
            let (mut port1, port2) = channel(growable);
            let (mut sender, mut receiver) = port2.into_split();
            let start = counts();
            let (messages, _) = burst(&mut port1);
            for _ in 0..read {
                // The last one's guard is forgotten.
                std::mem::forget(receiver.try_recv().unwrap());
            }
            drop(receiver);
            assert!(port1.try_post_message(&vec![1; 5000]).unwrap_err().is_disconnected());
            assert!(kept(start) < OVERHEAD, "{} bytes", kept(start));
            sender.close();
            let event = port1.split_mut().0.close_event().unwrap();
            assert_eq!(event.undelivered_messages(), messages - read);
        }
    }
}

#[test]
fn a_dispatched_close_gives_back() {
    for growable in [false, true] {
        let (mut port1, port2) = channel(growable);
        let (reports, report) = std::sync::mpsc::sync_channel(1);
        port1.set_onclose(move |event| reports.send(event.undelivered_messages()).unwrap());
        let start = counts();
        let (messages, _) = burst(&mut port1);
        let (mut sender, receiver) = port2.into_split();
        drop(receiver);
        sender.close();
        assert_eq!(port1.dispatch().unwrap(), 1);
        assert!(kept(start) < OVERHEAD, "{} bytes", kept(start));
        assert_eq!(report.recv().unwrap(), messages);
    }
}

/// What is in the receiver's hands is not what nobody reads.
#[test]
fn a_message_in_hand_outlives_what_is_given_back() {
    for growable in [false, true] {
        for before in [0, 1, 5] {
            let (mut port1, port2) = channel(growable);
            let (mut sender, mut receiver) = port2.into_split();
            let (messages, _) = burst(&mut port1);
            for _ in 0..before {
                receiver.try_recv().unwrap();
            }
            let held = receiver.try_recv().unwrap();
            sender.close();
            for _ in 0..2 {
                assert!(port1.try_post_message(&vec![2; 5000]).unwrap_err().is_closed());
            }
            assert_eq!(held.len(), LENGTHS[before % 2]);
            assert!(held.iter().all(|byte| *byte == 1));
            drop(held);
            assert!(receiver.try_recv().unwrap_err().is_closed());
            let event = port1.split_mut().0.close_event().unwrap();
            assert_eq!(event.undelivered_messages(), messages - before as u64 - 1);
        }
    }
}

/// A refused post is written before it is refused: it takes memory, and does not keep it.
#[test]
fn posts_that_are_refused_afterwards_keep_nothing() {
    for growable in [false, true] {
        for closes in [false, true] {
            let (mut port1, mut port2) = channel(growable);
            let start = counts();
            burst(&mut port1);
            let _closed = if closes {
                port2.close();
                Some(port2)
            } else {
                drop(port2);
                None
            };
            let mut most = 0;
            for round in 0..if cfg!(miri) { 20 } else { 1000 } {
                let length = LENGTHS[round % 2] * (1 + round % 7);
                assert!(port1.try_post_message(&vec![1; length]).is_err());
                assert!(port1.post_messages(&[vec![1; 10], vec![1; length]]).is_err());
                most = most.max(kept(start));
            }
            let segments = if growable && closes { 2 * CAPACITY } else { 0 };
            assert!(most < i64::try_from(segments).unwrap() + OVERHEAD, "{most} bytes");
        }
    }
}

/// The sender waits for room when its receiver goes: the next call gives back at the latest.
#[test]
fn a_post_that_waits_gives_back_when_its_receiver_goes() {
    let _watchdog = Watchdog::start();
    for growable in [false, true] {
        for closes in [false, true] {
            let (mut port1, mut port2) = channel(growable);
            let gone = Arc::new(Barrier::new(2));
            let is_gone = Arc::clone(&gone);
            let waiting = thread::spawn(move || {
                let start = counts();
                burst(&mut port1);
                let long = vec![1; 5000];
                assert!(port1.post_message(&long).is_err());
                drop(long);
                // The sender is woken while the receiver is still about to go.
                is_gone.wait();
                assert!(port1.try_post_message(&Vec::new()).is_err());
                let kept = kept(start);
                let segments = if growable && closes { 2 * CAPACITY } else { 0 };
                assert!(kept < i64::try_from(segments).unwrap() + OVERHEAD, "{kept} bytes");
            });
            while port2.len() < 11 {
                thread::yield_now();
            }
            if closes {
                port2.close();
                gone.wait();
                waiting.join().unwrap();
            } else {
                drop(port2);
                gone.wait();
                waiting.join().unwrap();
            }
        }
    }
}
