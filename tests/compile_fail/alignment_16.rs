//! The largest alignment that can be had; and a pass among the cases makes trybuild generate code,
//! without which the check of the alignment never runs.

use message_port::MessageChannel;
use message_port::rkyv::{Archive, Serialize};

#[derive(Archive, Serialize)]
#[rkyv(attr(repr(C, align(16))))]
struct Vector([u8; 16]);

fn main() {
    let MessageChannel { mut port1, mut port2 } = MessageChannel::<Vector>::new();
    port1.post_message(&Vector([7; 16])).unwrap();
    let message = port2.recv().unwrap();
    assert_eq!(message.0, [7; 16]);
    assert!(std::ptr::from_ref(&*message).addr().is_multiple_of(16));
}
