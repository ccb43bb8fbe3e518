//! A port posts messages of its own type.

use message_port::MessageChannel;

fn main() {
    let MessageChannel { mut port1, .. } = MessageChannel::<u64, String>::new();
    port1.post_message(&"port 2 posts these".to_owned()).unwrap();
}
