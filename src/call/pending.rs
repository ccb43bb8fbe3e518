//! The handle of a call.

use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use super::client::Client;
use super::dropped::Handle;
use super::error::CallError;
use super::reply::Reply;
use crate::archive::Message;
use crate::link::wait::Deadline;

/// A call in flight, from [`Client::start`].
///
/// The answer is waited for at the client that made the call. Handles can be waited for in any order.
/// Dropping one cancels its call: an answer that comes late is discarded, and one that came is let go
/// of, both with the client's next call of any kind. The request is not taken back.
///
/// `Send`: it may be kept and dropped anywhere.
///
/// # Panics
///
/// The methods panic if they are given another client than the call's, and if the call is over: an
/// earlier `try_wait`, `poll` or wait with an end has returned its reply or its error. They also panic as
/// [`Client::call`] does.
///
/// # Examples
///
/// ```
/// use message_port::call;
/// use std::convert::Infallible;
/// use std::thread;
///
/// let (mut client, mut server) = call::channel::<u64, u64>();
/// thread::spawn(move || server.serve(|n| Ok::<_, Infallible>(n.to_native() * 2)));
/// let slow = client.start(&1)?;
/// drop(client.start(&2)?); // nobody wants to know
/// assert_eq!(*client.call(&3)?, 6);
/// assert_eq!(*slow.wait(&mut client)?, 2);
/// # Ok::<(), message_port::call::CallError>(())
/// ```
#[must_use = "a handle that is dropped cancels its call"]
#[derive(Debug)]
pub struct Pending(Handle);

impl Pending {
    pub(super) fn new(handle: Handle) -> Self {
        Self(handle)
    }

