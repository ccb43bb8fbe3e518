//! A call in the hands of the server.

use std::fmt;
use std::ops::Deref;

use super::dropped::Handle;
use super::envelope::Envelope;
use super::replies::Replies;
use super::server::Server;
use crate::archive::Message;
use crate::error::{DeserializeError, PostError};
use crate::half::MessageRef;
use crate::half::Sender;
use crate::half::Standing;
use rkyv::api::high::HighDeserializer;
use rkyv::{Archived, Deserialize};

/// A request, read in place, and the duty to answer it; from [`Server::recv`].
///
/// It derefs to the archived form of the request. [`answer`](Self::answer) and [`fail`](Self::fail)
/// answer it while it is in hand, [`later`](Self::later) leaves that for later. If it is dropped, the
/// caller is told that there is [no answer](super::CallError::Unanswered).
///
/// # Examples
///
/// ```
/// use message_port::call;
///
/// let (mut client, mut server) = call::channel::<String, u64>();
/// let call = client.start(&"42".to_owned())?;
/// let request = server.recv()?;
/// let number = request.parse();
/// match number {
///     Ok(number) => request.answer(number)?,
///     Err(error) => request.fail(error)?,
/// }
/// assert_eq!(*call.wait(&mut client)?, 42);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use = "a request that is dropped is not answered"]
pub struct Request<'a, Req: Message, Ans: Message> {
    message: MessageRef<'a, Req>,
    sender: &'a mut Sender<Envelope<Ans>>,
    replies: &'a mut Replies,
    standing: Standing,
    call: u64,
    is_over: bool,
}

impl<'a, Req: Message, Ans: Message> Request<'a, Req, Ans> {
    pub(super) fn new(
        message: MessageRef<'a, Req>,
        sender: &'a mut Sender<Envelope<Ans>>,
        replies: &'a mut Replies,
        standing: Standing,
    ) -> Self {
        let call = replies.current();
        Self { message, sender, replies, standing, call, is_over: false }
    }

    /// Answers the call.
    ///
    /// Never waits for the caller: there is room for the answer since the request was sent; see
    /// [the module](super#room).
    ///
    /// # Errors
    ///
    /// Those of [`PostError`]. The caller hears of an answer that is `TooLarge` or cannot be cloned.
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
    pub fn answer(mut self, answer: Ans) -> Result<(), PostError> {
        self.reply(&Envelope::Answer(answer))
    }

    /// Has the call fail with [`CallError::Handler`](super::CallError::Handler) and this text. The caller
    /// gets as much of the text as an answer has room for.
    ///
    /// # Errors
    ///
    /// `Closed` and `Disconnected` of [`PostError`].
    ///
    /// # Examples
    ///
    /// ```
    /// use message_port::call;
    ///
    /// let (mut client, mut server) = call::channel::<u64, u64>();
    /// let call = client.start(&1)?;
    /// server.recv()?.fail("not today")?;
    /// assert_eq!(call.wait(&mut client).unwrap_err().to_string(), "the handler failed: not today");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn fail(mut self, error: impl fmt::Display) -> Result<(), PostError> {
        let failure = self.failure(&error);
        self.reply(&failure)
    }

    /// Gives the request back, and returns a handle by which its call is answered later: after others
    /// were received, and in any order.
    ///
    /// # Examples
    ///
    /// ```
    /// use message_port::call;
    ///
    /// let (mut client, mut server) = call::channel::<u64, u64>();
    /// let (slow, fast) = (client.start(&1)?, client.start(&2)?);
    /// let ticket = server.recv()?.later();
    /// server.recv()?.answer(20)?;
    /// assert_eq!(*fast.wait(&mut client)?, 20);
    /// ticket.answer(&mut server, 10)?;
    /// assert_eq!(*slow.wait(&mut client)?, 10);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn later(mut self) -> Ticket {
        let ticket = Ticket(self.replies.handle(self.call));
        self.is_over = true;
        ticket
    }

    /// Makes an owned value of the request; see [`MessageRef::deserialize`].
    ///
    /// # Errors
    ///
    /// Fails if the type's own `Deserialize` fails.
    ///
    /// # Examples
    ///
    /// ```
    /// use message_port::call;
    ///
    /// let (mut client, mut server) = call::channel::<Vec<u32>, u64>();
    /// let _call = client.start(&vec![1, 2, 3])?;
    /// assert_eq!(server.recv()?.deserialize()?, [1, 2, 3]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn deserialize(&self) -> Result<Req, DeserializeError>
    where
        Archived<Req>: Deserialize<Req, HighDeserializer<DeserializeError>>,
    {
        self.message.deserialize()
    }

    pub(super) fn failure(&self, error: &dyn fmt::Display) -> Envelope<Ans> {
        Envelope::Handler(self.replies.text(error.to_string()))
    }

    pub(super) fn panicked(&self, text: String) -> Envelope<Ans> {
        Envelope::Panicked(self.replies.text(text))
    }

    pub(super) fn is_over(&self) -> bool {
        self.is_over
    }

    #[inline]
    pub(super) fn reply(&mut self, answer: &Envelope<Ans>) -> Result<(), PostError> {
        let Self { sender, replies, standing, call, .. } = self;
        let answered = replies.answer(sender, *standing, *call, answer);
        self.is_over = true;
        answered
    }

    pub(super) async fn reply_async(&mut self, answer: &Envelope<Ans>) -> Result<(), PostError> {
        let Self { sender, replies, standing, call, .. } = self;
        let answered = replies.answer_async(sender, *standing, *call, answer).await;
        self.is_over = true;
        answered
    }
}

