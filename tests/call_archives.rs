//! Request and reply with what is wrong with a request or an answer: each failure reaches its own
//! call, and nothing else.

#[path = "common/hostile.rs"]
mod hostile;

use std::error::Error;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};

use message_port::call::{self, CallError, Client, Server};
use message_port::rkyv::bytecheck::Verify;
use message_port::rkyv::rancor::{Fallible, Source};
use message_port::rkyv::ser::{Positional, Writer};
use message_port::rkyv::{self, Archive, Place, Serialize};
use message_port::{PostError, RecvError};

use hostile::Hostile;

type Outcome = Result<(), Box<dyn Error>>;

/// A number whose archive is invalid if it is 7, and whose check panics if it is 13.
#[derive(Archive, Serialize, Clone, Copy)]
#[rkyv(crate = message_port::rkyv, bytecheck(verify))]
struct Fragile(u32);

#[derive(Debug)]
struct Seven;

impl fmt::Display for Seven {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("it is seven")
    }
}

impl Error for Seven {}

// SAFETY: there is nothing that a check could establish.
unsafe impl<C: Fallible<Error: Source> + ?Sized> Verify<C> for ArchivedFragile {
    fn verify(&self, _: &mut C) -> Result<(), C::Error> {
        match self.0.to_native() {
            7 => Err(C::Error::new(Seven)),
            13 => panic!("the check of thirteen"),
            _ => Ok(()),
        }
    }
}

/// A value that fails to be serialised if it is 7, and whose serialisation panics if it is 13.
struct Stubborn(u32);

impl Archive for Stubborn {
    type Archived = rkyv::rend::u32_le;
    type Resolver = ();

    fn resolve(&self, (): (), out: Place<Self::Archived>) {
        out.write(self.0.into());
    }
}

impl<S: Fallible<Error: Source> + Writer + Positional + ?Sized> Serialize<S> for Stubborn {
    fn serialize(&self, _: &mut S) -> Result<(), S::Error> {
        match self.0 {
            7 => Err(S::Error::new(Seven)),
            13 => panic!("the serialisation of thirteen"),
            _ => Ok(()),
        }
    }
}

/// Calls with all of `numbers` in flight at once, and what came of each.
fn outcomes(
    client: &mut Client<Fragile, Fragile>,
    server: &mut Server<Fragile, Fragile>,
    numbers: &[u32],
    waited: impl Fn(&mut Vec<(usize, call::Pending)>) -> (usize, call::Pending),
) -> Vec<String> {
    let calls = numbers.iter().map(|&n| client.start(&Fragile(n)).unwrap());
    let mut calls: Vec<_> = calls.enumerate().collect();
    // A request whose check panics ends this; its call is told with the next one.
    while catch_unwind(AssertUnwindSafe(|| serve(server))).is_err() {}
    let mut outcomes = vec![String::new(); numbers.len()];
    while !calls.is_empty() {
        let (at, mut call) = waited(&mut calls);
        outcomes[at] = loop {
            // It may be the check of another call's answer that panics.
            let caught = catch_unwind(AssertUnwindSafe(|| outcome(client, &mut call)));
            if let Ok(outcome) = caught {
                break outcome;
            }
        };
    }
    assert_eq!(client.calls_in_flight(), 0);
    outcomes
}

/// Answers what is there: `n` by `n - 100`, so that 107 and 113 have answers that are fragile.
fn serve(server: &mut Server<Fragile, Fragile>) {
    loop {
        match server.try_recv() {
            Ok(request) => {
                let n = request.0.to_native();
                request.answer(Fragile(n.wrapping_sub(100))).unwrap();
            }
            Err(error) if error.is_empty() => return,
            Err(error) => assert!(error.is_invalid_archive()),
        }
    }
}

fn outcome(client: &mut Client<Fragile, Fragile>, call: &mut call::Pending) -> String {
    match call.try_wait(client) {
        Ok(reply) => reply.unwrap().0.to_string(),
        Err(error @ (CallError::InvalidArchive(_) | CallError::InvalidRequest(_))) => {
            assert!(error.to_string().contains("not valid"), "{error}");
            if error.is_invalid_archive() { "bad answer" } else { "bad request" }.to_owned()
        }
        Err(error) => error.to_string(),
    }
}

#[test]
fn what_is_invalid_fails_its_own_call_only() {
    let (mut client, mut server) = call::channel::<Fragile, Fragile>();
    let numbers = [101, 7, 107, 102, 13, 113, 103, 113, 13, 7, 104];
    let unanswered = "the server did not answer the call";
    let expected = [
        "1",
        "bad request",
        "bad answer",
        "2",
        unanswered,
        "bad answer",
        "3",
        "bad answer",
        unanswered,
        "bad request",
        "4",
    ];
    for _ in 0..20 {
        let in_order = outcomes(&mut client, &mut server, &numbers, |calls| calls.remove(0));
        assert_eq!(in_order, expected);
        let reversed = outcomes(&mut client, &mut server, &numbers, |calls| calls.pop().unwrap());
        assert_eq!(reversed, expected);
    }
}

#[test]
fn a_call_whose_own_check_panics_leaves_nothing_behind() -> Outcome {
    let (mut client, mut server) = call::channel::<u32, Fragile>();
    for _ in 0..10 {
        let bad = client.start(&0)?;
        let good = client.start(&0)?;
        server.recv()?.answer(Fragile(13))?;
        server.recv()?.answer(Fragile(1))?;
        let panicked = catch_unwind(AssertUnwindSafe(|| drop(bad.wait(&mut client))));
        assert!(panicked.is_err());
        assert_eq!(good.wait(&mut client)?.0, 1);
        assert_eq!(client.calls_in_flight(), 0);
    }
    Ok(())
}