    /// Waits for the answer. Blocks until there is one, or none will come.
    ///
    /// # Errors
    ///
    /// Those of [`CallError`] but for `Timeout`.
    ///
    /// # Examples
    ///
    /// ```
    /// use message_port::call;
    ///
    /// let (mut client, mut server) = call::channel::<u64, u64>();
    /// let call = client.start(&21)?;
    /// server.recv()?.answer(42)?;
    /// assert_eq!(*call.wait(&mut client)?, 42);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn wait<Req: Message, Ans: Message>(
        mut self,
        client: &mut Client<Req, Ans>,
    ) -> Result<Reply<'_, Ans>, CallError> {
        client.wait(&mut self.0, Deadline::Never)?.ok_or(CallError::Timeout)
    }

    /// Waits for the answer, at most `timeout`. The call goes on when the time is over.
    ///
    /// # Errors
    ///
    /// Those of [`CallError`].
    ///
    /// # Examples
    ///
    /// ```
    /// use message_port::call;
    /// use std::time::Duration;
    ///
    /// let (mut client, mut server) = call::channel::<u64, u64>();
    /// let mut call = client.start(&21)?;
    /// assert!(call.wait_timeout(&mut client, Duration::ZERO).unwrap_err().is_timeout());
    /// server.recv()?.answer(42)?;
    /// assert_eq!(*call.wait_timeout(&mut client, Duration::ZERO)?, 42);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn wait_timeout<'c, Req: Message, Ans: Message>(
        &mut self,
        client: &'c mut Client<Req, Ans>,
        timeout: Duration,
    ) -> Result<Reply<'c, Ans>, CallError> {
        client.wait(&mut self.0, Deadline::Within(timeout).fixed())?.ok_or(CallError::Timeout)
    }

    /// Waits for the answer until `deadline`, as [`wait_timeout`](Self::wait_timeout) does.
    ///
    /// # Errors
    ///
    /// Those of [`CallError`].
    ///
    /// # Examples
    ///
    /// ```
    /// use message_port::call;
    /// use std::time::Instant;
    ///
    /// let (mut client, _server) = call::channel::<u64, u64>();
    /// let mut call = client.start(&21)?;
    /// assert!(call.wait_deadline(&mut client, Instant::now()).unwrap_err().is_timeout());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn wait_deadline<'c, Req: Message, Ans: Message>(
        &mut self,
        client: &'c mut Client<Req, Ans>,
        deadline: Instant,
    ) -> Result<Reply<'c, Ans>, CallError> {
        client.wait(&mut self.0, Deadline::At(deadline))?.ok_or(CallError::Timeout)
    }

    /// Looks for the answer, without waiting; `None` if there is none yet.
    ///
    /// # Errors
    ///
    /// Those of [`CallError`] but for `Timeout`.
    ///
    /// # Examples
    ///
    /// ```
    /// use message_port::call;
    ///
    /// let (mut client, mut server) = call::channel::<u64, u64>();
    /// let mut call = client.start(&21)?;
    /// assert!(call.try_wait(&mut client)?.is_none());
    /// server.recv()?.answer(42)?;
    /// assert_eq!(*call.try_wait(&mut client)?.unwrap(), 42);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn try_wait<'c, Req: Message, Ans: Message>(
        &mut self,
        client: &'c mut Client<Req, Ans>,
    ) -> Result<Option<Reply<'c, Ans>>, CallError> {
        client.wait(&mut self.0, Deadline::Now)
    }

    /// Waits for the answer in a task.
    ///
    /// Dropping the future cancels the call. To wait for something else at the same time and go on
    /// with the call afterwards, take [`wait_async_until`](Self::wait_async_until) or
    /// [`poll`](Self::poll).
    ///
    /// # Errors
    ///
    /// Those of [`CallError`] but for `Timeout`.
    ///
    /// # Examples
    ///
    /// ```
    /// use message_port::call;
    ///
    /// # futures_lite::future::block_on(async {
    /// let (mut client, mut server) = call::channel::<u64, u64>();
    /// let call = client.start_async(&21).await?;
    /// server.recv_async().await?.answer(42)?;
    /// assert_eq!(*call.wait_async(&mut client).await?, 42);
    /// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
    /// ```
    pub async fn wait_async<Req: Message, Ans: Message>(
        mut self,
        client: &mut Client<Req, Ans>,
    ) -> Result<Reply<'_, Ans>, CallError> {
        self.wait_async_until(client, std::future::pending::<()>()).await
    }

    /// Waits for the answer in a task until `end` is ready. The call goes on when it is, and when the
    /// future is dropped.
    ///
    /// # Errors
    ///
    /// Those of [`CallError`]; `Timeout` if `end` was ready before there was an answer.
    ///
    /// # Examples
    ///
    /// ```
    /// use message_port::call;
    /// use std::future::ready;
    ///
    /// # futures_lite::future::block_on(async {
    /// let (mut client, mut server) = call::channel::<u64, u64>();
    /// let mut call = client.start_async(&21).await?;
    /// let early = call.wait_async_until(&mut client, ready(())).await;
    /// assert!(early.unwrap_err().is_timeout());
    /// server.recv_async().await?.answer(42)?;
    /// assert_eq!(*call.wait_async_until(&mut client, ready(())).await?, 42);
    /// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
    /// ```
    pub async fn wait_async_until<'c, Req: Message, Ans: Message>(
        &mut self,
        client: &'c mut Client<Req, Ans>,
        end: impl Future,
    ) -> Result<Reply<'c, Ans>, CallError> {
        client.wait_async(&mut self.0, end).await?.ok_or(CallError::Timeout)
    }

    /// Looks for the answer, or has the task woken when it is worth another look.
    ///
    /// The last waker that a client was given counts, for all of its calls.
    ///
    /// # Errors
    ///
    /// Those of [`CallError`] but for `Timeout`.
    ///
    /// # Examples
    ///
    /// ```
    /// use message_port::call;
    /// use std::task::{Context, Poll, Waker};
    ///
    /// let (mut client, mut server) = call::channel::<u64, u64>();
    /// let mut cx = Context::from_waker(Waker::noop());
    /// let mut call = client.start(&21)?;
    /// assert!(call.poll(&mut client, &mut cx).is_pending());
    /// server.recv()?.answer(42)?;
    /// assert!(matches!(call.poll(&mut client, &mut cx), Poll::Ready(Ok(reply)) if *reply == 42));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn poll<'c, Req: Message, Ans: Message>(
        &mut self,
        client: &'c mut Client<Req, Ans>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Reply<'c, Ans>, CallError>> {
        client.poll(&mut self.0, cx)
    }
}
