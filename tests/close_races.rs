//! Closes and drops that race with posts and receives, on real threads.

#[path = "common/random.rs"]
mod random;
#[path = "common/watchdog.rs"]
mod watchdog;

use std::sync::{Arc, Barrier};
use std::thread;

use message_port::{
    CloseEvent, ClosedBy, MessageChannel, PostError, Receiver, RecvError, Sender, TryPostError,
};

use random::Random;
use watchdog::Watchdog;

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

    fn undelivered(event: CloseEvent) -> Self {
        Self { messages: event.undelivered_messages(), bytes: event.undelivered_bytes() }
    }
}

impl std::ops::Add for Tally {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self { messages: self.messages + other.messages, bytes: self.bytes + other.bytes }
    }
}

/// So small that posts wait, the laps are short, and half of the messages are spilled.
const CAPACITY: usize = 512;
/// Races of each kind.
const ROUNDS: u64 = if cfg!(miri) { 4 } else { 400 };

fn channel() -> MessageChannel<Vec<u8>> {
    MessageChannel::with_capacity(CAPACITY)
}

fn archive_length(message: &[u8]) -> usize {
    message.len().next_multiple_of(4) + 8
}

fn message(random: &mut Random) -> Vec<u8> {
    let length = if random.below(2) == 0 { random.below(40) } else { random.below(700) };
    vec![7; length]
}

/// Posts until the channel has ended and says what was accepted.
fn post_all(sender: &mut Sender<Vec<u8>>, seed: u64) -> Tally {
    let mut random = Random::new(seed);
    let mut accepted = Tally::default();
    loop {
        let message = message(&mut random);
        let outcome = if random.below(2) == 0 {
            sender.post_message(&message)
        } else {
            match sender.try_post_message(&message) {
                Err(TryPostError::Full) => continue,
                Err(TryPostError::Closed) => Err(PostError::Closed),
                Err(TryPostError::Disconnected) => Err(PostError::Disconnected),
                Err(other) => panic!("{other}"),
                Ok(()) => Ok(()),
            }
        };
        match outcome {
            Ok(()) => accepted.add(archive_length(&message)),
            Err(PostError::Closed | PostError::Disconnected) => return accepted,
            Err(other) => panic!("{other}"),
        }
    }
}

/// Receives until the channel has ended, or `limit` messages, and says what that was.
fn receive(receiver: &mut Receiver<Vec<u8>>, limit: usize) -> Tally {
    let mut read = Tally::default();
    for _ in 0..limit {
        match receiver.recv() {
            Ok(message) => read.add(message.as_bytes().len()),
            Err(RecvError::Closed | RecvError::Disconnected) => break,
            Err(other) => panic!("{other}"),
        }
    }
    read
}

/// Lets a little time pass that is different each time.
fn dawdle(random: &mut Random) {
    for _ in 0..random.below(300) {
        std::hint::spin_loop();
    }
}

#[test]
fn c4_accepted_is_read_plus_reported_for_whole_ports() {
    let _watchdog = Watchdog::start();
    for round in 0..ROUNDS {
        let MessageChannel { mut port1, mut port2 } = channel();
        let poster = thread::spawn(move || {
            let accepted = post_all(port1.split_mut().0, round);
            let event = port1.split_mut().0.close_event().unwrap();
            (accepted, event)
        });
        let mut random = Random::new(round + 1000);
        let read = receive(port2.split_mut().1, random.below(60));
        dawdle(&mut random);
        port2.close();
        if random.below(2) == 0 {
            drop(port2);
        }
        let (accepted, event) = poster.join().unwrap();
        assert_eq!(event.closed_by(), ClosedBy::Peer);
        assert_eq!(accepted, read + Tally::undelivered(event), "round {round}");
    }
}

/// The receiving half is in the middle of a delivery when the other half of its port closes.
#[test]
fn c4_accepted_is_read_plus_reported_for_split_halves() {
    let _watchdog = Watchdog::start();
    for round in 0..ROUNDS {
        let MessageChannel { port1, port2 } = channel();
        let (mut sender1, _receiver1) = port1.into_split();
        let (mut sender2, mut receiver2) = port2.into_split();
        let start = Arc::new(Barrier::new(3));
        let (ready1, ready2) = (Arc::clone(&start), Arc::clone(&start));
        let poster = thread::spawn(move || {
            ready1.wait();
            let accepted = post_all(&mut sender1, round);
            (accepted, sender1.close_event().unwrap())
        });
        let reader = thread::spawn(move || {
            ready2.wait();
            receive(&mut receiver2, usize::MAX)
        });
        let mut random = Random::new(round + 2000);
        start.wait();
        for _ in 0..random.below(20) {
            dawdle(&mut random);
        }
        sender2.close();
        let (accepted, event) = poster.join().unwrap();
        let read = reader.join().unwrap();
        assert_eq!(event.closed_by(), ClosedBy::Peer);
        assert_eq!(accepted, read + Tally::undelivered(event), "round {round}");
    }
}

