//! Requests and replies between two threads: a small store of numbers behind a call channel.
//!
//! ```text
//! cargo run --example rpc
//! ```

use std::collections::BTreeMap;
use std::thread;
use std::time::Duration;

use message_port::{BoxError, call};
use rkyv::{Archive, Serialize};

// `rkyv(derive(...))` is for the archived form, which is what the other thread receives: here it
// can be printed and compared.
#[derive(Archive, Serialize)]
#[rkyv(derive(Debug, PartialEq))]
enum Request {
    Set {
        key: String,
        value: i64,
    },
    Get {
        key: String,
    },
    /// Reads a number from a text, and adds it.
    Add {
        key: String,
        text: String,
    },
    Keys,
}

#[derive(Archive, Serialize)]
#[rkyv(derive(Debug, PartialEq))]
enum Answer {
    Done,
    Value(i64),
    Keys(Vec<String>),
}

type Store = BTreeMap<String, i64>;

/// Answers one request. The return type is written down here, so each `?` knows its error; the text of
/// an error is what the caller gets.
fn answer(store: &mut Store, request: &ArchivedRequest) -> Result<Answer, BoxError> {
    match request {
        ArchivedRequest::Set { key, value } => {
            store.insert(key.to_string(), value.to_native());
            Ok(Answer::Done)
        }
        ArchivedRequest::Get { key } => {
            let value = store.get(key.as_str()).ok_or_else(|| format!("no key {key}"))?;
            Ok(Answer::Value(*value))
        }
        ArchivedRequest::Add { key, text } => {
            let more: i64 = text.parse()?;
            let value = store.get_mut(key.as_str()).ok_or_else(|| format!("no key {key}"))?;
            *value = value.checked_add(more).ok_or("overflow")?;
            Ok(Answer::Value(*value))
        }
        ArchivedRequest::Keys => Ok(Answer::Keys(store.keys().cloned().collect())),
    }
}

fn main() -> Result<(), BoxError> {
    let (mut client, mut server) = call::channel::<Request, Answer>();
    let server = thread::spawn(move || {
        let mut store = Store::new();
        server.serve(|request| answer(&mut store, request))
    });

    // The reply is read in place; the client is free for the next call once it is dropped.
    let key = || "tea".to_owned();
    let reply = client.call(&Request::Set { key: key(), value: 3 })?;
    assert_eq!(*reply, ArchivedAnswer::Done);
    drop(reply);

    for text in ["4", "four", "9223372036854775807"] {
        match client.call(&Request::Add { key: key(), text: text.to_owned() }) {
            Ok(reply) => println!("tea + {text} = {:?}", *reply),
            Err(error) => println!("tea + {text}: {error}"),
        }
    }

    // All of these are in flight at once, and are waited for in another order.
    let tea = client.start(&Request::Get { key: key() })?;
    let milk = client.start(&Request::Get { key: "milk".to_owned() })?;
    let keys = client.start(&Request::Keys)?;
    println!("{:?}", *keys.wait(&mut client)?);
    println!("{:?}", *tea.wait(&mut client)?);
    println!("{}", milk.wait(&mut client).unwrap_err());

    let patient = Duration::from_secs(10);
    println!("{:?}", *client.call_timeout(&Request::Get { key: key() }, patient)?);

    client.close();
    server.join().map_err(|_| "the server panicked")??;
    Ok(())
}
