//! Directions that grow, and the end of the channel in any segment.

#[path = "common/parcel.rs"]
mod parcel;
#[path = "common/random.rs"]
mod random;
#[path = "common/watchdog.rs"]
mod watchdog;

use std::thread;

use message_port::{Message, MessageChannel, PostError, Receiver, RecvError, Sender, TryPostError};

use parcel::Parcel;
use random::Random;
use watchdog::Watchdog;

const CAPACITY: usize = 256;
/// Races of each kind, and of how many messages at most.
const ROUNDS: u64 = if cfg!(miri) { 4 } else { 200 };
const MOST: u64 = if cfg!(miri) { 30 } else { 300 };
/// From one place of the end to the next that is tried: Miri has no time for all.
const STEP: usize = if cfg!(miri) { 10 } else { 1 };
const PER_SEGMENT: u64 = 256 / 16 - 1;

fn growable<T: Message>(max_bytes: usize) -> MessageChannel<T> {
    MessageChannel::builder().capacity(CAPACITY).growable(max_bytes).build().unwrap()
}

/// Messages and bytes of their archives.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
struct Tally {
    messages: u64,
    bytes: u64,
}

impl Tally {
    fn add(&mut self, bytes: usize) {
        self.messages += 1;
        self.bytes += bytes as u64;
    }
}

fn report<T: Message>(sender: &Sender<T>) -> Tally {
    let event = sender.close_event().unwrap();
    Tally { messages: event.undelivered_messages(), bytes: event.undelivered_bytes() }
}

#[test]
fn c4_the_report_is_exact_in_every_segment() {
    let posted = 3 * PER_SEGMENT + 5;
    for received in (0..=posted).step_by(STEP) {
        for looked in [false, true] {
            for forgotten in [false, true] {
                let MessageChannel { mut port1, mut port2 } = growable::<u64>(1 << 16);
                for number in 0..posted {
                    port1.try_post_message(&number).unwrap();
                }
                for number in 0..received {
                    let message = port2.try_recv().unwrap();
                    assert_eq!(*message, number);
                    if forgotten {
                        std::mem::forget(message);
                    }
                }
                if looked && received == posted {
                    assert!(port2.try_recv().unwrap_err().is_empty());
                }
                port2.close();
                let left = posted - received;
                let expected = Tally { messages: left, bytes: 8 * left };
                assert_eq!(report(port1.split_mut().0), expected);
                assert!(port1.post_message(&0).unwrap_err().is_closed());
                drop(port2);
                assert_eq!(report(port1.split_mut().0), expected, "it is final");
            }
        }
    }
}

#[test]
fn c4_the_report_counts_long_messages_in_every_segment() {
    let length = |number: usize| if number.is_multiple_of(4) { 300 } else { 60 };
    let archive = |number: usize| length(number) + 8;
    for received in (0..=40).step_by(STEP) {
        let MessageChannel { mut port1, mut port2 } = growable::<Vec<u8>>(1 << 16);
        let mut left = Tally::default();
        for number in 0..40 {
            port1.try_post_message(&vec![1; length(number)]).unwrap();
            if number >= received {
                left.add(archive(number));
            }
        }
        for number in 0..received {
            assert_eq!(port2.try_recv().unwrap().len(), length(number));
        }
        port2.close();
        assert_eq!(report(port1.split_mut().0), left);
    }
}

#[test]
fn c2_what_was_posted_comes_before_the_end() {
    for closes in [true, false] {
        let MessageChannel { mut port1, mut port2 } = growable::<u64>(1 << 16);
        for number in 0..10 * PER_SEGMENT {
            port1.try_post_message(&number).unwrap();
        }
        if closes {
            port1.close();
        } else {
            drop(port1);
        }
        for number in 0..10 * PER_SEGMENT {
            assert_eq!(*port2.recv().unwrap(), number);
        }
        let end = port2.recv().unwrap_err();
        assert!(if closes { end.is_closed() } else { end.is_disconnected() });
    }
}

