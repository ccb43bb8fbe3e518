//! A port with a file descriptor: it becomes readable for everything that comes after it was armed.
//!
//! Only in models: on real threads the descriptor is a real one, and `tests/fd.rs` of the library is
//! about that. A wake-up that is lost is a deadlock.
#![cfg(all(message_port_loom, target_os = "linux"))]

use loom_tests::Barriers::{Both, Full};
use loom_tests::{Model, SMALLEST, thread};
use message_port::{MessageChannel, MessagePort, TryRecvError, WithFd};

type Channel = MessageChannel<u64>;

/// Goes by the protocol until the channel has ended, and says what came.
fn drain(port: MessagePort<u64>) -> (Vec<u64>, TryRecvError) {
    let mut port = WithFd::new(port).unwrap();
    let mut numbers = Vec::new();
    loop {
        match port.try_recv().map(|number| number.to_native()) {
            Ok(number) => numbers.push(number),
            Err(TryRecvError::Empty) => {
                port.arm();
                port.wait_readable();
            }
            Err(end) => return (numbers, end),
        }
    }
}

/// Each post makes the descriptor readable, and so does the close behind them.
#[test]
fn a_post_and_a_close_make_it_readable() {
    Model::with(Full).check(|_| {
        let Channel { mut port1, port2 } = Channel::with_capacity(SMALLEST);
        let polling = thread::spawn(move || {
            let (numbers, end) = drain(port2);
            assert!(numbers == [1] && end.is_closed());
        });
        port1.try_post_message(&1).unwrap();
        port1.close();
        polling.join().unwrap();
    });
}

/// Two messages, between which the descriptor may be armed at any time.
#[test]
fn it_is_armed_while_messages_come() {
    Model::with(Full).check(|_| {
        let Channel { mut port1, port2 } = Channel::with_capacity(SMALLEST);
        let polling = thread::spawn(move || {
            let (numbers, end) = drain(port2);
            assert!(numbers == [1, 2] && end.is_disconnected());
        });
        port1.try_post_message(&1).unwrap();
        port1.try_post_message(&2).unwrap();
        drop(port1);
        polling.join().unwrap();
    });
}

/// Whoever is just waking it does not meet a descriptor that is closed, nor a port that is gone.
#[test]
fn it_is_dropped_while_it_is_woken() {
    Model::with(Both).preemptions(3).check(|_| {
        let Channel { mut port1, port2 } = Channel::with_capacity(SMALLEST);
        let mut port2 = WithFd::new(port2).unwrap();
        assert!(!port2.arm());
        let posting = thread::spawn(move || {
            let posted = port1.try_post_message(&1);
            assert!(posted.is_ok() || posted.unwrap_err().is_disconnected());
        });
        drop(port2);
        posting.join().unwrap();
    });
}
