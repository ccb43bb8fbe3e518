//! Handlers in a task.

#[path = "common/log.rs"]
mod log;
#[path = "common/wakes.rs"]
mod wakes;
#[path = "common/watchdog.rs"]
mod watchdog;

use std::cell::Cell;
use std::error::Error;
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::{Poll, Waker};
use std::thread;

use futures_lite::future::{block_on, yield_now};
use message_port::{ClosedBy, DispatchError, MessageChannel, MessagePort};

use log::Log;
use wakes::{Wakes, poll};
use watchdog::Watchdog;

type Outcome = Result<(), Box<dyn Error>>;

/// A port that writes down what it is told.
fn logging(port: &mut MessagePort<u64>) -> Log<String> {
    let log = Log::new();
    let (on_message, on_error, on_close) = (log.clone(), log.clone(), log.clone());
    port.set_onmessage(move |event| {
        let number = event.data().to_native();
        on_message.push(format!("message {number}"));
        if number == 13 { Err("unlucky") } else { Ok(()) }
    });
    port.set_onmessageerror(move |event| {
        on_error.push(format!("messageerror {}", event.data().is_some()));
    });
    port.set_onclose(move |event| on_close.push(format!("close by {:?}", event.closed_by())));
    log
}

#[test]
fn h2_the_order_of_events_is_that_of_run() -> Outcome {
    let MessageChannel { mut port1, mut port2 } = MessageChannel::<u64>::new();
    let log = logging(&mut port2);
    port1.post_messages(&[12, 13, 14])?;
    port1.close();
    block_on(port2.run_async())?;
    let expected = ["message 12", "message 13", "messageerror true", "message 14"];
    let events = log.take();
    assert_eq!(events[..4], expected);
    assert_eq!(events[4..], [format!("close by {:?}", ClosedBy::Peer)]);
    Ok(())
}

#[test]
fn h4_a_failure_ends_the_future_and_running_again_goes_on() -> Outcome {
    let MessageChannel { mut port1, mut port2 } = MessageChannel::<u64>::new();
    let log = logging(&mut port2);
    port2.clear_onmessageerror();
    port1.post_messages(&[12, 13, 14])?;
    port1.close();
    assert!(matches!(block_on(port2.run_async()), Err(DispatchError::Message(_))));
    assert_eq!(log.take(), ["message 12", "message 13"]);
    block_on(port2.run_async())?;
    assert_eq!(log.take(), ["message 14", "close by Peer"]);
    Ok(())
}

#[test]
fn d7_handlers_reply_while_both_ports_run() -> Outcome {
    const ROUNDS: u64 = if cfg!(miri) { 40 } else { 2000 };
    let _watchdog = Watchdog::start();
    let MessageChannel { mut port1, mut port2 } = MessageChannel::<u64>::with_capacity(64);
    let reached = Arc::new(AtomicU64::new(0));
    let highest = Arc::clone(&reached);
    port1.set_onmessage(move |event| {
        let number = event.data().to_native();
        highest.store(number, Ordering::SeqCst);
        if number == ROUNDS {
            event.target().close();
            return Ok(());
        }
        event.target().post_message(&(number + 1))
    });
    port2.set_onmessage(|event| {
        let next = event.data().to_native() + 1;
        event.target().post_message(&next)
    });
    port2.post_message(&0)?;
    let other = thread::spawn(move || block_on(port2.run_async()));
    block_on(port1.run_async())?;
    other.join().unwrap()?;
    assert_eq!(reached.load(Ordering::SeqCst), ROUNDS);
    Ok(())
}

/// Ten thousand messages are there, and still another task on the same thread gets its turns.
#[test]
fn other_tasks_run_between_messages() -> Outcome {
    const MESSAGES: u64 = if cfg!(miri) { 700 } else { 10_000 };
    let _watchdog = Watchdog::start();
    let MessageChannel { mut port1, mut port2 } = MessageChannel::<u64>::with_capacity(1 << 20);
    port1.post_messages(&(0..MESSAGES).collect::<Vec<_>>())?;
    port1.close();

    let turns = Arc::new(AtomicU64::new(0));
    let ended = Arc::new(AtomicBool::new(false));
    let seen = Log::new();
    let (others, log) = (Arc::clone(&turns), seen.clone());
    port2.set_onmessage(move |_| log.push(others.load(Ordering::SeqCst)));

    let executor = smol::LocalExecutor::new();
    let (turning, until) = (Arc::clone(&turns), Arc::clone(&ended));
    let other = executor.spawn(async move {
        while !until.load(Ordering::SeqCst) {
            turning.fetch_add(1, Ordering::SeqCst);
            yield_now().await;
        }
    });
    let running = executor.spawn(async move { port2.run_async().await });
    block_on(executor.run(async {
        running.await?;
        ended.store(true, Ordering::SeqCst);
        other.await;
        Ok::<(), DispatchError>(())
    }))?;

    let seen = seen.take();
    assert_eq!(seen.len() as u64, MESSAGES);
    let longest = seen.chunk_by(|a, b| a == b).map(<[u64]>::len).max().unwrap_or(0);
    assert!(longest <= 500, "{longest} messages in a row without a turn of the other task");
    Ok(())
}

