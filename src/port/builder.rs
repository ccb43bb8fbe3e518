//! The settings of a channel.

use std::fmt;
use std::marker::PhantomData;

use crate::archive::{self, Message, Typed};
use crate::error::BuildError;
use crate::link::wait::WaitStrategy;
use crate::port::MessageChannel;
use crate::ring::{Limits, OutOfMemory, frame};

/// Bytes per direction of a channel made by [`MessageChannel::new`].
pub(crate) const DEFAULT_CAPACITY: usize = 64 * 1024;

/// The longest archive, in bytes, if the builder sets no limit and the ring is not larger.
const DEFAULT_MAX_MESSAGE_LEN: usize = 16 * 1024 * 1024;

// The bounds are on the functions: a type that is no message then gets the diagnostic of
// `Message` instead of hearing that there is no such function.
impl<A, B> MessageChannel<A, B> {
    /// Makes a channel of 64 KiB per direction.
    ///
    /// # Panics
    ///
    /// If there is no memory for it.
    ///
    /// # Examples
    ///
    /// ```
    /// use message_port::MessageChannel;
    ///
    /// let channel = MessageChannel::<u64>::new();
    /// assert_eq!(channel.port1.capacity(), 65536);
    /// ```
    pub fn new() -> Self
    where
        A: Message,
        B: Message,
    {
        Self::with_capacity(DEFAULT_CAPACITY)
    }

    /// Makes a channel of `bytes_per_direction` bytes each way, rounded up to a power of two.
    ///
    /// # Panics
    ///
    /// With the text of [`BuildError`], if [`Builder::build`] fails.
    ///
    /// # Examples
    ///
    /// ```
    /// use message_port::MessageChannel;
    ///
    /// let channel = MessageChannel::<u64>::with_capacity(1000);
    /// assert_eq!(channel.port1.capacity(), 1024);
    /// ```
    pub fn with_capacity(bytes_per_direction: usize) -> Self
    where
        A: Message,
        B: Message,
    {
        match Self::builder().capacity(bytes_per_direction).build() {
            Ok(channel) => channel,
            Err(error) => panic!("{error}"),
        }
    }

    /// Returns a builder, for a channel with settings of your own.
    ///
    /// # Examples
    ///
    /// ```
    /// use message_port::MessageChannel;
    ///
    /// let channel = MessageChannel::<String>::builder()
    ///     .capacity(1 << 20)
    ///     .max_message_len(4 << 20)
    ///     .build()?;
    /// # Ok::<(), message_port::BuildError>(())
    /// ```
    pub fn builder() -> Builder<A, B>
    where
        A: Message,
        B: Message,
    {
        Builder::new()
    }
}

impl<A: Message, B: Message> Default for MessageChannel<A, B> {
    fn default() -> Self {
        Self::new()
    }
}

/// Builds a [`MessageChannel`] with settings of your own.
///
/// | setting | default |
/// |---|---|
/// | [`capacity`](Self::capacity) | 64 KiB per direction |
/// | [`max_message_len`](Self::max_message_len) | 16 MiB, or the capacity if that is more |
/// | [`growable`](Self::growable) | no: a direction keeps its capacity |
/// | [`wait_strategy`](Self::wait_strategy) | [`WaitStrategy::Park`] |
/// | [`eager_tasks`](Self::eager_tasks) | `true` |
/// | [`trust_archives`](Self::trust_archives) | no |
///
/// # Examples
///
/// ```
/// use message_port::{MessageChannel, WaitStrategy};
///
/// let MessageChannel { mut port1, mut port2 } = MessageChannel::<u64>::builder()
///     .capacity(4096)
///     .wait_strategy(WaitStrategy::Spin)
///     .build()?;
/// port1.post_message(&7)?;
/// assert_eq!(*port2.recv()?, 7);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use = "a builder does nothing before `build`"]
pub struct Builder<A, B = A> {
    capacity: usize,
    max_message_len: Option<usize>,
    growable: Option<usize>,
    strategy: WaitStrategy,
    eager_tasks: bool,
    trusted: bool,
    values: Typed<(A, B)>,
}

impl<A: Message, B: Message> Builder<A, B> {
    pub(crate) fn new() -> Self {
        Self {
            capacity: DEFAULT_CAPACITY,
            max_message_len: None,
            growable: None,
            strategy: WaitStrategy::default(),
            eager_tasks: true,
            trusted: false,
            values: PhantomData,
        }
    }

