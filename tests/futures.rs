//! A port and its receiving half as streams, polled by hand.
#![cfg(feature = "futures")]

mod common;
#[path = "common/streams.rs"]
mod streams;
#[path = "common/wakes.rs"]
mod wakes;

use std::error::Error;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Poll, Waker};

use futures_core::FusedStream;
use futures_sink::Sink;
use futures_util::{SinkExt, StreamExt, stream};
use message_port::rkyv::Deserialize;
use message_port::rkyv::rancor::{Fallible, Source};
use message_port::rkyv::vec::ArchivedVec;
use message_port::{
    MessageChannel, PortStream, PostError, ReceiverStream, SenderSink, StreamError,
};
use static_assertions::{assert_impl_all, assert_not_impl_any};

use common::clone::Refused;
use common::hostile::Hostile;
use streams::{flush, next, ready};
use wakes::Wakes;

type Outcome = Result<(), Box<dyn Error>>;

/// Can be archived and received, and no value can be made of it again.
const REFUSED: &[u8] = b"refused";

impl<D: Fallible<Error: Source> + ?Sized> Deserialize<Hostile, D> for ArchivedVec<u8> {
    fn deserialize(&self, deserializer: &mut D) -> Result<Hostile, D::Error> {
        let bytes: Vec<u8> = Deserialize::<Vec<u8>, D>::deserialize(self, deserializer)?;
        if bytes == REFUSED { Err(Source::new(Refused)) } else { Ok(Hostile::honest(&bytes)) }
    }
}

// As the halves: one thread at a time. A message that a sink holds must be `Send`.
assert_impl_all!(ReceiverStream<String>: Send, Unpin);
assert_impl_all!(ReceiverStream<std::rc::Rc<str>>: Send, Unpin);
assert_impl_all!(SenderSink<String>: Send, Unpin);
assert_impl_all!(PortStream<String, u64>: Send, Unpin);
assert_not_impl_any!(SenderSink<std::rc::Rc<str>>: Send);
assert_not_impl_any!(PortStream<std::rc::Rc<str>, u64>: Send);
assert_not_impl_any!(ReceiverStream<String>: Sync, Clone);
assert_not_impl_any!(SenderSink<String>: Sync, Clone);
assert_not_impl_any!(PortStream<String>: Sync, Clone);

#[test]
fn a_stream_ends_behind_the_last_message_before_a_close() -> Outcome {
    let MessageChannel { mut port1, port2 } = MessageChannel::<String>::new();
    let (_sender, receiver) = port2.into_split();
    let mut stream = receiver.into_stream();
    let (calls, waker) = Wakes::watched();
    assert!(next(&mut stream, &waker).is_pending());
    port1.post_message(&"first".to_owned())?;
    assert_eq!(calls.count(), 1);
    port1.post_message(&"second".to_owned())?;
    port1.close();
    for text in ["first", "second"] {
        assert!(!stream.is_terminated());
        let Poll::Ready(Some(Ok(message))) = next(&mut stream, &waker) else { panic!("{text}") };
        assert_eq!(message, text);
    }
    for _ in 0..3 {
        assert!(matches!(next(&mut stream, &waker), Poll::Ready(None)));
        assert!(stream.is_terminated());
    }
    assert!(stream.get_ref().is_closed());
    Ok(())
}

#[test]
fn flume_120_a_stream_ends_behind_the_last_message_before_a_drop() -> Outcome {
    let MessageChannel { mut port1, port2 } = MessageChannel::<u64>::new();
    let mut stream = port2.into_stream();
    port1.post_messages(&[1, 2])?;
    drop(port1);
    let waker = Waker::noop();
    assert!(matches!(next(&mut stream, waker), Poll::Ready(Some(Ok(1)))));
    assert!(matches!(next(&mut stream, waker), Poll::Ready(Some(Ok(2)))));
    assert!(!stream.is_terminated());
    assert!(matches!(next(&mut stream, waker), Poll::Ready(None)));
    assert!(stream.is_terminated());
    assert!(!stream.get_ref().is_closed());
    assert!(stream.get_ref().is_disconnected());
    Ok(())
}

