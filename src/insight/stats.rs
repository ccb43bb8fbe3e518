//! What was counted, for the program to read; with the feature `stats`.

use std::time::Duration;

/// What one direction of a channel has counted since it was made; with the feature `stats`.
///
/// Both ends of a direction see the same numbers: [`Sender::stats`](crate::Sender::stats) at one, [`Receiver::stats`](crate::Receiver::stats) at
/// the other. They are exact while nobody is active. Otherwise each is true of some moment just
/// passed, and not of the same moment for all. Bytes are those of archives, unless it says
/// otherwise. On targets without 64-bit atomics the numbers have 32 bits and wrap.
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
    /// Messages that were accepted: `Ok` for the sender. Never less than `received`.
    pub posted: u64,
    /// Messages that the receiver took, those included that did not validate. The others are
    /// waiting, or were discarded at a close.
    pub received: u64,
    /// Bytes of the messages posted.
    pub posted_bytes: u64,
    /// Bytes of the messages received.
    pub received_bytes: u64,
    /// Bytes of the largest message posted.
    pub largest_message: u64,
    /// The most bytes that were in flight, as [`Sender::bytes_in_flight`](crate::Sender::bytes_in_flight) counts them, seen when a
    /// post or a batch had become visible.
    pub high_water_mark: u64,
    /// Posts that found no room: they waited for it, or were refused as `Full`. A task's counts
    /// each time it is polled in vain.
    pub full: u64,
    /// Messages that travelled in a heap buffer.
    pub spilled: u64,
    /// Segments by which the direction grew. One that was given back and is used again counts
    /// again.
    pub segments_added: u64,
    /// How the sender waited for room.
    pub sender: WaitStats,
    /// How the receiver waited for messages, or for the end of the channel.
    pub receiver: WaitStats,
}

/// What one end has counted about its waiting; a part of [`Stats`].
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
    /// Calls in which a thread went to sleep, and polls after which a task was left waiting. What
    /// was over after a short spin is not a wait.
    pub waits: u64,
    /// How long threads slept. Neither spinning nor the time of tasks is measured.
    pub waited: Duration,
    /// Wakes that were sent to this end, by posts or by bytes given back, by a close or a drop.
    /// What comes while an end that was woken looks for its news wakes it once more.
    pub wakes: u64,
    /// Times that a thread was woken, found nothing for it, and slept again.
    pub spurious_wakes: u64,
}
