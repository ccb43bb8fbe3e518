//! No wake is lost: whoever sleeps is woken by what it waits for.
//!
//! A lost wake is a deadlock of the model.

use std::sync::Arc;
use std::task::{Context, Waker};
use std::time::Duration;

use loom_tests::Barriers::{Asked, Both, Full, Heavy};
use loom_tests::layouts::{Filling, Framed, FramedFilling, Numbered};
use loom_tests::tasks::Signal;
use loom_tests::{Model, SMALLEST, both_layouts, thread};
use message_port::{Message, MessageChannel, MessagePort};

type Channel = MessageChannel<u64>;

/// Characters of a message that takes three slots; behind a ring full of empty ones it needs four,
/// since it does not fit the last slot of the lap.
const LONG: usize = 32;

/// Posts until the direction is full, without waiting.
fn fill<Out: Message>(port: &mut MessagePort<Out>, message: &Out) {
    while port.try_post_message(message).is_ok() {}
}

/// A receiver that goes to sleep is woken by a post.
fn a_post_wakes_the_receiver<M: Numbered>() {
    Model::with(Full).preemptions(4).check(|_| {
        let MessageChannel { mut port1, mut port2 } = MessageChannel::<M>::with_capacity(SMALLEST);
        let receiver = thread::spawn(move || {
            assert_eq!(M::number(&port2.recv().unwrap()), 1);
            assert_eq!(M::number(&port2.recv().unwrap()), 2);
            port2
        });
        port1.post_message(&M::of(1)).unwrap();
        port1.post_message(&M::of(2)).unwrap();
        receiver.join().unwrap();
    });
}

/// A receiver that goes to sleep is woken by a close.
#[test]
fn a_close_wakes_the_receiver() {
    Model::with(Full).preemptions(4).check(|_| {
        let Channel { mut port1, mut port2 } = Channel::with_capacity(SMALLEST);
        let receiver = thread::spawn(move || assert!(port2.recv().unwrap_err().is_closed()));
        port1.close();
        receiver.join().unwrap();
    });
}

/// A receiver that goes to sleep is woken by a drop.
#[test]
fn a_drop_wakes_the_receiver() {
    Model::with(Full).preemptions(4).check(|_| {
        let Channel { port1, mut port2 } = Channel::with_capacity(SMALLEST);
        let receiver = thread::spawn(move || assert!(port2.recv().unwrap_err().is_disconnected()));
        drop(port1);
        receiver.join().unwrap();
    });
}

/// A sender that goes to sleep is woken by the release of a message.
fn a_release_wakes_the_sender<M: Numbered>() {
    Model::with(Full).preemptions(3).check(|_| {
        let MessageChannel { mut port1, mut port2 } = MessageChannel::<M>::with_capacity(SMALLEST);
        fill(&mut port1, &M::of(0));
        let sender = thread::spawn(move || {
            port1.post_message(&M::of(1)).unwrap();
            port1
        });
        drop(port2.try_recv().unwrap());
        sender.join().unwrap();
    });
}

/// Where a thread sleeps often, both sides execute fences, whatever the light barriers order.
#[test]
fn a_thread_that_sleeps_often_is_woken() {
    Model::with(Asked).preemptions(3).check(|_| {
        let Channel { mut port1, mut port2 } = Channel::with_capacity(SMALLEST);
        // The second sleep asks for fences; nobody notifies meanwhile.
        for _ in 0..2 {
            assert!(port2.recv_timeout(Duration::from_millis(1)).unwrap_err().is_timeout());
        }
        let sender = thread::spawn(move || {
            port1.post_message(&1).unwrap();
            port1
        });
        assert_eq!(*port2.recv().unwrap(), 1);
        sender.join().unwrap();
    });
}

