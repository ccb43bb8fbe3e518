//! A port of a type without the derives takes no handlers.

use message_port::MessagePort;

struct Record {
    name: String,
}

fn count(port: &mut MessagePort<Record>) {
    let mut count = 0;
    port.set_onmessage(move |_| count += 1);
}

fn main() {}
