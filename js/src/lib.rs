//! `MessageChannel` and `MessagePort` for `QuickJS`, on [`message_port`]: a script on one thread
//! talks to a script on another, or to Rust.
//!
//! ```
//! use message_port_js::{Host, Options};
//!
//! let host = Host::new(&Options::default())?;
//! host.eval(
//!     "const { port1, port2 } = new MessageChannel();
//!      port1.onmessage = ({ data }) => { globalThis.got = data; };
//!      port2.postMessage('hello');",
//! )?;
//! host.run()?;
//! host.eval("if (got !== 'hello') throw new Error(got)")?;
//! # Ok::<(), message_port_js::Error>(())
//! ```
//!
//! # Map
//!
//! | you want to | look at |
//! |---|---|
//! | run scripts with these names | [`Host::new`], or [`install`] for a context of your own |
//! | choose which names there are, and how ports start and end | [`Options`], [`Compatibility`] |
//! | connect scripts with other threads | [`Endpoint`], [`Host::connect`], [`Host::take_endpoint`] |
//! | run the tasks of scripts | [`Host::run`], [`Host::run_until_idle`], [`Host::turn`] |
//! | hear of what nobody caught | [`Options::on_uncaught`] |
//! | read and make the values | the crate `message_port_structured` |
//!
//! # Inside
//!
//! The classes are a script of their own, the prelude, which runs when a context is made. It holds
//! on to what it needs of the language before any other script can change it, and keeps the listeners.
//! Rust says when which port delivers, and does what a script cannot: it owns the ends of channels,
//! clones values into messages and back, and waits. A listener that is alone is called by Rust, any
//! others by the prelude. Neither direction of the clone recurses, and the one back into the engine
//! runs no script.

#![deny(unsafe_code)]

mod bells;
mod classes;
mod compatibility;
mod decode;
mod encode;
mod endpoint;
mod engine;
mod error;
mod forms;
mod host;
mod names;
mod options;
mod ports;
mod timers;

pub use compatibility::{Compatibility, CompatibilityError};
pub use endpoint::Endpoint;
pub use error::Error;
pub use host::{Host, Next, ScriptPort, install};
pub use options::{Options, Uncaught, UncaughtKind};
pub use rquickjs;

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

#[cfg(doctest)]
#[doc = include_str!("../docs/embedding.md")]
struct Embedding;