/// Who woke a thread whose deadline had passed has not woken the task that waits next at the same end: that
/// task sees what was published, or is woken itself.
#[test]
fn a_task_is_woken_after_a_thread_gave_up() {
    Model::with(Asked).preemptions(3).check(|_| {
        let Channel { mut port1, mut port2 } = Channel::with_capacity(SMALLEST);
        let signal = Signal::new();
        let waker = Waker::from(Arc::clone(&signal));
        let mut cx = Context::from_waker(&waker);
        // The second wait asks for fences, behind the heavy barrier, which orders nothing here.
        for _ in 0..2 {
            assert!(port2.poll_recv(&mut cx).is_pending());
        }
        let sender = thread::spawn(move || {
            port1.post_message(&1).unwrap();
            port1
        });
        let received = port2.recv_timeout(Duration::from_millis(1)).is_ok();
        while !received && port2.poll_recv(&mut cx).is_pending() {
            signal.wait_for_wake();
        }
        sender.join().unwrap();
    });
}

/// A sender that needs more than one release sleeps until there is enough room, and no longer.
#[test]
fn a_sender_is_woken_when_there_is_enough_room() {
    Model::with(Full).preemptions(3).check(|_| {
        let MessageChannel { mut port1, mut port2 } =
            MessageChannel::<String>::with_capacity(SMALLEST);
        fill(&mut port1, &String::new());
        let sender = thread::spawn(move || {
            port1.post_message(&"x".repeat(LONG)).unwrap();
            port1
        });
        for _ in 0..4 {
            drop(port2.try_recv().unwrap());
        }
        sender.join().unwrap();
    });
}

/// A sender that gave up waiting for much room is woken when there is a little.
#[test]
fn an_older_wish_for_room_does_not_hide_a_newer_one() {
    Model::with(Full).preemptions(3).check(|_| {
        let MessageChannel { mut port1, mut port2 } =
            MessageChannel::<String>::with_capacity(SMALLEST);
        fill(&mut port1, &String::new());
        let sender = thread::spawn(move || {
            let long = "x".repeat(LONG);
            let error = port1.post_message_timeout(&long, Duration::from_millis(1)).unwrap_err();
            assert!(error.is_timeout());
            port1.post_message(&String::new()).unwrap();
            port1
        });
        drop(port2.try_recv().unwrap());
        sender.join().unwrap();
    });
}

/// A sender that goes to sleep is woken by a close.
fn a_close_wakes_the_sender<M: Numbered>() {
    Model::with(Full).preemptions(4).check(|_| {
        let MessageChannel { mut port1, mut port2 } = MessageChannel::<M>::with_capacity(SMALLEST);
        fill(&mut port1, &M::of(0));
        let sender =
            thread::spawn(move || assert!(port1.post_message(&M::of(1)).unwrap_err().is_closed()));
        port2.close();
        sender.join().unwrap();
    });
}

/// A sender that goes to sleep is woken by a drop.
fn a_drop_wakes_the_sender<M: Numbered>() {
    Model::with(Full).preemptions(4).check(|_| {
        let MessageChannel { mut port1, port2 } = MessageChannel::<M>::with_capacity(SMALLEST);
        fill(&mut port1, &M::of(0));
        let sender = thread::spawn(move || {
            assert!(port1.post_message(&M::of(1)).unwrap_err().is_disconnected());
        });
        drop(port2);
        sender.join().unwrap();
    });
}

/// Two threads that wait for each other's messages in turn both get on.
fn requests_and_replies_wake_each_other<M: Numbered>() {
    Model::with(Full).preemptions(2).check(|_| {
        let MessageChannel { mut port1, mut port2 } = MessageChannel::<M>::with_capacity(SMALLEST);
        let peer = thread::spawn(move || {
            for _ in 0..2 {
                let request = M::number(&port2.recv().unwrap());
                port2.post_message(&M::of(request * 10)).unwrap();
            }
            port2
        });
        for request in 1..=2 {
            port1.post_message(&M::of(request)).unwrap();
            assert_eq!(M::number(&port1.recv().unwrap()), request * 10);
        }
        peer.join().unwrap();
    });
}

/// A sender and a receiver that both have to sleep, over and over, both get on.
fn a_full_and_an_empty_ring_wake_each_other<M: Numbered>() {
    Model::with(Full).preemptions(2).check(|_| {
        let MessageChannel { mut port1, mut port2 } = MessageChannel::<M>::with_capacity(SMALLEST);
        let sender = thread::spawn(move || {
            for number in 1..=3 {
                port1.post_message(&M::of(number)).unwrap();
            }
            port1
        });
        for number in 1..=3 {
            assert_eq!(M::number(&port2.recv().unwrap()), number);
        }
        sender.join().unwrap();
    });
}

