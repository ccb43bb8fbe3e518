//! What `{:?}` says of each public type: its name and what matters about it, and nothing that
//! differs from run to run, such as an address.

mod common;

use std::fmt::Debug;
use std::sync::mpsc;

use message_port::{
    BuildError, ClosedBy, DispatchError, EventLoop, HandlerError, MessageChannel, MessagePort,
    PostError, PostTimeoutError, RecvError, RecvTimeoutError, TryPostError, TryRecvError,
    WaitStrategy,
};

use common::clone::{Doubtful, Ending};
use common::hostile::Hostile;

type Outcome = Result<(), Box<dyn std::error::Error>>;

/// What an end says without what it has counted, which the feature `stats` adds.
fn without_stats(mut text: String) -> String {
    while let Some(start) = text.find(", stats: Stats {").or_else(|| text.find("stats:Stats{")) {
        let mut depth = 0;
        let end = text[start..].find(|c| {
            depth += i32::from(c == '{') - i32::from(c == '}');
            depth == 0 && c == '}'
        });
        text.replace_range(start..=start + end.unwrap(), "");
    }
    text
}

#[track_caller]
fn assert_debug(value: &dyn Debug, expected: &str) {
    assert_eq!(without_stats(format!("{value:?}")), expected);
    // Over several lines it says the same.
    let words = |text: &str| -> String {
        text.replace(",\n", "\n").chars().filter(|c| !c.is_whitespace() && *c != ',').collect()
    };
    assert_eq!(without_stats(words(&format!("{value:#?}"))), words(expected));
}

/// A text of the error without what must not be in it.
#[track_caller]
fn assert_has_no_address(text: &str) {
    let hexadecimal =
        text.split("0x").skip(1).any(|rest| rest.starts_with(|c: char| c.is_ascii_hexdigit()));
    // In decimal notation it has fifteen digits, where a length here has at most eleven.
    let long = text.split(|c: char| !c.is_ascii_digit()).any(|number| number.len() > 11);
    assert!(!hexadecimal && !long, "{text}");
}

fn fill(port: &mut MessagePort<u64>) {
    while port.try_post_message(&7).is_ok() {}
}

const OPEN: &str = "closed: false, disconnected: false";

#[test]
fn ports_and_halves() -> Outcome {
    let mut channel = MessageChannel::<u64>::with_capacity(1000);
    channel.port1.post_message(&7)?;
    channel.port2.set_onmessage(|_| ());
    let sender = |bytes| format!("Sender {{ capacity: 1024, bytes_in_flight: {bytes}, {OPEN} }}");
    let handlers = |message, started| {
        format!(
            "Handlers {{ onmessage: {message}, onmessageerror: false, onclose: false, \
             started: {started}, close_dispatched: false }}"
        )
    };
    let receiver =
        |len, bytes| format!("Receiver {{ len: {len}, bytes_available: {bytes}, {OPEN} }}");
    let port = |sender, receiver, handlers| {
        format!("MessagePort {{ sender: {sender}, receiver: {receiver}, handlers: {handlers} }}")
    };
    let port1 = port(sender(8), receiver(0, 0), handlers(false, false));
    let port2 = port(sender(0), receiver(1, 8), handlers(true, true));
    assert_debug(&channel, &format!("MessageChannel {{ port1: {port1}, port2: {port2} }}"));

    let MessageChannel { port1, mut port2 } = channel;
    let (sender, receiver) = port1.into_split();
    port2.close();
    drop(port2);
    assert_debug(
        &sender,
        "Sender { capacity: 1024, bytes_in_flight: 8, closed: true, disconnected: true }",
    );
    assert_debug(
        &receiver,
        "Receiver { len: 0, bytes_available: 0, closed: true, disconnected: true }",
    );
    Ok(())
}

#[cfg(feature = "stats")]
#[test]
fn ends_say_what_they_have_counted() -> Outcome {
    let MessageChannel { mut port1, port2 } = MessageChannel::<u64>::new();
    port1.post_message(&7)?;
    let (sender, receiver) = port2.into_split();
    let (outgoing, incoming) = (sender.stats(), receiver.stats());
    assert_eq!((outgoing.posted, incoming.posted), (0, 1));
    assert!(
        format!("{sender:?}").ends_with(&format!("disconnected: false, stats: {outgoing:?} }}"))
    );
    let expected = format!("disconnected: false, stats: {incoming:?} }}");
    assert!(format!("{receiver:?}").ends_with(&expected));
    Ok(())
}

