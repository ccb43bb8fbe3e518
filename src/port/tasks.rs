//! Posting, receiving and running handlers in a task. Any runtime will do.
//!
//! A task that always finds a message, or room, would never return to its runtime. So each half has
//! a [budget](crate::link::wait::Budget) of 64 operations, shared by every way to receive or post
//! in a task.

use std::future::poll_fn;
use std::task::{Context, Poll};

use super::MessagePort;
use crate::archive::Message;
use crate::error::{DispatchError, PostError, PostTimeoutError, RecvError, RecvTimeoutError};
use crate::half::{Incoming, MessageRef};
use crate::link::wait::{Deadline, TimedOut, pending};
use crate::port::handlers::Turn;

impl<Out: Message, In: Message> MessagePort<Out, In> {
    /// Posts a message, or registers the task to be woken when a retry may succeed. Never blocks.
    ///
    /// Only the last waker is kept, whether it came from here or from
    /// [`post_message_async`](Self::post_message_async). Any later call that waits for room at this
    /// port replaces it, including a post with a timeout and a future that is then dropped: poll
    /// again after such a call.
    ///
    /// After 64 posts in a row that did not have to wait, the next call wakes the task and returns
    /// `Pending` once, even if there is room, so that other tasks run.
    ///
    /// # Errors
    ///
    /// Those of [`post_message`](Self::post_message) except `WouldDeadlock`: a task that polls may receive
    /// meanwhile.
    ///
    /// # Panics
    ///
    /// As [`post_message`](Self::post_message).
    ///
    /// # Examples
    ///
    /// ```
    /// use message_port::MessageChannel;
    /// use std::task::{Context, Poll, Waker};
    ///
    /// let MessageChannel { mut port1, mut port2 } = MessageChannel::<u64>::with_capacity(64);
    /// let mut cx = Context::from_waker(Waker::noop());
    /// while port1.poll_post_message(&mut cx, &7).is_ready() {}
    /// port2.recv()?; // wakes the task that waits for room
    /// assert!(port1.poll_post_message(&mut cx, &7).is_ready());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn poll_post_message(
        &mut self,
        cx: &mut Context<'_>,
        message: &Out,
    ) -> Poll<Result<(), PostError>> {
        self.sender.poll_post_message(cx, message)
    }

    /// Posts a message, waiting for room if there is none.
    ///
    /// Dropping the future posts nothing and takes no room. The value is archived once there is
    /// room for it, in the state that it has then.
    ///
    /// After 64 posts in a row that did not have to wait, it lets other tasks run once.
    ///
    /// # Errors
    ///
    /// Those of [`post_message`](Self::post_message). The port does not see a time limit around the
    /// future (a `timeout`, a `select!`). The wait counts as one without end, so a post of the peer
    /// may be refused with `WouldDeadlock`. Use
    /// [`post_message_async_until`](Self::post_message_async_until) for a wait that ends.
    ///
    /// # Panics
    ///
    /// As [`post_message`](Self::post_message).
    ///
    /// # Examples
    ///
    /// ```
    /// use message_port::MessageChannel;
    ///
    /// # futures_lite::future::block_on(async {
    /// let MessageChannel { mut port1, mut port2 } = MessageChannel::<String>::new();
    /// port1.post_message_async(&"hello".to_owned()).await?;
    /// assert_eq!(port2.recv_async().await?.as_str(), "hello");
    /// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
    /// ```
    pub async fn post_message_async(&mut self, message: &Out) -> Result<(), PostError> {
        self.sender.post_async(message, self.receiver.standing()).await
    }

    /// Posts a message, waiting for room until `end` is ready: a timer of the runtime, a shutdown
    /// signal, or any other future. A message that fits is posted even if `end` is ready.
    ///
    /// Unlike [`post_message_async`](Self::post_message_async) inside a `timeout` or a `select!`,
    /// this wait has an end that the port knows of, so the peer's posts may wait for room
    /// meanwhile. An end around the future is invisible to the port: the wait counts as one without
    /// end, and the peer's post is refused with `WouldDeadlock`. If the post does end some other
    /// way, pass [`pending()`](std::future::pending) as `end`; then only that other way keeps two
    /// full ports from waiting for each other for ever.
    ///
    /// Dropping the future posts nothing and takes no room.
    ///
    /// # Errors
    ///
    /// `Timeout` if `end` was ready before there was room; otherwise those of
    /// [`post_message`](Self::post_message).
    ///
    /// # Panics
    ///
    /// As [`post_message`](Self::post_message).
    ///
    /// # Examples
    ///
    /// ```
    /// use message_port::MessageChannel;
    /// use std::time::Duration;
    /// use tokio::time::sleep;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() {
    /// let MessageChannel { mut port1, port2: _idle } = MessageChannel::<u64>::with_capacity(64);
    /// while port1.try_post_message(&7).is_ok() {}
    /// let posted = port1.post_message_async_until(&7, sleep(Duration::from_millis(1))).await;
    /// assert!(posted.unwrap_err().is_timeout());
    /// # }
    /// ```
    pub async fn post_message_async_until(
        &mut self,
        message: &Out,
        end: impl Future,
    ) -> Result<(), PostTimeoutError> {
        self.sender.post_async_until(message, end, self.receiver.standing()).await
    }

    /// Receives the next message, or registers the task to be woken when there is one. Never
    /// blocks.
    ///
    /// Only the last waker is kept. Any later call that waits at this port replaces it, including a
    /// [`recv_timeout`](Self::recv_timeout) that times out and a future that is then dropped. Poll
    /// again after such a call, or the next message wakes nobody.
    ///
    /// After 64 calls in a row that were ready, the next one wakes the task and returns `Pending`
    /// once, even if there is a message, so that other tasks run.
    ///
    /// # Errors
    ///
    /// Those of [`recv`](Self::recv).
    ///
    /// # Panics
    ///
    /// As [`try_recv`](Self::try_recv).
    ///
    /// # Examples
    ///
    /// ```
    /// use message_port::MessageChannel;
    /// use std::task::{Context, Poll, Waker};
    ///
    /// let MessageChannel { mut port1, mut port2 } = MessageChannel::<u64>::new();
    /// let mut cx = Context::from_waker(Waker::noop());
    /// assert!(port2.poll_recv(&mut cx).is_pending());
    /// port1.post_message(&7)?; // wakes the task
    /// assert!(matches!(port2.poll_recv(&mut cx), Poll::Ready(Ok(message)) if *message == 7));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn poll_recv(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Result<MessageRef<'_, In>, RecvError>> {
        self.receiver.poll_recv(cx)
    }

    /// Receives the next message, waiting for one if there is none.
    ///
    /// Dropping the future loses nothing: a message is taken only when the future completes. After
    /// 64 messages in a row that were already waiting, it lets other tasks run once.
    ///
    /// # Errors
    ///
    /// Those of [`recv`](Self::recv).
    ///
    /// # Panics
    ///
    /// As [`try_recv`](Self::try_recv).
    ///
    /// # Examples
    ///
    /// ```
    /// use message_port::MessageChannel;
    ///
    /// # futures_lite::future::block_on(async {
    /// let MessageChannel { mut port1, mut port2 } = MessageChannel::<u64>::new();
    /// port1.post_message(&7)?;
    /// assert_eq!(*port2.recv_async().await?, 7);
    /// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
    /// ```
    pub async fn recv_async(&mut self) -> Result<MessageRef<'_, In>, RecvError> {
        self.receiver.recv_async().await
    }

    /// Receives the next message, waiting for one until `end` is ready: a timer of the runtime, a
    /// shutdown signal, or any other future. A message that is already waiting is received even if
    /// `end` is ready.
    ///
    /// Dropping the future loses nothing: a message is taken only when the future completes.
    ///
    /// # Errors
    ///
    /// `Timeout` if `end` was ready before there was a message; otherwise those of
    /// [`recv`](Self::recv).
    ///
    /// # Panics
    ///
    /// As [`try_recv`](Self::try_recv).
    ///
    /// # Examples
    ///
    /// ```
    /// use message_port::MessageChannel;
    /// use std::time::Duration;
    /// use tokio::time::sleep;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() {
    /// let MessageChannel { port1: _idle, mut port2 } = MessageChannel::<u64>::new();
    /// let received = port2.recv_async_until(sleep(Duration::from_millis(1))).await;
    /// assert!(received.unwrap_err().is_timeout());
    /// # }
    /// ```
    pub async fn recv_async_until(
        &mut self,
        end: impl Future,
    ) -> Result<MessageRef<'_, In>, RecvTimeoutError> {
        self.receiver.recv_async_until(end).await
    }

    /// Dispatches events until the channel has ended and nothing is left to dispatch:
    /// [`run`](Self::run) for a task.
    ///
    /// Handlers run inside the poll of this future. After 64 messages in a row it lets other tasks
    /// run, even if more messages wait. Dropping the future loses nothing; a new call continues.
    ///
    /// # Errors
    ///
    /// As [`dispatch`](Self::dispatch).
    ///
    /// # Panics
    ///
    /// As [`dispatch`](Self::dispatch).
    ///
    /// # Examples
    ///
    /// ```
    /// use message_port::MessageChannel;
    ///
    /// # futures_lite::future::block_on(async {
    /// let MessageChannel { mut port1, mut port2 } = MessageChannel::<u64>::new();
    /// port2.set_onmessage(|event| println!("{}", event.data()));
    /// port1.post_message_async(&7).await?;
    /// port1.close();
    /// port2.run_async().await?;
    /// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
    /// ```
    pub async fn run_async(&mut self) -> Result<(), DispatchError> {
        // However this future ends, the task is not woken for it afterwards.
        struct Running<'a, Out, In>(&'a mut MessagePort<Out, In>);
        impl<Out, In> Drop for Running<'_, Out, In> {
            fn drop(&mut self) {
                self.0.receiver.incoming_mut().set_in_task(false);
                self.0.receiver.incoming_mut().forget_task();
            }
        }
        let running = Running(self);
        running.0.receiver.incoming_mut().set_in_task(true);
        loop {
            poll_fn(|cx| running.0.receiver.poll_budget(cx)).await;
            match running.0.turn(1)? {
                Turn::Messages { .. } | Turn::Close => {}
                Turn::Idle => suspend(running.0, Incoming::wait_for_news).await,
                Turn::Stuck => suspend(running.0, Incoming::wait_for_end).await,
                Turn::Ended => return Ok(()),
            }
        }
    }
}

/// Suspends the task until `wait`, given the task, does not time out.
async fn suspend<Out, In>(
    port: &mut MessagePort<Out, In>,
    wait: impl Fn(&mut Incoming, Deadline<'_>) -> Result<(), TimedOut>,
) {
    let receiver = &mut port.receiver;
    poll_fn(|cx| {
        let polled = pending(wait(receiver.incoming_mut(), Deadline::Task(cx.waker())));
        receiver.settle(polled)
    })
    .await;
}
