//! What a caller gets.

use std::fmt;
use std::ops::Deref;

use super::envelope::{ArchivedEnvelope, Envelope};
use crate::archive::Message;
use crate::error::DeserializeError;
use crate::half::MessageRef;
use rkyv::api::high::HighDeserializer;
use rkyv::{Archived, Deserialize};

/// The answer to a call, read in place.
///
/// It derefs to the archived form of the answer. This lies where the server wrote it, in the ring or
/// in the buffer that a large answer travelled in, and dropping the reply gives those bytes back.
/// An answer that arrived while the client waited for another one was copied out of the ring once, so
/// that the other one could be read; its reply reads that copy, and
/// [`is_in_place`](Self::is_in_place) says so.
///
/// The client can make the next call when the reply is dropped.
///
/// # Examples
///
/// ```
/// use message_port::call;
/// use std::convert::Infallible;
/// use std::thread;
///
/// let (mut client, mut server) = call::channel::<String, Vec<String>>();
/// thread::spawn(move || {
///     server.serve(|text| Ok::<_, Infallible>(text.split(' ').map(str::to_owned).collect()))
/// });
/// let reply = client.call(&"two words".to_owned())?;
/// assert_eq!(reply[1], "words");
/// assert_eq!(reply.deserialize()?, ["two", "words"]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use = "a reply that is dropped gives its bytes back"]
pub struct Reply<'a, Ans: Message>(Source<'a, Ans>);

enum Source<'a, Ans: Message> {
    InPlace(MessageRef<'a, Envelope<Ans>>),
    Kept(&'a ArchivedEnvelope<Ans>),
}

impl<'a, Ans: Message> Reply<'a, Ans> {
    /// `message` is an answer, as whoever looked at it has seen.
    #[inline(always)]
    pub(super) fn in_place(message: MessageRef<'a, Envelope<Ans>>) -> Self {
        Self(Source::InPlace(message))
    }

    /// The same for one that was kept.
    pub(super) fn kept(message: &'a ArchivedEnvelope<Ans>) -> Self {
        Self(Source::Kept(message))
    }

    /// Whether the answer is read where the server wrote it.
    ///
    /// # Examples
    ///
    /// ```
    /// use message_port::call;
    /// use std::convert::Infallible;
    /// use std::thread;
    ///
    /// let (mut client, mut server) = call::channel::<u64, u64>();
    /// thread::spawn(move || server.serve(|n| Ok::<_, Infallible>(n.to_native() * 2)));
    /// let (first, second) = (client.start(&1)?, client.start(&2)?);
    /// assert!(second.wait(&mut client)?.is_in_place());
    /// assert!(!first.wait(&mut client)?.is_in_place()); // it made way for the second one
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn is_in_place(&self) -> bool {
        matches!(self.0, Source::InPlace(_))
    }

    /// Makes an owned value of the answer; see [`MessageRef::deserialize`].
    ///
    /// # Errors
    ///
    /// Fails if the type's own `Deserialize` fails.
    ///
    /// # Examples
    ///
    /// ```
    /// use message_port::call;
    ///
    /// let (mut client, mut server) = call::channel::<u64, Vec<u32>>();
    /// let call = client.start(&3)?;
    /// server.recv()?.answer(vec![1, 2, 3])?;
    /// assert_eq!(call.wait(&mut client)?.deserialize()?, [1, 2, 3]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn deserialize(&self) -> Result<Ans, DeserializeError>
    where
        Archived<Ans>: Deserialize<Ans, HighDeserializer<DeserializeError>>,
    {
        rkyv::deserialize::<Ans, DeserializeError>(&**self)
    }
}

impl<Ans: Message> Deref for Reply<'_, Ans> {
    type Target = Archived<Ans>;

    #[inline]
    fn deref(&self) -> &Archived<Ans> {
        let envelope = match &self.0 {
            Source::InPlace(message) => &**message,
            Source::Kept(envelope) => envelope,
        };
        match envelope {
            ArchivedEnvelope::Answer(answer) => answer,
            _ => unreachable!("a reply is an answer"),
        }
    }
}

impl<Ans: Message> fmt::Debug for Reply<'_, Ans>
where
    Archived<Ans>: fmt::Debug,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Reply").field(&**self).finish()
    }
}
