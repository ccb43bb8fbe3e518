//! Posting values of other types that have the same archive.

use std::future::poll_fn;
use std::task::{Poll, ready};
use std::time::{Duration, Instant};

use rkyv::{Archive, Archived};

use super::tasks::Posting;
use super::{Sender, post_error, post_timeout_error, try_post_error};
use crate::archive::{self, Message};
use crate::error::{PostError, PostTimeoutError, TryPostError};
use crate::half::PostAs;
use crate::half::outgoing::{Manner, Refusal, Standing};
use crate::link::wait::Deadline;

/// A post under way, for the value to be posted; see [`PostAs`].
#[derive(Debug)]
pub struct Borrowed<'a, Out> {
    sender: &'a mut Sender<Out>,
    deadline: Deadline<'a>,
    standing: Standing,
}

/// The outcome of a post.
#[derive(Debug)]
pub struct Verdict(Result<(), Refusal>);

impl<Out: Message> Borrowed<'_, Out> {
    #[inline]
    pub(crate) fn post<V>(self, value: &V) -> Verdict
    where
        V: Message + Archive<Archived = Archived<Out>>,
    {
        let Self { sender, deadline, standing } = self;
        // The caller of `trust_archives` vouches for the archives of an `Out`, not for those that
        // other types write; so these are checked before they are posted.
        if sender.trusted || !const { archive::lies_alike::<V, Out>() } {
            return Verdict(sender.post_draft(value, deadline, standing));
        }
        let (layout, length) = const { (archive::layout::<Out>(), archive::length::<V>()) };
        let Sender { outgoing, scratch, .. } = sender;
        let manner = || Manner { deadline, standing, batched: false };
        Verdict(
            outgoing
                .post(layout, length, false, manner, |place| archive::write(value, place, scratch)),
        )
    }
}

impl<Out: Message> Sender<Out> {
    /// Writes the archive aside, checks it as an archive of an `Out`, and posts it.
    #[cold]
    fn post_draft<V: Message>(
        &mut self,
        value: &V,
        deadline: Deadline<'_>,
        standing: Standing,
    ) -> Result<(), Refusal> {
        let max = self.outgoing.max_message();
        match self.scratch.draft(value, max).map_err(Refusal::DataClone)? {
            Err(needed) => Err(Refusal::TooLarge { needed, max }),
            Ok(draft) => {
                let posted = self.post_checked(draft.as_bytes(), deadline, standing);
                self.scratch.keep(draft);
                posted
            }
        }
    }

    fn post_borrowed<V: PostAs<Out> + ?Sized>(
        &mut self,
        value: &V,
        deadline: Deadline<'_>,
        standing: Standing,
    ) -> Result<(), Refusal> {
        value.post_to(Borrowed { sender: self, deadline, standing }).0
    }

    /// [`post_message_as`](Self::post_message_as); `standing` as in [`Manner`].
    pub(crate) fn post_as<V: PostAs<Out> + ?Sized>(
        &mut self,
        value: &V,
        standing: Standing,
    ) -> Result<(), PostError> {
        self.post_borrowed(value, Deadline::Never, standing).map_err(post_error)
    }

    /// [`post_message_as_timeout`](Self::post_message_as_timeout); `standing` as in [`Manner`].
    pub(crate) fn post_as_by<V: PostAs<Out> + ?Sized>(
        &mut self,
        value: &V,
        deadline: Deadline<'_>,
        standing: Standing,
    ) -> Result<(), PostTimeoutError> {
        self.post_borrowed(value, deadline, standing).map_err(post_timeout_error)
    }

    /// [`post_message_as_async`](Self::post_message_as_async); `standing` as in [`Manner`].
    pub(crate) async fn post_as_async<V: PostAs<Out> + ?Sized>(
        &mut self,
        value: &V,
        standing: Standing,
    ) -> Result<(), PostError> {
        let posting = Posting(self);
        poll_fn(|cx| {
            let sender = &mut *posting.0;
            ready!(sender.budget.spend(cx));
            let polled = match sender.post_borrowed(value, Deadline::Task(cx.waker()), standing) {
                Err(Refusal::TimedOut) => Poll::Pending,
                posted => Poll::Ready(posted.map_err(post_error)),
            };
            sender.budget.settle(polled)
        })
        .await
    }

    /// [`post_message_as_async_until`](Self::post_message_as_async_until); `standing` as in
    /// [`Manner`].
    pub(crate) async fn post_as_async_until<V: PostAs<Out> + ?Sized>(
        &mut self,
        value: &V,
        end: impl Future,
        standing: Standing,
    ) -> Result<(), PostTimeoutError> {
        self.post_until(end, |sender, deadline| sender.post_borrowed(value, deadline, standing))
            .await
    }

