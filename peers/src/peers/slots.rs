//! Queues whose slots are written and read in place, and so use their memory again: thingbuf and
//! disruptor.

use std::hint::spin_loop;
use std::marker::PhantomData;

use disruptor::Producer as _;
use thingbuf::mpsc::blocking;

use crate::carrier::{ByClone, Carrier};
use crate::link::{BatchLink, BatchReceiveEnd, BatchSendEnd, Link, ReceiveEnd, SendEnd};
use crate::payload::{Payload, Reading};

/// `thingbuf::mpsc::blocking`.
pub(crate) struct Thingbuf;

/// Its slots, polled.
pub(crate) struct ThingbufPolled<C>(PhantomData<C>);

pub(crate) struct ThingbufPolledSender<C: Carrier<T>, T: Payload>(blocking::Sender<C::Item, Keep>);

pub(crate) struct ThingbufPolledReceiver<C: Carrier<T>, T: Payload>(
    blocking::Receiver<C::Item, Keep>,
);

/// Leaves in a slot what was there: the next message is written over it.
#[derive(Clone, Copy)]
pub(crate) struct Keep;

impl<I: Default> thingbuf::Recycle<I> for Keep {
    fn new_element(&self) -> I {
        I::default()
    }

    #[inline(always)]
    fn recycle(&self, _: &mut I) {}
}

impl<C: Carrier<T>, T: Payload> Link<T> for ThingbufPolled<C> {
    type Sender = ThingbufPolledSender<C, T>;
    type Receiver = ThingbufPolledReceiver<C, T>;

    fn open() -> (Self::Sender, Self::Receiver) {
        let (sender, receiver) = blocking::with_recycle(T::DEPTH, Keep);
        (ThingbufPolledSender(sender), ThingbufPolledReceiver(receiver))
    }
}

impl<C: Carrier<T>, T: Payload> SendEnd<T> for ThingbufPolledSender<C, T> {
    #[inline(always)]
    fn send(&mut self, message: &T) {
        loop {
            if let Ok(mut slot) = self.0.try_send_ref() {
                return C::pack_into(&mut slot, message);
            }
            spin_loop();
        }
    }
}

impl<C: Carrier<T>, T: Payload> ReceiveEnd<T> for ThingbufPolledReceiver<C, T> {
    #[inline(always)]
    fn receive<R: Reading>(&mut self) -> u64 {
        loop {
            if let Ok(slot) = self.0.try_recv_ref() {
                return C::read::<R>(&slot);
            }
            spin_loop();
        }
    }
}

/// Its slots, with the calls that sleep.
pub(crate) struct ThingbufSleeping<C>(PhantomData<C>);

pub(crate) struct ThingbufSender<C: Carrier<T>, T: Payload>(blocking::Sender<C::Item, Keep>);

pub(crate) struct ThingbufReceiver<C: Carrier<T>, T: Payload>(blocking::Receiver<C::Item, Keep>);

impl<C: Carrier<T>, T: Payload> Link<T> for ThingbufSleeping<C> {
    type Sender = ThingbufSender<C, T>;
    type Receiver = ThingbufReceiver<C, T>;

    fn open() -> (Self::Sender, Self::Receiver) {
        let (sender, receiver) = blocking::with_recycle(T::DEPTH, Keep);
        (ThingbufSender(sender), ThingbufReceiver(receiver))
    }
}

impl<C: Carrier<T>, T: Payload> SendEnd<T> for ThingbufSender<C, T> {
    #[inline(always)]
    fn send(&mut self, message: &T) {
        let mut slot = self.0.send_ref().expect("the receiver is there");
        C::pack_into(&mut slot, message);
    }
}

impl<C: Carrier<T>, T: Payload> ReceiveEnd<T> for ThingbufReceiver<C, T> {
    #[inline(always)]
    fn receive<R: Reading>(&mut self) -> u64 {
        C::read::<R>(&self.0.recv_ref().expect("the sender is there"))
    }
}

type Poller<I> = disruptor::EventPoller<I, disruptor::SingleProducerBarrier>;
type Producer<I> = disruptor::SingleProducer<I, disruptor::SingleConsumerBarrier>;

/// `disruptor` with one producer and a polling consumer.
fn disruptor<I: Default + Send + Sync + 'static>(depth: usize) -> (Producer<I>, Poller<I>) {
    let builder = disruptor::build_single_producer(depth, I::default, disruptor::BusySpin);
    let (poller, builder) = builder.new_event_poller();
    (builder.build(), poller)
}

/// disruptor, one event at a time.
pub(crate) struct Disruptor<C>(PhantomData<C>);

pub(crate) struct DisruptorSender<C: Carrier<T>, T: Payload>(Producer<C::Item>);

pub(crate) struct DisruptorReceiver<C: Carrier<T>, T: Payload>(Poller<C::Item>);

impl<C: Carrier<T>, T: Payload> Link<T> for Disruptor<C> {
    type Sender = DisruptorSender<C, T>;
    type Receiver = DisruptorReceiver<C, T>;

    fn open() -> (Self::Sender, Self::Receiver) {
        let (producer, poller) = disruptor(T::DEPTH);
        (DisruptorSender(producer), DisruptorReceiver(poller))
    }
}

impl<C: Carrier<T>, T: Payload> SendEnd<T> for DisruptorSender<C, T> {
    #[inline(always)]
    fn send(&mut self, message: &T) {
        while self.0.try_publish(|slot| C::pack_into(slot, message)).is_err() {
            spin_loop();
        }
    }
}

impl<C: Carrier<T>, T: Payload> ReceiveEnd<T> for DisruptorReceiver<C, T> {
    #[inline(always)]
    fn receive<R: Reading>(&mut self) -> u64 {
        loop {
            if let Ok(mut events) = self.0.take(1)
                && let Some(item) = (&mut events).next()
            {
                return C::read::<R>(item);
            }
            spin_loop();
        }
    }
}

/// disruptor, as many events at a time as there are.
pub(crate) struct DisruptorBatches;

impl<T: Payload> BatchLink<T> for DisruptorBatches {
    type Sender = DisruptorSender<ByClone, T>;
    type Receiver = DisruptorReceiver<ByClone, T>;

    fn open() -> (Self::Sender, Self::Receiver) {
        Disruptor::<ByClone>::open()
    }
}

impl<T: Payload> BatchSendEnd<T> for DisruptorSender<ByClone, T> {
    #[inline(always)]
    fn send_all(&mut self, messages: &[T]) {
        loop {
            let published = self.0.try_batch_publish(messages.len(), |slots| {
                for (slot, message) in slots.zip(messages) {
                    ByClone::pack_into(slot, message);
                }
            });
            if published.is_ok() {
                return;
            }
            spin_loop();
        }
    }
}

impl<T: Payload> BatchReceiveEnd<T> for DisruptorReceiver<ByClone, T> {
    #[inline(always)]
    fn receive_some<R: Reading>(&mut self, limit: usize, mut f: impl FnMut(u64)) -> usize {
        loop {
            if let Ok(mut events) = self.0.take(limit as u64) {
                let events = &mut events;
                let ready = events.len();
                for item in events {
                    f(ByClone::read::<R>(item));
                }
                return ready;
            }
            spin_loop();
        }
    }
}