#[test]
fn an_archive_that_lies_is_no_answer_and_no_request() -> Outcome {
    let (mut client, mut server) = call::channel::<Hostile, Hostile>();
    let [first, second, third] = [
        client.start(&Hostile::honest(b"honest"))?,
        client.start(&Hostile::lying(b"a lie"))?,
        client.start(&Hostile::honest(b"honest again"))?,
    ];
    assert_eq!(server.recv()?.as_slice(), b"honest");
    assert!(matches!(server.recv(), Err(RecvError::InvalidArchive(_))));
    server.recv()?.answer(Hostile::lying(b"another lie"))?;
    assert!(third.wait(&mut client).unwrap_err().is_invalid_archive());
    assert!(first.wait(&mut client).unwrap_err().is_unanswered());
    let error = second.wait(&mut client).unwrap_err();
    assert!(matches!(error, CallError::InvalidRequest(_)), "{error}");
    Ok(())
}

#[test]
fn what_cannot_be_serialised_is_told_to_the_caller() -> Outcome {
    let (mut client, mut server) = call::channel::<Stubborn, Stubborn>();
    // A request: nothing was sent.
    assert!(client.call(&Stubborn(7)).unwrap_err().is_data_clone());
    let panicked = catch_unwind(AssertUnwindSafe(|| drop(client.call(&Stubborn(13)))));
    assert!(panicked.is_err());
    assert_eq!(client.calls_in_flight(), 0);
    assert!(server.is_empty());

    // An answer by hand.
    let calls = [1, 2, 3].map(|n| client.start(&Stubborn(n)).unwrap());
    let error = server.recv()?.answer(Stubborn(7)).unwrap_err();
    assert!(error.is_data_clone());
    let request = server.recv()?;
    assert!(catch_unwind(AssertUnwindSafe(|| drop(request.answer(Stubborn(13))))).is_err());
    server.recv()?.answer(Stubborn(30))?;
    let [first, second, third] = calls.map(|call| call.wait(&mut client).map(|reply| *reply));
    let first = first.unwrap_err().to_string();
    assert!(first.starts_with("the answer could not be sent"), "{first}");
    assert!(first.contains("it is seven"), "{first}");
    assert!(second.unwrap_err().is_unanswered());
    assert_eq!(third?, 30);

    // An answer of a handler.
    let calls = [7, 13, 8].map(|n| client.start(&Stubborn(n * 10)).unwrap());
    client.start(&Stubborn(0)).map(drop)?;
    drop(std::thread::spawn({
        let mut server = server;
        move || server.serve(|n| Ok::<_, String>(Stubborn(n.to_native() / 10)))
    }));
    let [first, second, third] = calls.map(|call| call.wait(&mut client).map(|reply| *reply));
    assert!(matches!(first, Err(CallError::AnswerDataClone(_))));
    assert!(
        matches!(second, Err(CallError::Panicked(text)) if text == "the serialisation of thirteen")
    );
    assert_eq!(third?, 8);
    Ok(())
}

#[test]
fn what_is_too_large_is_told_to_both() -> Outcome {
    let (mut client, mut server) =
        call::builder::<Vec<u8>, Vec<u8>>().max_message_len(1000).build()?;
    match client.call(&vec![0; 1001]).unwrap_err() {
        CallError::TooLarge { needed, max: 1000 } => assert!(needed > 1000),
        other => panic!("{other:?}"),
    }
    for at_hand in [true, false] {
        let [first, second] = [1, 2].map(|n| client.start(&vec![n; 900]).unwrap());
        let answered = if at_hand {
            server.recv()?.answer(vec![0; 1001])
        } else {
            let ticket = server.recv()?.later();
            ticket.answer(&mut server, vec![0; 1001])
        };
        assert!(answered.unwrap_err().is_too_large());
        server.recv()?.answer(vec![2; 900])?;
        match first.wait(&mut client).unwrap_err() {
            CallError::AnswerTooLarge { needed, max: 1000 } => assert!(needed > 1000),
            other => panic!("{other:?}"),
        }
        assert_eq!(*second.wait(&mut client)?, [2; 900]);
    }
    Ok(())
}

/// However small the limit is, there is room for what stands in for an answer.
#[test]
fn a_text_that_is_too_long_is_cut() -> Outcome {
    for (max, at_least) in [(0, 64), (120, 64), (1000, 900)] {
        let (mut client, mut server) =
            call::builder::<u32, String>().max_message_len(max).build()?;
        let texts = ["x".repeat(2000), "ü".repeat(1000), "€".repeat(1000), "🦀".repeat(1000)];
        for text in texts {
            let call = client.start(&1)?;
            server.recv()?.fail(&text)?;
            match call.wait(&mut client).unwrap_err() {
                CallError::Handler(cut) => {
                    assert!(text.starts_with(&cut));
                    assert!(cut.len() + 3 >= at_least, "{} bytes", cut.len());
                }
                other => panic!("{other:?}"),
            }
        }
    }
    Ok(())
}

/// As it is refused where it is a message by itself.
#[cfg(all(target_pointer_width = "64", not(feature = "pointer_width_64")))]
#[test]
fn an_answer_that_is_a_number_which_does_not_fit_is_refused() -> Outcome {
    let (mut client, mut server) = call::channel::<u32, usize>();
    let call = client.start(&1)?;
    let refused = server.recv()?.answer(1 << 40).unwrap_err();
    assert!(matches!(refused, PostError::DataClone(_)));
    let error = call.wait(&mut client).unwrap_err();
    assert!(matches!(error, CallError::AnswerDataClone(_)), "{error}");
    Ok(())
}
