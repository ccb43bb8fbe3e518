//! Who carries the user's messages out: a thread, or the post that wakes it.
//!
//! The receiver of the user's ring calls the [`Carrier`] as its waker, in the thread that has just posted,
//! behind its post. With [`Options::put_from_posts`](crate::Options::put_from_posts) that thread carries
//! the message itself, if it can do so at once; otherwise it wakes the carrying thread.
//!
//! **The post is done by then.** The channel calls the waker behind the commit, without a lock, and after it has
//! given the place back in which the waker was registered. So the waker may receive, and register again.
//!
//! **No wake-up is lost.** Whoever has the load's lock empties the ring, registers this waker again, and
//! looks once more before it lets go. So the ring is empty and the waker registered whenever nobody has the
//! lock, or else the carrying thread has been woken or is about to look:
//!
//! - A waker that does not get the lock wakes the carrying thread. If that thread had the lock, it looks
//!   again before it sleeps. If another post had it, the thread waits for that post and then looks.
//! - A waker that gets the lock and leaves anything there wakes the carrying thread, behind the lock.
//! - The carrying thread puts nothing between its last look and its sleep, so nothing takes the token
//!   of a wake-up that comes in between.
//!
//! **Nobody waits in a circle.** The waker takes the load's lock and the outlet's only if they are free. Under
//! them it takes `inward` and `outward` of its own link, as every put does. If both ends of the link are in
//! one session, the put also delivers: it takes these two locks of the other end, which nobody keeps while
//! waiting for a lock of this one. A thread that is inside a callback of the session ([`not_here`]), or is
//! carrying already, does not carry: a callback must not put, and a user's waker that posts to another link
//! would otherwise put from within a put, ever deeper.
//!
//! A panic in here ends the link, and the channel keeps it from the post.

use std::cell::Cell;
use std::mem;
use std::sync::{Arc, Mutex};
use std::task::{Context, Wake, Waker};
use std::thread::{self, Thread};
use std::time::Duration;

use message_port::{Message, Receiver};

use super::carry::Finish;
use super::load::{Carried, Load};
use super::{Link, lock};
use crate::error::LinkError;

/// A post that comes earlier after the last message than this belongs to a stream. The thread carries that
/// faster, since it puts many messages into a frame.
const STREAM: Duration = Duration::from_micros(20);

thread_local! {
    /// Whether this thread may not put now.
    static BUSY: Cell<bool> = const { Cell::new(false) };
}

/// While this lives, no post of this thread carries. `None` if that was so before.
pub(super) fn not_here() -> Option<NotHere> {
    (!BUSY.replace(true)).then(|| NotHere(()))
}

pub(super) struct NotHere(());

impl Drop for NotHere {
    fn drop(&mut self) {
        BUSY.set(false);
    }
}

/// The waker of the user's ring, and what there is to carry.
pub(super) struct Carrier<P, T> {
    link: Arc<Link<P>>,
    thread: Thread,
    /// Gone once nothing more is carried.
    load: Mutex<Option<Load<T>>>,
}

impl<P, T> Carrier<P, T> {
    /// For the calling thread.
    pub(super) fn new(link: Arc<Link<P>>, receiver: Receiver<T>) -> Self {
        Self { link, thread: thread::current(), load: Mutex::new(Some(Load::new(receiver))) }
    }

    /// Ends the carrying: no post finds anything to carry any more.
    pub(super) fn take(&self) -> Option<Load<T>> {
        lock(&self.load).take()
    }
}

impl<P: Message, T: Message> Carrier<P, T> {
    /// Carries until the direction ends; `cx` has this waker.
    pub(super) fn carry_messages(&self, cx: &mut Context<'_>) -> Finish {
        loop {
            let carried = lock(&self.load).as_mut().map(|load| load.carry(&self.link, cx));
            match carried {
                Some(None) => thread::park(),
                Some(Some(finish)) => return finish,
                None => return Finish::Failed,
            }
        }
    }
}

impl<P: Message + 'static, T: Message + 'static> Carrier<P, T> {
    /// Carries what the calling thread has just posted.
    fn carry_post(self: &Arc<Self>) -> Carried {
        let Some(_here) = not_here() else { return Carried::NotAll };
        let Ok(mut load) = self.load.try_lock() else { return Carried::NotAll };
        let Some(load) = &mut *load else { return Carried::All };
        if load.idle_since.elapsed() < STREAM {
            return Carried::NotAll;
        }
        let unless_it_panics = Fail(&self.link);
        let waker = Waker::from(Arc::clone(self));
        let carried = load.carry_at_once(&self.link, &mut Context::from_waker(&waker));
        mem::forget(unless_it_panics);
        carried
    }
}

impl<P: Message + 'static, T: Message + 'static> Wake for Carrier<P, T> {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if !self.link.put_from_posts || self.carry_post() == Carried::NotAll {
            self.thread.unpark();
        }
    }
}

/// What was taken and not put would be lost without a word.
struct Fail<'a, P>(&'a Link<P>);

impl<P> Drop for Fail<'_, P> {
    fn drop(&mut self) {
        self.0.fail(LinkError::Panicked);
    }
}
