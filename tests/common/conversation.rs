//! Two ports that talk to each other in every way in which one of them can have to wake the other.

use std::sync::mpsc;
use std::thread;

use futures_lite::future::block_on;
use message_port::{MessageChannel, MessagePort};

use crate::asleep::spawn_asleep;

type Channel = MessageChannel<u64>;

/// Two slots: nearly every post and every receive has to wait.
const CAPACITY: usize = 64;
const MESSAGES: u64 = if cfg!(miri) { 60 } else { 2_000 };

/// Channels that were made when the system granted what it may refuse now.
pub(crate) struct Channels([Channel; 5]);

impl Channels {
    pub(crate) fn new() -> Self {
        Self([(); 5].map(|()| Channel::with_capacity(CAPACITY)))
    }

    /// Fails, or hangs, if a message or a wake is lost.
    pub(crate) fn talk(self) {
        let Self([questions, stream, closes, tasks, handlers]) = self;
        ask_and_answer(questions);
        stream_until_dropped(stream);
        close_on_sleepers(closes);
        talk_in_tasks(tasks);
        run_until_closed(handlers);
    }
}

/// Each side sleeps until the other one has posted.
fn ask_and_answer(MessageChannel { mut port1, mut port2 }: Channel) {
    let answering = spawn_asleep(move || {
        for number in 0..MESSAGES {
            assert_eq!(*port2.recv().unwrap(), number);
            port2.post_message(&(number * 2)).unwrap();
        }
    });
    for number in 0..MESSAGES {
        port1.post_message(&number).unwrap();
        assert_eq!(*port1.recv().unwrap(), number * 2);
    }
    answering.join().unwrap();
}

/// The sender sleeps until there is room, the receiver until there is a message.
fn stream_until_dropped(MessageChannel { mut port1, mut port2 }: Channel) {
    let posting = spawn_asleep(move || {
        for number in 0..MESSAGES {
            port1.post_message(&number).unwrap();
        }
    });
    for number in 0..MESSAGES {
        if number % 100 == 0 {
            thread::yield_now();
        }
        assert_eq!(*port2.recv().unwrap(), number);
    }
    assert!(port2.recv().unwrap_err().is_disconnected());
    posting.join().unwrap();
}

/// A close reaches the half that sleeps for room and the half that sleeps for a message, and the
/// report counts what was not read.
fn close_on_sleepers(MessageChannel { mut port1, mut port2 }: Channel) {
    let mut posted = 0;
    while port1.try_post_message(&0).is_ok() {
        posted += 1;
    }
    let (mut sender, mut receiver) = port1.into_split();
    let posting = spawn_asleep(move || {
        assert!(sender.post_message(&1).unwrap_err().is_closed());
        sender.close_event().unwrap().undelivered_messages()
    });
    let receiving = spawn_asleep(move || assert!(receiver.recv().unwrap_err().is_closed()));
    port2.close();
    receiving.join().unwrap();
    assert_eq!(posting.join().unwrap(), posted);
}

fn talk_in_tasks(MessageChannel { mut port1, mut port2 }: Channel) {
    let answering = thread::spawn(move || {
        block_on(async {
            for number in 0..MESSAGES {
                assert_eq!(*port2.recv_async().await.unwrap(), number);
                port2.post_message_async(&number).await.unwrap();
            }
        });
    });
    block_on(async {
        for number in 0..MESSAGES {
            port1.post_message_async(&number).await.unwrap();
            assert_eq!(*port1.recv_async().await.unwrap(), number);
        }
    });
    answering.join().unwrap();
}

fn run_until_closed(MessageChannel { mut port1, mut port2 }: Channel) {
    let (tell, told) = mpsc::channel();
    let running = spawn_asleep(move || {
        port2.set_onmessage(move |event| tell.send(event.data().to_native()).unwrap());
        port2.run().unwrap();
    });
    let post = |port: &mut MessagePort<u64>, number| port.post_message(&number).unwrap();
    (0..MESSAGES).for_each(|number| post(&mut port1, number));
    port1.close();
    running.join().unwrap();
    assert_eq!(told.into_iter().collect::<Vec<_>>(), (0..MESSAGES).collect::<Vec<_>>());
}
