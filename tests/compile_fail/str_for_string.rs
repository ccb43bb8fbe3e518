//! A `&str` is posted with `post_message_as`, not as a `String`.

use message_port::MessageChannel;

fn main() {
    let MessageChannel { mut port1, .. } = MessageChannel::<String>::new();
    port1.post_message_as("a").unwrap();
    port1.post_message("a").unwrap();
}
