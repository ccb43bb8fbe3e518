//! The orderings of a close, as the two ports see them.

use loom_tests::Barriers::{Both, Full, Heavy};
use loom_tests::layouts::{Framed, Numbered};
use loom_tests::steps::{drain, post};
use loom_tests::{Log, Model, SMALLEST, both_layouts, slow, thread};
use message_port::{CloseEvent, ClosedBy, Message, MessageChannel, MessagePort};

type Channel = MessageChannel<u64>;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Event {
    Message(u64),
    Close(ClosedBy),
}

/// Has a port write down its messages and its close.
fn log_events<M: Numbered>(port: &mut MessagePort<M>) -> Log<Event> {
    let log = Log::new();
    let messages = log.clone();
    port.set_onmessage(move |event| messages.push(Event::Message(M::number(event.data()))));
    let closes = log.clone();
    port.set_onclose(move |event| closes.push(Event::Close(event.closed_by())));
    log
}

/// Has a port write down its close only.
fn log_close<T: Message>(port: &mut MessagePort<T>) -> Log<CloseEvent> {
    let log = Log::new();
    let closes = log.clone();
    port.set_onclose(move |event| closes.push(*event));
    log
}

/// Nothing that was accepted before a close is lost: the end is only what is empty after it.
fn what_was_accepted_before_a_close_is_received<M: Numbered>() {
    Model::with(Heavy).preemptions(3).reaches(&["not yet", "closed with a message left"]).check(
        |run| {
            let MessageChannel { mut port1, mut port2 } =
                MessageChannel::<M>::with_capacity(SMALLEST);
            let closer = thread::spawn(move || {
                port1.try_post_message(&M::of(1)).unwrap();
                port1.try_post_message(&M::of(2)).unwrap();
                port1.close();
                port1
            });
            if port2.is_empty() && !port2.is_closed() {
                run.reached("not yet");
            } else if port2.is_closed() {
                run.reached("closed with a message left");
            }
            let (numbers, end) = drain(&mut port2);
            assert_eq!(numbers, [1, 2], "an accepted message is lost");
            assert!(end.is_closed());
            closer.join().unwrap();
        },
    );
}

/// What was accepted before a close is dispatched by `run`, and then the close, once.
#[test]
fn run_dispatches_what_was_accepted_and_then_the_close() {
    Model::with(Both).preemptions(2).check(|_| {
        let Channel { mut port1, mut port2 } = Channel::with_capacity(SMALLEST);
        let closer = thread::spawn(move || {
            port1.try_post_message(&1).unwrap();
            port1.try_post_message(&2).unwrap();
            port1.close();
            port1
        });
        let log = log_events(&mut port2);
        port2.run().unwrap();
        let events = [Event::Message(1), Event::Message(2), Event::Close(ClosedBy::Peer)];
        assert_eq!(log.entries(), events, "a message or the close is missing or out of order");
        assert_eq!(port2.dispatch().unwrap(), 0, "an event came twice");
        closer.join().unwrap();
    });
}

/// The same with `dispatch`, which takes what is there and looks again later.
fn dispatch_takes_what_was_accepted_and_then_the_close<M: Numbered>() {
    Model::with(Heavy).preemptions(3).reaches(&["in one go", "in several"]).check(|run| {
        let MessageChannel { mut port1, mut port2 } = MessageChannel::<M>::with_capacity(SMALLEST);
        let closer = thread::spawn(move || {
            port1.try_post_message(&M::of(1)).unwrap();
            port1.try_post_message(&M::of(2)).unwrap();
            port1.close();
            port1
        });
        let log = log_events(&mut port2);
        let close = Event::Close(ClosedBy::Peer);
        let mut turns = 0;
        while !log.entries().contains(&close) {
            match port2.dispatch().unwrap() {
                0 => thread::yield_now(),
                _ => turns += 1,
            }
        }
        run.reached(if turns == 1 { "in one go" } else { "in several" });
        assert_eq!(log.entries(), [Event::Message(1), Event::Message(2), close]);
        closer.join().unwrap();
    });
}

