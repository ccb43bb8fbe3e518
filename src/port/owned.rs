//! Receiving owned values.

use super::MessagePort;
use crate::archive::{Message, OwnedMessage};
use crate::error::{RecvOwnedError, TryRecvOwnedError};

impl<Out: Message, In: Message> MessagePort<Out, In> {
    /// Receives the next message as an owned value, waiting for one if there is none:
    /// [`recv`](Self::recv) and [`deserialize`](crate::MessageRef::deserialize) in one call.
    ///
    /// Allocates what the value needs. The message's bytes are given back before the call returns.
    ///
    /// # Errors
    ///
    /// `Deserialize` if the type's own `Deserialize` fails; the message counts as received.
    /// Otherwise those of [`recv`](Self::recv).
    ///
    /// # Panics
    ///
    /// As [`recv`](Self::recv), and if the type's own `Deserialize` panics; the message counts as
    /// received.
    ///
    /// # Examples
    ///
    /// ```
    /// use message_port::MessageChannel;
    ///
    /// let MessageChannel { mut port1, mut port2 } = MessageChannel::<String>::new();
    /// port1.post_message(&"hello".to_owned())?;
    /// let text: String = port2.recv_owned()?;
    /// port2.post_message(&text)?; // nothing of the port is borrowed
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn recv_owned(&mut self) -> Result<In, RecvOwnedError>
    where
        In: OwnedMessage,
    {
        self.receiver.recv_owned()
    }

    /// Receives the next message as an owned value, if there is one. Never waits.
    ///
    /// # Errors
    ///
    /// `Empty` if there is none yet; otherwise those of [`recv_owned`](Self::recv_owned).
    ///
    /// # Panics
    ///
    /// As [`try_recv`](Self::try_recv), and if the type's own `Deserialize` panics; the message counts as
    /// received.
    ///
    /// # Examples
    ///
    /// ```
    /// use message_port::MessageChannel;
    ///
    /// let MessageChannel { mut port1, mut port2 } = MessageChannel::<String>::new();
    /// assert!(port2.try_recv_owned().unwrap_err().is_empty());
    /// port1.post_message(&"hello".to_owned())?;
    /// assert_eq!(port2.try_recv_owned()?, "hello");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn try_recv_owned(&mut self) -> Result<In, TryRecvOwnedError>
    where
        In: OwnedMessage,
    {
        self.receiver.try_recv_owned()
    }
}
