//! Ports of [message-port](message_port) whose peer is in another process or on another machine,
//! over [Zenoh](zenoh).
#![forbid(unsafe_code)]

mod connect;
mod error;
mod expose;
mod ledger;
mod lines;
mod link;
mod options;
mod report;
mod terms;
mod violation;
pub mod wire;

pub use connect::{connect, connect_linked};
pub use error::{ConnectError, Direction, ExposeError, LinkError, Mismatch};
pub use expose::expose;
pub use options::Options;
pub use report::{Link, LinkEnd, Report};
pub use violation::Violation;

#[doc = include_str!("../docs/protocol.md")]
pub mod protocol {}
