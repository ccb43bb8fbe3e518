//! The compiler notices also if nothing but archives from elsewhere is posted.

use message_port::MessageChannel;
use message_port::rkyv::{Archive, Serialize};

#[derive(Archive, Serialize)]
#[rkyv(attr(repr(C, align(32))))]
struct Vector([u8; 32]);

fn main() {
    let MessageChannel { mut port1, .. } = MessageChannel::<Vector>::new();
    port1.post_archived(&[7; 32]).unwrap();
}
