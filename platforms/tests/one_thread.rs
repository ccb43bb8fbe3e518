//! WebAssembly without threads: what would wait for ever says so, and hangs nowhere.
//!
//! A panic ends such a program, so `ci/lib/wasi.mjs` gives each test an instance of its own, and
//! [`must_panic`] tells it which panic is the right one.

#![cfg(target_family = "wasm")]

use std::time::Duration;

use message_port::{EventLoop, Message, MessageChannel, MessagePort, WaitStrategy};

const CAPACITY: usize = 256;
const SHORT: Duration = Duration::from_millis(2);
/// More than a clock can express.
const ENDLESS: Duration = Duration::MAX;
/// What a call that would wait for ever says.
const WORDS: &str = "this call would wait for ever, since there is no other thread on this target";

/// Calls `f`, which must end the program with a panic that has these words.
fn must_panic<R>(words: &str, f: impl FnOnce() -> R) -> ! {
    eprintln!("must panic: {words}");
    f();
    panic!("the call has returned");
}

fn pair<T: Message>() -> (MessagePort<T>, MessagePort<T>) {
    let MessageChannel { port1, port2 } = MessageChannel::with_capacity(CAPACITY);
    (port1, port2)
}

/// A port with no room for another message, and its peer.
fn full<T: Message>(message: &T) -> (MessagePort<T>, MessagePort<T>) {
    let (mut port1, port2) = pair();
    while port1.try_post_message(message).is_ok() {}
    assert!(port1.try_post_message(message).unwrap_err().is_full());
    (port1, port2)
}

#[test]
fn there_is_no_other_thread() {
    assert!(std::thread::Builder::new().spawn(|| ()).is_err());
}

#[test]
fn a_post_that_waits_for_room_would_deadlock() {
    fn check<T: Message>(message: &T) {
        let (mut port1, mut port2) = full(message);
        let error = port1.post_message(message).unwrap_err();
        assert!(error.is_would_deadlock());
        assert_eq!(error.to_string(), "posting would deadlock: there is no other thread");
        assert!(port1.post_messages([message]).unwrap_err().is_would_deadlock());
        // It is refused, not broken: with room it goes on.
        while port2.try_recv().is_ok() {}
        port1.post_message(message).unwrap();
        assert_eq!(port2.len(), 1);
    }
    check(&7u64);
    check(&"seven".to_owned());
    // As many buffers as there may be are on their way.
    check(&"seven".repeat(100));
}

#[test]
fn a_batch_that_runs_out_of_room_ends_and_is_visible_so_far() {
    let (mut port1, mut port2) = pair::<u64>();
    let numbers: Vec<u64> = (0..1000).collect();
    assert_eq!(port1.post_messages(&numbers).unwrap(), 28, "what the ring has room for");
    assert_eq!(port2.len(), 28);
    for number in 0..28 {
        assert_eq!(*port2.try_recv().unwrap(), number);
    }
}

#[test]
fn a_post_at_the_limit_of_a_direction_that_grows_would_deadlock() {
    let channel = MessageChannel::<u64>::builder().capacity(CAPACITY).growable(4 * CAPACITY);
    let MessageChannel { mut port1, mut port2 } = channel.build().unwrap();
    while port1.try_post_message(&7).is_ok() {}
    assert!(port1.post_message(&7).unwrap_err().is_would_deadlock());
    assert_eq!(port2.recv_batch(usize::MAX, |_| ()).unwrap(), 4 * 28);
    port1.post_message(&7).unwrap();
}

#[test]
fn a_half_and_the_target_of_an_event_would_deadlock_too() {
    let (port1, mut port2) = full(&7u64);
    let (mut sender, _receiver) = port1.into_split();
    assert!(sender.post_message(&7).unwrap_err().is_would_deadlock());
    let mut refused = 0;
    port2.set_onmessage(move |event| {
        while event.target().try_post_message(&7).is_ok() {}
        refused += u32::from(event.target().post_message(&7).unwrap_err().is_would_deadlock());
        assert!(refused > 0);
    });
    assert_eq!(port2.dispatch().unwrap(), 28);
}

#[test]
fn a_post_with_a_time_limit_times_out() {
    let (mut port1, _port2) = full(&7u64);
    assert!(port1.post_message_timeout(&7, SHORT).unwrap_err().is_timeout());
    // A limit that never comes is none.
    assert!(port1.post_message_timeout(&7, ENDLESS).unwrap_err().is_would_deadlock());
}

