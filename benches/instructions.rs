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
mod messages;

use std::hint::black_box;

use message_port::{Message, MessageChannel, MessagePort};
use messages::{Line, Order, Pair, Quote, Snapshot, Tick};
use rkyv::Archived;

const ROUNDS: usize = 1000;

type Row = (&'static str, fn());

const ROWS: &[Row] = &[
    ("number", || one_by_one(&7u64, |n| n.to_native())),
    ("line", || one_by_one(&Line::new(7), |line| line.numbers[3].to_native())),
    ("string", || one_by_one(&String::from("a string that is not short"), |s| s.len() as u64)),
    ("order", || one_by_one(&Order::new(7), |order| order.id.to_native())),
    ("kilobyte", || one_by_one(&vec![1u8; 1024], |bytes| bytes.len() as u64)),
    ("trusted_order", trusted_order),
    ("number_rtrb", || one_by_one_through_rtrb(7, |n| *n)),
    ("struct_16", || one_by_one(&Pair::new(7), |pair| pair.others[0].to_native())),
    ("struct_24", || one_by_one(&Tick::new(7), |tick| tick.others[1].to_native())),
    ("struct_64", || one_by_one(&Quote::new(7), |quote| quote.others[6].to_native())),
    ("struct_200", || one_by_one(&Snapshot::new(7), |all| all.others[23].to_native())),
    ("struct_64_rtrb", || one_by_one_through_rtrb(Quote::new(7), |quote| quote.others[6])),
    ("batch", || batches(&[7u64; BATCH], |n| n.to_native())),
    ("batch_struct_64", || batches(&[Quote::new(7); BATCH], |quote| quote.others[6].to_native())),
    ("batch_rtrb", batches_through_rtrb),
    ("events", events),
];

/// Work on the two ends of a channel, apart from making them: only this is counted.
#[inline(never)]
fn counted<E, R>(ends: &mut E, work: impl FnOnce(&mut E) -> R) -> R {
    work(ends)
}

fn one_by_one<T: Message>(message: &T, read: impl Fn(&Archived<T>) -> u64) {
    one_by_one_through(MessageChannel::new(), message, read);
}

fn one_by_one_through<T: Message>(
    channel: MessageChannel<T>,
    message: &T,
    read: impl Fn(&Archived<T>) -> u64,
) {
    let MessageChannel { port1, port2 } = channel;
    let mut ends = (port1, port2);
    let pass = |ends: &mut (MessagePort<T>, MessagePort<T>), rounds| {
        let mut sum = 0;
        for _ in 0..rounds {
            ends.0.post_message(black_box(message)).unwrap();
            sum += read(&ends.1.recv().unwrap());
        }
        black_box(sum)
    };
    pass(&mut ends, 1);
    counted(&mut ends, |ends| pass(ends, ROUNDS));
}

fn trusted_order() {
    // SAFETY: the order's archive is derived and valid, and nothing in it is aligned to more than
    // eight bytes.
    let builder = unsafe { MessageChannel::<Order>::builder().trust_archives() };
    one_by_one_through(builder.build().unwrap(), &Order::new(7), |order| order.id.to_native());
}

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
    // cargo and criterion's siblings pass options: they are not names of rows.
    let wanted: Vec<String> = std::env::args().skip(1).filter(|a| !a.starts_with('-')).collect();
    for (name, run) in ROWS {
        if wanted.is_empty() {
            println!("{name}");
        } else if wanted.iter().any(|wanted| wanted == name) {
            run();
        }
    }
}
