//! A whole port posts nothing while a message is in hand: `recv_event` lends the sending half.

use message_port::MessageChannel;

fn main() {
    let MessageChannel { mut port2, .. } = MessageChannel::<u64>::new();
    let request = port2.recv().unwrap();
    port2.post_message(&7).unwrap();
    assert_eq!(*request, 7);
}
