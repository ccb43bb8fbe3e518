//! `messageerror`: when it is fired, in which order, and what becomes of the message (H1 to H3).

mod common;

use std::panic::panic_any;
use std::sync::mpsc;
use std::thread;

use common::drops::{Counted, Drops};
use common::hostile::Hostile;
use common::log::Log;
use message_port::{
    HandlerError, MessageChannel, MessageErrorEvent, MessageEvent, MessagePort, TryPostError,
};

/// The first byte of a message says what its handler does.
const FINE: u8 = 0;
const ERR: u8 = 1;
const PANIC: u8 = 2;
/// Not the handler's business: the archive does not validate.
const LIE: u8 = 3;

fn message(what: u8, number: u8) -> Hostile {
    if what == LIE { Hostile::lying(&[what, number]) } else { Hostile::honest(&[what, number]) }
}

fn obey(event: &MessageEvent<'_, Hostile, Hostile>) -> Result<(), &'static str> {
    match event.data()[0] {
        FINE => Ok(()),
        ERR => Err("no"),
        _ => panic!("oh no"),
    }
}

#[derive(Clone, PartialEq, Eq, Debug)]
enum Event {
    Message(u8),
    /// The number of its message, where it has one, and the text.
    MessageError(Option<u8>, String),
    Close,
}

impl Event {
    fn error(number: impl Into<Option<u8>>, text: &str) -> Self {
        Self::MessageError(number.into(), text.to_owned())
    }
}

const RETURNED: &str = "the message handler failed: no";
const PANICKED: &str = "the message handler panicked: oh no";

fn messageerror(event: &MessageErrorEvent<'_, Hostile>) -> Event {
    let text = match event.error() {
        HandlerError::InvalidArchive(_) => "invalid".to_owned(),
        error => error.to_string(),
    };
    Event::MessageError(event.data().map(|data| data[1]), text)
}

/// Writes down every event of the port; its message handler does as the messages say.
fn record(port: &mut MessagePort<Hostile>) -> Log<Event> {
    let events = Log::new();
    let log = events.clone();
    port.set_onmessage(move |event| {
        log.push(Event::Message(event.data()[1]));
        obey(event)
    });
    let log = events.clone();
    port.set_onmessageerror(move |event| log.push(messageerror(event)));
    let log = events.clone();
    port.set_onclose(move |_| log.push(Event::Close));
    events
}

fn post_all(port: &mut MessagePort<Hostile>, messages: &[u8]) {
    for (number, &what) in (0..).zip(messages) {
        port.post_message(&message(what, number)).unwrap();
    }
}

#[test]
fn h1_messageerror_is_fired_where_the_handler_returned_an_error() {
    let MessageChannel { mut port1, mut port2 } = MessageChannel::<u64>::new();
    port2.set_onmessage(|_| Err(std::io::Error::other("disk full")));
    let errors = Log::new();
    let log = errors.clone();
    port2.set_onmessageerror(move |event| {
        let HandlerError::Returned(error) = event.error() else { panic!("{event:?}") };
        assert!(error.downcast_ref::<std::io::Error>().is_some());
        log.push((event.data().unwrap().to_native(), error.to_string()));
    });
    port1.post_message(&7).unwrap();
    assert_eq!(port2.dispatch().unwrap(), 2);
    assert_eq!(errors.take(), [(7, "disk full".to_owned())]);
}

#[test]
fn h1_messageerror_is_fired_where_the_handler_panicked() {
    let MessageChannel { mut port1, mut port2 } = MessageChannel::<u64>::new();
    port2.set_onmessage(|event| match event.data().to_native() {
        0 => panic!("a text"),
        1 => panic!("a formatted {}", "text"),
        _ => panic_any(17),
    });
    let errors = Log::new();
    let log = errors.clone();
    port2.set_onmessageerror(move |event| {
        let HandlerError::Panicked(payload) = event.error() else { panic!("{event:?}") };
        log.push((event.data().unwrap().to_native(), payload.message()));
    });
    for number in 0..3 {
        port1.post_message(&number).unwrap();
    }
    assert_eq!(port2.dispatch().unwrap(), 6);
    let texts = ["a text", "a formatted text", "a panic without a text"];
    assert!(errors.take().into_iter().eq((0..).zip(texts.map(str::to_owned))));
}

#[test]
fn h1_messageerror_is_fired_where_the_archive_does_not_validate() {
    let MessageChannel { mut port1, mut port2 } = MessageChannel::<Hostile>::with_capacity(256);
    let events = record(&mut port2);
    port1.post_message(&Hostile::lying(&[LIE, 1])).unwrap();
    port1.post_message(&Hostile::lying(&[LIE; 1000])).unwrap();
    assert_eq!(port2.dispatch().unwrap(), 2, "there is a messageerror, but no message");
    assert_eq!(events.take(), [Event::error(None, "invalid"), Event::error(None, "invalid")]);
}

#[test]
fn h1_it_is_the_receiving_port_where_it_is_fired() {
    let MessageChannel { mut port1, mut port2 } = MessageChannel::<Hostile>::new();
    let (at1, at2) = (record(&mut port1), record(&mut port2));
    post_all(&mut port1, &[ERR, PANIC, LIE]);
    assert_eq!((port1.dispatch().unwrap(), port2.dispatch().unwrap()), (0, 5));
    assert!(at1.take().is_empty());
    assert_eq!(at2.take().len(), 5);
    post_all(&mut port2, &[ERR]);
    assert_eq!((port1.dispatch().unwrap(), port2.dispatch().unwrap()), (2, 0));
    assert_eq!(at1.take(), [Event::Message(0), Event::error(0, RETURNED)]);
}

const EVERYTHING: [u8; 9] = [FINE, ERR, PANIC, LIE, LIE, PANIC, ERR, FINE, ERR];

fn everything() -> Vec<Event> {
    let mut events = Vec::new();
    for (number, what) in (0..).zip(EVERYTHING) {
        if what != LIE {
            events.push(Event::Message(number));
        }
        match what {
            ERR => events.push(Event::error(number, RETURNED)),
            PANIC => events.push(Event::error(number, PANICKED)),
            LIE => events.push(Event::error(None, "invalid")),
            _ => {}
        }
    }
    events.push(Event::Close);
    events
}

#[test]
fn h2_message_then_its_messageerror_then_the_next_message_then_close() {
    let MessageChannel { mut port1, mut port2 } = MessageChannel::<Hostile>::new();
    let events = record(&mut port2);
    post_all(&mut port1, &EVERYTHING);
    port1.close();
    assert_eq!(port2.dispatch().unwrap(), everything().len());
    assert_eq!(events.take(), everything());
}

#[test]
fn h2_the_order_holds_while_another_thread_posts_and_closes() {
    for _ in 0..if cfg!(miri) { 5 } else { 200 } {
        let MessageChannel { mut port1, mut port2 } = MessageChannel::<Hostile>::with_capacity(64);
        let events = record(&mut port2);
        let runner = thread::spawn(move || port2.run());
        post_all(&mut port1, &EVERYTHING);
        port1.close();
        runner.join().unwrap().unwrap();
        assert_eq!(events.take(), everything());
    }
}

#[test]
fn h2_a_failing_handler_does_not_reach_the_sender() {
    let MessageChannel { mut port1, mut port2 } = MessageChannel::<Hostile>::new();
    let (at1, at2) = (record(&mut port1), record(&mut port2));
    for what in [ERR, PANIC, LIE] {
        post_all(&mut port1, &[what]);
        port2.dispatch().unwrap();
        assert!(!port1.is_closed() && !port1.is_disconnected());
        assert_eq!(port1.dispatch().unwrap(), 0);
        assert!(port1.try_recv().unwrap_err().is_empty());
    }
    assert!(at1.take().is_empty());
    assert_eq!(at2.take().len(), 5);
}

#[test]
fn h2_close_called_in_a_handler_that_fails_comes_after_its_messageerror() {
    for fails in [ERR, PANIC] {
        let MessageChannel { mut port1, mut port2 } = MessageChannel::<Hostile>::new();
        let events = record(&mut port2);
        let log = events.clone();
        port2.set_onmessage(move |event| {
            log.push(Event::Message(event.data()[1]));
            event.target().close();
            obey(event)
        });
        post_all(&mut port1, &[fails, FINE]);
        assert_eq!(port2.dispatch().unwrap(), 3);
        let text = if fails == ERR { RETURNED } else { PANICKED };
        let expected = [Event::Message(0), Event::error(0, text), Event::Close];
        assert_eq!(events.take(), expected, "what was not read when it closed is discarded");
    }
}

/// A ring of this many bytes takes one or two of [`large`], so the next posts tell whether a
/// message was released.
const SMALL: usize = 128;

fn large(what: u8) -> Hostile {
    let bytes = [what; 30];
    if what == LIE { Hostile::lying(&bytes) } else { Hostile::honest(&bytes) }
}

/// How many messages the channel takes from here on.
fn room(port: &mut MessagePort<Hostile>, message: &Hostile) -> usize {
    let mut posted = 0;
    loop {
        match port.try_post_message(message) {
            Ok(()) => posted += 1,
            Err(TryPostError::Full) => return posted,
            Err(error) => panic!("{error}"),
        }
    }
}

#[test]
fn h3_every_message_is_released_once_whatever_its_handler_did() {
    let spilled = Hostile::honest(&[FINE; 200]);
    for what in [FINE, ERR, PANIC, LIE] {
        let MessageChannel { mut port1, mut port2 } =
            MessageChannel::<Hostile>::with_capacity(SMALL);
        let events = record(&mut port2);
        let at_first = room(&mut port1, &large(what));
        assert!(at_first > 1);
        for _ in 0..50 {
            port2.dispatch().unwrap();
            assert_eq!(port2.len(), 0);
            let room = room(&mut port1, &large(what));
            // The cursors move on, and with them the place where the lap ends.
            assert!((at_first - 1..=at_first).contains(&room), "{room} after {at_first}");
        }
        port2.dispatch().unwrap();
        // A direction has eight buffers: each must come back, or these would run out.
        for _ in 0..50 {
            port1.try_post_message(&spilled).unwrap();
            port2.dispatch().unwrap();
        }
        assert!(!events.take().is_empty());
    }
}

#[test]
fn h3_a_spilled_message_is_released_once_whatever_its_handler_did() {
    for what in [FINE, ERR, PANIC, LIE] {
        let MessageChannel { mut port1, mut port2 } =
            MessageChannel::<Hostile>::with_capacity(SMALL);
        let events = record(&mut port2);
        let bytes = [what; 200];
        for _ in 0..50 {
            let lying = what == LIE;
            let message = if lying { Hostile::lying(&bytes) } else { Hostile::honest(&bytes) };
            assert!(room(&mut port1, &message) > 0);
            port2.dispatch().unwrap();
            assert_eq!(port2.len(), 0);
        }
        assert!(events.take().len() >= 50);
    }
}

/// During `messageerror` the message is still there to be read, so nothing may be written over it;
/// afterwards it is not.
#[test]
fn h3_a_message_is_released_after_its_messageerror_and_not_before() {
    for what in [ERR, PANIC] {
        let MessageChannel { mut port1, mut port2 } =
            MessageChannel::<Hostile>::with_capacity(SMALL);
        record(&mut port2);
        room(&mut port1, &large(what));
        let (to_handler, from_test) = mpsc::channel::<MessagePort<Hostile>>();
        let (to_test, from_handler) = mpsc::channel();
        port2.set_onmessageerror(move |event| {
            if let Ok(mut port1) = from_test.try_recv() {
                assert!(port1.try_post_message(&large(FINE)).unwrap_err().is_full());
                to_test.send(port1).unwrap();
            }
            assert_eq!(event.data().unwrap().as_slice(), [what; 30]);
        });
        to_handler.send(port1).unwrap();
        port2.dispatch().unwrap();
        let mut port1 = from_handler.try_recv().unwrap();
        port1.try_post_message(&large(FINE)).unwrap();
    }
}

#[test]
fn h3_values_made_from_messages_and_errors_are_dropped_once() {
    const MESSAGES: u64 = 30;
    for with_messageerror in [true, false] {
        let drops = Drops::default();
        let MessageChannel { mut port1, mut port2 } = MessageChannel::<u64>::new();
        let (source, kept_by_handler) = (drops.clone(), drops.make());
        port2.set_onmessage(move |event| -> Result<(), Counted> {
            let _local = source.make();
            assert_eq!(kept_by_handler.to_string(), "counted");
            match event.data().to_native() % 3 {
                0 => Ok(()),
                1 => Err(source.make()),
                _ => panic_any(source.make()),
            }
        });
        if with_messageerror {
            port2.set_onmessageerror(|_| ());
        }
        for number in 0..MESSAGES {
            port1.post_message(&number).unwrap();
        }
        while !port2.is_empty() {
            drop(port2.dispatch());
        }
        assert_eq!(drops.made(), 1 + 50, "a local each, and a payload for two of three");
        assert_eq!(drops.dropped(), 50);
        port2.clear_onmessage();
        assert_eq!(drops.dropped(), 51, "the handler itself");
    }
}

#[test]
fn h3_the_handlers_of_a_dropped_port_are_dropped_once() {
    let drops = Drops::default();
    let MessageChannel { port1: _peer, mut port2 } = MessageChannel::<u64>::new();
    let kept = drops.make();
    port2.set_onmessage(move |_| drop(kept.to_string()));
    let kept = drops.make();
    port2.set_onmessage(move |_| drop(kept.to_string()));
    assert_eq!(drops.dropped(), 1, "replaced");
    let (on_error, on_close) = (drops.make(), drops.make());
    port2.set_onmessageerror(move |_| drop(on_error.to_string()));
    port2.set_onclose(move |_| drop(on_close.to_string()));
    drop(port2);
    assert_eq!((drops.made(), drops.dropped()), (4, 4));
}
