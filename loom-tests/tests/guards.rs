//! A guard that is dropped on another thread than the one that received the message.

use loom_tests::Barriers::{Full, Heavy};
use loom_tests::layouts::{Filling, Framed, FramedFilling, Numbered};
use loom_tests::steps::post;
use loom_tests::{Model, SMALLEST, both_layouts, thread};
use message_port::{Message, MessageChannel, MessagePort, MessageRef};

/// Runs `f` with a received message that may go to another thread; it is dropped when `f` returns.
fn with_message<T: Message + 'static, R>(
    port: MessagePort<T>,
    f: impl FnOnce(MessageRef<'static, T>) -> R,
) -> (R, MessagePort<T>) {
    let port = Box::into_raw(Box::new(port));
    // SAFETY: `port` is in a box that nobody else knows.
    let borrowed = unsafe { &mut *port };
    let result = f(borrowed.try_recv().unwrap());
    // SAFETY: it came out of a box, and `f` has joined whom it gave the message to.
    (result, *unsafe { Box::from_raw(port) })
}

/// The bytes are given back by whoever drops the guard, and not written again before.
#[test]
fn a_message_is_read_on_another_thread_before_it_is_written_again() {
    Model::with(Heavy).preemptions(3).check(|_| {
        let MessageChannel { mut port1, port2 } = MessageChannel::<String>::with_capacity(SMALLEST);
        // Frames of 64 and 48 bytes; the third one waits for the first, the fourth one goes over it.
        let texts = ["a".repeat(48), "b".repeat(32), String::new(), "d".repeat(16)];
        let [first, second, third, fourth] = texts.clone();
        port1.try_post_message(&first).unwrap();
        port1.try_post_message(&second).unwrap();
        let sender = thread::spawn(move || {
            post(&mut port1, &third).unwrap();
            post(&mut port1, &fourth).unwrap();
            port1
        });
        let ((), mut port2) = with_message(port2, |message| {
            let reader = thread::spawn(move || {
                thread::yield_now();
                assert_eq!(message.as_str(), first, "the message changed while it was held");
            });
            reader.join().unwrap();
        });
        sender.join().unwrap();
        for text in &texts[1..] {
            assert_eq!(port2.try_recv().unwrap().as_str(), text);
        }
    });
}

/// Whoever drops the guard wakes the sender.
fn a_guard_dropped_on_another_thread_wakes_the_sender<M: Numbered>() {
    Model::with(Full).preemptions(3).check(|_| {
        let MessageChannel { mut port1, port2 } = MessageChannel::<M>::with_capacity(SMALLEST);
        port1.try_post_message(&M::of(1)).unwrap();
        let sender = thread::spawn(move || {
            port1.post_message(&M::of(2)).unwrap();
            port1
        });
        let ((), mut port2) = with_message(port2, |message| {
            thread::spawn(move || drop(message)).join().unwrap();
        });
        assert_eq!(M::number(&port2.recv().unwrap()), 2);
        sender.join().unwrap();
    });
}

/// A heap buffer is handed back by whoever drops the guard.
#[test]
fn a_buffer_is_handed_back_on_another_thread() {
    Model::with(Heavy).preemptions(3).check(|_| {
        let builder = MessageChannel::<Framed<[u64; 16]>>::builder().capacity(2 * SMALLEST);
        let MessageChannel { mut port1, port2 } = builder.max_message_len(128).build().unwrap();
        // There are two buffers.
        port1.try_post_message(&Framed([1; 16])).unwrap();
        port1.try_post_message(&Framed([2; 16])).unwrap();
        let sender = thread::spawn(move || {
            post(&mut port1, &Framed([3; 16])).unwrap();
            port1
        });
        let ((), mut port2) = with_message(port2, |message| {
            let reader = thread::spawn(move || {
                assert_eq!(message[0], 1);
                thread::yield_now();
                assert_eq!(message[15], 1, "the message changed while it was held");
            });
            reader.join().unwrap();
        });
        sender.join().unwrap();
        for number in 2..=3 {
            assert_eq!(port2.try_recv().unwrap()[15], number);
        }
    });
}

both_layouts! {
    (Filling, FramedFilling): a_guard_dropped_on_another_thread_wakes_the_sender;
}
