//! Request and reply: who gets which answer, and what becomes of failures and of the end.

#[path = "common/watchdog.rs"]
mod watchdog;

use std::convert::Infallible;
use std::error::Error;
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use message_port::call::{self, CallError, Client, Server};
use message_port::{PostError, RecvError};
use rkyv::string::ArchivedString;
use rkyv::{Archive, Deserialize, Serialize};

use watchdog::Watchdog;

type Outcome = Result<(), Box<dyn Error>>;

#[derive(Archive, Serialize, Deserialize, PartialEq, Debug)]
#[rkyv(derive(Debug, PartialEq))]
enum Request {
    Add(u32, u32),
    Join { texts: Vec<String>, separator: String },
}

#[derive(Archive, Serialize, Deserialize, PartialEq, Debug)]
#[rkyv(derive(Debug, PartialEq))]
enum Answer {
    Sum(u32),
    Text(String),
}

fn answer(request: &ArchivedRequest) -> Result<Answer, String> {
    match request {
        ArchivedRequest::Add(a, b) => {
            let sum = a.to_native().checked_add(b.to_native()).ok_or("overflow")?;
            Ok(Answer::Sum(sum))
        }
        ArchivedRequest::Join { texts, separator } => {
            let texts: Vec<_> = texts.iter().map(ArchivedString::as_str).collect();
            Ok(Answer::Text(texts.join(separator.as_str())))
        }
    }
}

fn join(texts: &[&str]) -> Request {
    let texts = texts.iter().map(|&text| text.to_owned()).collect();
    Request::Join { texts, separator: "-".to_owned() }
}

/// A server that doubles numbers on a thread of its own, until the client is gone.
fn doubling() -> (Client<u64, u64>, thread::JoinHandle<Result<(), PostError>>) {
    let (client, mut server) = call::channel::<u64, u64>();
    let server =
        thread::spawn(move || server.serve(|n| Ok::<_, Infallible>(n.to_native().wrapping_mul(2))));
    (client, server)
}

#[test]
fn a_call_gets_its_answer_in_place() -> Outcome {
    let _watchdog = Watchdog::start();
    let (mut client, mut server) = call::channel::<Request, Answer>();
    let server = thread::spawn(move || server.serve(answer));
    for round in 0..300 {
        let reply = client.call(&Request::Add(round, 1))?;
        assert_eq!(*reply, ArchivedAnswer::Sum((round + 1).into()));
        assert!(reply.is_in_place());
        drop(reply);
        let reply = client.call(&join(&["a", "b", "a text that is long enough to lie outside"]))?;
        assert!(reply.is_in_place());
        let text = "a-b-a text that is long enough to lie outside".to_owned();
        assert_eq!(reply.deserialize()?, Answer::Text(text));
    }
    assert_eq!(client.calls_in_flight(), 0);
    drop(client);
    server.join().unwrap()?;
    Ok(())
}

#[test]
fn a_handler_error_reaches_its_caller_and_the_server_goes_on() -> Outcome {
    let _watchdog = Watchdog::start();
    let (mut client, mut server) = call::channel::<Request, Answer>();
    let server = thread::spawn(move || server.serve(answer));
    for _ in 0..3 {
        let error = client.call(&Request::Add(u32::MAX, 1)).unwrap_err();
        assert!(error.is_handler());
        assert_eq!(error.to_string(), "the handler failed: overflow");
        assert_eq!(*client.call(&Request::Add(1, 2))?, ArchivedAnswer::Sum(3.into()));
    }
    drop(client);
    server.join().unwrap()?;
    Ok(())
}

/// The panic of a handler, and that of what makes the text of its error.
#[test]
fn a_panic_of_a_handler_reaches_its_caller_and_the_server_goes_on() -> Outcome {
    struct Explosive;
    impl std::fmt::Display for Explosive {
        fn fmt(&self, _: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            panic!("no text")
        }
    }
    let _watchdog = Watchdog::start();
    let (mut client, mut server) = call::channel::<u64, u64>();
    let server = thread::spawn(move || {
        server.serve(|n| match n.to_native() {
            1 => panic!("one is too many"),
            2 => Err(Explosive),
            n => Ok(n),
        })
    });
    let panicked = |error: CallError| match error {
        CallError::Panicked(text) => text,
        other => panic!("{other:?}"),
    };
    assert_eq!(panicked(client.call(&1).unwrap_err()), "one is too many");
    assert_eq!(panicked(client.call(&2).unwrap_err()), "no text");
    assert_eq!(*client.call(&3)?, 3);
    drop(client);
    server.join().unwrap()?;
    Ok(())
}

