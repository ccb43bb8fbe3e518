//! Handlers that fail with something whose own drop panics: once the failure is reported, that
//! concerns nobody else.

#[path = "common/log.rs"]
mod log;

use std::error::Error;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use message_port::{DispatchError, EventLoop, HandlerError, MessageChannel, MessagePort};

use log::Log;

type Channel = MessageChannel<u64>;

/// Panics when it is dropped, with a payload that does so too, this many times.
#[derive(Debug)]
struct Explosive(u8);

impl Drop for Explosive {
    fn drop(&mut self) {
        match self.0.checked_sub(1) {
            Some(more) => resume_unwind(Box::new(Explosive(more))),
            None => resume_unwind(Box::new("the end")),
        }
    }
}

impl fmt::Display for Explosive {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("explosive")
    }
}

impl Error for Explosive {}

/// How a handler fails.
#[derive(Clone, Copy, Debug)]
enum Failure {
    Panics,
    Returns,
}

const BOTH: [Failure; 2] = [Failure::Panics, Failure::Returns];

impl Failure {
    fn fail(self) -> Result<(), Explosive> {
        match self {
            Self::Panics => resume_unwind(Box::new(Explosive(2))),
            Self::Returns => Err(Explosive(2)),
        }
    }
}

/// A channel whose second port fails with the first message, and notes the others.
fn failing(how: Failure, log: &Log<u64>) -> Channel {
    let mut channel = Channel::new();
    let noted = log.clone();
    channel.port2.set_onmessage(move |event| {
        noted.push(event.data().to_native());
        if *event.data() == 1 { how.fail() } else { Ok(()) }
    });
    channel.port1.post_messages(&[1, 2]).unwrap();
    channel
}

fn noting_errors(port: &mut MessagePort<u64>, log: &Log<u64>) {
    let noted = log.clone();
    port.set_onmessageerror(move |_| noted.push(0));
}

#[test]
fn a_failure_that_was_handled_does_not_unwind_out_of_dispatch() {
    for how in BOTH {
        let log = Log::new();
        let Channel { port1: _peer, mut port2 } = failing(how, &log);
        noting_errors(&mut port2, &log);
        assert_eq!(port2.dispatch().unwrap(), 3, "{how:?}");
        assert_eq!(log.take(), [1, 0, 2]);
    }
}

#[test]
fn a_failure_that_was_handled_does_not_end_an_event_loop() {
    for how in BOTH {
        let log = Log::new();
        let Channel { port1, mut port2 } = failing(how, &log);
        noting_errors(&mut port2, &log);
        let mut events = EventLoop::new();
        events.add(port2);
        drop(port1);
        events.run().unwrap();
        assert!(events.is_empty(), "{how:?}");
        assert_eq!(log.take(), [1, 0, 2]);
    }
}

#[test]
fn a_failure_that_was_handled_does_not_unwind_out_of_a_task() {
    for how in BOTH {
        let log = Log::new();
        let Channel { port1, mut port2 } = failing(how, &log);
        noting_errors(&mut port2, &log);
        drop(port1);
        futures_lite::future::block_on(port2.run_async()).unwrap();
        assert_eq!(log.take(), [1, 0, 2], "{how:?}");
    }
}

/// Two panics at once would abort the process.
#[test]
fn a_messageerror_handler_may_panic_over_it() {
    for how in BOTH {
        let log = Log::new();
        let Channel { port1: _peer, mut port2 } = failing(how, &log);
        port2.set_onmessageerror(|_| resume_unwind(Box::new("boom")));
        let payload = catch_unwind(AssertUnwindSafe(|| port2.dispatch())).unwrap_err();
        assert_eq!(payload.downcast_ref(), Some(&"boom"), "{how:?}");
        assert_eq!(port2.dispatch().unwrap(), 1);
        assert_eq!(log.take(), [1, 2]);
    }
}

#[test]
fn a_messageerror_handler_may_fail_over_it() {
    for how in BOTH {
        let log = Log::new();
        let Channel { port1: _peer, mut port2 } = failing(how, &log);
        port2.set_onmessageerror(|_| Err("nor this"));
        let error = port2.dispatch().unwrap_err();
        assert!(matches!(error, DispatchError::MessageError(_)), "{how:?}");
        assert_eq!(port2.dispatch().unwrap(), 1);
    }
}

#[test]
fn a_payload_that_nobody_handled_is_dropped_in_silence() {
    let Channel { port1: _peer, mut port2 } = failing(Failure::Panics, &Log::new());
    let error = port2.dispatch().unwrap_err();
    assert!(matches!(error, DispatchError::Message(HandlerError::Panicked(_))));
    drop(error);
    assert_eq!(port2.dispatch().unwrap(), 1);
}

#[test]
fn a_payload_that_is_taken_out_is_the_payload() {
    let Channel { port1: _peer, mut port2 } = failing(Failure::Panics, &Log::new());
    let Err(DispatchError::Message(HandlerError::Panicked(panic))) = port2.dispatch() else {
        panic!("no panic is reported");
    };
    let payload = panic.into_inner();
    assert!(payload.is::<Explosive>());
    std::mem::forget(payload);
}

/// The peer must not wait for halves that nobody has.
#[test]
fn a_handler_whose_drop_panics_keeps_no_half_of_a_split_port() {
    let Channel { mut port1, mut port2 } = Channel::new();
    let captured = Explosive(0);
    port2.set_onmessage(move |_| drop(captured.to_string()));
    assert!(catch_unwind(AssertUnwindSafe(|| port2.into_split())).is_err());
    assert!(port1.try_recv().unwrap_err().is_disconnected());
    assert!(port1.post_message(&1).unwrap_err().is_disconnected());
}
