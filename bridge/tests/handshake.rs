//! Who gets a port, and who is told why not.

mod common;

use std::time::Duration;

use common::fake::{Fake, options, terms};
use common::{LONG, key, sessions};
use message_port::MessageChannel;
use message_port_zenoh::wire::{Body, Greeting, Refusal};
use message_port_zenoh::{
    ConnectError, Direction, ExposeError, LinkEnd, LinkError, Mismatch, Options, connect,
    connect_linked, expose,
};
use zenoh::Wait;

#[test]
fn a_second_connect_is_refused_with_an_error() {
    let (sessions, key) = (sessions(), key());
    let MessageChannel { mut port1, port2 } = MessageChannel::<u64>::new();
    expose(port2, &sessions.near, &key, Options::new()).unwrap();
    let mut first = connect::<u64, u64>(&sessions.far, &key, Options::new()).unwrap();
    for session in [&sessions.far, &sessions.near] {
        let error = connect::<u64, u64>(session, &key, Options::new()).unwrap_err();
        assert!(matches!(error, ConnectError::Engaged(_)), "{error}");
    }
    // The first one does not notice.
    port1.post_message(&7).unwrap();
    assert_eq!(*first.recv().unwrap(), 7);
}

#[test]
fn two_ends_in_one_session_are_linked_too() {
    let (sessions, key) = (sessions(), key());
    let MessageChannel { mut port1, port2 } = MessageChannel::<u64>::new();
    expose(port2, &sessions.near, &key, Options::new()).unwrap();
    let mut port = connect::<u64, u64>(&sessions.near, &key, Options::new()).unwrap();
    port.post_message(&7).unwrap();
    assert_eq!(*port1.recv().unwrap(), 7);
    port1.close();
    assert!(port.recv().unwrap_err().is_closed());
}

#[test]
fn messages_posted_before_anybody_connects_wait_in_the_ring() {
    let (sessions, key) = (sessions(), key());
    let MessageChannel { mut port1, port2 } = MessageChannel::<u64>::new();
    let link = expose(port2, &sessions.near, &key, Options::new()).unwrap();
    for n in 0..10 {
        port1.post_message(&n).unwrap();
    }
    port1.close();
    let mut port = connect::<u64, u64>(&sessions.far, &key, Options::new()).unwrap();
    for n in 0..10 {
        assert_eq!(*port.recv().unwrap(), n);
    }
    assert!(port.recv().unwrap_err().is_closed());
    assert!(matches!(link.wait().end, LinkEnd::Closed));
}

#[test]
fn after_the_end_a_new_connect_makes_a_new_channel() {
    let (sessions, key) = (sessions(), key());
    for n in 0..3u64 {
        let MessageChannel { mut port1, port2 } = MessageChannel::<u64>::new();
        let link = expose(port2, &sessions.near, &key, Options::new()).unwrap();
        let (mut port, far) =
            connect_linked::<u64, u64>(&sessions.far, &key, Options::new()).unwrap();
        port.post_message(&n).unwrap();
        assert_eq!(*port1.recv().unwrap(), n);
        link.abort();
        assert!(port.recv().unwrap_err().is_disconnected());
        assert!(port1.recv().unwrap_err().is_disconnected());
        assert!(matches!(link.wait().error(), Some(LinkError::Aborted)));
        assert!(far.wait().error().is_some());
        // The port itself stays disconnected: nothing reconnects behind the user's back.
        assert!(port.post_message(&n).unwrap_err().is_disconnected());
    }
}

#[test]
fn types_with_other_names_do_not_meet() {
    let (sessions, key) = (sessions(), key());
    let MessageChannel { port1: _user, port2 } = MessageChannel::<u64, u32>::new();
    expose(port2, &sessions.near, &key, Options::new().names("total/1", "order/2")).unwrap();
    let options = Options::new().names("total/1", "order/1");
    let error = connect::<u32, u64>(&sessions.far, &key, options).unwrap_err();
    let ConnectError::Mismatch(mismatch) = error else { panic!("{error}") };
    assert_eq!(
        mismatch.to_string(),
        r#"what the connector receives: "order/1" here, "order/2" there"#
    );
    // Whoever fits may still have it.
    let options = Options::new().names("total/1", "order/2");
    connect::<u32, u64>(&sessions.far, &key, options).unwrap();
}

#[test]
fn types_with_another_layout_do_not_meet_whatever_they_are_called() {
    let (sessions, key) = (sessions(), key());
    let MessageChannel { port1: _user, port2 } = MessageChannel::<u64, u32>::new();
    expose(port2, &sessions.near, &key, Options::new().names("a", "b")).unwrap();
    let options = Options::new().names("a", "b");
    let error = connect::<u64, u64>(&sessions.far, &key, options).unwrap_err();
    let ConnectError::Mismatch(mismatch) = error else { panic!("{error}") };
    let direction = Direction::FromConnector;
    assert_eq!(mismatch, Mismatch::Layout { direction, here: (8, 8), there: (4, 4) });
}

