//! Ports of message-port whose peer is in another process or on another machine, over Zenoh.

#![forbid(unsafe_code)]

pub mod wire;

#[doc = include_str!("../docs/protocol.md")]
pub mod protocol {}
