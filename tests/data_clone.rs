//! Values that cannot be cloned: refused at the post, before anything else is said about it (E1,
//! E2).

mod common;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::thread;
use std::time::Duration;

use common::clone::{Doubtful, Ending, PANIC, Unsteady};
use common::log::Log;
use common::small::{SPILLED, channel, fill};
use message_port::rkyv::vec::ArchivedVec;
use message_port::{
    Message, MessageChannel, MessagePort, PostError, PostTimeoutError, TryPostError,
};

/// Posts it in each of the three ways; each must find that it cannot be cloned.
fn assert_refused<T: Message>(port: &mut MessagePort<T>, value: &T) {
    let error = port.post_message(value).unwrap_err();
    assert!(matches!(error, PostError::DataClone(_)), "{error}");
    assert_eq!(error.to_string(), "the message could not be cloned: refused");
    let error = port.try_post_message(value).unwrap_err();
    assert!(matches!(error, TryPostError::DataClone(_)), "{error}");
    let error = port.post_message_timeout(value, Duration::MAX).unwrap_err();
    assert!(matches!(error, PostTimeoutError::DataClone(_)), "{error}");
}

/// Posts it in each of the three ways; each must go on unwinding with the value's own panic.
fn assert_unwinds<T: Message>(port: &mut MessagePort<T>, value: &T) {
    type Post<T> = fn(&mut MessagePort<T>, &T);
    let ways: [Post<T>; 3] = [
        |port, value| drop(port.post_message(value)),
        |port, value| drop(port.try_post_message(value)),
        |port, value| drop(port.post_message_timeout(value, Duration::MAX)),
    ];
    for post in ways {
        let panic = catch_unwind(AssertUnwindSafe(|| post(port, value))).unwrap_err();
        assert_eq!(panic.downcast_ref::<String>().map(String::as_str), Some(PANIC));
    }
}

fn assert_uncloneable(port: &mut MessagePort<Doubtful>, bytes: &[u8]) {
    assert_refused(port, &Doubtful::new(bytes, Ending::Error));
    assert_unwinds(port, &Doubtful::new(bytes, Ending::Panic));
}

/// Nothing arrived, and the way to the peer is open.
fn assert_next_post_works(port1: &mut MessagePort<Doubtful>, port2: &mut MessagePort<Doubtful>) {
    assert!(port2.is_empty());
    assert!(port2.try_recv().unwrap_err().is_empty());
    for bytes in [&b"next"[..], &[5; SPILLED]] {
        port1.post_message(&Doubtful::good(bytes)).unwrap();
        assert_eq!(port2.len(), 1);
        assert_eq!(port2.try_recv().unwrap().as_slice(), bytes);
    }
}

#[test]
fn e1_a_value_that_fails_at_once_is_refused_at_the_post() {
    let MessageChannel { mut port1, mut port2 } = channel();
    assert_uncloneable(&mut port1, &[]);
    assert_next_post_works(&mut port1, &mut port2);
}

#[test]
fn e1_a_value_that_fails_after_it_wrote_is_refused_at_the_post() {
    let MessageChannel { mut port1, mut port2 } = channel();
    assert_uncloneable(&mut port1, &[0xff; 100]);
    assert_next_post_works(&mut port1, &mut port2);
}

#[test]
fn e1_a_value_that_would_be_spilled_is_refused_at_the_post() {
    let MessageChannel { mut port1, mut port2 } = channel();
    assert_uncloneable(&mut port1, &[0xff; SPILLED]);
    assert_next_post_works(&mut port1, &mut port2);
}

