//! The end that asks.

use std::fmt;
use std::future::pending;
use std::pin::pin;
use std::time::{Duration, Instant};

use super::envelope::Envelope;
use super::error::CallError;
use super::flight::{AnswerTo, Flights, HasRoom, Room};
use super::pending::Pending;
use super::reply::Reply;
use crate::archive::Message;
use crate::half::MessageRef;
use crate::link::wait::Deadline;
use crate::port::MessagePort;

/// The end of a call channel that asks; see [the module](super).
///
/// `Send`, not `Sync`, not `Clone`: one thread or task calls, and has as many calls in flight as the
/// [builder](super::Builder::calls_in_flight) allows.
///
/// # Examples
///
/// ```
/// use message_port::call;
/// use std::thread;
///
/// let (mut client, mut server) = call::channel::<String, u64>();
/// let server = thread::spawn(move || {
///     let mut lengths = 0;
///     server.serve(|text| {
///         lengths += text.len() as u64;
///         if text.is_empty() { Err("nothing to add") } else { Ok(lengths) }
///     })
/// });
/// assert_eq!(*client.call(&"tea".to_owned())?, 3);
/// assert_eq!(client.call(&String::new()).unwrap_err().to_string(), "the handler failed: nothing to add");
/// assert_eq!(*client.call(&"milk".to_owned())?, 7);
/// drop(client);
/// server.join().unwrap()?; // the client is gone, so the server is done
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Client<Req, Ans> {
    pub(super) port: MessagePort<Req, Envelope<Ans>>,
    pub(super) flights: Flights,
}

/// A call without a handle: nobody will wait for it once this is dropped.
struct Calling<'a>(AnswerTo<'a>);

impl Drop for Calling<'_> {
    #[inline(always)]
    fn drop(&mut self) {
        if self.0.is_over {
            self.0.flights.end_unlisted();
        } else {
            self.0.flights.cancel_unlisted(self.0.call);
        }
    }
}

impl<'a> Calling<'a> {
    #[inline(always)]
    fn new(flights: &'a mut Flights, call: u64) -> Self {
        flights.wait_unlisted(call);
        Self(AnswerTo::new(flights, call))
    }

    /// What waiting for the answer has come to.
    #[inline(always)]
    fn end<Ans: Message>(
        mut self,
        waited: Result<Option<MessageRef<'_, Envelope<Ans>>>, CallError>,
    ) -> Result<Reply<'_, Ans>, CallError> {
        // Whatever it is, it is the last of this call; but an answer that is late is still to come.
        self.0.is_over = !matches!(waited, Ok(None));
        waited?.map(Reply::in_place).ok_or(CallError::Timeout)
    }
}

impl<Req, Ans> Client<Req, Ans> {
    pub(super) fn new(port: MessagePort<Req, Envelope<Ans>>, flights: Flights) -> Self {
        Self { port, flights }
    }

    /// Sends a request and waits for its answer.
    ///
    /// Blocks until there is an answer, or none will come. If as many calls are in flight as may be, it
    /// first waits until one that was cancelled has ended; without such a call it fails with
    /// [`Full`](CallError::Full).
    ///
    /// # Errors
    ///
    /// Those of [`CallError`] but for `Timeout`.
    ///
    /// # Panics
    ///
    /// If the check of an answer panics, or if the call would wait for ever [because there is no other
    /// thread](crate::WaitStrategy#where-there-is-no-other-thread).
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
    /// assert_eq!(*client.call(&21)?, 42);
    /// # Ok::<(), message_port::call::CallError>(())
    /// ```
    #[inline]
    pub fn call(&mut self, request: &Req) -> Result<Reply<'_, Ans>, CallError>
    where
        Req: Message,
        Ans: Message,
    {
        self.call_before(request, Deadline::Never)
    }

