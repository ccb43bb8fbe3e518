//! What the programs for the tool that counts instructions have in common.

use std::hint::black_box;

use message_port::{Message, MessageChannel, MessagePort};
use rkyv::Archived;

/// How often a row repeats its work.
pub(crate) const ROUNDS: usize = 1000;

pub(crate) type Row = (&'static str, fn());

/// Work on the two ends of a channel, apart from making them: only this is counted.
#[inline(never)]
pub(crate) fn counted<E, R>(ends: &mut E, work: impl FnOnce(&mut E) -> R) -> R {
    work(ends)
}

pub(crate) fn one_by_one<T: Message>(message: &T, read: impl Fn(&Archived<T>) -> u64) {
    one_by_one_through(MessageChannel::new(), message, read);
}

pub(crate) fn one_by_one_through<T: Message>(
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

/// Runs the rows that the arguments name, or prints the names of all.
pub(crate) fn run(rows: &[Row]) {
    // cargo and criterion's siblings pass options: they are not names of rows.
    let wanted: Vec<String> = std::env::args().skip(1).filter(|a| !a.starts_with('-')).collect();
    for (name, run) in rows {
        if wanted.is_empty() {
            println!("{name}");
        } else if wanted.iter().any(|wanted| wanted == name) {
            run();
        }
    }
}
