//! Request and reply in tasks.

#[path = "common/runtimes.rs"]
mod runtimes;
#[path = "common/wakes.rs"]
mod wakes;
#[path = "common/watchdog.rs"]
mod watchdog;

use std::convert::Infallible;
use std::error::Error;
use std::future::{pending, ready};
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};
use std::thread;

use futures_lite::future::{block_on, yield_now};
use message_port::call::{self, CallError, Client, Server};

use runtimes::cancelled_after;
use wakes::{Wakes, poll};
use watchdog::Watchdog;

type Outcome = Result<(), Box<dyn Error>>;

/// Polls a call until its request is sent: now and then a task lets others run first.
fn send<F: Future>(call: Pin<&mut F>, waker: &Waker, server: &Server<u64, u64>) {
    let (mut call, before) = (call, server.len());
    while server.len() == before {
        assert!(poll(call.as_mut(), waker).is_pending());
    }
}

async fn ask(mut client: Client<String, u64>) {
    for n in 0..if cfg!(miri) { 3 } else { 200u64 } {
        assert_eq!(*client.call_async(&n.to_string()).await.unwrap(), n);
        let error = client.call_async(&"no number".to_owned()).await.unwrap_err();
        assert_eq!(error.to_string(), "the handler failed: invalid digit found in string");
        let error = client.call_async(&"panic".to_owned()).await.unwrap_err();
        assert!(matches!(error, CallError::Panicked(text) if text == "as was asked"));
    }
}

async fn answer(mut server: Server<String, u64>) {
    let answers = server.serve_async(async |text| {
        if text.len() % 2 == 0 {
            yield_now().await;
        }
        assert!(text.as_str() != "panic", "as was asked");
        text.parse::<u64>()
    });
    answers.await.unwrap();
}

#[test]
fn two_tasks_call_and_serve_on_every_runtime() {
    let _watchdog = Watchdog::start();
    for on_tokio in [true, false] {
        let (client, server) = call::channel();
        let answering = thread::spawn(move || {
            if on_tokio {
                runtimes::tokio::run(answer(server));
            } else {
                runtimes::smol::run(answer(server));
            }
        });
        if on_tokio {
            runtimes::tokio::run(ask(client));
        } else {
            runtimes::smol::run(ask(client));
        }
        answering.join().unwrap();
    }
}

/// On one thread, so that neither may block it.
#[test]
fn a_client_and_a_server_may_share_a_thread() {
    let (client, server) = call::channel();
    let both = futures_lite::future::zip(ask(client), answer(server));
    block_on(both);
}

#[test]
fn a_thread_and_a_task_get_on() -> Outcome {
    let _watchdog = Watchdog::start();
    let (mut client, server) = call::channel();
    let task = thread::spawn(move || runtimes::tokio::run(answer(server)));
    for n in 0..if cfg!(miri) { 10 } else { 500u64 } {
        assert_eq!(*client.call(&n.to_string())?, n);
    }
    drop(client);
    task.join().unwrap();
    Ok(())
}

/// It cannot tell when it is forgotten, so the next call of any kind does.
#[test]
fn a_call_whose_future_is_forgotten_is_in_flight_all_the_same() -> Outcome {
    let (mut client, mut server) = call::builder::<u64, u64>().calls_in_flight(1).build()?;
    let mut forgotten = Box::pin(client.call_async(&0));
    let mut cx = Context::from_waker(Waker::noop());
    assert!(forgotten.as_mut().poll(&mut cx).is_pending());
    std::mem::forget(forgotten);
    // As a dropped one would: it is waited for, and its answer is nobody's.
    let mut next = Box::pin(client.call_async(&1));
    assert!(next.as_mut().poll(&mut cx).is_pending());
    drop(next);
    server.recv()?.answer(7)?;
    assert!(server.try_recv().is_err(), "a call more than may be in flight");
    let call = client.start(&2)?;
    server.recv()?.answer(9)?;
    assert_eq!(*call.wait(&mut client)?, 9);
    Ok(())
}

#[test]
fn a_call_whose_future_is_dropped_leaves_nothing_behind() -> Outcome {
    let (mut client, mut server) = call::builder::<u64, u64>().calls_in_flight(2).build()?;
    let (woken, waker) = Wakes::watched();
    for n in 0..if cfg!(miri) { 10 } else { 300 } {
        {
            let mut call = pin!(client.call_async(&n));
            send(call.as_mut(), &waker, &server);
            let before = woken.count();
            server.recv()?.answer(1)?;
            assert_eq!(woken.count(), before + 1);
            // It is dropped although its answer is there.
        }
        {
            let mut call = pin!(client.call_async(&n));
            send(call.as_mut(), &waker, &server);
        }
        // Its answer is not there, so it is still in flight.
        assert_eq!(client.calls_in_flight(), 1);
        server.recv()?.answer(2)?;
        let call = client.start(&n)?;
        let before = woken.count();
        server.recv()?.answer(3)?;
        assert_eq!(woken.count(), before, "a task was woken that waits for nothing");
        assert_eq!(*call.wait(&mut client)?, 3);
        assert_eq!(client.calls_in_flight(), 0);
    }
    Ok(())
}

#[test]
fn a_client_at_its_limit_waits_for_what_it_has_cancelled_in_its_task() -> Outcome {
    let (mut client, mut server) = call::builder::<u64, u64>().calls_in_flight(1).build()?;
    let (woken, waker) = Wakes::watched();
    let timed_out = block_on(client.call_async_until(&1, ready(()))).unwrap_err();
    assert!(timed_out.is_timeout());
    let mut call = pin!(client.call_async(&2));
    assert!(poll(call.as_mut(), &waker).is_pending());
    assert_eq!(server.len(), 1, "a request was sent without room for its answer");
    server.recv()?.answer(10)?;
    assert_eq!(woken.count(), 1);
    assert!(poll(call.as_mut(), &waker).is_pending());
    server.recv()?.answer(20)?;
    match poll(call.as_mut(), &waker) {
        Poll::Ready(reply) => assert_eq!(*reply?, 20),
        Poll::Pending => panic!("there is an answer"),
    }
    Ok(())
}

