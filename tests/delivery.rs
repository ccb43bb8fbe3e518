//! Delivery: where a message arrives, in which order, when, and on which thread (D1 to D8).

mod common;

use std::thread;
use std::time::Duration;

use common::hostile::Hostile;
use common::log::Log;
use message_port::rkyv::Archived;
use message_port::{DispatchError, MessageChannel, MessagePort, PostError, TryPostError};

/// A port whose messages are written to the log.
fn listen(port: &mut MessagePort<u64>) -> Log<u64> {
    let log = Log::new();
    let heard = log.clone();
    port.set_onmessage(move |event| heard.push(event.data().to_native()));
    log
}

fn post_all(port: &mut MessagePort<u64>, messages: impl IntoIterator<Item = u64>) {
    for message in messages {
        port.post_message(&message).unwrap();
    }
}

#[test]
fn d1_a_message_is_dispatched_at_the_other_port_and_never_at_its_own() {
    let MessageChannel { mut port1, mut port2 } = MessageChannel::<u64>::new();
    let (at1, at2) = (listen(&mut port1), listen(&mut port2));
    post_all(&mut port1, [1]);
    assert_eq!((port1.dispatch().unwrap(), port2.dispatch().unwrap()), (0, 1));
    assert_eq!((at1.take(), at2.take()), (vec![], vec![1]));
    post_all(&mut port2, [2]);
    assert_eq!((port1.dispatch().unwrap(), port2.dispatch().unwrap()), (1, 0));
    assert_eq!((at1.take(), at2.take()), (vec![2], vec![]));
}

#[test]
fn d1_a_message_is_received_at_the_other_port_and_never_at_its_own() {
    let MessageChannel { mut port1, mut port2 } = MessageChannel::<u64, String>::new();
    port1.post_message(&1).unwrap();
    port2.post_message(&"to port 1".to_owned()).unwrap();
    assert_eq!((port1.len(), port2.len()), (1, 1));
    assert_eq!(port1.try_recv().unwrap().as_str(), "to port 1");
    assert_eq!(*port2.try_recv().unwrap(), 1);
    assert!(port1.try_recv().unwrap_err().is_empty());
    assert!(port2.try_recv().unwrap_err().is_empty());
}

/// A message that tells its number at both ends, of a length that depends on the number: empty
/// ones, ones that end a lap early, ones beyond half of a 256-byte ring, which are spilled.
fn numbered(number: u64) -> Vec<u64> {
    const LENGTHS: [usize; 9] = [0, 1, 2, 3, 7, 12, 13, 20, 100];
    let length = LENGTHS[usize::try_from(number).unwrap() % LENGTHS.len()];
    let mut words = vec![number; length + 1];
    words[length] = number ^ u64::MAX;
    words
}

fn assert_numbered(message: &Archived<Vec<u64>>, number: u64) {
    let words: Vec<u64> = message.iter().map(|word| word.to_native()).collect();
    assert_eq!(words, numbered(number));
}

fn post_in_every_way(port: &mut MessagePort<Vec<u64>>, count: u64) {
    for number in 0..count {
        let message = numbered(number);
        match number % 3 {
            0 => port.post_message(&message).unwrap(),
            1 => port.post_message_timeout(&message, Duration::MAX).unwrap(),
            _ => loop {
                match port.try_post_message(&message) {
                    Err(TryPostError::Full) => thread::yield_now(),
                    outcome => break outcome.unwrap(),
                }
            },
        }
    }
}

fn receive_in_every_way(port: &mut MessagePort<Vec<u64>>, count: u64) {
    for number in 0..count {
        match number % 4 {
            0 => assert_numbered(&port.recv().unwrap(), number),
            1 => assert_numbered(&port.recv_timeout(Duration::MAX).unwrap(), number),
            2 => {
                while port.is_empty() {
                    thread::yield_now();
                }
                assert_numbered(&port.try_recv().unwrap(), number);
            }
            // A guard that is forgotten counts as received.
            _ => std::mem::forget(port.recv().unwrap()),
        }
    }
}

