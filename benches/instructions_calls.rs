//! Calls, and bare round trips of the same payload, for the tool that counts instructions; see
//! `benches/instructions.rs`. Both ends are on one thread, so nothing waits.

#[path = "common/messages.rs"]
#[allow(dead_code, reason = "the other messages belong to the other rows")]
mod messages;
#[path = "common/rows.rs"]
#[allow(dead_code, reason = "these rows have loops of their own")]
mod rows;

use std::hint::black_box;

use message_port::{Message, MessageChannel, call};
use messages::Order;
use rkyv::Archived;
use rows::{ROUNDS, Row, counted};

const ROWS: &[Row] = &[
    ("round_trip_number", || round_trips(&7u64, |n| n.to_native(), |n| n)),
    ("call_number", || calls(&7u64, |n| n.to_native(), |n| n)),
    ("round_trip_order", || round_trips(&Order::new(7), |order| order.id.to_native(), Order::new)),
    ("call_order", || calls(&Order::new(7), |order| order.id.to_native(), Order::new)),
];

/// A message there and an answer back, made anew for each.
fn round_trips<T: Message>(
    message: &T,
    read: impl Fn(&Archived<T>) -> u64,
    answer: impl Fn(u64) -> T,
) {
    let MessageChannel { port1, port2 } = MessageChannel::<T>::new();
    let mut ends = (port1, port2);
    let pass = |ends: &mut (_, _), rounds| {
        let (port1, port2): &mut (message_port::MessagePort<T>, message_port::MessagePort<T>) =
            ends;
        let mut sum = 0;
        for _ in 0..rounds {
            port1.post_message(black_box(message)).unwrap();
            let number = read(&port2.recv().unwrap());
            port2.post_message(&answer(number)).unwrap();
            sum += number + read(&port1.recv().unwrap());
        }
        black_box(sum)
    };
    pass(&mut ends, 1);
    counted(&mut ends, |ends| pass(ends, ROUNDS));
}

/// The same by a call.
fn calls<T: Message>(message: &T, read: impl Fn(&Archived<T>) -> u64, answer: impl Fn(u64) -> T) {
    let mut ends = call::channel::<T, T>();
    let pass = |ends: &mut (call::Client<T, T>, call::Server<T, T>), rounds| {
        let (client, server) = ends;
        let mut sum = 0;
        for _ in 0..rounds {
            let call = client.start(black_box(message)).unwrap();
            let request = server.recv().unwrap();
            let number = read(&request);
            request.answer(answer(number)).unwrap();
            sum += number + read(&call.wait(client).unwrap());
        }
        black_box(sum)
    };
    pass(&mut ends, 1);
    counted(&mut ends, |ends| pass(ends, ROUNDS));
}

fn main() {
    rows::run(ROWS);
}
