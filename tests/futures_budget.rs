//! M5: streams and sinks that are always ready let other tasks run.
#![cfg(feature = "futures")]

#[path = "common/watchdog.rs"]
mod watchdog;

use std::cell::Cell;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;

use futures_util::{SinkExt, StreamExt, stream};
use message_port::{BoxError, MessageChannel, MessagePort};

use watchdog::Watchdog;

/// Operations after which a task that was not suspended is greedy, far beyond any budget.
const GREEDY: u64 = if cfg!(miri) { 200 } else { 20_000 };

type Greedy = fn(Rc<Cell<bool>>) -> Pin<Box<dyn Future<Output = Result<(), BoxError>>>>;

/// A port with so many messages to be received, and its peer.
fn flood() -> (MessagePort<u64>, MessagePort<u64>) {
    let MessageChannel { mut port1, port2 } = MessageChannel::with_capacity(1 << 20);
    for number in 0..=GREEDY {
        port1.try_post_message(&number).unwrap();
    }
    (port2, port1)
}

fn empty() -> (MessagePort<u64>, MessagePort<u64>) {
    let MessageChannel { port1, port2 } = MessageChannel::with_capacity(1 << 20);
    (port1, port2)
}

/// Numbers until somebody else has had a turn.
fn numbers(stopped: Rc<Cell<bool>>) -> impl Iterator<Item = u64> {
    (0..=GREEDY).take_while(move |number| {
        let goes_on = !stopped.get();
        assert!(!goes_on || *number < GREEDY, "nobody else was let run");
        goes_on
    })
}

const GREEDY_TASKS: [(&str, Greedy); 8] = [
    ("for_each of a receiver", |stopped| {
        Box::pin(async move {
            let (port, _peer) = flood();
            let (_sender, receiver) = port.into_split();
            let mut expected = numbers(Rc::clone(&stopped));
            let mut stream = receiver.into_stream().take_while(|number| {
                let expected = expected.next();
                assert!(expected.is_none() || *number.as_ref().unwrap() == expected.unwrap());
                std::future::ready(expected.is_some())
            });
            stream.by_ref().for_each(async |_| {}).await;
            Ok(())
        })
    }),
    ("for_each of a port", |stopped| {
        Box::pin(async move {
            let (port, _peer) = flood();
            let mut expected = numbers(stopped);
            port.into_stream()
                .take_while(|_| std::future::ready(expected.next().is_some()))
                .for_each(async |_| {})
                .await;
            Ok(())
        })
    }),
    ("a stream that has ended", |stopped| {
        Box::pin(async move {
            let (port, peer) = empty();
            drop(peer);
            let mut stream = port.into_split().1.into_stream();
            for _ in numbers(stopped) {
                assert!(stream.next().await.is_none());
            }
            Ok(())
        })
    }),
    ("send", |stopped| {
        Box::pin(async move {
            let (port, peer) = empty();
            let mut sink = port.into_split().0.into_sink();
            let mut sent = 0;
            for number in numbers(stopped) {
                sink.send(number).await?;
                sent += 1;
            }
            assert_eq!(peer.len(), sent, "lost or doubled");
            Ok(())
        })
    }),
    ("feed", |stopped| {
        Box::pin(async move {
            let (port, peer) = empty();
            let mut port = port.into_stream();
            let mut fed = 0;
            for number in numbers(stopped) {
                port.feed(number).await?;
                fed += 1;
            }
            assert_eq!(peer.len(), fed, "lost or doubled");
            Ok(())
        })
    }),
    ("flush", |stopped| {
        Box::pin(async move {
            let (port, _peer) = empty();
            let mut sink = port.into_split().0.into_sink();
            for _ in numbers(stopped) {
                sink.flush().await?;
            }
            Ok(())
        })
    }),
    ("a sink that has ended", |stopped| {
        Box::pin(async move {
            let (port, mut peer) = empty();
            peer.close();
            let mut sink = port.into_split().0.into_sink();
            for number in numbers(stopped) {
                assert!(sink.feed(number).await.unwrap_err().is_closed());
            }
            Ok(())
        })
    }),
    ("forward", |stopped| {
        Box::pin(async move {
            let (port, _peer) = empty();
            stream::iter(numbers(stopped)).map(Ok).forward(port.into_stream()).await?;
            Ok(())
        })
    }),
];

#[test]
fn m5_no_stream_or_sink_starves_others_on_tokio() {
    let _watchdog = Watchdog::start();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    for (name, greedy) in GREEDY_TASKS {
        let stopped = Rc::new(Cell::new(false));
        tokio::task::LocalSet::new().block_on(&runtime, async {
            let task = tokio::task::spawn_local(greedy(Rc::clone(&stopped)));
            let stop = Rc::clone(&stopped);
            tokio::task::spawn_local(async move { stop.set(true) }).await.unwrap();
            task.await.unwrap_or_else(|_| panic!("{name}")).unwrap();
        });
        assert!(stopped.get(), "{name}");
    }
}

#[test]
#[cfg_attr(miri, ignore = "the reactor of smol needs what Miri does not have")]
fn m5_no_stream_or_sink_starves_others_on_smol() {
    let _watchdog = Watchdog::start();
    for (name, greedy) in GREEDY_TASKS {
        let stopped = Rc::new(Cell::new(false));
        let executor = smol::LocalExecutor::new();
        let task = executor.spawn(greedy(Rc::clone(&stopped)));
        let stop = Rc::clone(&stopped);
        executor.spawn(async move { stop.set(true) }).detach();
        smol::block_on(executor.run(task)).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert!(stopped.get(), "{name}");
    }
}