#[test]
fn a_receive_with_a_time_limit_times_out() {
    let (mut port1, mut port2) = pair::<u64>();
    assert!(port2.recv_timeout(SHORT).unwrap_err().is_timeout());
    port1.post_message(&7).unwrap();
    assert_eq!(*port2.recv_timeout(SHORT).unwrap(), 7);
}

#[test]
fn what_need_not_wait_does_not() {
    let (mut port1, mut port2) = pair::<u64>();
    port1.post_message(&7).unwrap();
    assert_eq!(*port2.recv().unwrap(), 7);
    port1.post_message(&8).unwrap();
    drop(port1);
    assert_eq!(*port2.recv().unwrap(), 8);
    assert!(port2.recv().unwrap_err().is_disconnected());
    port2.run().unwrap();
}

#[test]
fn a_receive_at_an_empty_port_panics() {
    let (_port1, mut port2) = pair::<u64>();
    must_panic(WORDS, || port2.recv().map(|_| ()));
}

#[test]
fn a_receive_without_a_real_limit_panics() {
    let (_port1, mut port2) = pair::<u64>();
    must_panic(WORDS, || port2.recv_timeout(ENDLESS).map(|_| ()));
}

#[test]
fn a_receive_that_spins_panics() {
    let channel = MessageChannel::<u64>::builder().wait_strategy(WaitStrategy::Spin);
    let MessageChannel { port1: _port1, mut port2 } = channel.build().unwrap();
    must_panic(WORDS, || port2.recv().map(|_| ()));
}

#[test]
fn a_receiving_half_panics() {
    let (_port1, port2) = pair::<u64>();
    let (_sender, mut receiver) = port2.into_split();
    must_panic(WORDS, || receiver.recv().map(|_| ()));
}

#[test]
fn running_an_open_port_panics_after_what_there_is() {
    let (mut port1, mut port2) = pair::<u64>();
    port1.post_message(&7).unwrap();
    port2.set_onmessage(|event| println!("dispatched: {}", event.data()));
    must_panic(WORDS, || {
        let _ = port2.run();
    });
}

#[test]
fn a_loop_that_rests_panics() {
    let (_port1, port2) = pair::<u64>();
    let mut events = EventLoop::new();
    events.add(port2);
    must_panic(WORDS, || events.run());
}

#[test]
fn a_turn_of_a_loop_that_rests_panics() {
    let (_port1, port2) = pair::<u64>();
    let mut events = EventLoop::new();
    events.add(port2);
    must_panic(WORDS, || events.run_once(None));
}

/// Nobody can leave a port for it any more.
#[test]
fn a_loop_that_is_kept_running_panics() {
    let mut events = EventLoop::new();
    let _guard = events.handle().keep_running();
    must_panic(WORDS, || events.run());
}

#[test]
fn a_turn_with_a_time_limit_ends() {
    let (_port1, port2) = pair::<u64>();
    let mut events = EventLoop::new();
    events.add(port2);
    assert_eq!(events.run_once(Some(SHORT)).unwrap(), 0);
    assert_eq!(events.run_once(Some(Duration::ZERO)).unwrap(), 0);
}

#[test]
fn a_loop_runs_until_nothing_is_left() {
    let (mut port1, mut port2) = pair::<u64>();
    let mut events = EventLoop::new();
    let handle = events.handle();
    // What a handler leaves for the loop has its turn before the loop could rest.
    port2.set_onmessage(move |_| {
        let (mut inner, mut served) = pair::<u64>();
        served.set_onmessage(|event| event.target().close());
        inner.post_message(&8).unwrap();
        inner.close();
        handle.add(served);
        handle.wake();
    });
    events.add(port2);
    port1.post_message(&7).unwrap();
    port1.close();
    events.run().unwrap();
    assert!(events.is_empty());
}

#[test]
fn a_loop_is_stopped_from_a_handler() {
    let (mut port1, mut port2) = pair::<u64>();
    let mut events = EventLoop::new();
    let handle = events.handle();
    port2.set_onmessage(move |_| handle.stop());
    events.add(port2);
    port1.post_message(&7).unwrap();
    events.run().unwrap();
    assert_eq!(events.len(), 1);
}
