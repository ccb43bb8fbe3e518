//! A guard reads in place, so it cannot outlive the port whose bytes it reads.

use message_port::MessageChannel;

fn main() {
    let MessageChannel { mut port1, mut port2 } = MessageChannel::<u64>::new();
    port1.post_message(&7).unwrap();
    let message = port2.recv().unwrap();
    drop(port2);
    assert_eq!(*message, 7);
}
