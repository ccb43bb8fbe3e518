//! `MessageChannel` and `MessagePort` for QuickJS, on [`message_port`].

#![deny(unsafe_code)]

mod bells;
mod classes;
mod compatibility;
mod decode;
mod encode;
mod endpoint;
mod engine;
mod error;
mod host;
mod options;
mod port;
mod timers;

pub use compatibility::{Compatibility, CompatibilityError};
pub use endpoint::Endpoint;
pub use error::Error;
pub use host::{Host, Next, ScriptPort, install};
pub use options::{Options, Uncaught, UncaughtKind};
pub use rquickjs;
