//! Learning of the end without posting.

use std::future::poll_fn;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use super::Sender;
use crate::link::wait::{Deadline, TimedOut, pending};

/// A task that waits for the end. However its future ends, the task is not woken for it afterwards.
struct Ending<'a, Out>(&'a mut Sender<Out>);

impl<Out> Drop for Ending<'_, Out> {
    fn drop(&mut self) {
        self.0.outgoing.forget_task();
    }
}

impl<Out> Sender<Out> {
    /// Whether nobody will read further posts: one of the ports was closed, or the peer's receiving
    /// half was dropped. Final.
    ///
    /// # Examples
    ///
    /// ```
    /// use message_port::MessageChannel;
    ///
    /// let MessageChannel { port1, port2 } = MessageChannel::<u64>::new();
    /// let (sender, _receiver) = port1.into_split();
    /// assert!(!sender.has_ended());
    /// drop(port2);
    /// assert!(sender.has_ended());
    /// ```
    pub fn has_ended(&self) -> bool {
        self.is_closed() || self.is_disconnected()
    }

    /// Waits until nobody will read further posts; see
    /// [`MessagePort::wait_ended`](crate::MessagePort::wait_ended).
    ///
    /// # Examples
    ///
    /// ```
    /// use message_port::MessageChannel;
    /// use std::thread;
    ///
    /// let MessageChannel { port1, port2 } = MessageChannel::<u64>::new();
    /// let (mut sender, _receiver) = port1.into_split();
    /// let watcher = thread::spawn(move || sender.wait_ended());
    /// drop(port2);
    /// watcher.join().unwrap();
    /// ```
    pub fn wait_ended(&mut self) {
        if self.outgoing.wait_for_end(Deadline::Never) == Err(TimedOut) {
            unreachable!("a wait without a deadline timed out");
        }
    }

    /// Waits until nobody will read further posts, at most `timeout`, and returns whether that is
    /// so; see [`MessagePort::wait_ended_timeout`](crate::MessagePort::wait_ended_timeout).
    ///
    /// # Examples
    ///
    /// ```
    /// use message_port::MessageChannel;
    /// use std::time::Duration;
    ///
    /// let MessageChannel { port1, port2: _listening } = MessageChannel::<u64>::new();
    /// let (mut sender, _receiver) = port1.into_split();
    /// assert!(!sender.wait_ended_timeout(Duration::from_millis(1)));
    /// ```
    pub fn wait_ended_timeout(&mut self, timeout: Duration) -> bool {
        self.outgoing.wait_for_end(Deadline::Within(timeout)).is_ok()
    }

    /// Waits until nobody will read further posts, until `deadline`, and returns whether that is
    /// so; see [`MessagePort::wait_ended_deadline`](crate::MessagePort::wait_ended_deadline).
    ///
    /// # Examples
    ///
    /// ```
    /// use message_port::MessageChannel;
    /// use std::time::Instant;
    ///
    /// let MessageChannel { port1, port2: _listening } = MessageChannel::<u64>::new();
    /// let (mut sender, _receiver) = port1.into_split();
    /// assert!(!sender.wait_ended_deadline(Instant::now()));
    /// ```
    pub fn wait_ended_deadline(&mut self, deadline: Instant) -> bool {
        self.outgoing.wait_for_end(Deadline::At(deadline)).is_ok()
    }

    /// Ready when nobody will read further posts; otherwise registers the task to be woken then.
    /// See [`MessagePort::poll_ended`](crate::MessagePort::poll_ended).
    ///
    /// # Examples
    ///
    /// ```
    /// use message_port::MessageChannel;
    /// use std::task::{Context, Waker};
    ///
    /// let MessageChannel { port1, mut port2 } = MessageChannel::<u64>::new();
    /// let (mut sender, _receiver) = port1.into_split();
    /// let mut cx = Context::from_waker(Waker::noop());
    /// assert!(sender.poll_ended(&mut cx).is_pending());
    /// port2.close(); // wakes the task
    /// assert!(sender.poll_ended(&mut cx).is_ready());
    /// ```
    pub fn poll_ended(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        ready!(self.budget.spend(cx));
        let polled = pending(self.outgoing.wait_for_end(Deadline::Task(cx.waker())));
        self.budget.settle(polled)
    }

    /// Waits until nobody will read further posts; see
    /// [`MessagePort::ended_async`](crate::MessagePort::ended_async).
    ///
    /// # Examples
    ///
    /// ```
    /// use message_port::MessageChannel;
    ///
    /// # futures_lite::future::block_on(async {
    /// let MessageChannel { port1, port2 } = MessageChannel::<u64>::new();
    /// let (mut sender, _receiver) = port1.into_split();
    /// drop(port2);
    /// sender.ended_async().await;
    /// assert!(sender.is_disconnected());
    /// # });
    /// ```
    pub async fn ended_async(&mut self) {
        let ending = Ending(self);
        poll_fn(|cx| ending.0.poll_ended(cx)).await;
    }
}
