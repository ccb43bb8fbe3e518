//! The posting half of a port as a sink, polled by hand.
#![cfg(feature = "futures")]

mod common;
#[path = "common/streams.rs"]
mod streams;
#[path = "common/wakes.rs"]
mod wakes;

use std::error::Error;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use futures_sink::Sink;
use message_port::{MessageChannel, MessagePort, PostError, Receiver, Sender, SenderSink};

use common::clone::{Doubtful, Ending};
use streams::{flush, next, ready, send};
use wakes::Wakes;

type Outcome = Result<(), Box<dyn Error>>;

fn fill(port: &mut Sender<u64>) -> u64 {
    let mut posted = 0;
    while port.try_post_message(&posted).is_ok() {
        posted += 1;
    }
    posted
}

/// A sink whose ring is full, what is in it, and the other port.
fn full() -> (SenderSink<u64>, u64, MessagePort<u64>, Receiver<u64>) {
    let MessageChannel { port1, port2 } = MessageChannel::<u64>::with_capacity(64);
    let (mut sender, receiver) = port1.into_split();
    let posted = fill(&mut sender);
    (sender.into_sink(), posted, port2, receiver)
}

/// A message is in the ring when `start_send` returns, without a flush, if there is room.
#[test]
fn a_sink_posts_at_once_if_there_is_room() -> Outcome {
    let MessageChannel { port1, mut port2 } = MessageChannel::<u64>::new();
    let (sender, _receiver) = port1.into_split();
    let mut sink = sender.into_sink();
    for number in 1..=3 {
        send(&mut sink, number)?;
        assert_eq!(*port2.try_recv()?, number);
    }
    assert!(matches!(flush(&mut sink, Waker::noop()), Poll::Ready(Ok(()))));
    assert_eq!(sink.into_inner().1, None);
    Ok(())
}

/// Without room a sink accepts one message, and is ready again when that one has been posted.
#[test]
fn a_sink_holds_one_message() -> Outcome {
    let (mut sink, posted, mut port2, _receiver) = full();
    let (calls, waker) = Wakes::watched();
    send(&mut sink, posted)?;
    assert_eq!(port2.len() as u64, posted);
    for _ in 0..3 {
        assert!(ready(&mut sink, &waker).is_pending());
        assert!(flush(&mut sink, &waker).is_pending());
        assert!(Pin::new(&mut sink).poll_close(&mut Context::from_waker(&waker)).is_pending());
    }
    assert_eq!(calls.count(), 0);
    assert_eq!(*port2.try_recv()?, 0);
    assert_eq!(calls.count(), 1);
    assert!(matches!(ready(&mut sink, &waker), Poll::Ready(Ok(()))));
    drop(waker);
    assert_eq!(Arc::strong_count(&calls), 1, "nobody waits any more");
    Pin::new(&mut sink).start_send(posted + 1)?;
    let (_sender, held) = sink.into_inner();
    assert_eq!(held, Some(posted + 1));
    for number in 1..=posted {
        assert_eq!(*port2.try_recv()?, number);
    }
    assert!(port2.try_recv().unwrap_err().is_empty());
    Ok(())
}

/// Closing the sink posts what it holds. The channel stays open, in both directions, until the
/// sink is dropped, and then it is not closed either.
#[test]
fn c7_closing_a_sink_does_not_close_the_channel() -> Outcome {
    let (mut sink, posted, mut port2, mut receiver) = full();
    send(&mut sink, posted)?;
    port2.recv()?;
    let mut cx = Context::from_waker(Waker::noop());
    assert!(matches!(Pin::new(&mut sink).poll_close(&mut cx), Poll::Ready(Ok(()))));
    assert!(!port2.is_closed() && !port2.is_disconnected());
    port2.post_message(&7)?;
    assert_eq!(*receiver.recv()?, 7);
    for number in 1..=posted {
        assert_eq!(*port2.recv()?, number);
    }
    // It goes on if it is asked to.
    send(&mut sink, 8)?;
    drop(sink);
    assert_eq!(*port2.recv()?, 8);
    assert!(port2.recv().unwrap_err().is_disconnected());
    assert!(!port2.is_closed());
    Ok(())
}

