//! A peer that dies, stops or loses its session: `Disconnected`, and never a silent hang.

#[macro_use]
mod common;

use std::io::{BufRead, BufReader};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::thread;

use common::{Puts, connected_to, key, linked, listening};
use message_port::{MessageChannel, MessagePort};
use message_port_zenoh::{Link, LinkError, Options, connect, expose};
use zenoh::{Session, Wait};

/// How the child process is told what to do.
const ENDPOINT: &str = "MESSAGE_PORT_ENDPOINT";
const KEY: &str = "MESSAGE_PORT_KEY";
const BY_POSTS: &str = "MESSAGE_PORT_BY_POSTS";

by_a_thread_and_by_posts! {
    a_process_that_is_killed_in_the_middle_is_disconnected,
    #[cfg(unix)]
    a_process_that_is_stopped_is_disconnected_when_its_lease_is_over,
    a_session_that_is_closed_disconnects_both_ends,
    a_session_that_its_owner_drops_stays_open_as_long_as_the_link,
    a_port_that_is_exposed_in_a_session_that_is_closed_is_disconnected,
}

fn small(options: Options) -> Options {
    options.window(16 << 10).capacity(8 << 10)
}

/// Not a test: what the child process runs. It connects, answers each message with its double, and
/// ends only when it is killed.
#[test]
#[ignore = "run by the other tests in a process of its own"]
fn child() {
    let Ok(endpoint) = std::env::var(ENDPOINT) else { return };
    let session = connected_to(&endpoint);
    let key = std::env::var(KEY).unwrap();
    let puts = Puts { by_posts: std::env::var(BY_POSTS).unwrap() == "true" };
    let mut port = connect::<u64, u64>(&session, &key, small(puts.options())).unwrap();
    println!("connected");
    while let Ok(n) = port.recv().map(|n| n.to_native()) {
        port.post_message(&(n * 2)).unwrap();
    }
}

struct Killed(Child);

impl Drop for Killed {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A user whose peer is in a child process.
fn with_child(puts: Puts) -> (MessagePort<u64>, Link, Killed, BufReader<ChildStdout>, Session) {
    let (session, endpoint) = listening();
    let key = key();
    let MessageChannel { port1, port2 } = MessageChannel::<u64>::with_capacity(8 << 10);
    let link = expose(port2, &session, &key, small(puts.options())).unwrap();
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "child", "--ignored", "--nocapture"])
        .env(ENDPOINT, endpoint)
        .env(KEY, key)
        .env(BY_POSTS, puts.by_posts.to_string())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut output = BufReader::new(child.stdout.take().unwrap());
    let mut text = String::new();
    while !text.contains("connected") {
        text.clear();
        assert_ne!(output.read_line(&mut text).unwrap(), 0, "the child ended early");
    }
    (port1, link, Killed(child), output, session)
}

fn a_process_that_is_killed_in_the_middle_is_disconnected(puts: Puts) {
    let (mut port, link, mut child, _output, _session) = with_child(puts);
    for n in 0..1000 {
        port.post_message(&n).unwrap();
        assert_eq!(*port.recv().unwrap(), n * 2);
    }
    // In full flight, both ways.
    let (mut sender, mut receiver) = port.into_split();
    let flood = thread::spawn(move || {
        let mut posted = 0u64;
        let error = loop {
            match sender.post_message(&posted) {
                Ok(()) => posted += 1,
                Err(error) => break error,
            }
        };
        (posted, error)
    });
    let mut next = 0;
    let error = loop {
        if next == 5000 {
            child.0.kill().unwrap();
        }
        match receiver.recv() {
            Ok(answer) => assert_eq!(*answer, next * 2, "in order to the last"),
            Err(error) => break error,
        }
        next += 1;
    };
    assert!(error.is_disconnected(), "{error}");
    let (posted, error) = flood.join().unwrap();
    assert!(error.is_disconnected(), "{error}");
    let report = link.wait();
    assert!(matches!(report.error(), Some(LinkError::PeerGone | LinkError::Send(_))), "{report}");
    // Every answer acknowledges what it answers, and perhaps more.
    let unanswered = posted - next;
    assert!(report.undelivered_messages <= unanswered, "{unanswered} unanswered; {report}");
    assert!(report.sent_messages >= next + 1000, "{report}");
}

#[cfg(unix)]
fn a_process_that_is_stopped_is_disconnected_when_its_lease_is_over(puts: Puts) {
    let (mut port, link, child, _output, _session) = with_child(puts);
    port.post_message(&1).unwrap();
    assert_eq!(*port.recv().unwrap(), 2);
    // Its sockets stay open, and nothing comes out of them any more.
    let stopped = Command::new("kill").args(["-STOP", &child.0.id().to_string()]).status();
    assert!(stopped.unwrap().success());
    assert!(port.recv().unwrap_err().is_disconnected());
    assert!(matches!(link.wait().error(), Some(LinkError::PeerGone)), "{:?}", link.report());
}

fn a_session_that_is_closed_disconnects_both_ends(puts: Puts) {
    for near_first in [true, false] {
        let mut l =
            linked(MessageChannel::<u64>::new(), small(puts.options()), small(puts.options()));
        l.near.post_message(&1).unwrap();
        l.far.post_message(&2).unwrap();
        assert_eq!(*l.near.recv().unwrap(), 2);
        assert_eq!(*l.far.recv().unwrap(), 1);
        let (closing, here, there) = if near_first {
            (&l.sessions.near, &l.near_link, &l.far_link)
        } else {
            (&l.sessions.far, &l.far_link, &l.near_link)
        };
        closing.close().wait().unwrap();
        assert!(l.near.recv().unwrap_err().is_disconnected());
        assert!(l.far.recv().unwrap_err().is_disconnected());
        assert!(matches!(here.wait().error(), Some(LinkError::SessionClosed)), "{here:?}");
        assert!(matches!(there.wait().error(), Some(LinkError::PeerGone)), "{there:?}");
    }
}

fn a_session_that_its_owner_drops_stays_open_as_long_as_the_link(puts: Puts) {
    let mut l = linked(MessageChannel::<u64>::new(), small(puts.options()), small(puts.options()));
    drop(l.sessions);
    for n in 0..100 {
        l.near.post_message(&n).unwrap();
        assert_eq!(*l.far.recv().unwrap(), n);
    }
    l.near.close();
    assert!(l.far.recv().unwrap_err().is_closed());
    assert!(l.near_link.wait().error().is_none());
    assert!(l.far_link.wait().error().is_none());
}

fn a_port_that_is_exposed_in_a_session_that_is_closed_is_disconnected(puts: Puts) {
    let (session, _endpoint) = listening();
    let MessageChannel { mut port1, port2 } = MessageChannel::<u64>::new();
    let link = expose(port2, &session, &key(), puts.options()).unwrap();
    session.close().wait().unwrap();
    assert!(port1.recv().unwrap_err().is_disconnected());
    assert!(matches!(link.wait().error(), Some(LinkError::SessionClosed)));
}
