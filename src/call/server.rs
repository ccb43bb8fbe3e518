//! The end that answers.

use std::fmt;
use std::future::pending;
use std::time::{Duration, Instant};

use super::dropped::Handle;
use super::envelope::Envelope;
use super::replies::{Any, Replies};
use super::request::Request;
use crate::archive::Message;
use crate::error::{PostError, RecvError, RecvTimeoutError, TryRecvError};
use crate::half::{MessageRef, Sender, Standing};
use crate::link::wait::Deadline;
use crate::port::MessagePort;

/// The end of a call channel that answers; see [the module](super).
///
/// [`serve`](Self::serve) answers each request by a function, in order. [`recv`](Self::recv) gives
/// requests that are answered by hand, in any order.
///
/// `Send`, not `Sync`, not `Clone`: one thread or task serves.
///
/// # Examples
///
/// ```
/// use message_port::call;
/// use std::thread;
///
/// let (mut client, mut server) = call::channel::<String, u32>();
/// let server = thread::spawn(move || server.serve(|text| text.parse::<u32>()));
/// assert_eq!(*client.call(&"42".to_owned())?, 42);
/// let error = client.call(&"forty".to_owned()).unwrap_err();
/// assert_eq!(error.to_string(), "the handler failed: invalid digit found in string");
/// client.close();
/// server.join().unwrap()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Server<Req, Ans> {
    port: MessagePort<Envelope<Ans>, Req>,
    replies: Replies,
}

impl<Req, Ans> Server<Req, Ans> {
    pub(super) fn new(port: MessagePort<Envelope<Ans>, Req>, replies: Replies) -> Self {
        Self { port, replies }
    }

    /// Receives a request. Blocks until there is one, or none will come.
    ///
    /// # Errors
    ///
    /// Those of [`RecvError`]. The caller of an invalid request is told so; the server is as usable
    /// as before.
    ///
    /// # Panics
    ///
    /// If the check of a request panics, or if the call would wait for ever [because there is no other
    /// thread](crate::WaitStrategy#where-there-is-no-other-thread).
    ///
    /// # Examples
    ///
    /// ```
    /// use message_port::call;
    ///
    /// let (mut client, mut server) = call::channel::<u64, u64>();
    /// let call = client.start(&21)?;
    /// let request = server.recv()?;
    /// let answer = request.to_native() * 2;
    /// request.answer(answer)?;
    /// assert_eq!(*call.wait(&mut client)?, 42);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[inline]
    pub fn recv(&mut self) -> Result<Request<'_, Req, Ans>, RecvError>
    where
        Req: Message,
        Ans: Message,
    {
        let Some(request) = self.recv_before(Deadline::Never)? else {
            unreachable!("a wait without a deadline timed out");
        };
        Ok(request)
    }

    /// Receives a request if there is one.
    ///
    /// # Errors
    ///
    /// Those of [`TryRecvError`]; see [`recv`](Self::recv).
    ///
    /// # Examples
    ///
    /// ```
    /// use message_port::call;
    ///
    /// let (_client, mut server) = call::channel::<u64, u64>();
    /// assert!(server.try_recv().unwrap_err().is_empty());
    /// ```
    pub fn try_recv(&mut self) -> Result<Request<'_, Req, Ans>, TryRecvError>
    where
        Req: Message,
        Ans: Message,
    {
        self.recv_before(Deadline::Now)?.ok_or(TryRecvError::Empty)
    }

    /// Receives a request, waiting for one at most `timeout`.
    ///
    /// # Errors
    ///
    /// Those of [`RecvTimeoutError`]; see [`recv`](Self::recv).
    ///
    /// # Examples
    ///
    /// ```
    /// use message_port::call;
    /// use std::time::{Duration, Instant};
    ///
    /// let (_client, mut server) = call::channel::<u64, u64>();
    /// assert!(server.recv_timeout(Duration::from_millis(1)).unwrap_err().is_timeout());
    /// ```
    pub fn recv_timeout(
        &mut self,
        timeout: Duration,
    ) -> Result<Request<'_, Req, Ans>, RecvTimeoutError>
    where
        Req: Message,
        Ans: Message,
    {
        self.recv_before(Deadline::Within(timeout))?.ok_or(RecvTimeoutError::Timeout)
    }

