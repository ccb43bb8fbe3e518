//! Many calls in flight: answers in any order, cancelled calls, and room for all of it.

#[path = "common/random.rs"]
mod random;
#[path = "common/watchdog.rs"]
mod watchdog;

use std::collections::VecDeque;
use std::error::Error;
use std::thread;
use std::time::Duration;

use message_port::call::{self, CallError, Client, Pending, Request, Server, Ticket};

use random::Random;
use watchdog::Watchdog;

type Outcome = Result<(), Box<dyn Error>>;

fn start(client: &mut Client<u64, u64>, numbers: impl IntoIterator<Item = u64>) -> Vec<Pending> {
    numbers.into_iter().map(|n| client.start(&n).unwrap()).collect()
}

fn tickets(server: &mut Server<u64, u64>, count: usize) -> Vec<Ticket> {
    (0..count).map(|_| server.recv().unwrap().later()).collect()
}

/// All orders in which four calls are answered, with all in which they are waited for.
#[test]
fn answers_and_waits_may_have_any_order() -> Outcome {
    fn orders(of: &[usize]) -> Vec<Vec<usize>> {
        if of.is_empty() {
            return vec![Vec::new()];
        }
        let mut all = Vec::new();
        for (at, first) in of.iter().enumerate() {
            let rest: Vec<_> = [&of[..at], &of[at + 1..]].concat();
            all.extend(orders(&rest).into_iter().map(|order| [&[*first][..], &order].concat()));
        }
        all
    }
    let (mut client, mut server) = call::channel::<u64, u64>();
    let mut orders = orders(&[0, 1, 2, 3]);
    assert_eq!(orders.len(), 24);
    if cfg!(miri) {
        orders = orders.into_iter().step_by(5).collect();
    }
    for answered in &orders {
        for waited in &orders {
            let mut calls: Vec<_> = start(&mut client, 0..4).into_iter().map(Some).collect();
            let mut tickets: Vec<_> = tickets(&mut server, 4).into_iter().map(Some).collect();
            for &at in answered {
                let ticket = tickets[at].take().unwrap();
                if at == 2 {
                    ticket.fail(&mut server, format!("the failure of {answered:?}"))?;
                } else {
                    ticket.answer(&mut server, 10 * at as u64)?;
                }
            }
            for &at in waited {
                let outcome = calls[at].take().unwrap().wait(&mut client);
                if at == 2 {
                    assert_eq!(
                        outcome.unwrap_err().to_string(),
                        format!("the handler failed: the failure of {answered:?}")
                    );
                } else {
                    assert_eq!(*outcome?, 10 * at as u64);
                }
            }
            assert_eq!(client.calls_in_flight(), 0);
        }
    }
    Ok(())
}

#[test]
fn only_a_reply_that_made_way_for_another_is_a_copy() -> Outcome {
    let (mut client, mut server) = call::channel::<u64, String>();
    let [first, second, third] = [0, 1, 2].map(|n| client.start(&n).unwrap());
    for n in 0..3 {
        server.recv()?.answer(format!("answer number {n}, too long to lie in its own root"))?;
    }
    let reply = second.wait(&mut client)?;
    assert!(reply.is_in_place() && reply.starts_with("answer number 1"));
    drop(reply);
    let reply = first.wait(&mut client)?;
    assert!(!reply.is_in_place() && reply.starts_with("answer number 0"));
    drop(reply);
    let reply = third.wait(&mut client)?;
    assert!(reply.is_in_place() && reply.starts_with("answer number 2"));
    Ok(())
}

#[test]
fn a_dropped_handle_frees_its_place_and_its_answer_is_nobody_elses() -> Outcome {
    let (mut client, mut server) = call::builder::<u64, u64>().calls_in_flight(3).build()?;
    for round in 0..if cfg!(miri) { 12 } else { 1000u64 } {
        let mut calls = start(&mut client, [1, 2, 3]);
        assert!(client.start(&4).unwrap_err().is_full());
        let dropped = usize::try_from(round % 3)?;
        if round % 2 == 0 {
            // Before its answer is there.
            drop(calls.remove(dropped));
        }
        for n in 1..=3 {
            server.recv()?.answer(round + n)?;
        }
        if round % 2 == 1 {
            // When its answer was put aside already.
            assert_eq!(*calls.pop().unwrap().wait(&mut client)?, round + 3);
            drop(calls.remove(dropped.min(1)));
        }
        let later = client.start(&4)?;
        server.recv()?.answer(7)?;
        assert_eq!(*later.wait(&mut client)?, 7);
        for call in calls {
            let reply = call.wait(&mut client)?.to_native();
            assert!((round + 1..=round + 3).contains(&reply));
        }
        assert_eq!(client.calls_in_flight(), 0);
    }
    Ok(())
}

