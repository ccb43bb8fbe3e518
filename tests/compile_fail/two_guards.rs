//! A port receives the next message when the guard of the last one is gone.

use message_port::MessageChannel;

fn main() {
    let MessageChannel { mut port1, mut port2 } = MessageChannel::<u64>::new();
    port1.post_message(&1).unwrap();
    port1.post_message(&2).unwrap();
    let first = port2.recv().unwrap();
    let second = port2.recv().unwrap();
    assert!(*first < *second);
}