impl<Req: Message, Ans: Message> Deref for Request<'_, Req, Ans> {
    type Target = Archived<Req>;

    #[inline]
    fn deref(&self) -> &Archived<Req> {
        &self.message
    }
}

impl<Req: Message, Ans: Message> Drop for Request<'_, Req, Ans> {
    #[inline]
    fn drop(&mut self) {
        if !self.is_over {
            // If the channel has ended, the caller knows.
            let _ = self.reply(&Envelope::Unanswered);
        }
    }
}

impl<Req: Message, Ans: Message> fmt::Debug for Request<'_, Req, Ans>
where
    Archived<Req>: fmt::Debug,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Request").field(&**self).finish()
    }
}

/// The duty to answer a call whose request is not in hand any more; from [`Request::later`].
///
/// `Send`: it may be kept anywhere and taken along. It is answered at the server that received the
/// request. If it is dropped, the caller is told that there is
/// [no answer](super::CallError::Unanswered) with the server's next call of any kind.
///
/// # Panics
///
/// The methods panic if they are given another server than the call's.
///
/// # Examples
///
/// ```
/// use message_port::call;
///
/// let (mut client, mut server) = call::channel::<u64, u64>();
/// let calls = [1, 2, 3].map(|n| client.start(&n).unwrap());
/// let mut tickets = Vec::new();
/// for _ in 0..3 {
///     tickets.push(server.recv()?.later());
/// }
/// for (ticket, answer) in tickets.into_iter().zip([10, 20, 30]).rev() {
///     ticket.answer(&mut server, answer)?;
/// }
/// for (call, answer) in calls.into_iter().zip([10, 20, 30]) {
///     assert_eq!(*call.wait(&mut client)?, answer);
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use = "a ticket that is dropped leaves its call without an answer"]
#[derive(Debug)]
pub struct Ticket(Handle);

impl Ticket {
    /// Answers the call; see [`Request::answer`].
    ///
    /// # Errors
    ///
    /// Those of [`PostError`]. The caller hears of an answer that is `TooLarge` or cannot be cloned.
    ///
    /// # Examples
    ///
    /// ```
    /// use message_port::call;
    ///
    /// let (mut client, mut server) = call::channel::<u64, u64>();
    /// let call = client.start(&21)?;
    /// let ticket = server.recv()?.later();
    /// ticket.answer(&mut server, 42)?;
    /// assert_eq!(*call.wait(&mut client)?, 42);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn answer<Req: Message, Ans: Message>(
        self,
        server: &mut Server<Req, Ans>,
        answer: Ans,
    ) -> Result<(), PostError> {
        server.reply(self.0, |_| Envelope::Answer(answer))
    }

    /// Has the call fail; see [`Request::fail`].
    ///
    /// # Errors
    ///
    /// `Closed` and `Disconnected` of [`PostError`].
    ///
    /// # Examples
    ///
    /// ```
    /// use message_port::call;
    ///
    /// let (mut client, mut server) = call::channel::<u64, u64>();
    /// let call = client.start(&21)?;
    /// let ticket = server.recv()?.later();
    /// ticket.fail(&mut server, "not today")?;
    /// assert!(call.wait(&mut client).unwrap_err().is_handler());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn fail<Req: Message, Ans: Message>(
        self,
        server: &mut Server<Req, Ans>,
        error: impl fmt::Display,
    ) -> Result<(), PostError> {
        server.reply(self.0, |replies| Envelope::Handler(replies.text(error.to_string())))
    }
}
