//! The settings of a call channel, and how much room answers need.

use std::fmt;

use super::client::Client;
use super::envelope::{ArchivedEnvelope, Envelope};
use super::flight::Flights;
use super::replies::{Replies, min_len};
use super::server::Server;
use crate::archive::Message;

use crate::error::BuildError;
use crate::link::wait::WaitStrategy;
use crate::port::{self, DEFAULT_CAPACITY, MessageChannel};
use crate::ring::frame;

/// Calls in flight where nothing else was said.
const DEFAULT_CALLS: usize = 64;

/// Bytes that an archive may have where nothing else was said.
const DEFAULT_MAX_MESSAGE_LEN: usize = 1024 * 1024;

/// Builds a call channel with other settings than the default ones.
///
/// | setting | default |
/// |---|---|
/// | [`calls_in_flight`](Self::calls_in_flight) | 64 |
/// | [`max_message_len`](Self::max_message_len) | 1 MiB |
/// | [`capacity`](Self::capacity) | 64 KiB per direction |
/// | [`wait_strategy`](Self::wait_strategy) | [`WaitStrategy::Park`] |
/// | [`eager_tasks`](Self::eager_tasks) | `true` |
///
/// The first two determine how much room messages can need, and each direction may grow that far; see
/// [the module](super#room). Memory beyond the capacity is allocated when it is needed.
///
/// # Examples
///
/// ```
/// use message_port::call;
///
/// let (mut client, mut server) =
///     call::builder::<u64, String>().calls_in_flight(2).max_message_len(1000).build()?;
/// let (first, second) = (client.start(&1)?, client.start(&2)?);
/// assert!(client.start(&3).unwrap_err().is_full());
/// server.recv()?.answer("one".to_owned())?;
/// assert_eq!(first.wait(&mut client)?.as_str(), "one");
/// # drop(second);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use = "a builder does nothing before `build`"]
pub struct Builder<Req, Ans> {
    channel: port::Builder<Req, Envelope<Ans>>,
    capacity: usize,
    calls: usize,
    max_len: usize,
}

impl<Req: Message, Ans: Message> Builder<Req, Ans> {
    pub(super) fn new() -> Self {
        Self {
            channel: MessageChannel::builder(),
            capacity: DEFAULT_CAPACITY,
            calls: DEFAULT_CALLS,
            max_len: DEFAULT_MAX_MESSAGE_LEN,
        }
    }

    /// Sets how many calls may be in flight at a time; at least one may.
    ///
    /// A call is in flight from when its request is sent until its answer is in the caller's hands,
    /// or discarded.
    ///
    /// # Examples
    ///
    /// ```
    /// use message_port::call;
    ///
    /// let (client, _server) = call::builder::<u64, u64>().calls_in_flight(8).build()?;
    /// assert_eq!(client.max_calls_in_flight(), 8);
    /// # Ok::<(), message_port::BuildError>(())
    /// ```
    pub fn calls_in_flight(mut self, calls: usize) -> Self {
        self.calls = calls.max(1);
        self
    }

    /// Sets how many bytes the archive of a request or an answer may have. A request above it is
    /// [`TooLarge`](super::CallError::TooLarge), an answer above it reaches the caller as
    /// [`AnswerTooLarge`](super::CallError::AnswerTooLarge).
    ///
    /// The archive of an answer is counted with the number and the kind that it gets here: up to 16
    /// bytes. There is always room for an answer without parts on the heap, and for an error with a
    /// text of 64 bytes; longer texts are cut. A smaller limit means what these need, for requests too.
    ///
    /// # Examples
    ///
    /// ```
    /// use message_port::call;
    ///
    /// let (mut client, _server) =
    ///     call::builder::<Vec<u8>, u64>().max_message_len(1000).build()?;
    /// assert!(client.start(&vec![0; 1001]).unwrap_err().is_too_large());
    /// # Ok::<(), message_port::BuildError>(())
    /// ```
    pub fn max_message_len(mut self, bytes: usize) -> Self {
        self.max_len = bytes;
        self
    }

    /// Sets the bytes of each direction's ring; see
    /// [`Builder::capacity`](crate::Builder::capacity). Where the messages in flight need more, the
    /// direction grows by as much at a time, and messages longer than half of it travel in buffers of
    /// their own. Both allocate, except for the buffers that are
    /// [kept](crate::Builder::growable): so choose what the messages that are usually in flight
    /// together need, and twice the longest of them.
    ///
    /// # Examples
    ///
    /// ```
    /// use message_port::call;
    ///
    /// let (client, server) = call::builder::<u64, u64>().capacity(4096).build()?;
    /// # Ok::<(), message_port::BuildError>(())
    /// ```
    pub fn capacity(mut self, bytes: usize) -> Self {
        self.capacity = bytes;
        self
    }