/// With both ports closing at once each gets one close event, and one of them was first.
#[test]
fn each_port_gets_one_close_event_when_both_close() {
    Model::with(Both).preemptions(2).reaches(&["port 1 first", "port 2 first"]).check(|run| {
        let Channel { mut port1, mut port2 } = Channel::with_capacity(SMALLEST);
        let log1 = log_close(&mut port1);
        let log2 = log_close(&mut port2);
        let other = thread::spawn(move || {
            port1.close();
            port1.run().unwrap();
            port1.close();
            assert_eq!(port1.dispatch().unwrap(), 0, "a close event came twice");
        });
        port2.close();
        port2.run().unwrap();
        port2.close();
        assert_eq!(port2.dispatch().unwrap(), 0, "a close event came twice");
        other.join().unwrap();

        let events = [log1.entries(), log2.entries()].concat();
        let [at_port1, at_port2] = events[..] else {
            panic!("not one close event each: {events:?}")
        };
        assert_ne!(at_port1.closed_by(), at_port2.closed_by(), "not exactly one was first");
        let port1_first = at_port1.closed_by() == ClosedBy::ThisPort;
        run.reached(if port1_first { "port 1 first" } else { "port 2 first" });
    });
}

/// Both halves of a port closing at once are one close for the peer.
#[test]
fn both_halves_closing_are_one_close() {
    Model::with(Full).preemptions(2).check(|_| {
        let Channel { port1, mut port2 } = Channel::with_capacity(SMALLEST);
        let (mut sender, mut receiver) = port1.into_split();
        let log = log_close(&mut port2);
        let half = thread::spawn(move || sender.close());
        let other_half = thread::spawn(move || receiver.close());
        port2.run().unwrap();
        half.join().unwrap();
        other_half.join().unwrap();
        assert_eq!(port2.dispatch().unwrap(), 0, "a close event came twice");
        let closes: Vec<_> = log.entries().iter().map(CloseEvent::closed_by).collect();
        assert_eq!(closes, [ClosedBy::Peer]);
    });
}

/// A post that races with the peer's close is refused, delivered or counted: one of the three.
fn a_racing_post_is_refused_delivered_or_counted<M: Numbered>() {
    let cases = &["refused", "delivered", "counted"];
    Model::with(Both).preemptions(2).reaches(cases).check(|run| {
        let MessageChannel { mut port1, mut port2 } = MessageChannel::<M>::with_capacity(SMALLEST);
        let sender = thread::spawn({
            let run = run.clone();
            move || {
                let log = log_close(&mut port1);
                let mut accepted = 0;
                for number in 0..2 {
                    match port1.try_post_message(&M::of(number)) {
                        Ok(()) => accepted += 1,
                        Err(error) => {
                            assert!(error.is_closed());
                            run.reached("refused");
                        }
                    }
                }
                port1.run().unwrap();
                (accepted, log.entries()[0])
            }
        });
        let delivered = u64::from(port2.try_recv().is_ok_and(|message| M::number(&message) == 0));
        port2.close();
        assert!(port2.try_recv().unwrap_err().is_closed(), "a message after the own close");

        let (accepted, close) = sender.join().unwrap();
        let counted = close.undelivered_messages();
        assert_eq!(delivered + counted, accepted, "a message is lost, or counted and delivered");
        assert_eq!(close.undelivered_bytes(), 8 * counted);
        if delivered > 0 {
            run.reached("delivered");
        }
        if counted > 0 {
            run.reached("counted");
        }
    });
}

/// The same holds if one half of the closing port receives while the other one closes: a message
/// at the border is delivered or counted.
#[test]
fn the_report_is_exact_when_one_half_closes_while_the_other_receives() {
    let cases = &["nothing delivered", "one delivered", "both delivered"];
    Model::with(Full).preemptions(3).reaches(cases).check(|run| {
        let Channel { mut port1, port2 } = Channel::with_capacity(SMALLEST);
        let (mut sender, mut receiver) = port2.into_split();
        port1.try_post_message(&0).unwrap();
        port1.try_post_message(&1).unwrap();
        let receiving = thread::spawn(move || {
            let mut delivered = 0;
            while receiver.try_recv().is_ok() {
                delivered += 1;
            }
            delivered
        });
        let reporting = thread::spawn(move || {
            let (sender, _) = port1.split_mut();
            loop {
                match sender.close_event() {
                    Some(event) => return event.undelivered_messages(),
                    None => thread::yield_now(),
                }
            }
        });
        sender.close();
        let delivered = receiving.join().unwrap();
        let counted = reporting.join().unwrap();
        assert_eq!(delivered + counted, 2, "a message is lost, or counted and delivered");
        run.reached(cases[usize::try_from(delivered).unwrap()]);
    });
}

