//! The events that handlers receive.

use std::fmt;

use rkyv::Archived;

use crate::archive::{Message, OwnedMessage};
use crate::error::{BoxError, DeserializeError, HandlerError, PostError};
use crate::half::{MessageRef, Sender};

/// A message, and the port that it arrived at.
///
/// # Examples
///
/// ```
/// use message_port::MessageChannel;
///
/// let MessageChannel { mut port1, mut port2 } = MessageChannel::<u64>::new();
/// port2.set_onmessage(|event| {
///     let doubled = event.deserialize()? * 2;
///     event.target().post_message(&doubled)?;
///     Ok::<_, Box<dyn std::error::Error + Send + Sync>>(())
/// });
/// port1.post_message(&21)?;
/// port2.dispatch()?;
/// assert_eq!(*port1.recv()?, 42);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct MessageEvent<'a, In, Out> {
    message: &'a MessageRef<'a, In>,
    target: &'a mut Sender<Out>,
    /// Whether the handler has asked for the target.
    is_given: bool,
}

impl<'a, In, Out> MessageEvent<'a, In, Out> {
    pub(crate) fn new(message: &'a MessageRef<'a, In>, target: &'a mut Sender<Out>) -> Self {
        Self { message, target, is_given: false }
    }

    /// The handler has returned or panicked.
    #[inline]
    pub(crate) fn finish(self) {
        if self.is_given {
            self.message.set_target(0);
        }
    }
}

impl<'a, In: Message, Out> MessageEvent<'a, In, Out> {
    /// The message, in place. You may keep it while you use [`target`](Self::target).
    ///
    /// # Examples
    ///
    /// ```
    /// use message_port::MessageChannel;
    ///
    /// let MessageChannel { mut port1, mut port2 } = MessageChannel::<String>::new();
    /// port2.set_onmessage(|event| assert_eq!(event.data().as_str(), "hello"));
    /// port1.post_message(&"hello".to_owned())?;
    /// assert_eq!(port2.dispatch()?, 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn data(&self) -> &'a Archived<In> {
        self.message
    }

    /// Makes an owned value of the message; see [`MessageRef::deserialize`], which also says what
    /// it allocates and warns of archives with shared pointers from elsewhere.
    ///
    /// # Errors
    ///
    /// Fails if the type's own `Deserialize` fails.
    ///
    /// # Examples
    ///
    /// ```
    /// use message_port::{DeserializeError, MessageChannel};
    ///
    /// let MessageChannel { mut port1, mut port2 } = MessageChannel::<String>::new();
    /// port2.set_onmessage(|event| {
    ///     let text: String = event.deserialize()?;
    ///     assert_eq!(text, "hello");
    ///     Ok::<_, DeserializeError>(())
    /// });
    /// port1.post_message(&"hello".to_owned())?;
    /// assert_eq!(port2.dispatch()?, 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn deserialize(&self) -> Result<In, DeserializeError>
    where
        In: OwnedMessage,
    {
        self.message.deserialize()
    }

    /// The sending half of the port that the message arrived at: to reply, and to close.
    ///
    /// Posts through it follow what this port posted before. One that waits for room keeps the
    /// handler waiting, and with it this port's receiving side. So it counts as a post of the whole
    /// port, and may be refused with `WouldDeadlock`. If the handler swaps this half for another one and
    /// takes it away, it counts as the half of a split port.
    ///
    /// # Examples
    ///
    /// ```
    /// use message_port::MessageChannel;
    ///
    /// let MessageChannel { mut port1, mut port2 } = MessageChannel::<u64>::new();
    /// port2.set_onmessage(|event| event.target().close());
    /// port1.post_message(&7)?;
    /// port2.dispatch()?;
    /// assert!(port1.is_closed());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn target(&mut self) -> &mut Sender<Out> {
        self.is_given = true;
        self.message.set_target(self.target.address());
        self.target
    }
}

impl<In: Message, Out: Message> MessageEvent<'_, In, Out> {
    /// Posts an answer from the port that the message arrived at:
    /// [`target`](Self::target)`().`[`post_message`](Sender::post_message), with its errors. Waits
    /// for room if there is none.
    ///
    /// # Errors
    ///
    /// Those of [`PostError`]. `WouldDeadlock` if the peer waits for room too.
    ///
    /// # Panics
    ///
    /// Only if the value's own `Serialize` panics.
    ///
    /// # Examples
    ///
    /// ```
    /// use message_port::MessageChannel;
    ///
    /// let MessageChannel { mut port1, mut port2 } = MessageChannel::<u64>::new();
    /// port2.set_onmessage(|event| event.reply(&(*event.data() * 2)));
    /// port1.post_message(&21)?;
    /// port2.dispatch()?;
    /// assert_eq!(*port1.recv()?, 42);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn reply(&mut self, answer: &Out) -> Result<(), PostError> {
        self.target().post_message(answer)
    }
}

