//! The calls that post and receive, by a port or by a half.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::task::Waker;
use std::time::Duration;

use loom_tests::tasks::Signal;
use message_port::{MessageRef, RecvError, RecvTimeoutError, TryRecvError};

use crate::ledger::{Arrival, Ledger};
use crate::program::Archive;
use crate::values::{Kind, Manner, Posted, Value};

/// How long a call with a timeout waits, where there is time.
pub(crate) const MOMENT: Duration = Duration::from_millis(1);

/// A waker that nobody waits for.
pub(crate) fn waker() -> Waker {
    Waker::from(Signal::new())
}

/// Calls what may panic as its script says, and tells whether it did not.
pub(crate) fn scripted<R>(call: impl FnOnce() -> R) -> Option<R> {
    catch_unwind(AssertUnwindSafe(call)).map_err(expect_scripted).ok()
}

fn expect_scripted(payload: Box<dyn Any + Send>) {
    if !payload.downcast_ref::<String>().is_some_and(|text| is_scripted(text)) {
        resume_unwind(payload);
    }
}

/// Whether a panic, or an error, is one that a script has asked for.
pub(crate) fn is_scripted(text: &str) -> bool {
    ["refused", "enough", "Fail(", "Panic("].iter().any(|start| text.starts_with(start))
}

/// Posts by way of a port or a half, whose calls have the same names; whether it was accepted.
macro_rules! post_by {
    ($poster:expr, $message:expr, $how:expr) => {{
        let message = $message;
        match $how {
            How::Try => $poster.try_post_message(message).is_ok(),
            How::Timeout => $poster.post_message_timeout(message, calls::MOMENT).is_ok(),
            How::Wait => $poster.post_message(message).is_ok(),
            How::Async(_) => block_on($poster.post_message_async(message)).is_ok(),
            How::Poll(_) => {
                let waker = calls::waker();
                let polled = $poster.poll_post_message(&mut Context::from_waker(&waker), message);
                matches!(polled, Poll::Ready(Ok(())))
            }
        }
    }};
}

/// Receives by way of a port or a half.
macro_rules! receive_by {
    ($receiver:expr, $how:expr) => {
        match $how {
            How::Try => $receiver.try_recv().map_err(Nothing::from),
            How::Timeout => $receiver.recv_timeout(calls::MOMENT).map_err(Nothing::from),
            How::Wait => $receiver.recv().map_err(Nothing::from),
            How::Async(_) => block_on($receiver.recv_async()).map_err(Nothing::from),
            How::Poll(_) => {
                let waker = calls::waker();
                match $receiver.poll_recv(&mut Context::from_waker(&waker)) {
                    Poll::Ready(received) => received.map_err(Nothing::from),
                    Poll::Pending => Err(Nothing::Empty),
                }
            }
        }
    };
}

pub(crate) use {post_by, receive_by};

/// Why nothing was received.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Nothing {
    /// Empty, timed out, or pending.
    Empty,
    /// Closed or disconnected.
    Ended,
    /// A message came that is no valid archive.
    Invalid,
}

macro_rules! as_nothing {
    ($error:ident $(, $empty:ident)?) => {
        impl From<$error> for Nothing {
            fn from(error: $error) -> Self {
                match error {
                    $($error::$empty => Self::Empty,)?
                    $error::Closed | $error::Disconnected => Self::Ended,
                    $error::InvalidArchive(_) => Self::Invalid,
                    other => unreachable!("{other}"),
                }
            }
        }
    };
}

as_nothing!(RecvError);
as_nothing!(TryRecvError, Empty);
as_nothing!(RecvTimeoutError, Timeout);

impl Ledger {
    /// Posts a value by a call that says whether it was accepted.
    pub(crate) fn post<Out: Posted>(&self, value: &Value, post: impl FnOnce(&Out) -> bool) {
        let serial = self.offer(*value);
        let message = Out::make(value, serial as u64);
        let accepted = scripted(|| post(&message)).unwrap_or(false);
        self.settle(serial, accepted.then(|| message.writes().len().saturating_sub(1)));
    }

    /// Posts many values by a call that says how many were accepted.
    pub(crate) fn post_batch<Out: Posted>(
        &self,
        values: &[Value],
        post: impl FnOnce(&[Out]) -> usize,
    ) {
        let honest = |value: &Value| match value.manner {
            // It would not tell how many were accepted before.
            Manner::Panic(_) => Value { manner: Manner::Honest, ..*value },
            _ => *value,
        };
        let offer = |value: &Value| {
            let serial = self.offer(honest(value));
            (serial, Out::make(&honest(value), serial as u64))
        };
        let (serials, messages): (Vec<_>, Vec<_>) = values.iter().map(offer).unzip();
        let accepted = post(&messages);
        for (index, (serial, message)) in serials.into_iter().zip(&messages).enumerate() {
            let write = message.writes().len().saturating_sub(1);
            self.settle(serial, (index < accepted).then_some(write));
        }
    }

    /// Posts an archive as it is, by a call that says whether it was accepted.
    pub(crate) fn post_archived<Out: Posted>(
        &self,
        archive: &Archive,
        kind: Kind,
        post: impl FnOnce(&[u8]) -> bool,
    ) {
        let bytes = Out::make(&archive.value, 0).archive();
        let bytes = archive.damage.to(bytes);
        let length = kind.one_size().unwrap_or(bytes.len());
        let serial = self.offer_archive(Arrival { content: Out::read(&bytes), bytes: length });
        self.settle(serial, post(&bytes).then_some(0));
    }

    /// Notes a message that is in hand.
    pub(crate) fn take<In: Posted>(&self, message: &MessageRef<'_, In>) {
        self.deliver(Some(In::content(message)), Some(message.as_bytes().len()));
    }
}
