//! What a receiver sees of what a sender writes, and when the sender may write again.

use std::panic::{AssertUnwindSafe, catch_unwind};

use loom_tests::Barriers::Heavy;
use loom_tests::layouts::{Framed, Numbered};
use loom_tests::steps::{drain, post, receive};
use loom_tests::{Model, SMALLEST, both_layouts, quiet_panic, thread};
use message_port::rkyv::rancor::{Fallible, Source};
use message_port::rkyv::ser::Writer;
use message_port::rkyv::{Archive, Archived, Place, Serialize};
use message_port::{MessageChannel, TryPostError};

/// A committed message is visible with all its bytes and with nothing behind it.
fn a_committed_message_is_visible_with_its_bytes<M: Numbered>() {
    Model::with(Heavy).preemptions(4).reaches(&["too early"]).check(|run| {
        let MessageChannel { mut port1, mut port2 } = MessageChannel::<M>::with_capacity(SMALLEST);
        let sender = thread::spawn(move || {
            post(&mut port1, &M::of(1)).unwrap();
            post(&mut port1, &M::of(2)).unwrap();
            port1
        });
        if port2.is_empty() {
            run.reached("too early");
        }
        assert_eq!(receive(&mut port2, M::number).unwrap(), 1);
        assert_eq!(receive(&mut port2, M::number).unwrap(), 2);
        assert!(port2.try_recv().unwrap_err().is_empty());
        sender.join().unwrap();
    });
}

/// An archive whose length its type does not tell is visible as a whole.
#[test]
fn an_archive_of_any_length_is_visible_as_a_whole() {
    Model::with(Heavy).preemptions(3).check(|_| {
        let MessageChannel { mut port1, mut port2 } =
            MessageChannel::<String>::with_capacity(SMALLEST);
        let sender = thread::spawn(move || {
            post(&mut port1, &"short".to_owned()).unwrap();
            post(&mut port1, &"long enough for three slots of it".to_owned()).unwrap();
            port1
        });
        assert_eq!(receive(&mut port2, ToString::to_string).unwrap(), "short");
        let text = receive(&mut port2, ToString::to_string).unwrap();
        assert_eq!(text, "long enough for three slots of it");
        sender.join().unwrap();
    });
}

/// A number that may refuse to be cloned, but not before it has written something.
#[derive(Clone, Copy, Debug)]
struct Fragile(u64, Fate);

#[derive(Clone, Copy, Debug)]
enum Fate {
    Cloned,
    Refused,
    Panics,
}

#[derive(Debug)]
struct Refused;

impl std::fmt::Display for Refused {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("refused")
    }
}

impl std::error::Error for Refused {}

impl Archive for Fragile {
    type Archived = Archived<u64>;
    type Resolver = ();

    fn resolve(&self, (): (), out: Place<Self::Archived>) {
        self.0.resolve((), out);
    }
}

impl<S> Serialize<S> for Fragile
where
    S: Fallible<Error: Source> + Writer + ?Sized,
{
    fn serialize(&self, serializer: &mut S) -> Result<(), S::Error> {
        if matches!(self.1, Fate::Cloned) {
            return Ok(());
        }
        serializer.write(&[0xff; 40])?;
        if matches!(self.1, Fate::Panics) {
            quiet_panic("the value panics");
        }
        Err(Source::new(Refused))
    }
}