    /// Sends a request and waits for its answer, at most `timeout`.
    ///
    /// The time counts from now. A call that times out is cancelled: the server may handle its request
    /// all the same, and what it answers is discarded.
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
    /// let error = client.call_timeout(&1, Duration::from_millis(1)).unwrap_err();
    /// assert!(error.is_timeout());
    /// server.recv()?.answer(1)?; // it is too late
    /// let next = client.start(&2)?;
    /// server.recv()?.answer(4)?;
    /// assert_eq!(*next.wait(&mut client)?, 4);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn call_timeout(
        &mut self,
        request: &Req,
        timeout: Duration,
    ) -> Result<Reply<'_, Ans>, CallError>
    where
        Req: Message,
        Ans: Message,
    {
        self.call_before(request, Deadline::Within(timeout).fixed())
    }

    /// Sends a request and waits for its answer until `deadline`, as
    /// [`call_timeout`](Self::call_timeout) does.
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
    /// assert!(client.call_deadline(&1, Instant::now()).unwrap_err().is_timeout());
    /// ```
    pub fn call_deadline(
        &mut self,
        request: &Req,
        deadline: Instant,
    ) -> Result<Reply<'_, Ans>, CallError>
    where
        Req: Message,
        Ans: Message,
    {
        self.call_before(request, Deadline::At(deadline))
    }

    #[inline]
    fn call_before(
        &mut self,
        request: &Req,
        deadline: Deadline<'_>,
    ) -> Result<Reply<'_, Ans>, CallError>
    where
        Req: Message,
        Ans: Message,
    {
        let call = self.send(request, deadline)?;
        let Self { port, flights } = self;
        let mut calling = Calling::new(flights, call);
        let waited = port.halves_mut().1.recv_wanted(deadline, &mut calling.0);
        calling.end(waited)
    }

    /// Sends a request and waits for its answer in a task.
    ///
    /// Dropping the future cancels the call.
    ///
    /// # Errors
    ///
    /// Those of [`CallError`] but for `Timeout`.
    ///
    /// # Examples
    ///
    /// ```
    /// use futures_lite::future::{block_on, or};
    /// use message_port::call;
    /// use std::convert::Infallible;
    ///
    /// let (mut client, mut server) = call::channel::<u64, u64>();
    /// let asks = async move {
    ///     assert_eq!(*client.call_async(&21).await?, 42);
    ///     Ok::<(), Box<dyn std::error::Error>>(())
    /// };
    /// let answers = async move {
    ///     server.serve_async(async |n| Ok::<_, Infallible>(n.to_native() * 2)).await?;
    ///     Ok(())
    /// };
    /// block_on(or(asks, answers))?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub async fn call_async(&mut self, request: &Req) -> Result<Reply<'_, Ans>, CallError>
    where
        Req: Message,
        Ans: Message,
    {
        self.call_async_until(request, pending::<()>()).await
    }

    /// Sends a request and waits for its answer until `end` is ready, which is
    /// [`Timeout`](CallError::Timeout).
    ///
    /// # Errors
    ///
    /// Those of [`CallError`].
    ///
    /// # Examples
    ///
    /// ```
    /// use message_port::call;
    /// use std::future::ready;
    ///
    /// # futures_lite::future::block_on(async {
    /// let (mut client, _server) = call::channel::<u64, u64>();
    /// assert!(client.call_async_until(&1, ready(())).await.unwrap_err().is_timeout());
    /// # });
    /// ```
    pub async fn call_async_until(
        &mut self,
        request: &Req,
        end: impl Future,
    ) -> Result<Reply<'_, Ans>, CallError>
    where
        Req: Message,
        Ans: Message,
    {
        let mut end = pin!(end);
        let call = self.send_async(request, end.as_mut()).await?;
        let Self { port, flights } = self;
        let mut calling = Calling::new(flights, call);
        let waited = port.halves_mut().1.recv_wanted_async(&mut calling.0, end).await;
        calling.end(waited)
    }

    /// Sends a request and returns at once, with a handle for its answer.
    ///
    /// Other calls can be made before the answer is waited for, as many as the
    /// [builder](super::Builder::calls_in_flight) allows. If that many are in flight and one of them was
    /// cancelled, blocks until a cancelled one has ended.
    ///
    /// # Errors
    ///
    /// [`Full`](CallError::Full) if too many calls are in flight and none of them was cancelled;
    /// otherwise the errors of a request: `Closed`, `Disconnected`, `TooLarge`, `DataClone` and
    /// `WouldDeadlock`.
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
    /// let calls: Vec<_> = (1..=3).map(|n| client.start(&n)).collect::<Result<_, _>>()?;
    /// let mut sum = 0;
    /// for call in calls {
    ///     sum += call.wait(&mut client)?.to_native();
    /// }
    /// assert_eq!(sum, 12);
    /// # Ok::<(), message_port::call::CallError>(())
    /// ```
    pub fn start(&mut self, request: &Req) -> Result<Pending, CallError>
    where
        Req: Message,
        Ans: Message,
    {
        let call = self.send(request, Deadline::Never)?;
        Ok(Pending::new(self.flights.launch(call)))
    }

    /// Sends a request, as [`start`](Self::start) does, in a task.
    ///
    /// # Errors
    ///
    /// Those of [`start`](Self::start).
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
    pub async fn start_async(&mut self, request: &Req) -> Result<Pending, CallError>
    where
        Req: Message,
        Ans: Message,
    {
        let call = self.send_async(request, pending::<()>()).await?;
        Ok(Pending::new(self.flights.launch(call)))
    }

    /// Sends a request and says the number of its call.
    #[inline]
    fn send(&mut self, request: &Req, deadline: Deadline<'_>) -> Result<u64, CallError>
    where
        Req: Message,
        Ans: Message,
    {
        self.flights.tidy();
        if self.flights.is_full() {
            self.wait_for_room(deadline)?;
        }
        let (sender, receiver) = self.port.halves_mut();
        sender.post_by(request, deadline, || receiver.standing())?;
        Ok(self.flights.number())
    }

    async fn send_async(&mut self, request: &Req, end: impl Future) -> Result<u64, CallError>
    where
        Req: Message,
        Ans: Message,
    {
        self.flights.tidy();
        if self.flights.is_full() {
            self.may_have_room()?;
            let receiver = self.port.halves_mut().1;
            let wants = &mut Room(&mut self.flights);
            let waited = receiver.recv_wanted_async(wants, end).await;
            has_room(waited.map(drop))?;
        }
        self.port.post_message_async(request).await?;
        Ok(self.flights.number())
    }

    /// Waits until one more call may be in flight.
    #[cold]
    fn wait_for_room(&mut self, deadline: Deadline<'_>) -> Result<(), CallError>
    where
        Req: Message,
        Ans: Message,
    {
        self.may_have_room()?;
        let waited = self.port.halves_mut().1.recv_wanted(deadline, &mut Room(&mut self.flights));
        has_room(waited.map(drop))
    }

    /// Whether waiting can make room: a call with a handle ends only through this client.
    fn may_have_room(&self) -> Result<(), CallError> {
        let limit = self.flights.limit();
        if self.flights.has_cancelled() { Ok(()) } else { Err(CallError::Full { limit }) }
    }

    /// Calls in flight: those that no answer has come for, and those whose answer was not looked at.
    ///
    /// A call that was cancelled counts until its answer is discarded, which happens when the client
    /// looks for answers.
    ///
    /// # Examples
    ///
    /// ```
    /// use message_port::call;
    ///
    /// let (mut client, _server) = call::channel::<u64, u64>();
    /// let _call = client.start(&1)?;
    /// assert_eq!(client.calls_in_flight(), 1);
    /// # Ok::<(), message_port::call::CallError>(())
    /// ```
    pub fn calls_in_flight(&self) -> usize {
        self.flights.len()
    }

    /// Calls that may be in flight at a time.
    ///
    /// # Examples
    ///
    /// ```
    /// use message_port::call;
    ///
    /// let (client, _server) = call::channel::<u64, u64>();
    /// assert_eq!(client.max_calls_in_flight(), 64);
    /// ```
    pub fn max_calls_in_flight(&self) -> usize {
        self.flights.limit()
    }

    /// Ends the channel: calls in flight and later ones fail with [`CallError::Closed`], and so does
    /// what the server answers. The server still gets the requests that were sent before.
    ///
    /// # Examples
    ///
    /// ```
    /// use message_port::call;
    ///
    /// let (mut client, _server) = call::channel::<u64, u64>();
    /// let call = client.start(&1)?;
    /// client.close();
    /// assert!(call.wait(&mut client).unwrap_err().is_closed());
    /// # Ok::<(), message_port::call::CallError>(())
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
    /// let (client, mut server) = call::channel::<u64, u64>();
    /// server.close();
    /// assert!(client.is_closed());
    /// ```
    pub fn is_closed(&self) -> bool {
        self.port.is_closed()
    }

    /// Whether the server was dropped. Answers that it had sent before can still be waited for.
    ///
    /// # Examples
    ///
    /// ```
    /// use message_port::call;
    ///
    /// let (client, server) = call::channel::<u64, u64>();
    /// drop(server);
    /// assert!(client.is_disconnected());
    /// ```
    pub fn is_disconnected(&self) -> bool {
        self.port.is_disconnected()
    }
}

/// What waiting for room has come to.
fn has_room(waited: Result<(), HasRoom>) -> Result<(), CallError> {
    match waited {
        Err(HasRoom::Yes) => Ok(()),
        Err(HasRoom::Never(error)) => Err(error),
        Ok(()) => Err(CallError::Timeout),
    }
}

impl<Req, Ans> fmt::Debug for Client<Req, Ans> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("port", &self.port)
            .field("calls_in_flight", &self.flights.len())
            .finish_non_exhaustive()
    }
}
