//! Ports of [message-port](message_port) whose peer is in another process or on another machine,
//! over [Zenoh](zenoh).
//!
//! [`expose`] puts a port under a key; [`connect`], from wherever the session reaches, gets a port in its
//! place. Both users hold ordinary ports, and most of the rules of a port hold over the distance:
//! order, back-pressure, validation, close with its report. The README says which ones do not.
//!
//! ```no_run
//! use message_port::MessageChannel;
//! use message_port_zenoh::{Options, connect, expose};
//! use zenoh::Wait;
//!
//! let session = zenoh::open(zenoh::Config::default()).wait()?;
//! let MessageChannel { mut port1, port2 } = MessageChannel::<String, u32>::new();
//! expose(port2, &session, "shop/till", Options::new())?;
//!
//! // In another process, with a session of its own:
//! let mut port = connect::<u32, String>(&session, "shop/till", Options::new())?;
//! port1.post_message(&"tea".to_owned())?;
//! assert_eq!(port.recv()?.as_str(), "tea");
//! # Ok::<(), Box<dyn std::error::Error + Send + Sync>>(())
//! ```
//!
//! # Map
//!
//! | you want to | look at |
//! |---|---|
//! | link two ports | [`expose`], [`connect`] |
//! | wait for the end, and know what became of the messages | [`connect_linked`], [`Link`], [`Report`] |
//! | choose limits and names, and who puts | [`Options`] |
//! | know what is on the wire | [`protocol`], [`wire`] |

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

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct ReadmeDoctests;