    /// Sets the bytes of each direction's ring, rounded up to a power of two. The smallest ring has 64
    /// bytes.
    ///
    /// A message takes its archive and an 8-byte header, rounded up to 16 bytes. Types whose
    /// archives all have one size (numbers, arrays and structs of them) take less: seven `u64`s
    /// take 64 bytes. Archives of more than half the ring are *spilled*: they travel in heap buffers,
    /// which are reused. Unless it [may grow](Self::growable), a direction has at most eight of these,
    /// with at most twice [`max_message_len`](Self::max_message_len) bytes in all (or the capacity if
    /// that is more).
    ///
    /// After every 1024 messages the sender frees the buffers that no message has used since the
    /// last such check, and those with more than four times the bytes of the longest message since
    /// then. So a rare long message does not keep memory for good, and long messages that come more
    /// often allocate nothing.
    ///
    /// # Examples
    ///
    /// ```
    /// use message_port::MessageChannel;
    ///
    /// let channel = MessageChannel::<u64>::builder().capacity(5000).build()?;
    /// assert_eq!(channel.port1.capacity(), 8192);
    /// # Ok::<(), message_port::BuildError>(())
    /// ```
    pub fn capacity(mut self, bytes: usize) -> Self {
        self.capacity = bytes;
        self
    }

    /// Sets how many bytes an archive may have; longer ones are refused as `TooLarge`. The largest
    /// limit is 2 GiB less one byte, since archives have offsets of 32 bits; a larger value means
    /// that limit. With the feature `pointer_width_64` there is no such limit. If another crate has
    /// chosen rkyv's `pointer_width_16`, it is 32 KiB less one byte.
    ///
    /// # Examples
    ///
    /// ```
    /// use message_port::{MessageChannel, PostError};
    ///
    /// let MessageChannel { mut port1, .. } =
    ///     MessageChannel::<[u8; 100]>::builder().max_message_len(99).build()?;
    /// let error = port1.post_message(&[0; 100]).unwrap_err();
    /// assert!(matches!(error, PostError::TooLarge { needed: 100, max: 99 }));
    /// # Ok::<(), message_port::BuildError>(())
    /// ```
    pub fn max_message_len(mut self, bytes: usize) -> Self {
        self.max_message_len = Some(bytes);
        self
    }

