//! The web's `MessageChannel` and `MessagePort` for Rust: typed, lock-free, zero-copy.
//!
//! Two entangled ports: each receives, in order, what the other one posts, in both directions at
//! once. A message is written once, as an [`rkyv`] archive, into a ring of bytes, and the other
//! side reads it there in place.
//!
//! ```
//! use message_port::MessageChannel;
//! use std::thread;
//!
//! let MessageChannel { mut port1, mut port2 } = MessageChannel::<String>::new();
//!
//! let worker = thread::spawn(move || {
//!     port2.set_onmessage(|event| {
//!         let reply = format!("{}, world", event.data());
//!         event.target().post_message(&reply)
//!     });
//!     port2.set_onclose(|event| println!("closed by {:?}", event.closed_by()));
//!     port2.run()
//! });
//!
//! port1.post_message(&"hello".to_owned())?;
//! assert_eq!(port1.recv()?.as_str(), "hello, world");
//! port1.close();
//! worker.join().unwrap()?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Map
//!
//! | you want to | look at |
//! |---|---|
//! | make a channel | [`MessageChannel`], [`Builder`] |
//! | post | [`MessagePort::post_message`], [`try_post_message`](MessagePort::try_post_message), [`post_message_timeout`](MessagePort::post_message_timeout), [`post_message_deadline`](MessagePort::post_message_deadline) |
//! | post a `&str`, a slice, a struct that borrows | [`MessagePort::post_message_as`], [`PostAs`] |
//! | receive by pulling | [`MessagePort::recv`], [`try_recv`](MessagePort::try_recv), [`recv_timeout`](MessagePort::recv_timeout), [`recv_deadline`](MessagePort::recv_deadline), [`MessageRef`] |
//! | answer with the message in hand | [`MessagePort::recv_event`], [`ReceivedEvent`] |
//! | receive owned values | [`MessagePort::recv_owned`], [`iter`](MessagePort::iter), [`try_iter`](MessagePort::try_iter), [`OwnedMessage`] |
//! | look without taking | [`MessagePort::peek`], [`PeekRef`] |
//! | learn that nobody reads any more | [`MessagePort::wait_ended`], [`ended_async`](MessagePort::ended_async), [`has_ended`](MessagePort::has_ended) |
//! | receive by handlers | [`MessagePort::set_onmessage`], [`dispatch`](MessagePort::dispatch), [`run`](MessagePort::run) |
//! | use a task instead of a thread | [`MessagePort::recv_async`], [`post_message_async`](MessagePort::post_message_async), [`run_async`](MessagePort::run_async), [`poll_recv`](MessagePort::poll_recv) |
//! | send many at once | [`MessagePort::post_messages`], [`recv_batch`](MessagePort::recv_batch) |
//! | serve many ports on one thread | [`EventLoop`], [`LoopHandle`], [`KeepRunning`] |
//! | wait for several ports on one thread, without handlers | [`Select`] |
//! | pass archives on | [`MessagePort::post_archived`], [`MessageRef::as_bytes`] |
//! | ask and be answered | [`call`] |
//! | use two threads at one end | [`MessagePort::into_split`], [`Sender`], [`Receiver`] |
//! | know what can be posted | [`Message`] |
//! | see how much is in flight, and how much room is left | [`MessagePort::bytes_in_flight`], [`bytes_available`](MessagePort::bytes_available), [`len`](MessagePort::len), [`is_full`](MessagePort::is_full), [`remaining`](MessagePort::remaining) |
//! | choose, combine, tune | [`guide`] |
//! | know how it works | [`protocol`] |
//!
//! # Features
//!
//! | feature | what it does |
//! |---|---|
//! | `fd` | `WithFd`: a port or a receiver with a file descriptor, for programs around `epoll`, mio or the loop of a GUI. On Linux; elsewhere it changes nothing. |
//! | `futures` | [Streams](https://docs.rs/futures-core) and [sinks](https://docs.rs/futures-sink) of owned messages, for the combinators of the ecosystem: `into_stream` of a port or a receiver, `into_sink` of a sender. |
//! | `stats` | Counters of each direction, readable at either end: messages, bytes, high-water mark, waits; see `Stats`. Both ends then count, and a post also looks at a cursor of the receiver's. |
//! | `pointer_width_64` | Archives with all 64 bits of `usize`, `isize`, lengths and offsets. It turns on rkyv's feature of that name, and so applies to every use of rkyv in the program; see [`Message`]. |
//! | `tracing` | [Events](https://docs.rs/tracing) of channels for the program's subscriber; see [`guide::practice`]. |
//! | `loom` | Together with `--cfg message_port_loom`, ports take part in [loom](https://docs.rs/loom) models of your own program; see [`guide::practice`]. Alone it changes nothing. |
//! | `shuttle` | Together with `--cfg message_port_loom --cfg message_port_shuttle`, the same under the random schedules of [shuttle](https://docs.rs/shuttle). |
//!
//! # Without the standard library
//!
//! The crate needs `std`. This is what for, and what a port without it would do instead:
//!
//! | needed | for | without `std` |
//! |---|---|---|
//! | a thread that sleeps (crossbeam's `Parker`) | blocking calls | tasks could still wait, since `Waker` is in `core`; `recv` could only spin |
//! | a clock (`Instant`) | deadlines, `recv_timeout` | calls with a timeout would be gone, or ask the caller for a clock |
//! | a system call (`membarrier`) | a post without a fence | a post with the fence, as on systems other than Linux |
//! | `catch_unwind` | `messageerror` after a panic; a waker that panics | such targets mostly abort on a panic, so there is nothing to catch |
//! | a lock (`Mutex`) | deciding who is refused when both ports wait for room; the payload of a panic | a spin lock, or no such refusal if nothing blocks |
//! | a condition variable (`Condvar`) | the hook of an [`EventLoop`], which sleeps between turns in any case | the loop would be gone; handlers and `dispatch` would remain |
//!
//! The rest needs only an allocator and atomics: the ring with its frames and heap buffers, the
//! state of a channel, and the archives (rkyv has a mode without `std`, and the errors have their
//! traits in `core`).

