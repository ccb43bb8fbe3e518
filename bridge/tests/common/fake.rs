//! A connector made by hand, which may send anything.
#![allow(dead_code, unreachable_pub, reason = "each test program uses a part")]

use std::sync::mpsc;

use message_port::{MessageChannel, MessagePort};
use message_port_zenoh::wire::{
    self, Body, DataFrame, Format, Frame, Greeting, LinkId, Terms, TypeFormat,
};
use message_port_zenoh::{Link, Options, expose};
use zenoh::liveliness::LivelinessToken;
use zenoh::qos::CongestionControl;
use zenoh::sample::Sample;
use zenoh::{Session, Wait};

use super::{LONG, Pair, key, sessions};

/// The window that the exposing side grants.
pub const WINDOW: usize = 8192;
/// The longest archive that it takes.
pub const LONGEST: usize = 10_000;

/// An exposed port of bytes, and whoever is connected to it.
pub struct Attacked {
    pub user: MessagePort<Vec<u8>, Vec<u8>>,
    pub link: Link,
    pub fake: Fake,
    pub sessions: Pair,
}

pub struct Fake {
    session: Session,
    base: String,
    id: LinkId,
    number: u64,
    received: mpsc::Receiver<Vec<u8>>,
    token: Option<LivelinessToken>,
}

/// Bytes as `Vec<u8>`s, under a name that says so.
pub fn options() -> Options {
    Options::new().window(WINDOW).max_message_len(LONGEST).names("bytes", "bytes")
}

pub fn terms() -> Terms {
    let bytes = || TypeFormat { size: 8, align: 4, name: "bytes".to_owned() };
    let format = Format { pointer_width: 32, big_endian: false, up: bytes(), down: bytes() };
    Terms { window: 1 << 20, max_message_len: 1 << 20, format }
}

/// The archive of some bytes.
pub fn archive(bytes: &[u8]) -> Vec<u8> {
    let MessageChannel { mut port1, mut port2 } = MessageChannel::<Vec<u8>>::new();
    port1.post_message(&bytes.to_vec()).unwrap();
    port2.recv().unwrap().as_bytes().to_vec()
}

impl Fake {
    /// Finds the exposed port, and gets ready to hear what it says.
    pub fn new(session: &Session, key: &str) -> Self {
        let tokens = session
            .liveliness()
            .declare_subscriber(format!("{key}/@message-port/*/alive"))
            .history(true)
            .wait()
            .unwrap();
        let token = tokens.recv_timeout(LONG).unwrap().unwrap();
        let base = token.key_expr().as_str().strip_suffix("/alive").unwrap().to_owned();
        let id = LinkId(
            super::Random(0x9e37_79b9 + u64::from(std::process::id()))
                .bytes(16)
                .try_into()
                .unwrap(),
        );
        let (sender, received) = mpsc::channel();
        session
            .declare_subscriber(format!("{base}/{id}/down"))
            .callback(move |sample: Sample| {
                let _ = sender.send(sample.payload().to_bytes().into_owned());
            })
            .background()
            .wait()
            .unwrap();
        Self { session: session.clone(), base, id, number: 0, received, token: None }
    }

    pub fn show_token(&mut self) {
        let token = format!("{}/{}/alive", self.base, self.id);
        self.token = Some(self.session.liveliness().declare_token(token).wait().unwrap());
    }

    /// Vanishes, as far as the other side can see.
    pub fn hide_token(&mut self) {
        self.token.take().unwrap().undeclare().wait().unwrap();
    }

    pub fn id(&self) -> LinkId {
        self.id
    }

    /// Puts a greeting until something comes back.
    pub fn greet(&self, greeting: &Greeting) -> Greeting {
        loop {
            let hello = format!("{}/hello", self.base);
            self.session.put(hello, wire::encode_greeting(greeting)).wait().unwrap();
            if let Ok(bytes) = self.received.recv_timeout(LONG / 600) {
                return wire::decode_greeting(&bytes).unwrap();
            }
        }
    }

    /// Connects as it should be.
    pub fn connect(&mut self) {
        self.show_token();
        let greeting = self.greet(&Greeting::Hello(self.id, terms()));
        assert!(matches!(greeting, Greeting::Accept(..)), "{greeting:?}");
        self.say(Body::Ready);
    }

    /// Puts the next frame.
    pub fn say(&mut self, body: Body<'_>) {
        self.say_acknowledging(body, 0);
    }

    pub fn say_acknowledging(&mut self, body: Body<'_>, acknowledged: u64) {
        let frame = Frame { number: self.number, acknowledged, body };
        let mut bytes = Vec::new();
        wire::encode(&frame, &mut bytes);
        self.put(bytes);
        self.number += 1;
    }

    /// Puts a frame of messages.
    pub fn post(&mut self, archives: &[&[u8]]) {
        let mut frame = DataFrame::with_room_for(0);
        for archive in archives {
            frame.push(archive);
        }
        self.put(frame.finish(self.number, 0));
        self.number += 1;
    }

    pub fn put(&self, bytes: Vec<u8>) {
        let put = self.session.put(format!("{}/{}/up", self.base, self.id), bytes);
        put.congestion_control(CongestionControl::Block).wait().unwrap();
    }

    pub fn next_number(&self) -> u64 {
        self.number
    }

    pub fn skip_number(&mut self) {
        self.number += 1;
    }

    /// The next frame from the other side, its body as text.
    pub fn hear(&self) -> String {
        loop {
            let bytes = self.received.recv_timeout(LONG).unwrap();
            // An `ACCEPT` may come again.
            if let Ok(frame) = wire::decode(&bytes) {
                return format!("{:?}", frame.body);
            }
        }
    }
}

/// A user whose port a hand-made connector is connected to.
pub fn attacked() -> Attacked {
    let (sessions, key) = (sessions(), key());
    let MessageChannel { port1: user, port2 } =
        MessageChannel::builder().max_message_len(1 << 20).build().unwrap();
    let link = expose(port2, &sessions.near, &key, options()).unwrap();
    let mut fake = Fake::new(&sessions.far, &key);
    fake.connect();
    Attacked { user, link, fake, sessions }
}