    /// Lets each direction grow instead of making its sender wait, up to `max_bytes` in all: the
    /// ring, the segments that are added to it, and the buffers of long messages. At the limit
    /// posts wait, or are refused as `Full`, as they do from the start without this setting. This
    /// is the web's `postMessage`, which never blocks, with a limit.
    ///
    /// Segments have the [`capacity`](Self::capacity) of the ring. Messages stay in order. A
    /// segment is given back when the receiver looks for what comes behind its last message. On Linux
    /// segments and buffers of 64 KiB or more go back to the system at once, whatever else the
    /// program has allocated meanwhile.
    ///
    /// One segment and one buffer of a long message are kept for the next burst, or two buffers if the
    /// messages' lengths differ. If bursts of long messages come in succession, as many buffers are kept
    /// as they use, up to 64 and a quarter of `max_bytes`, or two if that is more. The sender frees them
    /// after 1024 messages that needed none; a sender that posts nothing more keeps them.
    ///
    /// The limit counts the bytes of segments and of long messages, without the few words of
    /// bookkeeping for each. If all archives have one size of up to 512 bytes, a segment also takes
    /// 64 bytes, or a little more than a message, that are not counted, and it has room for one
    /// message at least. A limit below twice the capacity leaves no room for a second segment, so
    /// the direction does not grow. A spilled message must have room beside one segment; longer
    /// ones are refused as `TooLarge`. If the allocator has no memory for a segment, posts wait as
    /// they do at the limit, until the receiver comes to the end of a segment.
    ///
    /// The largest limit is a quarter of the address space (1 GiB with 32 bits), and a larger value
    /// means that: with more bytes in flight, positions would be ambiguous.
    ///
    /// # Examples
    ///
    /// ```
    /// use message_port::MessageChannel;
    ///
    /// let MessageChannel { mut port1, mut port2 } =
    ///     MessageChannel::<u64>::builder().capacity(1024).growable(1 << 20).build()?;
    /// for n in 0..10_000 {
    ///     port1.try_post_message(&n)?; // ten thousand times 8 bytes
    /// }
    /// for n in 0..10_000 {
    ///     assert_eq!(*port2.recv()?, n);
    /// }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn growable(mut self, max_bytes: usize) -> Self {
        self.growable = Some(max_bytes);
        self
    }

    /// Sets how blocking calls wait.
    ///
    /// # Examples
    ///
    /// ```
    /// use message_port::{MessageChannel, WaitStrategy};
    ///
    /// let channel = MessageChannel::<u64>::builder().wait_strategy(WaitStrategy::Spin).build()?;
    /// # Ok::<(), message_port::BuildError>(())
    /// ```
    pub fn wait_strategy(mut self, strategy: WaitStrategy) -> Self {
        self.strategy = strategy;
        self
    }

    /// Sets whether a task spins for a moment before it is suspended.
    ///
    /// Suspending a task and waking it takes microseconds; a message from another thread takes a
    /// fraction of one. So `recv_async`, `post_message_async` and their like spin for about a
    /// microsecond before they return `Pending`. They do so only while that has lately succeeded,
    /// never on a machine with one CPU, and never if the task was last woken from the CPU that it
    /// runs on, as by another task of its own thread. While it does not succeed, they only try now and
    /// then, for some fifty microseconds: after 8 suspensions, then ever more seldom, down to once in
    /// 1024. Turn this off for tasks that share their thread with many others whose latency counts
    /// more.
    ///
    /// # Examples
    ///
    /// ```
    /// use message_port::MessageChannel;
    ///
    /// let channel = MessageChannel::<u64>::builder().eager_tasks(false).build()?;
    /// # Ok::<(), message_port::BuildError>(())
    /// ```
    pub fn eager_tasks(mut self, eager: bool) -> Self {
        self.eager_tasks = eager;
        self
    }

    /// Receives archives without checking them.
    ///
    /// The sender still checks archives posted with
    /// [`post_message_as`](crate::MessagePort::post_message_as) and
    /// [`post_archived`](crate::MessagePort::post_archived): the promise need not cover archives
    /// that other types write.
    ///
    /// # Safety
    ///
    /// - Every archive that a value of type `A` or `B` makes of itself must be valid. A
    ///   hand-written implementation of rkyv's traits can break this without any `unsafe`.
    /// - An archive that is valid on the thread that posts it must be valid, and mean the same, on
    ///   every thread that receives it. An archived form that reads a thread-local, say, can break
    ///   this.
    /// - Without the feature `pointer_width_64`, no `NonZeroUsize` or `NonZeroIsize` inside a
    ///   message may have a lower half of zero; see [`Message`].
    /// - No type inside these archives, however deep, may be aligned to more than 16 bytes.
    ///
    /// # Examples
    ///
    /// ```
    /// use message_port::MessageChannel;
    ///
    /// let builder = MessageChannel::<String>::builder();
    /// // SAFETY: rkyv's own implementation for `String` writes valid archives.
    /// let channel = unsafe { builder.trust_archives() }.build()?;
    /// # Ok::<(), message_port::BuildError>(())
    /// ```
    pub unsafe fn trust_archives(mut self) -> Self {
        self.trusted = true;
        self
    }

    /// Makes the channel.
    ///
    /// # Errors
    ///
    /// Fails if the capacity is zero, too small for one message or not representable, or if there
    /// is no memory for it.
    ///
    /// # Examples
    ///
    /// ```
    /// use message_port::{BuildError, MessageChannel};
    ///
    /// let error = MessageChannel::<u64>::builder().capacity(usize::MAX).build().unwrap_err();
    /// assert_eq!(error, BuildError::TooLarge { capacity: usize::MAX });
    /// ```
    pub fn build(self) -> Result<MessageChannel<A, B>, BuildError> {
        let limits = self.limits()?;
        // SAFETY: `trusted` was set by a caller that vouched for the archives.
        unsafe { MessageChannel::crossed(limits, self.strategy, self.eager_tasks, self.trusted) }
            .map_err(|OutOfMemory| BuildError::OutOfMemory { capacity: self.capacity })
    }

    /// What each direction may use.
    fn limits(&self) -> Result<Limits, BuildError> {
        let asked = self.capacity;
        let capacity = match asked.checked_next_power_of_two() {
            _ if asked == 0 => return Err(BuildError::ZeroCapacity),
            Some(capacity) if capacity < frame::MIN_CAPACITY => {
                return Err(BuildError::TooSmall { capacity: asked, min: frame::MIN_CAPACITY });
            }
            Some(capacity) if capacity <= frame::MAX_CAPACITY => capacity,
            _ => return Err(BuildError::TooLarge { capacity: asked }),
        };
        let max_message = self.max_message_len.unwrap_or(capacity.max(DEFAULT_MAX_MESSAGE_LEN));
        let max_message = max_message.min(archive::MAX_LENGTH);
        let growable = self.growable.map(|bytes| bytes.clamp(capacity, frame::MAX_GROWABLE));
        Ok(Limits { capacity, max_message, growable })
    }
}

impl<A, B> fmt::Debug for Builder<A, B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder")
            .field("capacity", &self.capacity)
            .field("max_message_len", &self.max_message_len)
            .field("growable", &self.growable)
            .field("wait_strategy", &self.strategy)
            .field("eager_tasks", &self.eager_tasks)
            .field("trust_archives", &self.trusted)
            .finish_non_exhaustive()
    }
}

#[cfg(all(test, not(message_port_loom)))]
mod tests {
    use super::*;

    #[test]
    fn a_direction_grows_no_further_than_its_positions_can_be_told_apart() {
        for capacity in [64, DEFAULT_CAPACITY, frame::MAX_CAPACITY] {
            for asked in [0, capacity, frame::MAX_GROWABLE, frame::MAX_GROWABLE + 1, usize::MAX] {
                let builder = MessageChannel::<u64>::builder().capacity(capacity).growable(asked);
                let limit = builder.limits().unwrap().growable.unwrap();
                assert!(limit >= capacity && limit <= usize::MAX / 4 + 1, "{limit} bytes");
                assert!(limit >= asked.min(usize::MAX / 4), "{limit} bytes of {asked}");
            }
        }
    }
}
