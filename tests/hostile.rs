//! Archives that lie: written by code without any `unsafe`, refused by the receiver.

use std::error::Error;
use std::sync::mpsc;
use std::time::Duration;

use message_port::{
    CloseEvent, DispatchError, HandlerError, MessageChannel, MessagePort, RecvError,
    RecvTimeoutError, TryRecvError,
};
use rkyv::collections::swiss_table::{ArchivedHashSet, HashSetResolver};
use rkyv::primitive::{ArchivedU32, FixedUsize};
use rkyv::rancor::{Fallible, Source};
use rkyv::ser::{Allocator, Writer};
use rkyv::vec::{ArchivedVec, VecResolver};
use rkyv::{Archive, Place, Serialize};

type Outcome = Result<(), Box<dyn Error>>;

/// What an archive claims to be.
#[derive(Clone, Copy, Debug)]
enum Claim {
    /// What it is: the bytes.
    Truth,
    /// One byte more than there are, the first one of the vector itself.
    OneTooMany,
    /// As many bytes as a length can say.
    Endless,
    /// Bytes behind the end of the archive.
    Beyond,
    /// Bytes that are the vector itself.
    Itself,
}

const LIES: [Claim; 4] = [Claim::OneTooMany, Claim::Endless, Claim::Beyond, Claim::Itself];

struct Hostile {
    claim: Claim,
    bytes: Vec<u8>,
}

impl Archive for Hostile {
    type Archived = ArchivedVec<u8>;
    type Resolver = VecResolver;

    fn resolve(&self, honest: VecResolver, out: Place<ArchivedVec<u8>>) {
        let (length, resolver) = match self.claim {
            Claim::Truth => (self.bytes.len(), honest),
            Claim::OneTooMany => (self.bytes.len() + 1, honest),
            Claim::Endless => (u32::MAX as usize, honest),
            Claim::Beyond => (8, VecResolver::from_pos(out.pos() + 4096)),
            Claim::Itself => (8, VecResolver::from_pos(out.pos())),
        };
        ArchivedVec::resolve_from_len(length, resolver, out);
    }
}

impl<S: Fallible + Allocator + Writer + ?Sized> Serialize<S> for Hostile {
    fn serialize(&self, serializer: &mut S) -> Result<VecResolver, S::Error> {
        ArchivedVec::serialize_from_slice(&self.bytes, serializer)
    }
}

/// In place, and spilled; multiples of four, so that the vector follows its bytes at once.
const LENGTHS: [usize; 2] = [16, if cfg!(miri) { 800 } else { 4000 }];

type Port = MessagePort<Hostile>;

fn channel() -> (Port, Port) {
    let MessageChannel { port1, port2 } = MessageChannel::with_capacity(1024);
    (port1, port2)
}

fn message(claim: Claim, length: usize) -> Hostile {
    Hostile { claim, bytes: vec![9; length] }
}

/// Every lie in every length, each followed by a true message.
fn cases() -> impl Iterator<Item = (Hostile, Hostile)> {
    LIES.into_iter()
        .flat_map(|lie| LENGTHS.map(|length| (message(lie, length), message(Claim::Truth, length))))
}

#[test]
fn every_receiving_call_refuses_it_and_goes_on_with_the_next_message() -> Outcome {
    for (lie, truth) in cases() {
        let (mut port1, mut port2) = channel();
        for _ in 0..3 {
            port1.post_message(&lie)?;
        }
        port1.post_message(&truth)?;
        assert!(matches!(port2.recv(), Err(RecvError::InvalidArchive(_))), "{:?}", lie.claim);
        assert!(matches!(port2.try_recv(), Err(TryRecvError::InvalidArchive(_))));
        let error = port2.recv_timeout(Duration::MAX).map(drop).unwrap_err();
        assert!(matches!(error, RecvTimeoutError::InvalidArchive(_)));
        assert!(error.to_string().starts_with("the archive is not valid: "));
        assert_eq!(port2.recv()?.as_slice(), truth.bytes);
        assert!(port2.try_recv().unwrap_err().is_empty());
    }
    Ok(())
}

/// The bytes of a refused message go back to the sender: a ring's worth of them is not the end.
#[test]
fn refused_messages_give_their_bytes_back() -> Outcome {
    for (lie, truth) in cases() {
        let (mut port1, mut port2) = channel();
        for _ in 0..if cfg!(miri) { 30 } else { 200 } {
            port1.try_post_message(&lie)?;
            assert!(port2.try_recv().unwrap_err().is_invalid_archive());
        }
        port1.try_post_message(&truth)?;
        assert_eq!(port2.try_recv()?.as_slice(), truth.bytes);
    }
    Ok(())
}