/// A message whose value refuses or panics is never visible, and the next one is.
#[test]
fn an_aborted_message_is_never_visible() {
    Model::with(Heavy).preemptions(3).check(|_| {
        let MessageChannel { mut port1, mut port2 } =
            MessageChannel::<Fragile, u64>::with_capacity(SMALLEST);
        let sender = thread::spawn(move || {
            post(&mut port1, &Fragile(1, Fate::Cloned)).unwrap();
            let error = port1.try_post_message(&Fragile(7, Fate::Refused)).unwrap_err();
            assert!(error.is_data_clone());
            let panic = catch_unwind(AssertUnwindSafe(|| {
                let _: Result<(), TryPostError> = port1.try_post_message(&Fragile(8, Fate::Panics));
            }));
            let reason = panic.unwrap_err();
            assert_eq!(reason.downcast_ref(), Some(&"the value panics"), "another panic");
            post(&mut port1, &Fragile(2, Fate::Cloned)).unwrap();
            port1.close();
            port1
        });
        assert_eq!(receive(&mut port2, |number| number.to_native()).unwrap(), 1);
        assert_eq!(receive(&mut port2, |number| number.to_native()).unwrap(), 2);
        assert!(receive(&mut port2, |number| number.to_native()).unwrap_err().is_closed());
        sender.join().unwrap();
    });
}

/// Messages keep their order where a lap begins in memory that held others, or anything. In frames the
/// lap before ends early.
fn order_is_kept_across_laps<M: Numbered>() {
    Model::with(Heavy).preemptions(2).check(|_| {
        // Frames of 48 bytes: the third one does not fit behind the second one. Two blocks and one
        // that stays free.
        let MessageChannel { mut port1, mut port2 } = MessageChannel::<M>::with_capacity(SMALLEST);
        let sender = thread::spawn(move || {
            for number in 1..=4 {
                post(&mut port1, &M::of(number)).unwrap();
            }
            port1
        });
        for number in 1..=4 {
            let read = receive(&mut port2, M::number).unwrap();
            assert_eq!(read, number, "a message is out of order");
        }
        assert!(port2.try_recv().unwrap_err().is_empty(), "a message came twice");
        sender.join().unwrap();
    });
}

/// Bytes are given back after the last look at them and before they are written again.
#[test]
fn bytes_are_read_before_they_are_written_again() {
    Model::with(Heavy).preemptions(4).reaches(&["full", "had room"]).check(|run| {
        let MessageChannel { mut port1, mut port2 } =
            MessageChannel::<String>::with_capacity(SMALLEST);
        // Frames of 64 and 48 bytes, and the one slot that stays free. With the first one given
        // back the third one, of 16 bytes, ends the lap, and the fourth one goes over the first.
        let texts = ["a".repeat(48), "b".repeat(32), String::new(), "d".repeat(16)];
        let [first, second, third, fourth] = texts.clone();
        port1.try_post_message(&first).unwrap();
        port1.try_post_message(&second).unwrap();
        let sender = thread::spawn({
            let run = run.clone();
            move || {
                if port1.try_post_message(&third).is_err() {
                    run.reached("full");
                    post(&mut port1, &third).unwrap();
                } else {
                    run.reached("had room");
                }
                post(&mut port1, &fourth).unwrap();
                port1
            }
        });
        for text in texts {
            let read = receive(&mut port2, ToString::to_string).unwrap();
            assert_eq!(read, text, "the message changed while it was read");
        }
        sender.join().unwrap();
    });
}

/// Both directions work at once, each with its own order.
fn the_directions_do_not_disturb_each_other<M: Numbered>() {
    Model::with(Heavy).preemptions(2).check(|_| {
        let MessageChannel { mut port1, mut port2 } = MessageChannel::<M>::with_capacity(SMALLEST);
        let peer = thread::spawn(move || {
            post(&mut port2, &M::of(10)).unwrap();
            post(&mut port2, &M::of(20)).unwrap();
            port2.close();
            assert!(port2.try_recv().unwrap_err().is_closed());
        });
        let _ = post(&mut port1, &M::of(1));
        let (numbers, end) = drain(&mut port1);
        assert_eq!(numbers, [10, 20]);
        assert!(end.is_closed());
        peer.join().unwrap();
    });
}

both_layouts! {
    ([u64; 3], Framed<[u64; 3]>): a_committed_message_is_visible_with_its_bytes;
    ([u64; 5], Framed<[u64; 5]>): order_is_kept_across_laps;
    (u64, Framed<u64>): the_directions_do_not_disturb_each_other;
}
