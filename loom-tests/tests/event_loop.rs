//! An event loop hears of everything that is left for it, asleep, awake or inside a foreign loop.
//!
//! A call that is lost is a deadlock of the model.

use std::sync::Arc;
use std::time::Duration;

use loom_tests::Barriers::{Both, Full};
use loom_tests::tasks::Signal;
use loom_tests::{Log, Model, SMALLEST, thread};
use message_port::{EventLoop, MessageChannel, MessagePort};
use std::task::Wake;

type Channel = MessageChannel<u64>;
type Port = MessagePort<u64>;

/// A port that notes what arrives, and its close as 0.
fn noting(mut port: Port, log: &Log<u64>) -> Port {
    let (messages, close) = (log.clone(), log.clone());
    port.set_onmessage(move |event| messages.push(event.data().to_native()));
    port.set_onclose(move |_| close.push(0));
    port
}

/// A loop with one such port, on a thread of its own; it ends with the channel.
fn running(port: Port, log: &Log<u64>) -> thread::JoinHandle<()> {
    let port = noting(port, log);
    thread::spawn(move || {
        let mut events = EventLoop::new();
        events.add(port);
        events.run().unwrap();
        assert!(events.is_empty(), "a port is left");
    })
}

/// A sleeping loop is woken by each post, and by the close behind them.
#[test]
fn a_post_and_a_close_wake_the_loop() {
    Model::with(Full).check(|_| {
        let Channel { mut port1, port2 } = Channel::with_capacity(SMALLEST);
        let log = Log::new();
        let events = running(port2, &log);
        port1.try_post_message(&1).unwrap();
        port1.close();
        events.join().unwrap();
        assert_eq!(log.entries(), [1, 0]);
    });
}

/// A sleeping loop is woken when the peer of its port is dropped.
#[test]
fn a_drop_wakes_the_loop() {
    Model::with(Full).preemptions(3).check(|_| {
        let Channel { port1, port2 } = Channel::with_capacity(SMALLEST);
        let log = Log::new();
        let events = running(port2, &log);
        drop(port1);
        events.join().unwrap();
        assert!(log.entries().is_empty());
    });
}

/// Of a port whose messages wait for a handler, the end is noticed.
#[test]
fn a_close_wakes_the_loop_of_a_port_without_a_handler() {
    Model::with(Full).check(|_| {
        let Channel { mut port1, port2 } = Channel::with_capacity(SMALLEST);
        port1.try_post_message(&1).unwrap();
        let events = thread::spawn(move || {
            let mut events = EventLoop::new();
            events.add(port2);
            events.run().unwrap();
            assert_eq!(events.len(), 1, "a message is lost");
        });
        port1.close();
        events.join().unwrap();
    });
}

/// A loop that sleeps for a quiet port is woken by a stop.
#[test]
fn a_stop_wakes_the_loop() {
    Model::with(Full).preemptions(3).check(|_| {
        let Channel { port1: _quiet, port2 } = Channel::with_capacity(SMALLEST);
        let mut events = EventLoop::new();
        events.add(port2);
        let handle = events.handle();
        let running = thread::spawn(move || {
            events.run().unwrap();
            events
        });
        handle.stop();
        running.join().unwrap();
    });
}

/// A loop that sleeps in `run_once` is woken by hand.
#[test]
fn a_wake_wakes_the_loop() {
    Model::with(Full).preemptions(3).check(|_| {
        let Channel { port1: _quiet, port2 } = Channel::with_capacity(SMALLEST);
        let mut events = EventLoop::new();
        events.add(port2);
        let handle = events.handle();
        let running = thread::spawn(move || {
            assert_eq!(events.run_once(None).unwrap(), 0);
            events
        });
        handle.wake();
        running.join().unwrap();
    });
}

/// A loop that sleeps for a quiet port serves one that is added meanwhile.
#[test]
fn an_added_port_wakes_the_loop() {
    Model::with(Full).preemptions(3).check(|_| {
        let Channel { port1: _quiet, port2 } = Channel::with_capacity(SMALLEST);
        let Channel { port1: mut added, port2: _peer } = Channel::with_capacity(SMALLEST);
        added.close();
        let log = Log::new();
        let added = noting(added, &log);
        let mut events = EventLoop::new();
        events.add(port2);
        let handle = events.handle();
        let running = thread::spawn(move || {
            assert_eq!(events.run_once(None).unwrap(), 1);
            events
        });
        handle.add(added);
        running.join().unwrap();
        assert_eq!(log.entries(), [0]);
    });
}