/// A close and a drop wake the task, as a message does.
#[test]
fn the_end_wakes_the_task_of_a_stream() {
    for close in [true, false] {
        let MessageChannel { mut port1, port2 } = MessageChannel::<u64>::new();
        let mut stream = port2.into_stream();
        let (calls, waker) = Wakes::watched();
        assert!(next(&mut stream, &waker).is_pending());
        if close {
            port1.close();
        }
        drop(port1);
        assert_eq!(calls.count(), 1);
        assert!(matches!(next(&mut stream, &waker), Poll::Ready(None)));
    }
}

#[test]
fn the_own_close_ends_a_stream_at_once() -> Outcome {
    let MessageChannel { mut port1, port2 } = MessageChannel::<u64>::new();
    let mut stream = port2.into_stream();
    port1.post_message(&7)?;
    stream.get_mut().close();
    assert!(matches!(next(&mut stream, Waker::noop()), Poll::Ready(None)));
    assert!(stream.is_terminated());
    Ok(())
}

/// What is wrong with one message is an item, and not the end.
#[test]
fn a_stream_goes_on_behind_a_message_that_is_wrong() -> Outcome {
    let MessageChannel { mut port1, port2 } = MessageChannel::<Hostile>::new();
    port1.post_message(&Hostile::lying(b"lying"))?;
    port1.post_message(&Hostile::honest(REFUSED))?;
    port1.post_message(&Hostile::honest(b"good"))?;
    port1.close();
    let (_sender, receiver) = port2.into_split();
    let mut stream = receiver.into_stream();
    let waker = Waker::noop();

    let Poll::Ready(Some(Err(error))) = next(&mut stream, waker) else { panic!("it is a lie") };
    assert!(error.is_invalid_archive() && !error.is_deserialize());
    assert!(error.to_string().starts_with("the archive is not valid: "), "{error}");
    assert!(!stream.is_terminated());

    let Poll::Ready(Some(Err(error))) = next(&mut stream, waker) else { panic!("it is refused") };
    let StreamError::Deserialize(reason) = &error else { panic!("{error}") };
    assert_eq!(reason.source().and_then(<dyn Error>::downcast_ref), Some(&Refused));
    assert_eq!(error.to_string(), "the message could not be deserialised: refused");

    let Poll::Ready(Some(Ok(message))) = next(&mut stream, waker) else { panic!("it is good") };
    assert_eq!(message, Hostile::honest(b"good"));
    assert!(matches!(next(&mut stream, waker), Poll::Ready(None)));
    Ok(())
}

/// Whatever the stream did not yield is still there; the task is not woken any more.
#[test]
fn a_stream_that_is_given_up_loses_nothing() -> Outcome {
    let MessageChannel { mut port1, port2 } = MessageChannel::<u64>::new();
    let (_sender, receiver) = port2.into_split();
    let mut stream = receiver.into_stream();
    let (calls, waker) = Wakes::watched();
    assert!(next(&mut stream, &waker).is_pending());
    let mut receiver = stream.into_inner();
    drop(waker);
    assert_eq!(Arc::strong_count(&calls), 1);
    port1.post_messages(&[1, 2])?;
    assert_eq!(calls.count(), 0);
    assert_eq!(*receiver.recv()?, 1);

    let mut stream = receiver.into_stream();
    assert!(matches!(next(&mut stream, Waker::noop()), Poll::Ready(Some(Ok(2)))));
    assert!(next(&mut stream, Waker::noop()).is_pending());
    drop(stream);
    assert!(port1.post_message(&3).unwrap_err().is_disconnected());
    Ok(())
}

