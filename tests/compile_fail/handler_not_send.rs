//! A handler goes with its port to other threads.

use std::rc::Rc;

use message_port::MessageChannel;

fn main() {
    let MessageChannel { mut port1, .. } = MessageChannel::<u64>::new();
    let local = Rc::new(7);
    port1.set_onmessage(move |event| println!("{}, {local}", event.data()));
}
