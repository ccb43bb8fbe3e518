//! Two ports that wait for room on each other: one of them is told, and nobody without need.

use std::pin::pin;
use std::task::{Context, Waker};
use std::time::Duration;

use loom_tests::Barriers::Full;
use loom_tests::layouts::{Filling, Framed, FramedFilling, Numbered};
use loom_tests::tasks::{Signal, block_on};
use loom_tests::{Model, SMALLEST, both_layouts, thread};
use message_port::{Message, MessageChannel, MessagePort, PostError, PostTimeoutError};

/// A channel without room in either direction.
fn full<M: Numbered>() -> (MessagePort<M>, MessagePort<M>) {
    let MessageChannel { mut port1, mut port2 } = MessageChannel::<M>::with_capacity(SMALLEST);
    while port1.try_post_message(&M::of(0)).is_ok() {}
    while port2.try_post_message(&M::of(0)).is_ok() {}
    (port1, port2)
}

/// Posts; if that would never end, makes room for the other one instead by receiving so many
/// messages. Says which it was.
fn post_or_receive_any<T: Message>(
    port: &mut MessagePort<T>,
    message: &T,
    received: usize,
) -> bool {
    match port.post_message(message) {
        Ok(()) => false,
        Err(PostError::WouldDeadlock) => {
            for _ in 0..received {
                drop(port.recv().unwrap());
            }
            true
        }
        Err(error) => panic!("{error}"),
    }
}

fn post_or_receive<M: Numbered>(port: &mut MessagePort<M>) -> bool {
    post_or_receive_any(port, &M::of(1), 1)
}

async fn post_or_receive_async(port: &mut MessagePort<u64>) -> bool {
    match port.post_message_async(&1).await {
        Ok(()) => false,
        Err(PostError::WouldDeadlock) => {
            drop(port.recv_async().await.unwrap());
            true
        }
        Err(error) => panic!("{error}"),
    }
}

/// Of two ports that wait for room on each other one is refused; never both, never none.
fn one_of_two_stuck_ports_is_refused<M: Numbered>() {
    let cases = &["the first", "the second"];
    Model::with(Full).preemptions(3).reaches(cases).check(|run| {
        let (mut port1, mut port2) = full::<M>();
        let peer = thread::spawn(move || (post_or_receive(&mut port1), port1));
        let refused2 = post_or_receive(&mut port2);
        let (refused1, _port1) = peer.join().unwrap();
        assert!(refused1 != refused2, "not exactly one was refused");
        run.reached(cases[usize::from(refused2)]);
    });
}

/// A port whose wait is over, although it may not know yet, is no reason to refuse the other one;
/// nor is it refused itself.
fn a_port_with_room_is_not_taken_for_stuck<M: Numbered>() {
    Model::with(Full).preemptions(3).check(|_| {
        let (mut port1, mut port2) = full::<M>();
        let peer = thread::spawn(move || {
            let posted = port1.post_message(&M::of(1));
            assert!(posted.is_ok(), "refused in spite of room: {posted:?}");
            drop(port1.recv().unwrap());
            port1
        });
        drop(port2.recv().unwrap());
        let posted = port2.post_message(&M::of(1));
        assert!(posted.is_ok(), "refused in spite of room for the peer: {posted:?}");
        peer.join().unwrap();
    });
}

/// A port that is split may still receive: nobody is refused because its sender waits.
fn a_split_port_is_not_taken_for_stuck<M: Numbered>() {
    Model::with(Full).preemptions(2).check(|_| {
        let (port1, mut port2) = full::<M>();
        let (mut sender, mut receiver) = port1.into_split();
        let sending = thread::spawn(move || {
            let posted = sender.post_message(&M::of(1));
            assert!(posted.is_ok(), "refused although the other half receives: {posted:?}");
            sender
        });
        let receiving = thread::spawn(move || {
            drop(receiver.recv().unwrap());
            receiver
        });
        let posted = port2.post_message(&M::of(1));
        assert!(posted.is_ok(), "refused although a half may receive: {posted:?}");
        drop(port2.recv().unwrap());
        sending.join().unwrap();
        receiving.join().unwrap();
    });
}

/// The same as tasks: the one that is refused makes room, and the other one is woken.
#[test]
fn one_of_two_stuck_tasks_is_refused() {
    let cases = &["the first", "the second"];
    Model::with(Full).preemptions(3).reaches(cases).check(|run| {
        let (mut port1, mut port2) = full::<u64>();
        let peer = thread::spawn(move || (block_on(post_or_receive_async(&mut port1)), port1));
        let refused2 = block_on(post_or_receive_async(&mut port2));
        let (refused1, _port1) = peer.join().unwrap();
        assert!(refused1 != refused2, "not exactly one was refused");
        run.reached(cases[usize::from(refused2)]);
    });
}