#[test]
fn d2_each_direction_is_first_in_first_out_whatever_the_sizes_and_calls() {
    const COUNT: u64 = if cfg!(miri) { 100 } else { 5_000 };
    let MessageChannel { port1, mut port2 } = MessageChannel::<Vec<u64>>::with_capacity(256);
    let (mut sender, mut receiver) = port1.into_split();
    thread::scope(|scope| {
        let replies = scope.spawn(move || {
            for number in 0..COUNT {
                assert_numbered(&receiver.recv().unwrap(), number);
            }
            assert!(receiver.recv().unwrap_err().is_disconnected(), "one too many");
        });
        let requests = scope.spawn(move || {
            for number in 0..COUNT {
                sender.post_message(&numbered(number)).unwrap();
            }
        });
        let (sender, receiver) = port2.split_mut();
        for number in 0..COUNT {
            assert_numbered(&receiver.recv().unwrap(), number);
            sender.post_message(&numbered(number)).unwrap();
        }
        assert!(receiver.recv().unwrap_err().is_disconnected(), "one too many");
        drop(port2);
        requests.join().unwrap();
        replies.join().unwrap();
    });
}

#[test]
fn d2_every_way_to_post_and_to_receive_keeps_the_one_order() {
    const COUNT: u64 = if cfg!(miri) { 100 } else { 5_000 };
    let MessageChannel { mut port1, mut port2 } = MessageChannel::<Vec<u64>>::with_capacity(256);
    let poster = thread::spawn(move || {
        post_in_every_way(&mut port1, COUNT);
        port1.close();
    });
    receive_in_every_way(&mut port2, COUNT);
    assert!(port2.recv().unwrap_err().is_closed(), "one too many");
    poster.join().unwrap();
}

#[test]
fn d2_dispatched_and_pulled_messages_are_one_queue() {
    let MessageChannel { mut port1, mut port2 } = MessageChannel::<u64>::new();
    let log = listen(&mut port2);
    post_all(&mut port1, 0..2);
    assert_eq!(*port2.recv().unwrap(), 0);
    post_all(&mut port1, 2..4);
    assert_eq!(port2.dispatch().unwrap(), 3);
    assert_eq!(log.take(), [1, 2, 3]);
    post_all(&mut port1, 4..5);
    assert_eq!(*port2.recv().unwrap(), 4);
    assert_eq!(port2.dispatch().unwrap(), 0);
}

#[test]
fn d2_a_port_that_is_run_gets_all_in_order() {
    const COUNT: u64 = if cfg!(miri) { 100 } else { 5_000 };
    let MessageChannel { mut port1, mut port2 } = MessageChannel::<Vec<u64>>::with_capacity(256);
    let received = Log::new();
    let handled = received.clone();
    let runner = thread::spawn(move || {
        let mut next = 0;
        port2.set_onmessage(move |event| {
            assert_numbered(event.data(), next);
            handled.push(next);
            next += 1;
        });
        port2.run()
    });
    post_in_every_way(&mut port1, COUNT);
    drop(port1);
    runner.join().unwrap().unwrap();
    assert!(received.take().into_iter().eq(0..COUNT));
}

#[test]
fn d3_a_post_is_a_clone_taken_at_post_time() {
    let MessageChannel { mut port1, mut port2 } = MessageChannel::<String>::new();
    let mut text = "first".to_owned();
    port1.post_message(&text).unwrap();
    text.replace_range(.., "later");
    port1.post_message(&text).unwrap();
    drop(text);
    assert_eq!(port2.recv().unwrap().as_str(), "first");
    assert_eq!(port2.recv().unwrap().as_str(), "later");
}

#[test]
fn d3_plain_values_are_cloned_too() {
    let MessageChannel { mut port1, mut port2 } = MessageChannel::<[u64; 4]>::new();
    let mut words = [1, 2, 3, 4];
    port1.post_message(&words).unwrap();
    words[0] = 9;
    port1.post_message(&words).unwrap();
    assert_eq!(port2.recv().unwrap().deserialize().unwrap(), [1, 2, 3, 4]);
    assert_eq!(port2.recv().unwrap().deserialize().unwrap(), [9, 2, 3, 4]);
}

