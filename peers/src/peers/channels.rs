//! Channels on which threads sleep: crossbeam-channel, the standard library's, flume, kanal,
//! crossfire, tokio's, async-channel. Those that tasks can use too are also in `tasks.rs`.

use std::sync::mpsc;

use super::moved::{Queue, SleepingQueue};

/// `crossbeam_channel::bounded`.
pub(crate) struct Crossbeam;

impl Queue for Crossbeam {
    type Sender<I: Send + 'static> = crossbeam_channel::Sender<I>;
    type Receiver<I: Send + 'static> = crossbeam_channel::Receiver<I>;

    fn bounded<I: Send + 'static>(depth: usize) -> (Self::Sender<I>, Self::Receiver<I>) {
        crossbeam_channel::bounded(depth)
    }

    #[inline(always)]
    fn try_send<I: Send + 'static>(sender: &mut Self::Sender<I>, item: I) -> Result<(), I> {
        sender.try_send(item).map_err(crossbeam_channel::TrySendError::into_inner)
    }

    #[inline(always)]
    fn try_receive<I: Send + 'static>(receiver: &mut Self::Receiver<I>) -> Option<I> {
        receiver.try_recv().ok()
    }
}

impl SleepingQueue for Crossbeam {
    #[inline(always)]
    fn send<I: Send + 'static>(sender: &mut Self::Sender<I>, item: I) {
        assert!(sender.send(item).is_ok(), "the receiver is gone");
    }

    #[inline(always)]
    fn receive<I: Send + 'static>(receiver: &mut Self::Receiver<I>) -> I {
        receiver.recv().expect("the sender is there")
    }
}

/// `std::sync::mpsc::sync_channel`.
pub(crate) struct Std;

impl Queue for Std {
    type Sender<I: Send + 'static> = mpsc::SyncSender<I>;
    type Receiver<I: Send + 'static> = mpsc::Receiver<I>;

    fn bounded<I: Send + 'static>(depth: usize) -> (Self::Sender<I>, Self::Receiver<I>) {
        mpsc::sync_channel(depth)
    }

    #[inline(always)]
    fn try_send<I: Send + 'static>(sender: &mut Self::Sender<I>, item: I) -> Result<(), I> {
        sender.try_send(item).map_err(|error| match error {
            mpsc::TrySendError::Full(item) | mpsc::TrySendError::Disconnected(item) => item,
        })
    }

    #[inline(always)]
    fn try_receive<I: Send + 'static>(receiver: &mut Self::Receiver<I>) -> Option<I> {
        receiver.try_recv().ok()
    }
}

impl SleepingQueue for Std {
    #[inline(always)]
    fn send<I: Send + 'static>(sender: &mut Self::Sender<I>, item: I) {
        assert!(sender.send(item).is_ok(), "the receiver is gone");
    }

    #[inline(always)]
    fn receive<I: Send + 'static>(receiver: &mut Self::Receiver<I>) -> I {
        receiver.recv().expect("the sender is there")
    }
}

/// `flume::bounded`.
pub(crate) struct Flume;

impl Queue for Flume {
    type Sender<I: Send + 'static> = flume::Sender<I>;
    type Receiver<I: Send + 'static> = flume::Receiver<I>;

    fn bounded<I: Send + 'static>(depth: usize) -> (Self::Sender<I>, Self::Receiver<I>) {
        flume::bounded(depth)
    }

    #[inline(always)]
    fn try_send<I: Send + 'static>(sender: &mut Self::Sender<I>, item: I) -> Result<(), I> {
        sender.try_send(item).map_err(flume::TrySendError::into_inner)
    }

    #[inline(always)]
    fn try_receive<I: Send + 'static>(receiver: &mut Self::Receiver<I>) -> Option<I> {
        receiver.try_recv().ok()
    }
}

impl SleepingQueue for Flume {
    #[inline(always)]
    fn send<I: Send + 'static>(sender: &mut Self::Sender<I>, item: I) {
        assert!(sender.send(item).is_ok(), "the receiver is gone");
    }

    #[inline(always)]
    fn receive<I: Send + 'static>(receiver: &mut Self::Receiver<I>) -> I {
        receiver.recv().expect("the sender is there")
    }
}

/// `kanal::bounded`.
pub(crate) struct Kanal;

impl Queue for Kanal {
    type Sender<I: Send + 'static> = kanal::Sender<I>;
    type Receiver<I: Send + 'static> = kanal::Receiver<I>;

    fn bounded<I: Send + 'static>(depth: usize) -> (Self::Sender<I>, Self::Receiver<I>) {
        kanal::bounded(depth)
    }

    #[inline(always)]
    fn try_send<I: Send + 'static>(sender: &mut Self::Sender<I>, item: I) -> Result<(), I> {
        let mut item = Some(item);
        let _sent = sender.try_send_option(&mut item).expect("the receiver is there");
        item.map_or(Ok(()), Err)
    }

    #[inline(always)]
    fn try_receive<I: Send + 'static>(receiver: &mut Self::Receiver<I>) -> Option<I> {
        receiver.try_recv().expect("the sender is there")
    }
}

