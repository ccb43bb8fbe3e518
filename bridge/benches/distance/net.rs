//! Two sessions over loopback TCP.

use std::net::{Ipv4Addr, TcpListener};

use zenoh::{Config, Session, Wait};

fn config(listen: &str, connect: &str) -> Config {
    let mut config = Config::default();
    for (key, value) in [
        ("mode", "\"peer\""),
        ("scouting/multicast/enabled", "false"),
        ("scouting/gossip/enabled", "false"),
        ("listen/endpoints", listen),
        ("connect/endpoints", connect),
    ] {
        config.insert_json5(key, value).expect("a setting of Zenoh");
    }
    config
}

pub(crate) fn listen() -> (Session, String) {
    for _ in 0..20 {
        let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).and_then(|free| free.local_addr());
        let endpoint = format!("tcp/{}", free.expect("a free port"));
        if let Ok(session) = zenoh::open(config(&format!("[\"{endpoint}\"]"), "[]")).wait() {
            return (session, endpoint);
        }
    }
    panic!("no free port");
}

pub(crate) fn connect(endpoint: &str) -> Session {
    zenoh::open(config("[]", &format!("[\"{endpoint}\"]"))).wait().expect("a session")
}