/// A task that gave up waiting for room is no reason any more to refuse the other port.
#[test]
fn a_task_that_gave_up_is_not_taken_for_stuck() {
    Model::with(Full).preemptions(3).reaches(&["refused", "not refused"]).check(|run| {
        let (mut port1, mut port2) = full::<u64>();
        let peer = thread::spawn(move || {
            let waker = Waker::from(Signal::new());
            {
                let mut posting = pin!(port1.post_message_async(&1));
                let polled = posting.as_mut().poll(&mut Context::from_waker(&waker));
                assert!(polled.is_pending(), "refused although the peer's wait ends");
            }
            port1
        });
        let time = Duration::from_millis(1);
        let posted = port2.post_message_timeout(&1, time);
        run.reached(match posted {
            Err(PostTimeoutError::WouldDeadlock) => "refused",
            Err(PostTimeoutError::Timeout) => "not refused",
            posted => panic!("{posted:?}"),
        });
        let _port1 = peer.join().unwrap();
        let posted = port2.post_message_timeout(&1, time);
        assert!(posted.unwrap_err().is_timeout(), "refused for a wait that is over");
    });
}

/// A wait that ends at a deadline is no reason to refuse the other port, whose wait does not end; the
/// other way round it is.
#[test]
fn a_port_with_a_deadline_is_not_taken_for_stuck() {
    let cases = &["timed out", "was refused"];
    Model::with(Full).preemptions(3).reaches(cases).check(move |run| {
        let (mut port1, mut port2) = full::<u64>();
        let run = run.clone();
        let peer = thread::spawn(move || {
            let posted = port1.post_message_timeout(&1, Duration::from_millis(1));
            run.reached(match posted {
                Err(PostTimeoutError::Timeout) => cases[0],
                Err(PostTimeoutError::WouldDeadlock) => cases[1],
                posted => panic!("{posted:?}"),
            });
            drop(port1.recv().unwrap());
            port1
        });
        let posted = port2.post_message(&1);
        assert!(posted.is_ok(), "refused although the peer's wait ends: {posted:?}");
        peer.join().unwrap();
    });
}

/// An archive that is spilled: it is as long as the ring.
type Large = Framed<[u64; 16]>;

/// Ports of which both wait for a heap buffer that is with the other one.
#[test]
fn one_of_two_ports_without_a_buffer_is_refused() {
    let cases = &["the first", "the second"];
    Model::with(Full).preemptions(3).reaches(cases).check(|run| {
        // Two buffers for each direction, and room for more frames than that.
        let builder = MessageChannel::<Large>::builder().capacity(2 * SMALLEST);
        let MessageChannel { mut port1, mut port2 } =
            builder.max_message_len(size_of::<Large>()).build().unwrap();
        for number in 0..2 {
            port1.try_post_message(&Large::of(number)).unwrap();
            port2.try_post_message(&Large::of(number)).unwrap();
        }
        let peer =
            thread::spawn(move || (post_or_receive_any(&mut port1, &Large::of(2), 1), port1));
        let refused2 = post_or_receive_any(&mut port2, &Large::of(2), 1);
        let (refused1, _port1) = peer.join().unwrap();
        assert!(refused1 != refused2, "not exactly one was refused");
        run.reached(cases[usize::from(refused2)]);
    });
}

/// Bytes of the largest segment that one message fills: in blocks, room for it and a free block.
const SEGMENT: usize = 144;

/// Ports that have both grown to their limit. Room is made by whoever passes a switch.
fn one_of_two_ports_at_the_limit_is_refused<M: Numbered>() {
    let cases = &["the first", "the second"];
    Model::with(Full).preemptions(2).reaches(cases).check(|run| {
        let builder = MessageChannel::<M>::builder().capacity(SMALLEST);
        let MessageChannel { mut port1, mut port2 } =
            builder.growable(2 * SEGMENT).build().unwrap();
        // One fills a segment.
        for number in 0..2 {
            port1.try_post_message(&M::of(number)).unwrap();
            port2.try_post_message(&M::of(number)).unwrap();
        }
        let peer = thread::spawn(move || (post_or_receive_any(&mut port1, &M::of(2), 2), port1));
        let refused2 = post_or_receive_any(&mut port2, &M::of(2), 2);
        let (refused1, _port1) = peer.join().unwrap();
        assert!(refused1 != refused2, "not exactly one was refused");
        run.reached(cases[usize::from(refused2)]);
    });
}

/// A port that waits at the limit for a buffer or a segment that was given back already is not stuck.
#[test]
fn a_port_with_a_buffer_on_its_way_is_not_taken_for_stuck() {
    Model::with(Full).preemptions(3).check(|_| {
        let builder = MessageChannel::<Large>::builder().capacity(2 * SMALLEST);
        let MessageChannel { mut port1, mut port2 } =
            builder.max_message_len(size_of::<Large>()).build().unwrap();
        for number in 0..2 {
            port1.try_post_message(&Large::of(number)).unwrap();
            port2.try_post_message(&Large::of(number)).unwrap();
        }
        let peer = thread::spawn(move || {
            let posted = port1.post_message(&Large::of(2));
            assert!(posted.is_ok(), "refused in spite of a buffer: {posted:?}");
            drop(port1.recv().unwrap());
            port1
        });
        drop(port2.recv().unwrap());
        let posted = port2.post_message(&Large::of(2));
        assert!(posted.is_ok(), "refused in spite of a buffer for the peer: {posted:?}");
        peer.join().unwrap();
    });
}

both_layouts! {
    (Filling, FramedFilling):
        one_of_two_stuck_ports_is_refused,
        a_port_with_room_is_not_taken_for_stuck,
        a_split_port_is_not_taken_for_stuck,
        one_of_two_ports_at_the_limit_is_refused;
}
