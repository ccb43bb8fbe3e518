//! The linked port: a user at each side, with ordinary ports.

use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use message_port::{MessageChannel, MessagePort};
use message_port_zenoh::{Options, connect, expose};
use zenoh::Session;

use crate::protocol::{COUNT, ECHO, LAST, QUIT};
use crate::{Subject, Way};

const KEY: &str = "bench/port";

fn options() -> Options {
    Options::new().capacity(1 << 20).window(4 << 20).timeout(Duration::from_secs(60))
}

pub(crate) struct Linked(MessagePort<Vec<u8>>);

impl Linked {
    pub(crate) fn new(session: &Session) -> Self {
        Self(connect(session, KEY, options()).expect("the far process exposes a port"))
    }
}

/// Answers as `protocol` says, in a thread.
pub(crate) fn answer(session: &Session) -> JoinHandle<()> {
    let MessageChannel { port1, port2 } = MessageChannel::with_capacity(1 << 20);
    expose(port1, session, KEY, options()).expect("a port");
    thread::spawn(move || serve(port2))
}

pub(crate) fn serve(mut port: MessagePort<Vec<u8>>) {
    loop {
        let Ok(message) = port.recv() else { return };
        let answer = match message[0] {
            ECHO | LAST => message.to_vec(),
            QUIT => return,
            _ => continue,
        };
        drop(message);
        if port.post_message(&answer).is_err() {
            return;
        }
    }
}

pub(crate) fn measure(
    port: &mut MessagePort<Vec<u8>>,
    way: Way,
    size: usize,
    count: u64,
) -> Duration {
    let mut message = vec![ECHO; size];
    let start = Instant::now();
    match way {
        Way::RoundTrip => {
            for _ in 0..count {
                port.post_message(&message).expect("the far side is there");
                assert_eq!(port.recv().expect("an answer").len(), size);
            }
        }
        Way::OneWay => {
            message[0] = COUNT;
            for _ in 1..count {
                port.post_message(&message).expect("the far side is there");
            }
            message[0] = LAST;
            port.post_message(&message).expect("the far side is there");
            assert_eq!(port.recv().expect("an answer").len(), size);
        }
    }
    start.elapsed()
}

impl Subject for Linked {
    fn name(&self) -> &'static str {
        "linked port"
    }

    fn measure(&mut self, way: Way, size: usize, count: u64) -> Duration {
        measure(&mut self.0, way, size, count)
    }
}
