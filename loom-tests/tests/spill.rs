//! Messages that travel in heap buffers: who has the buffer, and who gives it back.

use loom_tests::Barriers::{Both, Full, Heavy};
use loom_tests::layouts::Framed;
use loom_tests::steps::{post, receive};
use loom_tests::{Log, Model, SMALLEST, thread};
use message_port::{MessageChannel, MessagePort};

/// An archive that is spilled: one that is longer than half the ring.
type Large = Framed<[u64; 16]>;

/// A channel whose directions have two buffers for a [`Large`] each, and room for more frames than
/// that.
fn channel() -> (MessagePort<Large>, MessagePort<Large>) {
    let builder = MessageChannel::<Large>::builder().capacity(2 * SMALLEST);
    let MessageChannel { port1, port2 } =
        builder.max_message_len(size_of::<Large>()).build().unwrap();
    (port1, port2)
}

/// A buffer arrives with everything that was written to it.
#[test]
fn a_spilled_message_is_visible_as_a_whole() {
    Model::with(Heavy).preemptions(3).check(|_| {
        let (mut port1, mut port2) = channel();
        let sender = thread::spawn(move || {
            post(&mut port1, &Framed([1; 16])).unwrap();
            port1
        });
        assert_eq!(receive(&mut port2, |message| message[15].to_native()).unwrap(), 1);
        sender.join().unwrap();
    });
}

/// A buffer is written again only after it was handed back.
#[test]
fn a_buffer_is_read_before_it_is_written_again() {
    Model::with(Heavy).preemptions(3).reaches(&["waited"]).check(|run| {
        let (mut port1, mut port2) = channel();
        let sender = thread::spawn({
            let run = run.clone();
            move || {
                post(&mut port1, &Framed([1; 16])).unwrap();
                post(&mut port1, &Framed([2; 16])).unwrap();
                if port1.try_post_message(&Framed([3; 16])).is_err() {
                    run.reached("waited");
                    post(&mut port1, &Framed([3; 16])).unwrap();
                }
                port1
            }
        });
        for number in 1..=3 {
            let read = receive(&mut port2, |message| {
                assert_eq!(message[0], message[15], "the buffer changed while it was read");
                message[15].to_native()
            });
            assert_eq!(read.unwrap(), number);
        }
        sender.join().unwrap();
    });
}

/// A sender that sleeps for a buffer is woken when one is handed back.
#[test]
fn a_returned_buffer_wakes_the_sender() {
    Model::with(Full).preemptions(3).check(|_| {
        let (mut port1, mut port2) = channel();
        while port1.try_post_message(&Framed([1; 16])).is_ok() {}
        let sender = thread::spawn(move || {
            port1.post_message(&Framed([2; 16])).unwrap();
            port1
        });
        drop(port2.try_recv().unwrap());
        sender.join().unwrap();
    });
}

/// A spilled message in the receiver's hands outlives the sender.
#[test]
fn a_spilled_message_in_hand_outlives_the_peer() {
    Model::with(Heavy).preemptions(3).check(|_| {
        let (mut port1, mut port2) = channel();
        port1.try_post_message(&Framed([1; 16])).unwrap();
        let sender = thread::spawn(move || {
            let _ = port1.try_post_message(&Framed([2; 16]));
            drop(port1);
        });
        let message = port2.try_recv().unwrap();
        thread::yield_now();
        sender.join().unwrap();
        assert_eq!(message[15], 1, "the buffer changed while it was held");
    });
}

/// A buffer on its way when the receiver goes away is freed once.
#[test]
fn a_buffer_on_its_way_is_freed_once() {
    let cases = &["received", "never received"];
    Model::with(Heavy).preemptions(3).reaches(cases).check(|run| {
        let (mut port1, mut port2) = channel();
        let sender = thread::spawn(move || {
            let _ = port1.try_post_message(&Framed([1; 16]));
            let _ = port1.try_post_message(&Framed([2; 16]));
        });
        run.reached(if port2.try_recv().is_ok() { cases[0] } else { cases[1] });
        drop(port2);
        sender.join().unwrap();
    });
}

/// A buffer that is looked at is freed only after the look, however the port of the one who looks is
/// closed meanwhile.
#[test]
fn a_buffer_is_looked_at_before_it_is_freed() {
    let cases = &["looked", "closed before"];
    Model::with(Full).preemptions(3).reaches(cases).check(|run| {
        let (mut port1, port2) = channel();
        port1.try_post_message(&Framed([7; 16])).unwrap();
        let (mut sender, mut receiver) = port2.into_split();
        let looking = thread::spawn(move || {
            let read = receiver.peek().map(|message| message[15].to_native());
            (read.ok(), receiver)
        });
        sender.close();
        for _ in 0..2 {
            assert!(port1.try_post_message(&Framed([8; 16])).unwrap_err().is_closed());
        }
        let event = port1.split_mut().0.close_event().unwrap();
        assert_eq!(event.undelivered_messages(), 1, "a message is lost, or counted twice");
        let (read, _receiver) = looking.join().unwrap();
        run.reached(cases[usize::from(read.is_none())]);
        assert!(read.is_none_or(|read| read == 7), "the buffer changed while it was looked at");
    });
}

