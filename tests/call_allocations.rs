//! No allocation per call once warm, and nothing kept for good.

#[path = "common/meter.rs"]
mod meter;
#[path = "common/random.rs"]
mod random;
#[path = "common/watchdog.rs"]
mod watchdog;

use std::convert::Infallible;
use std::error::Error;
use std::pin::pin;
use std::task::{Context, Waker};
use std::thread;
use std::time::Duration;

use message_port::call::{self, CallError, Client, Server};
use rkyv::{Archive, Serialize};

use meter::{counts, measure};
use random::Random;
use watchdog::Watchdog;

type Outcome = Result<(), Box<dyn Error>>;

#[derive(Archive, Serialize)]
struct Order {
    id: u64,
    items: Vec<String>,
}

/// One call on one thread.
fn call(client: &mut Client<Order, u64>, server: &mut Server<Order, u64>, order: &Order) {
    let call = client.start(order).unwrap();
    let request = server.recv().unwrap();
    let answer = request.items.len() as u64;
    request.answer(answer).unwrap();
    assert_eq!(*call.wait(client).unwrap(), answer);
}

fn order(items: usize) -> Order {
    Order { id: 7, items: (0..items).map(|n| format!("a rather long item number {n}")).collect() }
}

#[test]
fn m2_a_call_allocates_nothing_once_warm() {
    // The last one needs a buffer of its own.
    for (items, rounds) in [(0, 500), (5, 500), (1500, 100)] {
        let (mut client, mut server) = call::channel::<Order, u64>();
        let order = order(items);
        let run = |client: &mut _, server: &mut _, rounds| {
            (0..rounds).for_each(|_| call(client, server, &order));
        };
        run(&mut client, &mut server, rounds);
        let ((), taken) = measure(|| run(&mut client, &mut server, rounds));
        assert_eq!(taken.allocations, 0, "with {items} items");
    }
}

/// In whatever order, with copies of what came too early, and with calls that are cancelled.
#[test]
fn m2_calls_in_flight_allocate_nothing_once_warm() -> Outcome {
    for length in [10, 3000, 40_000] {
        let (mut client, mut server) =
            call::builder::<u64, [u8; 3000]>().calls_in_flight(8).build()?;
        // What is in flight fits the ring, or the ring would grow and give that back each time.
        let (mut long, mut longer) =
            call::builder::<u64, Text>().calls_in_flight(8).capacity(1 << 20).build()?;
        let mut random = Random::new(5);
        let mut run = |rounds| {
            for n in 0..rounds {
                flight(&mut client, &mut server, &mut random, |_| [7; 3000]);
                flight(&mut long, &mut longer, &mut random, |_| Text(length));
                assert!(client.call_timeout(&n, Duration::ZERO).unwrap_err().is_timeout());
                server.recv().unwrap().answer([0; 3000]).unwrap();
            }
        };
        run(100);
        let ((), taken) = measure(|| run(100));
        assert_eq!(taken.allocations, 0, "{length} bytes");
    }
    Ok(())
}

/// So many bytes, which nobody has to allocate.
struct Text(usize);

impl Archive for Text {
    type Archived = rkyv::string::ArchivedString;
    type Resolver = rkyv::string::StringResolver;

    fn resolve(&self, resolver: Self::Resolver, out: rkyv::Place<Self::Archived>) {
        rkyv::string::ArchivedString::resolve_from_str(&LETTERS[..self.0], resolver, out);
    }
}

impl<S> Serialize<S> for Text
where
    S: rkyv::rancor::Fallible<Error: rkyv::rancor::Source> + rkyv::ser::Writer + ?Sized,
{
    fn serialize(&self, serializer: &mut S) -> Result<Self::Resolver, S::Error> {
        rkyv::string::ArchivedString::serialize_from_str(&LETTERS[..self.0], serializer)
    }
}

static LETTERS: &str = {
    static BYTES: [u8; 40_000] = [b'x'; 40_000];
    match std::str::from_utf8(&BYTES) {
        Ok(text) => text,
        Err(_) => panic!("not a text"),
    }
};

/// Four calls at once, one of them cancelled, answered and waited for in random orders.
fn flight<Ans: message_port::Message>(
    client: &mut Client<u64, Ans>,
    server: &mut Server<u64, Ans>,
    random: &mut Random,
    answer: impl Fn(u64) -> Ans,
) {
    let mut calls = [0, 1, 2, 3].map(|n| Some(client.start(&n).unwrap()));
    let mut tickets = [0; 4].map(|_| Some(server.recv().unwrap().later()));
    calls[random.below(4)] = None;
    for n in [0, 3, 1, 2] {
        tickets[n].take().unwrap().answer(server, answer(n as u64)).unwrap();
    }
    let first = random.below(4);
    for at in first..first + 4 {
        if let Some(call) = calls[at % 4].take() {
            drop(call.wait(client).unwrap());
        }
    }
}

#[test]
fn m2_two_threads_allocate_nothing_once_warm() {
    let _watchdog = Watchdog::start();
    let moment = Duration::from_millis(50);
    let (mut client, mut server) = call::channel::<u64, u64>();
    // Both ends sleep once before anything is counted.
    assert!(server.recv_timeout(moment).unwrap_err().is_timeout());
    assert!(client.call_timeout(&0, moment).unwrap_err().is_timeout());
    let thread = thread::spawn(move || {
        let mut before = counts();
        server
            .serve(|n| {
                if *n == 2000 {
                    before = counts();
                }
                Ok::<_, Infallible>(n.to_native() + 1)
            })
            .unwrap();
        counts() - before
    });
    let run = |client: &mut Client<u64, u64>, numbers: std::ops::Range<u64>| {
        for n in numbers {
            assert_eq!(*client.call(&n).unwrap(), n + 1);
        }
    };
    run(&mut client, 0..2001);
    let ((), taken) = measure(|| run(&mut client, 2001..6000));
    assert_eq!(taken.allocations, 0, "at the client");
    drop(client);
    assert_eq!(thread.join().unwrap().allocations, 0, "at the server");
}

