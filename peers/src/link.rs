//! What a measurement sees of a peer: ends that send and receive.

use crate::payload::{Payload, Reading};

/// The end that sends. A call returns when the message is on its way; how it waits for room is
/// the business of the link.
pub(crate) trait SendEnd<T: Payload>: Send + 'static {
    /// Sends an independent copy.
    fn send(&mut self, message: &T);
}

/// The end that receives. How a call waits for a message is the business of the link.
pub(crate) trait ReceiveEnd<T: Payload>: Send + 'static {
    /// Receives a message and reads it.
    fn receive<R: Reading>(&mut self) -> u64;
}

/// A way from one thread to another.
pub(crate) trait Link<T: Payload> {
    type Sender: SendEnd<T>;
    type Receiver: ReceiveEnd<T>;

    fn open() -> (Self::Sender, Self::Receiver);
}

/// A way between two threads, with two equal ends.
pub(crate) trait Duplex<T: Payload> {
    type End: SendEnd<T> + ReceiveEnd<T>;

    fn open() -> (Self::End, Self::End);
}

/// A duplex made of two links.
pub(crate) struct Two<L>(L);

/// One end of it.
pub(crate) struct Crossed<S, R>(S, R);

impl<T: Payload, L: Link<T>> Duplex<T> for Two<L> {
    type End = Crossed<L::Sender, L::Receiver>;

    fn open() -> (Self::End, Self::End) {
        let ((to_far, from_near), (to_near, from_far)) = (L::open(), L::open());
        (Crossed(to_far, from_far), Crossed(to_near, from_near))
    }
}

impl<T: Payload, S: SendEnd<T>, R: Send + 'static> SendEnd<T> for Crossed<S, R> {
    #[inline(always)]
    fn send(&mut self, message: &T) {
        self.0.send(message);
    }
}

impl<T: Payload, S: Send + 'static, R: ReceiveEnd<T>> ReceiveEnd<T> for Crossed<S, R> {
    #[inline(always)]
    fn receive<Q: Reading>(&mut self) -> u64 {
        self.1.receive::<Q>()
    }
}

/// An end of a duplex in a task.
pub(crate) trait TaskEnd: Send + 'static {
    fn send(&mut self, message: u64) -> impl Future<Output = ()> + Send;
    fn receive(&mut self) -> impl Future<Output = u64> + Send;
}

/// A way between two tasks.
pub(crate) trait TaskDuplex {
    type End: TaskEnd;

    fn open() -> (Self::End, Self::End);
}

/// A way that takes and gives several messages at once.
pub(crate) trait BatchLink<T: Payload> {
    type Sender: BatchSendEnd<T>;
    type Receiver: BatchReceiveEnd<T>;

    fn open() -> (Self::Sender, Self::Receiver);
}

pub(crate) trait BatchSendEnd<T: Payload>: Send + 'static {
    /// Sends copies of all of them.
    fn send_all(&mut self, messages: &[T]);
}

pub(crate) trait BatchReceiveEnd<T: Payload>: Send + 'static {
    /// Waits for messages, reads at most `limit` with `f`, and returns how many that were.
    fn receive_some<R: Reading>(&mut self, limit: usize, f: impl FnMut(u64)) -> usize;
}
