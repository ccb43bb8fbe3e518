//! The wakers that a port keeps: which one is woken, how often, and for how long it is kept.

#[path = "common/asleep.rs"]
mod asleep;
#[path = "common/wakes.rs"]
mod wakes;
#[path = "common/watchdog.rs"]
mod watchdog;

use std::error::Error;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use futures_lite::future::block_on;
use message_port::{MessageChannel, MessagePort};

use asleep::spawn_asleep;
use wakes::{Explosive, Wakes, poll};
use watchdog::Watchdog;

type Outcome = Result<(), Box<dyn Error>>;
type Port = MessagePort<Vec<u8>>;

fn channel() -> (Port, Port) {
    let MessageChannel { port1, port2 } = MessageChannel::with_capacity(256);
    (port1, port2)
}

fn fill(port: &mut Port, length: usize) {
    while port.try_post_message(&vec![1; length]).is_ok() {}
}

/// Short messages wait for room in the ring, long ones for a buffer.
const LENGTHS: [usize; 2] = [30, if cfg!(miri) { 700 } else { 3000 }];

/// Fails unless nobody but the test has the counter.
fn assert_released(calls: &Arc<Wakes>) {
    assert_eq!(Arc::strong_count(calls), 1, "a task is kept alive");
}

#[test]
fn crossfire_2_0_9_the_last_waker_that_polled_is_woken() -> Outcome {
    let (mut port1, mut port2) = channel();
    let ((first, waker1), (second, waker2)) = (Wakes::watched(), Wakes::watched());
    let mut receiving = pin!(port2.recv_async());
    assert!(poll(receiving.as_mut(), &waker1).is_pending());
    assert!(poll(receiving.as_mut(), &waker2).is_pending());
    drop(waker1);
    assert_released(&first);
    port1.post_message(&vec![7])?;
    assert_eq!((first.count(), second.count()), (0, 1));
    Ok(())
}

#[test]
fn crossfire_2_0_9_also_where_a_post_waits() {
    for length in LENGTHS {
        let (mut port1, mut port2) = channel();
        fill(&mut port1, length);
        let ((first, waker1), (second, waker2)) = (Wakes::watched(), Wakes::watched());
        let message = vec![2; length];
        let mut posting = pin!(port1.post_message_async(&message));
        assert!(poll(posting.as_mut(), &waker1).is_pending());
        assert!(poll(posting.as_mut(), &waker2).is_pending());
        drop(waker1);
        assert_released(&first);
        while port2.try_recv().is_ok() {}
        assert_eq!((first.count(), second.count()), (0, 1));
        assert!(poll(posting.as_mut(), &waker2).is_ready());
    }
}

#[test]
fn crossfire_2_0_9_also_from_one_future_to_the_next() -> Outcome {
    let (mut port1, mut port2) = channel();
    let ((first, waker1), (second, waker2)) = (Wakes::watched(), Wakes::watched());
    assert!(port2.poll_recv(&mut Context::from_waker(&waker1)).is_pending());
    let mut running = pin!(port2.run_async());
    assert!(poll(running.as_mut(), &waker2).is_pending());
    port1.post_message(&vec![7])?;
    assert_eq!((first.count(), second.count()), (0, 1));
    Ok(())
}

/// The same end first waits in a task, then in a thread, then in a task again.
#[test]
fn the_last_kind_of_waiter_is_woken() -> Outcome {
    let _watchdog = Watchdog::start();
    let (mut port1, mut port2) = channel();
    let (calls, waker) = Wakes::watched();
    assert!(port2.poll_recv(&mut Context::from_waker(&waker)).is_pending());
    let thread = spawn_asleep(move || {
        let received = port2.recv().map(|message| message.len());
        (received, port2)
    });
    port1.post_message(&vec![7; 3])?;
    let (received, mut port2) = thread.join().unwrap();
    assert_eq!((received?, calls.count()), (3, 0));

    assert!(port2.poll_recv(&mut Context::from_waker(&waker)).is_pending());
    port1.post_message(&vec![7; 4])?;
    assert_eq!(calls.count(), 1);
    assert_eq!(port2.try_recv()?.len(), 4);
    drop(waker);
    assert_released(&calls);
    Ok(())
}

