//! Counters for the program to read; with the feature `stats`.

use std::time::Duration;

/// The counters of one direction of a channel since it was made; with the feature `stats`.
///
/// Both ends of a direction see the same numbers: [`Sender::stats`](crate::Sender::stats) at one,
/// [`Receiver::stats`](crate::Receiver::stats) at the other. They are exact while both ends are
/// idle. Otherwise each number was true a moment ago, but not all at the same moment. Bytes are
/// those of archives unless stated otherwise. On targets without 64-bit atomics the numbers have 32
/// bits and wrap.
///
/// # Examples
///
/// ```
/// use message_port::MessageChannel;
///
/// let MessageChannel { mut port1, mut port2 } = MessageChannel::<u64>::new();
/// port1.post_messages(&[1, 2, 3])?;
/// port2.recv()?;
/// let stats = port1.outgoing_stats();
/// assert_eq!((stats.posted, stats.received), (3, 1));
/// assert_eq!((stats.posted_bytes, stats.received_bytes), (24, 8));
/// assert_eq!(stats.high_water_mark, 24); // three times eight bytes
/// assert_eq!(stats, port2.incoming_stats());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[non_exhaustive]
#[cfg_attr(docsrs, doc(cfg(feature = "stats")))]
pub struct Stats {
    /// Messages that were accepted: the sender got `Ok`. Never less than `received`.
    pub posted: u64,
    /// Messages that the receiver took, including those that did not validate. The others are
    /// waiting, or were discarded at a close.
    pub received: u64,
    /// Bytes of the messages posted.
    pub posted_bytes: u64,
    /// Bytes of the messages received.
    pub received_bytes: u64,
    /// Bytes of the largest message posted.
    pub largest_message: u64,
    /// The most bytes in flight, as [`Sender::bytes_in_flight`](crate::Sender::bytes_in_flight)
    /// counts them, seen just after a post or a batch became visible.
    pub high_water_mark: u64,
    /// Posts that found no room: they waited for it, or were refused as `Full`. A post in a task
    /// counts once for each poll in vain.
    pub full: u64,
    /// Messages that travelled in a heap buffer.
    pub spilled: u64,
    /// Segments by which the direction grew. A segment that is reused after it was given back
    /// counts again.
    pub segments_added: u64,
    /// How the sender waited for room.
    pub sender: WaitStats,
    /// How the receiver waited for messages, or for the end of the channel.
    pub receiver: WaitStats,
}

/// The counters of one end's waits; a part of [`Stats`].
///
/// # Examples
///
/// ```
/// use message_port::MessageChannel;
/// use std::time::Duration;
///
/// let MessageChannel { port1, mut port2 } = MessageChannel::<u64>::new();
/// let _ = port2.recv_timeout(Duration::from_millis(5));
/// let waiting = port1.outgoing_stats().receiver;
/// assert_eq!((waiting.waits, waiting.wakes), (1, 0));
/// assert!(waiting.waited > Duration::ZERO);
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[non_exhaustive]
#[cfg_attr(docsrs, doc(cfg(feature = "stats")))]
pub struct WaitStats {
    /// Calls in which a thread went to sleep, and polls that left a task waiting. A wait that a
    /// short spin ended does not count.
    pub waits: u64,
    /// How long threads slept. Spinning and the time of tasks are not measured.
    pub waited: Duration,
    /// Wake-ups sent to this end, by posts or by bytes given back, by a close or a drop. News that
    /// comes while an end that was woken is still looking wakes it once more.
    pub wakes: u64,
    /// Spurious wake-ups: times that a thread was woken, found nothing, and slept again.
    pub spurious_wakes: u64,
}