    /// Posts a value whose archive is that of an `Out`, waiting for room if there is none; see
    /// [`MessagePort::post_message_as`](crate::MessagePort::post_message_as).
    ///
    /// # Errors
    ///
    /// Those of [`PostError`].
    ///
    /// # Examples
    ///
    /// ```
    /// use message_port::MessageChannel;
    ///
    /// let MessageChannel { mut port1, mut port2 } = MessageChannel::<String>::new();
    /// port1.split_mut().0.post_message_as("no `String` is made")?;
    /// assert_eq!(port2.recv()?.as_str(), "no `String` is made");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn post_message_as<V: PostAs<Out> + ?Sized>(&mut self, value: &V) -> Result<(), PostError> {
        self.post_as(value, self.standing())
    }

    /// Posts a value whose archive is that of an `Out`, if there is room now; see
    /// [`MessagePort::try_post_message_as`](crate::MessagePort::try_post_message_as).
    ///
    /// # Errors
    ///
    /// Those of [`TryPostError`].
    ///
    /// # Examples
    ///
    /// ```
    /// use message_port::MessageChannel;
    ///
    /// let MessageChannel { mut port1, mut port2 } = MessageChannel::<Vec<u8>>::new();
    /// port1.split_mut().0.try_post_message_as(&b"bytes"[..])?;
    /// assert_eq!(port2.recv()?.as_slice(), b"bytes");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn try_post_message_as<V: PostAs<Out> + ?Sized>(
        &mut self,
        value: &V,
    ) -> Result<(), TryPostError> {
        self.post_borrowed(value, Deadline::Now, Standing::Apart).map_err(try_post_error)
    }

    /// Posts a value whose archive is that of an `Out`, waiting for room at most `timeout`; see
    /// [`MessagePort::post_message_as_timeout`](crate::MessagePort::post_message_as_timeout).
    ///
    /// # Errors
    ///
    /// Those of [`PostTimeoutError`].
    ///
    /// # Examples
    ///
    /// ```
    /// use message_port::MessageChannel;
    /// use std::time::Duration;
    ///
    /// let MessageChannel { mut port1, mut port2 } = MessageChannel::<String>::new();
    /// port1.split_mut().0.post_message_as_timeout("text", Duration::from_secs(1))?;
    /// assert_eq!(port2.recv()?.as_str(), "text");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn post_message_as_timeout<V: PostAs<Out> + ?Sized>(
        &mut self,
        value: &V,
        timeout: Duration,
    ) -> Result<(), PostTimeoutError> {
        self.post_as_by(value, Deadline::Within(timeout), self.standing())
    }

    /// Posts a value whose archive is that of an `Out`, waiting for room until `deadline`; see
    /// [`MessagePort::post_message_as_deadline`](crate::MessagePort::post_message_as_deadline).
    ///
    /// # Errors
    ///
    /// Those of [`PostTimeoutError`].
    ///
    /// # Examples
    ///
    /// ```
    /// use message_port::MessageChannel;
    /// use std::time::Instant;
    ///
    /// let MessageChannel { mut port1, mut port2 } = MessageChannel::<String>::new();
    /// port1.split_mut().0.post_message_as_deadline("text", Instant::now())?;
    /// assert_eq!(port2.recv()?.as_str(), "text");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn post_message_as_deadline<V: PostAs<Out> + ?Sized>(
        &mut self,
        value: &V,
        deadline: Instant,
    ) -> Result<(), PostTimeoutError> {
        self.post_as_by(value, Deadline::At(deadline), self.standing())
    }

    /// Posts a value whose archive is that of an `Out`, in a task; see
    /// [`MessagePort::post_message_as_async`](crate::MessagePort::post_message_as_async).
    ///
    /// # Errors
    ///
    /// Those of [`PostError`].
    ///
    /// # Examples
    ///
    /// ```
    /// use message_port::MessageChannel;
    ///
    /// # futures_lite::future::block_on(async {
    /// let MessageChannel { mut port1, mut port2 } = MessageChannel::<String>::new();
    /// port1.split_mut().0.post_message_as_async("text").await?;
    /// assert_eq!(port2.recv_async().await?.as_str(), "text");
    /// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
    /// ```
    pub async fn post_message_as_async<V: PostAs<Out> + ?Sized>(
        &mut self,
        value: &V,
    ) -> Result<(), PostError> {
        self.post_as_async(value, self.standing()).await
    }

    /// Posts a value whose archive is that of an `Out`, in a task, waiting for room until `end` is
    /// ready; see
    /// [`MessagePort::post_message_as_async_until`](crate::MessagePort::post_message_as_async_until).
    ///
    /// # Errors
    ///
    /// Those of [`PostTimeoutError`].
    ///
    /// # Examples
    ///
    /// ```
    /// use message_port::MessageChannel;
    /// use std::future::ready;
    ///
    /// # futures_lite::future::block_on(async {
    /// let MessageChannel { mut port1, mut port2 } = MessageChannel::<String>::new();
    /// port1.split_mut().0.post_message_as_async_until("text", ready(())).await?; // there is room
    /// assert_eq!(port2.recv_async().await?.as_str(), "text");
    /// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
    /// ```
    pub async fn post_message_as_async_until<V: PostAs<Out> + ?Sized>(
        &mut self,
        value: &V,
        end: impl Future,
    ) -> Result<(), PostTimeoutError> {
        self.post_as_async_until(value, end, self.standing()).await
    }
}
