//! The order of events when handlers fail, with the other side posting and closing meanwhile.

use loom_tests::Barriers::{Both, Full, Heavy};
use loom_tests::steps::post;
use loom_tests::{Log, Model, SMALLEST, quiet_panic, thread};
use message_port::{ClosedBy, DispatchError, HandlerError, MessageChannel, MessagePort};

type Channel = MessageChannel<u64>;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Event {
    Message(u64),
    /// With the number of the message that failed.
    MessageError(u64),
    Close(ClosedBy),
    /// `run` returned what nobody handled.
    Returned,
}
use Event::{Close, Message, MessageError, Returned};

/// How a handler fails.
#[derive(Clone, Copy, Debug)]
enum Failure {
    Error,
    Panic,
}

impl Failure {
    fn fail(self) -> Result<(), &'static str> {
        match self {
            Self::Error => Err("on purpose"),
            Self::Panic => quiet_panic("on purpose"),
        }
    }

    /// Anything else that goes wrong inside a handler is a finding of the model.
    fn assert_is(self, error: &HandlerError) {
        match (self, error) {
            (Self::Error, HandlerError::Returned(error)) => {
                assert_eq!(error.to_string(), "on purpose");
            }
            (Self::Panic, HandlerError::Panicked(panic)) => {
                assert_eq!(panic.message(), "on purpose");
            }
            (failure, error) => panic!("another failure than {failure:?}: {error}"),
        }
    }
}

/// Has a port write down its messages and its close, and fail for the messages that it `fails`
/// for.
fn log_events(
    port: &mut MessagePort<u64>,
    failure: Failure,
    fails: impl Fn(u64) -> bool + Send + 'static,
) -> Log<Event> {
    let log = Log::new();
    let messages = log.clone();
    port.set_onmessage(move |event| {
        let number = event.data().to_native();
        messages.push(Message(number));
        if fails(number) { failure.fail() } else { Ok(()) }
    });
    let closes = log.clone();
    port.set_onclose(move |event| closes.push(Close(event.closed_by())));
    log
}

fn log_errors(port: &mut MessagePort<u64>, failure: Failure, log: &Log<Event>) {
    let errors = log.clone();
    port.set_onmessageerror(move |event| {
        failure.assert_is(event.error());
        errors.push(MessageError(event.data().map_or(0, |number| number.to_native())));
    });
}

fn post_two_and_close(mut port: MessagePort<u64>) -> thread::JoinHandle<MessagePort<u64>> {
    thread::spawn(move || {
        post(&mut port, &1).unwrap();
        post(&mut port, &2).unwrap();
        port.close();
        port
    })
}

fn message_error_comes_next(failure: Failure, preemptions: usize) {
    Model::with(Both).preemptions(preemptions).check(move |_| {
        let Channel { port1, mut port2 } = Channel::with_capacity(SMALLEST);
        let peer = post_two_and_close(port1);
        let log = log_events(&mut port2, failure, |number| number == 1);
        log_errors(&mut port2, failure, &log);
        port2.run().unwrap();
        assert_eq!(
            log.entries(),
            [Message(1), MessageError(1), Message(2), Close(ClosedBy::Peer)],
            "the events are out of order"
        );
        peer.join().unwrap();
    });
}

/// `message` 1 that returns an error, its `messageerror`, `message` 2, `close`.
#[test]
fn a_messageerror_comes_before_the_next_message() {
    message_error_comes_next(Failure::Error, 2);
}

/// The same if the handler panics.
#[test]
fn a_messageerror_of_a_panic_comes_before_the_next_message() {
    message_error_comes_next(Failure::Panic, 1);
}

/// A `messageerror` of the last message comes before the close.
#[test]
fn a_messageerror_comes_before_the_close() {
    Model::with(Heavy).preemptions(1).check(|_| {
        let Channel { port1, mut port2 } = Channel::with_capacity(SMALLEST);
        let peer = post_two_and_close(port1);
        let log = log_events(&mut port2, Failure::Error, |_| true);
        log_errors(&mut port2, Failure::Error, &log);
        port2.run().unwrap();
        assert_eq!(
            log.entries(),
            [Message(1), MessageError(1), Message(2), MessageError(2), Close(ClosedBy::Peer)],
            "the events are out of order"
        );
        peer.join().unwrap();
    });
}

/// Without a `messageerror` handler `run` returns the failure and, called again, goes on.
#[test]
fn an_unhandled_failure_is_returned_in_its_place() {
    Model::with(Both).preemptions(2).check(|_| {
        let Channel { port1, mut port2 } = Channel::with_capacity(SMALLEST);
        let peer = post_two_and_close(port1);
        let log = log_events(&mut port2, Failure::Error, |number| number == 1);
        while let Err(error) = port2.run() {
            let DispatchError::Message(error) = error else { panic!("{error}") };
            Failure::Error.assert_is(&error);
            log.push(Returned);
        }
        assert_eq!(
            log.entries(),
            [Message(1), Returned, Message(2), Close(ClosedBy::Peer)],
            "the failure is lost or out of order"
        );
        peer.join().unwrap();
    });
}

