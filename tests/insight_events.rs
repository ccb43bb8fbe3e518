//! What a program's subscriber hears with the feature `tracing`.
#![cfg(feature = "tracing")]

mod common;

use std::cell::RefCell;
use std::error::Error;
use std::fmt::{Debug, Write};
use std::sync::Once;
use std::time::Duration;

use message_port::{MessageChannel, MessagePort};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

use common::hostile::Hostile;

type Outcome = Result<(), Box<dyn Error>>;

thread_local! {
    /// One line for each event on this thread.
    static HEARD: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
}

/// Keeps what each thread's test hears. There is one for all: a subscriber of a single thread can
/// miss an event that another thread was the first to come to.
struct Collector;

/// The fields of an event, but for the number of its channel, which depends on other tests.
struct Line(String);

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        match field.name() {
            "message" => write!(self.0, " {value:?}").unwrap(),
            "channel" => {}
            name => write!(self.0, " {name}={value:?}").unwrap(),
        }
    }
}

impl Subscriber for Collector {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target() == "message_port"
    }

    fn event(&self, event: &Event<'_>) {
        assert!(event.metadata().fields().field("channel").is_some(), "channels are told apart");
        let mut line = Line(event.metadata().level().to_string());
        event.record(&mut line);
        HEARD.with_borrow_mut(|heard| heard.push(line.0));
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        unreachable!("there are no spans")
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
}

/// What is heard while `f` runs.
fn heard(f: impl FnOnce() -> Outcome) -> Result<Vec<String>, Box<dyn Error>> {
    static INSTALLED: Once = Once::new();
    INSTALLED.call_once(|| tracing::subscriber::set_global_default(Collector).unwrap());
    HEARD.take();
    f()?;
    Ok(HEARD.take())
}

fn fill(port: &mut MessagePort<u64>) {
    while port.try_post_message(&7).is_ok() {}
}

#[test]
fn a_channel_is_made_closed_and_dropped() -> Outcome {
    let lines = heard(|| {
        let builder = MessageChannel::<u64>::builder().capacity(1000).max_message_len(5000);
        let MessageChannel { mut port1, port2 } = builder.build()?;
        port1.close();
        port1.close();
        drop(port2);
        Ok(())
    })?;
    let expected = [
        "DEBUG channel made capacity=1024 max_message=5000",
        "DEBUG channel closed port=1",
        "DEBUG half dropped port=2 half=Sender",
        "DEBUG half dropped port=2 half=Receiver",
        "DEBUG half dropped port=1 half=Sender",
        "DEBUG half dropped port=1 half=Receiver",
    ];
    assert_eq!(lines, expected);
    Ok(())
}

/// Nor of a post that is refused at once: whoever tries may try very often.
#[test]
fn ordinary_messages_are_not_told_of() -> Outcome {
    let MessageChannel { mut port1, mut port2 } = MessageChannel::<u64>::with_capacity(1024);
    let lines = heard(|| {
        for _ in 0..10 {
            fill(&mut port1);
            port2.recv()?;
            port2.recv_batch(usize::MAX, |_| ())?;
        }
        Ok(())
    })?;
    assert_eq!(lines, [""; 0]);
    Ok(())
}

#[test]
fn waits_for_room_are_told_of() -> Outcome {
    let MessageChannel { mut port1, port2 } = MessageChannel::<u64>::with_capacity(1024);
    fill(&mut port1);
    let lines = heard(|| {
        for _ in 0..2 {
            assert!(port1.post_message_timeout(&7, Duration::ZERO).is_err());
        }
        Ok(())
    })?;
    drop(port2);
    assert_eq!(lines, ["DEBUG full for the first time port=1", "TRACE full port=1"]);
    Ok(())
}

#[test]
fn growing_is_told_of() -> Outcome {
    let MessageChannel { mut port1, mut port2 } =
        MessageChannel::<u64>::builder().capacity(1024).growable(2048).build()?;
    let lines = heard(|| {
        fill(&mut port1);
        while port2.try_recv().is_ok() {}
        Ok(())
    })?;
    assert_eq!(lines, ["DEBUG segment added port=1 bytes=1024", "TRACE segment given back port=2"]);
    Ok(())
}

#[test]
fn spilled_messages_are_told_of() -> Outcome {
    let MessageChannel { mut port1, port2 } = MessageChannel::<String>::with_capacity(1024);
    let lines = heard(|| Ok(port1.post_message(&"x".repeat(992))?))?;
    drop(port2);
    assert_eq!(lines, ["TRACE message spilled port=1 bytes=1000"]);
    Ok(())
}

/// Not in the words of the program's error or panic.
#[test]
fn failures_of_handlers_are_told_of() -> Outcome {
    let MessageChannel { mut port1, mut port2 } = MessageChannel::<u64>::new();
    port1.post_messages(&[0, 1])?;
    port2.set_onmessage(|event| match event.data().to_native() {
        0 => Err("secret"),
        _ => panic!("secret"),
    });
    let lines = heard(|| {
        assert!(port2.dispatch().is_err(), "nobody handles it");
        port2.set_onmessageerror(|_| ());
        port2.dispatch()?;
        Ok(())
    })?;
    let expected = [
        "WARN messageerror port=2 cause=\"error returned\"",
        "WARN messageerror port=2 cause=\"panic\"",
    ];
    assert_eq!(lines, expected);
    Ok(())
}

#[test]
fn invalid_archives_are_told_of() -> Outcome {
    let MessageChannel { mut port1, mut port2 } = MessageChannel::<Hostile>::new();
    port1.post_message(&Hostile::lying(b"lying"))?;
    port1.post_message(&Hostile::lying(b"lying"))?;
    let lines = heard(|| {
        assert!(port2.recv().is_err());
        port2.set_onmessage(|_| ());
        assert!(port2.dispatch().is_err());
        Ok(())
    })?;
    assert_eq!(lines.len(), 3);
    assert!(lines[0].starts_with("WARN invalid archive port=2 error="), "{lines:?}");
    assert_eq!(lines[0], lines[1]);
    assert_eq!(lines[2], "WARN messageerror port=2 cause=\"invalid archive\"");
    Ok(())
}

#[test]
fn a_wait_that_would_deadlock_is_told_of() -> Outcome {
    let MessageChannel { mut port1, mut port2 } = MessageChannel::<u64>::with_capacity(1024);
    fill(&mut port1);
    fill(&mut port2);
    let lines = heard(|| {
        let mut cx = std::task::Context::from_waker(std::task::Waker::noop());
        let mut posting = std::pin::pin!(port1.post_message_async(&7));
        assert!(posting.as_mut().poll(&mut cx).is_pending());
        assert!(port2.post_message(&7).is_err());
        Ok(())
    })?;
    let expected = [
        "DEBUG full for the first time port=1",
        "DEBUG full for the first time port=2",
        "WARN wait refused: both ports would wait for room port=2",
    ];
    assert_eq!(lines, expected);
    Ok(())
}
