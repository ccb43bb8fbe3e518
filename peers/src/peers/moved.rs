//! Queues through which values are moved, as links.

use std::hint::spin_loop;
use std::marker::PhantomData;

use crate::carrier::{ByClone, Carrier};
use crate::link::{Link, ReceiveEnd, SendEnd, TaskDuplex, TaskEnd};
use crate::payload::{Payload, Reading};

/// A bounded queue with calls that do not wait.
pub(crate) trait Queue: 'static {
    type Sender<I: Send + 'static>: Send + 'static;
    type Receiver<I: Send + 'static>: Send + 'static;

    fn bounded<I: Send + 'static>(depth: usize) -> (Self::Sender<I>, Self::Receiver<I>);
    /// Gives the item back if there is no room.
    fn try_send<I: Send + 'static>(sender: &mut Self::Sender<I>, item: I) -> Result<(), I>;
    fn try_receive<I: Send + 'static>(receiver: &mut Self::Receiver<I>) -> Option<I>;
}

/// A queue with calls that sleep until there is room or an item.
pub(crate) trait SleepingQueue: Queue {
    fn send<I: Send + 'static>(sender: &mut Self::Sender<I>, item: I);
    fn receive<I: Send + 'static>(receiver: &mut Self::Receiver<I>) -> I;
}

/// A bounded queue of numbers between tasks.
pub(crate) trait TaskQueue: 'static {
    type Sender: Send + 'static;
    type Receiver: Send + 'static;

    fn bounded(depth: usize) -> (Self::Sender, Self::Receiver);
    fn send(sender: &mut Self::Sender, item: u64) -> impl Future<Output = ()> + Send;
    fn receive(receiver: &mut Self::Receiver) -> impl Future<Output = u64> + Send;
}

/// A queue that is polled.
pub(crate) struct Polled<Q, C>(PhantomData<(Q, C)>);

pub(crate) struct PolledSender<Q: Queue, C: Carrier<T>, T: Payload>(Q::Sender<C::Item>);

pub(crate) struct PolledReceiver<Q: Queue, C: Carrier<T>, T: Payload>(Q::Receiver<C::Item>);

impl<Q: Queue, C: Carrier<T>, T: Payload> Link<T> for Polled<Q, C> {
    type Sender = PolledSender<Q, C, T>;
    type Receiver = PolledReceiver<Q, C, T>;

    fn open() -> (Self::Sender, Self::Receiver) {
        let (sender, receiver) = Q::bounded(T::DEPTH);
        (PolledSender(sender), PolledReceiver(receiver))
    }
}

/// Numbers through a queue that is polled, with as many places as one direction of our channel.
pub(crate) struct AsMany<Q>(PhantomData<Q>);

impl<Q: Queue> Link<u64> for AsMany<Q> {
    type Sender = PolledSender<Q, ByClone, u64>;
    type Receiver = PolledReceiver<Q, ByClone, u64>;

    fn open() -> (Self::Sender, Self::Receiver) {
        let (sender, receiver) = Q::bounded(super::ours::places());
        (PolledSender(sender), PolledReceiver(receiver))
    }
}

impl<Q: Queue, C: Carrier<T>, T: Payload> SendEnd<T> for PolledSender<Q, C, T> {
    #[inline(always)]
    fn send(&mut self, message: &T) {
        let mut item = C::pack(message);
        while let Err(refused) = Q::try_send(&mut self.0, item) {
            item = refused;
            spin_loop();
        }
    }
}

impl<Q: Queue, C: Carrier<T>, T: Payload> ReceiveEnd<T> for PolledReceiver<Q, C, T> {
    #[inline(always)]
    fn receive<R: Reading>(&mut self) -> u64 {
        loop {
            if let Some(item) = Q::try_receive(&mut self.0) {
                return C::read::<R>(&item);
            }
            spin_loop();
        }
    }
}

/// A queue that puts threads to sleep.
pub(crate) struct Sleeping<Q, C>(PhantomData<(Q, C)>);

pub(crate) struct SleepingSender<Q: Queue, C: Carrier<T>, T: Payload>(Q::Sender<C::Item>);

pub(crate) struct SleepingReceiver<Q: Queue, C: Carrier<T>, T: Payload>(Q::Receiver<C::Item>);

impl<Q: SleepingQueue, C: Carrier<T>, T: Payload> Link<T> for Sleeping<Q, C> {
    type Sender = SleepingSender<Q, C, T>;
    type Receiver = SleepingReceiver<Q, C, T>;

    fn open() -> (Self::Sender, Self::Receiver) {
        let (sender, receiver) = Q::bounded(T::DEPTH);
        (SleepingSender(sender), SleepingReceiver(receiver))
    }
}

impl<Q: SleepingQueue, C: Carrier<T>, T: Payload> SendEnd<T> for SleepingSender<Q, C, T> {
    #[inline(always)]
    fn send(&mut self, message: &T) {
        Q::send(&mut self.0, C::pack(message));
    }
}

impl<Q: SleepingQueue, C: Carrier<T>, T: Payload> ReceiveEnd<T> for SleepingReceiver<Q, C, T> {
    #[inline(always)]
    fn receive<R: Reading>(&mut self) -> u64 {
        C::read::<R>(&Q::receive(&mut self.0))
    }
}

/// Two queues between two tasks.
pub(crate) struct Tasks<Q>(PhantomData<Q>);

pub(crate) struct TasksEnd<Q: TaskQueue>(Q::Sender, Q::Receiver);

impl<Q: TaskQueue> TaskDuplex for Tasks<Q> {
    type End = TasksEnd<Q>;

    fn open() -> (Self::End, Self::End) {
        let depth = <u64 as Payload>::DEPTH;
        let ((to_far, from_near), (to_near, from_far)) = (Q::bounded(depth), Q::bounded(depth));
        (TasksEnd(to_far, from_far), TasksEnd(to_near, from_near))
    }
}

impl<Q: TaskQueue> TaskEnd for TasksEnd<Q> {
    fn send(&mut self, message: u64) -> impl Future<Output = ()> + Send {
        Q::send(&mut self.0, message)
    }

    fn receive(&mut self) -> impl Future<Output = u64> + Send {
        Q::receive(&mut self.1)
    }
}
