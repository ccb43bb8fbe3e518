//! Receiving owned values.

use super::Receiver;
use crate::archive::{Message, OwnedMessage};
use crate::error::{RecvOwnedError, TryRecvOwnedError};

impl<In: Message> Receiver<In> {
    /// Receives an owned message, waiting for one; see
    /// [`MessagePort::recv_owned`](crate::MessagePort::recv_owned).
    ///
    /// # Errors
    ///
    /// Those of [`RecvOwnedError`].
    ///
    /// # Examples
    ///
    /// ```
    /// use message_port::MessageChannel;
    ///
    /// let MessageChannel { mut port1, mut port2 } = MessageChannel::<String>::new();
    /// port1.post_message(&"hello".to_owned())?;
    /// assert_eq!(port2.split_mut().1.recv_owned()?, "hello");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn recv_owned(&mut self) -> Result<In, RecvOwnedError>
    where
        In: OwnedMessage,
    {
        Ok(self.recv()?.deserialize()?)
    }

    /// Receives an owned message, if there is one; see
    /// [`MessagePort::try_recv_owned`](crate::MessagePort::try_recv_owned).
    ///
    /// # Errors
    ///
    /// Those of [`TryRecvOwnedError`].
    ///
    /// # Examples
    ///
    /// ```
    /// use message_port::MessageChannel;
    ///
    /// let MessageChannel { mut port1, .. } = MessageChannel::<String>::new();
    /// assert!(port1.split_mut().1.try_recv_owned().is_err());
    /// ```
    pub fn try_recv_owned(&mut self) -> Result<In, TryRecvOwnedError>
    where
        In: OwnedMessage,
    {
        Ok(self.try_recv()?.deserialize()?)
    }
}
