//! An event loop and its ports: several of them, and what their owner does with one while somebody is
//! just waking it.

use std::sync::Arc;
use std::task::Wake;
use std::time::Duration;

use loom_tests::Barriers::{Both, Full};
use loom_tests::tasks::Signal;
use loom_tests::{Log, Model, SMALLEST, thread};
use message_port::{EventLoop, MessageChannel, MessagePort};

type Channel = MessageChannel<u64>;

/// A port that notes what arrives, and its close as 0.
fn noting(mut port: MessagePort<u64>, log: &Log<u64>) -> MessagePort<u64> {
    let (messages, close) = (log.clone(), log.clone());
    port.set_onmessage(move |event| messages.push(event.data().to_native()));
    port.set_onclose(move |_| close.push(0));
    port
}

/// A turn that does not wait.
fn turn(events: &mut EventLoop) -> usize {
    events.run_once(Some(Duration::ZERO)).unwrap()
}

/// A port that is moved out of its loop while somebody takes the waker that the loop has left in it
/// loses no message, and whoever waits for one there now is woken.
#[test]
fn a_port_is_removed_while_it_is_woken() {
    Model::with(Both).preemptions(3).check(|_| {
        let Channel { mut port1, port2 } = Channel::with_capacity(SMALLEST);
        let mut events = EventLoop::new();
        let id = events.add(port2);
        assert_eq!(turn(&mut events), 0);
        let posting = thread::spawn(move || {
            port1.try_post_message(&1).unwrap();
            port1
        });
        let mut port2 = events.remove::<u64, u64>(id).unwrap();
        assert_eq!(*port2.recv().unwrap(), 1);
        posting.join().unwrap();
        // The bell of a port that is not there any more.
        assert_eq!(turn(&mut events), 0);
        assert!(events.is_empty());
    });
}

/// A removed port goes into another loop: it is that one that is called from now on.
#[test]
fn a_port_changes_its_loop_while_it_is_woken() {
    Model::with(Full).preemptions(2).check(|_| {
        let Channel { mut port1, port2 } = Channel::with_capacity(SMALLEST);
        let log = Log::new();
        let mut events = EventLoop::new();
        let id = events.add(noting(port2, &log));
        assert_eq!(turn(&mut events), 0);
        let posting = thread::spawn(move || {
            port1.try_post_message(&1).unwrap();
            port1.close();
        });
        let port2 = events.remove::<u64, u64>(id).unwrap();
        let mut other = EventLoop::new();
        other.add(port2);
        other.run().unwrap();
        posting.join().unwrap();
        assert_eq!(log.entries(), [1, 0], "an event is lost or out of order");
    });
}

/// A port that gets its handler while somebody wakes it has a turn for what waited in it, whether the
/// loop has noticed that wake before or not.
#[test]
fn a_port_gets_its_handler_while_it_is_woken() {
    Model::with(Full).preemptions(3).check(|_| {
        let Channel { mut port1, port2 } = Channel::with_capacity(SMALLEST);
        port1.try_post_message(&1).unwrap();
        let log = Log::new();
        let mut events = EventLoop::new();
        let id = events.add(port2);
        assert_eq!(turn(&mut events), 0, "a message was dispatched without a handler");
        let posting = thread::spawn(move || {
            port1.try_post_message(&2).unwrap();
            port1
        });
        assert_eq!(turn(&mut events), 0, "a message was dispatched without a handler");
        let port2 = events.port_mut::<u64, u64>(id).unwrap();
        let messages = log.clone();
        port2.set_onmessage(move |event| messages.push(event.data().to_native()));
        while log.entries().len() < 2 {
            events.run_once(None).unwrap();
        }
        let _port1 = posting.join().unwrap();
        assert_eq!(log.entries(), [1, 2], "a message is out of order");
    });
}

/// Makes a channel, puts one port into a loop and returns the other one.
///
/// On the heap, and not inlined: loom gives a model little stack.
#[inline(never)]
fn add_port(events: &mut EventLoop, log: &Log<u64>) -> Box<MessagePort<u64>> {
    let Channel { port1, port2 } = Channel::with_capacity(SMALLEST);
    events.add(noting(port2, log));
    Box::new(port1)
}

/// Posts on another thread.
#[inline(never)]
fn post_one(mut port: Box<MessagePort<u64>>) -> thread::JoinHandle<Box<MessagePort<u64>>> {
    thread::spawn(move || {
        port.try_post_message(&1).unwrap();
        port
    })
}

/// Has two ports in a loop that both sleep, and two threads that post to them; gives `serve` the loop
/// and the numbers that arrive.
fn with_two_ports(serve: impl FnOnce(&mut EventLoop, &Log<u64>)) {
    let log = Log::new();
    let mut events = EventLoop::new();
    let peers: Vec<_> = (0..2).map(|_| add_port(&mut events, &log)).collect();
    assert_eq!(turn(&mut events), 0);
    let posting: Vec<_> = peers.into_iter().map(post_one).collect();
    serve(&mut events, &log);
    let _peers: Vec<_> = posting.into_iter().map(|thread| thread.join().unwrap()).collect();
    assert_eq!(log.entries(), [1, 1], "a message is lost, or came twice");
}

/// A loop whose two ports are woken at the same time serves both.
#[test]
fn two_ports_wake_one_loop() {
    Model::with(Full).preemptions(2).check(|_| {
        with_two_ports(|events, log| {
            while log.entries().len() < 2 {
                events.run_once(None).unwrap();
            }
        });
    });
}

/// Of two who call a resting loop at the same time, one calls the hook.
#[test]
fn two_callers_call_the_hook_once() {
    Model::with(Both).preemptions(3).check(|_| {
        let Channel { port1: _quiet, port2 } = Channel::with_capacity(SMALLEST);
        let mut events = EventLoop::new();
        events.add(port2);
        assert_eq!(turn(&mut events), 0);
        let calls = Log::new();
        let hook = calls.clone();
        events.set_wake_hook(move || hook.push(()));
        let calling = [(); 2].map(|()| {
            let handle = events.handle();
            thread::spawn(move || handle.wake())
        });
        for thread in calling {
            thread.join().unwrap();
        }
        assert_eq!(calls.entries(), [()], "not exactly one call to the foreign loop");
        assert_eq!(turn(&mut events), 0);
    });
}

/// A foreign loop is called for both of its ports, which are woken at the same time.
#[test]
fn two_ports_call_one_foreign_loop() {
    Model::with(Full).preemptions(2).check(|_| {
        with_two_ports(|events, log| {
            let signal = Signal::new();
            let called = Arc::clone(&signal);
            events.set_wake_hook(move || called.wake_by_ref());
            while log.entries().len() < 2 {
                signal.wait();
                turn(events);
            }
        });
    });
}
