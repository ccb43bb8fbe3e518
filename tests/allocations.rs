//! No allocation per message once a channel is warm.

#[path = "common/meter.rs"]
mod meter;
#[path = "common/watchdog.rs"]
mod watchdog;

use std::error::Error;
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::Duration;

use message_port::{Message, MessageChannel, MessagePort};
use rkyv::{Archive, Serialize};

use meter::measure;
use watchdog::Watchdog;

type Outcome = Result<(), Box<dyn Error>>;

#[derive(Archive, Serialize, Clone)]
struct Order {
    id: u64,
    price: f64,
    customer: String,
    items: Vec<(u32, String)>,
}

fn order() -> Order {
    let items = (0..6).map(|n| (n, format!("article number {n}"))).collect();
    Order { id: 7, price: 12.5, customer: "somebody".to_owned(), items }
}

/// Brings a channel to where it has allocated everything that it ever needs: each direction was
/// full of `message`, and each end has slept once.
fn warm<T: Message>(port1: &mut MessagePort<T>, port2: &mut MessagePort<T>, message: &T) {
    let moment = Duration::from_millis(50);
    let fill = |from: &mut MessagePort<T>, to: &mut MessagePort<T>| {
        assert!(to.recv_timeout(moment).is_err_and(|error| error.is_timeout()));
        while from.try_post_message(message).is_ok() {}
        assert!(from.post_message_timeout(message, moment).unwrap_err().is_timeout());
        while to.try_recv().is_ok() {}
    };
    fill(port1, port2);
    fill(port2, port1);
}

/// Sends `message` back and forth on one thread.
fn ping_pong<T: Message>(capacity: usize, message: &T, rounds: u32) -> Outcome {
    let MessageChannel { mut port1, mut port2 } = MessageChannel::<T>::with_capacity(capacity);
    warm(&mut port1, &mut port2, message);
    let (outcome, taken) = measure(|| -> Outcome {
        for _ in 0..rounds {
            port1.try_post_message(message)?;
            port1.post_message_timeout(message, Duration::ZERO)?;
            drop(port2.recv()?);
            port2.post_message(message)?;
            drop(port2.try_recv()?);
            drop(port1.recv_timeout(Duration::ZERO)?);
        }
        Ok(())
    });
    outcome?;
    assert_eq!(taken.allocations, 0);
    Ok(())
}

/// Streams `message` both ways between two threads; either thread counts its own allocations.
fn stream<T: Message + Clone + Send + 'static>(
    capacity: usize,
    message: &T,
    messages: u32,
) -> Outcome {
    let _watchdog = Watchdog::start();
    let MessageChannel { mut port1, mut port2 } = MessageChannel::<T>::with_capacity(capacity);
    warm(&mut port1, &mut port2, message);
    let copy = message.clone();
    let other = thread::spawn(move || {
        let ((), taken) = measure(|| {
            for n in 0..messages {
                drop(port2.recv().unwrap());
                if n % 4 == 0 {
                    port2.post_message(&copy).unwrap();
                }
            }
        });
        taken
    });
    let (outcome, taken) = measure(|| -> Outcome {
        for n in 0..messages {
            port1.post_message(message)?;
            if n % 4 == 0 {
                drop(port1.recv()?);
            }
        }
        Ok(())
    });
    outcome?;
    assert_eq!(taken.allocations, 0, "at the sender");
    assert_eq!(other.join().unwrap().allocations, 0, "at the receiver");
    Ok(())
}

#[test]
fn m2_numbers() -> Outcome {
    ping_pong(1024, &7u64, 2000)?;
    stream(1024, &7u64, 5000)
}

#[test]
fn m2_strings() -> Outcome {
    for text in ["short", "long enough to stand outside of the archived string itself"] {
        ping_pong(1024, &text.to_owned(), 1000)?;
        stream(1024, &text.to_owned(), 3000)?;
    }
    Ok(())
}

#[test]
fn m2_vectors() -> Outcome {
    ping_pong(4096, &vec![7u64; 60], 1000)?;
    stream(4096, &vec![7u64; 60], 3000)
}

