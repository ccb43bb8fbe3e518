//! Both ports of a channel in a program with one thread, as a WebAssembly module is one.
//!
//! Nothing here waits for a port: there is nobody who could end the wait. The program pulls with
//! `try_recv`, calls handlers with `dispatch`, serves many ports with `EventLoop::run_once`, or
//! runs tasks; where a ring is full, it lets the receiver have its turn.
//!
//! ```sh
//! cargo run --manifest-path platforms/Cargo.toml
//! cargo build --manifest-path platforms/Cargo.toml --target wasm32-wasip1
//! node --no-warnings ci/lib/wasi.mjs platforms/target/wasm32-wasip1/debug/message-port-platforms.wasm
//! ```

use std::error::Error;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use message_port::call::{self, CallError};
use message_port::{ClosedBy, EventLoop, MessageChannel, Select};

type Outcome = Result<(), Box<dyn Error>>;

fn main() -> Outcome {
    pull()?;
    handlers()?;
    full()?;
    tasks()?;
    many_ports()?;
    time_limits()?;
    println!("all of it with one thread");
    Ok(())
}

/// Posts on one port and takes from the other.
fn pull() -> Outcome {
    let MessageChannel { mut port1, mut port2 } = MessageChannel::<String>::new();
    port1.post_message(&"hello".to_owned())?;
    println!("pulled: {}", &**port2.try_recv()?);
    // What is not there yet is an error and no wait.
    assert!(port2.try_recv().unwrap_err().is_empty());
    Ok(())
}

/// Lets handlers answer, closes, and reads the report.
fn handlers() -> Outcome {
    let MessageChannel { mut port1, mut port2 } = MessageChannel::<u64>::new();
    port2.set_onmessage(|event| {
        let doubled = event.data().to_native() * 2;
        event.target().post_message(&doubled)
    });
    port2.set_onclose(|event| {
        assert_eq!(event.closed_by(), ClosedBy::Peer);
        println!("closed; {} answers were never read", event.undelivered_messages());
    });
    for number in 1..=3 {
        port1.post_message(&number)?;
    }
    println!("dispatched: {} events", port2.dispatch()?);
    println!("answer: {}", *port1.try_recv()?);
    port1.close();
    // The channel has ended, so this returns when everything is dispatched.
    port2.run()?;
    Ok(())
}

/// A ring that is full gets room when the other port has its turn.
fn full() -> Outcome {
    let MessageChannel { mut port1, mut port2 } = MessageChannel::<u64>::with_capacity(64);
    let (mut posted, mut turns, mut sum) = (0, 0, 0);
    while posted < 100 {
        match port1.try_post_message(&posted) {
            Ok(()) => posted += 1,
            Err(error) if error.is_full() => {
                turns += 1;
                port2.recv_batch(usize::MAX, |number| sum += number.to_native())?;
            }
            Err(error) => return Err(error.into()),
        }
    }
    port2.recv_batch(usize::MAX, |number| sum += number.to_native())?;
    println!("the sum is {sum}, after {turns} turns of the receiver");
    assert_eq!(sum, 99 * 100 / 2);
    Ok(())
}

/// Notes that a task is to be polled again.
struct Woken(AtomicUsize);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.store(1, Ordering::Relaxed);
    }
}

/// Two tasks, more messages than the ring has room for, and an executor of a few lines.
fn tasks() -> Outcome {
    const NUMBERS: u64 = 1000;
    let MessageChannel { mut port1, mut port2 } = MessageChannel::<u64>::with_capacity(256);
    let mut poster = pin!(async move {
        for number in 0..NUMBERS {
            port1.post_message_async(&number).await?;
        }
        Ok::<(), message_port::PostError>(())
    });
    let mut summer = pin!(async move {
        let mut sum = 0;
        // Until the poster is done and its port is dropped.
        while let Ok(number) = port2.recv_async().await {
            sum += number.to_native();
        }
        sum
    });
    let woken = Arc::new(Woken(AtomicUsize::new(1)));
    let waker = Waker::from(Arc::clone(&woken));
    let mut cx = Context::from_waker(&waker);
    let mut end_of_posts = None;
    while woken.0.swap(0, Ordering::Relaxed) != 0 {
        if end_of_posts.is_none()
            && let Poll::Ready(outcome) = poster.as_mut().poll(&mut cx)
        {
            end_of_posts = Some(outcome);
        }
        if let Poll::Ready(sum) = summer.as_mut().poll(&mut cx) {
            println!("the tasks' sum is {sum}");
            assert_eq!(sum, NUMBERS * (NUMBERS - 1) / 2);
            return Ok(end_of_posts.ok_or("the poster is not done")??);
        }
    }
    Err("nobody woke the tasks".into())
}

