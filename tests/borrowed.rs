//! Posting values of other types that have the archive of a message.

mod common;
#[path = "common/wakes.rs"]
mod wakes;

use std::error::Error;
use std::future::ready;
use std::pin::pin;
use std::task::{Poll, Waker};
use std::time::{Duration, Instant};

use futures_lite::future::block_on;
use message_port::rkyv::rancor::{Fallible, Source};
use message_port::rkyv::ser::{Allocator, Writer};
use message_port::rkyv::vec::{ArchivedVec, VecResolver};
use message_port::rkyv::with::{AsString, AsVec};
use message_port::rkyv::{Archive, Archived, Place, Serialize};
use message_port::{MessageChannel, MessagePort, TryPostError};

use common::hostile::Hostile;
use tokio::sync::oneshot;

type Outcome = Result<(), Box<dyn Error>>;

#[derive(Archive, Serialize)]
struct Order {
    item: String,
    prices: Vec<u32>,
}

#[derive(Archive, Serialize)]
#[rkyv(as = ArchivedOrder, serialize_bounds(__S: Writer + Allocator, __S::Error: Source))]
struct BorrowedOrder<'a> {
    #[rkyv(with = AsString, omit_bounds)]
    item: &'a str,
    #[rkyv(with = AsVec, omit_bounds)]
    prices: &'a [u32],
}

fn trusting<T: message_port::Message>() -> MessageChannel<T> {
    // SAFETY: the types of these tests have derived implementations, or those of rkyv.
    unsafe { MessageChannel::<T>::builder().capacity(1024).trust_archives() }.build().unwrap()
}

/// In each way that a string can be posted.
fn post_in_every_way(
    port: &mut MessagePort<String>,
    peer: &mut MessagePort<String>,
    text: &str,
) -> Outcome {
    let mut receive = || -> Outcome {
        for _ in 0..6 {
            assert_eq!(peer.recv()?.as_str(), text);
        }
        Ok(())
    };
    port.post_message_as(text)?;
    port.try_post_message_as(text)?;
    port.post_message_as_timeout(text, Duration::ZERO)?;
    port.post_message_as_deadline(text, Instant::now())?;
    block_on(port.post_message_as_async(text))?;
    block_on(port.post_message_as_async_until(text, ready(())))?;
    receive()?;
    let (sender, _) = port.split_mut();
    sender.post_message_as(text)?;
    sender.try_post_message_as(text)?;
    sender.post_message_as_timeout(text, Duration::ZERO)?;
    sender.post_message_as_deadline(text, Instant::now())?;
    block_on(sender.post_message_as_async(text))?;
    block_on(sender.post_message_as_async_until(text, ready(())))?;
    receive()
}

#[test]
fn a_str_arrives_as_a_string() -> Outcome {
    for make in [|| MessageChannel::<String>::with_capacity(1024), trusting] {
        let MessageChannel { mut port1, mut port2 } = make();
        // Inline in the archive, beside its root, and in a buffer of its own.
        for text in ["", "short", "longer than what is inline", &"long ".repeat(1000)] {
            for _ in 0..2 {
                post_in_every_way(&mut port1, &mut port2, text)?;
            }
        }
        port1.post_message_as(&"owned".to_owned())?;
        assert_eq!(port2.recv_owned()?, "owned");
    }
    Ok(())
}

#[test]
fn a_slice_arrives_as_a_vec() -> Outcome {
    let MessageChannel { mut port1, mut port2 } = MessageChannel::<Vec<String>>::new();
    let texts = ["one".to_owned(), "two, which is not inline".to_owned()];
    port1.post_message_as(&texts[..])?;
    port1.post_message(&texts.to_vec())?;
    let first = port2.recv()?.as_bytes().to_vec();
    assert_eq!(port2.recv()?.as_bytes(), first, "the same archive");
    let MessageChannel { mut port1, mut port2 } = MessageChannel::<Vec<u8>>::new();
    port1.post_message_as(&b"bytes"[..])?;
    assert_eq!(port2.recv_owned()?, b"bytes");
    Ok(())
}

#[test]
fn a_struct_with_borrowed_fields_arrives_as_the_one_that_owns_them() -> Outcome {
    for MessageChannel { mut port1, mut port2 } in [MessageChannel::new(), trusting::<Order>()] {
        {
            let line = "a rather long item: 3, 4".to_owned();
            let (item, prices) = (&line[..18], vec![3, 4]);
            port1.post_message_as(&BorrowedOrder { item, prices: &prices })?;
        }
        let order = port2.recv()?;
        assert_eq!(order.item.as_str(), "a rather long item");
        assert_eq!(order.prices, [3, 4]);
    }
    Ok(())
}

/// Bytes that are an archive of one size.
type Plain = [u8; 12];

/// Has the archive of a `Plain`, and no promise that its own bytes are that.
struct Pattern(u8);

impl Archive for Pattern {
    type Archived = Archived<Plain>;
    type Resolver = [(); 12];

    fn resolve(&self, resolver: [(); 12], out: Place<Archived<Plain>>) {
        [self.0; 12].resolve(resolver, out);
    }
}

impl<S: Fallible + ?Sized> Serialize<S> for Pattern {
    fn serialize(&self, _: &mut S) -> Result<[(); 12], S::Error> {
        Ok([(); 12])
    }
}

/// The same, with bytes in front of the root that nothing refers to.
struct Wordy(u8);

impl Archive for Wordy {
    type Archived = Archived<Plain>;
    type Resolver = [(); 12];