/// A half that is given back leaves nobody to be woken, and waits on its own.
#[test]
fn a_sink_that_is_given_up_lets_go_of_its_task() -> Outcome {
    let (mut sink, posted, mut port2, _receiver) = full();
    let (calls, waker) = Wakes::watched();
    send(&mut sink, posted)?;
    assert!(flush(&mut sink, &waker).is_pending());
    drop(waker);
    assert_eq!(Arc::strong_count(&calls), 2, "the sink keeps it");
    let (mut sender, held) = sink.into_inner();
    assert_eq!(Arc::strong_count(&calls), 1);
    assert_eq!(held, Some(posted));
    port2.recv()?;
    assert_eq!(calls.count(), 0);
    sender.try_post_message(&posted)?;
    Ok(())
}

/// A sink that is dropped is as one that was never flushed: the message it holds is gone.
#[test]
fn a_sink_that_is_dropped_drops_what_it_holds() -> Outcome {
    let (mut sink, posted, mut port2, _receiver) = full();
    send(&mut sink, posted)?;
    drop(sink);
    for number in 0..posted {
        assert_eq!(*port2.recv()?, number);
    }
    assert!(port2.recv().unwrap_err().is_disconnected());
    Ok(())
}

#[test]
fn start_send_without_poll_ready_panics() -> Outcome {
    let MessageChannel { port1, mut port2 } = MessageChannel::<u64>::new();
    let (sender, _receiver) = port1.into_split();
    let mut sink = sender.into_sink();
    let start_send = |sink: &mut SenderSink<u64>| {
        catch_unwind(AssertUnwindSafe(|| Pin::new(sink).start_send(1)))
            .map_err(|panic| *panic.downcast_ref::<&str>().expect("a panic with a constant text"))
    };
    let expected = "`start_send` without a `poll_ready` that succeeded";
    // Before the first `poll_ready`, and with one for two messages.
    assert_eq!(start_send(&mut sink).unwrap_err(), expected);
    send(&mut sink, 7)?;
    assert_eq!(start_send(&mut sink).unwrap_err(), expected);
    // Nothing of it was posted, and the sink is usable.
    send(&mut sink, 8)?;
    assert_eq!(*port2.try_recv()?, 7);
    assert_eq!(*port2.try_recv()?, 8);
    assert!(port2.try_recv().unwrap_err().is_empty());
    Ok(())
}

/// A `poll_ready` that failed does not count.
#[test]
#[should_panic(expected = "`start_send` without a `poll_ready` that succeeded")]
fn start_send_after_a_poll_ready_that_failed_panics() {
    let MessageChannel { port1, mut port2 } = MessageChannel::<u64>::new();
    let mut sink = port1.into_stream();
    port2.close();
    assert!(matches!(ready(&mut sink, Waker::noop()), Poll::Ready(Err(PostError::Closed))));
    let _ = Pin::new(&mut sink).start_send(7);
}

#[test]
fn a_sink_says_that_the_channel_has_ended_before_it_takes_a_message() {
    let MessageChannel { port1, mut port2 } = MessageChannel::<u64>::new();
    let (sender, _receiver) = port1.into_split();
    let mut sink = sender.into_sink();
    port2.close();
    assert!(matches!(ready(&mut sink, Waker::noop()), Poll::Ready(Err(PostError::Closed))));
    // Nothing is held, so there is nothing that could fail.
    assert!(matches!(flush(&mut sink, Waker::noop()), Poll::Ready(Ok(()))));

    let MessageChannel { port1, port2 } = MessageChannel::<u64>::new();
    let mut sink = port1.into_stream();
    drop(port2);
    assert!(matches!(ready(&mut sink, Waker::noop()), Poll::Ready(Err(PostError::Disconnected))));
}