#[test]
fn d3_the_clone_goes_all_the_way_down_also_when_it_is_spilled() {
    let MessageChannel { mut port1, mut port2 } =
        MessageChannel::<Vec<Vec<u32>>>::with_capacity(256);
    let mut lists = vec![vec![1; 200], vec![2; 200]];
    port1.post_message(&lists).unwrap();
    for list in &mut lists {
        list.fill(0);
    }
    port1.post_message(&lists).unwrap();
    assert_eq!(port2.recv().unwrap().deserialize().unwrap(), [vec![1; 200], vec![2; 200]]);
    assert_eq!(port2.recv().unwrap().deserialize().unwrap(), [vec![0; 200], vec![0; 200]]);
}

#[test]
fn d3_what_arrived_is_not_what_a_refused_post_meant_to_replace_it_with() {
    let MessageChannel { mut port1, mut port2 } = MessageChannel::<[u64; 2]>::with_capacity(64);
    let mut words = [0, 0];
    while port1.try_post_message(&words).is_ok() {
        words[0] += 1;
    }
    assert!(words[0] > 0);
    assert!(port1.try_post_message(&[99, 99]).unwrap_err().is_full());
    for expected in 0..words[0] {
        assert_eq!(port2.recv().unwrap().deserialize().unwrap(), [expected, 0]);
    }
    assert!(port2.try_recv().unwrap_err().is_empty());
}

#[test]
fn d4_what_arrives_at_a_new_port_waits_until_set_onmessage_starts_it() {
    let MessageChannel { mut port1, mut port2 } = MessageChannel::<u64>::new();
    post_all(&mut port1, 0..3);
    assert_eq!(port2.dispatch().unwrap(), 0);
    assert_eq!(port2.len(), 3);
    let log = listen(&mut port2);
    assert!(log.take().is_empty(), "setting a handler dispatches nothing");
    assert_eq!(port2.dispatch().unwrap(), 3);
    assert_eq!(log.take(), [0, 1, 2]);
}

/// With no other way to set a message handler than `set_onmessage`, which starts the port, whether
/// a port was started shows in its `Debug` form alone.
#[test]
fn d4_set_onmessage_and_start_start_a_port_and_the_other_handlers_do_not() {
    fn is_started(port: &MessagePort<u64>) -> bool {
        let debug = format!("{port:?}");
        assert!(debug.contains("started: "), "{debug}");
        debug.contains("started: true")
    }
    let MessageChannel { mut port1, mut port2 } = MessageChannel::<u64>::new();
    assert!(!is_started(&port1));
    port1.set_onmessageerror(|_| ());
    port1.set_onclose(|_| ());
    assert!(!is_started(&port1));
    port1.set_onmessage(|_| ());
    assert!(is_started(&port1));
    port1.clear_onmessage();
    assert!(is_started(&port1), "a started port stays started");
    assert!(!is_started(&port2));
    port2.start();
    assert!(is_started(&port2));
}

#[test]
fn d4_the_other_handlers_do_not_let_messages_through() {
    let MessageChannel { mut port1, mut port2 } = MessageChannel::<Hostile>::new();
    let events = Log::new();
    let log = events.clone();
    port2.set_onmessageerror(move |_| log.push("messageerror"));
    let log = events.clone();
    port2.set_onclose(move |_| log.push("close"));
    port1.post_message(&Hostile::honest(&[1])).unwrap();
    port1.post_message(&Hostile::lying(&[2])).unwrap();
    port1.close();
    assert_eq!(port2.dispatch().unwrap(), 0);
    assert!(events.take().is_empty(), "the messages wait, and hold back the close");
    assert_eq!(port2.len(), 2);
    let log = events.clone();
    port2.set_onmessage(move |_| log.push("message"));
    assert_eq!(port2.dispatch().unwrap(), 3);
    assert_eq!(events.take(), ["message", "messageerror", "close"]);
}

#[test]
fn d4_starting_twice_is_a_no_op() {
    let MessageChannel { mut port1, mut port2 } = MessageChannel::<u64>::new();
    let log = listen(&mut port2);
    post_all(&mut port1, 0..2);
    port2.start();
    port2.start();
    assert_eq!(port2.dispatch().unwrap(), 2);
    port2.start();
    assert_eq!(port2.dispatch().unwrap(), 0);
    assert_eq!(log.take(), [0, 1]);
}

