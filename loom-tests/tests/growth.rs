//! Directions that grow: the switch to another segment, its reuse, and waiting at the limit.

use std::cell::Cell;

use loom_tests::Barriers::{Full, Heavy};
use loom_tests::steps::{post, receive};
use loom_tests::{Model, SMALLEST, thread};
use message_port::rkyv::rancor::{Fallible, Source};
use message_port::rkyv::ser::{Allocator, Writer};
use message_port::rkyv::vec::{ArchivedVec, VecResolver};
use message_port::rkyv::{Archive, Place, Serialize};
use message_port::{Message, MessageChannel, MessagePort};

/// Numbers that fit one segment: two lines of seven.
const PER_SEGMENT: u64 = 14;

/// An archive that is spilled: it is as long as the ring.
type Large = [u64; 16];

/// A channel whose directions have at most so many segments.
fn channel<T: Message>(segments: usize) -> (MessagePort<T>, MessagePort<T>) {
    let builder = MessageChannel::<T>::builder().capacity(SMALLEST).growable(segments * SMALLEST);
    let MessageChannel { port1, port2 } = builder.build().unwrap();
    (port1, port2)
}

/// Posts the numbers from `from` to `to`, all of which fit.
fn fill(port: &mut MessagePort<u64>, from: u64, to: u64) {
    for number in from..to {
        port.try_post_message(&number).unwrap();
    }
}

/// Receives the numbers from `from` to `to`, all of which are there.
fn drain(port: &mut MessagePort<u64>, from: u64, to: u64) {
    for number in from..to {
        assert_eq!(*port.try_recv().unwrap(), number);
    }
}

/// The receiver comes to a switch at any time, and finds everything behind it.
#[test]
fn what_is_behind_a_switch_is_visible_as_a_whole() {
    let cases = &["before the switch", "behind the switch"];
    Model::with(Heavy).preemptions(2).reaches(cases).check(|run| {
        // One of these fills a segment.
        let (mut port1, mut port2) = channel::<[u64; 8]>(3);
        port1.try_post_message(&[0; 8]).unwrap();
        // With the frame in hand the segment stays full.
        let held = port2.try_recv().unwrap();
        let sender = thread::spawn(move || {
            port1.try_post_message(&[1; 8]).unwrap();
            port1.try_post_message(&[2; 8]).unwrap();
            port1
        });
        assert_eq!(held[6], 0);
        drop(held);
        run.reached(cases[usize::from(!port2.is_empty())]);
        for number in 1..3 {
            let read = receive(&mut port2, |message| message[6].to_native());
            assert_eq!(read.unwrap(), number, "a message is lost or out of order");
        }
        sender.join().unwrap();
    });
}

/// A batch that goes over a switch is visible all at once.
#[test]
fn a_batch_over_a_switch_is_visible_all_at_once() {
    let cases = &["not yet", "all of it"];
    Model::with(Heavy).preemptions(3).reaches(cases).check(|run| {
        // With the first one in hand, the second one fits the rest of the segment. The others fill
        // the next one.
        let texts = [48, 32, 48, 32].map(|length| "x".repeat(length));
        let (mut port1, mut port2) = channel::<String>(2);
        port1.try_post_message(&texts[0]).unwrap();
        let held = port2.try_recv().unwrap();
        let batch = texts.clone();
        let sender = thread::spawn(move || {
            assert_eq!(port1.post_messages(&batch[1..]).unwrap(), 3);
            port1
        });
        assert_eq!(held.len(), 48);
        drop(held);
        run.reached(cases[usize::from(!port2.is_empty())]);
        let first = receive(&mut port2, |text| text.len());
        assert_eq!(first.unwrap(), 32, "a message is lost or out of order");
        for length in [48, 32] {
            let next = port2.try_recv();
            assert!(next.is_ok_and(|text| text.len() == length), "a part of a batch is visible");
        }
        sender.join().unwrap();
    });
}