#[test]
fn a_request_that_is_dropped_or_failed_by_hand_ends_its_call() -> Outcome {
    let (mut client, mut server) = call::channel::<u64, u64>();
    let calls: Vec<_> = (0..4).map(|n| client.start(&n)).collect::<Result<_, _>>()?;
    drop(server.recv()?);
    server.recv()?.fail("not today")?;
    drop(server.recv()?.later());
    assert!(server.try_recv().is_ok_and(|request| *request == 3));
    let errors = calls.into_iter().map(|call| call.wait(&mut client).unwrap_err().to_string());
    let unanswered = "the server did not answer the call";
    let failed = "the handler failed: not today";
    assert_eq!(errors.collect::<Vec<_>>(), [unanswered, failed, unanswered, unanswered]);
    Ok(())
}

#[test]
fn a_call_that_times_out_leaves_nothing_behind() -> Outcome {
    let (mut client, mut server) = call::channel::<u64, u64>();
    for round in 0..300 {
        let none = if round % 2 == 0 {
            client.call_timeout(&round, Duration::ZERO).unwrap_err()
        } else {
            client.call_deadline(&round, Instant::now()).unwrap_err()
        };
        assert!(none.is_timeout());
        assert_eq!(client.calls_in_flight(), 1);
        // Its answer comes late, and is none for the next call.
        server.recv()?.answer(round)?;
        let next = client.start(&(round + 1))?;
        server.recv()?.answer(round * 10)?;
        assert_eq!(*next.wait(&mut client)?, round * 10);
        assert_eq!(client.calls_in_flight(), 0);
    }
    Ok(())
}

#[test]
fn a_timeout_is_longer_than_the_answer_takes() -> Outcome {
    let _watchdog = Watchdog::start();
    let (mut client, server) = doubling();
    assert_eq!(*client.call_timeout(&4, Duration::MAX)?, 8);
    assert_eq!(*client.call_deadline(&5, Instant::now() + Duration::from_secs(100))?, 10);
    drop(client);
    server.join().unwrap()?;
    Ok(())
}

#[test]
fn close_by_the_server_fails_the_calls_in_flight_behind_what_it_answered() -> Outcome {
    let (mut client, mut server) = call::channel::<u64, u64>();
    let [first, second, third] = [1, 2, 3].map(|n| client.start(&n).unwrap());
    server.recv()?.answer(10)?;
    let ticket = server.recv()?.later();
    server.close();
    assert!(matches!(ticket.answer(&mut server, 20), Err(PostError::Closed)));
    assert!(third.wait(&mut client).unwrap_err().is_closed());
    assert_eq!(*first.wait(&mut client)?, 10);
    assert!(second.wait(&mut client).unwrap_err().is_closed());
    assert!(client.call(&4).unwrap_err().is_closed());
    assert_eq!(client.calls_in_flight(), 0);
    assert!(client.is_closed() && server.is_closed());
    Ok(())
}

#[test]
fn close_by_the_client_fails_its_calls_and_lets_the_server_read_the_requests() -> Outcome {
    let (mut client, mut server) = call::channel::<u64, u64>();
    let calls = [1, 2].map(|n| client.start(&n).unwrap());
    client.close();
    for call in calls {
        assert!(call.wait(&mut client).unwrap_err().is_closed());
    }
    let mut seen = Vec::new();
    server.serve(|n| {
        seen.push(n.to_native());
        Ok::<_, Infallible>(0)
    })?;
    assert_eq!(seen, [1, 2]);
    assert!(matches!(server.recv(), Err(RecvError::Closed)));
    Ok(())
}