/// The same again with posts that race with both. Larger than the rest.
#[test]
fn the_report_is_exact_with_a_split_closer_and_racing_posts() {
    let posts = if slow() { 2 } else { 1 };
    Model::with(Full).preemptions(2).check(move |_| {
        let Channel { mut port1, port2 } = Channel::with_capacity(SMALLEST);
        let (mut sender, mut receiver) = port2.into_split();
        let receiving = thread::spawn(move || {
            let mut delivered = 0;
            while receiver.recv().is_ok() {
                delivered += 1;
            }
            delivered
        });
        let closing = thread::spawn(move || sender.close());
        let log = log_close(&mut port1);
        let mut accepted = 0;
        for number in 0..posts {
            accepted += u64::from(port1.try_post_message(&number).is_ok());
        }
        port1.run().unwrap();
        closing.join().unwrap();
        let delivered: u64 = receiving.join().unwrap();
        let counted = log.entries()[0].undelivered_messages();
        assert_eq!(delivered + counted, accepted, "a message is lost, or counted and delivered");
    });
}

/// A post that races with a close by the other half of its own port is delivered or refused: the
/// peer has not come to the end before an accepted message.
fn a_post_that_its_own_port_closes_on_is_delivered_or_refused<M: Numbered>() {
    Model::with(Full).preemptions(2).reaches(&["delivered", "refused"]).check(|run| {
        let MessageChannel { port1, mut port2 } = MessageChannel::<M>::with_capacity(SMALLEST);
        let (mut sender, mut receiver) = port1.into_split();
        let sending =
            thread::spawn(move || usize::from(sender.try_post_message(&M::of(1)).is_ok()));
        let receiving = thread::spawn(move || drain(&mut port2).0.len());
        receiver.close();
        let accepted = sending.join().unwrap();
        assert_eq!(receiving.join().unwrap(), accepted, "accepted and not delivered, or refused");
        run.reached(if accepted == 1 { "delivered" } else { "refused" });
    });
}

/// In the same race the peer, having seen the close, finds a message or the end, never nothing.
fn a_closed_channel_is_never_merely_empty<M: Numbered>() {
    Model::with(Heavy).preemptions(3).reaches(&["a message", "the end"]).check(|run| {
        let MessageChannel { port1, mut port2 } = MessageChannel::<M>::with_capacity(SMALLEST);
        let (mut sender, mut receiver) = port1.into_split();
        let sending = thread::spawn(move || drop(sender.try_post_message(&M::of(1))));
        let closing = thread::spawn(move || receiver.close());
        // Without a loop: loom shows a thread that yields no old values any more.
        if port2.is_closed() {
            match port2.try_recv() {
                Ok(_) => run.reached("a message"),
                Err(error) => {
                    assert!(!error.is_empty(), "a closed channel is merely empty");
                    run.reached("the end");
                }
            }
        }
        sending.join().unwrap();
        closing.join().unwrap();
    });
}

/// A post that was refused may have skipped the rest of the ring first. The end is found behind that
/// too, also where a message before it was accepted while its own port closed.
#[test]
fn the_end_is_found_behind_what_was_skipped() {
    let cases = &["both accepted", "the second one refused", "both refused"];
    Model::with(Both).preemptions(3).reaches(cases).check(|run| {
        let MessageChannel { mut port1, mut port2 } =
            MessageChannel::<Vec<u8>>::with_capacity(SMALLEST);
        // Frames of three slots, one, and one: three of the eight slots are left in this lap.
        for length in [32, 0, 0] {
            port1.try_post_message(&vec![0; length]).unwrap();
            drop(port2.try_recv().unwrap());
        }
        let (mut sender, mut receiver) = port1.into_split();
        let sending = thread::spawn(move || {
            // One slot, and then three where two are left.
            [0, 32].map(|length| usize::from(sender.try_post_message(&vec![1; length]).is_ok()))
        });
        receiver.close();
        let accepted = sending.join().unwrap();
        let mut delivered = 0;
        let end = loop {
            match port2.try_recv() {
                Ok(_) => delivered += 1,
                Err(end) => break end,
            }
        };
        assert!(!end.is_empty(), "a closed channel is merely empty");
        assert_eq!(delivered, accepted.iter().sum::<usize>(), "accepted and not delivered");
        run.reached(cases[2 - delivered]);
    });
}