#[test]
fn m2_a_call_in_a_task_allocates_nothing_once_warm() {
    let (mut client, mut server) = call::channel::<u64, u64>();
    let mut cx = Context::from_waker(Waker::noop());
    let mut run = |rounds| {
        for n in 0..rounds {
            let mut call = pin!(client.call_async(&n));
            // Now and then it lets other tasks run.
            while call.as_mut().poll(&mut cx).is_pending() {
                if let Ok(request) = server.try_recv() {
                    request.answer(n).unwrap();
                }
            }
        }
    };
    run(1000);
    let ((), taken) = measure(|| run(1000));
    assert_eq!(taken.allocations, 0);
}

/// As many short answers as may be in flight, all of them waited for out of order.
fn burst(client: &mut Client<u64, Vec<u8>>, server: &mut Server<u64, Vec<u8>>) -> Outcome {
    let calls = client.max_calls_in_flight() as u64;
    let calls: Vec<_> = (0..calls).map(|n| client.start(&n)).collect::<Result<_, _>>()?;
    while let Ok(request) = server.try_recv() {
        request.answer(vec![7; 10_000])?;
    }
    for call in calls.into_iter().rev() {
        assert_eq!(call.wait(client)?.len(), 10_000);
    }
    Ok(())
}

/// Each of the copies is small; it is their number that counts.
#[test]
fn m2_what_a_burst_of_short_answers_needed_is_let_go_of() -> Outcome {
    let (mut client, mut server) = call::builder::<u64, Vec<u8>>().calls_in_flight(500).build()?;
    let before = counts();
    burst(&mut client, &mut server)?;
    let after_burst = counts() - before;
    for n in 0..2000 {
        let call = client.start(&n)?;
        server.recv()?.answer(vec![7; 10])?;
        assert_eq!(*call.wait(&mut client)?, [7; 10]);
    }
    let after = counts() - before;
    assert!(after_burst.bytes > 500 * 10_000, "{after_burst:?}");
    // Four buffers, and what a ring and a buffer for one message take.
    assert!(after.bytes < 150_000, "{after:?}");
    Ok(())
}

/// Whatever the client does in between, it makes no more calls than it has in flight in a burst.
#[test]
fn m2_bursts_of_calls_allocate_nothing_once_warm() -> Outcome {
    for calls in [10, 64, 500] {
        let (mut client, mut server) =
            call::builder::<u64, Fixed>().calls_in_flight(calls).capacity(1 << 21).build()?;
        let mut bursts = |bursts| -> Outcome {
            for _ in 0..bursts {
                let mut handles = [const { None }; 500];
                for (n, handle) in handles.iter_mut().take(calls).enumerate() {
                    *handle = Some(client.start(&(n as u64))?);
                }
                while let Ok(request) = server.try_recv() {
                    request.answer([7; 3000])?;
                }
                for handle in handles.iter_mut().rev() {
                    if let Some(call) = handle.take() {
                        assert_eq!(client_len(&mut client, call)?, 3000);
                    }
                }
            }
            Ok(())
        };
        bursts(5)?;
        let (outcome, taken) = measure(|| bursts(20));
        outcome?;
        assert_eq!(taken.allocations, 0, "with {calls} calls");
    }
    Ok(())
}

type Fixed = [u8; 3000];

fn client_len(client: &mut Client<u64, Fixed>, call: call::Pending) -> Result<usize, CallError> {
    Ok(call.wait(client)?.len())
}

/// A burst of long answers, put aside and all, leaves next to nothing.
#[test]
fn m2_what_a_burst_of_calls_needed_is_let_go_of() -> Outcome {
    const LENGTH: usize = 200_000;
    let (mut client, mut server) = call::builder::<u64, Vec<u8>>().calls_in_flight(16).build()?;
    let before = counts();
    let calls: Vec<_> = (0..16).map(|n| client.start(&n)).collect::<Result<_, _>>()?;
    for n in 0..16 {
        server.recv()?.answer(vec![n; LENGTH])?;
    }
    for (n, call) in calls.into_iter().enumerate().rev() {
        assert_eq!(usize::from(call.wait(&mut client)?[LENGTH - 1]), n);
    }
    let burst = counts() - before;
    for n in 0..4000 {
        let call = client.start(&n)?;
        server.recv()?.answer(vec![7; 10])?;
        assert_eq!(*call.wait(&mut client)?, [7; 10]);
    }
    let after = counts() - before;
    assert!(burst.bytes > 10 * i64::try_from(LENGTH)?, "{burst:?}");
    assert!(after.bytes < i64::try_from(LENGTH)?, "{after:?}");
    Ok(())
}

#[test]
fn every_buffer_and_handle_is_freed_with_its_end() -> Outcome {
    let before = counts();
    {
        let (mut client, mut server) =
            call::builder::<u64, Vec<u8>>().calls_in_flight(16).build()?;
        let mut calls: Vec<_> = (0..8).map(|n| client.start(&n)).collect::<Result<_, _>>()?;
        for n in 0..4 {
            server.recv()?.answer(vec![n; 50_000])?;
        }
        let ticket = server.recv()?.later();
        drop(calls.remove(5));
        assert_eq!(calls.remove(2).wait(&mut client)?.len(), 50_000);
        drop(server);
        drop(client);
        drop((calls, ticket));
    }
    let after = counts() - before;
    assert_eq!((after.blocks, after.bytes), (0, 0));
    Ok(())
}
