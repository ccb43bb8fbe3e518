//! Directions that grow: the switch to another segment, its reuse, and waiting at the limit.

use std::cell::Cell;

use loom_tests::Barriers::{Both, Full, Heavy};
use loom_tests::layouts::{Filling, Framed, FramedFilling, Numbered};
use loom_tests::steps::{post, receive};
use loom_tests::{Model, SMALLEST, both_layouts, thread};
use message_port::rkyv::rancor::{Fallible, Source};
use message_port::rkyv::ser::{Allocator, Writer};
use message_port::rkyv::vec::{ArchivedVec, VecResolver};
use message_port::rkyv::{Archive, Place, Serialize};
use message_port::{Message, MessageChannel, MessagePort};

/// Bytes of the largest segment for a ring of [`SMALLEST`] bytes that one message fills: in blocks, room
/// for that message and a block that stays free.
const SEGMENT: usize = 144;

/// An archive that is spilled: it is as long as the ring.
type Large = Framed<[u64; 16]>;

/// A channel whose directions have at most so many segments.
fn channel<T: Message>(segments: usize) -> (MessagePort<T>, MessagePort<T>) {
    let builder = MessageChannel::<T>::builder().capacity(SMALLEST).growable(segments * SEGMENT);
    let MessageChannel { port1, port2 } = builder.build().unwrap();
    (port1, port2)
}

/// Posts the messages from `from` to `to`, all of which fit.
fn fill<M: Numbered>(port: &mut MessagePort<M>, from: u64, to: u64) {
    for number in from..to {
        port.try_post_message(&M::of(number)).unwrap();
    }
}

