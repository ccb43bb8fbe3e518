//! How much is on its way, seen from either end.

use std::fmt;

use crate::message::Message;
use crate::port::MessagePort;
use crate::receiver::Receiver;
use crate::sender::Sender;

impl<Out> Sender<Out> {
    /// Bytes of the ring that are taken by what was posted and not yet given back by the receiver:
    /// headers, archives, padding, and the ends of laps that were skipped; where all archives have
    /// one size, those of the archives alone. To be compared with [`capacity`](Self::capacity); a
    /// direction that grew counts all of its segments.
    ///
    /// A message that the receiver holds is in flight. One that was spilled counts with the frame
    /// that describes its buffer (32 bytes), not with the buffer. While the receiver is active this
    /// is a hint: it may have given more back. Costs no more than a look at a cursor of the
    /// receiver's.
    ///
    /// How many *messages* that is only the receiver knows, or the feature `stats`.
    ///
    /// # Examples
    ///
    /// ```
    /// use message_port::MessageChannel;
    ///
    /// let MessageChannel { port1, mut port2 } = MessageChannel::<u64>::new();
    /// let (mut sender, _receiver) = port1.into_split();
    /// sender.post_message(&7)?;
    /// assert_eq!(sender.bytes_in_flight(), 8);
    /// let message = port2.recv()?;
    /// assert_eq!(sender.bytes_in_flight(), 8);
    /// drop(message);
    /// assert_eq!(sender.bytes_in_flight(), 0);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn bytes_in_flight(&self) -> usize {
        self.outgoing().bytes_in_flight()
    }
}

impl<In> Receiver<In> {
    /// Bytes of the archives that are waiting to be received here, spilled ones included. None are
    /// left at a port that closed.
    ///
    /// Exact for what was posted before this call, and counted as in
    /// [`CloseEvent::undelivered_bytes`](crate::CloseEvent::undelivered_bytes). Looks at each
    /// waiting message's header, so it costs more the more there are.
    ///
    /// # Examples
    ///
    /// ```
    /// use message_port::MessageChannel;
    ///
    /// let MessageChannel { mut port1, port2 } = MessageChannel::<[u8; 5]>::new();
    /// let (_sender, receiver) = port2.into_split();
    /// port1.post_messages(&[*b"green", *b"black"])?;
    /// assert_eq!((receiver.len(), receiver.bytes_available()), (2, 10));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn bytes_available(&self) -> usize {
        self.incoming().bytes_available()
    }
}

impl<Out: Message, In: Message> MessagePort<Out, In> {
    /// Bytes of the ring that are taken by what this port posted and the peer has not given back;
    /// see [`Sender::bytes_in_flight`].
    ///
    /// # Examples
    ///
    /// ```
    /// use message_port::MessageChannel;
    ///
    /// let MessageChannel { mut port1, port2 } = MessageChannel::<u64>::new();
    /// port1.post_message(&7)?;
    /// assert_eq!((port1.bytes_in_flight(), port2.bytes_in_flight()), (8, 0));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn bytes_in_flight(&self) -> usize {
        self.halves().0.bytes_in_flight()
    }

    /// Bytes of the archives that are waiting to be received here; see
    /// [`Receiver::bytes_available`].
    ///
    /// # Examples
    ///
    /// ```
    /// use message_port::MessageChannel;
    ///
    /// let MessageChannel { mut port1, port2 } = MessageChannel::<u64>::new();
    /// port1.post_message(&7)?;
    /// assert_eq!((port1.bytes_available(), port2.bytes_available()), (0, 8));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn bytes_available(&self) -> usize {
        self.halves().1.bytes_available()
    }
}

impl<Out> fmt::Debug for Sender<Out> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut sender = f.debug_struct("Sender");
        sender
            .field("capacity", &self.capacity())
            .field("bytes_in_flight", &self.bytes_in_flight())
            .field("closed", &self.is_closed())
            .field("disconnected", &self.is_disconnected());
        #[cfg(feature = "stats")]
        sender.field("stats", &self.stats());
        sender.finish()
    }
}

impl<In> fmt::Debug for Receiver<In> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut receiver = f.debug_struct("Receiver");
        receiver
            .field("len", &self.len())
            .field("bytes_available", &self.bytes_available())
            .field("closed", &self.is_closed())
            .field("disconnected", &self.is_disconnected());
        #[cfg(feature = "stats")]
        receiver.field("stats", &self.stats());
        receiver.finish()
    }
}