/// A port that is added while the loop is dropped is dropped as well: its peer is disconnected.
#[test]
fn a_port_does_not_outlive_its_loop() {
    Model::with(Both).preemptions(3).reaches(&["early"]).check(|run| {
        let Channel { port1, mut port2 } = Channel::with_capacity(SMALLEST);
        let events = EventLoop::new();
        let handle = events.handle();
        let run = run.clone();
        let dropping = thread::spawn(move || {
            if events.len() == 1 {
                run.reached("early");
            }
            drop(events);
        });
        handle.add(port1);
        dropping.join().unwrap();
        assert!(port2.try_recv().unwrap_err().is_disconnected(), "a port is kept");
        drop(handle);
    });
}

/// A foreign loop, which serves its ports only when the hook has called, until there are none.
fn foreign(port: Port) {
    let mut events = EventLoop::new();
    events.add(port);
    let signal = Signal::new();
    let called = Arc::clone(&signal);
    events.set_wake_hook(move || called.wake_by_ref());
    while !events.is_empty() {
        signal.wait();
        events.run_once(Some(Duration::ZERO)).unwrap();
    }
}

/// A foreign loop is called for a post and for a close, whether it was just serving its ports or not.
#[test]
fn the_hook_is_called_for_a_post_and_a_close() {
    Model::with(Full).preemptions(4).check(|_| {
        let Channel { mut port1, port2 } = Channel::with_capacity(SMALLEST);
        let log = Log::new();
        let port2 = noting(port2, &log);
        let events = thread::spawn(move || foreign(port2));
        port1.try_post_message(&1).unwrap();
        port1.close();
        events.join().unwrap();
        assert_eq!(log.entries(), [1, 0]);
    });
}

/// Of a call by hand that comes while the ports are served, either this notices or the hook.
#[test]
fn the_hook_is_called_for_a_wake_that_nobody_notices() {
    Model::with(Both).preemptions(3).reaches(&["noticed", "left"]).check(|run| {
        let Channel { port1: _quiet, port2 } = Channel::with_capacity(SMALLEST);
        let mut events = EventLoop::new();
        events.add(port2);
        events.run_once(Some(Duration::ZERO)).unwrap();
        let calls = Log::new();
        let hook = calls.clone();
        events.set_wake_hook(move || hook.push(()));
        let handle = events.handle();
        let waking = thread::spawn(move || handle.wake());
        events.run_once(Some(Duration::ZERO)).unwrap();
        waking.join().unwrap();

        let left = Log::new();
        let hook = left.clone();
        events.set_wake_hook(move || hook.push(()));
        match left.entries()[..] {
            [] => run.reached("noticed"),
            [()] => {
                run.reached("left");
                assert_eq!(calls.entries(), [()], "a call to the foreign loop is lost");
            }
            _ => panic!("called twice"),
        }
    });
}

/// The hook is called at most once between two turns, though it is replaced while somebody calls,
/// and the former one not at all from then on.
#[test]
fn a_hook_that_is_replaced_is_not_called_twice() {
    Model::with(Both).preemptions(3).reaches(&["the former", "the new one"]).check(|run| {
        let mut events = EventLoop::new();
        let former = Log::new();
        let hook = former.clone();
        events.set_wake_hook(move || hook.push(()));
        let handle = events.handle();
        let waking = thread::spawn(move || handle.wake());
        let new = Log::new();
        let hook = new.clone();
        events.set_wake_hook(move || hook.push(()));
        let before = former.entries().len();
        waking.join().unwrap();
        assert_eq!(former.entries().len(), before, "the former hook is still called");
        match (before, new.entries().len()) {
            (1, 0 | 1) => run.reached("the former"),
            (0, 1) => run.reached("the new one"),
            calls => panic!("a call is lost, or there are too many: {calls:?}"),
        }
    });
}