/// The bytes of a spilled message are written in a second call, into the buffer.
#[test]
fn e1_a_failure_while_the_buffer_is_written_leaves_the_buffer_to_the_next_message() {
    let MessageChannel { mut port1, mut port2 } = channel();
    // More often than a direction may have buffers.
    for _ in 0..20 {
        let value = Doubtful::new(&[0xff; SPILLED], Ending::Error).in_calls(2..=2);
        let error = port1.try_post_message(&value).unwrap_err();
        assert!(error.is_data_clone(), "{error}");
        assert_eq!(value.calls(), 2);
        let value = Doubtful::new(&[0xff; SPILLED], Ending::Panic).in_calls(2..=2);
        catch_unwind(AssertUnwindSafe(|| port1.try_post_message(&value))).unwrap_err();
        assert_eq!(value.calls(), 2);
    }
    assert_next_post_works(&mut port1, &mut port2);
}

/// What does not fit before the end of the lap is written in a second call, in the next lap.
#[test]
fn e1_a_failure_in_the_next_lap_is_refused_at_the_post() {
    for ending in [Ending::Error, Ending::Panic] {
        let MessageChannel { mut port1, mut port2 } = channel();
        for _ in 0..2 {
            port1.post_message(&Doubtful::good(&[1; 80])).unwrap();
            port2.recv().unwrap();
        }
        let value = Doubtful::new(&[0xff; 100], ending).in_calls(2..=2);
        let outcome = catch_unwind(AssertUnwindSafe(|| port1.post_message(&value)));
        assert!(outcome.map_or(true, |posted| posted.unwrap_err().is_data_clone()));
        assert_eq!(value.calls(), 2);
        assert_next_post_works(&mut port1, &mut port2);
    }
}

#[test]
fn e1_on_a_full_ring_the_value_is_refused_without_waiting_and_what_waits_is_unharmed() {
    for bytes in [&[][..], &[0xff; 100], &[0xff; SPILLED]] {
        let MessageChannel { mut port1, mut port2 } = channel();
        let posted = fill(&mut port1);
        assert!(posted > 1);
        assert_uncloneable(&mut port1, bytes);
        assert_eq!(port2.len(), posted);
        for _ in 0..posted {
            assert_eq!(port2.recv().unwrap().as_slice(), [1; 10]);
        }
        assert_next_post_works(&mut port1, &mut port2);
    }
}

#[test]
fn e1_when_all_buffers_are_on_the_way_the_value_is_refused_without_waiting() {
    let MessageChannel { mut port1, mut port2 } = MessageChannel::with_capacity(4096);
    let large = Doubtful::good(&[3; 3000]);
    let mut posted = 0;
    while port1.try_post_message(&large).is_ok() {
        posted += 1;
    }
    assert_uncloneable(&mut port1, &[0xff; 3000]);
    for _ in 0..posted {
        assert_eq!(port2.recv().unwrap().as_slice(), [3; 3000]);
    }
    assert_next_post_works(&mut port1, &mut port2);
}

#[test]
fn e1_a_message_being_read_is_not_touched_by_a_failing_post() {
    let MessageChannel { mut port1, mut port2 } = channel();
    port1.post_message(&Doubtful::good(&[1; 100])).unwrap();
    let message = port2.recv().unwrap();
    assert_uncloneable(&mut port1, &[0xff; 100]);
    assert_uncloneable(&mut port1, &[0xff; SPILLED]);
    assert_eq!(message.as_slice(), [1; 100]);
    drop(message);
    assert_next_post_works(&mut port1, &mut port2);
}

/// Elements that were written before the one that fails need room of their own in the meantime.
#[test]
fn e1_a_value_that_fails_in_its_middle_is_refused_and_a_later_one_is_whole() {
    let MessageChannel { mut port1, mut port2 } = channel::<Vec<Doubtful>>();
    let list = |middle| {
        let good = |byte| (0..10).map(move |_| Doubtful::good(&[byte; 3]));
        good(1).chain([Doubtful::new(&[2; 3], middle)]).chain(good(3)).collect::<Vec<_>>()
    };
    for _ in 0..3 {
        assert_refused(&mut port1, &list(Ending::Error));
        assert_unwinds(&mut port1, &list(Ending::Panic));
        assert!(port2.is_empty());
        port1.post_message(&list(Ending::Success)).unwrap();
        let message = port2.recv().unwrap();
        let bytes = [[1; 3]; 10].into_iter().chain([[2; 3]]).chain([[3; 3]; 10]);
        assert!(message.iter().map(ArchivedVec::as_slice).eq(bytes));
    }
}

