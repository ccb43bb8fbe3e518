//! Posting in a task.

use std::future::poll_fn;
use std::pin::pin;
use std::task::{Context, Poll, ready};

use super::{Sender, post_error, post_timeout_error};
use crate::archive::Message;
use crate::error::{PostError, PostTimeoutError};
use crate::half::outgoing::{Refusal, Standing};
use crate::link::wait::Deadline;

/// A post under way in a task. However its future ends, the half no longer counts as waiting
/// afterwards, and the task is not woken for it.
pub(super) struct Posting<'a, Out>(pub(super) &'a mut Sender<Out>);

impl<Out> Drop for Posting<'_, Out> {
    fn drop(&mut self) {
        self.0.outgoing.forget_task();
    }
}

impl<Out> Sender<Out> {
    /// Drops the waker of the task that waits here.
    #[cfg(feature = "futures")]
    pub(crate) fn forget_task(&mut self) {
        self.outgoing.forget_task();
    }

    /// Takes one operation from this half's task budget; if it is used up, suspends the task once.
    #[cfg(feature = "futures")]
    pub(crate) fn poll_budget(&mut self, cx: &Context<'_>) -> Poll<()> {
        self.budget.spend(cx)
    }
}

impl<Out: Message> Sender<Out> {
    /// Posts a message, or registers the task to be woken when a retry may succeed; see
    /// [`MessagePort::poll_post_message`](crate::MessagePort::poll_post_message).
    ///
    /// # Errors
    ///
    /// Those of [`PostError`].
    ///
    /// # Examples
    ///
    /// ```
    /// use message_port::MessageChannel;
    /// use std::task::{Context, Poll, Waker};
    ///
    /// let MessageChannel { mut port1, mut port2 } = MessageChannel::<u64>::new();
    /// let mut cx = Context::from_waker(Waker::noop());
    /// let (sender, _) = port1.split_mut();
    /// assert!(matches!(sender.poll_post_message(&mut cx, &7), Poll::Ready(Ok(()))));
    /// assert_eq!(*port2.recv()?, 7);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[inline(always)]
    pub fn poll_post_message(
        &mut self,
        cx: &mut Context<'_>,
        message: &Out,
    ) -> Poll<Result<(), PostError>> {
        // The caller may receive at this port before it polls again.
        self.poll_post(cx, message, &Standing::Apart)
    }

    /// Posts a message, waiting for room if there is none; see
    /// [`MessagePort::post_message_async`](crate::MessagePort::post_message_async).
    ///
    /// # Errors
    ///
    /// Those of [`PostError`].
    ///
    /// # Examples
    ///
    /// ```
    /// use message_port::MessageChannel;
    ///
    /// # futures_lite::future::block_on(async {
    /// let MessageChannel { port1, mut port2 } = MessageChannel::<u64>::new();
    /// let (mut sender, _receiver) = port1.into_split();
    /// sender.post_message_async(&7).await?;
    /// assert_eq!(*port2.recv_async().await?, 7);
    /// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
    /// ```
    pub async fn post_message_async(&mut self, message: &Out) -> Result<(), PostError> {
        self.post_async(message, self.standing()).await
    }

    /// Posts a message, waiting for room until `end` is ready; see
    /// [`MessagePort::post_message_async_until`](crate::MessagePort::post_message_async_until).
    ///
    /// # Errors
    ///
    /// Those of [`PostTimeoutError`].
    ///
    /// # Examples
    ///
    /// ```
    /// use message_port::MessageChannel;
    /// use std::future::ready;
    ///
    /// # futures_lite::future::block_on(async {
    /// let MessageChannel { port1, mut port2 } = MessageChannel::<u64>::new();
    /// let (mut sender, _receiver) = port1.into_split();
    /// sender.post_message_async_until(&7, ready(())).await?; // there is room
    /// assert_eq!(*port2.recv_async().await?, 7);
    /// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
    /// ```
    pub async fn post_message_async_until(
        &mut self,
        message: &Out,
        end: impl Future,
    ) -> Result<(), PostTimeoutError> {
        self.post_async_until(message, end, self.standing()).await
    }

    /// [`post_message_async`](Self::post_message_async); `standing` as in
    /// [`Manner`](crate::half::outgoing::Manner).
    pub(crate) async fn post_async(
        &mut self,
        message: &Out,
        standing: Standing,
    ) -> Result<(), PostError> {
        let posting = Posting(self);
        poll_fn(|cx| posting.0.poll_post(cx, message, &standing)).await
    }

    /// [`post_message_async_until`](Self::post_message_async_until); `standing` as in
    /// [`Manner`](crate::half::outgoing::Manner).
    pub(crate) async fn post_async_until(
        &mut self,
        message: &Out,
        end: impl Future,
        standing: Standing,
    ) -> Result<(), PostTimeoutError> {
        self.post_until(end, |sender, deadline| sender.post(message, deadline, || standing)).await
    }

    /// Waits in a task until `post` has posted, or until `end` is ready.
    pub(super) async fn post_until(
        &mut self,
        end: impl Future,
        mut post: impl FnMut(&mut Self, Deadline<'_>) -> Result<(), Refusal>,
    ) -> Result<(), PostTimeoutError> {
        let posting = Posting(self);
        let mut end = pin!(end);
        poll_fn(|cx| {
            // A task suspended for the sake of others has not waited: it tries before it gives up.
            ready!(posting.0.budget.spend(cx));
            let polled = match post(posting.0, Deadline::TaskUntil(cx.waker())) {
                Err(Refusal::TimedOut) => {
                    end.as_mut().poll(cx).map(|_| Err(PostTimeoutError::Timeout))
                }
                posted => Poll::Ready(posted.map_err(post_timeout_error)),
            };
            posting.0.budget.settle(polled)
        })
        .await
    }

    /// `standing` by reference: it is read only where the post must wait.
    #[inline(always)]
    fn poll_post(
        &mut self,
        cx: &mut Context<'_>,
        message: &Out,
        standing: &Standing,
    ) -> Poll<Result<(), PostError>> {
        ready!(self.budget.spend(cx));
        let polled = match self.post(message, Deadline::Task(cx.waker()), || *standing) {
            Err(Refusal::TimedOut) => Poll::Pending,
            posted => Poll::Ready(posted.map_err(post_error)),
        };
        self.budget.settle(polled)
    }
}
