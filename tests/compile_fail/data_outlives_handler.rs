//! What a handler is shown is gone when it returns.

use std::sync::mpsc;

use message_port::MessageChannel;
use message_port::rkyv::string::ArchivedString;

fn main() {
    let MessageChannel { mut port1, .. } = MessageChannel::<String>::new();
    let (kept, _later) = mpsc::channel::<&'static ArchivedString>();
    port1.set_onmessage(move |event| kept.send(event.data()).unwrap());
}
