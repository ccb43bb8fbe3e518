//! Requests and replies between two threads: a small store of numbers behind a port.
//!
//! ```text
//! cargo run --example rpc
//! ```

use std::collections::BTreeMap;
use std::thread;

use message_port::{BoxError, MessageChannel, MessageEvent, MessagePort, MessageRef};
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
enum Reply {
    Done,
    Value(i64),
    Keys(Vec<String>),
    Failed(String),
}

type Store = BTreeMap<String, i64>;

/// Answers one request. The return type is written down here, so each `?` knows its error.
fn answer(store: &mut Store, request: &ArchivedRequest) -> Result<Reply, BoxError> {
    match request {
        ArchivedRequest::Set { key, value } => {
            store.insert(key.to_string(), value.to_native());
            Ok(Reply::Done)
        }
        ArchivedRequest::Get { key } => {
            let value = store.get(key.as_str()).ok_or_else(|| format!("no key {key}"))?;
            Ok(Reply::Value(*value))
        }
        ArchivedRequest::Add { key, text } => {
            let more: i64 = text.parse()?;
            let value = store.get_mut(key.as_str()).ok_or_else(|| format!("no key {key}"))?;
            *value = value.checked_add(more).ok_or("overflow")?;
            Ok(Reply::Value(*value))
        }
        ArchivedRequest::Keys => Ok(Reply::Keys(store.keys().cloned().collect())),
    }
}

/// The message handler. A failure goes into the reply: an error returned from a handler becomes a
/// `messageerror` at this port, and the caller would wait for its reply.
fn serve(store: &mut Store, event: &mut MessageEvent<'_, Request, Reply>) -> Result<(), BoxError> {
    let reply =
        answer(store, event.data()).unwrap_or_else(|error| Reply::Failed(error.to_string()));
    event.target().post_message(&reply)?;
    Ok(())
}

/// Posts a request and waits for its reply. The reply is read in place; the port is free for the
/// next call once it is dropped.
fn call<'p>(
    port: &'p mut MessagePort<Request, Reply>,
    request: &Request,
) -> Result<MessageRef<'p, Reply>, BoxError> {
    port.post_message(request)?;
    Ok(port.recv()?)
}

fn main() -> Result<(), BoxError> {
    let MessageChannel { port1: mut client, port2: mut server } = MessageChannel::new();
    let server = thread::spawn(move || {
        let mut store = Store::new();
        server.set_onmessage(move |event| serve(&mut store, event));
        server.run()
    });

    let key = || "tea".to_owned();
    let reply = call(&mut client, &Request::Set { key: key(), value: 3 })?;
    assert_eq!(*reply, ArchivedReply::Done);
    drop(reply);

    for text in ["4", "four", "9223372036854775807"] {
        match &*call(&mut client, &Request::Add { key: key(), text: text.to_owned() })? {
            ArchivedReply::Value(value) => println!("tea + {text} = {}", value.to_native()),
            ArchivedReply::Failed(why) => println!("tea + {text}: {why}"),
            other => println!("tea + {text}: an unexpected {other:?}"),
        }
    }
    println!("{:?}", *call(&mut client, &Request::Get { key: key() })?);
    println!("{:?}", *call(&mut client, &Request::Get { key: "milk".to_owned() })?);
    println!("{:?}", *call(&mut client, &Request::Keys)?);

    client.close();
    server.join().map_err(|_| "the server panicked")??;
    Ok(())
}
