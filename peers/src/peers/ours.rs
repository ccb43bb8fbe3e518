//! message-port itself.

use std::hint::spin_loop;
use std::marker::PhantomData;
use std::sync::OnceLock;

use message_port::{Builder, MessageChannel, MessagePort, WaitStrategy};

use crate::link::{
    BatchLink, BatchReceiveEnd, BatchSendEnd, Duplex, Link, ReceiveEnd, SendEnd, TaskDuplex,
    TaskEnd,
};
use crate::payload::{Payload, Reading};

/// How a channel is built.
pub(crate) trait Settings: Send + 'static {
    fn build<T: Payload>(builder: Builder<T, T>) -> Builder<T, T>;
}

/// As they are.
pub(crate) struct Default;

impl Settings for Default {
    fn build<T: Payload>(builder: Builder<T, T>) -> Builder<T, T> {
        builder
    }
}

/// Calls that wait do so by spinning.
pub(crate) struct Spin;

impl Settings for Spin {
    fn build<T: Payload>(builder: Builder<T, T>) -> Builder<T, T> {
        builder.wait_strategy(WaitStrategy::Spin)
    }
}

/// Archives are not checked.
pub(crate) struct Trusted;

impl Settings for Trusted {
    fn build<T: Payload>(builder: Builder<T, T>) -> Builder<T, T> {
        // SAFETY: the payloads derive rkyv's traits, and nothing in them is aligned to more than
        // 8 bytes.
        unsafe { builder.trust_archives() }
    }
}

pub(crate) fn channel<T: Payload, S: Settings>() -> MessageChannel<T> {
    let builder = S::build(MessageChannel::builder().capacity(T::RING));
    builder.build().expect("a valid capacity")
}

/// Numbers for which one direction of a channel has room, as it is built by default: counted.
pub(crate) fn places() -> usize {
    static PLACES: OnceLock<usize> = OnceLock::new();
    *PLACES.get_or_init(|| {
        let MessageChannel { mut port1, port2: _receiver } = channel::<u64, Default>();
        let mut places = 0;
        while port1.try_post_message(&0).is_ok() {
            places += 1;
        }
        places
    })
}

/// The port, by its calls that do not wait.
pub(crate) struct Polled<S = Default>(PhantomData<S>);

pub(crate) struct PolledPort<T>(MessagePort<T>);

impl<T: Payload, S: Settings> Duplex<T> for Polled<S> {
    type End = PolledPort<T>;

    fn open() -> (Self::End, Self::End) {
        let MessageChannel { port1, port2 } = channel::<T, S>();
        (PolledPort(port1), PolledPort(port2))
    }
}

impl<T: Payload> SendEnd<T> for PolledPort<T> {
    #[inline(always)]
    fn send(&mut self, message: &T) {
        while let Err(error) = self.0.try_post_message(message) {
            assert!(error.is_full(), "{error}");
            spin_loop();
        }
    }
}

impl<T: Payload> ReceiveEnd<T> for PolledPort<T> {
    #[inline(always)]
    fn receive<R: Reading>(&mut self) -> u64 {
        loop {
            match self.0.try_recv() {
                Ok(message) => return R::archived::<T>(&message),
                Err(error) => assert!(error.is_empty(), "{error}"),
            }
            spin_loop();
        }
    }
}

/// The port, by its calls that wait.
pub(crate) struct Waiting<S = Default>(PhantomData<S>);

pub(crate) struct WaitingPort<T>(MessagePort<T>);

impl<T: Payload, S: Settings> Duplex<T> for Waiting<S> {
    type End = WaitingPort<T>;

    fn open() -> (Self::End, Self::End) {
        let MessageChannel { port1, port2 } = channel::<T, S>();
        (WaitingPort(port1), WaitingPort(port2))
    }
}

impl<T: Payload> SendEnd<T> for WaitingPort<T> {
    #[inline(always)]
    fn send(&mut self, message: &T) {
        self.0.post_message(message).expect("the peer receives");
    }
}

impl<T: Payload> ReceiveEnd<T> for WaitingPort<T> {
    #[inline(always)]
    fn receive<R: Reading>(&mut self) -> u64 {
        R::archived::<T>(&self.0.recv().expect("the peer posts"))
    }
}

/// One direction of a channel.
pub(crate) struct OneWay<D>(PhantomData<D>);

impl<T: Payload, D: Duplex<T>> Link<T> for OneWay<D> {
    type Sender = D::End;
    type Receiver = D::End;

    fn open() -> (Self::Sender, Self::Receiver) {
        D::open()
    }
}

/// The port in a task.
pub(crate) struct Task;

impl TaskDuplex for Task {
    type End = MessagePort<u64>;

    fn open() -> (Self::End, Self::End) {
        let MessageChannel { port1, port2 } = MessageChannel::new();
        (port1, port2)
    }
}

impl TaskEnd for MessagePort<u64> {
    #[inline(always)]
    async fn send(&mut self, message: u64) {
        self.post_message_async(&message).await.expect("the peer receives");
    }

    #[inline(always)]
    async fn receive(&mut self) -> u64 {
        self.recv_async().await.expect("the peer posts").to_native()
    }
}

/// Batches, of a port that waits by spinning.
pub(crate) struct SpinningBatches;

pub(crate) struct BatchPort<T>(MessagePort<T>);

impl<T: Payload> BatchLink<T> for SpinningBatches {
    type Sender = BatchPort<T>;
    type Receiver = BatchPort<T>;

    fn open() -> (Self::Sender, Self::Receiver) {
        let MessageChannel { port1, port2 } = channel::<T, Spin>();
        (BatchPort(port1), BatchPort(port2))
    }
}

impl<T: Payload> BatchSendEnd<T> for BatchPort<T> {
    #[inline(always)]
    fn send_all(&mut self, messages: &[T]) {
        self.0.post_messages(messages).expect("the peer receives");
    }
}

impl<T: Payload> BatchReceiveEnd<T> for BatchPort<T> {
    #[inline(always)]
    fn receive_some<R: Reading>(&mut self, limit: usize, mut f: impl FnMut(u64)) -> usize {
        loop {
            match self.0.recv_batch(limit, |message| f(R::archived::<T>(message))) {
                Ok(messages) => return messages,
                Err(error) => assert!(error.is_empty(), "{error}"),
            }
            spin_loop();
        }
    }
}
