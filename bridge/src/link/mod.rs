//! One link: what the two threads and the callbacks of the session share.
//!
//! Locks are taken in the order load, `outlet`, `inward`, `outward`, and never the other way round. A
//! callback of the session takes the last two, never waits for room and never sends: it runs on a
//! thread of the session, which the other side's frames need too. A post that carries takes all of
//! them, the first two only if they are free; see [`posts`].

mod arrivals;
mod carry;
mod deliver;
mod load;
mod posts;

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread::Thread;

use message_port::Sender;
use zenoh::Wait;
use zenoh::pubsub::Publisher;

pub(crate) use carry::{Ended, carry};
pub(crate) use deliver::deliver;

use crate::error::LinkError;
use crate::ledger::{Incoming, Outgoing, tells_at};
use crate::options::Options;
use crate::violation::Violation;
use crate::wire::{self, Body, EndOfStream, Frame, Terms};

/// The side of a link.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Role {
    Connector,
    Exposer,
}

/// Posts `P`s into the user's channel.
pub(crate) struct Link<P> {
    role: Role,
    /// This side's window: what it does not let the other side exceed, nor itself.
    window: u64,
    /// Posts put what they post, if they can.
    put_from_posts: bool,
    inward: Mutex<Inward<P>>,
    /// Something in `inward` changed.
    arrived: Condvar,
    outward: Mutex<Outward>,
    outlet: Mutex<Outlet>,
    /// The thread that carries messages out, once there is one.
    carrier: OnceLock<Thread>,
    /// Called when somebody else might wait for this link: at `READY`, at a token, at a failure.
    stir: Box<dyn Fn() + Send + Sync>,
}

/// What comes in.
#[allow(clippy::struct_excessive_bools, reason = "each is set once, and by itself")]
struct Inward<P> {
    books: Incoming,
    /// In order; its bytes are bounded by the window, which the books watch.
    queue: VecDeque<Arrival>,
    desk: Desk<P>,
    /// Nobody here receives any more.
    discarding: bool,
    /// The other side waits for credit.
    wanted: bool,
    /// What the delivering thread does; nobody wakes it while it is awake.
    pace: Pace,
    /// The carrying thread waits for the sending half.
    desk_awaited: bool,
    /// The first frame of a connector has come.
    ready: bool,
    /// The end of the direction has been delivered.
    finished: bool,
    /// Nothing is taken any more.
    failed: bool,
}

/// Where the sending half of the user's channel is.
enum Desk<P> {
    /// Not there yet, or in use by the delivering thread, which brings it back.
    Away,
    Here(Box<Sender<P>>),
    /// Dropped, so that the user knows that nothing more comes.
    Gone,
}

/// What the delivering thread does.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Pace {
    Awake,
    /// It sleeps until it is woken.
    Asleep,
    /// It sleeps until the next acknowledgement is due.
    Ticking,
}

enum Arrival {
    /// Messages of a frame, checked, behind those that were delivered at once.
    Data {
        bytes: Vec<u8>,
        delivered: usize,
    },
    End(EndOfStream),
}

/// What goes out, and how the link stands.
#[allow(clippy::struct_excessive_bools, reason = "each is set once, and by itself")]
struct Outward {
    books: Outgoing,
    /// The carrying thread waits for credit.
    credit_awaited: bool,
    /// Nobody receives at the other side any more.
    stopped: bool,
    /// The other side's user closed the channel.
    closing: bool,
    /// The other side's token has been seen.
    alive: bool,
    end_sent: bool,
    /// The user closed the channel, and the end said so.
    closed_here: bool,
    end_seen: bool,
    done_seen: bool,
    failed: Option<LinkError>,
}

/// The only place where frames are numbered, so that they are put in the order of their numbers.
struct Outlet {
    publisher: Option<Publisher<'static>>,
    next_number: u64,
    stop_sent: bool,
}

