//! Many messages with one publication, and many with one release.

use loom_tests::Barriers::{Both, Full, Heavy};
use loom_tests::layouts::{Framed, Numbered};
use loom_tests::steps::{drain, post, receive};
use loom_tests::{Log, Model, SMALLEST, both_layouts, thread};
use message_port::{MessageChannel, TryRecvError};

/// Whoever sees the first message of a batch sees all of it.
fn a_batch_is_visible_all_at_once<M: Numbered>() {
    Model::with(Heavy).preemptions(4).check(|_| {
        let MessageChannel { mut port1, mut port2 } = MessageChannel::<M>::with_capacity(SMALLEST);
        let sender = thread::spawn(move || {
            assert_eq!(port1.post_messages(&[1, 2, 3].map(M::of)).unwrap(), 3);
            port1
        });
        assert_eq!(receive(&mut port2, M::number).unwrap(), 1);
        for number in 2..=3 {
            let next = port2.try_recv();
            assert!(
                next.is_ok_and(|next| M::number(&next) == number),
                "a part of a batch is visible"
            );
        }
        sender.join().unwrap();
    });
}

/// A batch wakes a receiver that sleeps.
fn a_batch_wakes_the_receiver<M: Numbered>() {
    Model::with(Full).preemptions(3).check(|_| {
        let MessageChannel { mut port1, mut port2 } = MessageChannel::<M>::with_capacity(SMALLEST);
        let receiver = thread::spawn(move || {
            assert_eq!(M::number(&port2.recv().unwrap()), 1);
            assert_eq!(M::number(&port2.recv().unwrap()), 2);
            port2
        });
        assert_eq!(port1.post_messages(&[1, 2].map(M::of)).unwrap(), 2);
        receiver.join().unwrap();
    });
}

/// Each message of a batch that races with the peer's close is refused, delivered or counted.
fn a_racing_batch_is_refused_delivered_or_counted<M: Numbered>() {
    let cases = &["refused", "delivered", "counted"];
    Model::with(Both).preemptions(3).reaches(cases).check(|run| {
        let MessageChannel { mut port1, mut port2 } = MessageChannel::<M>::with_capacity(SMALLEST);
        let sender = thread::spawn(move || {
            let log = Log::new();
            let closes = log.clone();
            port1.set_onclose(move |event| closes.push(event.undelivered_messages()));
            let accepted = port1.post_messages(&[1, 2].map(M::of)).unwrap_or(0) as u64;
            port1.run().unwrap();
            (accepted, log.entries()[0])
        });
        let delivered = port2.recv_batch(2, |_| ()).unwrap_or(0) as u64;
        port2.close();
        let (accepted, counted) = sender.join().unwrap();
        assert_eq!(delivered + counted, accepted, "a message is lost, or counted and delivered");
        if accepted < 2 {
            run.reached("refused");
        }
        if delivered > 0 {
            run.reached("delivered");
        }
        if counted > 0 {
            run.reached("counted");
        }
    });
}

/// A batch that races with the close by the other half of its own port is delivered or refused.
fn a_batch_that_its_own_port_closes_on_is_delivered_or_refused<M: Numbered>() {
    Model::with(Full).preemptions(2).reaches(&["delivered", "refused"]).check(|run| {
        let MessageChannel { port1, mut port2 } = MessageChannel::<M>::with_capacity(SMALLEST);
        let (mut sender, mut receiver) = port1.into_split();
        let sending = thread::spawn(move || sender.post_messages(&[1, 2].map(M::of)).unwrap_or(0));
        let receiving = thread::spawn(move || drain(&mut port2).0.len());
        receiver.close();
        let accepted = sending.join().unwrap();
        assert_eq!(receiving.join().unwrap(), accepted, "accepted and not delivered, or refused");
        run.reached(if accepted == 2 { "delivered" } else { "refused" });
    });
}

/// What is received in a batch is read before its bytes are written again.
#[test]
fn a_received_batch_is_read_before_it_is_written_again() {
    Model::with(Heavy).preemptions(3).reaches(&["several"]).check(|run| {
        let MessageChannel { mut port1, mut port2 } =
            MessageChannel::<String>::with_capacity(SMALLEST);
        // As in the model of single messages: the fourth one goes over the first.
        let texts = ["a".repeat(48), "b".repeat(32), String::new(), "d".repeat(16)];
        let [first, second, third, fourth] = texts.clone();
        port1.try_post_message(&first).unwrap();
        port1.try_post_message(&second).unwrap();
        let sender = thread::spawn(move || {
            post(&mut port1, &third).unwrap();
            post(&mut port1, &fourth).unwrap();
            port1
        });
        let mut read = Vec::new();
        while read.len() < texts.len() {
            match port2.recv_batch(4, |text| read.push(text.to_string())) {
                Ok(2..) => run.reached("several"),
                Ok(_) => {}
                Err(TryRecvError::Empty) => thread::yield_now(),
                Err(error) => panic!("{error}"),
            }
        }
        assert_eq!(read, texts, "a message changed while it was read");
        sender.join().unwrap();
    });
}

both_layouts! {
    (u64, Framed<u64>):
        a_batch_is_visible_all_at_once,
        a_batch_wakes_the_receiver,
        a_racing_batch_is_refused_delivered_or_counted,
        a_batch_that_its_own_port_closes_on_is_delivered_or_refused;
}
