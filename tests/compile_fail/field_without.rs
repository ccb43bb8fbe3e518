//! Each field of a message is a message.

use message_port::MessageChannel;
use rkyv::{Archive, Serialize};

struct Inner(u32);

#[derive(Archive, Serialize)]
struct Record {
    inner: Inner,
}

fn main() {
    let MessageChannel { mut port1, .. } = MessageChannel::<Record>::new();
    port1.post_message(&Record { inner: Inner(7) }).unwrap();
}
