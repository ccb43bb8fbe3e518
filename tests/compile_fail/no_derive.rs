//! A type without the derives is no message.

use message_port::MessageChannel;

struct Record {
    name: String,
}

fn main() {
    let MessageChannel { mut port1, .. } = MessageChannel::<Record>::new();
    port1.post_message(&Record { name: "a".to_owned() }).unwrap();
}
