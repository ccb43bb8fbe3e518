//! Failures that no `messageerror` handler takes care of: `dispatch` and `run` return them, and go
//! on with the next event (H4 to H6).

mod common;

use std::panic::{AssertUnwindSafe, catch_unwind, panic_any};

use common::drops::Drops;
use common::hostile::Hostile;
use common::log::Log;
use message_port::{DispatchError, HandlerError, MessageChannel, MessagePort};

/// One turn of the port, in either way. The channel has ended, so that `run` does not wait.
type Turn = fn(&mut MessagePort<Hostile>) -> Result<(), DispatchError>;
const TURNS: [(&str, Turn); 2] =
    [("dispatch", |port| port.dispatch().map(drop)), ("run", MessagePort::run)];

/// Port 2 of a closed channel, with these messages posted to it and not yet dispatched.
fn port_with(messages: &[Hostile]) -> MessagePort<Hostile> {
    let MessageChannel { mut port1, port2 } = MessageChannel::<Hostile>::new();
    for message in messages {
        port1.post_message(message).unwrap();
    }
    port1.close();
    port2
}

fn honest(numbers: std::ops::Range<u8>) -> Vec<Hostile> {
    numbers.map(|number| Hostile::honest(&[number])).collect()
}

/// Sets a handler that writes the first byte of each message down, and then does this with it.
fn on_message(
    port: &mut MessagePort<Hostile>,
    then: impl Fn(u8) -> Result<(), &'static str> + Send + 'static,
) -> Log<u8> {
    let heard = Log::new();
    let log = heard.clone();
    port.set_onmessage(move |event| {
        log.push(event.data()[0]);
        then(event.data()[0])
    });
    heard
}

#[test]
fn h4_without_a_handler_a_returned_error_is_returned_and_the_next_call_goes_on() {
    for (name, turn) in TURNS {
        let mut port = port_with(&honest(0..4));
        let heard = on_message(&mut port, |n| if n % 2 == 1 { Err("odd") } else { Ok(()) });
        for left in [2, 0] {
            let error = turn(&mut port).unwrap_err();
            assert!(matches!(error, DispatchError::Message(HandlerError::Returned(_))), "{name}");
            assert_eq!(error.to_string(), "the message handler failed: odd");
            assert_eq!(port.len(), left, "{name}: the message is consumed, the next one is not");
        }
        turn(&mut port).unwrap();
        assert_eq!(heard.take(), [0, 1, 2, 3], "{name}");
    }
}

#[test]
fn h4_without_a_handler_a_panic_is_returned_and_the_next_call_goes_on() {
    for (name, turn) in TURNS {
        let mut port = port_with(&honest(0..2));
        let drops = Drops::default();
        let source = drops.clone();
        let heard =
            on_message(&mut port, move |n| if n == 0 { panic_any(source.make()) } else { Ok(()) });
        let Err(DispatchError::Message(HandlerError::Panicked(payload))) = turn(&mut port) else {
            panic!("{name}");
        };
        assert_eq!(drops.dropped(), 0);
        assert!(payload.into_inner().is::<common::drops::Counted>(), "what it panicked with");
        assert_eq!(drops.dropped(), 1);
        turn(&mut port).unwrap();
        assert_eq!(heard.take(), [0, 1], "{name}");
    }
}

#[test]
fn h4_without_a_handler_an_invalid_archive_is_returned_and_the_next_call_goes_on() {
    for (name, turn) in TURNS {
        let messages = [Hostile::lying(&[0]), Hostile::honest(&[1])];
        let mut port = port_with(&messages);
        let heard = on_message(&mut port, |_| Ok(()));
        let error = turn(&mut port).unwrap_err();
        assert!(matches!(error, DispatchError::Message(HandlerError::InvalidArchive(_))), "{name}");
        assert_eq!(port.len(), 1);
        turn(&mut port).unwrap();
        assert_eq!(heard.take(), [1], "{name}");
    }
}

#[test]
fn h4_a_pulled_invalid_archive_is_skipped() {
    let mut port = port_with(&[
        Hostile::lying(&[0]),
        Hostile::lying(&[1]),
        Hostile::lying(&vec![2; 100_000]),
        Hostile::honest(&[3]),
    ]);
    assert!(port.recv().unwrap_err().is_invalid_archive());
    assert!(port.try_recv().unwrap_err().is_invalid_archive());
    let error = port.recv_timeout(std::time::Duration::ZERO).unwrap_err();
    assert!(error.is_invalid_archive());
    assert_eq!(port.recv().unwrap().as_slice(), [3]);
}

#[test]
fn h4_a_failure_without_a_handler_leaves_the_port_usable() {
    let MessageChannel { mut port1, mut port2 } = MessageChannel::<Hostile>::new();
    let heard = on_message(&mut port2, |n| if n == 0 { Err("zero") } else { Ok(()) });
    port1.post_message(&Hostile::honest(&[0])).unwrap();
    assert!(port2.dispatch().is_err());
    port1.post_message(&Hostile::honest(&[1])).unwrap();
    assert_eq!(port2.dispatch().unwrap(), 1);
    port2.post_message(&Hostile::honest(&[2])).unwrap();
    assert_eq!(port1.recv().unwrap().as_slice(), [2]);
    assert_eq!(heard.take(), [0, 1]);
    // A handler that comes later is not told what was returned already.
    port2.set_onmessageerror(|_| panic!("nothing is left to be told"));
    assert_eq!(port2.dispatch().unwrap(), 0);
}

