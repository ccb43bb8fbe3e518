//! How much is in flight, and how much room is left, seen from either end.

use std::fmt;

use crate::half::{Receiver, Sender};
use crate::port::MessagePort;

impl<Out> Sender<Out> {
    /// Bytes of the ring taken by messages that the receiver has not yet given back: headers,
    /// archives, padding, and skipped ends of laps; if all archives have one size, those of the
    /// archives alone. Compare it with [`capacity`](Self::capacity). A direction that grew counts
    /// all of its segments.
    ///
    /// A message that the receiver holds is in flight. A spilled one counts as the frame that
    /// describes its buffer (32 bytes), without the buffer. While the receiver is active the number
    /// is a hint: more may have been given back. Costs one look at a cursor of the receiver's.
    ///
    /// The number of *messages* in flight is known to the receiver, or with the feature `stats`.
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

    /// Whether there is no room now for even an empty message: every
    /// [`try_post_message`](Self::try_post_message) would return `Full`.
    ///
    /// If this returns false, a longer message may still have to wait. A direction that may
    /// [grow](crate::Builder::growable) is full when it can grow no further. While the receiver is
    /// active the answer is a hint: room may have been given back.
    ///
    /// # Examples
    ///
    /// ```
    /// use message_port::MessageChannel;
    ///
    /// let MessageChannel { port1, mut port2 } = MessageChannel::<String>::with_capacity(64);
    /// let (mut sender, _receiver) = port1.into_split();
    /// while !sender.is_full() {
    ///     sender.try_post_message(&String::new())?;
    /// }
    /// assert!(sender.try_post_message(&String::new()).unwrap_err().is_full());
    /// port2.recv()?;
    /// assert!(!sender.is_full());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn is_full(&self) -> bool {
        self.outgoing().is_full()
    }

    /// Bytes of the ring that are free now, for messages with their headers and padding; if all
    /// archives have one size, for the archives alone. If the direction may
    /// [grow](crate::Builder::growable), includes the segments that it may still add.
    ///
    /// A single message may not fit into all of it, since a message stays in one piece: see [the
    /// guide](crate::guide::room). A spilled message takes 32 bytes of it. While the receiver is
    /// active the number is a hint: more may have been given back.
    ///
    /// # Examples
    ///
    /// ```
    /// use message_port::MessageChannel;
    ///
    /// let MessageChannel { port1, mut port2 } = MessageChannel::<String>::with_capacity(1024);
    /// let (mut sender, _receiver) = port1.into_split();
    /// assert_eq!(sender.remaining(), 1024 - 16); // one slot stays free
    /// sender.post_message(&"short".to_owned())?;
    /// assert_eq!(sender.remaining(), 1024 - 32);
    /// port2.recv()?;
    /// assert_eq!(sender.remaining(), 1024 - 16);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn remaining(&self) -> usize {
        self.outgoing().remaining()
    }
}

impl<In> Receiver<In> {
    /// Bytes of the archives waiting to be received here, spilled ones included. Zero at a port
    /// that closed.
    ///
    /// Exact for messages posted before this call, and counted as in
    /// [`CloseEvent::undelivered_bytes`](crate::CloseEvent::undelivered_bytes). Looks at each
    /// waiting message's header, so the cost grows with their number.
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

    /// Bytes of the ring that messages arrive in; if the direction is
    /// [growable](crate::Builder::growable), of each of its segments. Equals the peer's
    /// [`Sender::capacity`].
    ///
    /// # Examples
    ///
    /// ```
    /// use message_port::MessageChannel;
    ///
    /// let MessageChannel { mut port1, .. } = MessageChannel::<u64>::with_capacity(1000);
    /// let (_, receiver) = port1.split_mut();
    /// assert_eq!(receiver.capacity(), 1024);
    /// ```
    pub fn capacity(&self) -> usize {
        self.incoming().capacity()
    }

    /// Whether the messages waiting here leave the peer no room for even an empty one: the peer's
    /// [`Sender::is_full`], as far as this end can see. If the direction may
    /// [grow](crate::Builder::growable), whether as much waits as the ring holds.
    ///
    /// Exact for messages posted before this call. Looks at each waiting message's header, so the
    /// cost grows with their number. A port that closed is not full.
    ///
    /// # Examples
    ///
    /// ```
    /// use message_port::MessageChannel;
    ///
    /// let MessageChannel { mut port1, port2 } = MessageChannel::<u64>::with_capacity(64);
    /// let (_sender, mut receiver) = port2.into_split();
    /// while port1.try_post_message(&7).is_ok() {}
    /// assert!(receiver.is_full());
    /// receiver.recv()?;
    /// assert!(!receiver.is_full());
    /// # Ok::<(), message_port::RecvError>(())
    /// ```
    pub fn is_full(&self) -> bool {
        self.incoming().is_full()
    }

    /// Bytes of the ring that are free for the peer: the peer's [`Sender::remaining`], as far as
    /// this end can see. If the direction may [grow](crate::Builder::growable), what is left of the
    /// ring's own capacity, and zero once more than that waits.
    ///
    /// Looks at each waiting message's header. Zero at a port that closed.
    ///
    /// # Examples
    ///
    /// ```
    /// use message_port::MessageChannel;
    ///
    /// let MessageChannel { mut port1, port2 } = MessageChannel::<String>::with_capacity(1024);
    /// let (_sender, receiver) = port2.into_split();
    /// port1.post_message(&"short".to_owned())?;
    /// assert_eq!(receiver.remaining(), port1.remaining());
    /// # Ok::<(), message_port::PostError>(())
    /// ```
    pub fn remaining(&self) -> usize {
        self.incoming().remaining()
    }
}

impl<Out, In> MessagePort<Out, In> {
    /// Bytes of the ring taken by messages that this port posted and the peer has not given back;
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

    /// Whether there is no room now for even an empty message from this port; see
    /// [`Sender::is_full`]. For the other direction, ask the receiving half ([`Receiver::is_full`],
    /// by [`split_mut`](Self::split_mut)).
    ///
    /// # Examples
    ///
    /// ```
    /// use message_port::MessageChannel;
    ///
    /// let MessageChannel { mut port1, port2 } = MessageChannel::<u64>::with_capacity(64);
    /// while !port1.is_full() {
    ///     port1.try_post_message(&7)?;
    /// }
    /// assert!(port1.try_post_message(&7).unwrap_err().is_full());
    /// assert!(!port2.is_full());
    /// # Ok::<(), message_port::TryPostError>(())
    /// ```
    pub fn is_full(&self) -> bool {
        self.halves().0.is_full()
    }

    /// Bytes of the ring that are free now for messages from this port; see [`Sender::remaining`].
    ///
    /// # Examples
    ///
    /// ```
    /// use message_port::MessageChannel;
    ///
    /// let MessageChannel { mut port1, port2: _idle } = MessageChannel::<u64>::with_capacity(64);
    /// let before = port1.remaining();
    /// port1.post_message(&7)?;
    /// assert_eq!(port1.remaining(), before - 8);
    /// # Ok::<(), message_port::PostError>(())
    /// ```
    pub fn remaining(&self) -> usize {
        self.halves().0.remaining()
    }

    /// Bytes of the archives waiting to be received here; see [`Receiver::bytes_available`].
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
