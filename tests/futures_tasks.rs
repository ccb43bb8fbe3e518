//! Streams and sinks in tasks of several runtimes and without one: what travels between them, and
//! what becomes of it when their futures are dropped.
#![cfg(feature = "futures")]

#[path = "common/runtimes.rs"]
mod runtimes;
#[path = "common/watchdog.rs"]
mod watchdog;

use std::thread;

use futures_lite::future::{block_on, zip};
use futures_util::{SinkExt, StreamExt, TryStreamExt, stream};
use message_port::{BoxError, MessageChannel, MessagePort, PortStream, ReceiverStream, SenderSink};

use runtimes::{cancelled_after, smol, tokio};
use watchdog::Watchdog;

type Outcome = Result<(), BoxError>;

const MESSAGES: u64 = if cfg!(miri) { 60 } else { 20_000 };
/// In each of the three ways to run a task.
const CANCELLATIONS: u64 = if cfg!(miri) { 60 } else { 35_000 };

/// A ring that is full all the time.
fn channel() -> MessageChannel<u64> {
    MessageChannel::with_capacity(64)
}

/// The halves in use; the other two keep the ports from looking disconnected.
fn sink_and_stream() -> (SenderSink<u64>, ReceiverStream<u64>) {
    let MessageChannel { port1, port2 } = channel();
    (port1.into_split().0.into_sink(), port2.into_split().1.into_stream())
}

async fn send_all(sink: SenderSink<u64>) -> Outcome {
    Ok(stream::iter(0..MESSAGES).map(Ok).forward(sink).await?)
}

/// `forward` drops the sink at its end, which ends the stream.
async fn receive_all(stream: ReceiverStream<u64>) -> Outcome {
    let count = stream
        .try_fold(0, async |expected, number| {
            assert_eq!(number, expected, "lost or doubled");
            Ok(expected + 1)
        })
        .await?;
    assert_eq!(count, MESSAGES);
    Ok(())
}

/// Sends back what arrives, until nothing does any more.
async fn echo(port: PortStream<u64>) -> Outcome {
    let (sink, stream) = port.split();
    stream.map_err(BoxError::from).forward(sink.sink_err_into()).await
}

/// Sends and receives at the same time, from one task.
async fn ask_and_compare(port: PortStream<u64>) -> Outcome {
    let (mut sink, stream) = port.split();
    let ask = async {
        sink.send_all(&mut stream::iter(0..MESSAGES).map(Ok)).await?;
        Ok::<_, BoxError>(())
    };
    let compare = stream.take(usize::try_from(MESSAGES)?).try_fold(0, async |expected, number| {
        assert_eq!(number, expected, "lost or doubled");
        Ok(expected + 1)
    });
    let (asked, compared) = zip(ask, compare).await;
    asked?;
    assert_eq!(compared?, MESSAGES);
    Ok(())
}

/// Between two tasks of one runtime, of two runtimes, and two threads without any.
#[test]
fn streams_forward_from_task_to_task() -> Outcome {
    let _watchdog = Watchdog::start();
    let (sink, stream) = sink_and_stream();
    tokio::run(async {
        let sending = ::tokio::spawn(send_all(sink));
        receive_all(stream).await?;
        sending.await?
    })?;

    let (sink, stream) = sink_and_stream();
    let receiving = thread::spawn(|| smol::run(receive_all(stream)));
    tokio::run(send_all(sink))?;
    receiving.join().unwrap()?;

    let (sink, stream) = sink_and_stream();
    let sending = thread::spawn(|| block_on(send_all(sink)));
    block_on(receive_all(stream))?;
    sending.join().unwrap()?;

    // Both in one future: neither ever blocks the thread.
    let (sink, stream) = sink_and_stream();
    let (sent, received) = block_on(zip(send_all(sink), receive_all(stream)));
    sent?;
    received
}

/// What comes out of one channel goes into the next one.
#[test]
fn streams_forward_from_channel_to_channel() -> Outcome {
    let _watchdog = Watchdog::start();
    let (first, middle) = sink_and_stream();
    let (next, last) = sink_and_stream();
    let sending = thread::spawn(|| smol::run(send_all(first)));
    let passing =
        thread::spawn(|| block_on(middle.map_err(BoxError::from).forward(next.sink_err_into())));
    tokio::run(receive_all(last))?;
    passing.join().unwrap()?;
    sending.join().unwrap()
}

/// Both directions of both ports at once.
#[test]
fn a_port_that_is_split_echoes() -> Outcome {
    let _watchdog = Watchdog::start();
    let MessageChannel { port1, port2 } = channel();
    let echoing = thread::spawn(|| tokio::run(echo(port2.into_stream())));
    smol::run(ask_and_compare(port1.into_stream()))?;
    echoing.join().unwrap()?;

    let MessageChannel { port1, port2 } = channel();
    let (asked, echoed) =
        block_on(zip(ask_and_compare(port1.into_stream()), echo(port2.into_stream())));
    asked?;
    echoed
}