/// When the loop is gone, nobody is in its hook.
#[test]
fn the_hook_does_not_outlive_its_loop() {
    Model::with(Both).preemptions(3).reaches(&["called", "not called"]).check(|run| {
        let mut events = EventLoop::new();
        let log = Log::new();
        let hook = log.clone();
        events.set_wake_hook(move || {
            hook.push("in");
            thread::yield_now();
            hook.push("out");
        });
        let handle = events.handle();
        let waking = thread::spawn(move || handle.wake());
        drop(events);
        let entries = log.entries();
        assert!(entries.len() % 2 == 0, "the hook still runs");
        waking.join().unwrap();
        assert_eq!(log.entries(), entries, "the hook is called after all");
        run.reached(if entries.is_empty() { "not called" } else { "called" });
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

/// Of several ports that ring while the loop listens, each has its turn.
#[test]
fn every_port_that_rings_is_heard() {
    Model::with(Full).preemptions(3).check(|_| {
        let mut events = EventLoop::new();
        let log = Log::new();
        let mut peers: Vec<_> = (0..2).map(|_| add_port(&mut events, &log)).collect();
        assert_eq!(events.run_once(Some(Duration::ZERO)).unwrap(), 0);
        let posting = thread::spawn(move || {
            for (number, peer) in (1..).zip(&mut peers) {
                peer.try_post_message(&number).unwrap();
            }
            peers
        });
        let mut heard = 0;
        while heard < 2 {
            heard += events.run_once(None).unwrap();
        }
        assert_eq!(log.entries(), [1, 2], "a port is heard out of order");
        posting.join().unwrap();
    });
}

/// A port that rings while it is removed rings for nobody else, though another one takes its place.
#[test]
fn a_port_that_is_removed_while_it_rings_disturbs_nobody() {
    Model::with(Both).preemptions(3).check(|_| {
        let Channel { mut port1, port2 } = Channel::with_capacity(SMALLEST);
        let Channel { port1: next, port2: mut next_peer } = Channel::with_capacity(SMALLEST);
        let (log, next_log) = (Log::new(), Log::new());
        let mut events = EventLoop::new();
        let id = events.add(noting(port2, &log));
        assert_eq!(events.run_once(Some(Duration::ZERO)).unwrap(), 0);
        let posting = thread::spawn(move || {
            port1.try_post_message(&1).unwrap();
            port1
        });
        let mut removed = events.remove::<u64, u64>(id).unwrap();
        events.add(noting(next, &next_log));
        assert_eq!(events.run_once(Some(Duration::ZERO)).unwrap(), 0);
        next_peer.try_post_message(&2).unwrap();
        assert_eq!(events.run_once(None).unwrap(), 1);
        posting.join().unwrap();
        assert_eq!(removed.dispatch().unwrap(), 1);
        assert_eq!((log.entries(), next_log.entries()), (vec![1], vec![2]));
    });
}

/// A port that is borrowed while it rings has its turn, with what it was given meanwhile.
#[test]
fn a_port_that_is_borrowed_while_it_rings_is_served() {
    Model::with(Full).preemptions(3).check(|_| {
        let Channel { mut port1, port2 } = Channel::with_capacity(SMALLEST);
        let log = Log::new();
        let mut events = EventLoop::new();
        let id = events.add(port2);
        assert_eq!(events.run_once(Some(Duration::ZERO)).unwrap(), 0);
        let posting = thread::spawn(move || {
            port1.try_post_message(&1).unwrap();
            port1
        });
        let noted = log.clone();
        let port = events.port_mut::<u64, u64>(id).unwrap();
        port.set_onmessage(move |event| noted.push(event.data().to_native()));
        assert_eq!(events.run_once(None).unwrap(), 1);
        assert_eq!(log.entries(), [1]);
        posting.join().unwrap();
    });
}

/// A loop that a guard keeps running hears of the port that comes before the guard goes, and of
/// the end behind it.
#[test]
fn a_guard_holds_until_the_port_is_there() {
    Model::with(Both).preemptions(3).check(|_| {
        let Channel { port1: mut added, port2: _peer } = Channel::with_capacity(SMALLEST);
        added.close();
        let log = Log::new();
        let added = noting(added, &log);
        let mut events = EventLoop::new();
        let handle = events.handle();
        let guard = handle.keep_running();
        let running = thread::spawn(move || {
            events.run().unwrap();
            assert!(events.is_empty(), "a port is left");
        });
        handle.add(added);
        drop(guard);
        running.join().unwrap();
        assert_eq!(log.entries(), [0], "the loop ended without its port");
    });
}
