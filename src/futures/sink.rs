//! A posting half as a sink.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_sink::Sink;

use super::slot::Slot;
use crate::archive::Message;
use crate::error::PostError;
use crate::half::Sender;

/// A [`Sink`] that posts messages through a [`Sender`].
///
/// Made by [`Sender::into_sink`]. The sink posts a message as soon as it is sent into it, if there
/// is room. Otherwise it holds the message, and only that one, and is ready for the next one when
/// this one has been posted. `feed` may return before the message is posted; `send` waits until it
/// is.
///
/// | call | meaning here |
/// |---|---|
/// | `poll_ready` | posts the message that it holds; then fails if the channel has ended |
/// | `start_send` | posts the message, or holds it |
/// | `poll_flush` | posts the message that it holds; the peer need not have received it |
/// | `poll_close` | the same as `poll_flush` |
///
/// Closing the sink (`SinkExt::close`, the end of `forward`) does not close the channel, which
/// would end the other direction too. When the sink is then dropped, the peer drains what was
/// posted and finds the channel disconnected, so its stream ends. To close the channel, call
/// [`close`](Sender::close) on [`get_mut`](Self::get_mut).
///
/// After 64 operations in a row that were ready, the sink wakes its task and suspends it once, so
/// that other tasks run. Each `poll_ready` and each `poll_flush` is one operation. A `feed` takes
/// one of them, a `send` two.
///
/// A sink that is dropped drops the message that it holds, like every sink that was not flushed;
/// [`into_inner`](Self::into_inner) gives it back. A `send` that is dropped before it is ready
/// loses nothing that the sink has accepted: the sink posts it with the next call.
///
/// # Errors
///
/// `Closed` and `Disconnected` are final. The other errors concern only the message that could not
/// be posted, which is dropped; the sink stays usable. The sink never sleeps, so it never gets
/// `WouldDeadlock`.
///
/// # Panics
///
/// `start_send` panics unless a `poll_ready` has succeeded before it. If a value's own `Serialize`
/// panics, that value is dropped and the sink stays usable.
///
/// # Examples
///
/// ```
/// use futures_util::{SinkExt, StreamExt, stream};
/// use message_port::MessageChannel;
///
/// # futures_lite::future::block_on(async {
/// let MessageChannel { port1, mut port2 } = MessageChannel::<u64>::new();
/// let (sender, _receiver) = port1.into_split();
/// let mut sink = sender.into_sink();
/// sink.send(1).await?;
/// stream::iter([2, 3]).map(Ok).forward(sink).await?;
/// for number in 1..=3 {
///     assert_eq!(*port2.recv()?, number);
/// }
/// assert!(!port2.is_closed());
/// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
/// ```
#[must_use = "sinks do nothing unless polled"]
pub struct SenderSink<Out> {
    sender: Sender<Out>,
    slot: Slot<Out>,
}

impl<Out: Message> Sender<Out> {
    /// Makes a [`Sink`] that posts messages; needs the feature `futures`.
    ///
    /// # Examples
    ///
    /// ```
    /// use futures_util::SinkExt;
    /// use message_port::MessageChannel;
    ///
    /// # futures_lite::future::block_on(async {
    /// let MessageChannel { port1, mut port2 } = MessageChannel::<u64>::new();
    /// let (sender, _receiver) = port1.into_split();
    /// sender.into_sink().send(7).await?;
    /// assert_eq!(*port2.recv()?, 7);
    /// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
    /// ```
    pub fn into_sink(self) -> SenderSink<Out> {
        SenderSink { sender: self, slot: Slot::Idle }
    }
}

impl<Out> SenderSink<Out> {
    /// Borrows the half that the sink posts through.
    ///
    /// # Examples
    ///
    /// ```
    /// use message_port::MessageChannel;
    ///
    /// let MessageChannel { port1, port2 } = MessageChannel::<u64>::new();
    /// let (sender, _receiver) = port1.into_split();
    /// let sink = sender.into_sink();
    /// drop(port2);
    /// assert!(sink.get_ref().is_disconnected());
    /// ```
    pub fn get_ref(&self) -> &Sender<Out> {
        &self.sender
    }

    /// Borrows the half that the sink posts through. Messages posted there overtake a message that
    /// the sink holds: flush it first.
    ///
    /// # Examples
    ///
    /// ```
    /// use message_port::MessageChannel;
    ///
    /// let MessageChannel { port1, port2 } = MessageChannel::<u64>::new();
    /// let (sender, _receiver) = port1.into_split();
    /// let mut sink = sender.into_sink();
    /// sink.get_mut().close();
    /// assert!(port2.is_closed());
    /// ```
    pub fn get_mut(&mut self) -> &mut Sender<Out> {
        &mut self.sender
    }

    /// Gives the half back, together with the message that was accepted and not yet posted, if
    /// there is one.
    ///
    /// # Examples
    ///
    /// ```
    /// use futures_util::SinkExt;
    /// use message_port::MessageChannel;
    ///
    /// # futures_lite::future::block_on(async {
    /// let MessageChannel { port1, mut port2 } = MessageChannel::<u64>::with_capacity(64);
    /// let (mut sender, _receiver) = port1.into_split();
    /// while sender.try_post_message(&0).is_ok() {}
    /// let mut sink = sender.into_sink();
    /// sink.feed(7).await?; // there is no room
    /// let (mut sender, held) = sink.into_inner();
    /// assert_eq!(held, Some(7));
    /// # Ok::<(), message_port::PostError>(()) }).unwrap();
    /// ```
    pub fn into_inner(mut self) -> (Sender<Out>, Option<Out>) {
        self.sender.forget_task();
        (self.sender, self.slot.into_held())
    }
}

/// A message is never pinned.
impl<Out> Unpin for SenderSink<Out> {}

impl<Out: Message> Sink<Out> for SenderSink<Out> {
    type Error = PostError;

    fn poll_ready(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), PostError>> {
        let Self { sender, slot } = self.get_mut();
        slot.poll_ready(sender, cx)
    }

    fn start_send(self: Pin<&mut Self>, message: Out) -> Result<(), PostError> {
        let Self { sender, slot } = self.get_mut();
        slot.start_send(sender, message)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), PostError>> {
        let Self { sender, slot } = self.get_mut();
        slot.poll_flush(sender, cx)
    }

    fn poll_close(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), PostError>> {
        self.poll_flush(cx)
    }
}

impl<Out> fmt::Debug for SenderSink<Out> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SenderSink")
            .field("sender", &self.sender)
            .field("holding", &self.slot.is_holding())
            .finish()
    }
}
