//! The linked port: a user at each side, with ordinary ports.

use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use message_port::{MessageChannel, MessagePort};
use message_port_zenoh::{Options, connect, expose};
use zenoh::Session;

use crate::protocol::{COUNT, ECHO, LAST, QUIT};
use crate::{Subject, Way};

/// Who puts at both sides.
#[derive(Clone, Copy)]
pub(crate) enum Put {
    ByThreads,
    ByPosts,
}

impl Put {
    fn key(self) -> &'static str {
        match self {
            Self::ByThreads => "bench/port",
            Self::ByPosts => "bench/posts",
        }
    }

    fn options(self) -> Options {
        let by_posts = matches!(self, Self::ByPosts);
        let options = Options::new().capacity(1 << 20).window(4 << 20).put_from_posts(by_posts);
        options.timeout(Duration::from_secs(60))
    }
}

pub(crate) struct Linked {
    port: MessagePort<Vec<u8>>,
    put: Put,
}

impl Linked {
    pub(crate) fn new(session: &Session, put: Put) -> Self {
        let port = connect(session, put.key(), put.options());
        Self { port: port.expect("the far process exposes a port"), put }
    }
}

/// Answers as `protocol` says, in a thread.
pub(crate) fn answer(session: &Session, put: Put) -> JoinHandle<()> {
    let MessageChannel { port1, port2 } = MessageChannel::with_capacity(1 << 20);
    expose(port1, session, put.key(), put.options()).expect("a port");
    thread::spawn(move || serve(port2))
}

pub(crate) fn serve(mut port: MessagePort<Vec<u8>>) {
    loop {
        let Ok(mut event) = port.recv_event() else { return };
        let (message, sender) = event.split_mut();
        let posted = match message[0] {
            ECHO | LAST => sender.post_message_as(message.as_slice()),
            QUIT => return,
            _ => continue,
        };
        if posted.is_err() {
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
        match self.put {
            Put::ByThreads => "linked port",
            Put::ByPosts => "linked port, put by posts",
        }
    }

    fn measure(&mut self, way: Way, size: usize, count: u64) -> Duration {
        measure(&mut self.port, way, size, count)
    }
}