#[test]
fn m2_structures_with_nested_parts() -> Outcome {
    ping_pong(4096, &order(), 500)?;
    stream(4096, &order(), 2000)
}

#[test]
fn m2_large_messages() -> Outcome {
    // A mebibyte, through a ring of 64 KiB; the validator looks at each byte of a vector of
    // bytes in an unoptimised build, so they are few.
    let message = vec![7u8; 1 << 20];
    ping_pong(1 << 16, &message, 5)?;
    stream(1 << 16, &message, 40)
}

/// Buffers of several sizes settle too: the largest serve the small messages as well.
#[test]
fn m2_large_messages_of_changing_sizes() -> Outcome {
    let MessageChannel { mut port1, mut port2 } = MessageChannel::<Vec<u64>>::with_capacity(1024);
    let messages: Vec<_> = (0..40).map(|n| vec![7; 64 + 100 * (n % 20)]).collect();
    let mut round = || -> Outcome {
        for message in &messages {
            port1.try_post_message(message)?;
            port1.try_post_message(message)?;
            assert_eq!(port2.try_recv()?.len(), message.len());
            assert_eq!(port2.try_recv()?.len(), message.len());
        }
        Ok(())
    };
    round()?;
    let (outcome, taken) = measure(|| (0..5).try_for_each(|_| round()));
    outcome?;
    assert_eq!(taken.allocations, 0);
    Ok(())
}

#[test]
fn m2_dispatching() -> Outcome {
    let MessageChannel { mut port1, mut port2 } = MessageChannel::<Order>::with_capacity(4096);
    warm(&mut port1, &mut port2, &order());
    let reply = order();
    port2.set_onmessage(move |event| event.target().post_message(&reply));
    port1.set_onmessage(|event| assert_eq!(event.data().id, 7));
    let message = order();
    let (outcome, taken) = measure(|| -> Outcome {
        for _ in 0..500 {
            port1.post_message(&message)?;
            assert_eq!((port2.dispatch()?, port1.dispatch()?), (1, 1));
        }
        Ok(())
    });
    outcome?;
    assert_eq!(taken.allocations, 0);
    Ok(())
}

/// A post that has nowhere to go allocates nothing either.
#[test]
fn m2_refusals() -> Outcome {
    let MessageChannel { mut port1, mut port2 } =
        MessageChannel::<Vec<u8>>::builder().capacity(1024).max_message_len(5000).build()?;
    let (message, too_large) = (vec![1; 3000], vec![1; 6000]);
    warm(&mut port1, &mut port2, &message);
    while port1.try_post_message(&message).is_ok() {}
    let ((), taken) = measure(|| {
        for _ in 0..100 {
            assert!(port1.try_post_message(&message).unwrap_err().is_full());
            assert!(port1.try_post_message(&too_large).unwrap_err().is_too_large());
            assert!(port1.try_recv().unwrap_err().is_empty());
        }
        port2.close();
        assert!(port1.try_post_message(&message).unwrap_err().is_closed());
        assert!(port2.recv().unwrap_err().is_closed());
    });
    assert_eq!(taken.allocations, 0);
    Ok(())
}

/// Polls once, with a waker that is nobody's.
fn poll_once<F: Future>(future: F) -> Poll<F::Output> {
    pin!(future).poll(&mut Context::from_waker(Waker::noop()))
}

/// Wakes the thread that polls.
struct Unparks(Thread);

