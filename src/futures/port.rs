//! A whole port as a stream and a sink.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_core::{FusedStream, Stream};
use futures_sink::Sink;

use super::slot::Slot;
use super::stream::item;
use crate::archive::{Message, OwnedMessage};
use crate::error::{PostError, StreamError};
use crate::port::MessagePort;

/// A [`MessagePort`] as a [`Stream`] of what arrives and a [`Sink`] of what is posted.
///
/// Made by [`MessagePort::into_stream`]. The stream behaves as
/// [`ReceiverStream`](crate::ReceiverStream) and the sink as [`SenderSink`](crate::SenderSink): the
/// stream ends with the channel, an invalid message is an `Err` item, the sink holds at most one
/// message, and closing the sink flushes it without closing the channel. `StreamExt::split` makes
/// two halves of it, for two tasks; for two threads, [`MessagePort::into_split`] does so without a
/// lock.
///
/// The port keeps its handlers, and no event is dispatched.
///
/// # Errors
///
/// As [`SenderSink`](crate::SenderSink), which also says when `start_send` panics.
///
/// # Examples
///
/// ```
/// use futures_util::{SinkExt, StreamExt, TryStreamExt};
/// use message_port::{BoxError, MessageChannel};
///
/// # futures_lite::future::block_on(async {
/// let MessageChannel { mut port1, port2 } = MessageChannel::<u64>::new();
/// port1.post_messages(&[1, 2, 3])?;
/// // An echo: what arrives is posted back.
/// let (sink, stream) = port2.into_stream().split();
/// stream.take(3).map_err(BoxError::from).forward(sink.sink_err_into()).await?;
/// assert_eq!(*port1.recv()?, 1);
/// # Ok::<(), BoxError>(()) }).unwrap();
/// ```
#[must_use = "streams and sinks do nothing unless polled"]
pub struct PortStream<Out, In = Out> {
    port: MessagePort<Out, In>,
    slot: Slot<Out>,
    ended: bool,
}

impl<Out: Message, In: Message> MessagePort<Out, In> {
    /// Makes a [`Stream`] of the messages that arrive here, which is also a [`Sink`] of messages to
    /// post; needs the feature `futures`.
    ///
    /// # Examples
    ///
    /// ```
    /// use futures_util::{SinkExt, StreamExt};
    /// use message_port::{BoxError, MessageChannel};
    ///
    /// # futures_lite::future::block_on(async {
    /// let MessageChannel { port1, mut port2 } = MessageChannel::<String, u64>::new();
    /// let mut port1 = port1.into_stream();
    /// port1.send("hello".to_owned()).await?;
    /// let length = port2.recv_async().await?.len() as u64;
    /// port2.post_message_async(&length).await?;
    /// assert_eq!(port1.next().await.transpose()?, Some(5));
    /// # Ok::<(), BoxError>(()) }).unwrap();
    /// ```
    pub fn into_stream(self) -> PortStream<Out, In> {
        PortStream { port: self, slot: Slot::Idle, ended: false }
    }
}

impl<Out: Message, In: Message> PortStream<Out, In> {
    /// Borrows the port.
    ///
    /// # Examples
    ///
    /// ```
    /// use message_port::MessageChannel;
    ///
    /// let MessageChannel { port1, port2 } = MessageChannel::<u64>::new();
    /// let stream = port1.into_stream();
    /// drop(port2);
    /// assert!(stream.get_ref().is_disconnected());
    /// ```
    pub fn get_ref(&self) -> &MessagePort<Out, In> {
        &self.port
    }

    /// Borrows the port mutably. Messages posted there overtake a message that the sink holds:
    /// flush it first.
    ///
    /// # Examples
    ///
    /// ```
    /// use message_port::MessageChannel;
    ///
    /// let MessageChannel { port1, port2 } = MessageChannel::<u64>::new();
    /// let mut stream = port1.into_stream();
    /// stream.get_mut().close();
    /// assert!(port2.is_closed());
    /// ```
    pub fn get_mut(&mut self) -> &mut MessagePort<Out, In> {
        &mut self.port
    }

    /// Gives the port back, handlers included, together with the message that was accepted and not
    /// yet posted, if there is one. Messages that the stream has not yielded can be received at the
    /// port.
    ///
    /// # Examples
    ///
    /// ```
    /// use message_port::MessageChannel;
    ///
    /// let MessageChannel { port1, mut port2 } = MessageChannel::<u64>::new();
    /// let stream = port1.into_stream();
    /// port2.post_message(&7)?;
    /// let (mut port1, held) = stream.into_inner();
    /// assert_eq!(*port1.recv()?, 7);
    /// assert_eq!(held, None);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn into_inner(mut self) -> (MessagePort<Out, In>, Option<Out>) {
        let (sender, receiver) = self.port.halves_mut();
        sender.forget_task();
        receiver.incoming_mut().forget_task();
        (self.port, self.slot.into_held())
    }
}

/// A message is never pinned.
impl<Out, In> Unpin for PortStream<Out, In> {}

impl<Out, In> Stream for PortStream<Out, In>
where
    Out: Message,
    In: OwnedMessage,
{
    type Item = Result<In, StreamError>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        let next = this.port.poll_recv(cx).map(item);
        this.ended = matches!(next, Poll::Ready(None));
        next
    }
}

/// Terminated once it has yielded `None`: the end of a channel is final.
impl<Out, In> FusedStream for PortStream<Out, In>
where
    Out: Message,
    In: OwnedMessage,
{
    fn is_terminated(&self) -> bool {
        self.ended
    }
}

impl<Out: Message, In: Message> Sink<Out> for PortStream<Out, In> {
    type Error = PostError;

    fn poll_ready(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), PostError>> {
        let Self { port, slot, .. } = self.get_mut();
        slot.poll_ready(port.halves_mut().0, cx)
    }

    fn start_send(self: Pin<&mut Self>, message: Out) -> Result<(), PostError> {
        let Self { port, slot, .. } = self.get_mut();
        slot.start_send(port.halves_mut().0, message)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), PostError>> {
        let Self { port, slot, .. } = self.get_mut();
        slot.poll_flush(port.halves_mut().0, cx)
    }

    fn poll_close(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), PostError>> {
        Sink::poll_flush(self, cx)
    }
}

impl<Out, In> fmt::Debug for PortStream<Out, In> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PortStream")
            .field("port", &self.port)
            .field("holding", &self.slot.is_holding())
            .field("ended", &self.ended)
            .finish()
    }
}
