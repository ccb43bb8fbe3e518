//! A port, or a half of one, is not one of a subtype of its messages.

use message_port::{MessageChannel, MessagePort, Receiver, Sender};

/// A subtype of [`Narrow`].
type Wide = for<'a> fn(&'a ());
type Narrow = fn(&'static ());

fn port(port: MessagePort<Wide, Wide>) -> MessagePort<Narrow, Narrow> {
    port
}

fn sender(sender: Sender<Narrow>) -> Sender<Wide> {
    sender
}

fn receiver(receiver: Receiver<Wide>) -> Receiver<Narrow> {
    receiver
}

fn channel(channel: MessageChannel<Wide, Wide>) -> MessageChannel<Narrow, Narrow> {
    channel
}

fn main() {}
