//! Tasks instead of threads: no wake is lost, no message with a dropped future.

use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use loom_tests::Barriers::{Both, Full, Heavy};
use loom_tests::steps::post;
use loom_tests::tasks::{Signal, block_on};
use loom_tests::{Log, Model, SMALLEST, thread};
use message_port::{MessageChannel, MessagePort};

type Channel = MessageChannel<u64>;

/// Polls for a message once, on behalf of a task that is never polled again.
fn poll_once(port: &mut MessagePort<u64>) -> Poll<u64> {
    let waker = Waker::from(Signal::new());
    let message = port.poll_recv(&mut Context::from_waker(&waker));
    message.map(|message| message.unwrap().to_native())
}

/// A task that waits for messages is woken by each post; the waker's slot passes back and forth.
#[test]
fn a_post_wakes_the_receiving_task() {
    Model::with(Both).preemptions(3).check(|_| {
        let Channel { mut port1, mut port2 } = Channel::with_capacity(SMALLEST);
        let receiver = thread::spawn(move || {
            block_on(async {
                assert_eq!(*port2.recv_async().await.unwrap(), 1);
                assert_eq!(*port2.recv_async().await.unwrap(), 2);
            });
            port2
        });
        post(&mut port1, &1).unwrap();
        post(&mut port1, &2).unwrap();
        receiver.join().unwrap();
    });
}

/// A task that waits for a message is woken by a close.
#[test]
fn a_close_wakes_the_receiving_task() {
    Model::with(Full).preemptions(3).check(|_| {
        let Channel { mut port1, mut port2 } = Channel::with_capacity(SMALLEST);
        let receiver = thread::spawn(move || {
            assert!(block_on(port2.recv_async()).unwrap_err().is_closed());
        });
        port1.close();
        receiver.join().unwrap();
    });
}

/// A task that waits for room is woken by a release.
#[test]
fn a_release_wakes_the_posting_task() {
    Model::with(Both).preemptions(3).check(|_| {
        let Channel { mut port1, mut port2 } = Channel::with_capacity(SMALLEST);
        while port1.try_post_message(&0).is_ok() {}
        let sender = thread::spawn(move || {
            block_on(async {
                port1.post_message_async(&1).await.unwrap();
                port1.post_message_async(&2).await.unwrap();
            });
            port1
        });
        drop(port2.try_recv().unwrap());
        drop(port2.try_recv().unwrap());
        sender.join().unwrap();
    });
}

/// A task that waits for room is woken by a drop.
#[test]
fn a_drop_wakes_the_posting_task() {
    Model::with(Full).preemptions(3).check(|_| {
        let Channel { mut port1, port2 } = Channel::with_capacity(SMALLEST);
        while port1.try_post_message(&0).is_ok() {}
        let sender = thread::spawn(move || {
            assert!(block_on(port1.post_message_async(&1)).unwrap_err().is_disconnected());
        });
        drop(port2);
        sender.join().unwrap();
    });
}

/// Polled again with another waker, it is the other one that is woken.
#[test]
fn crossfire_2_0_9_the_last_waker_counts() {
    Model::with(Both).preemptions(3).reaches(&["at once", "later"]).check(|run| {
        let Channel { mut port1, mut port2 } = Channel::with_capacity(SMALLEST);
        let run = run.clone();
        let receiver = thread::spawn(move || {
            let number = match poll_once(&mut port2) {
                Poll::Ready(number) => {
                    run.reached("at once");
                    number
                }
                Poll::Pending => {
                    run.reached("later");
                    block_on(poll_fn(|cx| {
                        port2.poll_recv(cx).map(|message| message.unwrap().to_native())
                    }))
                }
            };
            assert_eq!(number, 1);
            port2
        });
        post(&mut port1, &1).unwrap();
        receiver.join().unwrap();
    });
}

/// A future that is dropped, before or after it was woken, takes no message with it.
#[test]
fn kanal_24_a_dropped_future_takes_no_message() {
    Model::with(Both).preemptions(3).reaches(&["dropped", "ready"]).check(|run| {
        let Channel { mut port1, mut port2 } = Channel::with_capacity(SMALLEST);
        let run = run.clone();
        let receiver = thread::spawn(move || {
            let mut first = None;
            {
                let waker = Waker::from(Signal::new());
                let mut future = std::pin::pin!(port2.recv_async());
                if let Poll::Ready(number) = future.as_mut().poll(&mut Context::from_waker(&waker))
                {
                    first = Some(number.unwrap().to_native());
                }
            }
            run.reached(if first.is_some() { "ready" } else { "dropped" });
            // A thread where a task was before.
            let number = first.unwrap_or_else(|| port2.recv().unwrap().to_native());
            assert_eq!(number, 1, "the message went with the future");
            port2
        });
        post(&mut port1, &1).unwrap();
        receiver.join().unwrap();
    });
}

/// The waker of a task is dropped with the future, not with the channel.
#[test]
fn a_dropped_future_lets_go_of_its_task() {
    Model::with(Both).preemptions(3).check(|_| {
        let Channel { mut port1, mut port2 } = Channel::with_capacity(SMALLEST);
        let receiver = thread::spawn(move || {
            let signal = Signal::new();
            let waker = Waker::from(Arc::clone(&signal));
            {
                let mut future = std::pin::pin!(port2.recv_async());
                let _ = future.as_mut().poll(&mut Context::from_waker(&waker)).is_ready();
            }
            drop(waker);
            (port2, signal)
        });
        let _ = port1.try_post_message(&1);
        let (port2, signal) = receiver.join().unwrap();
        assert_eq!(Arc::strong_count(&signal), 1, "the task is kept alive");
        drop(port2);
    });
}

/// `run_async` without anything to dispatch is woken by a post and by a close.
#[test]
fn a_running_task_is_woken_by_messages_and_by_the_end() {
    Model::with(Full).preemptions(3).check(|_| {
        let Channel { mut port1, mut port2 } = Channel::with_capacity(SMALLEST);
        let log = Log::new();
        let events = log.clone();
        let runner = thread::spawn(move || {
            let messages = events.clone();
            port2.set_onmessage(move |event| messages.push(event.data().to_native()));
            port2.set_onclose(move |_| events.push(0));
            block_on(port2.run_async()).unwrap();
        });
        post(&mut port1, &1).unwrap();
        port1.close();
        runner.join().unwrap();
        assert_eq!(log.entries(), [1, 0], "an event is lost or out of order");
    });
}

/// Where a task is suspended often, both sides execute fences, whatever the light barriers order.
#[test]
fn a_task_that_is_suspended_often_is_woken() {
    Model::with(Heavy).preemptions(3).check(|_| {
        let Channel { mut port1, mut port2 } = Channel::with_capacity(SMALLEST);
        let signal = Signal::new();
        let waker = Waker::from(Arc::clone(&signal));
        let mut cx = Context::from_waker(&waker);
        // The second suspension asks for fences; nobody notifies meanwhile.
        for _ in 0..2 {
            assert!(port2.poll_recv(&mut cx).is_pending());
        }
        let sender = thread::spawn(move || {
            post(&mut port1, &1).unwrap();
            port1
        });
        while port2.poll_recv(&mut cx).map(|message| assert_eq!(*message.unwrap(), 1)).is_pending()
        {
            signal.wait_for_wake();
        }
        sender.join().unwrap();
    });
}