/// A thread at one end, a task at the other, in both directions.
#[test]
fn a_stream_gets_on_with_a_thread() -> Outcome {
    let _watchdog = Watchdog::start();
    let MessageChannel { port1, mut port2 } = channel();
    let echoing = thread::spawn(move || -> Outcome {
        while let Ok(number) = port2.recv().map(|number| number.to_native()) {
            port2.post_message(&number)?;
        }
        Ok(())
    });
    tokio::run(ask_and_compare(port1.into_stream()))?;
    echoing.join().unwrap()
}

/// Takes the next item until so many `next()` were dropped before they were ready.
async fn receive_now_and_then() -> Outcome {
    let MessageChannel { mut port1, port2 } = MessageChannel::<u64>::with_capacity(256);
    let sender = thread::spawn(move || {
        let mut accepted = 0;
        // Until the receiver has had enough.
        while port1.post_message(&accepted).is_ok() {
            accepted += 1;
        }
        (accepted, port1.into_split().0.close_event())
    });
    let mut stream = port2.into_stream();
    let (mut expected, mut cancelled) = (0, 0);
    for turn in 0.. {
        if cancelled == CANCELLATIONS {
            break;
        }
        if let Some(number) = cancelled_after(turn % 3, stream.next()).await {
            assert_eq!(number.transpose()?, Some(expected), "lost or doubled");
            expected += 1;
            continue;
        }
        cancelled += 1;
        if cancelled.is_multiple_of(1000) {
            // The stream itself may be given up, too.
            stream = stream.into_inner().0.into_stream();
        }
    }
    stream.get_mut().close();
    let (accepted, event) = sender.join().unwrap();
    assert_eq!(accepted, expected + event.unwrap().undelivered_messages());
    Ok(())
}

/// Receives until the end, and says how many there were.
fn count(mut port: MessagePort<u64>) -> u64 {
    let mut expected = 0;
    while let Ok(number) = port.recv() {
        assert_eq!(*number, expected, "lost or doubled");
        expected += 1;
    }
    expected
}

/// Feeds each message until that was not dropped; `feed` takes it when the sink is ready for it.
async fn feed_now_and_then() -> Outcome {
    let MessageChannel { port1, port2 } = channel();
    let receiver = thread::spawn(|| count(port2));
    let (sender, _receiver) = port1.into_split();
    let mut sink = sender.into_sink();
    let (mut sent, mut cancelled) = (0, 0);
    for turn in 0.. {
        if cancelled == CANCELLATIONS {
            break;
        }
        if let Some(outcome) = cancelled_after(turn % 3, sink.feed(sent)).await {
            outcome?;
            sent += 1;
            continue;
        }
        cancelled += 1;
        if cancelled.is_multiple_of(1000) {
            // The sink itself may be given up, too, and gives back what it holds.
            let (sender, held) = sink.into_inner();
            sink = sender.into_sink();
            if let Some(held) = held {
                sink.send(held).await?;
            }
        }
    }
    sink.flush().await?;
    sink.get_mut().close();
    assert_eq!(receiver.join().unwrap(), sent);
    Ok(())
}

/// The flushes are dropped: what was accepted stays in the sink.
async fn flush_now_and_then() -> Outcome {
    let MessageChannel { port1, port2 } = channel();
    let receiver = thread::spawn(|| count(port2));
    let mut sink = port1.into_stream();
    let (mut sent, mut cancelled) = (0, 0);
    for turn in 0.. {
        if cancelled == CANCELLATIONS {
            break;
        }
        sink.feed(sent).await?;
        sent += 1;
        // Whether it was dropped or not says nothing about the message.
        if cancelled_after(turn % 3, SinkExt::<u64>::flush(&mut sink)).await.is_none() {
            cancelled += 1;
        }
    }
    SinkExt::<u64>::flush(&mut sink).await?;
    sink.get_mut().close();
    assert_eq!(receiver.join().unwrap(), sent);
    Ok(())
}

#[test]
fn kanal_24_stream_next_is_dropped() -> Outcome {
    let _watchdog = Watchdog::start();
    tokio::run(receive_now_and_then())?;
    smol::run(receive_now_and_then())?;
    block_on(receive_now_and_then())
}

#[test]
fn kanal_24_sink_feed_is_dropped() -> Outcome {
    let _watchdog = Watchdog::start();
    tokio::run(feed_now_and_then())?;
    smol::run(feed_now_and_then())?;
    block_on(feed_now_and_then())
}

#[test]
fn kanal_24_sink_flush_is_dropped() -> Outcome {
    let _watchdog = Watchdog::start();
    tokio::run(flush_now_and_then())?;
    smol::run(flush_now_and_then())?;
    block_on(flush_now_and_then())
}
