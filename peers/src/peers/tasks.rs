//! Channels between tasks: tokio's, flume, kanal, crossfire, thingbuf, async-channel.

use super::channels::{AsyncChannel, Crossfire, Flume, Kanal, Tokio};
use super::moved::TaskQueue;
use super::slots::Thingbuf;

macro_rules! task_queue {
    (
        $queue:ty: $sender_type:ty, $receiver_type:ty, $bounded:path;
        ($sender:ident, $item:ident) => $send:expr;
        ($receiver:ident) => $receive:expr;
    ) => {
        impl TaskQueue for $queue {
            type Sender = $sender_type;
            type Receiver = $receiver_type;

            fn bounded(depth: usize) -> (Self::Sender, Self::Receiver) {
                $bounded(depth)
            }

            #[inline(always)]
            async fn send($sender: &mut Self::Sender, $item: u64) {
                assert!($send.is_ok(), "the receiver is gone");
            }

            #[inline(always)]
            async fn receive($receiver: &mut Self::Receiver) -> u64 {
                $receive.expect("the sender is there")
            }
        }
    };
}

task_queue! {
    Tokio: tokio::sync::mpsc::Sender<u64>, tokio::sync::mpsc::Receiver<u64>,
    tokio::sync::mpsc::channel;
    (sender, item) => sender.send(item).await;
    (receiver) => receiver.recv().await;
}

task_queue! {
    Flume: flume::Sender<u64>, flume::Receiver<u64>, flume::bounded;
    (sender, item) => sender.send_async(item).await;
    (receiver) => receiver.recv_async().await;
}

task_queue! {
    Kanal: kanal::AsyncSender<u64>, kanal::AsyncReceiver<u64>, kanal::bounded_async;
    (sender, item) => sender.send(item).await;
    (receiver) => receiver.recv().await;
}

task_queue! {
    Crossfire: crossfire::AsyncTx<crossfire::spsc::Array<u64>>,
    crossfire::AsyncRx<crossfire::spsc::Array<u64>>, crossfire::spsc::bounded_async;
    (sender, item) => sender.send(item).await;
    (receiver) => receiver.recv().await;
}

task_queue! {
    Thingbuf: thingbuf::mpsc::Sender<u64>, thingbuf::mpsc::Receiver<u64>, thingbuf::mpsc::channel;
    (sender, item) => sender.send(item).await;
    (receiver) => receiver.recv().await;
}

task_queue! {
    AsyncChannel: async_channel::Sender<u64>, async_channel::Receiver<u64>, async_channel::bounded;
    (sender, item) => sender.send(item).await;
    (receiver) => receiver.recv().await;
}
