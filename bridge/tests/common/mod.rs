//! Sessions that talk to each other over loopback TCP and find nobody else.
#![allow(dead_code, unused_macros, unreachable_pub, reason = "each test program uses a part")]

pub mod fake;

use std::net::{Ipv4Addr, TcpListener};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use message_port::{MessageChannel, MessagePort};
use message_port_zenoh::{Link, Options, connect_linked, expose};
use zenoh::{Config, Session, Wait};

/// Who puts what is posted.
#[derive(Clone, Copy)]
pub struct Puts {
    pub by_posts: bool,
}

impl Puts {
    pub fn options(self) -> Options {
        Options::new().put_from_posts(self.by_posts)
    }
}

/// Runs each test for both.
macro_rules! by_a_thread_and_by_posts {
    ($($(#[$attribute:meta])* $test:ident,)*) => {
        $($(#[$attribute])* mod $test {
            use crate::common::Puts;

            #[test]
            fn by_a_thread() {
                super::$test(Puts { by_posts: false });
            }

            #[test]
            fn by_posts() {
                super::$test(Puts { by_posts: true });
            }
        })*
    };
}

/// For waits that end in any run that is not broken.
pub const LONG: Duration = Duration::from_secs(60);

/// Milliseconds after which a silent session counts as gone, in these tests.
pub const LEASE: u64 = 1000;

fn config(mode: &str, listen: &str, connect: &str) -> Config {
    let mut config = Config::default();
    let lease = LEASE.to_string();
    for (key, value) in [
        ("mode", mode),
        ("scouting/multicast/enabled", "false"),
        ("scouting/gossip/enabled", "false"),
        ("listen/endpoints", listen),
        ("connect/endpoints", connect),
        ("transport/link/tx/lease", &lease),
    ] {
        config.insert_json5(key, value).unwrap();
    }
    config
}

/// A session that listens, and its endpoint. Between the look for a free port and its use somebody
/// else may take it: then the next one.
pub fn listening() -> (Session, String) {
    listening_as("\"peer\"")
}

/// A router, and its endpoint.
pub fn routing() -> (Session, String) {
    listening_as("\"router\"")
}

fn listening_as(mode: &str) -> (Session, String) {
    for _ in 0..20 {
        let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap();
        let endpoint = format!("tcp/{free}");
        let listen = format!("[\"{endpoint}\"]");
        if let Ok(session) = zenoh::open(config(mode, &listen, "[]")).wait() {
            return (session, endpoint);
        }
    }
    panic!("no free port");
}

/// A session that is connected to a listening one.
pub fn connected_to(endpoint: &str) -> Session {
    zenoh::open(config("\"peer\"", "[]", &format!("[\"{endpoint}\"]"))).wait().unwrap()
}

/// A session that reaches others through a router only.
pub fn client_of(endpoint: &str) -> Session {
    zenoh::open(config("\"client\"", "[]", &format!("[\"{endpoint}\"]"))).wait().unwrap()
}

/// Two sessions with a TCP connection between them.
pub struct Pair {
    pub near: Session,
    pub far: Session,
}

pub fn sessions() -> Pair {
    let (near, endpoint) = listening();
    Pair { near, far: connected_to(&endpoint) }
}

/// A key that no other test uses.
pub fn key() -> String {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let next = NEXT.fetch_add(1, Ordering::Relaxed);
    format!("test/{}/{next}", std::process::id())
}

/// Two users whose ports are linked.
pub struct Linked<A, B> {
    pub near: MessagePort<A, B>,
    pub far: MessagePort<B, A>,
    pub near_link: Link,
    pub far_link: Link,
    /// Outlive the links, so that a test sees their ends and not those of the sessions.
    pub sessions: Pair,
}

/// Links `channel`'s port 1 to a new port, over two sessions.
pub fn linked<A, B>(
    channel: MessageChannel<A, B>,
    near_options: Options,
    far_options: Options,
) -> Linked<A, B>
where
    A: message_port::Message + 'static,
    B: message_port::Message + 'static,
{
    let (sessions, key) = (sessions(), key());
    let MessageChannel { port1: near, port2 } = channel;
    let near_link = expose(port2, &sessions.near, &key, near_options).unwrap();
    let (far, far_link) = connect_linked::<B, A>(&sessions.far, &key, far_options).unwrap();
    Linked { near, far, near_link, far_link, sessions }
}

/// A small generator of pseudo-random numbers, so that runs can be repeated.
pub struct Random(pub u64);

impl Random {
    pub fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    pub fn below(&mut self, limit: usize) -> usize {
        usize::try_from(self.next() % limit as u64).unwrap()
    }

    pub fn bytes(&mut self, length: usize) -> Vec<u8> {
        (0..length).map(|_| self.next().to_le_bytes()[0]).collect()
    }
}
