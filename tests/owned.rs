//! Owned messages: received one by one, and by iterators.

mod common;
#[path = "common/watchdog.rs"]
mod watchdog;

use std::error::Error;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread;

use message_port::rkyv::rancor::{Fallible, Source};
use message_port::rkyv::vec::ArchivedVec;
use message_port::rkyv::{Archive, Deserialize, Place, Serialize};
use message_port::{MessageChannel, MessagePort, OwnedMessage, StreamError, TryRecvOwnedError};

use common::hostile::Hostile;
use watchdog::Watchdog;

type Outcome = Result<(), Box<dyn Error>>;

impl<D: Fallible + ?Sized> Deserialize<Hostile, D> for ArchivedVec<u8> {
    fn deserialize(&self, _: &mut D) -> Result<Hostile, D::Error> {
        Ok(Hostile::honest(self))
    }
}

/// A number of which no value can be made if it is odd, and which panics if it is 13.
#[derive(PartialEq, Eq, Debug)]
struct Even(u8);

#[derive(Debug, thiserror::Error)]
#[error("{0} is odd")]
struct Odd(u8);

#[derive(Debug, message_port::rkyv::Portable, message_port::rkyv::bytecheck::CheckBytes)]
#[bytecheck(crate = message_port::rkyv::bytecheck)]
#[rkyv(crate = message_port::rkyv)]
#[repr(transparent)]
struct ArchivedEven(u8);

impl Archive for Even {
    type Archived = ArchivedEven;
    type Resolver = ();

    fn resolve(&self, (): (), out: Place<ArchivedEven>) {
        message_port::rkyv::munge::munge!(let ArchivedEven(number) = out);
        self.0.resolve((), number);
    }
}

impl<S: Fallible + ?Sized> Serialize<S> for Even {
    fn serialize(&self, _: &mut S) -> Result<(), S::Error> {
        Ok(())
    }
}

impl<D: Fallible<Error: Source> + ?Sized> Deserialize<Even, D> for ArchivedEven {
    fn deserialize(&self, _: &mut D) -> Result<Even, D::Error> {
        assert!(self.0 != 13, "unlucky");
        if self.0.is_multiple_of(2) { Ok(Even(self.0)) } else { Err(Source::new(Odd(self.0))) }
    }
}

/// One bound is enough for generic code.
fn all<T: OwnedMessage>(port: MessagePort<T>) -> Vec<Result<T, StreamError>> {
    port.into_iter().collect()
}

#[test]
fn an_owned_message_leaves_nothing_borrowed_and_nothing_taken() -> Outcome {
    let MessageChannel { mut port1, mut port2 } = MessageChannel::<String>::new();
    port1.post_messages(&["one".to_owned(), "two".to_owned(), "three".to_owned()])?;
    let text = port2.recv_owned()?;
    port2.post_message(&text)?;
    assert_eq!(port2.try_recv_owned()?, "two");
    assert_eq!(port2.split_mut().1.recv_owned()?, "three");
    assert_eq!(port1.bytes_in_flight(), 0);
    assert_eq!(port1.recv_owned()?, "one");
    assert!(matches!(port2.try_recv_owned(), Err(TryRecvOwnedError::Empty)));
    Ok(())
}

#[test]
fn an_iterator_yields_what_is_left_and_ends_with_the_channel() {
    for closes in [true, false] {
        let MessageChannel { mut port1, mut port2 } = MessageChannel::<u64>::new();
        port1.post_messages(&[1, 2, 3]).unwrap();
        if closes {
            port1.close();
        } else {
            drop(port1);
        }
        let mut numbers = port2.iter();
        for number in 1..=3 {
            assert_eq!(numbers.next().unwrap().unwrap(), number);
        }
        assert!(numbers.next().is_none() && numbers.next().is_none(), "the end is final");
        let error = port2.recv_owned().unwrap_err();
        assert_eq!((error.is_closed(), error.is_disconnected()), (closes, !closes));
        let error = port2.try_recv_owned().unwrap_err();
        assert_eq!((error.is_closed(), error.is_disconnected()), (closes, !closes));
    }
}

#[test]
fn every_iterator_waits_for_messages_from_another_thread() {
    let _watchdog = Watchdog::start();
    let sums: [fn(MessagePort<u64>) -> u64; 6] = [
        |mut port| port.iter().map(Result::unwrap).sum(),
        |mut port| (&mut port).into_iter().map(Result::unwrap).sum(),
        |port| port.into_iter().map(Result::unwrap).sum(),
        |port| port.into_split().1.iter().map(Result::unwrap).sum(),
        |port| (&mut port.into_split().1).into_iter().map(Result::unwrap).sum(),
        |port| port.into_split().1.into_iter().map(Result::unwrap).sum(),
    ];
    for sum in sums {
        let MessageChannel { mut port1, port2 } = MessageChannel::<u64>::with_capacity(64);
        let summer = thread::spawn(move || sum(port2));
        for number in 0..100 {
            port1.post_message(&number).unwrap();
        }
        drop(port1);
        assert_eq!(summer.join().unwrap(), 4950);
    }
}