impl Wake for Unparks {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// The simplest executor.
fn block_on<F: Future>(future: F, waker: &Waker) -> F::Output {
    let mut future = pin!(future);
    loop {
        match future.as_mut().poll(&mut Context::from_waker(waker)) {
            Poll::Ready(output) => return output,
            Poll::Pending => thread::park(),
        }
    }
}

/// Posts and receives in futures, of which some are ready at once and some are not.
fn polled<T: Message>(capacity: usize, message: &T, rounds: u32) -> Outcome {
    let MessageChannel { mut port1, mut port2 } = MessageChannel::<T>::with_capacity(capacity);
    warm(&mut port1, &mut port2, message);
    let (outcome, taken) = measure(|| -> Outcome {
        for _ in 0..rounds {
            assert!(poll_once(port2.recv_async()).is_pending());
            while let Poll::Ready(posted) = poll_once(port1.post_message_async(message)) {
                posted?;
            }
            while let Poll::Ready(received) = poll_once(port2.recv_async()) {
                drop(received?);
            }
        }
        Ok(())
    });
    outcome?;
    assert_eq!(taken.allocations, 0);
    Ok(())
}

/// Streams `message` between two tasks, each alone on its thread.
fn stream_in_tasks<T: Message + Clone + Send + 'static>(
    capacity: usize,
    message: &T,
    messages: u32,
) -> Outcome {
    let _watchdog = Watchdog::start();
    let MessageChannel { mut port1, mut port2 } = MessageChannel::<T>::with_capacity(capacity);
    warm(&mut port1, &mut port2, message);
    let other = thread::spawn(move || {
        let waker = Waker::from(Arc::new(Unparks(thread::current())));
        let ((), taken) = measure(|| {
            for _ in 0..messages {
                drop(block_on(port2.recv_async(), &waker).unwrap());
            }
        });
        taken
    });
    let waker = Waker::from(Arc::new(Unparks(thread::current())));
    let (outcome, taken) = measure(|| -> Outcome {
        for _ in 0..messages {
            block_on(port1.post_message_async(message), &waker)?;
        }
        Ok(())
    });
    outcome?;
    assert_eq!(taken.allocations, 0, "at the sender");
    assert_eq!(other.join().unwrap().allocations, 0, "at the receiver");
    Ok(())
}

#[test]
fn m2_polled_by_hand() -> Outcome {
    polled(1024, &7u64, 50)?;
    polled(4096, &order(), 50)?;
    polled(1024, &vec![7u8; 3000], 20)
}

#[test]
fn m2_in_tasks() -> Outcome {
    stream_in_tasks(1024, &7u64, 5000)?;
    stream_in_tasks(4096, &order(), 2000)?;
    stream_in_tasks(1024, &vec![7u8; 3000], 500)
}

#[test]
fn m2_running_handlers_in_a_task() -> Outcome {
    let MessageChannel { mut port1, mut port2 } = MessageChannel::<Order>::with_capacity(4096);
    warm(&mut port1, &mut port2, &order());
    port2.set_onmessage(|event| assert_eq!(event.data().id, 7));
    let message = order();
    let (outcome, taken) = measure(|| -> Outcome {
        for _ in 0..100 {
            for _ in 0..5 {
                port1.try_post_message(&message)?;
            }
            assert!(poll_once(port2.run_async()).is_pending());
            assert!(port2.is_empty());
        }
        Ok(())
    });
    outcome?;
    assert_eq!(taken.allocations, 0);
    Ok(())
}

/// Posts and receives `batch` as a whole. Messages that are spilled end a batch that is received.
fn batched<T: Message>(capacity: usize, batch: &[T], rounds: u32) -> Outcome {
    let MessageChannel { mut port1, mut port2 } = MessageChannel::<T>::with_capacity(capacity);
    let mut round = || -> Outcome {
        assert_eq!(port1.post_messages(batch)?, batch.len());
        let mut received = 0;
        while received < batch.len() {
            received += port2.recv_batch(batch.len(), |_| ())?;
        }
        assert_eq!(received, batch.len());
        Ok(())
    };
    // Once around the ring, and once with every buffer.
    for _ in 0..8 {
        round()?;
    }
    let (outcome, taken) = measure(|| (0..rounds).try_for_each(|_| round()));
    outcome?;
    assert_eq!(taken.allocations, 0);
    Ok(())
}

#[test]
fn m2_batches() -> Outcome {
    batched(1024, &[7u64; 40], 200)?;
    batched(4096, &[order(), order(), order(), order()], 200)?;
    batched(1024, &[10, 3000, 20, 4000, 4000, 0].map(|length| vec![7u8; length]), 50)
}
