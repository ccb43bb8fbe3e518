//! Request and reply: [`Client::call`] sends a request and returns its answer, [`Server::serve`]
//! answers requests by a function.
//!
//! ```
//! use message_port::call;
//! use rkyv::{Archive, Serialize};
//! use std::collections::BTreeMap;
//! use std::thread;
//!
//! #[derive(Archive, Serialize)]
//! enum Request {
//!     Set(String, u64),
//!     Get(String),
//! }
//!
//! let (mut client, mut server) = call::channel::<Request, u64>();
//! let server = thread::spawn(move || {
//!     let mut store = BTreeMap::new();
//!     server.serve(|request| match request {
//!         ArchivedRequest::Set(key, value) => {
//!             Ok(store.insert(key.to_string(), value.to_native()).unwrap_or_default())
//!         }
//!         ArchivedRequest::Get(key) => {
//!             store.get(key.as_str()).copied().ok_or_else(|| format!("no key {key}"))
//!         }
//!     })
//! });
//!
//! client.call(&Request::Set("tea".to_owned(), 3))?;
//! assert_eq!(*client.call(&Request::Get("tea".to_owned()))?, 3);
//! let error = client.call(&Request::Get("milk".to_owned())).unwrap_err();
//! assert_eq!(error.to_string(), "the handler failed: no key milk");
//! drop(client);
//! server.join().unwrap()?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Requests and answers are any two [`Message`]s. Both are read in place, in their
//! archived form. Which answer belongs to which request is the crate's business.
//!
//! | you want to | look at |
//! |---|---|
//! | ask and wait | [`Client::call`], [`call_timeout`](Client::call_timeout), [`call_deadline`](Client::call_deadline), [`call_async`](Client::call_async), [`call_async_until`](Client::call_async_until) |
//! | have many calls in flight | [`Client::start`], [`Pending`] |
//! | answer by a function, in order | [`Server::serve`], [`serve_async`](Server::serve_async) |
//! | answer by hand, in any order | [`Server::recv`], [`Request`], [`Ticket`] |
//! | know why there is no reply | [`CallError`] |
//! | choose the limits | [`builder()`], [`Builder`] |
//!
//! # What you can rely on
//!
//! | about | the rule |
//! |---|---|
//! | order | Requests arrive in the order in which they were sent. Answers may be sent and waited for in any order. |
//! | one answer | Each request that was sent has one outcome: an answer, an error, or the end of the channel. |
//! | zero copy | A reply is read where the server wrote it, unless it came before another one that was waited for first: then it is copied aside once. |
//! | a handler that fails | The text of its error or panic reaches the caller; the server goes on. So does what is wrong with an answer or a request. |
//! | a call that is cancelled or timed out | Its late answer is discarded and its room given back. Numbers of calls are not used again, so it is never taken for the answer to a later call. Until then it counts as in flight. |
//! | close and drop | Calls in flight fail with `Closed` or `Disconnected`, except those that were answered before. |
//! | room | Neither an answer nor a request ever waits for the other end; see below. |
//! | allocations | None per call once warm, errors with a text aside, while what is in flight at a time fits the [capacity](Builder::capacity). Beyond that a direction grows, and gives the memory back. Copies of answers that were waited for out of order are freed once 64 calls needed less than a quarter of them, except for 64 KiB. |
//!
//! # Room
//!
//! The two ends cannot wait for each other. A call is sent only while fewer than
//! [`calls_in_flight`](Builder::calls_in_flight) are in flight, and each direction may grow until the
//! longest messages of that many calls fit in it, whatever their order and lengths. So a server that
//! answers finds room although nobody reads a single answer, and a client that asks finds room although
//! nobody reads its requests. What a client does wait for is an answer, and a server that is about to
//! give one does not wait for the client.
//!
//! A client that has reached the limit gets [`CallError::Full`] at once, since only it could make room:
//! by waiting for one of its calls, or by dropping a handle. If it has already cancelled a call, it waits
//! for the answer to that one and discards it.
//!
//! The room is an allowance, and memory beyond the capacity is allocated when it is used, and given
//! back after a burst. If the allocator refuses it, an answer waits as any message does at a
//! [growable](crate::Builder::growable) limit.
//!
//! # Threads and tasks
//!
//! One thread or task has the client, and one the server: each direction is a port's, with one producer
//! and one consumer. There is no clone of a client. Several callers at one client would need a lock or
//! a shared queue around each call, and a reply in place would keep all others from reading theirs;
//! every caller would pay for that, the one that is alone included. A channel for each caller costs the
//! others nothing. A single caller gets its concurrency by [`start`](Client::start): as all its calls
//! are in flight at the same time, in whichever order they are waited for, they take no longer than the
//! slowest of them.
//!
//! Nothing in here is shared between threads but the ports, and the queues through which a dropped
//! [`Pending`] or [`Ticket`] is made known. So the models of the ports are those of calls.

mod builder;
mod client;
mod dropped;
mod envelope;
mod error;
mod flight;
mod keep;
mod pending;
mod replies;
mod reply;
mod request;
mod serve;
mod server;
mod waiting;

pub use builder::Builder;
pub use client::Client;
pub use error::CallError;
pub use pending::Pending;
pub use reply::Reply;
pub use request::{Request, Ticket};
pub use server::Server;

use crate::archive::Message;

/// Makes a call channel with the default settings: 64 calls in flight, requests and answers of up to
/// 1 MiB, rings of 64 KiB.
///
/// # Panics
///
/// If there is no memory for it.
///
/// # Examples
///
/// ```
/// use message_port::call;
/// use std::convert::Infallible;
/// use std::thread;
///
/// let (mut client, mut server) = call::channel::<String, String>();
/// thread::spawn(move || server.serve(|name| Ok::<_, Infallible>(format!("hello, {name}"))));
/// assert_eq!(client.call(&"world".to_owned())?.as_str(), "hello, world");
/// # Ok::<(), message_port::call::CallError>(())
/// ```
pub fn channel<Req: Message, Ans: Message>() -> (Client<Req, Ans>, Server<Req, Ans>) {
    match builder().build() {
        Ok(ends) => ends,
        Err(error) => panic!("{error}"),
    }
}

/// Starts to build a call channel with other settings.
///
/// # Examples
///
/// ```
/// use message_port::call;
///
/// let (client, server) = call::builder::<String, u64>().calls_in_flight(1000).build()?;
/// # Ok::<(), message_port::BuildError>(())
/// ```
pub fn builder<Req: Message, Ans: Message>() -> Builder<Req, Ans> {
    Builder::new()
}