/// M4: none is sent when nobody sleeps.
#[test]
fn m4_a_task_is_woken_once_until_it_polls_again() -> Outcome {
    let (mut port1, mut port2) = channel();
    let (calls, waker) = Wakes::watched();
    assert!(port2.poll_recv(&mut Context::from_waker(&waker)).is_pending());
    for _ in 0..3 {
        port1.post_message(&vec![7])?;
    }
    assert_eq!(calls.count(), 1);
    for _ in 0..3 {
        assert!(port2.poll_recv(&mut Context::from_waker(&waker)).is_ready());
    }
    port1.post_message(&vec![7])?;
    assert_eq!(calls.count(), 1, "it found a message and does not wait");
    Ok(())
}

/// The receiver of small messages does not wake a task for each of them.
#[test]
fn m4_a_post_is_woken_when_there_is_enough_room() -> Outcome {
    let (mut port1, mut port2) = channel();
    fill(&mut port1, 0);
    let (calls, waker) = Wakes::watched();
    let message = vec![2; 100];
    let mut posting = pin!(port1.post_message_async(&message));
    assert!(poll(posting.as_mut(), &waker).is_pending());
    let mut received = 0;
    while calls.count() == 0 {
        assert!(port2.recv()?.is_empty());
        received += 1;
    }
    // The archive of 100 bytes and its header fill at least seven slots of 16 bytes, and each of
    // the empty messages takes one.
    assert!(received >= 7, "woken after {received} messages");
    assert!(poll(posting.as_mut(), &waker).is_ready(), "woken in vain");
    Ok(())
}

#[test]
fn a_dropped_future_keeps_no_task() {
    for length in LENGTHS {
        let (mut port1, mut port2) = channel();
        let (calls, waker) = Wakes::watched();
        assert!(poll(pin!(port2.recv_async()), &waker).is_pending());
        assert!(poll(pin!(port2.run_async()), &waker).is_pending());
        fill(&mut port1, length);
        assert!(poll(pin!(port1.post_message_async(&vec![2; length])), &waker).is_pending());
        // Now with messages that wait for a handler.
        assert!(poll(pin!(port2.run_async()), &waker).is_pending());
        drop(waker);
        assert_released(&calls);
        drop((port1, port2));
        assert_eq!(calls.count(), 0);
    }
}

#[test]
fn a_completed_future_keeps_no_task() -> Outcome {
    let (mut port1, mut port2) = channel();
    let (calls, waker) = Wakes::watched();
    {
        let mut receiving = pin!(port2.recv_async());
        assert!(poll(receiving.as_mut(), &waker).is_pending());
        // Not woken by a message but finding one: another poll came first.
        port1.post_message(&vec![7])?;
        assert!(matches!(poll(receiving.as_mut(), &waker), Poll::Ready(Ok(_))));
        drop(waker);
        assert_released(&calls);
    }
    Ok(())
}

#[test]
fn a_woken_task_is_let_go_at_once() -> Outcome {
    let (mut port1, mut port2) = channel();
    let (calls, waker) = Wakes::watched();
    assert!(port2.poll_recv(&mut Context::from_waker(&waker)).is_pending());
    drop(waker);
    assert_eq!(Arc::strong_count(&calls), 2, "it waits to be woken");
    port1.post_message(&vec![7])?;
    assert_eq!(calls.count(), 1);
    assert_released(&calls);
    Ok(())
}

