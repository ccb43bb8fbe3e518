//! Sessions that are joined by one TCP connection and look for nobody else.

use std::net::{Ipv4Addr, TcpListener};

use zenoh::{Config, Session, Wait};

use crate::Failure;
use crate::args::Where;

fn config(listen: &[&str], connect: &[&str]) -> zenoh::Result<Config> {
    let mut config = Config::default();
    for (key, value) in [
        ("mode", "\"peer\"".to_owned()),
        ("scouting/multicast/enabled", "false".to_owned()),
        ("scouting/gossip/enabled", "false".to_owned()),
        ("listen/endpoints", format!("{listen:?}")),
        ("connect/endpoints", format!("{connect:?}")),
    ] {
        config.insert_json5(key, &value)?;
    }
    Ok(config)
}

pub(crate) fn open(place: &Where) -> Result<Session, Failure> {
    let config = match place {
        Where::Loopback => return Ok(listen_on_loopback()?.0),
        Where::Listen(endpoint) => config(&[endpoint], &[]),
        Where::Connect(endpoint) => config(&[], &[endpoint]),
    };
    zenoh::open(config?).wait()
}

/// A session that only this machine reaches, and its endpoint.
pub(crate) fn listen_on_loopback() -> Result<(Session, String), Failure> {
    let mut last = None;
    // Somebody else may take the free port before the session does.
    for _ in 0..20 {
        let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?;
        let endpoint = format!("tcp/{free}");
        match zenoh::open(config(&[&endpoint], &[])?).wait() {
            Ok(session) => return Ok((session, endpoint)),
            Err(error) => last = Some(error),
        }
    }
    Err(last.unwrap_or_else(|| "no free port".into()))
}
