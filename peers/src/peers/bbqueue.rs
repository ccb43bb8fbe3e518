//! bbqueue: a ring of bytes. Archives are copied into its grants, and out of them again, because
//! its frames are not aligned.

use std::hint::spin_loop;
use std::marker::PhantomData;
use std::sync::Arc;

use bbqueue::BBQueue;
use bbqueue::nicknames::GogiGui;
use bbqueue::prod_cons::framed::{FramedConsumer, FramedProducer};
use bbqueue::traits::coordination::cas::AtomicCoord;
use bbqueue::traits::notifier::polling::Polling;
use bbqueue::traits::storage::BoxedSlice;
use rkyv::util::AlignedVec;

use crate::carrier::{ByArchive, Carrier};
use crate::link::{Link, ReceiveEnd, SendEnd};
use crate::payload::{Payload, Reading};

type Queue = Arc<BBQueue<BoxedSlice, AtomicCoord, Polling>>;

/// bbqueue with frames, polled. Its frames have at most 65535 bytes.
pub(crate) struct Frames;

pub(crate) struct FramesSender<T> {
    producer: FramedProducer<Queue>,
    archive: AlignedVec,
    values: PhantomData<fn(T)>,
}

pub(crate) struct FramesReceiver<T> {
    consumer: FramedConsumer<Queue>,
    archive: AlignedVec,
    values: PhantomData<fn(T)>,
}

impl<T: Payload> Link<T> for Frames {
    type Sender = FramesSender<T>;
    type Receiver = FramesReceiver<T>;

    fn open() -> (Self::Sender, Self::Receiver) {
        let queue = GogiGui::new_with_storage(BoxedSlice::new(T::RING));
        let (producer, consumer) = (queue.framed_producer(), queue.framed_consumer());
        (
            FramesSender { producer, archive: AlignedVec::new(), values: PhantomData },
            FramesReceiver { consumer, archive: AlignedVec::new(), values: PhantomData },
        )
    }
}

impl<T: Payload> SendEnd<T> for FramesSender<T> {
    #[inline(always)]
    fn send(&mut self, message: &T) {
        ByArchive::pack_into(&mut self.archive, message);
        let length = u16::try_from(self.archive.len()).expect("a frame of less than 64 KiB");
        loop {
            if let Ok(mut grant) = self.producer.grant(length) {
                grant.copy_from_slice(&self.archive);
                return grant.commit(length);
            }
            spin_loop();
        }
    }
}

impl<T: Payload> ReceiveEnd<T> for FramesReceiver<T> {
    #[inline(always)]
    fn receive<R: Reading>(&mut self) -> u64 {
        loop {
            if let Ok(grant) = self.consumer.read() {
                self.archive.clear();
                self.archive.extend_from_slice(&grant);
                grant.release();
                return <ByArchive as Carrier<T>>::read::<R>(&self.archive);
            }
            spin_loop();
        }
    }
}
