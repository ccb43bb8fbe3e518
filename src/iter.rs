//! Iterators over owned messages.
//!
//! | made by | at the next message | ends |
//! |---|---|---|
//! | [`iter`](MessagePort::iter), `for message in &mut port` | waits | with the channel |
//! | [`try_iter`](MessagePort::try_iter) | does not wait | after the messages that were waiting when it began |
//! | `for message in port` | waits | with the channel; owns the port |
//!
//! Items are `Result`s. A message that is no valid archive, or that cannot be made into a value, is
//! an `Err`, and the iterator goes on behind it. To read messages in place, without the allocations
//! of an owned value, call [`recv`](MessagePort::recv) in a loop.

use std::fmt;
use std::iter::FusedIterator;

use crate::archive::{Message, OwnedMessage};
use crate::error::{RecvOwnedError, StreamError, TryRecvOwnedError};
use crate::half::Receiver;
use crate::port::MessagePort;

/// A received message as an item; `None` ends the iterator.
fn item<In>(received: Result<In, RecvOwnedError>) -> Option<Result<In, StreamError>> {
    match received {
        Ok(message) => Some(Ok(message)),
        Err(RecvOwnedError::InvalidArchive(error)) => Some(Err(error.into())),
        Err(RecvOwnedError::Deserialize(error)) => Some(Err(error.into())),
        Err(RecvOwnedError::Closed | RecvOwnedError::Disconnected) => None,
    }
}

/// Yields the messages that arrive at a receiver, until the channel ends. Made by
/// [`MessagePort::iter`] and [`Receiver::iter`].
///
/// # Examples
///
/// ```
/// use message_port::MessageChannel;
///
/// let MessageChannel { mut port1, mut port2 } = MessageChannel::<u64>::new();
/// port1.post_messages(&[1, 2, 3])?;
/// drop(port1);
/// let numbers: Vec<u64> = port2.iter().collect::<Result<_, _>>()?;
/// assert_eq!(numbers, [1, 2, 3]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use = "iterators do nothing unless consumed"]
pub struct Iter<'a, In> {
    pub(crate) receiver: &'a mut Receiver<In>,
}

/// Yields the messages that were waiting at a receiver when it was made. Made by
/// [`MessagePort::try_iter`] and [`Receiver::try_iter`].
///
/// # Examples
///
/// ```
/// use message_port::MessageChannel;
///
/// let MessageChannel { mut port1, mut port2 } = MessageChannel::<u64>::new();
/// port1.post_messages(&[1, 2])?;
/// assert_eq!(port2.try_iter().count(), 2);
/// assert_eq!(port2.try_iter().count(), 0);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use = "iterators do nothing unless consumed"]
pub struct TryIter<'a, In> {
    pub(crate) receiver: &'a mut Receiver<In>,
    /// Messages that were waiting and are not yet received.
    pub(crate) left: usize,
}

/// Yields the messages that arrive at a receiver, and owns the receiver. Made by `into_iter`.
///
/// # Examples
///
/// ```
/// use message_port::MessageChannel;
///
/// let MessageChannel { mut port1, port2 } = MessageChannel::<u64>::new();
/// let (_sender, receiver) = port2.into_split();
/// port1.post_messages(&[1, 2, 3])?;
/// drop(port1);
/// let mut sum = 0;
/// for number in receiver {
///     sum += number?;
/// }
/// assert_eq!(sum, 6);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use = "iterators do nothing unless consumed"]
pub struct IntoIter<In> {
    receiver: Receiver<In>,
}

/// Yields the messages that arrive at a port, and owns the port: the peer can post to it and
/// receive from it until the iterator is dropped. Made by `into_iter`.
///
/// # Examples
///
/// ```
/// use message_port::MessageChannel;
/// use std::thread;
///
/// let MessageChannel { mut port1, port2 } = MessageChannel::<u64>::new();
/// let summer = thread::spawn(move || port2.into_iter().map(Result::unwrap).sum::<u64>());
/// port1.post_messages(&[1, 2, 3])?;
/// port1.close();
/// assert_eq!(summer.join().unwrap(), 6);
/// # Ok::<(), message_port::PostError>(())
/// ```
#[must_use = "iterators do nothing unless consumed"]
pub struct PortIntoIter<Out, In = Out> {
    port: MessagePort<Out, In>,
}

impl<In> Receiver<In> {
    /// Iterates over the messages until the channel ends, waiting for each; see
    /// [`MessagePort::iter`](crate::MessagePort::iter).
    ///
    /// # Examples
    ///
    /// ```
    /// use message_port::MessageChannel;
    ///
    /// let MessageChannel { mut port1, mut port2 } = MessageChannel::<u64>::new();
    /// port1.post_messages(&[1, 2, 3])?;
    /// let first = port2.split_mut().1.iter().next().transpose()?;
    /// assert_eq!(first, Some(1));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn iter(&mut self) -> Iter<'_, In>
    where
        In: OwnedMessage,
    {
        Iter { receiver: self }
    }

    /// Iterates over the messages that are waiting now; see
    /// [`MessagePort::try_iter`](crate::MessagePort::try_iter).
    ///
    /// # Examples
    ///
    /// ```
    /// use message_port::MessageChannel;
    ///
    /// let MessageChannel { mut port1, mut port2 } = MessageChannel::<u64>::new();
    /// port1.post_messages(&[1, 2, 3])?;
    /// assert_eq!(port2.split_mut().1.try_iter().count(), 3);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn try_iter(&mut self) -> TryIter<'_, In>
    where
        In: OwnedMessage,
    {
        let left = self.len();
        TryIter { receiver: self, left }
    }
}

