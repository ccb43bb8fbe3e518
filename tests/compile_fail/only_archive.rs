//! A type that derives `Archive` alone cannot be written.

use message_port::MessageChannel;
use rkyv::Archive;

#[derive(Archive)]
struct Record {
    name: String,
}

fn main() {
    let MessageChannel { mut port1, .. } = MessageChannel::<Record>::new();
    port1.post_message(&Record { name: "a".to_owned() }).unwrap();
}