/// A segment is written again only when every message in it was released.
#[test]
fn a_segment_is_read_before_it_is_written_again() {
    Model::with(Heavy).preemptions(3).check(|_| {
        // One of these fills a segment.
        let (mut port1, mut port2) = channel::<[u64; 8]>(2);
        port1.try_post_message(&[0; 8]).unwrap();
        port1.try_post_message(&[1; 8]).unwrap();
        let sender = thread::spawn(move || {
            post(&mut port1, &[2; 8]).unwrap();
            port1
        });
        for number in 0..3 {
            let read = receive(&mut port2, |message| {
                thread::yield_now();
                message[6].to_native()
            });
            assert_eq!(read.unwrap(), number, "a message is lost or out of order");
        }
        sender.join().unwrap();
    });
}

/// At the limit, a sender that sleeps is woken by the first switch that is passed.
#[test]
fn a_passed_switch_wakes_the_sender() {
    Model::with(Full).preemptions(3).check(|_| {
        let (mut port1, mut port2) = channel(2);
        fill(&mut port1, 0, 2 * PER_SEGMENT);
        assert!(port1.try_post_message(&0).is_err(), "there is more room than the limit allows");
        drain(&mut port2, 0, PER_SEGMENT);
        let sender = thread::spawn(move || {
            port1.post_message(&(2 * PER_SEGMENT)).unwrap();
            port1
        });
        drain(&mut port2, PER_SEGMENT, PER_SEGMENT + 1);
        sender.join().unwrap();
    });
}

/// At the limit, a sender of a long message is woken by whatever the receiver gives back, also if
/// that is just when the sender looks.
#[test]
fn what_is_freed_wakes_the_sender_of_a_long_message() {
    Model::with(Full).preemptions(3).check(|_| {
        let (mut port1, mut port2) = channel::<Large>(2);
        port1.try_post_message(&[1; 16]).unwrap();
        let sender = thread::spawn(move || {
            port1.post_message(&[2; 16]).unwrap();
            port1
        });
        drop(port2.try_recv().unwrap());
        sender.join().unwrap();
    });
}

/// The way back has one place. The receiver fills it again only when the sender has emptied it.
#[test]
fn a_place_on_the_way_back_is_filled_again() {
    let cases = &["the place was empty", "perhaps not yet"];
    Model::with(Heavy).preemptions(3).reaches(cases).check(|run| {
        let (mut port1, mut port2) = channel::<Large>(8);
        port1.try_post_message(&[1; 16]).unwrap();
        port1.try_post_message(&[2; 16]).unwrap();
        drop(port2.try_recv().unwrap());
        let sender = thread::spawn(move || {
            port1.try_post_message(&[3; 16]).unwrap();
            port1
        });
        let second = port2.try_recv().unwrap();
        assert_eq!(second[15], 2);
        drop(second);
        run.reached(cases[usize::from(port2.is_empty())]);
        let mut port1 = sender.join().unwrap();
        port1.try_post_message(&[4; 16]).unwrap();
        for number in 3..=4 {
            assert_eq!(port2.try_recv().unwrap()[15], number, "a buffer was used twice");
        }
    });
}

/// A receiver that looks how much there is, over several segments, while they are given back since
/// its other half has closed.
#[test]
fn a_segment_is_looked_at_before_it_is_given_back() {
    let cases = &["all of it", "not all of it"];
    Model::with(Full).preemptions(3).reaches(cases).check(|run| {
        // One of these fills a segment.
        let (mut port1, port2) = channel::<[u64; 8]>(4);
        for number in 0..4 {
            port1.try_post_message(&[number; 8]).unwrap();
        }
        let (mut sender, receiver) = port2.into_split();
        let looking = thread::spawn(move || (receiver.bytes_available(), receiver));
        sender.close();
        for _ in 0..2 {
            assert!(port1.try_post_message(&[4; 8]).unwrap_err().is_closed());
        }
        let event = port1.split_mut().0.close_event().unwrap();
        assert_eq!(event.undelivered_messages(), 4, "a message is lost, or counted twice");
        let (available, receiver) = looking.join().unwrap();
        run.reached(cases[usize::from(available < 4 * size_of::<[u64; 8]>())]);
        assert_eq!(receiver.bytes_available(), 0);
    });
}