#[test]
fn a_server_that_goes_disconnects_the_calls_in_flight_behind_what_it_answered() -> Outcome {
    let (mut client, mut server) = call::channel::<u64, u64>();
    let [first, second] = [1, 2].map(|n| client.start(&n).unwrap());
    server.recv()?.answer(10)?;
    drop(server);
    assert_eq!(*first.wait(&mut client)?, 10);
    assert!(second.wait(&mut client).unwrap_err().is_disconnected());
    assert!(client.call(&3).unwrap_err().is_disconnected());
    assert!(client.is_disconnected());
    Ok(())
}

#[test]
fn a_server_whose_client_goes_handles_what_it_was_sent() -> Outcome {
    let (mut client, mut server) = call::channel::<u64, u64>();
    let _calls = [1, 2, 3].map(|n| client.start(&n).unwrap());
    drop(client);
    let mut sum = 0;
    server.serve(|n| {
        sum += n.to_native();
        if sum == 1 { Err("nobody hears of it") } else { Ok(sum) }
    })?;
    assert_eq!(sum, 6);
    Ok(())
}

/// A caller sleeps when its server ends, in each of the ways in which it may.
#[test]
fn the_end_wakes_a_caller() {
    fn ends(end: impl FnOnce(Server<u64, u64>) + Send + 'static) -> CallError {
        let (mut client, mut server) = call::channel::<u64, u64>();
        let thread = thread::spawn(move || {
            // The request is here, so the caller waits, or is about to.
            drop(server.recv().unwrap().later());
            end(server);
        });
        let error = client.call(&1).unwrap_err();
        thread.join().unwrap();
        error
    }
    let _watchdog = Watchdog::start();
    for _ in 0..20 {
        assert!(ends(|mut server| server.close()).is_closed());
        assert!(ends(drop).is_disconnected());
        assert!(ends(|mut server| drop(server.try_recv())).is_unanswered());
    }
}

#[test]
fn a_serving_thread_that_panics_disconnects_its_client() {
    let _watchdog = Watchdog::start();
    let (mut client, mut server) = call::channel::<u64, u64>();
    let thread = thread::spawn(move || {
        let _request = server.recv();
        panic!("outside of a handler");
    });
    let error = client.call(&1).unwrap_err();
    // The request in hand is answered as it is dropped.
    assert!(error.is_unanswered(), "{error}");
    assert!(thread.join().is_err());
    assert!(client.call(&2).unwrap_err().is_disconnected());
}

#[test]
fn requests_arrive_in_the_order_in_which_they_were_sent() -> Outcome {
    let _watchdog = Watchdog::start();
    let (mut client, mut server) = call::builder::<u64, u64>().calls_in_flight(8).build()?;
    let (say, heard) = mpsc::channel();
    let thread = thread::spawn(move || {
        server.serve(|n| {
            say.send(n.to_native()).unwrap();
            Ok::<_, Infallible>(n.to_native())
        })
    });
    for n in (0..800).step_by(8) {
        let calls: Vec<_> = (n..n + 8).map(|n| client.start(&n)).collect::<Result<_, _>>()?;
        for (n, call) in (n..).zip(calls) {
            assert_eq!(*call.wait(&mut client)?, n);
        }
    }
    drop(client);
    thread.join().unwrap()?;
    assert_eq!(heard.iter().collect::<Vec<_>>(), (0..800).collect::<Vec<_>>());
    Ok(())
}

#[test]
fn what_a_debugger_sees() -> Outcome {
    let (mut client, mut server) = call::channel::<u64, String>();
    let call = client.start(&1)?;
    assert!(format!("{client:?}").contains("calls_in_flight: 1"));
    let request = server.recv()?;
    assert_eq!(format!("{request:?}"), "Request(1)");
    request.answer("yes".to_owned())?;
    assert_eq!(format!("{:?}", call.wait(&mut client)?), r#"Reply("yes")"#);
    assert!(format!("{server:?}").starts_with("Server"));
    assert!(format!("{:?}", call::builder::<u64, u64>()).contains("calls_in_flight: 64"));
    Ok(())
}