/// Both directions of a port wake their own task.
#[test]
fn a_port_is_a_stream_and_a_sink() -> Outcome {
    let MessageChannel { port1, mut port2 } = MessageChannel::<u64, String>::with_capacity(64);
    let mut port = port1.into_stream();
    let mut sent = 0;
    while ready(&mut port, Waker::noop()).is_ready() {
        Pin::new(&mut port).start_send(sent)?;
        sent += 1;
    }
    let (arrivals, on_arrival) = Wakes::watched();
    let (rooms, on_room) = Wakes::watched();
    assert!(next(&mut port, &on_arrival).is_pending());
    assert!(flush(&mut port, &on_room).is_pending());
    port2.post_message(&"arrived".to_owned())?;
    assert_eq!((arrivals.count(), rooms.count()), (1, 0));
    assert_eq!(*port2.recv()?, 0);
    assert_eq!((arrivals.count(), rooms.count()), (1, 1));
    let Poll::Ready(Some(Ok(text))) = next(&mut port, &on_arrival) else { panic!("lost") };
    assert_eq!(text, "arrived");
    assert!(matches!(flush(&mut port, &on_room), Poll::Ready(Ok(()))));
    for number in 1..sent {
        assert_eq!(*port2.recv()?, number);
    }
    Ok(())
}

/// The port comes back with its handlers, what it received, and no task to be woken.
#[test]
fn a_port_is_given_back_whole() -> Outcome {
    let MessageChannel { mut port1, mut port2 } = MessageChannel::<u64>::with_capacity(64);
    port1.set_onmessage(|event| {
        let number = event.data().to_native();
        event.target().post_message(&number)
    });
    let mut stream = port1.into_stream();
    let mut sent = 0;
    let (calls, waker) = Wakes::watched();
    assert!(next(&mut stream, &waker).is_pending());
    while ready(&mut stream, &waker).is_ready() {
        Pin::new(&mut stream).start_send(sent)?;
        sent += 1;
    }
    let (mut port1, held) = stream.into_inner();
    drop(waker);
    assert_eq!(Arc::strong_count(&calls), 1);
    assert_eq!(held, Some(sent - 1));
    for number in 0..sent - 1 {
        assert_eq!(*port2.recv()?, number);
    }
    port2.post_message(&7)?;
    assert_eq!(port1.dispatch()?, 1);
    assert_eq!(*port2.recv()?, 7);
    assert_eq!(calls.count(), 0);
    Ok(())
}

/// Both ends wait for room on each other: tasks may receive meanwhile, so nobody is refused, and
/// it goes on as soon as one of them does.
#[test]
fn e5_two_sinks_that_wait_for_each_other_are_not_refused() -> Outcome {
    let MessageChannel { port1, port2 } = MessageChannel::<u64>::with_capacity(64);
    let (mut port1, mut port2) = (port1.into_stream(), port2.into_stream());
    for port in [&mut port1, &mut port2] {
        while ready(port, Waker::noop()).is_ready() {
            Pin::new(&mut *port).start_send(7)?;
        }
    }
    assert!(ready(&mut port1, Waker::noop()).is_pending());
    assert!(matches!(next(&mut port2, Waker::noop()), Poll::Ready(Some(Ok(7)))));
    assert!(matches!(ready(&mut port1, Waker::noop()), Poll::Ready(Ok(()))));
    Ok(())
}

/// What the combinators of the ecosystem ask of both.
#[test]
fn combinators_work_on_a_port() -> Outcome {
    let MessageChannel { port1, port2 } = MessageChannel::<Vec<String>>::new();
    let values: Vec<_> = (0..10).map(|n| vec![n.to_string(); n]).collect();
    let (mut sink, _stream) = port1.into_stream().split();
    let (_sink, stream) = port2.into_stream().split();
    let received: Vec<_> = futures_lite::future::block_on(async {
        sink.send_all(&mut stream::iter(values.clone()).map(Ok)).await?;
        Ok::<_, PostError>(stream.take(values.len()).map(Result::unwrap).collect().await)
    })?;
    assert_eq!(received, values);
    Ok(())
}