#[test]
fn e1_a_shared_value_that_failed_once_can_be_posted_later() {
    for ending in [Ending::Error, Ending::Panic] {
        let MessageChannel { mut port1, mut port2 } = channel::<[Rc<Doubtful>; 2]>();
        let value = Rc::new(Doubtful::new(b"shared", ending).in_calls(1..=1));
        let pair = [Rc::clone(&value), value];
        let outcome = catch_unwind(AssertUnwindSafe(|| port1.post_message(&pair)));
        assert!(outcome.map_or(true, |posted| posted.unwrap_err().is_data_clone()));
        port1.post_message(&pair).unwrap();
        let message = port2.recv().unwrap();
        assert_eq!(message.each_ref().map(|value| value.as_slice()), [b"shared"; 2]);
        assert_eq!(pair[0].calls(), 2, "it is one value, written once per post");
    }
}

#[test]
fn e1_nothing_is_fired_at_the_receiver_nor_at_the_sender() {
    let MessageChannel { mut port1, mut port2 } = channel::<Doubtful>();
    let events = Log::new();
    for port in [&mut port1, &mut port2] {
        let log = events.clone();
        port.set_onmessage(move |event| log.push(event.data().to_vec()));
        let log = events.clone();
        port.set_onmessageerror(move |_| log.push(b"messageerror".to_vec()));
        let log = events.clone();
        port.set_onclose(move |_| log.push(b"close".to_vec()));
    }
    assert_uncloneable(&mut port1, b"x");
    assert_uncloneable(&mut port1, &[b'x'; SPILLED]);
    assert_eq!((port1.dispatch().unwrap(), port2.dispatch().unwrap()), (0, 0));
    port1.post_message(&Doubtful::good(b"good")).unwrap();
    assert_uncloneable(&mut port1, b"x");
    assert_eq!((port1.dispatch().unwrap(), port2.dispatch().unwrap()), (0, 1));
    assert_eq!(events.take(), [b"good"]);
}

#[test]
fn e1_a_waiting_receiver_sees_only_what_could_be_cloned() {
    let MessageChannel { mut port1, mut port2 } = channel::<Doubtful>();
    let receiver = thread::spawn(move || {
        let mut received = Vec::new();
        while let Ok(message) = port2.recv() {
            received.push(message.to_vec());
        }
        received
    });
    let count = if cfg!(miri) { 10 } else { 100 };
    for number in 0..count {
        assert_uncloneable(&mut port1, &[0xff; 50]);
        port1.post_message(&Doubtful::good(&[number])).unwrap();
        assert_uncloneable(&mut port1, &[0xff; SPILLED]);
    }
    drop(port1);
    assert!(receiver.join().unwrap().into_iter().eq((0..count).map(|number| vec![number])));
}

#[test]
fn e1_a_handler_can_pass_on_the_error_of_its_reply() {
    let MessageChannel { mut port1, mut port2 } = MessageChannel::<u64, Doubtful>::new();
    let errors = Log::new();
    let log = errors.clone();
    port2.set_onmessage(|event| {
        let ending = if *event.data() == 0 { Ending::Error } else { Ending::Success };
        event.target().post_message(&Doubtful::new(b"reply", ending))
    });
    port2.set_onmessageerror(move |event| log.push(event.error().to_string()));
    port1.post_message(&0).unwrap();
    port1.post_message(&1).unwrap();
    assert_eq!(port2.dispatch().unwrap(), 3);
    let text = "the message handler failed: the message could not be cloned: refused";
    assert_eq!(errors.take(), [text]);
    assert_eq!(port1.recv().unwrap().as_slice(), b"reply");
    assert!(port1.try_recv().unwrap_err().is_empty());
}