#![cfg_attr(docsrs, feature(doc_cfg))]
#![forbid(clippy::print_stdout)]

// Layers, from the bytes up: `sync`, `error`, `insight`; `ring`, `archive`, `link`; `half`, `port`;
// then what is built on ports. No layer imports from one above it; `ci/words.sh` checks that.
mod archive;
pub mod call;
mod error;
mod event_loop;
#[cfg(all(feature = "fd", target_os = "linux"))]
mod fd;
#[cfg(feature = "futures")]
mod futures;
pub mod guide;
mod half;
mod insight;
pub mod iter;
mod link;
mod port;
mod ring;
mod select;
mod sync;

pub use archive::{Message, OwnedMessage};
pub use error::{
    BoxError, BuildError, DataCloneError, DeserializeError, DispatchError, HandlerError,
    InvalidArchiveError, PanicPayload, PostError, PostTimeoutError, RecvError, RecvOwnedError,
    RecvTimeoutError, StreamError, TryPostError, TryRecvError, TryRecvOwnedError,
};
pub use event_loop::{EventLoop, EventLoopError, KeepRunning, LoopHandle, PortId};
#[cfg(all(feature = "fd", target_os = "linux"))]
pub use fd::{WithFd, WithFdError};
#[cfg(feature = "futures")]
pub use futures::{PortStream, ReceiverStream, SenderSink};
pub use half::{CloseEvent, ClosedBy, MessageRef, PeekRef, PostAs, Receiver, Sender};
#[cfg(feature = "stats")]
pub use insight::{Stats, WaitStats};
pub use link::wait::WaitStrategy;
pub use port::{
    Builder, Handled, HandlerResult, MessageChannel, MessageErrorEvent, MessageEvent, MessagePort,
    ReceivedEvent,
};
pub use select::{Ready, Select, SelectKey, Selectable};

/// The archive format, re-exported so that dependents derive with the same version.
pub use rkyv;

/// What a loom model may choose; only under `--cfg message_port_loom`.
#[cfg(message_port_loom)]
#[doc(hidden)]
pub mod model {
    #[cfg(message_port_shuttle)]
    pub use crate::sync::model::memory_in_use;
    pub use crate::sync::model::{
        has_light_barriers, with_asked_fences_alone, without_light_barriers,
    };
}

#[doc = include_str!("../docs/protocol.md")]
pub mod protocol {}

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct ReadmeDoctests;
