//! Edges of the deadlock refusal, and of a drop with a waker that panics.

use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
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

struct PanicsOnDrop;

impl Wake for PanicsOnDrop {
    fn wake(self: Arc<Self>) {}
}

impl Drop for PanicsOnDrop {
    fn drop(&mut self) {
        panic!("dropped");
    }
}

/// The peer learns of a drop whatever the drop of a waker does.
#[test]
fn c7_a_drop_is_seen_even_if_a_waker_panics_when_dropped() {
    let MessageChannel { mut port1, mut port2 } = MessageChannel::<u64>::new();
    let waker = Waker::from(Arc::new(PanicsOnDrop));
    assert!(port2.poll_recv(&mut Context::from_waker(&waker)).is_pending());
    drop(waker);
    assert!(catch_unwind(AssertUnwindSafe(|| drop(port2))).is_err());
    assert!(port1.is_disconnected());
    assert!(port1.post_message(&7).unwrap_err().is_disconnected());
}