/// A port that has the value serialised anew must not take a value that outgrows each place for an
/// endless task, nor post what it wrote into too small a one.
#[test]
fn e1_a_value_that_grows_each_time_cannot_be_cloned() {
    let MessageChannel { mut port1, mut port2 } = channel();
    let error = port1.post_message(&Unsteady::new(|call| 500 * call as usize)).unwrap_err();
    assert!(matches!(error, PostError::DataClone(_)), "{error}");
    let text = "the message could not be cloned: its archive grows each time it is serialised";
    assert_eq!(error.to_string(), text);
    assert!(port2.is_empty());
    port1.post_message(&Unsteady::new(|_| 5)).unwrap();
    assert_eq!(port2.recv().unwrap().as_slice(), [7; 5]);
}

#[test]
fn e1_a_value_that_changes_its_length_is_posted_as_it_was_last() {
    let lengths: [fn(u32) -> usize; 3] =
        [|call| [500, 100][call as usize - 1], |call| [500, 1000, 2000, 900][call as usize - 1], {
            |call| [500, 0][call as usize - 1]
        }];
    for (length, last) in lengths.into_iter().zip([100, 900, 0]) {
        let MessageChannel { mut port1, mut port2 } = channel();
        port1.post_message(&Unsteady::new(length)).unwrap();
        assert_eq!(port2.recv().unwrap().as_slice(), vec![7; last]);
        assert!(port2.is_empty());
    }
}

/// A channel that ended, port 2 gone if it was dropped.
struct Ended {
    how: &'static str,
    port1: MessagePort<Doubtful>,
    port2: Option<MessagePort<Doubtful>>,
}

fn ended_channels() -> [Ended; 5] {
    let with = |how, end: fn(&mut MessageChannel<Doubtful>), keep: bool| {
        let mut channel = channel();
        end(&mut channel);
        Ended { how, port1: channel.port1, port2: keep.then_some(channel.port2) }
    };
    [
        with("open", |_| (), true),
        with("closed here", |channel| channel.port1.close(), true),
        with("closed by the peer", |channel| channel.port2.close(), true),
        with("dropped by the peer", |_| (), false),
        with("closed and dropped by the peer", |channel| channel.port2.close(), false),
    ]
}

#[test]
fn e2_an_uncloneable_value_is_refused_as_such_however_the_channel_ended() {
    for bytes in [&[][..], &[0xff; 100], &[0xff; SPILLED]] {
        for Ended { how, mut port1, port2 } in ended_channels() {
            println!("{how}, {} bytes", bytes.len());
            assert_uncloneable(&mut port1, bytes);
            drop(port2);
            assert_uncloneable(&mut port1, bytes);
        }
    }
}

#[test]
fn e2_an_uncloneable_value_is_refused_as_such_on_a_full_ended_channel() {
    let MessageChannel { mut port1, mut port2 } = channel();
    fill(&mut port1);
    assert_uncloneable(&mut port1, &[0xff; 100]);
    port2.close();
    assert_uncloneable(&mut port1, &[0xff; 100]);
    drop(port2);
    assert_uncloneable(&mut port1, &[0xff; 100]);
}

#[test]
fn e2_the_values_error_comes_before_its_length() {
    let MessageChannel { mut port1, port2: _peer } =
        MessageChannel::<Doubtful>::builder().max_message_len(100).build().unwrap();
    let error = port1.post_message(&Doubtful::good(&[0; 200])).unwrap_err();
    assert!(error.is_too_large(), "{error}");
    assert_uncloneable(&mut port1, &[0; 200]);
}

#[test]
fn e2_half_a_peer_is_as_good_as_none() {
    let MessageChannel { mut port1, port2 } = channel();
    let (sender, receiver) = port2.into_split();
    drop(receiver);
    assert_uncloneable(&mut port1, &[0xff; 100]);
    drop(sender);
    assert_uncloneable(&mut port1, &[0xff; 100]);
}