/// What was left alone since somebody looked at it is freed once, when the one who looked has gone.
#[test]
fn a_buffer_that_was_looked_at_is_freed_once() {
    Model::with(Full).preemptions(3).check(|_| {
        let (mut port1, port2) = channel();
        port1.try_post_message(&Framed([7; 16])).unwrap();
        let (mut sender, mut receiver) = port2.into_split();
        let looking = thread::spawn(move || drop(receiver.peek().map(|message| message[15])));
        sender.close();
        for _ in 0..3 {
            assert!(port1.try_post_message(&Framed([8; 16])).unwrap_err().is_closed());
        }
        looking.join().unwrap();
        assert!(port1.try_post_message(&Framed([8; 16])).unwrap_err().is_closed());
    });
}

/// The report of a close counts spilled messages like others, with the bytes of their archives.
#[test]
fn the_report_counts_spilled_messages() {
    let cases = &["delivered", "counted"];
    Model::with(Both).preemptions(3).reaches(cases).check(|run| {
        let (mut port1, mut port2) = channel();
        let sender = thread::spawn(move || {
            let accepted = u64::from(port1.try_post_message(&Framed([1; 16])).is_ok());
            let log = Log::new();
            let closes = log.clone();
            port1.set_onclose(move |event| closes.push(*event));
            port1.run().unwrap();
            (accepted, log.entries()[0])
        });
        let delivered = u64::from(port2.try_recv().is_ok());
        port2.close();
        let (accepted, close) = sender.join().unwrap();
        let counted = close.undelivered_messages();
        assert_eq!(delivered + counted, accepted, "a message is lost, or counted and delivered");
        assert_eq!(close.undelivered_bytes(), counted * size_of::<Large>() as u64);
        if delivered > 0 {
            run.reached("delivered");
        }
        if counted > 0 {
            run.reached("counted");
        }
    });
}

/// What nobody reads is given back while the receiver, whose other half has closed, may have a
/// message in hand. Each is delivered or counted, and freed once.
#[test]
fn what_is_in_hand_is_not_given_back() {
    let cases = &["nothing delivered", "one delivered"];
    Model::with(Full).preemptions(3).reaches(cases).check(|run| {
        let (mut port1, port2) = channel();
        let (mut sender, mut receiver) = port2.into_split();
        port1.try_post_message(&Framed([1; 16])).unwrap();
        port1.try_post_message(&Framed([2; 16])).unwrap();
        let receiving = thread::spawn(move || {
            let mut delivered = 0;
            while let Ok(message) = receiver.try_recv() {
                delivered += 1;
                thread::yield_now();
                assert_eq!(message[15], delivered, "the buffer changed while it was held");
            }
            delivered
        });
        sender.close();
        assert!(port1.try_post_message(&Framed([3; 16])).unwrap_err().is_closed());
        let counted = port1.split_mut().0.close_event().unwrap().undelivered_messages();
        let delivered = receiving.join().unwrap();
        assert_eq!(delivered + counted, 2, "a message is lost, or counted and delivered");
        if let Some(case) = cases.get(usize::try_from(delivered).unwrap()) {
            run.reached(case);
        }
    });
}

/// A receiver is dropped, what it left is given back, and its other half closes: the report counts
/// what was accepted.
#[test]
fn what_was_given_back_is_counted() {
    let cases = &["given back", "not yet"];
    Model::with(Both).preemptions(3).reaches(cases).check(|run| {
        let (mut port1, port2) = channel();
        let (mut sender, receiver) = port2.into_split();
        port1.try_post_message(&Framed([1; 16])).unwrap();
        let receiving = thread::spawn(move || drop(receiver));
        let posted = port1.try_post_message(&Framed([2; 16]));
        run.reached(cases[usize::from(posted.is_ok())]);
        let accepted = 1 + u64::from(posted.is_ok());
        receiving.join().unwrap();
        assert!(port1.try_post_message(&Framed([3; 16])).unwrap_err().is_disconnected());
        sender.close();
        let event = port1.split_mut().0.close_event().unwrap();
        assert_eq!(event.undelivered_messages(), accepted, "a message is lost");
        assert_eq!(event.undelivered_bytes(), accepted * size_of::<Large>() as u64);
    });
}