#[test]
fn the_names_of_the_compiler_are_compared_if_there_are_no_others() {
    let (sessions, key) = (sessions(), key());
    let MessageChannel { port1: _user, port2 } = MessageChannel::<u64>::new();
    expose(port2, &sessions.near, &key, Options::new()).unwrap();
    let error = connect::<i64, u64>(&sessions.far, &key, Options::new()).unwrap_err();
    assert!(error.to_string().contains("differ"), "{error}");
    assert!(matches!(error, ConnectError::Mismatch(Mismatch::Name { .. })), "{error}");
}

#[test]
fn archives_with_other_pointers_or_another_byte_order_do_not_meet() {
    let (sessions, key) = (sessions(), key());
    let MessageChannel { port1: _user, port2 } = MessageChannel::<Vec<u8>>::new();
    expose(port2, &sessions.near, &key, options()).unwrap();
    let fake = Fake::new(&sessions.far, &key);
    for change in 0..2 {
        let mut other = terms();
        match change {
            0 => other.format.pointer_width = 64,
            _ => other.format.big_endian = true,
        }
        let answer = fake.greet(&Greeting::Hello(fake.id(), other));
        let expected = Refusal::Format(terms().format);
        assert_eq!(answer, Greeting::Refuse(fake.id(), expected));
    }
}

#[test]
fn another_version_is_refused() {
    let (sessions, key) = (sessions(), key());
    let MessageChannel { port1: _user, port2 } = MessageChannel::<Vec<u8>>::new();
    expose(port2, &sessions.near, &key, options()).unwrap();
    let fake = Fake::new(&sessions.far, &key);
    let answer = fake.greet(&Greeting::OtherVersion(fake.id(), 77));
    assert_eq!(answer, Greeting::Refuse(fake.id(), Refusal::Version));
}

#[test]
fn an_exposing_side_of_another_version_is_an_error_that_says_so() {
    let (sessions, key) = (sessions(), key());
    // One of the future: it answers whatever greets it.
    let base = format!("{key}/@message-port/{}", "ab".repeat(16));
    let answering = sessions.near.clone();
    let down = base.clone();
    sessions
        .near
        .declare_subscriber(format!("{base}/hello"))
        .callback(move |sample: zenoh::sample::Sample| {
            let hello = message_port_zenoh::wire::decode_greeting(&sample.payload().to_bytes());
            let Ok(Greeting::Hello(id, _)) = hello else { panic!("{hello:?}") };
            let answer = message_port_zenoh::wire::encode_greeting(&Greeting::OtherVersion(id, 9));
            answering.put(format!("{down}/{id}/down"), answer).wait().unwrap();
        })
        .background()
        .wait()
        .unwrap();
    let _token = sessions.near.liveliness().declare_token(format!("{base}/alive")).wait().unwrap();
    let error = connect::<u64, u64>(&sessions.far, &key, Options::new()).unwrap_err();
    assert!(matches!(error, ConnectError::Version { here: 1, there: 9 }), "{error}");
}

#[test]
fn nobody_there_is_an_error_within_the_time() {
    let (sessions, key) = (sessions(), key());
    let options = Options::new().timeout(Duration::from_millis(50));
    let error = connect::<u64, u64>(&sessions.far, &key, options).unwrap_err();
    assert!(matches!(error, ConnectError::NotExposed { .. }), "{error}");
}

#[test]
fn somebody_who_never_answers_is_an_error_within_the_time() {
    let (sessions, key) = (sessions(), key());
    let token = format!("{key}/@message-port/{}/alive", "cd".repeat(16));
    let _token = sessions.near.liveliness().declare_token(token).wait().unwrap();
    let options = Options::new().timeout(Duration::from_millis(300));
    let error = connect::<u64, u64>(&sessions.far, &key, options).unwrap_err();
    let expected = matches!(error, ConnectError::NoAnswer { .. } | ConnectError::NotExposed { .. });
    assert!(expected, "{error}");
}

#[test]
fn a_token_that_was_left_behind_does_not_keep_others_from_being_found() {
    let (sessions, key) = (sessions(), key());
    let stale = format!("{key}/@message-port/{}/alive", "ef".repeat(16));
    let _stale = sessions.near.liveliness().declare_token(stale).wait().unwrap();
    let MessageChannel { port1: mut user, port2 } = MessageChannel::<u64>::new();
    expose(port2, &sessions.near, &key, Options::new()).unwrap();
    let options = Options::new().timeout(LONG);
    let mut port = connect::<u64, u64>(&sessions.far, &key, options).unwrap();
    port.post_message(&1).unwrap();
    assert_eq!(*user.recv().unwrap(), 1);
}

#[test]
fn connect_waits_for_a_port_that_is_exposed_later() {
    let (sessions, key) = (sessions(), key());
    let (session, name) = (sessions.far.clone(), key.clone());
    let connecting = std::thread::spawn(move || {
        connect::<u64, u64>(&session, &name, Options::new().timeout(LONG))
    });
    let MessageChannel { mut port1, port2 } = MessageChannel::<u64>::new();
    expose(port2, &sessions.near, &key, Options::new()).unwrap();
    let mut port = connecting.join().unwrap().unwrap();
    port.post_message(&1).unwrap();
    assert_eq!(*port1.recv().unwrap(), 1);
}

