//! Generic code that makes owned values says so with a bound.

use message_port::{Message, MessagePort};

fn next<T: Message>(port: &mut MessagePort<T>) -> T {
    port.recv_owned().unwrap()
}

fn main() {}