/// A wait that timed out leaves nothing behind that a later wait could miss its wake by.
fn a_timed_out_wait_does_not_spoil_the_next_one<M: Numbered>() {
    Model::with(Full).preemptions(3).reaches(&["timed out", "came in time"]).check(|run| {
        let MessageChannel { mut port1, mut port2 } = MessageChannel::<M>::with_capacity(SMALLEST);
        let receiver = thread::spawn({
            let run = run.clone();
            move || {
                match port2.recv_timeout(Duration::from_millis(1)) {
                    Ok(number) => {
                        assert_eq!(M::number(&number), 1);
                        run.reached("came in time");
                    }
                    Err(error) => {
                        assert!(error.is_timeout());
                        run.reached("timed out");
                    }
                }
                while M::number(&port2.recv().unwrap()) != 2 {}
                port2
            }
        });
        port1.post_message(&M::of(1)).unwrap();
        port1.post_message(&M::of(2)).unwrap();
        receiver.join().unwrap();
    });
}

/// `run` without anything to dispatch is woken by a post, and again by a close.
#[test]
fn a_run_is_woken_by_messages_and_by_the_end() {
    Model::with(Full).preemptions(3).check(|_| {
        let Channel { mut port1, mut port2 } = Channel::with_capacity(SMALLEST);
        let runner = thread::spawn(move || {
            port2.set_onmessage(|event| {
                let reply = event.data().to_native();
                event.target().post_message(&reply)
            });
            port2.run().unwrap();
        });
        port1.post_message(&1).unwrap();
        assert_eq!(*port1.recv().unwrap(), 1);
        port1.close();
        runner.join().unwrap();
    });
}

/// `run` with a message that no handler takes is woken by a drop.
#[test]
fn a_run_without_a_handler_is_woken_by_a_drop() {
    Model::with(Full).preemptions(3).check(|_| {
        let Channel { mut port1, mut port2 } = Channel::with_capacity(SMALLEST);
        let runner = thread::spawn(move || {
            port2.run().unwrap();
            assert_eq!(port2.len(), 1);
        });
        port1.post_message(&1).unwrap();
        drop(port1);
        runner.join().unwrap();
    });
}

/// The means to wake a sleeper are in place when somebody uses them.
fn a_waker_finds_what_the_sleeper_left<M: Numbered>() {
    Model::with(Both).preemptions(4).check(|_| {
        let MessageChannel { mut port1, mut port2 } = MessageChannel::<M>::with_capacity(SMALLEST);
        let receiver = thread::spawn(move || {
            assert_eq!(M::number(&port2.recv().unwrap()), 1);
            port2
        });
        port1.post_message(&M::of(1)).unwrap();
        receiver.join().unwrap();
    });
}

/// A sender that slept for room writes only what was given back.
#[test]
fn a_sender_that_slept_writes_only_what_is_free() {
    Model::with(Heavy).preemptions(2).check(|_| {
        let MessageChannel { mut port1, mut port2 } =
            MessageChannel::<String>::with_capacity(SMALLEST);
        // Frames of 64 and 48 bytes; the third one waits for the first, the fourth one goes over it.
        port1.try_post_message(&"a".repeat(48)).unwrap();
        port1.try_post_message(&"b".repeat(32)).unwrap();
        let sender = thread::spawn(move || {
            port1.post_message(&String::new()).unwrap();
            port1.post_message(&"d".repeat(16)).unwrap();
            port1
        });
        assert_eq!(port2.recv().unwrap().as_str(), "a".repeat(48), "it changed while it was read");
        for length in [32, 0, 16] {
            assert_eq!(port2.recv().unwrap().len(), length);
        }
        sender.join().unwrap();
    });
}

both_layouts! {
    (u64, Framed<u64>):
        a_post_wakes_the_receiver,
        a_release_wakes_the_sender,
        a_close_wakes_the_sender,
        a_drop_wakes_the_sender,
        requests_and_replies_wake_each_other,
        a_timed_out_wait_does_not_spoil_the_next_one,
        a_waker_finds_what_the_sleeper_left;
    (Filling, FramedFilling): a_full_and_an_empty_ring_wake_each_other;
}