#[test]
fn a_connector_that_never_gets_ready_does_not_keep_the_port() {
    let (sessions, key) = (sessions(), key());
    let MessageChannel { mut port1, port2 } = MessageChannel::<Vec<u8>>::new();
    let options = || options().timeout(Duration::from_millis(300));
    expose(port2, &sessions.near, &key, options()).unwrap();
    // One without a token, which stops in the middle of the greeting.
    let fake = Fake::new(&sessions.far, &key);
    assert!(matches!(fake.greet(&Greeting::Hello(fake.id(), terms())), Greeting::Accept(..)));
    let mut port = loop {
        match connect::<Vec<u8>, Vec<u8>>(&sessions.far, &key, options().timeout(LONG)) {
            Ok(port) => break port,
            Err(ConnectError::Engaged(_)) => {}
            Err(error) => panic!("{error}"),
        }
    };
    port.post_message(&vec![1]).unwrap();
    assert_eq!(port1.recv().unwrap().as_slice(), [1]);
}

#[test]
fn a_connector_that_dies_while_it_greets_does_not_keep_the_port() {
    let (sessions, key) = (sessions(), key());
    let MessageChannel { port1: _user, port2 } = MessageChannel::<Vec<u8>>::new();
    expose(port2, &sessions.near, &key, options().timeout(LONG)).unwrap();
    let mut fake = Fake::new(&sessions.far, &key);
    fake.show_token();
    assert!(matches!(fake.greet(&Greeting::Hello(fake.id(), terms())), Greeting::Accept(..)));
    fake.hide_token();
    loop {
        match connect::<Vec<u8>, Vec<u8>>(&sessions.far, &key, options()) {
            Ok(_) => break,
            Err(ConnectError::Engaged(_)) => {}
            Err(error) => panic!("{error}"),
        }
    }
}

#[test]
fn keys_with_wildcards_name_no_port() {
    let sessions = sessions();
    for key in ["", "a/*", "a/**", "a//b", "/a", "a$*"] {
        let MessageChannel { port1: _user, port2 } = MessageChannel::<u64>::new();
        let error = expose(port2, &sessions.near, key, Options::new()).unwrap_err();
        assert!(matches!(error, ExposeError::Key(_)), "{error}");
        let error = connect::<u64, u64>(&sessions.near, key, Options::new()).unwrap_err();
        assert!(matches!(error, ConnectError::Key(_)), "{error}");
    }
}

#[test]
fn subscribers_of_everything_below_the_key_see_no_frames() {
    let (sessions, key) = (sessions(), key());
    let everything = sessions.far.declare_subscriber(format!("{key}/**")).wait().unwrap();
    let MessageChannel { mut port1, port2 } = MessageChannel::<u64>::new();
    expose(port2, &sessions.near, &key, Options::new()).unwrap();
    let mut port = connect::<u64, u64>(&sessions.far, &key, Options::new()).unwrap();
    port1.post_message(&7).unwrap();
    assert_eq!(*port.recv().unwrap(), 7);
    sessions.near.put(format!("{key}/mark"), "").wait().unwrap();
    let sample = everything.recv_timeout(LONG).unwrap().unwrap();
    assert_eq!(sample.key_expr().as_str(), format!("{key}/mark"));
}

#[test]
fn an_exposed_port_that_nobody_wants_can_be_taken_back() {
    let (sessions, key) = (sessions(), key());
    let MessageChannel { mut port1, port2 } = MessageChannel::<u64>::new();
    let link = expose(port2, &sessions.near, &key, Options::new()).unwrap();
    (0..3).try_for_each(|n| port1.post_message(&n)).unwrap();
    link.abort();
    let report = link.wait();
    assert!(matches!(report.error(), Some(LinkError::Aborted)), "{report}");
    assert_eq!((report.undelivered_messages, report.undelivered_bytes), (3, 24));
    assert!(port1.recv().unwrap_err().is_disconnected());
    let options = Options::new().timeout(Duration::from_millis(50));
    assert!(connect::<u64, u64>(&sessions.far, &key, options).is_err());
}

#[test]
fn a_ready_connector_that_says_something_else_first_is_refused() {
    let (sessions, key) = (sessions(), key());
    let MessageChannel { port1: _user, port2 } = MessageChannel::<Vec<u8>>::new();
    expose(port2, &sessions.near, &key, options()).unwrap();
    let mut fake = Fake::new(&sessions.far, &key);
    fake.show_token();
    assert!(matches!(fake.greet(&Greeting::Hello(fake.id(), terms())), Greeting::Accept(..)));
    fake.say(Body::Ack);
    // The port is free again.
    loop {
        match connect::<Vec<u8>, Vec<u8>>(&sessions.far, &key, options()) {
            Ok(_) => break,
            Err(ConnectError::Engaged(_)) => {}
            Err(error) => panic!("{error}"),
        }
    }
}