/// What the receiver has freed is room for the sender as soon as it sees the receiver behind it: the
/// count of it is never staler than the position.
#[test]
fn what_is_freed_is_counted_behind_the_position() {
    let cases = &["nothing yet", "one given back", "both given back"];
    Model::with(Heavy).preemptions(4).reaches(cases).check(|run| {
        // The ring and two buffers. The first one is handed back, the second one freed.
        let builder = MessageChannel::<Large>::builder().capacity(2 * SMALLEST);
        let MessageChannel { mut port1, mut port2 } =
            builder.growable(4 * SMALLEST).build().unwrap();
        let mut taken = [0; 3];
        for taken in &mut taken[1..] {
            port1.try_post_message(&[0; 16]).unwrap();
            *taken = port1.bytes_in_flight();
        }
        let receiving = thread::spawn(move || {
            drop(port2.try_recv().unwrap());
            drop(port2.try_recv().unwrap());
            port2
        });
        let given_back = match taken[2] - port1.bytes_in_flight() {
            0 => 0,
            bytes if bytes == taken[1] => 1,
            _ => 2,
        };
        for _ in 0..given_back {
            let posted = port1.try_post_message(&[1; 16]);
            assert!(posted.is_ok(), "what was given back is no room: {posted:?}");
        }
        run.reached(cases[given_back]);
        receiving.join().unwrap();
    });
}

/// The same for segments, of which one is kept and the others are freed.
#[test]
fn a_freed_segment_is_counted_behind_the_position() {
    Model::with(Heavy).preemptions(4).reaches(&["not yet", "freed"]).check(|run| {
        // One of these fills a segment.
        let (mut port1, mut port2) = channel::<[u64; 8]>(4);
        for number in 0..4 {
            port1.try_post_message(&[number; 8]).unwrap();
        }
        let taken = port1.bytes_in_flight();
        let receiving = thread::spawn(move || {
            // The second of two switches is passed for the last one.
            for number in 0..3 {
                assert_eq!(port2.try_recv().unwrap()[6], number);
            }
            port2
        });
        let is_freed = taken - port1.bytes_in_flight() == taken / 4 * 3;
        if is_freed {
            for _ in 0..2 {
                let posted = port1.try_post_message(&[4; 8]);
                assert!(posted.is_ok(), "what was given back is no room: {posted:?}");
            }
        }
        run.reached(if is_freed { "freed" } else { "not yet" });
        receiving.join().unwrap();
    });
}

/// Bytes that can be written only so many times.
#[derive(Debug)]
struct Fading {
    bytes: Vec<u8>,
    writes: Cell<usize>,
}

#[derive(Debug)]
struct Faded;

impl std::fmt::Display for Faded {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("faded")
    }
}

impl std::error::Error for Faded {}

impl Fading {
    fn new(length: usize, writes: usize) -> Self {
        Self { bytes: vec![7; length], writes: Cell::new(writes) }
    }
}

impl Archive for Fading {
    type Archived = ArchivedVec<u8>;
    type Resolver = VecResolver;

    fn resolve(&self, resolver: VecResolver, out: Place<ArchivedVec<u8>>) {
        ArchivedVec::resolve_from_slice(&self.bytes, resolver, out);
    }
}

impl<S: Fallible<Error: Source> + Allocator + Writer + ?Sized> Serialize<S> for Fading {
    fn serialize(&self, serializer: &mut S) -> Result<VecResolver, S::Error> {
        let writes = self.writes.get().checked_sub(1).ok_or_else(|| Source::new(Faded))?;
        self.writes.set(writes);
        ArchivedVec::<u8>::serialize_from_slice(&self.bytes, serializer)
    }
}

/// A message that made room for itself and then failed leaves a switch with nothing behind. The
/// receiver, who may sleep in front of it, passes it for the next message that needs the room.
#[test]
fn a_switch_with_nothing_behind_is_passed() {
    Model::with(Full).preemptions(3).check(|_| {
        let (mut port1, mut port2) = channel::<Fading>(2);
        for _ in 0..3 {
            port1.try_post_message(&Fading::new(8, 9)).unwrap();
        }
        drop(port2.try_recv().unwrap());
        drop(port2.try_recv().unwrap());
        let sender = thread::spawn(move || {
            // Measured once, and gone when there is room for it.
            assert!(port1.try_post_message(&Fading::new(40, 1)).unwrap_err().is_data_clone());
            port1.post_message(&Fading::new(100, 9)).unwrap();
            port1
        });
        drop(port2.try_recv().unwrap());
        assert_eq!(port2.recv().unwrap().len(), 100);
        sender.join().unwrap();
    });
}