/// Many ports inside a foreign loop, as that of a browser, which the hook has call again.
fn many_ports() -> Outcome {
    let wanted = Arc::new(AtomicUsize::new(0));
    let mut events = EventLoop::new();
    let mut peers = Vec::new();
    for number in 0..100u64 {
        let MessageChannel { port1, mut port2 } = MessageChannel::<u64>::with_capacity(64);
        port2.set_onmessage(move |event| event.target().post_message(&number));
        events.add(port2);
        peers.push(port1);
    }
    let hook = Arc::clone(&wanted);
    events.set_wake_hook(move || hook.store(1, Ordering::Relaxed));
    for peer in &mut peers {
        peer.post_message(&0)?;
    }
    let mut dispatched = 0;
    while wanted.swap(0, Ordering::Relaxed) != 0 {
        dispatched += events.run_once(Some(Duration::ZERO))?;
    }
    let answers: Result<Vec<u64>, _> =
        peers.iter_mut().map(|peer| peer.try_recv().map(|answer| answer.to_native())).collect();
    assert_eq!(answers?, (0..100).collect::<Vec<_>>());
    drop(peers);
    // Every channel has ended, so this returns.
    events.run()?;
    println!("an event loop has dispatched {dispatched} events of 100 ports");
    Ok(())
}

/// A wait with a time limit ends by itself. Where there is no clock, it ends at once.
fn time_limits() -> Outcome {
    const SHORT: Duration = Duration::from_millis(1);
    let MessageChannel { mut port1, mut port2 } = MessageChannel::<u64>::with_capacity(64);
    assert!(port2.recv_timeout(SHORT).is_err_and(|error| error.is_timeout()));
    assert!(port2.recv_event_timeout(SHORT).is_err_and(|error| error.is_timeout()));
    while port1.try_post_message(&7).is_ok() {}
    assert!(port1.post_message_timeout(&7, SHORT).is_err_and(|error| error.is_timeout()));
    let (mut sender, mut receiver) = port1.into_split();
    assert!(!sender.wait_ended_timeout(SHORT));
    let mut select = Select::new();
    select.recv(&mut receiver);
    assert!(select.ready_timeout(SHORT).is_none());
    drop(select);
    let mut events = EventLoop::new();
    let quiet = MessageChannel::<u64>::with_capacity(64);
    events.add(quiet.port1);
    assert_eq!(events.run_once(Some(SHORT))?, 0);

    // One call at a time: the second one has to wait until the first, which is cancelled, is over.
    let (mut client, mut server) = call::builder::<u64, u64>().calls_in_flight(1).build()?;
    for _ in 0..2 {
        assert!(client.call_timeout(&1, SHORT).is_err_and(|error| error.is_timeout()));
    }
    assert_eq!(server.len(), 1);
    server.recv_timeout(SHORT)?.answer(10)?;
    assert!(server.recv_timeout(SHORT).is_err_and(|error| error.is_timeout()));
    let mut call = client.start(&2)?;
    assert!(call.wait_timeout(&mut client, SHORT).is_err_and(|error| error.is_timeout()));
    server.recv()?.answer(20)?;
    assert_eq!(*call.wait_timeout(&mut client, SHORT)?, 20);
    drop(server);
    assert!(matches!(client.call_timeout(&3, SHORT), Err(CallError::Disconnected)));
    println!("waits with a time limit end");
    Ok(())
}
