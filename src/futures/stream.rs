//! A receiving half as a stream.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_core::{FusedStream, Stream};

use crate::archive::{Message, OwnedMessage};
use crate::error::{RecvError, StreamError};
use crate::half::{MessageRef, Receiver};

/// A received message as an item; `None` ends the stream.
pub(super) fn item<In>(
    received: Result<MessageRef<'_, In>, RecvError>,
) -> Option<Result<In, StreamError>>
where
    In: OwnedMessage,
{
    match received {
        Ok(message) => Some(message.deserialize().map_err(StreamError::from)),
        Err(RecvError::InvalidArchive(error)) => Some(Err(error.into())),
        Err(RecvError::Closed | RecvError::Disconnected) => None,
    }
}

/// A [`Stream`] of the messages that arrive at a [`Receiver`], as owned values.
///
/// Made by [`Receiver::into_stream`]. It ends when the channel has ended, closed or disconnected,
/// and nothing is left to receive; [`is_closed`](Receiver::is_closed) on [`get_ref`](Self::get_ref)
/// tells the two apart. A message that is no valid archive is an `Err`, and the stream goes on
/// behind it.
///
/// A message is taken when the stream yields it, so a `next()` that is dropped before it is ready
/// (by a `select!`, say) loses nothing. The stream keeps the waker of the task that polled it last
/// until it has used it. After 64 items in a row that were already waiting, and also after its end,
/// it wakes its task and suspends it once, so that other tasks run.
///
/// # Examples
///
/// ```
/// use futures_util::TryStreamExt;
/// use message_port::MessageChannel;
///
/// # futures_lite::future::block_on(async {
/// let MessageChannel { mut port1, port2 } = MessageChannel::<String>::new();
/// let (_sender, receiver) = port2.into_split();
/// port1.post_message(&"first".to_owned())?;
/// port1.post_message(&"second".to_owned())?;
/// port1.close();
/// let texts: Vec<String> = receiver.into_stream().try_collect().await?;
/// assert_eq!(texts, ["first", "second"]);
/// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
/// ```
#[must_use = "streams do nothing unless polled"]
pub struct ReceiverStream<In> {
    receiver: Receiver<In>,
    ended: bool,
}

impl<In: Message> Receiver<In> {
    /// Makes a [`Stream`] of the messages; needs the feature `futures`.
    ///
    /// # Examples
    ///
    /// ```
    /// use futures_util::StreamExt;
    /// use message_port::MessageChannel;
    ///
    /// # futures_lite::future::block_on(async {
    /// let MessageChannel { mut port1, port2 } = MessageChannel::<u64>::new();
    /// let (_sender, receiver) = port2.into_split();
    /// port1.post_messages(&[1, 2])?;
    /// drop(port1);
    /// let mut numbers = receiver.into_stream();
    /// while let Some(number) = numbers.next().await {
    ///     println!("{}", number?);
    /// }
    /// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
    /// ```
    pub fn into_stream(self) -> ReceiverStream<In> {
        ReceiverStream { receiver: self, ended: false }
    }
}

impl<In> ReceiverStream<In> {
    /// Borrows the half that the stream receives from.
    ///
    /// # Examples
    ///
    /// ```
    /// use message_port::MessageChannel;
    ///
    /// let MessageChannel { mut port1, port2 } = MessageChannel::<u64>::new();
    /// let (_sender, receiver) = port2.into_split();
    /// let stream = receiver.into_stream();
    /// port1.post_message(&7)?;
    /// assert_eq!(stream.get_ref().len(), 1);
    /// # Ok::<(), message_port::PostError>(())
    /// ```
    pub fn get_ref(&self) -> &Receiver<In> {
        &self.receiver
    }

    /// Borrows the half that the stream receives from, to close the channel or to read a message in
    /// place.
    ///
    /// # Examples
    ///
    /// ```
    /// use message_port::MessageChannel;
    ///
    /// let MessageChannel { port1, port2 } = MessageChannel::<u64>::new();
    /// let (_sender, receiver) = port2.into_split();
    /// let mut stream = receiver.into_stream();
    /// stream.get_mut().close();
    /// assert!(port1.is_closed());
    /// ```
    pub fn get_mut(&mut self) -> &mut Receiver<In> {
        &mut self.receiver
    }

    /// Gives the half back. Messages that the stream has not yielded can be received there.
    ///
    /// # Examples
    ///
    /// ```
    /// use message_port::MessageChannel;
    ///
    /// let MessageChannel { mut port1, port2 } = MessageChannel::<u64>::new();
    /// let (_sender, receiver) = port2.into_split();
    /// let stream = receiver.into_stream();
    /// port1.post_message(&7)?;
    /// let mut receiver = stream.into_inner();
    /// assert_eq!(*receiver.recv()?, 7);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn into_inner(mut self) -> Receiver<In> {
        self.receiver.incoming_mut().forget_task();
        self.receiver
    }
}

impl<In> Stream for ReceiverStream<In>
where
    In: OwnedMessage,
{
    type Item = Result<In, StreamError>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        let next = this.receiver.poll_recv(cx).map(item);
        this.ended = matches!(next, Poll::Ready(None));
        next
    }
}

/// Terminated once it has yielded `None`: the end of a channel is final.
impl<In> FusedStream for ReceiverStream<In>
where
    In: OwnedMessage,
{
    fn is_terminated(&self) -> bool {
        self.ended
    }
}

impl<In> fmt::Debug for ReceiverStream<In> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReceiverStream")
            .field("receiver", &self.receiver)
            .field("ended", &self.ended)
            .finish()
    }
}
