//! The same work a thousand times per row, for a tool that counts instructions.
//!
//! Times vary from run to run and from machine to machine; under `valgrind --tool=callgrind` the
//! number of instructions does not. `ci/instructions.sh` counts those of each row and compares them
//! with `benches/instructions.tsv`.
//!
//! ```text
//! instructions            the names of the rows
//! instructions NAME       runs a row
//! ```

#[path = "common/messages.rs"]
#[allow(dead_code, reason = "the other messages belong to the other rows")]
mod messages;
#[path = "common/rows.rs"]
mod rows;

use std::hint::black_box;

use message_port::MessageChannel;
use messages::{Line, Order};
use rows::{ROUNDS, Row, counted, one_by_one, one_by_one_through};

const ROWS: &[Row] = &[
    ("number", || one_by_one(&7u64, |n| n.to_native())),
    ("line", || one_by_one(&Line::new(7), |line| line.numbers[3].to_native())),
    ("string", || one_by_one(&String::from("a string that is not short"), |s| s.len() as u64)),
    ("order", || one_by_one(&Order::new(7), |order| order.id.to_native())),
    ("kilobyte", || one_by_one(&vec![1u8; 1024], |bytes| bytes.len() as u64)),
    ("trusted_order", trusted_order),
    ("number_rtrb", numbers_through_rtrb),
    ("batch", batches),
    ("events", events),
];

fn trusted_order() {
    // SAFETY: the order's archive is derived and valid, and nothing in it is aligned to more than
    // eight bytes.
    let builder = unsafe { MessageChannel::<Order>::builder().trust_archives() };
    one_by_one_through(builder.build().unwrap(), &Order::new(7), |order| order.id.to_native());
}

fn numbers_through_rtrb() {
    let mut ends = rtrb::RingBuffer::<u64>::new(4096);
    counted(&mut ends, |(producer, consumer)| {
        let mut sum = 0;
        for _ in 0..ROUNDS {
            producer.push(black_box(7)).unwrap();
            sum += consumer.pop().unwrap();
        }
        black_box(sum)
    });
}

/// A hundred numbers at a time.
fn batches() {
    let MessageChannel { port1, port2 } = MessageChannel::<u64>::new();
    let numbers: Vec<u64> = (0..100).collect();
    let mut ends = (port1, port2);
    counted(&mut ends, |(port1, port2)| {
        let mut sum = 0;
        for _ in 0..ROUNDS / 100 {
            port1.post_messages(black_box(&numbers)).unwrap();
            port2.recv_batch(100, |n| sum += n.to_native()).unwrap();
        }
        black_box(sum)
    });
}

/// Ten numbers to a turn of the handlers.
fn events() {
    let MessageChannel { port1, mut port2 } = MessageChannel::<u64>::new();
    port2.set_onmessage(|event| {
        black_box(event.data().to_native());
    });
    let mut ends = (port1, port2);
    counted(&mut ends, |(port1, port2)| {
        for _ in 0..ROUNDS / 10 {
            for n in 0..10 {
                port1.post_message(black_box(&n)).unwrap();
            }
            port2.dispatch().unwrap();
        }
    });
}

fn main() {
    rows::run(ROWS);
}