#[test]
fn an_error_in_between_is_yielded_and_the_iterator_goes_on() -> Outcome {
    let MessageChannel { mut port1, port2 } = MessageChannel::<Hostile>::new();
    port1.post_message(&Hostile::honest(b"first"))?;
    port1.post_message(&Hostile::lying(b"second"))?;
    port1.post_message(&Hostile::honest(b"third"))?;
    drop(port1);
    let [first, second, third] = <[_; 3]>::try_from(all(port2)).unwrap();
    assert_eq!(first?, Hostile::honest(b"first"));
    assert!(second.unwrap_err().is_invalid_archive());
    assert_eq!(third?, Hostile::honest(b"third"));
    Ok(())
}

#[test]
fn a_value_that_cannot_be_made_is_an_error_and_its_message_received() -> Outcome {
    let MessageChannel { mut port1, mut port2 } = MessageChannel::<Even>::new();
    for number in [2, 3, 4, 5, 7, 8] {
        port1.post_message(&Even(number))?;
    }
    assert_eq!(port2.recv_owned()?, Even(2));
    let error = port2.recv_owned().unwrap_err();
    assert!(error.is_deserialize() && error.to_string().ends_with("3 is odd"), "{error}");
    assert_eq!(port2.try_recv_owned()?, Even(4));
    assert!(port2.try_recv_owned().unwrap_err().is_deserialize());
    let left: Vec<_> = port2.try_iter().collect();
    assert!(matches!(&left[..], [Err(StreamError::Deserialize(_)), Ok(Even(8))]), "{left:?}");
    Ok(())
}

#[test]
fn a_value_that_panics_leaves_its_message_received_and_the_port_usable() -> Outcome {
    let MessageChannel { mut port1, mut port2 } = MessageChannel::<Even>::new();
    port1.post_message(&Even(13))?;
    port1.post_message(&Even(14))?;
    let panicked = catch_unwind(AssertUnwindSafe(|| port2.iter().next().is_some()));
    assert!(panicked.is_err());
    assert_eq!(port2.recv_owned()?, Even(14));
    assert_eq!(port1.bytes_in_flight(), 0);
    Ok(())
}

/// M5: what "there now" means is fixed when the call begins.
#[test]
fn m5_what_arrives_during_a_try_iter_is_left_for_the_next_one() -> Outcome {
    let MessageChannel { mut port1, mut port2 } = MessageChannel::<u64>::new();
    port1.post_messages(&[1, 2, 3])?;
    let mut seen = Vec::new();
    for number in port2.try_iter() {
        let number = number?;
        seen.push(number);
        port1.post_message(&(number + 10))?;
    }
    assert_eq!(seen, [1, 2, 3]);
    let rest: Result<Vec<_>, _> = port2.split_mut().1.try_iter().collect();
    assert_eq!(rest?, [11, 12, 13]);
    assert_eq!(port2.try_iter().count(), 0);
    Ok(())
}

#[test]
fn a_try_iter_knows_how_many_there_may_be_and_does_not_tell_of_the_end() -> Outcome {
    let MessageChannel { mut port1, mut port2 } = MessageChannel::<u64>::new();
    port1.post_messages(&[1, 2])?;
    drop(port1);
    let mut left = port2.try_iter();
    assert_eq!(left.size_hint(), (0, Some(2)));
    assert_eq!(left.next().transpose()?, Some(1));
    assert_eq!(left.by_ref().count(), 1);
    assert!(left.next().is_none());
    assert!(port2.try_recv_owned().unwrap_err().is_disconnected());
    Ok(())
}

/// C3: nothing is delivered at a port that has closed, by an iterator that began before either.
#[test]
fn c3_iterators_yield_nothing_at_a_port_that_closed() -> Outcome {
    let MessageChannel { mut port1, port2 } = MessageChannel::<u64>::new();
    let (mut sender, mut receiver) = port2.into_split();
    port1.post_messages(&[1, 2, 3])?;
    let mut left = receiver.try_iter();
    assert_eq!(left.next().transpose()?, Some(1));
    sender.close();
    assert!(left.next().is_none());
    assert!(receiver.iter().next().is_none());
    assert_eq!(receiver.try_iter().size_hint(), (0, Some(0)));
    Ok(())
}

/// The port that an iterator owns is still there for the peer.
#[test]
fn an_iterator_keeps_its_whole_port() -> Outcome {
    let MessageChannel { mut port1, port2 } = MessageChannel::<u64>::new();
    let mut numbers = port2.into_iter();
    assert!(!port1.is_disconnected() && port1.try_recv().unwrap_err().is_empty());
    port1.post_message(&7)?;
    assert_eq!(numbers.next().transpose()?, Some(7));
    drop(numbers);
    assert!(port1.is_disconnected());
    Ok(())
}