#[test]
fn settings() {
    let builder = MessageChannel::<u64>::builder().capacity(4096);
    assert_debug(
        &builder,
        "Builder { capacity: 4096, max_message_len: None, growable: None, wait_strategy: Park, \
         eager_tasks: true, trust_archives: false, .. }",
    );
    let builder = builder.max_message_len(100).wait_strategy(WaitStrategy::Spin);
    assert_debug(
        &builder,
        "Builder { capacity: 4096, max_message_len: Some(100), growable: None, wait_strategy: Spin, \
         eager_tasks: true, trust_archives: false, .. }",
    );
    assert_debug(&BuildError::ZeroCapacity, "ZeroCapacity");
    let error = MessageChannel::<u64>::builder().capacity(1).build().unwrap_err();
    assert_debug(&error, "TooSmall { capacity: 1, min: 64 }");
}

/// As the archive prints itself; a number does as the number.
#[test]
fn messages() -> Outcome {
    let MessageChannel { mut port1, mut port2 } = MessageChannel::<Vec<u64>>::new();
    port1.post_message(&vec![1, 2])?;
    assert_debug(&port2.recv()?, "MessageRef([1, 2])");
    Ok(())
}

#[test]
fn events() -> Outcome {
    let MessageChannel { mut port1, mut port2 } = MessageChannel::<String>::new();
    let (log, logged) = mpsc::channel();
    port1.post_message(&"hello".to_owned())?;
    port1.post_message(&"unread".to_owned())?;
    let told = log.clone();
    port2.set_onmessage(move |event| {
        told.send(format!("{event:?}")).map_err(|error| error.to_string())?;
        event.target().close();
        Err("not today".to_owned())
    });
    let told = log.clone();
    port2.set_onmessageerror(move |event| told.send(format!("{event:?}")));
    port1.set_onclose(move |event| log.send(format!("{event:?}")));
    port2.dispatch()?;
    port1.dispatch()?;
    drop((port1, port2));
    let expected = [
        r#"MessageEvent { data: "hello", .. }"#,
        r#"MessageErrorEvent { error: Returned("not today"), .. }"#,
        "CloseEvent { closed_by: Peer, undelivered: Undelivered { messages: 1, bytes: 8 } }",
    ];
    assert_eq!(logged.iter().collect::<Vec<_>>(), expected);
    assert_debug(&ClosedBy::ThisPort, "ThisPort");
    Ok(())
}

#[test]
fn event_loops() {
    let MessageChannel { mut port1, mut port2 } = MessageChannel::<u64>::new();
    let mut events = EventLoop::new();
    assert_debug(&events, "EventLoop { ports: 0, ready: false, .. }");
    port2.set_onmessage(|_| Err("not today"));
    let id = events.add(port2);
    port1.post_message(&7).unwrap();
    assert_debug(&events.handle(), "LoopHandle { .. }");
    assert_debug(&id, "PortId(0)");
    let error = events.run_once(None).unwrap_err();
    assert_debug(
        &error,
        r#"EventLoopError { port: PortId(0), error: Message(Returned("not today")) }"#,
    );
    assert!(format!("{events:?}").starts_with("EventLoop { ports: 1, ready: "));
}