impl<In: Message, Out> fmt::Debug for MessageEvent<'_, In, Out>
where
    Archived<In>: fmt::Debug,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MessageEvent").field("data", self.data()).finish_non_exhaustive()
    }
}

/// A message that could not be handled.
///
/// Source: the HTML standard fires `messageerror` when a message cannot be deserialised; Workers
/// documents it for handlers that fail. Here it covers both.
///
/// # Examples
///
/// ```
/// use message_port::MessageChannel;
///
/// let MessageChannel { mut port1, mut port2 } = MessageChannel::<u64>::new();
/// port2.set_onmessage(|_| Err("not today"));
/// port2.set_onmessageerror(|event| {
///     assert_eq!(event.error().to_string(), "the message handler failed: not today");
///     assert_eq!(*event.data().unwrap(), 7);
/// });
/// port1.post_message(&7)?;
/// port2.dispatch()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct MessageErrorEvent<'a, In> {
    error: &'a HandlerError,
    message: Option<&'a MessageRef<'a, In>>,
}

impl<'a, In> MessageErrorEvent<'a, In> {
    pub(crate) fn new(error: &'a HandlerError, message: Option<&'a MessageRef<'a, In>>) -> Self {
        Self { error, message }
    }

    /// Why the message could not be handled.
    ///
    /// # Examples
    ///
    /// ```
    /// use message_port::{HandlerError, MessageChannel};
    ///
    /// let MessageChannel { mut port1, mut port2 } = MessageChannel::<u64>::new();
    /// port2.set_onmessage(|_| panic!("boom"));
    /// port2.set_onmessageerror(|event| {
    ///     assert!(matches!(event.error(), HandlerError::Panicked(_)));
    /// });
    /// port1.post_message(&7)?;
    /// port2.dispatch()?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn error(&self) -> &HandlerError {
        self.error
    }

    /// The message, in place, or `None` if it is no valid archive.
    ///
    /// # Examples
    ///
    /// ```
    /// use message_port::MessageChannel;
    ///
    /// let MessageChannel { mut port1, mut port2 } = MessageChannel::<u64>::new();
    /// port2.set_onmessage(|_| Err("not today"));
    /// port2.set_onmessageerror(|event| assert!(event.data().is_some_and(|n| *n == 7)));
    /// port1.post_message(&7)?;
    /// port2.dispatch()?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn data(&self) -> Option<&Archived<In>>
    where
        In: Message,
    {
        self.message.map(|message| &**message)
    }
}

impl<In> fmt::Debug for MessageErrorEvent<'_, In> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MessageErrorEvent").field("error", self.error).finish_non_exhaustive()
    }
}

/// What a handler may return: nothing, or a `Result` without a value.
///
/// # Examples
///
/// ```
/// use message_port::MessageChannel;
///
/// let MessageChannel { mut port1, .. } = MessageChannel::<u64>::new();
/// port1.set_onmessage(|event| println!("{}", event.data()));
/// port1.set_onmessage(|event| if *event.data() == 7 { Ok(()) } else { Err("only sevens") });
/// ```
///
/// The compiler cannot infer what `?` turns errors into: a handler with `?` states that it returns
/// [`Handled`].
pub trait HandlerResult: sealed::Sealed {
    #[doc(hidden)]
    fn into_result(self) -> Handled;
}

/// The return type of a handler that uses `?`.
///
/// # Examples
///
/// ```
/// use message_port::{Handled, MessageChannel};
///
/// let MessageChannel { mut port1, mut port2 } = MessageChannel::<String, u64>::new();
/// port2.set_onmessage(|event| -> Handled {
///     let number: u64 = event.data().parse()?;
///     event.target().post_message(&number)?;
///     Ok(())
/// });
/// port2.set_onmessageerror(|event| println!("{}", event.error()));
/// port1.post_message(&"7".to_owned())?;
/// port2.dispatch()?;
/// assert_eq!(*port1.recv()?, 7);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub type Handled = Result<(), BoxError>;

mod sealed {
    #[allow(unreachable_pub, reason = "it keeps others from implementing the public trait")]
    pub trait Sealed {}
    impl Sealed for () {}
    impl Sealed for super::Never {}
    impl<E> Sealed for Result<(), E> {}
}

/// The type of a handler that never returns, such as one that always panics: `!`, by a name that
/// stable Rust has for it.
type Never = <fn() -> ! as Returns>::Type;

#[doc(hidden)]
#[allow(unreachable_pub, reason = "it helps to name a type in a public impl")]
pub trait Returns {
    type Type;
}

impl<R> Returns for fn() -> R {
    type Type = R;
}

impl HandlerResult for Never {
    fn into_result(self) -> Handled {
        self
    }
}

impl HandlerResult for () {
    #[inline]
    fn into_result(self) -> Handled {
        Ok(())
    }
}

impl<E: Into<BoxError>> HandlerResult for Result<(), E> {
    #[inline]
    fn into_result(self) -> Handled {
        self.map_err(Into::into)
    }
}
