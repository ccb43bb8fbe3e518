//! M5: a task that always finds a message, or room, lets others run, on every runtime and in every
//! way to receive or to post in a task.
//!
//! Each test runs such a task beside one that wants to stop it, on one thread: the stop comes only
//! if the first one suspends by itself. It ends after so many operations that it cannot be taken
//! for one that does, and fails then. No test looks at a clock.

#[path = "common/wakes.rs"]
mod wakes;
#[path = "common/watchdog.rs"]
mod watchdog;

use std::cell::Cell;
use std::future::Future;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use message_port::{BoxError, MessageChannel, MessagePort};

use wakes::Wakes;
use watchdog::Watchdog;

type Port = MessagePort<u64>;

/// Operations after which a task that was not suspended is greedy, far beyond any budget.
const GREEDY: usize = if cfg!(miri) { 200 } else { 20_000 };
/// What the documentation states.
const BUDGET: usize = 64;

/// A task that goes on for as long as it is let, told by the flag to stop.
type Greedy = fn(Rc<Cell<bool>>) -> Pin<Box<dyn Future<Output = Result<(), BoxError>>>>;

/// Counts operations until somebody else has had a turn.
struct Turns {
    stopped: Rc<Cell<bool>>,
    operations: usize,
}

impl Turns {
    fn new(stopped: Rc<Cell<bool>>) -> Self {
        Self { stopped, operations: 0 }
    }

    /// Whether to go on.
    fn next(&mut self) -> bool {
        assert!(self.operations < GREEDY, "nobody else was let run");
        self.operations += 1;
        !self.stopped.get()
    }
}

/// A channel with so many messages to be received.
fn flood() -> (Port, Port) {
    let MessageChannel { mut port1, port2 } = MessageChannel::with_capacity(1 << 20);
    for number in 0..GREEDY as u64 {
        port1.try_post_message(&number).unwrap();
    }
    (port1, port2)
}

fn empty() -> (Port, Port) {
    let MessageChannel { port1, port2 } = MessageChannel::with_capacity(1 << 20);
    (port1, port2)
}

/// A port whose peer has gone, one way or the other.
fn ended(closes: bool) -> Port {
    let (mut port1, port2) = empty();
    if closes {
        port1.close();
    }
    drop(port1);
    port2
}

const GREEDY_TASKS: [(&str, Greedy); 10] = [
    ("recv_async", |stopped| {
        Box::pin(async move {
            let (_port1, mut port2) = flood();
            let mut turns = Turns::new(stopped);
            let mut expected = 0;
            while turns.next() {
                assert_eq!(*port2.recv_async().await?, expected, "lost or doubled");
                expected += 1;
            }
            Ok(())
        })
    }),
    ("recv_async of a half", |stopped| {
        Box::pin(async move {
            let (_port1, port2) = flood();
            let (_sender, mut receiver) = port2.into_split();
            let mut turns = Turns::new(stopped);
            while turns.next() {
                receiver.recv_async().await?;
            }
            Ok(())
        })
    }),
    ("recv_async_until", |stopped| {
        Box::pin(async move {
            let (_port1, mut port2) = flood();
            let mut turns = Turns::new(stopped);
            while turns.next() {
                port2.recv_async_until(std::future::pending::<()>()).await?;
            }
            Ok(())
        })
    }),
    ("recv_async_until of what does not come", |stopped| {
        Box::pin(async move {
            let (_port1, mut port2) = empty();
            let mut turns = Turns::new(stopped);
            while turns.next() {
                assert!(port2.recv_async_until(async {}).await.unwrap_err().is_timeout());
            }
            Ok(())
        })
    }),
    ("post_message_async", |stopped| {
        Box::pin(async move {
            let (mut port1, port2) = empty();
            let mut turns = Turns::new(stopped);
            let mut posted = 0;
            while turns.next() {
                port1.post_message_async(&posted).await?;
                posted += 1;
            }
            assert_eq!(port2.len() as u64, posted, "lost or doubled");
            Ok(())
        })
    }),
    ("post_message_async of a half", |stopped| {
        Box::pin(async move {
            let (port1, _port2) = empty();
            let (mut sender, _receiver) = port1.into_split();
            let mut turns = Turns::new(stopped);
            while turns.next() {
                sender.post_message_async(&7).await?;
            }
            Ok(())
        })
    }),
    ("post_message_async_until without room", |stopped| {
        Box::pin(async move {
            let MessageChannel { mut port1, port2: _idle } =
                MessageChannel::<u64>::with_capacity(64);
            while port1.try_post_message(&7).is_ok() {}
            let mut turns = Turns::new(stopped);
            while turns.next() {
                let posted = port1.post_message_async_until(&7, async {}).await;
                assert!(posted.unwrap_err().is_timeout());
            }
            Ok(())
        })
    }),
    ("a channel that was closed", |stopped| {
        Box::pin(async move {
            let mut port = ended(true);
            let mut turns = Turns::new(stopped);
            while turns.next() {
                assert!(port.recv_async().await.unwrap_err().is_closed());
                assert!(port.post_message_async(&7).await.unwrap_err().is_closed());
                port.run_async().await?;
            }
            Ok(())
        })
    }),
    ("a channel that was disconnected", |stopped| {
        Box::pin(async move {
            let mut port = ended(false);
            let mut turns = Turns::new(stopped);
            while turns.next() {
                assert!(port.recv_async().await.unwrap_err().is_disconnected());
                assert!(port.post_message_async(&7).await.unwrap_err().is_disconnected());
            }
            Ok(())
        })
    }),
    ("run_async", |stopped| {
        Box::pin(async move {
            let (mut port1, mut port2) = flood();
            port1.close();
            let handled = Arc::new(AtomicBool::new(false));
            let all = Arc::clone(&handled);
            port2.set_onmessage(move |event| {
                if *event.data() == GREEDY as u64 - 1 {
                    all.store(true, Ordering::SeqCst);
                }
            });
            let mut running = pin!(port2.run_async());
            std::future::poll_fn(|cx| {
                let polled = running.as_mut().poll(cx);
                if stopped.get() {
                    return Poll::Ready(());
                }
                assert!(!handled.load(Ordering::SeqCst), "nobody else was let run");
                polled.map(|_| ())
            })
            .await;
            Ok(())
        })
    }),
];

