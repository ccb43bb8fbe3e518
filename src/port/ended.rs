//! Learning of the end without posting.

use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use super::MessagePort;

impl<Out, In> MessagePort<Out, In> {
    /// Whether nobody will read further posts: one of the ports was closed, or the peer was dropped
    /// (the receiving half of it, if it was split). Final: every later post fails.
    /// [`is_closed`](Self::is_closed) tells the two cases apart.
    ///
    /// There may still be messages to receive.
    ///
    /// # Examples
    ///
    /// ```
    /// use message_port::MessageChannel;
    ///
    /// let MessageChannel { mut port1, mut port2 } = MessageChannel::<u64>::new();
    /// port2.post_message(&7)?;
    /// drop(port2);
    /// assert!(port1.has_ended());
    /// assert_eq!(*port1.recv()?, 7);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn has_ended(&self) -> bool {
        self.sender.has_ended()
    }

    /// Waits until nobody will read further posts: until one of the ports was closed, or the peer
    /// was dropped (the receiving half of it, if it was split). Blocks until then, as the channel's
    /// [`WaitStrategy`](crate::WaitStrategy) says.
    ///
    /// Use it in a producer that has nothing to post and wants to know whether it is still needed.
    /// It posts nothing, and messages that the peer receives meanwhile do not wake it. It also
    /// receives nothing: a peer that waits for room in the other direction goes on waiting. A port
    /// that receives learns of the end from [`recv`](Self::recv) and [`run`](Self::run).
    ///
    /// # Panics
    ///
    /// If the call would wait for ever [because there is no other
    /// thread](crate::WaitStrategy#where-there-is-no-other-thread).
    ///
    /// # Examples
    ///
    /// ```
    /// use message_port::MessageChannel;
    /// use std::thread;
    ///
    /// let MessageChannel { port1: mut source, port2: mut sink } = MessageChannel::<u64>::new();
    /// source.post_message(&7)?;
    /// let consumer = thread::spawn(move || {
    ///     assert_eq!(*sink.recv().unwrap(), 7);
    ///     sink.close(); // one was enough
    /// });
    /// source.wait_ended();
    /// assert!(source.is_closed());
    /// consumer.join().unwrap();
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn wait_ended(&mut self) {
        self.sender.wait_ended();
    }

    /// As [`wait_ended`](Self::wait_ended), at most for `timeout`; any `Duration` will do. Returns
    /// whether the end has come, as [`has_ended`](Self::has_ended) does.
    ///
    /// # Examples
    ///
    /// ```
    /// use message_port::MessageChannel;
    /// use std::time::Duration;
    ///
    /// let MessageChannel { mut port1, port2 } = MessageChannel::<u64>::new();
    /// assert!(!port1.wait_ended_timeout(Duration::from_millis(1)));
    /// drop(port2);
    /// assert!(port1.wait_ended_timeout(Duration::MAX));
    /// ```
    pub fn wait_ended_timeout(&mut self, timeout: Duration) -> bool {
        self.sender.wait_ended_timeout(timeout)
    }

    /// As [`wait_ended`](Self::wait_ended), until `deadline`; any `Instant` will do. Returns
    /// whether the end has come, as [`has_ended`](Self::has_ended) does.
    ///
    /// # Examples
    ///
    /// ```
    /// use message_port::MessageChannel;
    /// use std::time::Instant;
    ///
    /// let MessageChannel { mut port1, port2 } = MessageChannel::<u64>::new();
    /// assert!(!port1.wait_ended_deadline(Instant::now()));
    /// drop(port2);
    /// assert!(port1.wait_ended_deadline(Instant::now()));
    /// ```
    pub fn wait_ended_deadline(&mut self, deadline: Instant) -> bool {
        self.sender.wait_ended_deadline(deadline)
    }

    /// Ready when nobody will read further posts; otherwise registers the task to be woken then.
    /// Never blocks.
    ///
    /// The sending side keeps one waker, that of the last call. A task that also waits for room
    /// with [`poll_post_message`](Self::poll_post_message) learns of the end from that call, and
    /// needs no other.
    ///
    /// # Examples
    ///
    /// ```
    /// use message_port::MessageChannel;
    /// use std::task::{Context, Waker};
    ///
    /// let MessageChannel { mut port1, port2 } = MessageChannel::<u64>::new();
    /// let mut cx = Context::from_waker(Waker::noop());
    /// assert!(port1.poll_ended(&mut cx).is_pending());
    /// drop(port2); // wakes the task
    /// assert!(port1.poll_ended(&mut cx).is_ready());
    /// ```
    pub fn poll_ended(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.sender.poll_ended(cx)
    }

    /// Waits until nobody will read further posts: [`wait_ended`](Self::wait_ended) for a task.
    /// Tokio's `Sender::closed`.
    ///
    /// Dropping the future leaves no waker behind.
    ///
    /// # Examples
    ///
    /// A producer that stops working when nobody wants the result:
    ///
    /// ```
    /// use message_port::MessageChannel;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() {
    /// let MessageChannel { mut port1, port2 } = MessageChannel::<u64>::new();
    /// drop(port2);
    /// tokio::select! {
    ///     biased;
    ///     () = port1.ended_async() => assert!(port1.is_disconnected()),
    ///     () = std::future::pending() => unreachable!("the work is given up"),
    /// }
    /// # }
    /// ```
    pub async fn ended_async(&mut self) {
        self.sender.ended_async().await;
    }
}
