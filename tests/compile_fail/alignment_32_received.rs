//! The compiler notices also if messages are only received.

use message_port::MessageChannel;
use message_port::rkyv::{Archive, Serialize};

#[derive(Archive, Serialize)]
#[rkyv(attr(repr(C, align(32))))]
struct Vector([u8; 32]);

fn main() {
    let MessageChannel { mut port2, .. } = MessageChannel::<Vector>::new();
    assert!(port2.try_recv().is_err());
}
