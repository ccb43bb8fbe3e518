//! Queues without any way to sleep: rtrb, ringbuf, crossbeam-queue.

use std::hint::spin_loop;
use std::sync::Arc;

use crossbeam_queue::ArrayQueue;
use ringbuf::traits::{Consumer as _, Producer as _, Split as _};

use super::moved::Queue;
use crate::carrier::{ByClone, Carrier};
use crate::link::{BatchLink, BatchReceiveEnd, BatchSendEnd};
use crate::payload::{Payload, Reading};

/// `rtrb::RingBuffer`.
pub(crate) struct Rtrb;

impl Queue for Rtrb {
    type Sender<I: Send + 'static> = rtrb::Producer<I>;
    type Receiver<I: Send + 'static> = rtrb::Consumer<I>;

    fn bounded<I: Send + 'static>(depth: usize) -> (Self::Sender<I>, Self::Receiver<I>) {
        rtrb::RingBuffer::new(depth)
    }

    #[inline(always)]
    fn try_send<I: Send + 'static>(sender: &mut Self::Sender<I>, item: I) -> Result<(), I> {
        sender.push(item).map_err(|rtrb::PushError::Full(item)| item)
    }

    #[inline(always)]
    fn try_receive<I: Send + 'static>(receiver: &mut Self::Receiver<I>) -> Option<I> {
        receiver.pop().ok()
    }
}

/// `ringbuf::HeapRb`, with its caching ends.
pub(crate) struct Ringbuf;

impl Queue for Ringbuf {
    type Sender<I: Send + 'static> = ringbuf::HeapProd<I>;
    type Receiver<I: Send + 'static> = ringbuf::HeapCons<I>;

    fn bounded<I: Send + 'static>(depth: usize) -> (Self::Sender<I>, Self::Receiver<I>) {
        ringbuf::HeapRb::new(depth).split()
    }

    #[inline(always)]
    fn try_send<I: Send + 'static>(sender: &mut Self::Sender<I>, item: I) -> Result<(), I> {
        sender.try_push(item)
    }

    #[inline(always)]
    fn try_receive<I: Send + 'static>(receiver: &mut Self::Receiver<I>) -> Option<I> {
        receiver.try_pop()
    }
}

/// `crossbeam_queue::ArrayQueue`.
pub(crate) struct Array;

impl Queue for Array {
    type Sender<I: Send + 'static> = Arc<ArrayQueue<I>>;
    type Receiver<I: Send + 'static> = Arc<ArrayQueue<I>>;

    fn bounded<I: Send + 'static>(depth: usize) -> (Self::Sender<I>, Self::Receiver<I>) {
        let queue = Arc::new(ArrayQueue::new(depth));
        (Arc::clone(&queue), queue)
    }

    #[inline(always)]
    fn try_send<I: Send + 'static>(sender: &mut Self::Sender<I>, item: I) -> Result<(), I> {
        sender.push(item)
    }

    #[inline(always)]
    fn try_receive<I: Send + 'static>(receiver: &mut Self::Receiver<I>) -> Option<I> {
        receiver.pop()
    }
}

/// rtrb, by chunks.
pub(crate) struct RtrbChunks;

pub(crate) struct ChunkSender<T>(rtrb::Producer<T>);

pub(crate) struct ChunkReceiver<T>(rtrb::Consumer<T>);

impl<T: Payload> BatchLink<T> for RtrbChunks {
    type Sender = ChunkSender<T>;
    type Receiver = ChunkReceiver<T>;

    fn open() -> (Self::Sender, Self::Receiver) {
        let (sender, receiver) = rtrb::RingBuffer::new(T::DEPTH);
        (ChunkSender(sender), ChunkReceiver(receiver))
    }
}

impl<T: Payload> BatchSendEnd<T> for ChunkSender<T> {
    #[inline(always)]
    fn send_all(&mut self, messages: &[T]) {
        let mut left = messages;
        while !left.is_empty() {
            let room = self.0.slots().min(left.len());
            match self.0.write_chunk_uninit(room) {
                Ok(chunk) if room > 0 => {
                    let (now, later) = left.split_at(room);
                    chunk.fill_from_iter(now.iter().cloned());
                    left = later;
                }
                _ => spin_loop(),
            }
        }
    }
}

impl<T: Payload> BatchReceiveEnd<T> for ChunkReceiver<T> {
    #[inline(always)]
    fn receive_some<R: Reading>(&mut self, limit: usize, mut f: impl FnMut(u64)) -> usize {
        loop {
            let ready = self.0.slots().min(limit);
            match self.0.read_chunk(ready) {
                Ok(chunk) if ready > 0 => {
                    for item in chunk {
                        f(ByClone::read::<R>(&item));
                    }
                    return ready;
                }
                _ => spin_loop(),
            }
        }
    }
}

/// ringbuf, by its iterators over the free and the filled part.
pub(crate) struct RingbufIterators;

pub(crate) struct IteratorSender<T>(ringbuf::HeapProd<T>);

pub(crate) struct IteratorReceiver<T>(ringbuf::HeapCons<T>);

impl<T: Payload> BatchLink<T> for RingbufIterators {
    type Sender = IteratorSender<T>;
    type Receiver = IteratorReceiver<T>;

    fn open() -> (Self::Sender, Self::Receiver) {
        let (sender, receiver) = ringbuf::HeapRb::new(T::DEPTH).split();
        (IteratorSender(sender), IteratorReceiver(receiver))
    }
}

impl<T: Payload> BatchSendEnd<T> for IteratorSender<T> {
    #[inline(always)]
    fn send_all(&mut self, messages: &[T]) {
        let mut left = messages;
        while !left.is_empty() {
            match self.0.push_iter(left.iter().cloned()) {
                0 => spin_loop(),
                pushed => left = &left[pushed..],
            }
        }
    }
}

impl<T: Payload> BatchReceiveEnd<T> for IteratorReceiver<T> {
    #[inline(always)]
    fn receive_some<R: Reading>(&mut self, limit: usize, mut f: impl FnMut(u64)) -> usize {
        loop {
            let (first, second) = self.0.as_slices();
            let ready = (first.len() + second.len()).min(limit);
            if ready == 0 {
                spin_loop();
                continue;
            }
            for item in first.iter().chain(second).take(ready) {
                f(ByClone::read::<R>(item));
            }
            self.0.skip(ready);
            return ready;
        }
    }
}
