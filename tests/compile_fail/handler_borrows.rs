//! A handler lives in its port, which may go anywhere: it owns what it uses.

use message_port::MessageChannel;

fn main() {
    let MessageChannel { mut port1, .. } = MessageChannel::<u64>::new();
    let mut sum = 0;
    port1.set_onmessage(|event| sum += event.data().to_native());
    println!("{sum}");
}
