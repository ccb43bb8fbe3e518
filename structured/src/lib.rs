//! Values of JavaScript as messages: everything that the web's structured clone algorithm carries,
//! flat, validated on receipt, and read in place without an engine.
//!
//! ```
//! use message_port::MessageChannel;
//! use message_port_structured::{Builder, Kind, Value};
//!
//! let mut builder = Builder::new();
//! let (tea, price) = (builder.string("tea"), builder.number(4.5));
//! let order = builder.object_of([("item", tea), ("price", price)]);
//! let order = builder.finish(order)?;
//!
//! let MessageChannel { mut port1, mut port2 } = MessageChannel::<Value>::new();
//! port1.post_message(&order)?;
//!
//! let received = port2.recv()?;
//! let Kind::Object(object) = received.root().kind() else { panic!("an order is an object") };
//! let names: Vec<_> = object.properties().map(|(name, _)| name.to_string()).collect();
//! assert_eq!(names, ["item", "price"]);
//! assert_eq!(*received, order); // by structure
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Map
//!
//! | you want to | look at |
//! |---|---|
//! | post and receive values | [`Value`], a message of any channel |
//! | make one | [`Builder`] |
//! | read one, received or not | [`Ref`], [`Kind`] |
//! | convert from and to your types | `to_value` and `from_value`, with the feature `serde` |
//!
//! # What is in a message
//!
//! Three tables: nodes of 16 bytes, links of 4 bytes by which nodes name each other, and bytes of
//! text and buffers. A message that is received is checked once, in time proportional to its
//! length: each kind is one that there is, each link leads to a node, each range is inside of its
//! table, and no two nodes share a part of a table, so that no small message stands for a large
//! value. A buffer is in front of its views, a primitive in front of its wrapper; everything else
//! may be in any order.

#![deny(unsafe_code)]

mod bigint;
mod builder;
#[cfg(feature = "serde")]
mod convert;
mod debug;
mod kinds;
mod lend;
mod node;
mod objects;
mod read;
mod same;
mod text;
mod value;
mod verify;

pub use bigint::BigInt;
pub use builder::{Builder, NodeId, TooLargeError};
#[cfg(feature = "serde")]
pub use convert::{ConvertError, from_value, to_value};
pub use kinds::{ErrorKind, ViewKind};
pub use lend::{LentBuffer, LentResolver};
pub use objects::{Array, Buffer, DomException, Failure, Map, Object, Set, View};
pub use read::{Kind, Properties, Ref};
pub use text::Text;
pub use value::{ArchivedValue, Value, ValueResolver};
pub use verify::InvalidValueError;

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