    fn resolve(&self, resolver: [(); 12], out: Place<Archived<Plain>>) {
        [self.0; 12].resolve(resolver, out);
    }
}

impl<S: Fallible + Writer + ?Sized> Serialize<S> for Wordy {
    fn serialize(&self, serializer: &mut S) -> Result<[(); 12], S::Error> {
        serializer.write(&[0xff; 100])?;
        Ok([(); 12])
    }
}

#[test]
fn values_of_other_types_lie_in_blocks_too() -> Outcome {
    for MessageChannel { mut port1, mut port2 } in [MessageChannel::new(), trusting::<Plain>()] {
        for number in 0..200 {
            port1.post_message_as(&Pattern(number))?;
            port1.post_message(&[number; 12])?;
            port1.post_message_as(&Wordy(number))?;
            port1.post_message_as(&[number; 12])?;
            for _ in 0..4 {
                assert_eq!(*port2.recv()?, [number; 12]);
            }
        }
    }
    Ok(())
}

/// Its archive is that of a `Vec<u8>`, and lies.
struct Liar;

impl Archive for Liar {
    type Archived = ArchivedVec<u8>;
    type Resolver = VecResolver;

    fn resolve(&self, resolver: VecResolver, out: Place<ArchivedVec<u8>>) {
        ArchivedVec::resolve_from_len(1_000_000, resolver, out);
    }
}

impl<S: Fallible + Allocator + Writer + ?Sized> Serialize<S> for Liar {
    fn serialize(&self, serializer: &mut S) -> Result<VecResolver, S::Error> {
        ArchivedVec::<u8>::serialize_from_slice(b"few", serializer)
    }
}

/// The promise of `trust_archives` covers `Vec<u8>`, and no `Liar`.
#[test]
fn where_archives_are_trusted_those_of_other_types_are_checked_by_the_sender() -> Outcome {
    let MessageChannel { mut port1, mut port2 } = trusting::<Vec<u8>>();
    assert!(port1.post_message_as(&Liar).unwrap_err().is_data_clone());
    assert!(port1.try_post_message_as(&Liar).unwrap_err().is_data_clone());
    assert!(block_on(port1.post_message_as_async(&Liar)).unwrap_err().is_data_clone());
    assert!(port1.post_message_as(&Hostile::lying(b"no")).unwrap_err().is_data_clone());
    assert!(port2.is_empty());
    port1.post_message_as(&Hostile::honest(b"yes"))?;
    assert_eq!(port2.recv()?.as_slice(), b"yes");
    Ok(())
}

#[test]
fn elsewhere_the_receiver_checks_them() -> Outcome {
    let MessageChannel { mut port1, mut port2 } = MessageChannel::<Vec<u8>>::new();
    port1.post_message_as(&Liar)?;
    assert!(port2.recv().unwrap_err().is_invalid_archive());
    Ok(())
}

#[test]
fn the_errors_are_those_of_other_posts() -> Outcome {
    for make in [|| MessageChannel::<String>::with_capacity(1024), trusting] {
        let MessageChannel { mut port1, mut port2 } = make();
        let huge = "x".repeat(17 << 20);
        let error = port1.try_post_message_as(huge.as_str()).unwrap_err();
        assert!(
            matches!(error, TryPostError::TooLarge { needed, max: 0x100_0000 } if needed > 17 << 20)
        );
        while port1.try_post_message_as("text").is_ok() {}
        assert!(port1.try_post_message_as("text").unwrap_err().is_full());
        let error = port1.post_message_as_timeout("text", Duration::from_millis(1)).unwrap_err();
        assert!(error.is_timeout());
        let error = port1.post_message_as_deadline("text", Instant::now()).unwrap_err();
        assert!(error.is_timeout());
        let (end, until) = oneshot::channel::<()>();
        {
            let mut posting = pin!(port1.post_message_as_async_until("late", until));
            assert!(wakes::poll(posting.as_mut(), Waker::noop()).is_pending());
            end.send(()).unwrap();
            match wakes::poll(posting.as_mut(), Waker::noop()) {
                Poll::Ready(posted) => assert!(posted.unwrap_err().is_timeout()),
                Poll::Pending => panic!("the end has come"),
            }
        }
        {
            let mut posting = pin!(port1.post_message_as_async("last"));
            assert!(wakes::poll(posting.as_mut(), Waker::noop()).is_pending());
            port2.recv()?;
            assert!(wakes::poll(posting.as_mut(), Waker::noop()).is_ready());
        }
        port2.close();
        assert!(port1.post_message_as("text").unwrap_err().is_closed());
        assert!(block_on(port1.post_message_as_async("text")).unwrap_err().is_closed());
        let error = block_on(port1.post_message_as_async_until("text", ready(()))).unwrap_err();
        assert!(error.is_closed());
    }
    let MessageChannel { mut port1, port2 } = MessageChannel::<String>::new();
    drop(port2);
    assert!(port1.post_message_as("text").unwrap_err().is_disconnected());
    Ok(())
}

/// M5: a task that always finds room lets others run.
#[test]
fn posting_from_a_task_spends_its_budget() {
    let MessageChannel { mut port1, port2: _kept } = MessageChannel::<String>::new();
    let ready = (0..1000).take_while(|_| {
        wakes::poll(pin!(port1.post_message_as_async("x")), Waker::noop()).is_ready()
    });
    assert_eq!(ready.count(), 64);
}