#[test]
fn d4_other_events_do_not_ask_whether_the_port_was_started() {
    let MessageChannel { mut port1, mut port2 } = MessageChannel::<u64>::new();
    let closes = Log::new();
    let log = closes.clone();
    port2.set_onclose(move |_| log.push(()));
    port1.close();
    assert_eq!(port2.dispatch().unwrap(), 1);
    assert_eq!(closes.take().len(), 1);
}

#[test]
fn d4_pulling_does_not_ask_whether_the_port_was_started() {
    let MessageChannel { mut port1, mut port2 } = MessageChannel::<u64>::new();
    post_all(&mut port1, 0..3);
    assert_eq!(*port2.recv().unwrap(), 0);
    assert_eq!(*port2.try_recv().unwrap(), 1);
    assert_eq!(*port2.recv_timeout(Duration::ZERO).unwrap(), 2);
    assert!(format!("{port2:?}").contains("started: false"), "pulling does not start it either");
}

#[test]
fn d5_a_started_port_without_a_handler_keeps_its_messages() {
    let MessageChannel { mut port1, mut port2 } = MessageChannel::<u64>::new();
    port2.start();
    post_all(&mut port1, 0..3);
    assert_eq!(port2.dispatch().unwrap(), 0);
    assert_eq!(port2.len(), 3);
    let log = listen(&mut port2);
    assert_eq!(port2.dispatch().unwrap(), 3);
    assert_eq!(log.take(), [0, 1, 2]);
}

#[test]
fn d5_messages_wait_for_the_next_handler_when_one_was_removed() {
    let MessageChannel { mut port1, mut port2 } = MessageChannel::<u64>::new();
    let first = listen(&mut port2);
    post_all(&mut port1, 0..1);
    assert_eq!(port2.dispatch().unwrap(), 1);
    post_all(&mut port1, 1..2);
    port2.clear_onmessage();
    post_all(&mut port1, 2..3);
    assert_eq!(port2.dispatch().unwrap(), 0);
    assert_eq!(port2.len(), 2);
    let second = listen(&mut port2);
    post_all(&mut port1, 3..4);
    assert_eq!(port2.dispatch().unwrap(), 3);
    assert_eq!(first.take(), [0]);
    assert_eq!(second.take(), [1, 2, 3]);
}

#[test]
fn d5_run_leaves_the_messages_of_an_ended_channel_to_the_next_handler() {
    let MessageChannel { mut port1, mut port2 } = MessageChannel::<u64>::new();
    post_all(&mut port1, 0..2);
    drop(port1);
    port2.run().unwrap();
    assert_eq!(port2.len(), 2);
    let log = listen(&mut port2);
    port2.run().unwrap();
    assert_eq!(log.take(), [0, 1]);
}

#[test]
fn d6_a_handler_set_between_two_turns_takes_the_next_message() {
    let MessageChannel { mut port1, mut port2 } = MessageChannel::<u64>::new();
    let heard = Log::new();
    post_all(&mut port1, 0..3);
    // All three are there at the first call; each failure ends it after one message.
    for name in ["first", "second", "third"] {
        let log = heard.clone();
        port2.set_onmessage(move |event| {
            log.push((name, event.data().to_native()));
            Err("end of this turn")
        });
        assert!(matches!(port2.dispatch(), Err(DispatchError::Message(_))));
    }
    assert_eq!(heard.take(), [("first", 0), ("second", 1), ("third", 2)]);
}

#[test]
fn d6_a_handler_removed_between_two_turns_is_not_called_again() {
    let MessageChannel { mut port1, mut port2 } = MessageChannel::<u64>::new();
    let heard = Log::new();
    let log = heard.clone();
    port2.set_onmessage(move |event| {
        log.push(event.data().to_native());
        Err("end of this turn")
    });
    post_all(&mut port1, 0..2);
    assert!(port2.dispatch().is_err());
    port2.clear_onmessage();
    assert_eq!(port2.dispatch().unwrap(), 0);
    assert_eq!(heard.take(), [0]);
    assert_eq!(*port2.recv().unwrap(), 1);
}

