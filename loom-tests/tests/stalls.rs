//! Two ports that wait for room on each other: one of them is told, and nobody without need.

use loom_tests::Barriers::Full;
use loom_tests::{Model, SMALLEST, thread};
use message_port::{MessageChannel, MessagePort, PostError};

type Channel = MessageChannel<u64>;

/// A channel without room in either direction.
fn full() -> (MessagePort<u64>, MessagePort<u64>) {
    let Channel { mut port1, mut port2 } = Channel::with_capacity(SMALLEST);
    while port1.try_post_message(&0).is_ok() {}
    while port2.try_post_message(&0).is_ok() {}
    (port1, port2)
}

/// Posts; if that would never end, makes room for the other one instead. Says which it was.
fn post_or_receive(port: &mut MessagePort<u64>) -> bool {
    match port.post_message(&1) {
        Ok(()) => false,
        Err(PostError::WouldDeadlock) => {
            drop(port.recv().unwrap());
            true
        }
        Err(error) => panic!("{error}"),
    }
}

/// Of two ports that wait for room on each other one is refused; never both, never none.
#[test]
fn one_of_two_stuck_ports_is_refused() {
    let cases = &["the first", "the second"];
    Model::with(Full).preemptions(3).reaches(cases).check(|run| {
        let (mut port1, mut port2) = full();
        let peer = thread::spawn(move || (post_or_receive(&mut port1), port1));
        let refused2 = post_or_receive(&mut port2);
        let (refused1, _port1) = peer.join().unwrap();
        assert!(refused1 != refused2, "not exactly one was refused");
        run.reached(cases[usize::from(refused2)]);
    });
}

/// A port whose wait is over, although it may not know yet, is no reason to refuse the other one;
/// nor is it refused itself.
#[test]
fn a_port_with_room_is_not_taken_for_stuck() {
    Model::with(Full).preemptions(3).check(|_| {
        let (mut port1, mut port2) = full();
        let peer = thread::spawn(move || {
            let posted = port1.post_message(&1);
            assert!(posted.is_ok(), "refused in spite of room: {posted:?}");
            drop(port1.recv().unwrap());
            port1
        });
        drop(port2.recv().unwrap());
        let posted = port2.post_message(&1);
        assert!(posted.is_ok(), "refused in spite of room for the peer: {posted:?}");
        peer.join().unwrap();
    });
}

/// A port that is split may still receive: nobody is refused because its sender waits.
#[test]
fn a_split_port_is_not_taken_for_stuck() {
    Model::with(Full).preemptions(2).check(|_| {
        let (port1, mut port2) = full();
        let (mut sender, mut receiver) = port1.into_split();
        let sending = thread::spawn(move || {
            let posted = sender.post_message(&1);
            assert!(posted.is_ok(), "refused although the other half receives: {posted:?}");
            sender
        });
        let receiving = thread::spawn(move || {
            drop(receiver.recv().unwrap());
            receiver
        });
        let posted = port2.post_message(&1);
        assert!(posted.is_ok(), "refused although a half may receive: {posted:?}");
        drop(port2.recv().unwrap());
        sending.join().unwrap();
        receiving.join().unwrap();
    });
}
