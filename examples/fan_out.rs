//! Market data for several consumers: one channel for each, so that a slow one holds up no other.
//!
//! The feed never waits. A consumer that is behind gets, as soon as there is room again, the newest
//! price of each instrument that it has missed (conflation), and can tell how many changes that
//! were.
//!
//! ```text
//! cargo run --release --example fan_out -- 100000
//! ```

use std::thread;

use message_port::{BoxError, MessageChannel, Receiver, RecvError, Sender};
use rkyv::{Archive, Serialize};

const INSTRUMENTS: usize = 8;

#[derive(Archive, Serialize, Clone, Copy)]
struct Price {
    instrument: u64,
    ticks: u64,
    /// Changes of this instrument that this price stands for, itself among them.
    changes: u64,
}

/// The feed's end of one channel.
struct Subscriber {
    sender: Sender<Price>,
    /// What is to be sent when there is room: the newest price of each instrument.
    missed: [Option<Price>; INSTRUMENTS],
}

impl Subscriber {
    fn new(sender: Sender<Price>) -> Self {
        Self { sender, missed: [None; INSTRUMENTS] }
    }

    /// Sends a price, or keeps it in place of the last one that was missed. Never waits.
    fn publish(&mut self, index: usize, mut price: Price) {
        if let Some(missed) = self.missed[index].take() {
            price.changes += missed.changes;
        }
        if self.sender.try_post_message(&price).is_err() {
            self.missed[index] = Some(price);
        }
    }

    /// At the end of the day there is time.
    fn finish(mut self) -> Result<(), BoxError> {
        for price in self.missed.iter().flatten() {
            self.sender.post_message(price)?;
        }
        Ok(())
    }
}

/// What a consumer has at the end.
#[derive(Debug, Default, PartialEq)]
struct Book {
    last: [u64; INSTRUMENTS],
    changes: u64,
}

/// Reads prices until the feed has gone. `work` stands for what it does with each.
fn consume(mut receiver: Receiver<Price>, work: u32) -> Result<(Book, u64), BoxError> {
    let mut book = Book::default();
    let mut messages = 0;
    loop {
        match receiver.recv() {
            Ok(price) => {
                let instrument = usize::try_from(price.instrument.to_native())?;
                book.last[instrument] = price.ticks.to_native();
                book.changes += price.changes.to_native();
                messages += 1;
            }
            Err(RecvError::Disconnected) => return Ok((book, messages)),
            Err(error) => return Err(error.into()),
        }
        (0..work).for_each(|_| std::hint::spin_loop());
    }
}

fn main() -> Result<(), BoxError> {
    let changes: u64 = std::env::args().nth(1).map_or(Ok(100_000), |text| text.parse())?;
    let mut subscribers = Vec::new();
    let mut consumers = Vec::new();
    for work in [0, 10, 1000] {
        let MessageChannel { port1, port2 } = MessageChannel::<Price>::with_capacity(4096);
        subscribers.push(Subscriber::new(port1.into_split().0));
        consumers.push(thread::spawn(move || {
            consume(port2.into_split().1, work).map_err(|error| error.to_string())
        }));
    }

    let mut expected = Book { changes, ..Book::default() };
    for change in 0..changes {
        let instrument = change % 8;
        let index = usize::try_from(instrument)?;
        let price = Price { instrument, ticks: 1000 + change * 7 % 101, changes: 1 };
        expected.last[index] = price.ticks;
        for subscriber in &mut subscribers {
            subscriber.publish(index, price);
        }
    }
    for subscriber in subscribers {
        subscriber.finish()?;
    }

    for (number, consumer) in consumers.into_iter().enumerate() {
        let (book, messages) = consumer.join().map_err(|_| "a consumer has panicked")??;
        assert_eq!(
            book, expected,
            "each consumer ends with the same prices and knows of each change"
        );
        eprintln!("consumer {number}: {messages} messages for {changes} changes");
    }
    println!("{changes} changes, last prices {:?}", expected.last);
    Ok(())
}