#[test]
fn d7_what_a_handler_posts_goes_behind_what_was_posted_before() {
    let MessageChannel { mut port1, mut port2 } = MessageChannel::<u64>::new();
    port2.set_onmessage(|event| {
        let request = event.data().to_native();
        event.target().post_message(&(request * 10))?;
        event.target().post_message(&(request * 10 + 1))
    });
    post_all(&mut port2, [1, 2]);
    post_all(&mut port1, [5, 6]);
    assert_eq!(port2.dispatch().unwrap(), 2);
    post_all(&mut port2, [3]);
    let log = listen(&mut port1);
    assert_eq!(port1.dispatch().unwrap(), 7);
    assert_eq!(log.take(), [1, 2, 50, 51, 60, 61, 3]);
}

#[test]
fn d7_two_ports_that_answer_each_other_take_turns() {
    fn count_down(port: &mut MessagePort<u64>, log: Log<u64>) {
        port.set_onmessage(move |event| {
            let left = event.data().to_native();
            log.push(left);
            if left > 0 { event.target().post_message(&(left - 1)) } else { Ok(()) }
        });
    }
    let MessageChannel { mut port1, mut port2 } = MessageChannel::<u64>::new();
    let log = Log::new();
    count_down(&mut port1, log.clone());
    count_down(&mut port2, log.clone());
    post_all(&mut port1, [4]);
    while port1.dispatch().unwrap() + port2.dispatch().unwrap() > 0 {}
    assert_eq!(log.take(), [4, 3, 2, 1, 0]);
}

#[test]
fn d8_neither_post_nor_close_runs_a_handler() {
    let MessageChannel { mut port1, mut port2 } = MessageChannel::<u64>::new();
    let events = Log::new();
    for port in [&mut port1, &mut port2] {
        let log = events.clone();
        port.set_onmessage(move |_| log.push("message"));
        let log = events.clone();
        port.set_onclose(move |_| log.push("close"));
    }
    post_all(&mut port1, [1]);
    assert!(events.take().is_empty(), "inside the post");
    port1.close();
    assert!(events.take().is_empty(), "inside the close");
    port2.dispatch().unwrap();
    assert_eq!(events.take(), ["message", "close"]);
    port1.dispatch().unwrap();
    assert_eq!(events.take(), ["close"]);
}

#[test]
fn d8_handlers_run_on_the_thread_that_turns_the_port() {
    let MessageChannel { mut port1, mut port2 } = MessageChannel::<u64>::new();
    let threads = Log::new();
    let log = threads.clone();
    port2.set_onmessage(move |_| {
        log.push(("message", thread::current().id()));
        Err("and now its messageerror")
    });
    let log = threads.clone();
    port2.set_onmessageerror(move |_| log.push(("messageerror", thread::current().id())));
    let log = threads.clone();
    port2.set_onclose(move |_| log.push(("close", thread::current().id())));

    // The handlers were set here, one message is dispatched here, the rest elsewhere.
    post_all(&mut port1, [1]);
    assert_eq!(port2.dispatch().unwrap(), 2);
    let here = thread::current().id();
    assert_eq!(threads.take(), [("message", here), ("messageerror", here)]);
    let runner = thread::spawn(move || {
        port2.run().unwrap();
        thread::current().id()
    });
    post_all(&mut port1, [2]);
    port1.close();
    let there = runner.join().unwrap();
    assert_eq!(threads.take(), [("message", there), ("messageerror", there), ("close", there)]);
}

#[test]
fn d8_a_post_from_a_handler_does_not_run_the_peers_handler() {
    let MessageChannel { mut port1, mut port2 } = MessageChannel::<u64>::new();
    let replies = listen(&mut port1);
    let seen_inside = Log::new();
    let (log, seen) = (replies.clone(), seen_inside.clone());
    port2.set_onmessage(move |event| {
        event.target().post_message(&2)?;
        seen.push(log.take().len());
        Ok::<_, PostError>(())
    });
    post_all(&mut port1, [1]);
    assert_eq!(port2.dispatch().unwrap(), 1);
    assert_eq!(seen_inside.take(), [0]);
    assert_eq!(port1.dispatch().unwrap(), 1);
    assert_eq!(replies.take(), [2]);
}
