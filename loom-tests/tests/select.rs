//! A select hears of everything that comes at its ports, asleep or awake.
//!
//! A wake-up that is lost is a deadlock of the model.

use std::task::{Context, Waker};
use std::time::Duration;

use loom_tests::Barriers::{Both, Full};
use loom_tests::{Model, SMALLEST, thread};
use message_port::{MessageChannel, MessagePort, Select, TryRecvError};

type Channel = MessageChannel<u64>;
type Port = MessagePort<u64>;

/// Any time: how long it is means nothing in a model.
const A_WHILE: Duration = Duration::from_millis(1);

/// Waits at a port until its channel has ended, and says what came.
fn drain(port: &mut Port) -> Vec<u64> {
    let mut select = Select::new();
    let port = select.recv(port);
    let mut numbers = Vec::new();
    loop {
        assert!(select.ready() == port);
        match select[port].try_recv() {
            Ok(number) => numbers.push(number.to_native()),
            Err(TryRecvError::Empty) => panic!("ready, and merely empty"),
            Err(_) => return numbers,
        }
    }
}

/// A sleeping select is woken by each post, and by the close behind them.
#[test]
fn a_post_and_a_close_wake_the_select() {
    Model::with(Full).check(|_| {
        let Channel { mut port1, mut port2 } = Channel::with_capacity(SMALLEST);
        let selecting = thread::spawn(move || assert_eq!(drain(&mut port2), [1]));
        port1.try_post_message(&1).unwrap();
        port1.close();
        selecting.join().unwrap();
    });
}

/// A sleeping select is woken when the peer of a port is dropped.
#[test]
fn a_drop_wakes_the_select() {
    Model::with(Full).preemptions(3).check(|_| {
        let Channel { port1, mut port2 } = Channel::with_capacity(SMALLEST);
        let selecting = thread::spawn(move || assert!(drain(&mut port2).is_empty()));
        drop(port1);
        selecting.join().unwrap();
    });
}

/// Makes a channel on the heap: loom gives a model little stack.
#[inline(never)]
fn channel() -> (Box<Port>, Box<Port>) {
    let Channel { port1, port2 } = Channel::with_capacity(SMALLEST);
    (Box::new(port1), Box::new(port2))
}

/// Posts on another thread.
#[inline(never)]
fn post_one(mut port: Box<Port>) -> thread::JoinHandle<Box<Port>> {
    thread::spawn(move || {
        port.try_post_message(&1).unwrap();
        port
    })
}

/// A select whose two ports are woken at the same time finds both, whichever is first.
#[test]
fn two_ports_wake_one_select() {
    Model::with(Full).reaches(&["the first", "the second"]).check(|run| {
        let (peer1, mut port1) = channel();
        let (peer2, mut port2) = channel();
        let mut select = Select::new();
        let port1 = select.recv(&mut *port1);
        let port2 = select.recv(&mut *port2);
        let posting = [post_one(peer1), post_one(peer2)];
        let first = select.ready();
        run.reached(if first == port1 { "the first" } else { "the second" });
        let other = if first == port1 { port2 } else { port1 };
        select[if first == port1 { port1 } else { port2 }].try_recv().unwrap();
        assert!(select.ready() == other, "a port that has nothing is ready");
        select[other].try_recv().unwrap();
        assert!(select.try_ready().is_none());
        drop(select);
        for thread in posting {
            thread.join().unwrap();
        }
    });
}

/// A port that was used while it slept is looked at again: the use has taken the place of the
/// select, and has left nobody there who would wake it.
#[test]
fn a_port_that_was_used_meanwhile_wakes_the_select() {
    Model::with(Full).preemptions(3).reaches(&["at once", "later"]).check(|run| {
        let Channel { port1, mut port2 } = Channel::with_capacity(SMALLEST);
        let posting = post_one(Box::new(port1));
        let mut select = Select::new();
        let port = select.recv(&mut port2);
        if select.ready_timeout(A_WHILE).is_some() {
            run.reached("at once");
        } else if select[port].poll_recv(&mut Context::from_waker(Waker::noop())).is_pending() {
            run.reached("later");
            assert!(select.ready() == port);
        }
        drop(select);
        posting.join().unwrap();
    });
}

/// A port that is removed while somebody takes the waker that the select has left in it loses no
/// message, and whoever waits for one there now is woken. So is the select for a port that gets the
/// place.
#[test]
fn a_port_is_removed_while_it_is_woken() {
    Model::with(Both).preemptions(2).check(|_| {
        let (peer1, mut port1) = channel();
        let (peer2, mut port2) = channel();
        let mut select = Select::new();
        let key = select.recv(&mut *port1);
        assert!(select.ready_timeout(A_WHILE).is_none());
        let posting = post_one(peer1);
        let port1 = select.remove(key).unwrap();
        let key = select.recv(&mut *port2);
        assert_eq!(*port1.recv().unwrap(), 1);
        let _peer1 = posting.join().unwrap();
        // The bell of a port that is not there any more.
        assert!(select.ready_timeout(A_WHILE).is_none());
        let posting = post_one(peer2);
        assert!(select.ready() == key);
        let _peer2 = posting.join().unwrap();
    });
}

/// What was posted before a call that does not wait is found by it, whoever is just being woken for
/// it.
#[test]
fn a_call_that_does_not_wait_finds_what_is_there() {
    Model::with(Full).preemptions(3).reaches(&["found", "nothing yet"]).check(|run| {
        let (peer, mut port) = channel();
        let mut select = Select::new();
        let key = select.recv(&mut *port);
        assert!(select.ready_timeout(A_WHILE).is_none());
        let posting = post_one(peer);
        match select.try_ready() {
            None => run.reached("nothing yet"),
            Some(ready) => {
                run.reached("found");
                assert!(ready == key);
                // Still there, though the thread that posted may be on its way to ring.
                assert!(select.try_ready().is_some(), "what was found is not found again");
            }
        }
        let _peer = posting.join().unwrap();
        assert!(select.try_ready().is_some(), "a message is not found");
    });
}