#[test]
fn h4_a_removed_messageerror_handler_swallows_nothing() {
    let mut port = port_with(&honest(0..2));
    let heard = on_message(&mut port, |_| Err("no"));
    port.set_onmessageerror(|_| panic!("removed"));
    port.clear_onmessageerror();
    assert!(matches!(port.dispatch(), Err(DispatchError::Message(_))));
    assert_eq!(heard.take(), [0]);
}

#[test]
fn h5_an_error_of_the_messageerror_handler_is_returned_once() {
    for (name, turn) in TURNS {
        let mut messages = honest(0..2);
        messages.insert(1, Hostile::lying(&[9]));
        let mut port = port_with(&messages);
        let heard = on_message(&mut port, |n| if n == 0 { Err("no") } else { Ok(()) });
        let errors = Log::new();
        let log = errors.clone();
        port.set_onmessageerror(move |event| {
            log.push(event.data().is_some());
            Err("nor this")
        });
        for left in [2, 1] {
            let error = turn(&mut port).unwrap_err();
            assert!(matches!(error, DispatchError::MessageError(_)), "{name}: {error}");
            assert_eq!(error.to_string(), "the messageerror handler failed: nor this");
            assert_eq!(port.len(), left);
        }
        turn(&mut port).unwrap();
        assert_eq!(heard.take(), [0, 1], "{name}");
        assert_eq!(errors.take(), [true, false], "{name}: each fired once");
    }
}

/// Goes on unwinding, and says with which text.
fn unwinds(turn: Turn, port: &mut MessagePort<Hostile>) -> &'static str {
    let panic = catch_unwind(AssertUnwindSafe(|| turn(port))).unwrap_err();
    panic.downcast_ref::<&str>().unwrap()
}

#[test]
fn h5_a_panic_of_the_messageerror_handler_goes_on_unwinding_once() {
    for (name, turn) in TURNS {
        let mut messages = honest(0..2);
        messages.insert(1, Hostile::lying(&[9]));
        let mut port = port_with(&messages);
        let heard = on_message(&mut port, |n| if n == 0 { panic!("inner") } else { Ok(()) });
        let errors = Log::new();
        let log = errors.clone();
        port.set_onmessageerror(move |event| {
            log.push(event.data().is_some());
            panic!("outer");
        });
        for left in [2, 1] {
            assert_eq!(unwinds(turn, &mut port), "outer", "{name}");
            assert_eq!(port.len(), left);
        }
        turn(&mut port).unwrap();
        assert_eq!(heard.take(), [0, 1], "{name}");
        assert_eq!(errors.take(), [true, false], "{name}: each fired once");
    }
}

#[test]
fn h5_a_panicking_messageerror_handler_releases_its_message() {
    let MessageChannel { mut port1, mut port2 } = MessageChannel::<Hostile>::with_capacity(64);
    on_message(&mut port2, |_| Err("no"));
    port2.set_onmessageerror(|_| panic!("outer"));
    for _ in 0..50 {
        // One of them in the ring, one of them spilled.
        for message in [Hostile::honest(&[0]), Hostile::honest(&[0; 500])] {
            port1.try_post_message(&message).unwrap();
            let dispatch: Turn = |port| port.dispatch().map(drop);
            assert_eq!(unwinds(dispatch, &mut port2), "outer");
        }
    }
}

#[test]
fn h5_an_error_of_the_close_handler_is_returned_once() {
    for (name, turn) in TURNS {
        let mut port = port_with(&honest(0..1));
        let heard = on_message(&mut port, |_| Ok(()));
        let closes = Log::new();
        let log = closes.clone();
        port.set_onclose(move |_| {
            log.push(());
            Err("not yet")
        });
        port.set_onmessageerror(|_| panic!("the failure of a close handler is no messageerror"));
        let error = turn(&mut port).unwrap_err();
        assert!(matches!(error, DispatchError::Close(_)), "{name}");
        assert_eq!(error.to_string(), "the close handler failed: not yet");
        turn(&mut port).unwrap();
        assert_eq!((heard.take().len(), closes.take().len()), (1, 1), "{name}");
    }
}

#[test]
fn h5_a_panic_of_the_close_handler_goes_on_unwinding_once() {
    for (name, turn) in TURNS {
        let mut port = port_with(&[]);
        let closes = Log::new();
        let log = closes.clone();
        port.set_onclose(move |_| {
            log.push(());
            panic!("outer");
        });
        assert_eq!(unwinds(turn, &mut port), "outer", "{name}");
        turn(&mut port).unwrap();
        assert_eq!(closes.take().len(), 1, "{name}");
        assert!(port.try_recv().unwrap_err().is_closed(), "{name}: the port is usable");
    }
}

#[test]
fn h6_it_is_a_messageerror_event_that_arrives_and_no_second_message() {
    let MessageChannel { mut port1, mut port2 } = MessageChannel::<Hostile>::new();
    let heard = on_message(&mut port2, |_| Err("no"));
    let errors = Log::new();
    let log = errors.clone();
    port2.set_onmessageerror(move |event| log.push(event.data().map(|data| data[0])));
    port1.post_message(&Hostile::honest(&[5])).unwrap();
    port1.post_message(&Hostile::lying(&[6])).unwrap();
    assert_eq!(port2.dispatch().unwrap(), 3);
    assert_eq!(heard.take(), [5], "the message handler is called for the message alone");
    assert_eq!(errors.take(), [Some(5), None]);
    assert_eq!(port2.dispatch().unwrap(), 0);
}