/// The report of a close counts what is behind a switch once, wherever the receiver is.
#[test]
fn the_report_is_exact_around_a_switch() {
    let cases = &["nothing delivered", "one delivered", "both delivered"];
    Model::with(Full).preemptions(3).reaches(cases).check(|run| {
        let (mut port1, port2) = channel(3);
        let (mut sender, mut receiver) = port2.into_split();
        fill(&mut port1, 0, PER_SEGMENT + 1);
        for number in 0..PER_SEGMENT - 1 {
            assert_eq!(*receiver.try_recv().unwrap(), number);
        }
        let receiving = thread::spawn(move || {
            let mut delivered = 0;
            while receiver.try_recv().is_ok() {
                delivered += 1;
            }
            delivered
        });
        sender.close();
        let counted = port1.split_mut().0.close_event().unwrap().undelivered_messages();
        let delivered = receiving.join().unwrap();
        assert_eq!(delivered + counted, 2, "a message is lost, or counted and delivered");
        run.reached(cases[usize::try_from(delivered).unwrap()]);
    });
}

/// Whatever the barriers order, the report of a close looks into no segment that was given back.
/// What it counts is right only if they order something.
#[test]
fn the_report_stays_out_of_what_was_given_back() {
    let cases = &["nothing delivered", "one delivered", "both delivered"];
    Model::with(Heavy).preemptions(3).reaches(cases).check(|run| {
        let (mut port1, port2) = channel(3);
        let (mut sender, mut receiver) = port2.into_split();
        fill(&mut port1, 0, PER_SEGMENT + 1);
        for number in 0..PER_SEGMENT - 1 {
            assert_eq!(*receiver.try_recv().unwrap(), number);
        }
        let receiving = thread::spawn(move || {
            let mut delivered = 0;
            while receiver.try_recv().is_ok() {
                delivered += 1;
            }
            delivered
        });
        sender.close();
        assert!(port1.split_mut().0.close_event().unwrap().undelivered_messages() <= 2);
        let delivered: usize = receiving.join().unwrap();
        run.reached(cases[delivered]);
    });
}

/// A post that grows while the other port receives and closes is refused, delivered or counted.
#[test]
fn a_post_that_grows_is_refused_delivered_or_counted() {
    let cases = &["refused", "delivered", "counted"];
    Model::with(Full).preemptions(3).reaches(cases).check(|run| {
        let (mut port1, mut port2) = channel(3);
        fill(&mut port1, 0, PER_SEGMENT);
        let sender = thread::spawn(move || {
            let posted = port1.try_post_message(&PER_SEGMENT).is_ok();
            let counted = loop {
                match port1.split_mut().0.close_event() {
                    Some(event) => break event.undelivered_messages(),
                    None => thread::yield_now(),
                }
            };
            (posted, counted)
        });
        let mut delivered = 0;
        while port2.try_recv().is_ok() {
            delivered += 1;
        }
        port2.close();
        let (posted, counted) = sender.join().unwrap();
        let accepted = PER_SEGMENT + u64::from(posted);
        assert_eq!(delivered + counted, accepted, "a message is lost, or counted and delivered");
        run.reached(match (posted, counted) {
            (false, _) => cases[0],
            (true, 0) => cases[1],
            (true, _) => cases[2],
        });
    });
}

/// Segments, a spare one, and buffers on their way and on their way back are freed once.
#[test]
fn the_last_owner_frees_every_segment_once() {
    Model::with(Heavy).preemptions(2).check(|_| {
        let (mut port1, mut port2) = channel::<Vec<u64>>(20);
        // One of each fills a segment.
        let (small, large) = (vec![1; 4], vec![2; 20]);
        for message in [&large, &small, &small, &large] {
            port1.try_post_message(message).unwrap();
        }
        drop(port2.try_recv().unwrap());
        let peer = thread::spawn(move || {
            let _ = port1.try_post_message(&large);
            drop(port1);
        });
        drop(port2.try_recv());
        drop(port2.try_recv());
        drop(port2);
        peer.join().unwrap();
    });
}