/// A `messageerror` handler that fails itself ends the run; the message is done with all the same.
#[test]
fn a_failing_messageerror_handler_loses_nothing() {
    Model::with(Heavy).preemptions(1).check(|_| {
        let Channel { port1, mut port2 } = Channel::with_capacity(SMALLEST);
        let peer = post_two_and_close(port1);
        let log = log_events(&mut port2, Failure::Panic, |number| number == 1);
        let errors = log.clone();
        port2.set_onmessageerror(move |event| {
            Failure::Panic.assert_is(event.error());
            errors.push(MessageError(1));
            Err("this one fails too")
        });
        while let Err(error) = port2.run() {
            assert!(matches!(error, DispatchError::MessageError(_)), "{error}");
            log.push(Returned);
        }
        assert_eq!(
            log.entries(),
            [Message(1), MessageError(1), Returned, Message(2), Close(ClosedBy::Peer)],
            "an event is lost, came twice or out of order"
        );
        peer.join().unwrap();
    });
}

/// A close handler that fails is not called again.
#[test]
fn a_failing_close_handler_is_called_once() {
    Model::with(Heavy).preemptions(3).check(|_| {
        let Channel { mut port1, mut port2 } = Channel::with_capacity(SMALLEST);
        let peer = thread::spawn(move || {
            port1.close();
            port1
        });
        let log = Log::new();
        let closes = log.clone();
        port2.set_onclose(move |event| {
            closes.push(Close(event.closed_by()));
            Err("on purpose")
        });
        assert!(matches!(port2.run(), Err(DispatchError::Close(_))));
        let again = port2.run();
        assert!(again.is_ok(), "the close came twice");
        assert_eq!(log.entries(), [Close(ClosedBy::Peer)], "the close came twice");
        peer.join().unwrap();
    });
}

fn a_failed_message_is_released(failure: Failure) {
    Model::with(Both).preemptions(2).check(move |_| {
        let MessageChannel { mut port1, mut port2 } =
            MessageChannel::<String>::with_capacity(SMALLEST);
        // Frames of 64 and 48 bytes. What the peer posts goes over the first one, and has to wait
        // until that is released.
        port1.try_post_message(&"a".repeat(48)).unwrap();
        port1.try_post_message(&"b".repeat(32)).unwrap();
        let log = Log::new();
        let messages = log.clone();
        port2.set_onmessage(move |event| {
            messages.push(Message(event.data().len() as u64));
            failure.fail()
        });
        let errors = log.clone();
        port2.set_onmessageerror(move |event| {
            failure.assert_is(event.error());
            let text = event.data().map_or("", |text| text.as_str());
            assert!(["a", "b", "d"].iter().any(|letter| letter.repeat(text.len()) == text));
            errors.push(MessageError(text.len() as u64));
        });
        let peer = thread::spawn(move || {
            port1.post_message(&String::new()).unwrap();
            port1.post_message(&"d".repeat(16)).unwrap();
            port1
        });
        port2.dispatch().unwrap();
        // Nothing is received here until the peer is through with its posts.
        let port1 = peer.join().unwrap();
        port2.dispatch().unwrap();
        let events = [48, 32, 0, 16].map(|length| [Message(length), MessageError(length)]);
        assert_eq!(log.entries(), events.concat(), "an event is lost, came twice or out of order");
        drop(port1);
    });
}

/// A message whose handler returned an error is released once, after its `messageerror`.
#[test]
fn a_message_that_failed_is_released_once() {
    a_failed_message_is_released(Failure::Error);
}

/// A message whose handler panicked is released once, after its `messageerror`.
#[test]
fn a_message_that_panicked_is_released_once() {
    a_failed_message_is_released(Failure::Panic);
}

/// A close inside a handler while the peer posts: no further message, the close event of this
/// port, and an exact report at the peer.
#[test]
fn a_close_inside_a_handler_is_the_end_while_the_peer_posts() {
    let cases = &["nothing left", "one left", "refused"];
    Model::with(Both).preemptions(1).reaches(cases).check(|run| {
        let Channel { mut port1, mut port2 } = Channel::with_capacity(SMALLEST);
        let peer = thread::spawn({
            let run = run.clone();
            move || {
                let accepted = (1..=2).take_while(|n| port1.try_post_message(n).is_ok()).count();
                if accepted == 1 {
                    run.reached("refused");
                }
                let counted = Log::new();
                let counts = counted.clone();
                port1.set_onclose(move |event| counts.push(event.undelivered_messages()));
                port1.run().unwrap();
                (accepted as u64, counted.entries())
            }
        });
        let log = Log::new();
        let messages = log.clone();
        port2.set_onmessage(move |event| {
            messages.push(Message(event.data().to_native()));
            event.target().close();
        });
        let closes = log.clone();
        port2.set_onclose(move |event| closes.push(Close(event.closed_by())));
        port2.run().unwrap();
        assert_eq!(
            log.entries(),
            [Message(1), Close(ClosedBy::ThisPort)],
            "a message came after the own close"
        );
        let (accepted, counted) = peer.join().unwrap();
        let [counted] = counted[..] else { panic!("not one close event at the peer") };
        assert_eq!(1 + counted, accepted, "a message is lost, or counted and delivered");
        run.reached(if counted == 0 { "nothing left" } else { "one left" });
    });
}

/// What a handler posts arrives in the order of the messages, behind what was posted before.
#[test]
fn a_handlers_posts_keep_their_order() {
    Model::with(Full).preemptions(2).check(|_| {
        let Channel { mut port1, mut port2 } = Channel::with_capacity(SMALLEST);
        let peer = thread::spawn(move || {
            port2.set_onmessage(|event| {
                let reply = event.data().to_native() * 10;
                event.target().post_message(&reply)
            });
            port2.post_message(&5).unwrap();
            port2.run().unwrap();
        });
        port1.post_message(&1).unwrap();
        port1.post_message(&2).unwrap();
        for number in [5, 10, 20] {
            assert_eq!(*port1.recv().unwrap(), number);
        }
        port1.close();
        peer.join().unwrap();
    });
}
