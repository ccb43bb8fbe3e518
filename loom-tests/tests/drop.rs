//! A port or a half that goes away without a close.

use loom_tests::Barriers::{Both, Full, Heavy};
use loom_tests::layouts::{Framed, Numbered};
use loom_tests::steps::drain;
use loom_tests::{Log, Model, SMALLEST, both_layouts, thread};
use message_port::MessageChannel;

type Channel = MessageChannel<u64>;

/// What a port posted before it was dropped is received first, and then the disconnection.
fn flume_120_messages_come_before_the_disconnection<M: Numbered>() {
    let cases = &["not yet", "gone with a message left"];
    Model::with(Heavy).preemptions(2).reaches(cases).check(|run| {
        let MessageChannel { mut port1, mut port2 } = MessageChannel::<M>::with_capacity(SMALLEST);
        let peer = thread::spawn(move || {
            port1.try_post_message(&M::of(1)).unwrap();
            port1.try_post_message(&M::of(2)).unwrap();
        });
        if port2.is_empty() {
            run.reached(cases[0]);
        } else if port2.is_disconnected() {
            run.reached(cases[1]);
        }
        let (numbers, end) = drain(&mut port2);
        assert_eq!(numbers, [1, 2], "an accepted message is lost");
        assert!(end.is_disconnected());
        peer.join().unwrap();
    });
}

/// When the peer is dropped, `run` dispatches what is left and returns without a close event.
#[test]
fn a_drop_ends_a_run_without_a_close_event() {
    Model::with(Both).preemptions(2).check(|_| {
        let Channel { mut port1, mut port2 } = Channel::with_capacity(SMALLEST);
        let peer = thread::spawn(move || port1.try_post_message(&1).unwrap());
        let log = Log::new();
        let messages = log.clone();
        port2.set_onmessage(move |event| messages.push(event.data().to_native()));
        port2.set_onclose(|_| unreachable!("a close event without a close"));
        port2.run().unwrap();
        assert_eq!(log.entries(), [1], "an accepted message is lost");
        peer.join().unwrap();
    });
}

/// A port dropped in the middle of the peer's posts: each is accepted or refused as disconnected.
fn a_post_that_races_with_a_drop_is_accepted_or_disconnected<M: Numbered>() {
    let cases = &["all accepted", "one accepted", "none accepted"];
    Model::with(Heavy).preemptions(3).reaches(cases).check(|run| {
        let MessageChannel { mut port1, port2 } = MessageChannel::<M>::with_capacity(SMALLEST);
        let sender = thread::spawn(move || {
            let mut accepted = 0;
            for number in 0..2 {
                match port1.try_post_message(&M::of(number)) {
                    Ok(()) => accepted += 1,
                    Err(error) => assert!(error.is_disconnected(), "{error}"),
                }
            }
            accepted
        });
        drop(port2);
        run.reached(cases[2 - sender.join().unwrap()]);
    });
}

/// Both ports dropped at once, with messages of all kinds left: everything is freed, once.
#[test]
fn the_last_owner_frees_everything_once() {
    Model::with(Heavy).preemptions(3).check(|_| {
        let MessageChannel { mut port1, mut port2 } = MessageChannel::<Vec<u8>>::builder()
            .capacity(SMALLEST)
            .max_message_len(100)
            .build()
            .unwrap();
        port1.try_post_message(&vec![1; 8]).unwrap();
        port1.try_post_message(&vec![1; 80]).unwrap();
        port2.try_post_message(&vec![2; 80]).unwrap();
        let peer = thread::spawn(move || {
            drop(port1.try_recv());
            drop(port1);
        });
        drop(port2.try_recv());
        drop(port2);
        peer.join().unwrap();
    });
}

/// A receiving half that goes away disconnects the peer's posts, and only these.
fn a_dropped_receiving_half_ends_one_direction<M: Numbered>() {
    Model::with(Full).preemptions(3).check(|_| {
        let MessageChannel { port1, mut port2 } = MessageChannel::<M>::with_capacity(SMALLEST);
        while port2.try_post_message(&M::of(0)).is_ok() {}
        let (mut sender, receiver) = port1.into_split();
        let peer = thread::spawn(move || {
            assert!(port2.post_message(&M::of(1)).unwrap_err().is_disconnected());
            assert_eq!(M::number(&port2.recv().unwrap()), 2);
        });
        drop(receiver);
        sender.post_message(&M::of(2)).unwrap();
        peer.join().unwrap();
    });
}

/// A sending half that goes away disconnects the peer's receives, and only these.
#[test]
fn a_dropped_sending_half_ends_the_other_direction() {
    Model::with(Full).preemptions(3).check(|_| {
        let Channel { port1, mut port2 } = Channel::with_capacity(SMALLEST);
        let (sender, mut receiver) = port1.into_split();
        let peer = thread::spawn(move || {
            assert!(port2.recv().unwrap_err().is_disconnected());
            port2.post_message(&2).unwrap();
        });
        drop(sender);
        assert_eq!(*receiver.recv().unwrap(), 2);
        peer.join().unwrap();
    });
}

both_layouts! {
    (u64, Framed<u64>):
        flume_120_messages_come_before_the_disconnection,
        a_post_that_races_with_a_drop_is_accepted_or_disconnected,
        a_dropped_receiving_half_ends_one_direction;
}
