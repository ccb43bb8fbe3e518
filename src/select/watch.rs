//! A port or a receiver as an outside waiter sees it: with its types erased.

use std::any::Any;
use std::task::Waker;

use crate::archive::Message;
use crate::half::Receiver;
use crate::half::{Incoming, Next};
use crate::link::wait::{Deadline, TimedOut};
use crate::port::MessagePort;

/// A [`MessagePort`] or a [`Receiver`] of any types that borrow nothing: a
/// [`Select`](crate::Select) can wait for it, and it can have a file descriptor (`WithFd`, with the
/// feature `fd`).
///
/// The trait is sealed.
///
/// # Examples
///
/// ```
/// use message_port::{Select, Selectable, SelectKey};
///
/// /// Watches all of them.
/// fn watch_all<'a, P: Selectable>(
///     select: &mut Select<'a>,
///     ports: &'a mut [P],
/// ) -> Vec<SelectKey<P>> {
///     ports.iter_mut().map(|port| select.recv(port)).collect()
/// }
/// ```
#[allow(private_bounds, reason = "nobody else can implement it")]
pub trait Selectable: Watch {}

impl<In: Message + 'static> Selectable for Receiver<In> {}

impl<Out: Message + 'static, In: Message + 'static> Selectable for MessagePort<Out, In> {}

/// The incoming direction, for a waiter with a waker. No method blocks, not even for the rest of a
/// change over to fences: news that is not certain yet counts as none.
pub(crate) trait Watch: Any + Send {
    /// Whether a message, or the end of the channel, comes next.
    fn has_news(&mut self) -> bool;

    /// Registers `waker` to be woken when a message, or the end of the channel, comes next; `true`
    /// if one is there already.
    fn wake_for_news(&mut self, waker: &Waker) -> bool;

    /// Drops the registered waker.
    fn forget_task(&mut self);
}

impl<In: Message + 'static> Watch for Receiver<In> {
    fn has_news(&mut self) -> bool {
        in_task(self.incoming_mut(), |incoming| !matches!(incoming.look(), Next::Empty))
    }

    fn wake_for_news(&mut self, waker: &Waker) -> bool {
        let wait = |incoming: &mut Incoming| incoming.wait_for_news(Deadline::Task(waker));
        in_task(self.incoming_mut(), wait) != Err(TimedOut)
    }

    fn forget_task(&mut self) {
        self.incoming_mut().forget_task();
    }
}

impl<Out: Message + 'static, In: Message + 'static> Watch for MessagePort<Out, In> {
    fn has_news(&mut self) -> bool {
        self.halves_mut().1.has_news()
    }

    fn wake_for_news(&mut self, waker: &Waker) -> bool {
        self.halves_mut().1.wake_for_news(waker)
    }

    fn forget_task(&mut self) {
        self.halves_mut().1.forget_task();
    }
}

fn in_task<R>(incoming: &mut Incoming, look: impl FnOnce(&mut Incoming) -> R) -> R {
    incoming.set_in_task(true);
    let found = look(incoming);
    incoming.set_in_task(false);
    found
}
