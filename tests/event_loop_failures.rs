//! Handlers that fail or panic in an event loop: which port it was, and that all go on.

#[path = "common/log.rs"]
mod log;

use std::error::Error;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::time::Duration;

use message_port::{DispatchError, EventLoop, HandlerError, MessageChannel, MessagePort};

use log::Log;

type Channel = MessageChannel<u64>;

const NOW: Option<Duration> = Some(Duration::ZERO);

/// A loop with three ports that note what arrives, the second of which does not get on with a 0;
/// and their peers.
fn three(
    log: &Log<u64>,
    fail: fn() -> Result<(), &'static str>,
) -> (EventLoop, Vec<MessagePort<u64>>) {
    let mut events = EventLoop::new();
    let mut peers = Vec::new();
    for n in 0..3 {
        let Channel { port1, mut port2 } = Channel::new();
        let log = log.clone();
        port2.set_onmessage(move |event| {
            log.push(n * 10 + event.data().to_native());
            if n == 1 && *event.data() == 0 { fail() } else { Ok(()) }
        });
        events.add(port2);
        peers.push(port1);
    }
    (events, peers)
}

/// Posts 0 and 1 everywhere and runs until the failure, then until all is done.
fn the_others_go_on(fail: fn() -> Result<(), &'static str>) -> DispatchError {
    let log = Log::new();
    let (mut events, mut peers) = three(&log, fail);
    for peer in &mut peers {
        peer.post_messages(&[0, 1]).unwrap();
    }
    let error = events.run().unwrap_err();
    let mut before = log.take();
    assert_eq!(before, [0, 1, 10], "it returns at the failure");
    drop(peers);
    events.run().unwrap();
    before.extend(log.take());
    assert_eq!(before, [0, 1, 10, 20, 21, 11], "the failed port has its turn behind the others");
    assert!(events.is_empty());
    error.into_inner()
}

#[test]
fn after_an_error_the_others_go_on() {
    let error = the_others_go_on(|| Err("not today"));
    assert!(matches!(error, DispatchError::Message(HandlerError::Returned(_))));
}

#[test]
fn after_a_panic_the_others_go_on() {
    let error = the_others_go_on(|| resume_unwind(Box::new("boom")));
    assert!(matches!(error, DispatchError::Message(HandlerError::Panicked(_))));
}

#[test]
fn an_error_names_its_port_and_its_source() {
    let log = Log::new();
    let (mut events, mut peers) = three(&log, || Err("not today"));
    let Channel { mut port1, mut port2 } = Channel::new();
    port2.set_onmessage(|_| Err("nor tomorrow"));
    let id = events.add(port2);
    port1.post_message(&1).unwrap();
    let error = events.run_once(NOW).unwrap_err();
    assert_eq!(error.port(), id);
    assert!(error.source().is_some());
    peers[1].post_message(&0).unwrap();
    assert_ne!(events.run_once(NOW).unwrap_err().port(), id);
}

#[test]
fn a_messageerror_handler_takes_care_of_it() {
    let log = Log::new();
    let Channel { mut port1, mut port2 } = Channel::new();
    port2.set_onmessage(|_| Err("not today"));
    let noted = log.clone();
    port2.set_onmessageerror(move |event| noted.push(event.data().unwrap().to_native()));
    let mut events = EventLoop::new();
    events.add(port2);
    port1.post_messages(&[1, 2]).unwrap();
    assert_eq!(events.run_once(None).unwrap(), 4, "two messages, two failures");
    assert_eq!(log.take(), [1, 2]);
}

#[test]
fn a_messageerror_handler_that_panics_unwinds_and_the_loop_goes_on() {
    let log = Log::new();
    let Channel { mut port1, mut port2 } = Channel::new();
    let noted = log.clone();
    port2.set_onmessage(move |event| {
        noted.push(event.data().to_native());
        if *event.data() == 1 { Err("not today") } else { Ok(()) }
    });
    port2.set_onmessageerror(|_| resume_unwind(Box::new("boom")));
    let mut events = EventLoop::new();
    events.add(port2);
    port1.post_messages(&[1, 2]).unwrap();
    let payload = catch_unwind(AssertUnwindSafe(|| events.run_once(None))).unwrap_err();
    assert_eq!(payload.downcast_ref(), Some(&"boom"));
    assert_eq!(events.run_once(None).unwrap(), 1);
    assert_eq!(log.take(), [1, 2]);
}

#[test]
fn a_close_handler_that_fails_is_reported_and_its_port_leaves() {
    let Channel { mut port1, mut port2 } = Channel::new();
    port2.set_onclose(|_| Err("not today"));
    let mut events = EventLoop::new();
    let id = events.add(port2);
    port1.close();
    let error = events.run().unwrap_err();
    assert_eq!(error.port(), id);
    assert!(matches!(error.into_inner(), DispatchError::Close(_)));
    events.run().unwrap();
    assert!(events.is_empty());
}

#[test]
fn a_stop_outlives_a_failure() {
    let Channel { mut port1, mut port2 } = Channel::new();
    let mut events = EventLoop::new();
    let handle = events.handle();
    port2.set_onmessage(move |_| {
        handle.stop();
        Err("not today")
    });
    events.add(port2);
    port1.post_message(&1).unwrap();
    events.run().unwrap_err();
    // The peer is alive: only the stop ends this.
    events.run().unwrap();
    assert_eq!(events.len(), 1);
}