/// The receiver comes to a switch at any time, and finds everything behind it.
fn what_is_behind_a_switch_is_visible_as_a_whole<M: Numbered>() {
    let cases = &["before the switch", "behind the switch"];
    Model::with(Heavy).preemptions(2).reaches(cases).check(|run| {
        let (mut port1, mut port2) = channel::<M>(3);
        port1.try_post_message(&M::of(0)).unwrap();
        // With the frame in hand the segment stays full.
        let held = port2.try_recv().unwrap();
        let sender = thread::spawn(move || {
            port1.try_post_message(&M::of(1)).unwrap();
            port1.try_post_message(&M::of(2)).unwrap();
            port1
        });
        assert_eq!(M::number(&held), 0);
        drop(held);
        run.reached(cases[usize::from(!port2.is_empty())]);
        for number in 1..3 {
            let read = receive(&mut port2, M::number);
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
fn a_segment_is_read_before_it_is_written_again<M: Numbered>() {
    Model::with(Heavy).preemptions(3).check(|_| {
        let (mut port1, mut port2) = channel::<M>(2);
        port1.try_post_message(&M::of(0)).unwrap();
        port1.try_post_message(&M::of(1)).unwrap();
        let sender = thread::spawn(move || {
            post(&mut port1, &M::of(2)).unwrap();
            port1
        });
        for number in 0..3 {
            let read = receive(&mut port2, |message| {
                thread::yield_now();
                M::number(message)
            });
            assert_eq!(read.unwrap(), number, "a message is lost or out of order");
        }
        sender.join().unwrap();
    });
}

/// At the limit, a sender that sleeps is woken by the first switch that is passed.
fn a_passed_switch_wakes_the_sender<M: Numbered>() {
    Model::with(Full).preemptions(3).check(|_| {
        let (mut port1, mut port2) = channel::<M>(2);
        fill(&mut port1, 0, 2);
        assert!(
            port1.try_post_message(&M::of(0)).is_err(),
            "there is more room than the limit allows"
        );
        assert_eq!(M::number(&port2.try_recv().unwrap()), 0);
        let sender = thread::spawn(move || {
            port1.post_message(&M::of(2)).unwrap();
            port1
        });
        assert_eq!(M::number(&port2.try_recv().unwrap()), 1);
        sender.join().unwrap();
    });
}

/// At the limit, a sender of a long message is woken by whatever the receiver gives back, also if
/// that is just when the sender looks.
#[test]
fn what_is_freed_wakes_the_sender_of_a_long_message() {
    Model::with(Full).preemptions(3).check(|_| {
        let (mut port1, mut port2) = channel::<Large>(2);
        port1.try_post_message(&Large::of(1)).unwrap();
        let sender = thread::spawn(move || {
            port1.post_message(&Large::of(2)).unwrap();
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
        port1.try_post_message(&Large::of(1)).unwrap();
        port1.try_post_message(&Large::of(2)).unwrap();
        drop(port2.try_recv().unwrap());
        let sender = thread::spawn(move || {
            port1.try_post_message(&Large::of(3)).unwrap();
            port1
        });
        let second = port2.try_recv().unwrap();
        assert_eq!(second[15], 2);
        drop(second);
        run.reached(cases[usize::from(port2.is_empty())]);
        let mut port1 = sender.join().unwrap();
        port1.try_post_message(&Large::of(4)).unwrap();
        for number in 3..=4 {
            assert_eq!(port2.try_recv().unwrap()[15], number, "a buffer was used twice");
        }
    });
}

/// A receiver that looks how much there is, over several segments, while they are given back since
/// its other half has closed.
fn a_segment_is_looked_at_before_it_is_given_back<M: Numbered>() {
    let cases = &["all of it", "not all of it"];
    Model::with(Full).preemptions(3).reaches(cases).check(|run| {
        let (mut port1, port2) = channel::<M>(4);
        for number in 0..4 {
            port1.try_post_message(&M::of(number)).unwrap();
        }
        let (mut sender, receiver) = port2.into_split();
        let all = receiver.bytes_available();
        let looking = thread::spawn(move || (receiver.bytes_available(), receiver));
        sender.close();
        for _ in 0..2 {
            assert!(port1.try_post_message(&M::of(4)).unwrap_err().is_closed());
        }
        let event = port1.split_mut().0.close_event().unwrap();
        assert_eq!(event.undelivered_messages(), 4, "a message is lost, or counted twice");
        let (available, receiver) = looking.join().unwrap();
        run.reached(cases[usize::from(available < all)]);
        assert_eq!(receiver.bytes_available(), 0);
    });
}

/// What nobody reads is given back from behind the segment in which the receiver is, which may be
/// passing one switch after the other meanwhile.
fn a_segment_that_was_entered_is_not_given_back<M: Numbered>() {
    let cases = &["none", "one", "two", "three", "all"];
    Model::with(Both).preemptions(2).reaches(cases).check(|run| {
        let (mut port1, port2) = channel::<M>(4);
        fill(&mut port1, 0, 4);
        let (mut sender, mut receiver) = port2.into_split();
        let receiving = thread::spawn(move || {
            let mut delivered = 0;
            while let Ok(message) = receiver.try_recv() {
                assert_eq!(M::number(&message), delivered, "a message is out of order");
                delivered += 1;
            }
            delivered
        });
        sender.close();
        for _ in 0..2 {
            assert!(port1.try_post_message(&M::of(4)).unwrap_err().is_closed());
        }
        let delivered = receiving.join().unwrap();
        run.reached(cases[usize::try_from(delivered).unwrap()]);
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
            port1.try_post_message(&Large::of(0)).unwrap();
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
            let posted = port1.try_post_message(&Large::of(1));
            assert!(posted.is_ok(), "what was given back is no room: {posted:?}");
        }
        run.reached(cases[given_back]);
        receiving.join().unwrap();
    });
}

/// The same for segments, of which one is kept and the others are freed.
fn a_freed_segment_is_counted_behind_the_position<M: Numbered>() {
    Model::with(Heavy).preemptions(4).reaches(&["not yet", "freed"]).check(|run| {
        let (mut port1, mut port2) = channel::<M>(4);
        for number in 0..4 {
            port1.try_post_message(&M::of(number)).unwrap();
        }
        let taken = port1.bytes_in_flight();
        let receiving = thread::spawn(move || {
            // The second of two switches is passed for the last one.
            for number in 0..3 {
                assert_eq!(M::number(&port2.try_recv().unwrap()), number);
            }
            port2
        });
        let is_freed = taken - port1.bytes_in_flight() == taken / 4 * 3;
        if is_freed {
            for _ in 0..2 {
                let posted = port1.try_post_message(&M::of(4));
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
    Model::with(Full).preemptions(2).check(|_| {
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
fn the_report_is_exact_around_a_switch<M: Numbered>() {
    let cases = &["nothing delivered", "one delivered", "both delivered"];
    Model::with(Full).preemptions(3).reaches(cases).check(|run| {
        let (mut port1, port2) = channel::<M>(3);
        let (mut sender, mut receiver) = port2.into_split();
        fill(&mut port1, 0, 2);
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
fn the_report_stays_out_of_what_was_given_back<M: Numbered>() {
    let cases = &["nothing delivered", "one delivered", "both delivered"];
    Model::with(Heavy).preemptions(3).reaches(cases).check(|run| {
        let (mut port1, port2) = channel::<M>(3);
        let (mut sender, mut receiver) = port2.into_split();
        fill(&mut port1, 0, 2);
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
fn a_post_that_grows_is_refused_delivered_or_counted<M: Numbered>() {
    let cases = &["refused", "delivered", "counted"];
    Model::with(Full).preemptions(3).reaches(cases).check(|run| {
        let (mut port1, mut port2) = channel::<M>(3);
        fill(&mut port1, 0, 1);
        let sender = thread::spawn(move || {
            let posted = port1.try_post_message(&M::of(1)).is_ok();
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
        let accepted = 1 + u64::from(posted);
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

both_layouts! {
    (Filling, FramedFilling):
        what_is_behind_a_switch_is_visible_as_a_whole,
        a_segment_is_read_before_it_is_written_again,
        a_segment_is_looked_at_before_it_is_given_back,
        a_segment_that_was_entered_is_not_given_back,
        a_freed_segment_is_counted_behind_the_position,
        a_passed_switch_wakes_the_sender,
        the_report_is_exact_around_a_switch,
        the_report_stays_out_of_what_was_given_back,
        a_post_that_grows_is_refused_delivered_or_counted;
}
