//! Receiving in a task.

use std::future::poll_fn;
use std::pin::pin;
use std::task::{Context, Poll, ready};

use super::Receiver;
use crate::archive::Message;
use crate::error::{RecvError, RecvTimeoutError};
use crate::half::MessageRef;
use crate::half::incoming::Next;

/// A task that waits here. However its future ends, the task is not woken for it afterwards.
pub(super) struct Receiving<'a, In>(pub(super) &'a mut Receiver<In>);

impl<In> Drop for Receiving<'_, In> {
    fn drop(&mut self) {
        self.0.incoming.forget_task();
    }
}

impl<In> Receiver<In> {
    /// Takes one operation from this half's task budget; if it is used up, suspends the task once.
    #[inline]
    pub(crate) fn poll_budget(&mut self, cx: &Context<'_>) -> Poll<()> {
        self.budget.spend(cx)
    }

    /// Settles the budget with the outcome of an operation; see
    /// [`Budget::settle`](crate::link::wait::Budget::settle).
    #[inline]
    pub(crate) fn settle<T>(&mut self, polled: Poll<T>) -> Poll<T> {
        self.budget.settle(polled)
    }

    /// What comes next; registers the task to be woken if there is nothing yet, or if it must let
    /// other tasks run.
    #[inline]
    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Next> {
        ready!(self.budget.spend(cx));
        let polled = self.incoming.poll_next(cx);
        self.budget.settle(polled)
    }
}

impl<In: Message> Receiver<In> {
    /// Receives a message, or registers the task to be woken when there is one; see
    /// [`MessagePort::poll_recv`](crate::MessagePort::poll_recv).
    ///
    /// # Errors
    ///
    /// Those of [`RecvError`].
    ///
    /// # Examples
    ///
    /// ```
    /// use message_port::MessageChannel;
    /// use std::task::{Context, Poll, Waker};
    ///
    /// let MessageChannel { mut port1, mut port2 } = MessageChannel::<u64>::new();
    /// let mut cx = Context::from_waker(Waker::noop());
    /// let (_, receiver) = port2.split_mut();
    /// assert!(receiver.poll_recv(&mut cx).is_pending());
    /// port1.post_message(&7)?;
    /// assert!(matches!(receiver.poll_recv(&mut cx), Poll::Ready(Ok(message)) if *message == 7));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn poll_recv(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Result<MessageRef<'_, In>, RecvError>> {
        self.poll_next(cx).map(|next| self.receive(next))
    }

    /// Receives a message, waiting for one; see
    /// [`MessagePort::recv_async`](crate::MessagePort::recv_async).
    ///
    /// # Errors
    ///
    /// Those of [`RecvError`].
    ///
    /// # Examples
    ///
    /// ```
    /// use message_port::MessageChannel;
    ///
    /// # futures_lite::future::block_on(async {
    /// let MessageChannel { mut port1, port2 } = MessageChannel::<u64>::new();
    /// let (_sender, mut receiver) = port2.into_split();
    /// port1.post_message_async(&7).await?;
    /// assert_eq!(*receiver.recv_async().await?, 7);
    /// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
    /// ```
    pub async fn recv_async(&mut self) -> Result<MessageRef<'_, In>, RecvError> {
        let receiving = Receiving(self);
        let next = poll_fn(|cx| receiving.0.poll_next(cx)).await;
        drop(receiving);
        self.receive(next)
    }

    /// Receives a message, waiting for one until `end` is ready; see
    /// [`MessagePort::recv_async_until`](crate::MessagePort::recv_async_until).
    ///
    /// # Errors
    ///
    /// Those of [`RecvTimeoutError`].
    ///
    /// # Examples
    ///
    /// ```
    /// use message_port::MessageChannel;
    /// use std::future::ready;
    ///
    /// # futures_lite::future::block_on(async {
    /// let MessageChannel { port1: _idle, port2 } = MessageChannel::<u64>::new();
    /// let (_sender, mut receiver) = port2.into_split();
    /// assert!(receiver.recv_async_until(ready(())).await.unwrap_err().is_timeout());
    /// # });
    /// ```
    pub async fn recv_async_until(
        &mut self,
        end: impl Future,
    ) -> Result<MessageRef<'_, In>, RecvTimeoutError> {
        let receiving = Receiving(self);
        let next = {
            let mut end = pin!(end);
            poll_fn(|cx| {
                // A task suspended for the sake of others has not waited: it looks before it gives
                // up.
                ready!(receiving.0.budget.spend(cx));
                let polled = match receiving.0.incoming.poll_next(cx) {
                    Poll::Ready(next) => Poll::Ready(Some(next)),
                    Poll::Pending => end.as_mut().poll(cx).map(|_| None),
                };
                receiving.0.budget.settle(polled)
            })
            .await
        };
        drop(receiving);
        match next {
            Some(next) => Ok(self.receive(next)?),
            None => Err(RecvTimeoutError::Timeout),
        }
    }
}