#[test]
fn dispatch_makes_it_a_messageerror_between_its_neighbours() -> Outcome {
    for (lie, truth) in cases() {
        let (mut port1, mut port2) = channel();
        let (log, logged) = mpsc::channel();
        let (errors, closes) = (log.clone(), log.clone());
        port2.set_onmessage(move |event| log.send(format!("message {}", event.data().len())));
        port2.set_onmessageerror(move |event| {
            assert!(matches!(event.error(), HandlerError::InvalidArchive(_)));
            assert!(event.data().is_none());
            errors.send("messageerror".to_owned())
        });
        port2.set_onclose(move |_: &CloseEvent| closes.send("close".to_owned()));
        for message in [&truth, &lie, &lie, &truth] {
            port1.post_message(message)?;
        }
        port1.close();
        assert_eq!(port2.dispatch()?, 5);
        let message = format!("message {}", truth.bytes.len());
        let expected = [&message, "messageerror", "messageerror", &message, "close"];
        assert_eq!(logged.try_iter().collect::<Vec<_>>(), expected);
    }
    Ok(())
}

#[test]
fn without_a_messageerror_handler_dispatch_and_run_return_it() -> Outcome {
    for (lie, truth) in cases() {
        let (mut port1, mut port2) = channel();
        let (log, logged) = mpsc::channel();
        port2.set_onmessage(move |event| log.send(event.data().len()));
        for message in [&lie, &lie, &truth] {
            port1.post_message(message)?;
        }
        drop(port1);
        let invalid = |error: &DispatchError| {
            matches!(error, DispatchError::Message(HandlerError::InvalidArchive(_)))
        };
        assert!(invalid(&port2.dispatch().unwrap_err()));
        assert!(invalid(&port2.run().unwrap_err()));
        port2.run()?;
        assert_eq!(logged.try_iter().collect::<Vec<_>>(), [truth.bytes.len()]);
    }
    Ok(())
}

/// It was delivered, though as an error: the report does not count it.
#[test]
fn a_refused_message_counts_as_read() -> Outcome {
    for (lie, truth) in cases() {
        let (mut port1, mut port2) = channel();
        for message in [&lie, &truth, &truth] {
            port1.post_message(message)?;
        }
        assert!(port2.recv().unwrap_err().is_invalid_archive());
        port2.close();
        let event = port1.split_mut().0.close_event().unwrap();
        assert_eq!(event.undelivered_messages(), 2);
        assert_eq!(event.undelivered_bytes(), 2 * (truth.bytes.len() as u64 + 8));
    }
    Ok(())
}

/// A set that claims to have as many places as can be said, less so many.
struct Boundless(usize);

impl Archive for Boundless {
    type Archived = ArchivedHashSet<ArchivedU32>;
    type Resolver = HashSetResolver;

    #[allow(clippy::cast_possible_truncation, reason = "as many bits as an archive has for it")]
    fn resolve(&self, resolver: HashSetResolver, out: Place<Self::Archived>) {
        let members = FixedUsize::MAX as usize - self.0 - 1;
        Self::Archived::resolve_from_len(members, (1, 1), resolver, out);
    }
}

impl<S: Fallible<Error: Source> + Allocator + Writer + ?Sized> Serialize<S> for Boundless {
    fn serialize(&self, serializer: &mut S) -> Result<HashSetResolver, S::Error> {
        let members = [1u32, 2, 3];
        Self::Archived::serialize_from_iter::<_, u32, _>(members.iter(), (7, 8), serializer)
    }
}

/// Where such a number has as many bits as an address, rkyv's arithmetic overflows: a panic where
/// that is checked.
#[test]
fn a_hash_table_with_more_places_than_can_be_counted_is_refused() -> Outcome {
    for less in 0..40 {
        let MessageChannel { mut port1, mut port2 } = MessageChannel::<Boundless>::new();
        port1.post_message(&Boundless(less))?;
        assert!(matches!(port2.try_recv(), Err(TryRecvError::InvalidArchive(_))));
        assert!(port2.try_recv().is_err_and(|error| error.is_empty()), "it is skipped");
        port1.post_message(&Boundless(less))?;
        assert!(matches!(port2.dispatch(), Ok(0)), "no handler");
        port2.set_onmessage(|_| ());
        assert!(matches!(
            port2.dispatch(),
            Err(DispatchError::Message(HandlerError::InvalidArchive(_)))
        ));
    }
    Ok(())
}