/// What a yield suspends goes on by itself: nobody else would wake the task.
#[test]
fn a_yield_wakes_its_own_task() -> Outcome {
    let MessageChannel { mut port1, mut port2 } = MessageChannel::<u64>::new();
    port1.post_messages(&[0; 200])?;
    port1.close();
    port2.set_onmessage(|_| ());
    let (calls, waker) = Wakes::watched();
    let mut running = pin!(port2.run_async());
    let mut polls = 0;
    while poll(running.as_mut(), &waker).is_pending() {
        polls += 1;
        assert_eq!(calls.count(), polls);
    }
    assert!(polls > 1);
    Ok(())
}

/// Dropped after each poll, wherever that ended.
#[test]
fn dropping_and_running_again_loses_nothing() {
    const MESSAGES: u64 = if cfg!(miri) { 300 } else { 5000 };
    let MessageChannel { mut port1, mut port2 } = MessageChannel::<u64>::with_capacity(4096);
    let received = Log::new();
    let log = received.clone();
    port2.set_onmessage(move |event| log.push(event.data().to_native()));
    let closes = Log::new();
    let log = closes.clone();
    port2.set_onclose(move |event| log.push(event.closed_by()));

    let mut next = 0;
    while next < MESSAGES {
        // Sometimes none, sometimes more than a poll dispatches, sometimes all that fits.
        for _ in 0..=(next % 300) {
            if next < MESSAGES && port1.try_post_message(&next).is_ok() {
                next += 1;
            }
        }
        assert!(poll(pin!(port2.run_async()), Waker::noop()).is_pending());
    }
    port1.close();
    let mut polls = 0;
    while poll(pin!(port2.run_async()), Waker::noop()).is_pending() {
        polls += 1;
        assert!(polls < MESSAGES, "it must come to an end");
    }
    assert!(received.take().into_iter().eq(0..MESSAGES));
    assert_eq!(closes.take(), [ClosedBy::Peer]);
}

/// Dropped while it waits for a message handler, the messages stay.
#[test]
fn d5_messages_without_a_handler_wait_for_the_next_run() -> Outcome {
    let MessageChannel { mut port1, mut port2 } = MessageChannel::<u64>::new();
    port1.post_messages(&[1, 2])?;
    let (calls, waker) = Wakes::watched();
    assert!(poll(pin!(port2.run_async()), &waker).is_pending());
    assert_eq!((port2.len(), calls.count()), (2, 0), "there is nothing to do");
    let received = Log::new();
    let log = received.clone();
    port2.set_onmessage(move |event| log.push(event.data().to_native()));
    assert!(poll(pin!(port2.run_async()), &waker).is_pending());
    assert_eq!(received.take(), [1, 2]);
    Ok(())
}

/// C5: with the channel closed and messages that nobody handles, there is nothing to wait for.
#[test]
fn c5_run_async_ends_where_run_does() -> Outcome {
    let MessageChannel { mut port1, mut port2 } = MessageChannel::<u64>::new();
    let closes = Log::new();
    let log = closes.clone();
    port2.set_onclose(move |event| log.push(event.closed_by()));
    port1.post_message(&1)?;
    port1.close();
    assert!(matches!(poll(pin!(port2.run_async()), Waker::noop()), Poll::Ready(Ok(()))));
    assert_eq!((port2.len(), closes.take()), (1, vec![]), "the message holds the close back");
    port2.set_onmessage(|_| ());
    assert!(matches!(poll(pin!(port2.run_async()), Waker::noop()), Poll::Ready(Ok(()))));
    assert_eq!((port2.len(), closes.take()), (0, vec![ClosedBy::Peer]));
    Ok(())
}

/// A single-threaded executor may interleave a run with the posts that feed it.
#[test]
fn a_run_and_its_poster_share_a_thread() -> Outcome {
    const MESSAGES: u64 = if cfg!(miri) { 100 } else { 3000 };
    let _watchdog = Watchdog::start();
    let MessageChannel { mut port1, mut port2 } = MessageChannel::<u64>::with_capacity(256);
    let received = Log::new();
    let log = received.clone();
    port2.set_onmessage(move |event| log.push(event.data().to_native()));
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    let posted = Rc::new(Cell::new(0));
    let counting = Rc::clone(&posted);
    let local = tokio::task::LocalSet::new();
    local.block_on(&runtime, async move {
        let posting = tokio::task::spawn_local(async move {
            for number in 0..MESSAGES {
                port1.post_message_async(&number).await.unwrap();
                counting.set(number + 1);
            }
            port1.close();
        });
        let outcome = port2.run_async().await;
        posting.await.unwrap();
        outcome
    })?;
    assert_eq!(posted.get(), MESSAGES);
    assert!(received.take().into_iter().eq(0..MESSAGES));
    Ok(())
}