#[test]
fn a_dropped_port_keeps_no_task() {
    for split in [false, true] {
        let (mut port1, _port2) = channel();
        fill(&mut port1, 30);
        let ((room, waker1), (news, waker2)) = (Wakes::watched(), Wakes::watched());
        let pending = port1.poll_post_message(&mut Context::from_waker(&waker1), &vec![2; 30]);
        assert!(pending.is_pending());
        assert!(port1.poll_recv(&mut Context::from_waker(&waker2)).is_pending());
        drop((waker1, waker2));
        assert_eq!((Arc::strong_count(&room), Arc::strong_count(&news)), (2, 2));
        if split {
            let (sender, receiver) = port1.into_split();
            drop(sender);
            assert_released(&room);
            assert_eq!(Arc::strong_count(&news), 2, "the other half still waits");
            drop(receiver);
        } else {
            drop(port1);
        }
        // The channel lives on with the peer, the task does not.
        assert_released(&room);
        assert_released(&news);
        assert_eq!((room.count(), news.count()), (0, 0));
    }
}

/// A waker that was replaced, or whose future is gone, is not called.
#[test]
fn a_stale_waker_is_not_called() -> Outcome {
    let (mut port1, mut port2) = channel();
    let explosive = Explosive::waker();
    let (calls, waker) = Wakes::watched();
    assert!(port2.poll_recv(&mut Context::from_waker(&explosive)).is_pending());
    assert!(port2.poll_recv(&mut Context::from_waker(&waker)).is_pending());
    port1.post_message(&vec![7])?;
    assert_eq!(calls.count(), 1);
    assert_eq!(**port2.recv()?, [7]);

    assert!(poll(pin!(port2.recv_async()), &explosive).is_pending());
    port1.post_message(&vec![8])?;
    assert_eq!(**port2.recv()?, [8]);

    fill(&mut port1, 30);
    assert!(poll(pin!(port1.post_message_async(&vec![2; 30])), &explosive).is_pending());
    while port2.try_recv().is_ok() {}
    assert!(poll(pin!(port2.run_async()), &explosive).is_pending());
    port2.close();
    assert!(port1.is_closed());
    Ok(())
}

/// The news is out, and what comes later is as ever.
#[test]
fn a_waker_that_panics_harms_nobody_else() -> Outcome {
    let (mut port1, mut port2) = channel();
    let explosive = Explosive::waker();
    assert!(port2.poll_recv(&mut Context::from_waker(&explosive)).is_pending());
    port1.post_message(&vec![7])?;
    port1.post_message(&vec![8])?;
    assert_eq!(**block_on(port2.recv_async())?, [7]);
    assert_eq!(**block_on(port2.recv_async())?, [8]);
    let (calls, waker) = Wakes::watched();
    assert!(port2.poll_recv(&mut Context::from_waker(&waker)).is_pending());
    port1.post_message(&vec![9])?;
    assert_eq!(calls.count(), 1);
    Ok(())
}

/// The end is announced to everybody, even if the first of them panics.
#[test]
fn c1_a_waker_that_panics_does_not_keep_the_close_from_the_others() {
    for posts in [false, true] {
        for ends_itself in [false, true] {
            let (port1, mut port2) = channel();
            let (mut sender1, mut receiver1) = port1.into_split();
            while sender1.try_post_message(&vec![1; 30]).is_ok() {}
            let (calls, waker) = Wakes::watched();
            let explosive = Explosive::waker();
            let (for_post, for_recv) =
                if posts { (&explosive, &waker) } else { (&waker, &explosive) };
            let message = vec![1; 30];
            let mut posting = pin!(sender1.post_message_async(&message));
            assert!(poll(posting.as_mut(), for_post).is_pending());
            assert!(receiver1.poll_recv(&mut Context::from_waker(for_recv)).is_pending());
            if ends_itself {
                receiver1.close();
            } else {
                port2.close();
            }
            assert_eq!(calls.count(), 1, "{posts}, {ends_itself}: a task sleeps for ever");
            let ready = poll(posting.as_mut(), Waker::noop());
            assert!(matches!(ready, Poll::Ready(Err(error)) if error.is_closed()));
        }
    }
}
