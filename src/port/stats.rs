//! The counters of a channel, seen from either end.

use super::MessagePort;
use crate::half::{Receiver, Sender};
use crate::insight::Stats;

impl<Out> Sender<Out> {
    /// The counters of the direction that this half posts into; with the feature `stats`.
    ///
    /// # Examples
    ///
    /// ```
    /// use message_port::MessageChannel;
    ///
    /// let MessageChannel { port1, port2: _port2 } = MessageChannel::<String>::new();
    /// let (mut sender, _receiver) = port1.into_split();
    /// sender.post_message(&"hello".to_owned())?;
    /// let stats = sender.stats();
    /// assert_eq!((stats.posted, stats.received, stats.largest_message), (1, 0, 8));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[cfg_attr(docsrs, doc(cfg(feature = "stats")))]
    pub fn stats(&self) -> Stats {
        self.outgoing().link().stats(self.outgoing().side())
    }
}

impl<In> Receiver<In> {
    /// The counters of the direction that this half receives from; with the feature `stats`.
    ///
    /// # Examples
    ///
    /// ```
    /// use message_port::MessageChannel;
    ///
    /// let MessageChannel { mut port1, port2 } = MessageChannel::<u64>::new();
    /// let (_sender, receiver) = port2.into_split();
    /// port1.post_message(&7)?;
    /// assert_eq!(receiver.stats().posted, 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[cfg_attr(docsrs, doc(cfg(feature = "stats")))]
    pub fn stats(&self) -> Stats {
        self.incoming().link().stats(self.incoming().side().peer())
    }
}

impl<Out, In> MessagePort<Out, In> {
    /// The counters of the direction that this port posts into; with the feature `stats`.
    ///
    /// # Examples
    ///
    /// ```
    /// use message_port::MessageChannel;
    ///
    /// let MessageChannel { mut port1, port2: _port2 } = MessageChannel::<u64>::with_capacity(64);
    /// while port1.try_post_message(&7).is_ok() {}
    /// let stats = port1.outgoing_stats();
    /// assert_eq!((stats.posted, stats.full), (7, 1));
    /// ```
    #[cfg_attr(docsrs, doc(cfg(feature = "stats")))]
    pub fn outgoing_stats(&self) -> Stats {
        self.halves().0.stats()
    }

    /// The counters of the direction that this port receives from; with the feature `stats`.
    ///
    /// # Examples
    ///
    /// ```
    /// use message_port::MessageChannel;
    ///
    /// let MessageChannel { mut port1, mut port2 } = MessageChannel::<u64>::new();
    /// port1.post_message(&7)?;
    /// port2.recv()?;
    /// assert_eq!(port2.incoming_stats().received_bytes, 8);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[cfg_attr(docsrs, doc(cfg(feature = "stats")))]
    pub fn incoming_stats(&self) -> Stats {
        self.halves().1.stats()
    }
}