#[test]
fn refusals() {
    let MessageChannel { mut port1, mut port2 } = MessageChannel::<u64>::with_capacity(64);
    assert_debug(&port2.try_recv().unwrap_err(), "Empty");
    assert_debug(&port2.recv_timeout(std::time::Duration::ZERO).unwrap_err(), "Timeout");
    fill(&mut port1);
    assert_debug(&port1.try_post_message(&7).unwrap_err(), "Full");
    let error = port1.post_message_timeout(&7, std::time::Duration::ZERO).unwrap_err();
    assert_debug(&error, "Timeout");
    port2.close();
    assert_debug(&port2.recv().unwrap_err(), "Closed");
    assert_debug(&port1.post_message(&7).unwrap_err(), "Closed");
    assert_debug(&PostError::TooLarge { needed: 2, max: 1 }, "TooLarge { needed: 2, max: 1 }");
    assert_debug(&TryPostError::from(PostError::Disconnected), "Disconnected");
    assert_debug(&PostTimeoutError::from(PostError::WouldDeadlock), "WouldDeadlock");
    assert_debug(&TryRecvError::from(RecvError::Disconnected), "Disconnected");
    assert_debug(&RecvTimeoutError::from(RecvError::Closed), "Closed");
}

/// A value's own error is shown as it shows itself.
#[test]
fn errors_of_values() {
    let MessageChannel { mut port1, .. } = common::small::channel::<Doubtful>();
    let error = port1.post_message(&Doubtful::new(b"bad", Ending::Error)).unwrap_err();
    assert_debug(&error, "DataClone(DataCloneError(Value(Refused)))");
    let error = DispatchError::Message(HandlerError::Returned("not today".into()));
    assert_debug(&error, r#"Message(Returned("not today"))"#);
}

#[test]
fn panics_of_handlers() -> Outcome {
    let MessageChannel { mut port1, mut port2 } = MessageChannel::<u64>::new();
    port1.post_message(&7)?;
    port2.set_onmessage(|_| panic!("boom"));
    let error = port2.dispatch().unwrap_err();
    assert_debug(&error, r#"Message(Panicked(PanicPayload("boom")))"#);
    Ok(())
}

/// Neither in `Debug` nor in `Display`: logs are read by others, and compared.
#[test]
fn invalid_archives_are_reported_without_addresses() -> Outcome {
    let MessageChannel { mut port1, mut port2 } = MessageChannel::<Hostile>::new();
    port1.post_message(&Hostile::lying(b"lying"))?;
    let error = port2.recv().unwrap_err();
    assert_debug(
        &error,
        "InvalidArchive(InvalidArchiveError(\"subtree pointer overran range: \
         ptr 0x… size 1000005 in range 0x…..0x…\"))",
    );
    assert_has_no_address(&error.to_string());

    // Also those that come through several places, and those of post.
    let MessageChannel { mut port1, .. } = MessageChannel::<Vec<Vec<String>>>::new();
    for archive in [&[0xff; 64], &[0x80; 64], &[0x11; 64]] {
        let error = port1.post_archived(archive).unwrap_err();
        assert_has_no_address(&error.to_string());
        assert_has_no_address(&format!("{error:?}"));
    }
    Ok(())
}

#[cfg(feature = "futures")]
#[test]
fn streams_and_sinks() -> Outcome {
    let MessageChannel { port1, port2 } = MessageChannel::<u64>::with_capacity(1024);
    let mut port1 = port1.into_stream();
    assert!(format!("{port1:?}").starts_with("PortStream { port: MessagePort { sender: "));
    assert!(format!("{port1:?}").ends_with(" }, holding: false, ended: false }"));
    let (mut sender, receiver) = port2.into_split();
    fill_half(&mut sender);
    let mut sink = sender.into_sink();
    assert_debug(
        &receiver.into_stream(),
        &format!(
            "ReceiverStream {{ receiver: Receiver {{ len: 0, bytes_available: 0, {OPEN} }}, ended: false }}"
        ),
    );
    futures_lite::future::block_on(futures_util::SinkExt::feed(&mut sink, 7))?;
    assert_debug(
        &sink,
        "SenderSink { sender: Sender { capacity: 1024, bytes_in_flight: 896, closed: false, \
         disconnected: false }, holding: true }",
    );
    port1.get_mut().close();
    let end = futures_lite::future::block_on(futures_util::StreamExt::next(&mut port1));
    assert!(end.is_none());
    assert!(format!("{port1:?}").ends_with(" }, holding: false, ended: true }"));
    Ok(())
}

#[cfg(feature = "futures")]
fn fill_half(sender: &mut message_port::Sender<u64>) {
    while sender.try_post_message(&7).is_ok() {}
}