impl SleepingQueue for Kanal {
    #[inline(always)]
    fn send<I: Send + 'static>(sender: &mut Self::Sender<I>, item: I) {
        sender.send(item).expect("the receiver is there");
    }

    #[inline(always)]
    fn receive<I: Send + 'static>(receiver: &mut Self::Receiver<I>) -> I {
        receiver.recv().expect("the sender is there")
    }
}

/// `crossfire::spsc::bounded_blocking`.
pub(crate) struct Crossfire;

impl Queue for Crossfire {
    type Sender<I: Send + 'static> = crossfire::Tx<crossfire::spsc::Array<I>>;
    type Receiver<I: Send + 'static> = crossfire::Rx<crossfire::spsc::Array<I>>;

    fn bounded<I: Send + 'static>(depth: usize) -> (Self::Sender<I>, Self::Receiver<I>) {
        crossfire::spsc::bounded_blocking(depth)
    }

    #[inline(always)]
    fn try_send<I: Send + 'static>(sender: &mut Self::Sender<I>, item: I) -> Result<(), I> {
        sender.try_send(item).map_err(|error| match error {
            crossfire::TrySendError::Full(item) | crossfire::TrySendError::Disconnected(item) => {
                item
            }
        })
    }

    #[inline(always)]
    fn try_receive<I: Send + 'static>(receiver: &mut Self::Receiver<I>) -> Option<I> {
        receiver.try_recv().ok()
    }
}

impl SleepingQueue for Crossfire {
    #[inline(always)]
    fn send<I: Send + 'static>(sender: &mut Self::Sender<I>, item: I) {
        assert!(sender.send(item).is_ok(), "the receiver is gone");
    }

    #[inline(always)]
    fn receive<I: Send + 'static>(receiver: &mut Self::Receiver<I>) -> I {
        receiver.recv().expect("the sender is there")
    }
}

/// `tokio::sync::mpsc`, with its calls for threads outside of a runtime.
pub(crate) struct Tokio;

impl Queue for Tokio {
    type Sender<I: Send + 'static> = tokio::sync::mpsc::Sender<I>;
    type Receiver<I: Send + 'static> = tokio::sync::mpsc::Receiver<I>;

    fn bounded<I: Send + 'static>(depth: usize) -> (Self::Sender<I>, Self::Receiver<I>) {
        tokio::sync::mpsc::channel(depth)
    }

    #[inline(always)]
    fn try_send<I: Send + 'static>(sender: &mut Self::Sender<I>, item: I) -> Result<(), I> {
        sender.try_send(item).map_err(tokio::sync::mpsc::error::TrySendError::into_inner)
    }

    #[inline(always)]
    fn try_receive<I: Send + 'static>(receiver: &mut Self::Receiver<I>) -> Option<I> {
        receiver.try_recv().ok()
    }
}

impl SleepingQueue for Tokio {
    #[inline(always)]
    fn send<I: Send + 'static>(sender: &mut Self::Sender<I>, item: I) {
        assert!(sender.blocking_send(item).is_ok(), "the receiver is gone");
    }

    #[inline(always)]
    fn receive<I: Send + 'static>(receiver: &mut Self::Receiver<I>) -> I {
        receiver.blocking_recv().expect("the sender is there")
    }
}

/// `async_channel::bounded`, with its calls for threads.
pub(crate) struct AsyncChannel;

impl Queue for AsyncChannel {
    type Sender<I: Send + 'static> = async_channel::Sender<I>;
    type Receiver<I: Send + 'static> = async_channel::Receiver<I>;

    fn bounded<I: Send + 'static>(depth: usize) -> (Self::Sender<I>, Self::Receiver<I>) {
        async_channel::bounded(depth)
    }

    #[inline(always)]
    fn try_send<I: Send + 'static>(sender: &mut Self::Sender<I>, item: I) -> Result<(), I> {
        sender.try_send(item).map_err(async_channel::TrySendError::into_inner)
    }

    #[inline(always)]
    fn try_receive<I: Send + 'static>(receiver: &mut Self::Receiver<I>) -> Option<I> {
        receiver.try_recv().ok()
    }
}

impl SleepingQueue for AsyncChannel {
    #[inline(always)]
    fn send<I: Send + 'static>(sender: &mut Self::Sender<I>, item: I) {
        assert!(sender.send_blocking(item).is_ok(), "the receiver is gone");
    }

    #[inline(always)]
    fn receive<I: Send + 'static>(receiver: &mut Self::Receiver<I>) -> I {
        receiver.recv_blocking().expect("the sender is there")
    }
}
