//! Owned messages need `Deserialize`; messages that are read in place do not.

use message_port::MessageChannel;
use rkyv::{Archive, Serialize};

#[derive(Archive, Serialize)]
struct Record {
    name: String,
}

fn main() {
    let MessageChannel { mut port1, mut port2 } = MessageChannel::<Record>::new();
    port1.post_message(&Record { name: "a".to_owned() }).unwrap();
    let record = port2.recv_owned().unwrap();
    for record in port2.try_iter() {}
}