#[test]
fn c1_c4_of_two_ports_that_close_at_once_exactly_one_is_first() {
    let _watchdog = Watchdog::start();
    let mut firsts = [0, 0];
    for round in 0..ROUNDS {
        let MessageChannel { port1, port2 } = channel();
        let start = Arc::new(Barrier::new(2));
        let ends = [port1, port2].map(|mut port| {
            let start = Arc::clone(&start);
            thread::spawn(move || {
                let mut random = Random::new(round);
                let mut accepted = Tally::default();
                start.wait();
                for _ in 0..random.below(8) {
                    let message = message(&mut random);
                    if port.try_post_message(&message).is_ok() {
                        accepted.add(archive_length(&message));
                    }
                }
                let mut read = Tally::default();
                while let Ok(message) = port.try_recv() {
                    read.add(message.as_bytes().len());
                }
                port.close();
                let (tell, told) = std::sync::mpsc::channel();
                port.set_onclose(move |event| tell.send(*event).unwrap());
                assert_eq!(port.dispatch().unwrap(), 1);
                port.close();
                assert_eq!(port.dispatch().unwrap(), 0);
                let event = told.try_recv().unwrap();
                (accepted, read, event)
            })
        });
        let [(accepted1, read1, event1), (accepted2, read2, event2)] =
            ends.map(|end| end.join().unwrap());
        match (event1.closed_by(), event2.closed_by()) {
            (ClosedBy::ThisPort, ClosedBy::Peer) => {
                firsts[0] += 1;
                assert_eq!(Tally::undelivered(event1), Tally::default());
                assert_eq!(accepted2, read1 + Tally::undelivered(event2), "round {round}");
            }
            (ClosedBy::Peer, ClosedBy::ThisPort) => {
                firsts[1] += 1;
                assert_eq!(Tally::undelivered(event2), Tally::default());
                assert_eq!(accepted1, read2 + Tally::undelivered(event1), "round {round}");
            }
            both => panic!("{both:?}"),
        }
    }
    assert_eq!(firsts[0] + firsts[1], ROUNDS);
}

#[test]
fn c1_all_four_halves_close_at_once() {
    let _watchdog = Watchdog::start();
    for _ in 0..ROUNDS / 2 {
        let MessageChannel { port1, port2 } = channel();
        let (sender1, receiver1) = port1.into_split();
        let (sender2, receiver2) = port2.into_split();
        let start = Arc::new(Barrier::new(4));
        let receiving = [receiver1, receiver2].map(|mut receiver| {
            let start = Arc::clone(&start);
            thread::spawn(move || {
                start.wait();
                receiver.close();
                assert!(receiver.recv().unwrap_err().is_closed());
            })
        });
        let posting = [sender1, sender2].map(|mut sender| {
            let start = Arc::clone(&start);
            thread::spawn(move || {
                start.wait();
                sender.close();
                sender.close_event().unwrap().closed_by()
            })
        });
        let mut closed_by = posting.map(|thread| thread.join().unwrap());
        closed_by.sort_by_key(|closed_by| *closed_by == ClosedBy::Peer);
        assert_eq!(closed_by, [ClosedBy::ThisPort, ClosedBy::Peer]);
        for thread in receiving {
            thread.join().unwrap();
        }
    }
}

/// Everything that was accepted before the close or the drop is read after it.
#[test]
fn c2_c8_nothing_is_lost_when_the_poster_ends_the_channel() {
    let _watchdog = Watchdog::start();
    for round in 0..ROUNDS {
        let MessageChannel { mut port1, mut port2 } = channel();
        let closes = round % 2 == 0;
        let poster = thread::spawn(move || {
            let mut random = Random::new(round);
            let mut accepted = Tally::default();
            for _ in 0..random.below(12) {
                let message = message(&mut random);
                port1.post_message(&message).unwrap();
                accepted.add(archive_length(&message));
            }
            if closes {
                port1.close();
            }
            accepted
        });
        let read = receive(port2.split_mut().1, usize::MAX);
        let error = port2.try_recv().unwrap_err();
        assert_eq!((error.is_closed(), error.is_disconnected()), (closes, !closes));
        assert_eq!(poster.join().unwrap(), read, "round {round}");
    }
}

/// The guard lives on while the other side closes, goes away, and with it its half of the memory.
#[test]
fn c9_a_guard_survives_whatever_the_other_side_does() {
    let _watchdog = Watchdog::start();
    for round in 0..ROUNDS / 2 {
        let length = if round % 2 == 0 { 100 } else { 3000 };
        let MessageChannel { mut port1, mut port2 } = channel();
        port1.post_message(&vec![1; length]).unwrap();
        let guard = port2.recv().unwrap();
        let other = thread::spawn(move || {
            while port1.try_post_message(&vec![2; length]).is_ok() {}
            if round % 4 < 2 {
                port1.close();
            }
        });
        while !other.is_finished() {
            assert!(guard.iter().all(|byte| *byte == 1), "round {round}");
        }
        other.join().unwrap();
        assert_eq!(**guard, *vec![1; length]);
        drop(guard);
        assert_eq!(**port2.recv().unwrap(), *vec![2; length]);
    }
}

/// A post that races with the close by the other half of its own port is refused, or delivered before
/// the peer is told that this is the end.
#[test]
fn c2_a_post_that_races_with_the_close_by_its_own_other_half_is_delivered_before_the_end() {
    for round in 0..ROUNDS * 5 {
        let MessageChannel { port1, mut port2 } = MessageChannel::<u64>::with_capacity(1024);
        let (mut sender, mut receiver) = port1.into_split();
        let start = Arc::new(Barrier::new(3));
        let (ready1, ready2) = (Arc::clone(&start), Arc::clone(&start));
        let posting = thread::spawn(move || {
            ready1.wait();
            let mut accepted = 0;
            while sender.post_message(&accepted).is_ok() {
                accepted += 1;
            }
            accepted
        });
        let reading = thread::spawn(move || {
            ready2.wait();
            let mut read = 0;
            while match port2.try_recv() {
                Ok(_) => {
                    read += 1;
                    true
                }
                Err(error) => error.is_empty(),
            } {}
            (read, port2)
        });
        start.wait();
        for _ in 0..round * 37 % 997 {
            std::hint::spin_loop();
        }
        receiver.close();
        let accepted = posting.join().unwrap();
        let (read, mut port2) = reading.join().unwrap();
        assert_eq!(accepted, read, "round {round}; after Closed: {:?}", port2.try_recv());
    }
}
