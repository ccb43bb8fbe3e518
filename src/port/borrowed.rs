//! Posting values of other types that have the same archive.

use std::time::{Duration, Instant};

use super::MessagePort;
use crate::archive::Message;
use crate::error::{PostError, PostTimeoutError, TryPostError};
use crate::half::PostAs;
use crate::link::wait::Deadline;

impl<Out: Message, In: Message> MessagePort<Out, In> {
    /// Posts a value of another type whose archive is that of an `Out`, waiting for room if there
    /// is none: a `str` where the port posts `String`s, a slice where it posts `Vec`s, a struct
    /// with borrowed fields. Makes no owned value of it. [`PostAs`] says what can be posted.
    ///
    /// The archive is written in place, as by [`post_message`](Self::post_message), and the
    /// receiver checks it. In two cases it is written aside, checked here, and copied:
    ///
    /// - if the peer [trusts archives](crate::Builder::trust_archives), a promise that covers only
    ///   archives that an `Out` makes of itself;
    /// - if all archives of `Out` have one size and `V` does not promise that of its own.
    ///
    /// The memory for this is reused, and up to 16 KiB of it stay.
    ///
    /// # Errors
    ///
    /// Those of [`post_message`](Self::post_message). In the two cases above also `DataClone` if
    /// the value wrote an archive that is not valid; in all others the receiver gets
    /// `InvalidArchive`.
    ///
    /// # Panics
    ///
    /// As [`post_message`](Self::post_message).
    ///
    /// # Examples
    ///
    /// ```
    /// use message_port::MessageChannel;
    /// use message_port::rkyv::rancor::{Fallible, Source};
    /// use message_port::rkyv::ser::{Allocator, Writer};
    /// use message_port::rkyv::with::{AsString, AsVec};
    /// use message_port::rkyv::{self, Archive, Serialize};
    ///
    /// #[derive(Archive, Serialize)]
    /// #[rkyv(crate = rkyv)]
    /// struct Order {
    ///     item: String,
    ///     prices: Vec<u32>,
    /// }
    ///
    /// // The bounds are what serialising a string and a vector takes; fields with a lifetime and a
    /// // `with` leave it to the type to say so.
    /// #[derive(Archive, Serialize)]
    /// #[rkyv(crate = rkyv, as = ArchivedOrder)]
    /// #[rkyv(serialize_bounds(__S: Writer + Allocator, __S::Error: Source))]
    /// struct BorrowedOrder<'a> {
    ///     #[rkyv(with = AsString, omit_bounds)]
    ///     item: &'a str,
    ///     #[rkyv(with = AsVec, omit_bounds)]
    ///     prices: &'a [u32],
    /// }
    ///
    /// let MessageChannel { mut port1, mut port2 } = MessageChannel::<Order>::new();
    /// {
    ///     let line = "tea 3 4".to_owned(); // the port outlives it
    ///     port1.post_message_as(&BorrowedOrder { item: &line[..3], prices: &[3, 4] })?;
    /// }
    /// let order = port2.recv()?;
    /// assert_eq!((order.item.as_str(), order.prices.len()), ("tea", 2));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn post_message_as<V: PostAs<Out> + ?Sized>(&mut self, value: &V) -> Result<(), PostError> {
        self.sender.post_as(value, self.receiver.standing())
    }

    /// As [`post_message_as`](Self::post_message_as), if there is room now. Never waits.
    ///
    /// # Errors
    ///
    /// `Full` if there is no room now; otherwise those of [`post_message_as`](Self::post_message_as).
    ///
    /// # Panics
    ///
    /// As [`post_message`](Self::post_message).
    ///
    /// # Examples
    ///
    /// ```
    /// use message_port::MessageChannel;
    ///
    /// let MessageChannel { mut port1, mut port2 } = MessageChannel::<String>::new();
    /// port1.try_post_message_as("text")?;
    /// assert_eq!(port2.recv()?.as_str(), "text");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn try_post_message_as<V: PostAs<Out> + ?Sized>(
        &mut self,
        value: &V,
    ) -> Result<(), TryPostError> {
        self.sender.try_post_message_as(value)
    }

    /// As [`post_message_as`](Self::post_message_as), waiting for room at most `timeout`; any
    /// `Duration` will do.
    ///
    /// # Errors
    ///
    /// `Timeout` if there was no room in time; otherwise those of
    /// [`post_message_as`](Self::post_message_as).
    ///
    /// # Panics
    ///
    /// As [`post_message`](Self::post_message).
    ///
    /// # Examples
    ///
    /// ```
    /// use message_port::MessageChannel;
    /// use std::time::{Duration, Instant};
    ///
    /// let MessageChannel { mut port1, mut port2 } = MessageChannel::<String>::new();
    /// port1.post_message_as_timeout("text", Duration::from_secs(1))?;
    /// assert_eq!(port2.recv()?.as_str(), "text");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn post_message_as_timeout<V: PostAs<Out> + ?Sized>(
        &mut self,
        value: &V,
        timeout: Duration,
    ) -> Result<(), PostTimeoutError> {
        self.sender.post_as_by(value, Deadline::Within(timeout), self.receiver.standing())
    }

    /// As [`post_message_as`](Self::post_message_as), waiting for room until `deadline`, which may
    /// have passed.
    ///
    /// # Errors
    ///
    /// `Timeout` if there was no room in time; otherwise those of
    /// [`post_message_as`](Self::post_message_as).
    ///
    /// # Panics
    ///
    /// As [`post_message`](Self::post_message).
    ///
    /// # Examples
    ///
    /// ```
    /// use message_port::MessageChannel;
    /// use std::time::Instant;
    ///
    /// let MessageChannel { mut port1, mut port2 } = MessageChannel::<String>::new();
    /// port1.post_message_as_deadline("text", Instant::now())?; // there is room
    /// assert_eq!(port2.recv()?.as_str(), "text");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn post_message_as_deadline<V: PostAs<Out> + ?Sized>(
        &mut self,
        value: &V,
        deadline: Instant,
    ) -> Result<(), PostTimeoutError> {
        self.sender.post_as_by(value, Deadline::At(deadline), self.receiver.standing())
    }

    /// As [`post_message_as`](Self::post_message_as), in a task. Dropping the future posts nothing.
    ///
    /// # Errors
    ///
    /// Those of [`post_message_as`](Self::post_message_as).
    ///
    /// # Panics
    ///
    /// As [`post_message`](Self::post_message).
    ///
    /// # Examples
    ///
    /// ```
    /// use message_port::MessageChannel;
    ///
    /// # futures_lite::future::block_on(async {
    /// let MessageChannel { mut port1, mut port2 } = MessageChannel::<String>::new();
    /// port1.post_message_as_async("text").await?;
    /// assert_eq!(port2.recv_async().await?.as_str(), "text");
    /// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
    /// ```
    pub async fn post_message_as_async<V: PostAs<Out> + ?Sized>(
        &mut self,
        value: &V,
    ) -> Result<(), PostError> {
        self.sender.post_as_async(value, self.receiver.standing()).await
    }

    /// As [`post_message_as`](Self::post_message_as), in a task, waiting for room until `end` is
    /// ready. Dropping the future posts nothing. What the peer may do meanwhile, see
    /// [`post_message_async_until`](Self::post_message_async_until).
    ///
    /// # Errors
    ///
    /// `Timeout` if `end` was ready before there was room; otherwise those of
    /// [`post_message_as`](Self::post_message_as).
    ///
    /// # Panics
    ///
    /// As [`post_message`](Self::post_message).
    ///
    /// # Examples
    ///
    /// ```
    /// use message_port::MessageChannel;
    /// use std::future::ready;
    ///
    /// # futures_lite::future::block_on(async {
    /// let MessageChannel { mut port1, port2: _idle } = MessageChannel::<String>::with_capacity(64);
    /// while port1.try_post_message_as("text").is_ok() {}
    /// let posted = port1.post_message_as_async_until("text", ready(())).await;
    /// assert!(posted.unwrap_err().is_timeout());
    /// # });
    /// ```
    pub async fn post_message_as_async_until<V: PostAs<Out> + ?Sized>(
        &mut self,
        value: &V,
        end: impl Future,
    ) -> Result<(), PostTimeoutError> {
        self.sender.post_as_async_until(value, end, self.receiver.standing()).await
    }
}
