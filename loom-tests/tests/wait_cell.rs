//! One wait cell, and more than one kind of owner or of notifier.
//!
//! A lost wake is a deadlock of the model.

use loom_tests::Barriers::{Both, Full};
use loom_tests::tasks::block_on;
use loom_tests::{Log, Model, SMALLEST, thread};
use message_port::MessageChannel;
use std::sync::Arc;
use std::task::{Context, Wake, Waker};

type Channel = MessageChannel<u64>;

/// A receiver that slept as a thread sleeps as a task, while whoever woke the thread may still be at
/// the cell.
#[test]
fn a_task_waits_where_a_thread_has_waited() {
    Model::with(Both).preemptions(3).check(|_| {
        let Channel { mut port1, mut port2 } = Channel::with_capacity(SMALLEST);
        let receiver = thread::spawn(move || {
            assert_eq!(*port2.recv().unwrap(), 1);
            assert_eq!(*block_on(port2.recv_async()).unwrap(), 2);
            port2
        });
        port1.try_post_message(&1).unwrap();
        port1.try_post_message(&2).unwrap();
        receiver.join().unwrap();
    });
}

/// A receiver that slept as a task sleeps as a thread, while whoever woke the task may still be
/// taking the waker.
#[test]
fn a_thread_waits_where_a_task_has_waited() {
    Model::with(Both).preemptions(3).check(|_| {
        let Channel { mut port1, mut port2 } = Channel::with_capacity(SMALLEST);
        let receiver = thread::spawn(move || {
            assert_eq!(*block_on(port2.recv_async()).unwrap(), 1);
            assert_eq!(*port2.recv().unwrap(), 2);
            port2
        });
        port1.try_post_message(&1).unwrap();
        port1.try_post_message(&2).unwrap();
        receiver.join().unwrap();
    });
}

/// The same for a sender that waits for room.
#[test]
fn a_sending_thread_waits_where_a_task_has_waited() {
    Model::with(Full).preemptions(3).check(|_| {
        let Channel { mut port1, mut port2 } = Channel::with_capacity(SMALLEST);
        while port1.try_post_message(&0).is_ok() {}
        let sender = thread::spawn(move || {
            block_on(port1.post_message_async(&1)).unwrap();
            port1.post_message(&2).unwrap();
            port1
        });
        drop(port2.try_recv().unwrap());
        drop(port2.try_recv().unwrap());
        sender.join().unwrap();
    });
}

/// A post and a close by the other half of its port come to a sleeping thread at the same time. Both
/// are noticed.
#[test]
fn two_notifiers_wake_one_thread() {
    Model::with(Full).preemptions(2).reaches(&["accepted", "refused"]).check(|run| {
        let Channel { port1, mut port2 } = Channel::with_capacity(SMALLEST);
        let (mut sender, mut receiver) = port1.into_split();
        let posting = thread::spawn(move || (sender.try_post_message(&1).is_ok(), sender));
        let closing = thread::spawn(move || {
            receiver.close();
            receiver
        });
        let first = port2.recv().map(|number| number.to_native()).ok();
        if first.is_some() {
            assert!(port2.recv().unwrap_err().is_closed());
        }
        let _receiver = closing.join().unwrap();
        let (accepted, _sender) = posting.join().unwrap();
        assert_eq!(first, accepted.then_some(1), "accepted and not delivered, or refused");
        run.reached(if accepted { "accepted" } else { "refused" });
    });
}

/// A post and a close by the other half of the own port come to a suspended task at the same time:
/// one of the two takes its waker.
#[test]
fn two_notifiers_wake_one_task() {
    Model::with(Full).preemptions(2).reaches(&["received", "closed"]).check(|run| {
        let Channel { mut port1, port2 } = Channel::with_capacity(SMALLEST);
        let (mut sender, mut receiver) = port2.into_split();
        let posting = thread::spawn(move || {
            let _ = port1.try_post_message(&1);
            port1
        });
        let closing = thread::spawn(move || {
            sender.close();
            sender
        });
        block_on(async {
            let has_message = receiver.recv_async().await.is_ok();
            run.reached(if has_message { "received" } else { "closed" });
            if has_message {
                assert!(receiver.recv_async().await.unwrap_err().is_closed());
            }
        });
        let _port1 = posting.join().unwrap();
        let _sender = closing.join().unwrap();
    });
}

/// Notes each wake.
struct Noting(Log<()>);

impl Wake for Noting {
    fn wake(self: Arc<Self>) {
        self.0.push(());
    }
}

/// Of two notifiers that find a task suspended, one takes its waker.
#[test]
fn a_waker_is_taken_once() {
    Model::with(Both).preemptions(2).reaches(&["woken", "ready"]).check(|run| {
        let Channel { mut port1, port2 } = Channel::with_capacity(SMALLEST);
        let (mut sender, mut receiver) = port2.into_split();
        let log = Log::new();
        let waker = Waker::from(Arc::new(Noting(log.clone())));
        let posting = thread::spawn(move || {
            let _ = port1.try_post_message(&1);
            port1
        });
        let closing = thread::spawn(move || {
            sender.close();
            sender
        });
        let is_ready = receiver.poll_recv(&mut Context::from_waker(&waker)).is_ready();
        let _port1 = posting.join().unwrap();
        let _sender = closing.join().unwrap();
        match log.entries()[..] {
            // It may have been armed, and disarmed again when the message was seen.
            [] if is_ready => run.reached("ready"),
            // Without light barriers a wake may be lost.
            [] => {}
            [()] => run.reached("woken"),
            _ => panic!("woken twice"),
        }
    });
}