impl<Out, In> MessagePort<Out, In> {
    /// Iterates over the messages as owned values, waiting for each. Ends when the channel has
    /// ended (closed or disconnected) and nothing is left.
    ///
    /// An item is an `Err` where [`recv_owned`](Self::recv_owned) returns one for that message; the
    /// iterator goes on behind it. `for message in &mut port` does the same; `for message in port`
    /// takes the port.
    ///
    /// # Examples
    ///
    /// ```
    /// use message_port::MessageChannel;
    ///
    /// let MessageChannel { mut port1, mut port2 } = MessageChannel::<String>::new();
    /// port1.post_messages(&["one".to_owned(), "two".to_owned()])?;
    /// port1.close();
    /// for text in port2.iter() {
    ///     println!("{}", text?);
    /// }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn iter(&mut self) -> Iter<'_, In>
    where
        Out: Message,
        In: OwnedMessage,
    {
        self.halves_mut().1.iter()
    }

    /// Iterates over the messages that are waiting now, as owned values. Never waits.
    ///
    /// Messages that arrive after this call are left for the next one, so a peer that keeps posting
    /// does not keep the iterator going.
    ///
    /// # Examples
    ///
    /// ```
    /// use message_port::MessageChannel;
    ///
    /// let MessageChannel { mut port1, mut port2 } = MessageChannel::<u64>::new();
    /// port1.post_messages(&[1, 2])?;
    /// for number in port2.try_iter() {
    ///     port1.post_message(&(number? + 10))?; // left for the next time
    /// }
    /// assert_eq!(port2.recv_owned()?, 11);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn try_iter(&mut self) -> TryIter<'_, In>
    where
        Out: Message,
        In: OwnedMessage,
    {
        self.halves_mut().1.try_iter()
    }
}

impl<In: OwnedMessage> Iterator for Iter<'_, In> {
    type Item = Result<In, StreamError>;

    fn next(&mut self) -> Option<Self::Item> {
        item(self.receiver.recv_owned())
    }
}

impl<In: OwnedMessage> Iterator for TryIter<'_, In> {
    type Item = Result<In, StreamError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.left = self.left.checked_sub(1)?;
        let next = match self.receiver.try_recv_owned() {
            Ok(message) => Some(Ok(message)),
            Err(TryRecvOwnedError::InvalidArchive(error)) => Some(Err(error.into())),
            Err(TryRecvOwnedError::Deserialize(error)) => Some(Err(error.into())),
            // Only a close of this port discards waiting messages.
            Err(
                TryRecvOwnedError::Empty
                | TryRecvOwnedError::Closed
                | TryRecvOwnedError::Disconnected,
            ) => None,
        };
        if next.is_none() {
            self.left = 0;
        }
        next
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (0, Some(self.left))
    }
}

impl<In: OwnedMessage> Iterator for IntoIter<In> {
    type Item = Result<In, StreamError>;

    fn next(&mut self) -> Option<Self::Item> {
        item(self.receiver.recv_owned())
    }
}

impl<Out: Message, In: OwnedMessage> Iterator for PortIntoIter<Out, In> {
    type Item = Result<In, StreamError>;

    fn next(&mut self) -> Option<Self::Item> {
        item(self.port.recv_owned())
    }
}

// The end of a channel is final.
impl<In: OwnedMessage> FusedIterator for Iter<'_, In> {}
impl<In: OwnedMessage> FusedIterator for TryIter<'_, In> {}
impl<In: OwnedMessage> FusedIterator for IntoIter<In> {}
impl<Out: Message, In: OwnedMessage> FusedIterator for PortIntoIter<Out, In> {}

impl<In: OwnedMessage> IntoIterator for Receiver<In> {
    type Item = Result<In, StreamError>;
    type IntoIter = IntoIter<In>;

    fn into_iter(self) -> IntoIter<In> {
        IntoIter { receiver: self }
    }
}

#[allow(clippy::into_iter_without_iter, reason = "`iter` borrows mutably: it receives")]
impl<'a, In: OwnedMessage> IntoIterator for &'a mut Receiver<In> {
    type Item = Result<In, StreamError>;
    type IntoIter = Iter<'a, In>;

    fn into_iter(self) -> Iter<'a, In> {
        self.iter()
    }
}

impl<Out: Message, In: OwnedMessage> IntoIterator for MessagePort<Out, In> {
    type Item = Result<In, StreamError>;
    type IntoIter = PortIntoIter<Out, In>;

    fn into_iter(self) -> PortIntoIter<Out, In> {
        PortIntoIter { port: self }
    }
}

#[allow(clippy::into_iter_without_iter, reason = "`iter` borrows mutably: it receives")]
impl<'a, Out: Message, In: OwnedMessage> IntoIterator for &'a mut MessagePort<Out, In> {
    type Item = Result<In, StreamError>;
    type IntoIter = Iter<'a, In>;

    fn into_iter(self) -> Iter<'a, In> {
        self.iter()
    }
}

impl<In> fmt::Debug for Iter<'_, In> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Iter").field(&self.receiver).finish()
    }
}

impl<In> fmt::Debug for TryIter<'_, In> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TryIter")
            .field("receiver", &self.receiver)
            .field("left", &self.left)
            .finish()
    }
}

impl<In> fmt::Debug for IntoIter<In> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("IntoIter").field(&self.receiver).finish()
    }
}

impl<Out, In> fmt::Debug for PortIntoIter<Out, In> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("PortIntoIter").field(&self.port).finish()
    }
}
