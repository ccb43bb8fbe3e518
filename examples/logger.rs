//! A logger behind a hot thread, which never waits for it: what does not fit is dropped and counted.
//!
//! ```text
//! cargo run --release --example logger -- 1000000 > log
//! ```

use std::io::{self, BufWriter, Write};
use std::thread;

use message_port::{BoxError, MessageChannel, Receiver, RecvError, Sender};
use rkyv::{Archive, Serialize};

/// What happened. The archived form is formatted on the logger's thread, so it has `Debug`.
#[derive(Archive, Serialize)]
#[rkyv(derive(Debug))]
enum Event {
    Started,
    Filled { order: u64, price: u32 },
    Refused { order: u64, reason: Reason },
}

#[derive(Archive, Serialize)]
#[rkyv(derive(Debug))]
enum Reason {
    NoCredit,
}

/// The hot thread's end.
struct Log {
    sender: Sender<Event>,
    dropped: u64,
}

impl Log {
    /// Never waits and never allocates.
    fn log(&mut self, event: &Event) {
        if self.sender.try_post_message(event).is_err() {
            self.dropped += 1; // no room, or no logger any more
        }
    }
}

/// The logger's end: writes what arrives until the hot thread has dropped its end.
fn write(mut receiver: Receiver<Event>) -> Result<u64, BoxError> {
    let mut out = BufWriter::new(io::stdout().lock());
    let mut lines = 0;
    loop {
        match receiver.recv() {
            Ok(event) => writeln!(out, "{:?}", *event)?,
            Err(RecvError::Disconnected) => break,
            Err(error) => return Err(error.into()),
        }
        lines += 1;
        // Nothing more at once: what is written becomes visible before this thread sleeps.
        if receiver.is_empty() {
            out.flush()?;
        }
    }
    out.flush()?;
    Ok(lines)
}

/// The work that must not wait.
fn trade(log: &mut Log, orders: u64) {
    log.log(&Event::Started);
    let mut price = 1000;
    for order in 1..=orders {
        price = (price * 31 + 7) % 2003;
        if price > 1700 {
            log.log(&Event::Refused { order, reason: Reason::NoCredit });
        } else {
            log.log(&Event::Filled { order, price });
        }
    }
}

fn main() -> Result<(), BoxError> {
    let orders = std::env::args().nth(1).map_or(Ok(100), |text| text.parse())?;

    // Each event takes 32 bytes or so: room for a burst of about two thousand.
    let MessageChannel { port1, port2 } = MessageChannel::<Event>::with_capacity(64 * 1024);
    let (sender, _) = port1.into_split();
    let (_, receiver) = port2.into_split();
    let logger = thread::spawn(move || write(receiver));

    let mut log = Log { sender, dropped: 0 };
    trade(&mut log, orders);

    let dropped = log.dropped;
    eprintln!("{} events, {dropped} of them dropped", orders + 1);
    drop(log); // what was posted is still delivered
    let lines = logger.join().map_err(|_| "the logger panicked")??;
    assert_eq!(lines + dropped, orders + 1, "each event is written or counted");
    Ok(())
}
