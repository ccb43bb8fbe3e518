//! The rows of structs of one size and of batches, for the tool that counts instructions: see
//! `instructions.rs`. They are a program of their own, because what the compiler inlines into one row
//! depends on how many others share its code.

#[path = "common/messages.rs"]
#[allow(dead_code, reason = "the other messages belong to the other rows")]
mod messages;
#[path = "common/rows.rs"]
#[allow(dead_code, reason = "the other program gives its channels a builder")]
mod rows;

use std::hint::black_box;

use message_port::{Message, MessageChannel};
use messages::{Pair, Quote, Snapshot, Tick};
use rkyv::Archived;
use rows::{ROUNDS, Row, counted, one_by_one};

const ROWS: &[Row] = &[
    ("struct_16", || one_by_one(&Pair::new(7), |pair| pair.others[0].to_native())),
    ("struct_24", || one_by_one(&Tick::new(7), |tick| tick.others[1].to_native())),
    ("struct_64", || one_by_one(&Quote::new(7), |quote| quote.others[6].to_native())),
    ("struct_200", || one_by_one(&Snapshot::new(7), |all| all.others[23].to_native())),
    ("struct_64_rtrb", || one_by_one_through_rtrb(Quote::new(7), |quote| quote.others[6])),
    ("batch_struct_64", || batches(&[Quote::new(7); BATCH], |quote| quote.others[6].to_native())),
    ("batch_rtrb", batches_through_rtrb),
];

fn one_by_one_through_rtrb<T: Copy>(message: T, read: impl Fn(&T) -> u64) {
    let mut ends = rtrb::RingBuffer::<T>::new(4096);
    counted(&mut ends, |(producer, consumer)| {
        let mut sum = 0;
        for _ in 0..ROUNDS {
            producer.push(*black_box(&message)).ok().unwrap();
            sum += read(&consumer.pop().unwrap());
        }
        black_box(sum)
    });
}

/// Messages that are posted together.
const BATCH: usize = 100;

/// A hundred messages at a time.
fn batches<T: Message>(messages: &[T], read: impl Fn(&Archived<T>) -> u64) {
    let MessageChannel { port1, port2 } = MessageChannel::<T>::new();
    let mut ends = (port1, port2);
    counted(&mut ends, |(port1, port2)| {
        let mut sum = 0;
        for _ in 0..ROUNDS / BATCH {
            port1.post_messages(black_box(messages)).unwrap();
            let received = port2.recv_batch(messages.len(), |message| sum += read(message));
            assert_eq!(received.unwrap(), messages.len());
        }
        black_box(sum)
    });
}

fn batches_through_rtrb() {
    let mut ends = rtrb::RingBuffer::<u64>::new(4096);
    let numbers = [7u64; BATCH];
    counted(&mut ends, |(producer, consumer)| {
        let mut sum = 0;
        for _ in 0..ROUNDS / BATCH {
            let numbers = black_box(&numbers);
            let room = producer.write_chunk_uninit(numbers.len()).unwrap();
            room.fill_from_iter(numbers.iter().copied());
            for n in consumer.read_chunk(numbers.len()).unwrap() {
                sum += n;
            }
        }
        black_box(sum)
    });
}

fn main() {
    rows::run(ROWS);
}