    /// Receives a request, waiting for one until `deadline`, which may have passed.
    ///
    /// # Errors
    ///
    /// Those of [`RecvTimeoutError`]; see [`recv`](Self::recv).
    ///
    /// # Examples
    ///
    /// ```
    /// use message_port::call;
    /// use std::time::Instant;
    ///
    /// let (mut client, mut server) = call::channel::<u64, u64>();
    /// let _call = client.start(&21)?;
    /// server.recv_deadline(Instant::now())?.answer(42)?; // it is there already
    /// assert!(server.recv_deadline(Instant::now()).unwrap_err().is_timeout());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn recv_deadline(
        &mut self,
        deadline: Instant,
    ) -> Result<Request<'_, Req, Ans>, RecvTimeoutError>
    where
        Req: Message,
        Ans: Message,
    {
        self.recv_before(Deadline::At(deadline))?.ok_or(RecvTimeoutError::Timeout)
    }

    /// Receives a request in a task. Dropping the future loses nothing.
    ///
    /// # Errors
    ///
    /// Those of [`RecvError`]; see [`recv`](Self::recv).
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
    pub async fn recv_async(&mut self) -> Result<Request<'_, Req, Ans>, RecvError>
    where
        Req: Message,
        Ans: Message,
    {
        match self.recv_async_before(pending::<()>()).await? {
            Some(request) => Ok(request),
            None => unreachable!("what is pending is not ready"),
        }
    }

    /// Receives a request in a task, waiting for one until `end` is ready. Dropping the future
    /// loses nothing.
    ///
    /// # Errors
    ///
    /// `Timeout` if `end` was ready before there was a request; otherwise those of
    /// [`recv`](Self::recv).
    ///
    /// # Examples
    ///
    /// ```
    /// use message_port::call;
    /// use std::future::ready;
    ///
    /// # futures_lite::future::block_on(async {
    /// let (_client, mut server) = call::channel::<u64, u64>();
    /// assert!(server.recv_async_until(ready(())).await.unwrap_err().is_timeout());
    /// # });
    /// ```
    pub async fn recv_async_until(
        &mut self,
        end: impl Future,
    ) -> Result<Request<'_, Req, Ans>, RecvTimeoutError>
    where
        Req: Message,
        Ans: Message,
    {
        self.recv_async_before(end).await?.ok_or(RecvTimeoutError::Timeout)
    }

    async fn recv_async_before(
        &mut self,
        end: impl Future,
    ) -> Result<Option<Request<'_, Req, Ans>>, RecvError>
    where
        Req: Message,
        Ans: Message,
    {
        let Self { port, replies } = self;
        let (sender, receiver) = port.halves_mut();
        let standing = receiver.standing();
        replies.tidy(sender, standing);
        let taken = receiver.recv_wanted_async(&mut Any(replies), end).await;
        requested(taken, sender, replies, standing)
    }

    #[inline(always)]
    fn recv_before(
        &mut self,
        deadline: Deadline<'_>,
    ) -> Result<Option<Request<'_, Req, Ans>>, RecvError>
    where
        Req: Message,
        Ans: Message,
    {
        let Self { port, replies } = self;
        let (sender, receiver) = port.halves_mut();
        let standing = receiver.standing();
        replies.tidy(sender, standing);
        let taken = receiver.recv_wanted(deadline, &mut Any(replies));
        requested(taken, sender, replies, standing)
    }

    /// Answers a call whose request is not in hand any more.
    pub(super) fn reply(
        &mut self,
        mut handle: Handle,
        answer: impl FnOnce(&Replies) -> Envelope<Ans>,
    ) -> Result<(), PostError>
    where
        Req: Message,
        Ans: Message,
    {
        let call = self.replies.call(&handle);
        let Self { port, replies } = self;
        let (sender, receiver) = port.halves_mut();
        let standing = receiver.standing();
        replies.tidy(sender, standing);
        let answer = answer(replies);
        let answered = replies.answer(sender, standing, call, &answer);
        handle.is_over();
        answered
    }

    /// Ends the channel: calls in flight and later ones fail with
    /// [`CallError::Closed`](super::CallError::Closed), once what was answered before is read.
    ///
    /// # Examples
    ///
    /// ```
    /// use message_port::call;
    ///
    /// let (mut client, mut server) = call::channel::<u64, u64>();
    /// let (first, second) = (client.start(&1)?, client.start(&2)?);
    /// server.recv()?.answer(10)?;
    /// server.close();
    /// assert_eq!(*first.wait(&mut client)?, 10);
    /// assert!(second.wait(&mut client).unwrap_err().is_closed());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn close(&mut self) {
        self.port.close();
    }

    /// Whether one of the two ends called `close()`.
    ///
    /// # Examples
    ///
    /// ```
    /// use message_port::call;
    ///
    /// let (mut client, server) = call::channel::<u64, u64>();
    /// client.close();
    /// assert!(server.is_closed());
    /// ```
    pub fn is_closed(&self) -> bool {
        self.port.is_closed()
    }

    /// Whether the client was dropped. Requests that it had sent before can still be received.
    ///
    /// # Examples
    ///
    /// ```
    /// use message_port::call;
    ///
    /// let (client, server) = call::channel::<u64, u64>();
    /// drop(client);
    /// assert!(server.is_disconnected());
    /// ```
    pub fn is_disconnected(&self) -> bool {
        self.port.is_disconnected()
    }

    /// Requests waiting to be received here.
    ///
    /// # Examples
    ///
    /// ```
    /// use message_port::call;
    ///
    /// let (mut client, server) = call::channel::<u64, u64>();
    /// let _call = client.start(&1)?;
    /// assert_eq!(server.len(), 1);
    /// # Ok::<(), message_port::call::CallError>(())
    /// ```
    pub fn len(&self) -> usize {
        self.port.len()
    }

    /// Whether no request is waiting to be received here.
    ///
    /// # Examples
    ///
    /// ```
    /// use message_port::call;
    ///
    /// let (_client, server) = call::channel::<u64, u64>();
    /// assert!(server.is_empty());
    /// ```
    pub fn is_empty(&self) -> bool {
        self.port.is_empty()
    }
}

/// What a wait for a request has brought. An archive that is invalid is answered with that.
#[inline(always)]
fn requested<'a, Req: Message, Ans: Message>(
    taken: Result<Option<MessageRef<'a, Req>>, RecvError>,
    sender: &'a mut Sender<Envelope<Ans>>,
    replies: &'a mut Replies,
    standing: Standing,
) -> Result<Option<Request<'a, Req, Ans>>, RecvError> {
    match taken {
        Ok(Some(message)) => Ok(Some(Request::new(message, sender, replies, standing))),
        Ok(None) => Ok(None),
        Err(error) => {
            replies.refuse(sender, standing, &error);
            Err(error)
        }
    }
}

impl<Req, Ans> fmt::Debug for Server<Req, Ans> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server").field("port", &self.port).finish_non_exhaustive()
    }
}