/// On another thread, while the client waits for other answers.
#[test]
fn a_handle_may_be_dropped_anywhere() -> Outcome {
    let _watchdog = Watchdog::start();
    let (mut client, mut server) = call::builder::<u64, u64>().calls_in_flight(4).build()?;
    let server = thread::spawn(move || server.serve(|n| Ok::<_, String>(n.to_native() + 1)));
    for n in 0..if cfg!(miri) { 10 } else { 100 } {
        let handles = start(&mut client, [n, n + 1]);
        let other = thread::spawn(move || drop(handles));
        loop {
            match client.call(&n) {
                Ok(reply) => {
                    assert_eq!(*reply, n + 1);
                    break;
                }
                Err(error) => assert!(error.is_full(), "{error}"),
            }
        }
        other.join().unwrap();
    }
    drop(client);
    server.join().unwrap()?;
    Ok(())
}

#[test]
fn a_client_at_its_limit_waits_for_what_it_has_cancelled() -> Outcome {
    let _watchdog = Watchdog::start();
    let (mut client, mut server) = call::builder::<u64, u64>().calls_in_flight(2).build()?;
    for n in [1, 2] {
        assert!(client.call_timeout(&n, Duration::ZERO).unwrap_err().is_timeout());
    }
    let timed_out = client.call_timeout(&3, Duration::from_millis(1)).unwrap_err();
    assert!(timed_out.is_timeout());
    // It was not sent: there was no room for its answer.
    let server = thread::spawn(move || {
        let seen = (0..3).map(|_| {
            let request = server.recv().unwrap();
            let n = request.to_native();
            request.answer(n * 10).unwrap();
            n
        });
        seen.collect::<Vec<_>>()
    });
    assert_eq!(*client.call(&4)?, 40);
    assert_eq!(server.join().unwrap(), [1, 2, 4]);
    Ok(())
}

#[test]
fn a_handle_is_known_to_its_own_client_only_and_only_once() {
    let refused = |f: &mut dyn FnMut()| {
        let panic = std::panic::catch_unwind(std::panic::AssertUnwindSafe(f)).unwrap_err();
        panic.downcast_ref::<&str>().map_or_else(String::new, |text| (*text).to_owned())
    };
    let (mut client, mut server) = call::channel::<u64, u64>();
    let (mut stranger, mut strange) = call::channel::<u64, u64>();
    let mut call = client.start(&1).unwrap();
    let elsewhere = "the call belongs to another channel";
    assert_eq!(refused(&mut || drop(call.try_wait(&mut stranger).map(drop))), elsewhere);
    let mut ticket = Some(server.recv().unwrap().later());
    let answered = &mut || drop(ticket.take().unwrap().answer(&mut strange, 1));
    assert_eq!(refused(answered), elsewhere);
    // The ticket is gone, as the caller is told.
    assert!(server.try_recv().is_err());
    assert!(call.try_wait(&mut client).unwrap_err().is_unanswered());
    let over = "the call is over already";
    assert_eq!(refused(&mut || drop(call.try_wait(&mut client).map(drop))), over);
}

/// On one thread, so that an answer or a request that waited for the other end would wait for ever.
/// Whatever the lengths, the order and the rings are.
#[test]
fn neither_end_ever_waits_for_the_other_to_read() -> Outcome {
    const MANY: usize = if cfg!(miri) { 9 } else { 40 };
    const LONG: usize = if cfg!(miri) { 5_000 } else { 200_000 };
    let _watchdog = Watchdog::start();
    let mut random = Random::new(11);
    for capacity in [64, 256, 1024, 65536] {
        for (calls, max_len) in [(1, 100), (1, 5000), (7, 200), (MANY, 3000), (5, LONG)] {
            let (mut client, mut server) = call::builder::<Vec<u8>, Vec<u8>>()
                .capacity(capacity)
                .calls_in_flight(calls)
                .max_message_len(max_len)
                .build()?;
            for round in 0..if cfg!(miri) { 1 } else { 30 } {
                flood(&mut client, &mut server, (calls, max_len, round), &mut random)?;
            }
        }
    }
    Ok(())
}

/// An answer whose bytes are all in its root makes what names its call as long as itself.
#[test]
fn answers_that_are_arrays_find_room_in_any_order_too() -> Outcome {
    /// Bytes of an answer. Miri takes seconds for the elements of a long one.
    const LEN: usize = if cfg!(miri) { 64 } else { 1000 };
    const MANY: usize = if cfg!(miri) { 12 } else { 64 };
    let _watchdog = Watchdog::start();
    for (capacity, calls) in [(2 * LEN, MANY), (LEN, 3), (64 * LEN, MANY)] {
        let (mut client, mut server) = call::builder::<u64, [u8; LEN]>()
            .capacity(capacity)
            .calls_in_flight(calls)
            .max_message_len(1)
            .build()?;
        for _ in 0..3 {
            let pending: Vec<_> =
                (0..calls as u64).map(|n| client.start(&n)).collect::<Result<_, _>>()?;
            let mut tickets = Vec::new();
            for _ in 0..calls {
                tickets.push(server.recv().map(Request::later)?);
            }
            while let Some(ticket) = tickets.pop() {
                ticket.answer(&mut server, [7; LEN])?;
            }
            for call in pending {
                assert_eq!(*call.wait(&mut client)?, [7; LEN]);
            }
        }
    }
    Ok(())
}