/// Its end counts while it waits for room too.
#[test]
fn a_call_that_never_gets_room_ends_with_its_end() -> Outcome {
    let _watchdog = Watchdog::start();
    let (mut client, mut server) = call::builder::<u64, u64>().calls_in_flight(1).build()?;
    for _ in 0..3 {
        // The first one is sent and cancelled; the others wait for its answer.
        assert!(block_on(client.call_async_until(&1, ready(()))).unwrap_err().is_timeout());
        assert_eq!((client.calls_in_flight(), server.len()), (1, 1));
    }
    server.recv()?.answer(10)?;
    let call = block_on(client.start_async(&2))?;
    server.recv()?.answer(20)?;
    assert_eq!(*call.wait(&mut client)?, 20);
    Ok(())
}

#[test]
fn a_wait_that_an_end_comes_before_leaves_its_call_in_flight() -> Outcome {
    let (mut client, mut server) = call::channel::<u64, u64>();
    let mut call = client.start(&1)?;
    for _ in 0..3 {
        let waited = block_on(call.wait_async_until(&mut client, ready(())));
        assert!(waited.unwrap_err().is_timeout());
    }
    {
        let mut dropped = pin!(call.wait_async_until(&mut client, pending::<()>()));
        assert!(poll(dropped.as_mut(), Waker::noop()).is_pending());
    }
    assert_eq!((client.calls_in_flight(), server.len()), (1, 1));
    block_on(server.recv_async_until(pending::<()>()))?.answer(10)?;
    assert_eq!(*block_on(call.wait_async_until(&mut client, ready(())))?, 10);
    assert_eq!(client.calls_in_flight(), 0);

    assert!(block_on(server.recv_async_until(ready(()))).unwrap_err().is_timeout());
    drop(client);
    assert!(block_on(server.recv_async_until(ready(()))).unwrap_err().is_disconnected());
    Ok(())
}

#[test]
fn a_call_that_an_end_comes_before_is_cancelled() {
    let (mut client, mut server) = call::channel::<u64, u64>();
    for polls in 0..20 {
        let calls = async {
            let _ = cancelled_after(polls, client.call_async(&1)).await;
            *client.call_async(&2).await.unwrap()
        };
        let answering = server.serve_async(async |n| {
            for _ in 0..5 {
                yield_now().await;
            }
            Ok::<_, Infallible>(n.to_native() * 10)
        });
        let forever = async {
            answering.await.unwrap();
            unreachable!("the client is here")
        };
        assert_eq!(block_on(futures_lite::future::or(calls, forever)), 20);
    }
}

/// A server that is dropped in the middle of an answer tells its caller, and can be run again.
#[test]
fn a_serving_future_that_is_dropped_loses_no_other_request() -> Outcome {
    let (mut client, mut server) = call::channel::<u64, u64>();
    let [first, second] = [1, 2].map(|n| client.start(&n).unwrap());
    block_on(cancelled_after(
        3,
        server.serve_async(async |_| {
            std::future::pending::<()>().await;
            Ok::<_, Infallible>(0)
        }),
    ));
    assert!(first.wait(&mut client).unwrap_err().is_unanswered());
    server.recv()?.answer(20)?;
    assert_eq!(*second.wait(&mut client)?, 20);
    Ok(())
}

#[test]
fn a_handle_is_polled_until_its_answer_is_there() -> Outcome {
    let (mut client, mut server) = call::channel::<u64, u64>();
    let (woken, waker) = Wakes::watched();
    let mut cx = Context::from_waker(&waker);
    let mut calls = [1, 2].map(|n| client.start(&n).unwrap());
    assert!(calls[1].poll(&mut client, &mut cx).is_pending());
    server.recv()?.answer(10)?;
    assert_eq!(woken.count(), 1);
    assert!(calls[1].poll(&mut client, &mut cx).is_pending());
    match calls[0].poll(&mut client, &mut cx) {
        Poll::Ready(reply) => assert_eq!(*reply?, 10),
        Poll::Pending => panic!("the answer was put aside"),
    }
    server.recv()?.answer(20)?;
    match calls[1].poll(&mut client, &mut cx) {
        Poll::Ready(reply) => assert_eq!(*reply?, 20),
        Poll::Pending => panic!("there is an answer"),
    }
    Ok(())
}

/// A client that always finds its answer lets other tasks run.
#[test]
fn a_task_that_always_finds_an_answer_yields() -> Outcome {
    const CALLS: usize = if cfg!(miri) { 150 } else { 1000 };
    let (mut client, mut server) = call::builder::<u64, u64>().calls_in_flight(CALLS).build()?;
    let calls: Vec<_> = (0..CALLS as u64).map(|n| client.start(&n)).collect::<Result<_, _>>()?;
    for n in 0..CALLS as u64 {
        server.recv()?.answer(n)?;
    }
    let (woken, waker) = Wakes::watched();
    let mut reads = pin!(async {
        for (n, call) in (0..).zip(calls) {
            assert_eq!(*call.wait_async(&mut client).await.unwrap(), n);
        }
    });
    let mut polls = 0;
    while poll(reads.as_mut(), &waker).is_pending() {
        polls += 1;
        assert_eq!(woken.count(), polls);
    }
    assert!(polls >= CALLS / 65, "{polls} times");
    Ok(())
}
