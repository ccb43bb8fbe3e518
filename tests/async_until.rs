//! Waiting in a task until something else is ready: what is posted and received then, and what the
//! peer may rely on.

#[path = "common/wakes.rs"]
mod wakes;
#[path = "common/watchdog.rs"]
mod watchdog;

use std::error::Error;
use std::future::{Future, pending, poll_fn, ready};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Poll, Waker};
use std::time::Duration;

use futures_lite::future::block_on;
use message_port::{MessageChannel, MessagePort, PostTimeoutError, RecvTimeoutError};

use wakes::Wakes;
use watchdog::Watchdog;

type Outcome = Result<(), Box<dyn Error>>;
type Port = MessagePort<Vec<u8>>;

fn poll<F: Future>(future: Pin<&mut F>) -> Poll<F::Output> {
    wakes::poll(future, Waker::noop())
}

/// Two ports with no room in either direction.
fn full() -> (Port, Port) {
    let MessageChannel { mut port1, mut port2 } = MessageChannel::with_capacity(256);
    for port in [&mut port1, &mut port2] {
        while port.try_post_message(&vec![0; 16]).is_ok() {}
    }
    (port1, port2)
}

#[test]
fn what_fits_is_posted_and_what_is_there_is_received_at_the_end_too() -> Outcome {
    // More than the budget of a task: the end is not asked while that is the matter.
    const MESSAGES: u64 = if cfg!(miri) { 70 } else { 1_000 };
    let MessageChannel { mut port1, mut port2 } = MessageChannel::<u64>::with_capacity(1 << 20);
    block_on(async {
        for number in 0..MESSAGES {
            port1.post_message_async_until(&number, ready(())).await?;
        }
        for number in 0..MESSAGES {
            assert_eq!(*port2.recv_async_until(ready(())).await?, number);
        }
        Ok(())
    })
}

#[test]
fn what_does_not_come_until_the_end_is_a_timeout() {
    let (mut port1, mut port2) = full();
    let message = vec![1; 16];
    let posted = block_on(port1.post_message_async_until(&message, ready(7)));
    assert!(posted.unwrap_err().is_timeout());
    let (sender, _) = port1.split_mut();
    let posted = block_on(sender.post_message_async_until(&message, ready(7)));
    assert!(posted.unwrap_err().is_timeout());
    while port2.try_recv().is_ok() {}
    assert!(block_on(port2.recv_async_until(ready(7))).unwrap_err().is_timeout());
    let (_, receiver) = port2.split_mut();
    assert!(block_on(receiver.recv_async_until(ready(7))).unwrap_err().is_timeout());
    assert!(port2.is_empty(), "nothing of what timed out was posted");
}

#[test]
fn the_end_of_the_channel_comes_before_a_timeout() {
    for closes in [true, false] {
        let (mut port1, mut port2) = full();
        while port1.try_recv().is_ok() {}
        if closes {
            port2.close();
        } else {
            drop(port2);
        }
        let error = block_on(port1.post_message_async_until(&vec![1; 16], ready(()))).unwrap_err();
        assert_eq!((error.is_closed(), error.is_disconnected()), (closes, !closes));
        let error = block_on(port1.recv_async_until(ready(()))).unwrap_err();
        assert_eq!((error.is_closed(), error.is_disconnected()), (closes, !closes));
    }
}

/// The task is woken by whichever comes first, and kept by neither afterwards.
#[test]
fn news_and_the_end_both_wake_the_task() -> Outcome {
    let MessageChannel { mut port1, mut port2 } = MessageChannel::<u64>::new();
    let (calls, waker) = Wakes::watched();
    {
        let mut receiving = pin!(port2.recv_async_until(pending::<()>()));
        assert!(wakes::poll(receiving.as_mut(), &waker).is_pending());
        port1.post_message(&7)?;
        assert_eq!(calls.count(), 1);
        let received = wakes::poll(receiving.as_mut(), &waker);
        assert!(matches!(received, Poll::Ready(Ok(message)) if *message == 7));
    }
    {
        let mut turns = 0;
        let end = poll_fn(|cx| {
            turns += 1;
            cx.waker().wake_by_ref();
            if turns == 2 { Poll::Ready(()) } else { Poll::Pending }
        });
        let mut receiving = pin!(port2.recv_async_until(end));
        assert!(wakes::poll(receiving.as_mut(), &waker).is_pending());
        assert_eq!(calls.count(), 2);
        let received = wakes::poll(receiving.as_mut(), &waker);
        assert!(matches!(received, Poll::Ready(Err(RecvTimeoutError::Timeout))));
    }
    assert!(wakes::poll(pin!(port2.recv_async_until(pending::<()>())), &waker).is_pending());
    drop(waker);
    assert_eq!(Arc::strong_count(&calls), 1, "a task is kept alive");
    Ok(())
}

/// E5: the peer may wait for room while this wait lasts.
#[test]
fn e5_a_wait_until_something_does_not_have_the_peer_refused() -> Outcome {
    let (mut port1, mut port2) = full();
    let message = vec![1; 16];
    let mut first = pin!(port1.post_message_async_until(&message, pending::<()>()));
    for _ in 0..3 {
        assert!(poll(first.as_mut()).is_pending());
        let mut second = pin!(port2.post_message_async(&message));
        assert!(poll(second.as_mut()).is_pending());
    }
    port2.recv()?;
    assert!(matches!(poll(first.as_mut()), Poll::Ready(Ok(()))));
    Ok(())
}

/// E5: whoever comes second is told that the first one is stuck, with an end or without.
#[test]
fn e5_a_wait_until_something_is_refused_while_the_peer_waits_for_ever() {
    let (mut port1, mut port2) = full();
    let message = vec![1; 16];
    let mut first = pin!(port1.post_message_async(&message));
    assert!(poll(first.as_mut()).is_pending());
    let refused = poll(pin!(port2.post_message_async_until(&message, pending::<()>())));
    assert!(matches!(refused, Poll::Ready(Err(PostTimeoutError::WouldDeadlock))));
}

/// E5: what the documentation warns of, and what it recommends.
#[test]
fn e5_a_time_limit_around_a_post_has_the_peer_refused_and_one_inside_has_not() -> Outcome {
    const LONG: Duration = Duration::from_secs(3600);
    let _watchdog = Watchdog::start();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
    runtime.block_on(async {
        let message = vec![1; 16];
        {
            let (mut port1, mut port2) = full();
            let mut first = pin!(tokio::time::timeout(LONG, port1.post_message_async(&message)));
            assert!(poll(first.as_mut()).is_pending());
            let refused = port2.post_message_async(&message).await;
            assert!(refused.unwrap_err().is_would_deadlock());
        }
        let (mut port1, mut port2) = full();
        let end = tokio::time::sleep(LONG);
        let mut first = pin!(port1.post_message_async_until(&message, end));
        assert!(poll(first.as_mut()).is_pending());
        let second = tokio::time::sleep(Duration::from_millis(1));
        let outcome = port2.post_message_async_until(&message, second).await;
        assert!(outcome.unwrap_err().is_timeout());
        port2.recv()?;
        first.await?;
        Ok(())
    })
}