    /// Sets how blocking calls wait; see
    /// [`Builder::wait_strategy`](crate::Builder::wait_strategy).
    ///
    /// # Examples
    ///
    /// ```
    /// use message_port::{WaitStrategy, call};
    ///
    /// let (client, server) =
    ///     call::builder::<u64, u64>().wait_strategy(WaitStrategy::Spin).build()?;
    /// # Ok::<(), message_port::BuildError>(())
    /// ```
    pub fn wait_strategy(mut self, strategy: WaitStrategy) -> Self {
        self.channel = self.channel.wait_strategy(strategy);
        self
    }

    /// Sets whether a task looks for news for a moment before it is suspended; see
    /// [`Builder::eager_tasks`](crate::Builder::eager_tasks).
    ///
    /// # Examples
    ///
    /// ```
    /// use message_port::call;
    ///
    /// let (client, server) = call::builder::<u64, u64>().eager_tasks(false).build()?;
    /// # Ok::<(), message_port::BuildError>(())
    /// ```
    pub fn eager_tasks(mut self, eager: bool) -> Self {
        self.channel = self.channel.eager_tasks(eager);
        self
    }

    /// Makes the channel.
    ///
    /// # Errors
    ///
    /// Fails if the capacity is zero, too small for one message or not representable, if the
    /// room for all calls in flight is not representable or there may be more than 1,048,576 of them,
    /// or if there is no memory for the rings.
    ///
    /// # Examples
    ///
    /// ```
    /// use message_port::{BuildError, call};
    ///
    /// let builder = call::builder::<u64, u64>().calls_in_flight(usize::MAX);
    /// assert!(matches!(builder.build(), Err(BuildError::TooManyCalls { .. })));
    /// ```
    #[allow(clippy::type_complexity, reason = "an alias would hide the two ends")]
    pub fn build(self) -> Result<(Client<Req, Ans>, Server<Req, Ans>), BuildError> {
        let Self { channel, capacity, calls, max_len } = self;
        let max_len = max_len.max(min_len::<Ans>());
        let rounded = capacity.checked_next_power_of_two().unwrap_or(usize::MAX);
        let room = |calls, max_len| {
            room::<Ans>(rounded.max(frame::MIN_CAPACITY), calls, max_len)
                .filter(|room| *room <= frame::MAX_GROWABLE && calls <= MAX_CALLS)
        };
        room(1, min_len::<Ans>()).ok_or(BuildError::TooLarge { capacity })?;
        let too_many = BuildError::TooManyCalls { calls, max_message_len: max_len };
        let room = room(calls, max_len).ok_or(too_many)?;
        let channel = channel.capacity(capacity).max_message_len(max_len).growable(room);
        let MessageChannel { port1, port2 } = channel.build()?;
        let client = Client::new(port1, Flights::new(calls, max_len));
        let server = Server::new(port2, Replies::new::<Ans>(calls, max_len));
        Ok((client, server))
    }
}

/// Calls in flight at most: both ends keep a place for the handle of each.
const MAX_CALLS: usize = 1 << 20;

/// Bytes to which a direction may grow, so that no message of `calls` calls ever waits for room.
///
/// Each call has one message on its way: a request; or an answer, perhaps with one in front of it that
/// names the call. One more may be in the hands of the receiver, which has answered it, or has taken
/// its answer and makes the next call.
///
/// - A message longer than half a segment takes a buffer of its length, and a frame in a segment.
/// - The others lie in segments. One is left for the next when a frame does not fit, and that has at
///   most half of it: so every segment that is neither the receiver's nor the last one is at least
///   half full of messages in flight. (A type whose archives have one size lies closer than that.)
/// - Beside those there are the receiver's segment, the last one, the one that is to be added, and one
///   that the receiver has passed and not given back yet.
fn room<Ans: Message>(capacity: usize, calls: usize, max_len: usize) -> Option<usize> {
    let messages = calls.checked_add(1)?;
    let in_place = frame::max_in_place(capacity);
    // What names a call is as long as the root of an answer, whatever that is.
    let name_len = size_of::<ArchivedEnvelope<Ans>>();
    let frame = |length: usize| frame::size(length.min(in_place).max(frame::SPILL_PAYLOAD));
    let in_frames = messages.checked_mul(frame(max_len) + frame(name_len))?;
    let half = (capacity / 2 - frame::SLOT).max(frame::SLOT);
    let segments = in_frames.div_ceil(half).checked_add(4)?;
    let buffer = |length: usize| if length > in_place { length } else { 0 };
    let in_buffers = messages.checked_mul(buffer(max_len).checked_add(buffer(name_len))?)?;
    segments.checked_mul(capacity)?.checked_add(in_buffers)
}

impl<Req, Ans> fmt::Debug for Builder<Req, Ans> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("call::Builder")
            .field("calls_in_flight", &self.calls)
            .field("max_message_len", &self.max_len)
            .field("capacity", &self.capacity)
            .finish_non_exhaustive()
    }
}