/// At a port that closed nothing is delivered any more, whatever the peer posts meanwhile.
#[test]
fn nothing_is_delivered_after_the_own_close() {
    Model::with(Heavy).preemptions(3).reaches(&["refused", "accepted"]).check(|run| {
        let Channel { mut port1, mut port2 } = Channel::with_capacity(SMALLEST);
        let sender = thread::spawn(move || port1.try_post_message(&1).is_ok());
        let log = log_events(&mut port2);
        port2.close();
        assert!(port2.try_recv().unwrap_err().is_closed());
        port2.run().unwrap();
        assert_eq!(log.entries(), [Event::Close(ClosedBy::ThisPort)]);
        run.reached(if sender.join().unwrap() { "accepted" } else { "refused" });
    });
}

/// A message in the receiver's hands stays what it is when the peer posts on, closes and goes.
fn a_message_in_hand_outlives_the_peers_close<M: Numbered>() {
    Model::with(Heavy).preemptions(3).check(|_| {
        let MessageChannel { mut port1, mut port2 } = MessageChannel::<M>::with_capacity(SMALLEST);
        port1.try_post_message(&M::of(1)).unwrap();
        let closer = thread::spawn(move || {
            while port1.try_post_message(&M::of(2)).is_ok() {}
            port1.close();
        });
        let message = port2.try_recv().unwrap();
        assert_eq!(M::number(&message), 1);
        thread::yield_now();
        assert_eq!(M::number(&message), 1, "the message changed while it was held");
        closer.join().unwrap();
        assert_eq!(M::number(&message), 1, "the message changed while it was held");
    });
}

/// A close wakes whoever waits, in both halves of the other port.
#[test]
fn a_close_wakes_both_halves_of_the_peer() {
    Model::with(Full).preemptions(2).check(|_| {
        let Channel { mut port1, mut port2 } = Channel::with_capacity(SMALLEST);
        while port1.try_post_message(&0).is_ok() {}
        let (mut sender, mut receiver) = port1.into_split();
        let waits_for_room = thread::spawn(move || {
            assert!(sender.post_message(&1).unwrap_err().is_closed());
        });
        let waits_for_a_message = thread::spawn(move || {
            assert!(receiver.recv().unwrap_err().is_closed());
        });
        port2.close();
        waits_for_room.join().unwrap();
        waits_for_a_message.join().unwrap();
    });
}

/// A half that closes wakes the other half of its own port, whichever of the two it is.
#[test]
fn a_closing_half_wakes_the_other_half() {
    Model::with(Full).preemptions(3).check(|_| {
        let Channel { mut port1, port2 } = Channel::with_capacity(SMALLEST);
        while port1.try_post_message(&0).is_ok() {}
        let (mut sender, mut receiver) = port1.into_split();
        let waiting = thread::spawn(move || {
            assert!(sender.post_message(&1).unwrap_err().is_closed());
        });
        receiver.close();
        waiting.join().unwrap();

        let (mut sender, mut receiver) = port2.into_split();
        let waiting = thread::spawn(move || while receiver.recv().is_ok() {});
        sender.close();
        waiting.join().unwrap();
    });
}

/// A message that no handler takes holds the close event back, but `run` returns.
#[test]
fn a_close_ends_a_run_that_has_no_handler() {
    Model::with(Full).preemptions(3).check(|_| {
        let Channel { mut port1, mut port2 } = Channel::with_capacity(SMALLEST);
        let closer = thread::spawn(move || {
            post(&mut port1, &1).unwrap();
            port1.close();
            port1
        });
        let log = log_close(&mut port2);
        port2.run().unwrap();
        assert!(log.entries().is_empty(), "the close came before a message");
        assert_eq!(port2.len(), 1, "the message is lost");
        closer.join().unwrap();
    });
}

both_layouts! {
    (u64, Framed<u64>):
        what_was_accepted_before_a_close_is_received,
        dispatch_takes_what_was_accepted_and_then_the_close,
        a_racing_post_is_refused_delivered_or_counted,
        a_post_that_its_own_port_closes_on_is_delivered_or_refused,
        a_closed_channel_is_never_merely_empty;
    ([u64; 5], Framed<[u64; 5]>): a_message_in_hand_outlives_the_peers_close;
}