/// Sends as many calls as may be in flight, has them all answered, and only then reads the answers.
fn flood(
    client: &mut Client<Vec<u8>, Vec<u8>>,
    server: &mut Server<Vec<u8>, Vec<u8>>,
    (calls, max_len, round): (usize, usize, usize),
    random: &mut Random,
) -> Outcome {
    // Less the vector itself and what an answer has besides.
    let longest = max_len - 32;
    let length = |random: &mut Random| match round % 3 {
        0 => longest,
        1 => random.below(longest + 1),
        _ if random.below(4) == 0 => longest,
        _ => random.below(64),
    };
    let mut pending = VecDeque::new();
    for n in 0..calls {
        let mut request = vec![u8::try_from(n)?; length(random).max(1)];
        request[0] = u8::try_from(n)?;
        pending.push_back((n, client.start(&request)?));
    }
    assert!(matches!(client.start(&vec![0]), Err(CallError::Full { limit }) if limit == calls));
    let mut tickets = Vec::new();
    for n in 0..calls {
        let request = server.recv()?;
        assert!(request.iter().all(|&byte| usize::from(byte) == n));
        let answer = length(random);
        if random.below(2) == 0 {
            request.answer(vec![u8::try_from(n)?; answer])?;
        } else {
            tickets.push((n, answer, request.later()));
        }
    }
    while !tickets.is_empty() {
        let (n, answer, ticket) = tickets.swap_remove(random.below(tickets.len()));
        if random.below(8) == 0 {
            ticket.fail(server, "x".repeat(answer))?;
        } else {
            ticket.answer(server, vec![u8::try_from(n)?; answer])?;
        }
    }
    while !pending.is_empty() {
        let at = if round % 2 == 0 { 0 } else { random.below(pending.len()) };
        let (n, call) = pending.remove(at).unwrap();
        match call.wait(client) {
            Ok(reply) => {
                assert!(reply.len() <= longest);
                assert!(reply.iter().all(|&byte| usize::from(byte) == n));
            }
            Err(error) => assert!(error.is_handler(), "{error}"),
        }
    }
    Ok(())
}

/// One reply is in hand, or was forgotten there, while the next calls use up what there is.
#[test]
fn a_reply_that_is_forgotten_takes_nobodys_room() -> Outcome {
    let _watchdog = Watchdog::start();
    for max_len in [200, 4000] {
        let (mut client, mut server) = call::builder::<Vec<u8>, Vec<u8>>()
            .capacity(64)
            .calls_in_flight(2)
            .max_message_len(max_len)
            .build()?;
        let message = vec![1; max_len - 32];
        for round in 0..if cfg!(miri) { 10 } else { 200 } {
            let [first, second] = [0; 2].map(|_| client.start(&message).unwrap());
            for _ in 0..2 {
                server.recv()?.answer(message.clone())?;
            }
            std::mem::forget(if round % 2 == 0 {
                first.wait(&mut client)?
            } else {
                second.wait(&mut client)?
            });
            let call = client.start(&message);
            if let Ok(call) = call {
                server.recv()?.answer(message.clone())?;
                assert_eq!(call.wait(&mut client)?.len(), message.len());
            }
            assert!(client.calls_in_flight() <= 2);
        }
    }
    Ok(())
}

/// Two threads, each as fast as it can, with answers in changing order.
#[test]
fn streams_of_calls_on_two_threads() -> Outcome {
    let _watchdog = Watchdog::start();
    let (mut client, mut server) =
        call::builder::<u64, Vec<u64>>().capacity(1024).calls_in_flight(16).build()?;
    let server = thread::spawn(move || {
        let mut random = Random::new(3);
        let mut tickets = VecDeque::new();
        let numbered = |request: Request<'_, u64, Vec<u64>>| (request.to_native(), request.later());
        while let Ok(ticket) = server.recv().map(numbered) {
            tickets.push_back(ticket);
            while tickets.len() > 4 || server.is_empty() && !tickets.is_empty() {
                let (n, ticket) = tickets.remove(random.below(tickets.len())).unwrap();
                ticket.answer(&mut server, vec![n; random.below(20) + 1]).unwrap();
            }
        }
    });
    let mut random = Random::new(4);
    let mut pending = VecDeque::new();
    let mut cancelled = 0;
    for n in 0..if cfg!(miri) { 60 } else { 2000 } {
        pending.push_back((n, client.start(&n)?));
        while pending.len() > random.below(12) {
            let (n, call) = pending.remove(random.below(pending.len())).unwrap();
            if random.below(10) == 0 {
                drop(call);
                cancelled += 1;
            } else {
                let reply = call.wait(&mut client)?;
                assert!(reply.iter().all(|&number| number == n), "{n}: {reply:?}");
            }
        }
    }
    for (n, call) in pending {
        assert_eq!(call.wait(&mut client)?[0], n);
    }
    assert!(cancelled > 0);
    drop(client);
    server.join().unwrap();
    Ok(())
}
