//! Knowing on the sending side that nobody reads any more, without posting.

#[path = "common/asleep.rs"]
mod asleep;
#[path = "common/wakes.rs"]
mod wakes;
#[path = "common/watchdog.rs"]
mod watchdog;

use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use message_port::{MessageChannel, MessagePort};

use asleep::spawn_asleep;
use wakes::{Wakes, poll};
use watchdog::Watchdog;

type Port = MessagePort<u64>;

/// Every way for the peer to end what is posted to it.
const ENDS: [fn(Port) -> Option<Port>; 4] = [
    |mut port| {
        port.close();
        Some(port)
    },
    |port| {
        drop(port);
        None
    },
    |port| {
        let (mut sender, receiver) = port.into_split();
        sender.close();
        drop(receiver);
        None
    },
    |port| {
        // The other half stays for longer.
        let (sender, receiver) = port.into_split();
        drop(receiver);
        drop(sender);
        None
    },
];

#[test]
fn a_thread_that_waits_for_the_end_is_woken_by_it() {
    let _watchdog = Watchdog::start();
    for end in ENDS {
        let MessageChannel { mut port1, port2 } = MessageChannel::<u64>::new();
        let waiting = spawn_asleep(move || {
            port1.wait_ended();
            port1
        });
        let _kept = end(port2);
        let mut port1 = waiting.join().unwrap();
        assert!(port1.has_ended() && port1.post_message(&1).is_err());

        let MessageChannel { port1, port2 } = MessageChannel::<u64>::new();
        let (mut sender, _receiver) = port1.into_split();
        let waiting = spawn_asleep(move || {
            sender.wait_ended();
            sender.has_ended()
        });
        let _kept = end(port2);
        assert!(waiting.join().unwrap());
    }
}

#[test]
fn a_task_that_waits_for_the_end_is_woken_by_it_once() {
    for end in ENDS {
        let MessageChannel { mut port1, port2 } = MessageChannel::<u64>::new();
        let (calls, waker) = Wakes::watched();
        let mut ended = pin!(port1.ended_async());
        assert!(poll(ended.as_mut(), &waker).is_pending());
        let _kept = end(port2);
        assert_eq!(calls.count(), 1);
        assert_eq!(poll(ended.as_mut(), &waker), Poll::Ready(()));
    }
}

#[test]
fn the_end_that_has_come_is_told_at_once_whatever_the_deadline() {
    let _watchdog = Watchdog::start();
    for end in ENDS {
        let MessageChannel { mut port1, port2 } = MessageChannel::<u64>::new();
        let _kept = end(port2);
        port1.wait_ended();
        assert!(port1.wait_ended_timeout(Duration::ZERO));
        assert!(port1.wait_ended_timeout(Duration::MAX));
        assert!(port1.wait_ended_deadline(Instant::now()));
        assert!(port1.split_mut().0.wait_ended_timeout(Duration::ZERO));
        assert!(poll(pin!(port1.ended_async()), Waker::noop()).is_ready());
    }
}

#[test]
fn the_own_close_is_an_end_too() {
    let _watchdog = Watchdog::start();
    let MessageChannel { port1, port2: _kept } = MessageChannel::<u64>::new();
    let (mut sender, mut receiver) = port1.into_split();
    let waiting = spawn_asleep(move || sender.wait_ended());
    receiver.close();
    waiting.join().unwrap();
}

#[test]
fn without_an_end_a_wait_times_out() {
    let _watchdog = Watchdog::start();
    let MessageChannel { mut port1, port2: _kept } = MessageChannel::<u64>::new();
    assert!(!port1.has_ended());
    assert!(!port1.wait_ended_timeout(Duration::ZERO));
    assert!(!port1.wait_ended_timeout(Duration::from_millis(2)));
    assert!(!port1.wait_ended_deadline(Instant::now()));
}

/// The peer's sending half alone does not read.
#[test]
fn the_peers_sending_half_going_is_no_end() {
    let MessageChannel { mut port1, port2 } = MessageChannel::<u64>::new();
    let (sender, mut receiver) = port2.into_split();
    drop(sender);
    assert!(!port1.has_ended() && !port1.wait_ended_timeout(Duration::ZERO));
    port1.post_message(&7).unwrap();
    assert_eq!(*receiver.recv().unwrap(), 7);
}

/// Whoever waits for the end is not woken by each message.
#[test]
fn messages_that_are_received_do_not_wake_who_waits_for_the_end() {
    let MessageChannel { mut port1, mut port2 } = MessageChannel::<u64>::with_capacity(64);
    while port1.try_post_message(&7).is_ok() {}
    let (calls, waker) = Wakes::watched();
    let mut cx = Context::from_waker(&waker);
    assert!(port1.poll_ended(&mut cx).is_pending());
    while port2.try_recv().is_ok() {}
    assert_eq!(calls.count(), 0);
    drop(port2);
    assert_eq!(calls.count(), 1);
    assert!(port1.poll_ended(&mut cx).is_ready());
}

/// The same where a large message comes back as a buffer.
#[test]
fn buffers_that_come_back_do_not_wake_who_waits_for_the_end() {
    let MessageChannel { mut port1, mut port2 } = MessageChannel::<Vec<u8>>::with_capacity(64);
    port1.try_post_message(&vec![7; 1000]).unwrap();
    let (calls, waker) = Wakes::watched();
    assert!(port1.poll_ended(&mut Context::from_waker(&waker)).is_pending());
    assert_eq!(port2.recv().unwrap().len(), 1000);
    assert_eq!(calls.count(), 0);
}

#[test]
fn a_dropped_future_leaves_no_waker_behind() {
    let MessageChannel { mut port1, port2 } = MessageChannel::<u64>::new();
    let (calls, waker) = Wakes::watched();
    assert!(poll(pin!(port1.ended_async()), &waker).is_pending());
    drop(waker);
    assert_eq!(Arc::strong_count(&calls), 1, "a task is kept alive");
    drop(port2);
    assert_eq!(calls.count(), 0);
}

/// M5: a task that asks again and again lets others run.
#[test]
fn asking_for_an_end_that_has_come_spends_the_budget_of_the_task() {
    let MessageChannel { mut port1, port2 } = MessageChannel::<u64>::new();
    drop(port2);
    let (calls, waker) = Wakes::watched();
    let mut cx = Context::from_waker(&waker);
    let ready = (0..1000).take_while(|_| port1.poll_ended(&mut cx).is_ready()).count();
    assert_eq!((ready, calls.count()), (64, 1));
}

/// E5: a port that waits for the end, and not for room, keeps nobody from waiting for it.
#[test]
fn e5_waiting_for_the_end_is_not_waiting_for_room() {
    let MessageChannel { mut port1, mut port2 } = MessageChannel::<u64>::with_capacity(64);
    for port in [&mut port1, &mut port2] {
        while port.try_post_message(&7).is_ok() {}
    }
    // A post that was forgotten.
    let mut posting = Box::pin(port1.post_message_async(&8));
    assert!(poll(posting.as_mut(), Waker::noop()).is_pending());
    std::mem::forget(posting);
    assert!(poll(pin!(port1.ended_async()), Waker::noop()).is_pending());
    assert!(poll(pin!(port2.post_message_async(&8)), Waker::noop()).is_pending());
}
