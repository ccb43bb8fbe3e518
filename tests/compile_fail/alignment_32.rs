//! Archives lie at multiples of sixteen bytes, so no more can be asked for. The compiler notices
//! where the type is first posted.

use message_port::MessageChannel;
use message_port::rkyv::{Archive, Serialize};

#[derive(Archive, Serialize)]
#[rkyv(attr(repr(C, align(32))))]
struct Vector([u8; 32]);

fn main() {
    let MessageChannel { mut port1, .. } = MessageChannel::<Vector>::new();
    port1.post_message(&Vector([7; 32])).unwrap();
}
