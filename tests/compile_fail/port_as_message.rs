//! There is no transfer list: a port is no message.

use message_port::{MessageChannel, MessagePort};

fn main() {
    MessageChannel::<MessagePort<u64>>::new();
}