/// A message in hand stays as it is while the sender fills segment after segment, and after the
/// channel is gone.
#[test]
fn c9_a_guard_outlives_the_growth_and_the_end() {
    for segments in [1, 2, 5] {
        let MessageChannel { mut port1, mut port2 } = growable::<u64>(8 * CAPACITY);
        for number in 0..segments * PER_SEGMENT {
            port1.try_post_message(&number).unwrap();
        }
        for number in 0..segments * PER_SEGMENT - 1 {
            assert_eq!(*port2.try_recv().unwrap(), number);
        }
        let held = port2.try_recv().unwrap();
        while port1.try_post_message(&u64::MAX).is_ok() {}
        port1.close();
        drop(port1);
        assert_eq!(*held, segments * PER_SEGMENT - 1);
        drop(held);
        assert_eq!(*port2.recv().unwrap(), u64::MAX);
    }
}

/// Mostly so short that many fit a segment, some spilled.
fn length(random: &mut Random) -> usize {
    match random.below(20) {
        0 => random.below(1500),
        _ => random.below(100),
    }
}

/// Posts until the channel has ended.
fn post_all(sender: &mut Sender<Parcel>, seed: u64) -> Tally {
    let mut random = Random::new(seed);
    let mut accepted = Tally::default();
    loop {
        let parcel = Parcel::new(accepted.messages, length(&mut random));
        let outcome = if random.below(2) == 0 {
            sender.post_message(&parcel)
        } else {
            match sender.try_post_message(&parcel) {
                Err(TryPostError::Full) => continue,
                Err(TryPostError::Closed) => Err(PostError::Closed),
                Err(TryPostError::Disconnected) => Err(PostError::Disconnected),
                Err(other) => panic!("{other}"),
                Ok(()) => Ok(()),
            }
        };
        match outcome {
            Ok(()) => accepted.add(parcel.archive_length()),
            Err(PostError::Closed | PostError::Disconnected) => return accepted,
            Err(other) => panic!("{other}"),
        }
    }
}

/// Receives until the channel has ended, or `limit` messages.
fn receive(receiver: &mut Receiver<Parcel>, limit: u64) -> Tally {
    let mut read = Tally::default();
    while read.messages < limit {
        match receiver.recv() {
            Ok(parcel) => {
                parcel.check(read.messages);
                read.add(parcel.as_bytes().len());
            }
            Err(RecvError::Closed | RecvError::Disconnected) => break,
            Err(other) => panic!("{other}"),
        }
    }
    read
}

#[test]
fn c4_accepted_is_read_plus_reported() {
    let _watchdog = Watchdog::start();
    for round in 0..ROUNDS {
        let MessageChannel { port1, port2 } = growable::<Parcel>(16 * CAPACITY);
        let (mut sender, _receiver1) = port1.into_split();
        let poster = thread::spawn(move || {
            let accepted = post_all(&mut sender, round);
            (accepted, report(&sender))
        });
        let (mut closer, mut receiver) = port2.into_split();
        let mut random = Random::new(round);
        let limit = random.next() % MOST;
        let read = if round % 2 == 0 {
            let read = receive(&mut receiver, limit);
            closer.close();
            read
        } else {
            // The other half closes while this one receives.
            let receiving = thread::spawn(move || receive(&mut receiver, u64::MAX));
            for _ in 0..random.below(if cfg!(miri) { 1000 } else { 20_000 }) {
                std::hint::spin_loop();
            }
            closer.close();
            receiving.join().unwrap()
        };
        let (accepted, reported) = poster.join().unwrap();
        let sum = Tally {
            messages: read.messages + reported.messages,
            bytes: read.bytes + reported.bytes,
        };
        assert_eq!(sum, accepted, "round {round}");
    }
}

/// Whoever goes away, in the middle of whatever: the other one is told, and memory is freed once.
#[test]
fn c7_drops_at_any_moment() {
    let _watchdog = Watchdog::start();
    for round in 0..ROUNDS {
        let MessageChannel { mut port1, mut port2 } = growable::<Parcel>(16 * CAPACITY);
        let mut random = Random::new(round);
        let limit = random.next() % MOST;
        let other = thread::spawn(move || receive(port2.split_mut().1, limit).messages);
        if round % 2 == 0 {
            let accepted = post_all(port1.split_mut().0, round);
            assert_eq!(other.join().unwrap(), limit);
            assert!(accepted.messages >= limit);
        } else {
            let posts = random.next() % MOST;
            for number in 0..posts {
                let parcel = Parcel::new(number, length(&mut random));
                if port1.post_message(&parcel).is_err() {
                    break;
                }
            }
            drop(port1);
            assert_eq!(other.join().unwrap(), posts.min(limit));
        }
    }
}
