//! Edges of the deadlock refusal, and of a drop with a waker that panics.

use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};

use message_port::{MessageChannel, MessagePort};

type Port = MessagePort<Vec<u8>>;

fn poll<F: Future>(future: Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

fn fill(port: &mut Port) {
    while port.try_post_message(&vec![0; 16]).is_ok() {}
}

/// A task waits for a buffer; the peer hands one back that is too little and then waits itself.
/// When the task is polled again one of the two is refused.
#[test]
fn e5_a_task_that_got_too_small_a_buffer_asks_again() {
    let MessageChannel { mut port1, mut port2 } =
        MessageChannel::builder().capacity(1024).max_message_len(3000).build().unwrap();
    for _ in 0..3 {
        port1.try_post_message(&vec![0; 1492]).unwrap();
    }
    fill(&mut port2);
    let large = vec![1; 2992];
    let small = vec![2; 16];
    let mut first = pin!(port1.post_message_async(&large));
    assert!(poll(first.as_mut()).is_pending());
    drop(port2.try_recv().unwrap());
    let mut second = pin!(port2.post_message_async(&small));
    let outcomes = [poll(second.as_mut()).is_ready(), poll(first.as_mut()).is_ready()];
    assert!(outcomes.contains(&true), "both wait for ever");
}

/// A port whose sending half was exchanged for another one's is not alone with that channel: its
/// receiving half is elsewhere and can make room.
#[test]
fn e5_an_exchanged_half_is_not_taken_for_a_whole_port() {
    let MessageChannel { port1: x1, port2: mut x2 } = MessageChannel::with_capacity(256);
    let MessageChannel { port1: mut y1, port2: _y2 } = MessageChannel::with_capacity(256);
    let (mut sender, mut receiver) = x1.into_split();
    std::mem::swap(y1.split_mut().0, &mut sender);
    fill(&mut y1);
    fill(&mut x2);
    let message = vec![1; 16];
    let mut waiting = pin!(x2.post_message_async(&message));
    assert!(poll(waiting.as_mut()).is_pending());
    assert!(poll(pin!(y1.post_message_async(&message))).is_pending());
    drop(receiver.try_recv().unwrap());
    assert!(matches!(poll(waiting.as_mut()), Poll::Ready(Ok(()))));
}

/// A future that was forgotten while it waited cannot say that it is gone. Receiving at its port
/// says it: a port that waits does not receive.
#[test]
fn e5_a_forgotten_future_does_not_count_once_its_port_receives() {
    let receives: [fn(&mut Port); 7] = [
        |port| drop(port.recv().unwrap()),
        |port| drop(port.try_recv().unwrap()),
        // The message is still in hand, so to say.
        |port| std::mem::forget(port.try_recv().unwrap()),
        |port| assert_eq!(port.recv_batch(1, |_| ()).unwrap(), 1),
        |port| {
            let mut receiving = pin!(port.recv_async());
            assert!(poll(receiving.as_mut()).is_ready());
        },
        |port| {
            port.set_onmessage(|_| ());
            port.dispatch().unwrap();
        },
        // It might from now on, on another thread.
        |port| assert!(!port.split_mut().1.is_empty()),
    ];
    for receive in receives {
        let MessageChannel { mut port1, mut port2 } = MessageChannel::with_capacity(256);
        fill(&mut port1);
        fill(&mut port2);
        let message = vec![1; 16];
        let mut forgotten = Box::pin(port1.post_message_async(&message));
        assert!(poll(forgotten.as_mut()).is_pending());
        std::mem::forget(forgotten);
        receive(&mut port1);
        // What it received may have made room, or not yet.
        fill(&mut port2);
        assert!(poll(pin!(port2.post_message_async(&message))).is_pending());
        // Nor does it count when the peer looks again.
        assert!(poll(pin!(port2.post_message_async(&message))).is_pending());
        // The port counts as before when it waits again.
        let mut waiting = pin!(port1.post_message_async(&message));
        assert!(poll(waiting.as_mut()).is_pending());
        assert!(port2.post_message(&message).unwrap_err().is_would_deadlock());
    }
}

/// A half that a message handler swapped out of its port is a half: the port that it came from can
/// receive, whatever it does.
#[test]
fn e5_a_half_that_was_swapped_out_in_a_handler_is_not_taken_for_a_whole_port() {
    let MessageChannel { port1: mut x1, port2: mut x2 } = MessageChannel::with_capacity(256);
    let MessageChannel { port1: y1, port2: _y2 } = MessageChannel::<Vec<u8>>::with_capacity(256);
    let (spare, _receiver) = y1.into_split();
    let (send, swapped) = std::sync::mpsc::channel();
    let mut spare = Some(spare);
    x1.set_onmessage(move |event| {
        let Some(mut half) = spare.take() else { return };
        std::mem::swap(event.target(), &mut half);
        send.send(half).unwrap();
    });
    x2.post_message(&vec![0; 16]).unwrap();
    assert_eq!(x1.dispatch().unwrap(), 1);
    let mut half = swapped.recv().unwrap();
    while half.try_post_message(&vec![0; 16]).is_ok() {}
    fill(&mut x2);
    let message = vec![1; 16];
    let mut waiting = pin!(half.post_message_async(&message));
    assert!(poll(waiting.as_mut()).is_pending());
    let mut posting = pin!(x2.post_message_async(&message));
    assert!(poll(posting.as_mut()).is_pending(), "the other half can receive");
    drop(x1.try_recv().unwrap());
    assert!(matches!(poll(posting.as_mut()), Poll::Ready(Ok(()))));
}

/// The same while the handler that swapped it out still runs.
#[test]
fn e5_a_half_that_was_swapped_out_does_not_count_while_the_handler_runs() {
    let MessageChannel { port1: mut x1, port2: mut x2 } = MessageChannel::with_capacity(256);
    let MessageChannel { port1: y1, port2: _y2 } = MessageChannel::<Vec<u8>>::with_capacity(256);
    let (spare, _receiver) = y1.into_split();
    x2.post_message(&vec![0; 16]).unwrap();
    let mut moved = Some((spare, x2));
    x1.set_onmessage(move |event| {
        let Some((mut half, mut x2)) = moved.take() else { return };
        std::mem::swap(event.target(), &mut half);
        while half.try_post_message(&vec![0; 16]).is_ok() {}
        fill(&mut x2);
        let message = vec![1; 16];
        let mut waiting = pin!(half.post_message_async(&message));
        assert!(poll(waiting.as_mut()).is_pending());
        let mut posting = pin!(x2.post_message_async(&message));
        assert!(poll(posting.as_mut()).is_pending(), "the handler may return");
    });
    assert_eq!(x1.dispatch().unwrap(), 1);
}

struct PanicsOnDrop;

impl Wake for PanicsOnDrop {
    fn wake(self: Arc<Self>) {}
}

impl Drop for PanicsOnDrop {
    fn drop(&mut self) {
        panic!("a waker panics when it is dropped");
    }
}

/// The drop of a waker is its own affair.
#[test]
fn c7_a_drop_is_seen_even_if_a_waker_panics_when_dropped() {
    let MessageChannel { mut port1, mut port2 } = MessageChannel::<u64>::new();
    let waker = Waker::from(Arc::new(PanicsOnDrop));
    assert!(port2.poll_recv(&mut Context::from_waker(&waker)).is_pending());
    drop(waker);
    drop(port2);
    assert!(port1.is_disconnected());
    assert!(port1.post_message(&7).unwrap_err().is_disconnected());
}