/// The channel may end between the two calls, and while a message is held: that one is refused,
/// once.
#[test]
fn a_sink_says_that_a_message_was_refused_by_the_end() -> Outcome {
    let MessageChannel { port1, mut port2 } = MessageChannel::<u64>::new();
    let (sender, _receiver) = port1.into_split();
    let mut sink = sender.into_sink();
    assert!(matches!(ready(&mut sink, Waker::noop()), Poll::Ready(Ok(()))));
    port2.close();
    assert!(Pin::new(&mut sink).start_send(7).unwrap_err().is_closed());

    for close in [true, false] {
        let (mut sink, posted, mut port2, _receiver) = full();
        let (calls, waker) = Wakes::watched();
        send(&mut sink, posted)?;
        assert!(flush(&mut sink, &waker).is_pending());
        if close {
            port2.close();
        }
        drop(port2);
        assert_eq!(calls.count(), 1);
        let Poll::Ready(Err(error)) = flush(&mut sink, &waker) else { panic!("it was posted") };
        assert_eq!((error.is_closed(), error.is_disconnected()), (close, !close));
        assert!(matches!(flush(&mut sink, &waker), Poll::Ready(Ok(()))));
        assert_eq!(sink.into_inner().1, None);
    }
    Ok(())
}

/// What is wrong with one message is no reason not to send the next one.
#[test]
fn e1_a_sink_goes_on_behind_a_message_that_is_wrong() -> Outcome {
    let MessageChannel { port1, mut port2 } =
        MessageChannel::<Doubtful>::builder().capacity(256).max_message_len(1000).build()?;
    let (sender, _receiver) = port1.into_split();
    let mut sink = sender.into_sink();
    assert!(send(&mut sink, Doubtful::good(&[1; 2000])).unwrap_err().is_too_large());
    assert!(send(&mut sink, Doubtful::new(b"bad", Ending::Error)).unwrap_err().is_data_clone());
    let bad = Doubtful::new(b"bad", Ending::Panic);
    assert!(catch_unwind(AssertUnwindSafe(|| send(&mut sink, bad))).is_err());
    send(&mut sink, Doubtful::good(b"good"))?;
    assert_eq!(port2.recv()?.as_slice(), b"good");
    Ok(())
}

/// The same while the message is held: it is dropped with its failure and not tried again.
#[test]
fn e1_a_sink_gives_up_a_held_message_that_is_wrong() -> Outcome {
    for ending in [Ending::Error, Ending::Panic] {
        let mut channel = common::small::channel::<Doubtful>();
        let posted = common::small::fill(&mut channel.port1);
        let (sender, _receiver) = channel.port1.into_split();
        let mut sink = sender.into_sink();
        // It is measured when it is sent, and fails when there is room for it.
        send(&mut sink, Doubtful::new(&[2; 10], ending).in_calls(2..=2))?;
        channel.port2.recv()?;
        let flushed =
            catch_unwind(AssertUnwindSafe(|| flush(&mut sink, Waker::noop()))).map_err(|_| "panic");
        match ending {
            Ending::Error => {
                assert!(matches!(flushed?, Poll::Ready(Err(PostError::DataClone(_)))));
            }
            _ => assert!(flushed.is_err()),
        }
        send(&mut sink, Doubtful::good(b"good"))?;
        assert_eq!(sink.into_inner().1.map(|held| held.calls()), None);
        for _ in 1..posted {
            assert_eq!(channel.port2.recv()?.as_slice(), [1; 10]);
        }
        assert_eq!(channel.port2.recv()?.as_slice(), b"good");
    }
    Ok(())
}

/// Large messages travel in buffers, of which there are few: the same with them.
#[test]
fn a_sink_holds_a_message_that_waits_for_a_buffer() -> Outcome {
    let MessageChannel { port1, port2 } = MessageChannel::<Vec<u64>>::with_capacity(256);
    let (sender, _receiver) = port1.into_split();
    let mut sink = sender.into_sink();
    let mut stream = port2.into_stream();
    let mut sent = 0;
    let message = |number: u64| vec![number; 100];
    while ready(&mut sink, Waker::noop()).is_ready() {
        Pin::new(&mut sink).start_send(message(sent))?;
        sent += 1;
    }
    for number in 0..sent {
        let Poll::Ready(Some(Ok(received))) = next(&mut stream, Waker::noop()) else {
            panic!("message {number} was lost")
        };
        assert_eq!(received, message(number));
        assert!(matches!(flush(&mut sink, Waker::noop()), Poll::Ready(Ok(()))));
    }
    assert!(next(&mut stream, Waker::noop()).is_pending());
    Ok(())
}