/// A user's waker that panics must not take the link with it: what the locks protect is changed
/// in single steps.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<P> Link<P> {
    pub(crate) fn new(role: Role, options: &Options, stir: Box<dyn Fn() + Send + Sync>) -> Self {
        let (window, longest) = (options.window as u64, options.max_message_len as u64);
        Self {
            role,
            window,
            put_from_posts: options.put_from_posts,
            inward: Mutex::new(Inward {
                books: Incoming::new(window, longest),
                queue: VecDeque::new(),
                desk: Desk::Away,
                discarding: false,
                wanted: false,
                pace: Pace::Awake,
                desk_awaited: false,
                ready: false,
                finished: false,
                failed: false,
            }),
            arrived: Condvar::new(),
            outward: Mutex::new(Outward {
                books: Outgoing::new(0, 0, 0),
                credit_awaited: false,
                stopped: false,
                closing: false,
                alive: false,
                end_sent: false,
                closed_here: false,
                end_seen: false,
                done_seen: false,
                failed: None,
            }),
            outlet: Mutex::new(Outlet { publisher: None, next_number: 0, stop_sent: false }),
            carrier: OnceLock::new(),
            stir,
        }
    }

    /// Says where frames go, and what the other side takes. From here on both sides take archives of
    /// the same length.
    pub(crate) fn open(&self, publisher: Publisher<'static>, there: &Terms) {
        // Not more than this side's own window either: what is remembered of unacknowledged
        // messages is bounded whatever the other side grants.
        let window = there.window.min(self.window);
        let longest = {
            let mut inward = lock(&self.inward);
            inward.books.agree(there.max_message_len)
        };
        lock(&self.outward).books = Outgoing::new(window, tells_at(there.window), longest);
        lock(&self.outlet).publisher = Some(publisher);
    }

    /// Lets what arrives go to the user.
    pub(crate) fn start(&self, sender: Sender<P>) {
        lock(&self.inward).desk = Desk::Here(Box::new(sender));
        self.arrived.notify_all();
    }

    /// Ends the link with an error, unless it has ended. May be called by anybody, and never waits.
    pub(crate) fn fail(&self, error: LinkError) {
        {
            let mut outward = lock(&self.outward);
            if outward.failed.is_some() || outward.done_seen {
                return;
            }
            outward.failed = Some(error);
        }
        lock(&self.inward).failed = true;
        self.wake_all();
    }

    fn wake_all(&self) {
        self.arrived.notify_all();
        self.wake_carrier();
        (self.stir)();
    }

    fn wake_carrier(&self) {
        if let Some(thread) = self.carrier.get() {
            thread.unpark();
        }
    }

    /// The other side's token appeared.
    pub(crate) fn peer_alive(&self) {
        lock(&self.outward).alive = true;
        (self.stir)();
    }

    /// The other side's token vanished.
    pub(crate) fn peer_gone(&self) {
        let mut outward = lock(&self.outward);
        // Whoever takes its token away in order has seen this side's `DONE`. So this side has sent
        // it, and may have been overtaken by this news of the other side's.
        if outward.end_sent && outward.end_seen {
            outward.done_seen = true;
            drop(outward);
            self.wake_all();
        } else {
            drop(outward);
            self.fail(LinkError::PeerGone);
        }
    }

    /// Whether the link is there: the connector said so and has been seen. If it said so and the
    /// link has failed since, it was there, and what arrived before is its user's.
    pub(crate) fn is_ready(&self) -> bool {
        let outward = lock(&self.inward).ready.then(|| lock(&self.outward));
        outward.is_some_and(|outward| outward.alive || outward.failed.is_some())
    }

    pub(crate) fn failure(&self) -> Option<LinkError> {
        lock(&self.outward).failed.clone()
    }

    /// Puts a frame without messages.
    pub(crate) fn send(&self, body: Body<'_>) {
        let mut outlet = lock(&self.outlet);
        if matches!(body, Body::Stop) && std::mem::replace(&mut outlet.stop_sent, true) {
            return;
        }
        self.put(&mut outlet, |number, acknowledged| {
            let mut bytes = Vec::new();
            wire::encode(&Frame { number, acknowledged, body }, &mut bytes);
            bytes
        });
    }

    fn put(&self, outlet: &mut Outlet, bytes: impl FnOnce(u64, u64) -> Vec<u8>) {
        let Some(publisher) = &outlet.publisher else { return };
        let acknowledged = lock(&self.inward).books.tell();
        let sent = publisher.put(bytes(outlet.next_number, acknowledged)).wait();
        outlet.next_number += 1;
        if let Err(error) = sent {
            self.fail(LinkError::Send(error.to_string()));
        }
    }

    /// Says what became of a direction whose end has been sent.
    fn end_sent(&self, closed_here: bool) {
        let mut outward = lock(&self.outward);
        outward.end_sent = true;
        outward.closed_here = closed_here;
    }
}

/// Ends a link when the session lets go of the callback that holds this: it was closed.
pub(crate) struct Hold<P>(pub(crate) Arc<Link<P>>);

impl<P> Drop for Hold<P> {
    fn drop(&mut self) {
        self.0.fail(LinkError::SessionClosed);
    }
}

impl From<Violation> for LinkError {
    fn from(violation: Violation) -> Self {
        Self::Violation(violation)
    }
}