fn check(run: impl Fn(&str, Greedy, Rc<Cell<bool>>)) {
    let _watchdog = Watchdog::start();
    for (name, greedy) in GREEDY_TASKS {
        let stopped = Rc::new(Cell::new(false));
        run(name, greedy, Rc::clone(&stopped));
        assert!(stopped.get(), "{name}: it was not stopped");
    }
}

#[test]
fn m5_no_task_starves_others_on_tokio_with_one_thread() {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    check(|name, greedy, stopped| {
        let local = tokio::task::LocalSet::new();
        local.block_on(&runtime, async {
            let task = tokio::task::spawn_local(greedy(Rc::clone(&stopped)));
            tokio::task::spawn_local(async move { stopped.set(true) }).await.unwrap();
            task.await.unwrap_or_else(|_| panic!("{name}")).unwrap();
        });
    });
}

#[test]
#[cfg_attr(miri, ignore = "the reactor of smol needs what Miri does not have")]
fn m5_no_task_starves_others_on_smol() {
    check(|name, greedy, stopped| {
        let executor = smol::LocalExecutor::new();
        let task = executor.spawn(greedy(Rc::clone(&stopped)));
        executor.spawn(async move { stopped.set(true) }).detach();
        smol::block_on(executor.run(task)).unwrap_or_else(|error| panic!("{name}: {error}"));
    });
}

/// Polled by hand, so that the number of operations between two suspensions can be counted, and
/// that the task was woken for each of them.
#[test]
fn m5_a_task_is_suspended_after_so_many_operations() {
    let (mut port1, mut port2) = flood();
    let (calls, waker) = Wakes::watched();
    let mut cx = Context::from_waker(&waker);
    let mut expected = 0;
    for round in 1..=if cfg!(miri) { 1 } else { 10 } {
        // Each time by another call: the budget is the half's.
        for _ in 0..BUDGET {
            match port2.poll_recv(&mut cx) {
                Poll::Ready(message) => assert_eq!(*message.unwrap(), expected),
                Poll::Pending => panic!("round {round}"),
            }
            expected += 1;
        }
        assert!(pin!(port2.recv_async()).poll(&mut cx).is_pending());
        assert_eq!(calls.count(), 3 * round - 2);
        for _ in 0..BUDGET {
            let Poll::Ready(message) = pin!(port2.recv_async()).poll(&mut cx) else {
                panic!("round {round}");
            };
            assert_eq!(*message.unwrap(), expected);
            expected += 1;
        }
        assert!(port2.poll_recv(&mut cx).is_pending());
        assert!(port2.try_recv().is_ok(), "a call that does not wait is not concerned");
        expected += 1;
        for _ in 0..BUDGET {
            assert!(port1.poll_post_message(&mut cx, &7).is_ready());
        }
        assert!(pin!(port1.post_message_async(&7)).poll(&mut cx).is_pending());
        assert_eq!(calls.count(), 3 * round);
    }
}

/// A task that waits now and then is not suspended beyond that.
#[test]
fn m5_a_task_that_waits_has_the_whole_budget_again() {
    let (mut port1, mut port2) = empty();
    let mut cx = Context::from_waker(Waker::noop());
    for number in 0..10 * BUDGET as u64 {
        assert!(port2.poll_recv(&mut cx).is_pending());
        port1.try_post_message(&number).unwrap();
        assert!(matches!(port2.poll_recv(&mut cx), Poll::Ready(Ok(message)) if *message == number));
    }
}

/// A limit of time around a task that is never out of messages.
#[test]
fn m5_a_timeout_ends_a_flood_on_tokio() {
    let _watchdog = Watchdog::start();
    let one = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let many = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_time()
        .build()
        .unwrap();
    for runtime in [&one, &many] {
        let (ended, rounds) = runtime.block_on(async {
            tokio::spawn(async {
                let MessageChannel { mut port1, mut port2 } = MessageChannel::<u64>::new();
                let mut rounds = 0u64;
                let echo = async {
                    loop {
                        // Without this it ends with the watchdog.
                        port1.post_message_async(&rounds).await.unwrap();
                        assert_eq!(*port2.recv_async().await.unwrap(), rounds);
                        rounds += 1;
                    }
                };
                let ended = tokio::time::timeout(Duration::from_millis(5), echo).await;
                (ended.is_err(), rounds)
            })
            .await
            .unwrap()
        });
        assert!(ended && rounds > 0);
    }
}

/// A runtime shuts down although a task loops over a channel that has ended.
#[test]
fn m5_a_loop_over_an_ended_channel_does_not_keep_a_runtime() {
    let _watchdog = Watchdog::start();
    for closes in [true, false] {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).build().unwrap();
        let mut port = ended(closes);
        let (start, started) = tokio::sync::oneshot::channel();
        runtime.spawn(async move {
            let _ = start.send(());
            loop {
                assert!(port.recv_async().await.is_err());
            }
        });
        runtime.block_on(started).unwrap();
        drop(runtime);
    }
}
