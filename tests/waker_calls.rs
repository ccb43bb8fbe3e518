//! Wakers are the user's code: what they do while they are called harms neither port.

use std::error::Error;
use std::panic::{self, AssertUnwindSafe};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};

use message_port::{ClosedBy, MessageChannel, MessagePort};

type Outcome = Result<(), Box<dyn Error>>;
type Port = MessagePort<Vec<u8>>;

const CAPACITY: usize = 1024;
/// In place, and in a buffer.
const LENGTHS: [usize; 2] = [40, if cfg!(miri) { 700 } else { 3000 }];

const PANIC: &str = "this task cannot be woken";

fn channel() -> (Port, Port) {
    let MessageChannel { port1, port2 } = MessageChannel::with_capacity(CAPACITY);
    (port1, port2)
}

/// Panics whenever it is woken.
struct Panicking;

impl Wake for Panicking {
    fn wake(self: Arc<Self>) {
        panic!("{PANIC}");
    }
}

/// Has a task wait at `port` for a message.
fn wait_for_message(port: &mut Port, waker: &Waker) {
    assert!(port.poll_recv(&mut Context::from_waker(waker)).is_pending());
}

/// Fills the ring and has a task wait at `port` for room; how many messages were posted.
fn wait_for_room(port: &mut Port, message: &Vec<u8>, waker: &Waker) -> usize {
    let mut posted = 0;
    let mut cx = Context::from_waker(waker);
    while port.poll_post_message(&mut cx, message).is_ready() {
        posted += 1;
    }
    posted
}

/// Runs `f` on a task's waker.
struct Calling<F>(F);

impl<F: Fn() + Send + Sync + 'static> Wake for Calling<F> {
    fn wake(self: Arc<Self>) {
        (self.0)();
    }
}

fn calling(f: impl Fn() + Send + Sync + 'static) -> Waker {
    Waker::from(Arc::new(Calling(f)))
}

/// What was posted was posted: the panic is not the sender's, who would post twice.
#[test]
fn a_panicking_waker_does_not_unwind_through_the_post() -> Outcome {
    let posts: [fn(&mut Port, &Vec<u8>); 5] = [
        |port, message| port.post_message(message).unwrap(),
        |port, message| port.try_post_message(message).unwrap(),
        |port, message| assert_eq!(port.post_messages([message]).unwrap(), 1),
        |port, message| {
            let archive = rkyv::to_bytes::<rkyv::rancor::Error>(message).unwrap();
            port.post_archived(&archive).unwrap();
        },
        |port, message| {
            let posted = futures_lite::future::block_on(port.post_message_async(message));
            posted.unwrap();
        },
    ];
    let waker = Waker::from(Arc::new(Panicking));
    for length in LENGTHS {
        let (mut port1, mut port2) = channel();
        for post in posts {
            wait_for_message(&mut port2, &waker);
            post(&mut port1, &vec![1; length]);
            // It was woken once, so the next post has nobody to wake.
            post(&mut port1, &vec![2; length]);
            for content in [1, 2] {
                assert_eq!(**port2.try_recv()?, *vec![content; length]);
            }
            assert!(port2.is_empty());
        }
        port2.post_message(&vec![3; length])?;
        assert_eq!(**port1.try_recv()?, *vec![3; length]);
    }
    Ok(())
}

/// A batch whose only wake panics is posted as a whole, and says so.
#[test]
fn a_panicking_waker_does_not_unwind_through_the_batch() -> Outcome {
    let waker = Waker::from(Arc::new(Panicking));
    let (mut port1, mut port2) = channel();
    wait_for_message(&mut port2, &waker);
    let batch: Vec<_> = (0..5).map(|content| vec![content; 40]).collect();
    assert_eq!(port1.post_messages(&batch)?, 5);
    port1.post_message(&vec![5; 40])?;
    for content in 0..6 {
        assert_eq!(**port2.try_recv()?, *vec![content; 40]);
    }
    assert!(port2.is_empty());
    Ok(())
}

/// The message is received, its room is there, and the guard is dropped in peace, also where it is
/// dropped by another panic.
#[test]
fn a_panicking_waker_does_not_unwind_out_of_a_guard() -> Outcome {
    let waker = Waker::from(Arc::new(Panicking));
    for length in LENGTHS {
        let (mut port1, mut port2) = channel();
        let message = vec![1; length];
        let posted = wait_for_room(&mut port1, &message, &waker);
        for _ in 0..posted {
            drop(port2.try_recv()?);
        }
        let posted = wait_for_room(&mut port1, &message, &waker);
        let unwound = panic::catch_unwind(AssertUnwindSafe(|| {
            for left in (0..posted).rev() {
                let _guard = port2.try_recv().unwrap();
                assert_ne!(left, 0, "a panic of the receiver's own");
            }
        }));
        assert!(unwound.is_err());
        port1.try_post_message(&message)?;
        assert_eq!(port2.recv_batch(10, |_| ())?, 1);
    }
    Ok(())
}

/// A dispatch goes on behind it.
#[test]
fn a_panicking_waker_does_not_unwind_through_a_dispatch() -> Outcome {
    let waker = Waker::from(Arc::new(Panicking));
    for length in LENGTHS {
        let (mut port1, mut port2) = channel();
        let posted = wait_for_room(&mut port1, &vec![1; length], &waker);
        let handled = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&handled);
        port2.set_onmessage(move |_| {
            count.fetch_add(1, Ordering::SeqCst);
        });
        assert_eq!(port2.dispatch()?, posted);
        assert_eq!(handled.load(Ordering::SeqCst), posted);
    }
    Ok(())
}

/// The end is told to everybody, and `close` and a drop return.
#[test]
fn a_panicking_waker_does_not_unwind_through_the_end() {
    let waker = Waker::from(Arc::new(Panicking));
    let (mut port1, mut port2) = channel();
    wait_for_message(&mut port2, &waker);
    port1.close();
    assert!(port1.is_closed() && port2.is_closed());
    assert!(port1.post_message(&vec![1]).unwrap_err().is_closed());
    assert!(port2.recv().unwrap_err().is_closed());
    let (sender, _) = port2.split_mut();
    assert_eq!(sender.close_event().map(|event| event.closed_by()), Some(ClosedBy::Peer));
    port1.close();

    let (port1, mut port2) = channel();
    wait_for_message(&mut port2, &waker);
    drop(port1);
    assert!(port2.is_disconnected(), "both halves went");
    assert!(port2.recv().unwrap_err().is_disconnected());
    assert!(port2.post_message(&vec![1]).unwrap_err().is_disconnected());
}

/// Panics when it is dropped, with another one of its kind, for a while.
struct Hydra;

/// How many more will.
static HEADS: AtomicUsize = AtomicUsize::new(3);

impl Drop for Hydra {
    fn drop(&mut self) {
        let heads = HEADS.load(Ordering::SeqCst);
        if heads > 0 && !std::thread::panicking() {
            HEADS.store(heads - 1, Ordering::SeqCst);
            panic::panic_any(Self);
        }
    }
}

struct WakesHydra;

impl Wake for WakesHydra {
    fn wake(self: Arc<Self>) {
        panic::panic_any(Hydra);
    }
}

/// The payload is dropped here, and does what it likes.
#[test]
fn a_payload_that_panics_when_dropped_does_not_unwind_either() -> Outcome {
    let waker = Waker::from(Arc::new(WakesHydra));
    let (mut port1, mut port2) = channel();
    wait_for_message(&mut port2, &waker);
    port1.post_message(&vec![1; 40])?;
    assert_eq!(**port2.try_recv()?, [1; 40]);
    Ok(())
}

struct PanicsWhenDropped;

impl Wake for PanicsWhenDropped {
    fn wake(self: Arc<Self>) {}
}

impl Drop for PanicsWhenDropped {
    fn drop(&mut self) {
        panic!("the waker is dropped");
    }
}

/// The waker of an earlier poll is the program's own value too.
#[test]
fn a_waker_that_panics_when_it_is_replaced_does_not_unwind_out_of_the_poll() -> Outcome {
    let (mut port1, mut port2) = channel();
    let waker = Waker::from(Arc::new(PanicsWhenDropped));
    assert!(port2.poll_recv(&mut Context::from_waker(&waker)).is_pending());
    drop(waker); // the port has the last one
    assert!(port2.poll_recv(&mut Context::from_waker(Waker::noop())).is_pending());
    port1.post_message(&vec![1; 40])?;
    assert_eq!(**port2.try_recv()?, [1; 40]);
    Ok(())
}

/// A waker may use the ports of other channels, in the middle of a post or a receive.
#[test]
fn a_waker_posts_and_receives_at_another_port() -> Outcome {
    for length in LENGTHS {
        let (mut port1, mut port2) = channel();
        let (other1, mut other2) = channel();
        let other1 = Mutex::new(other1);
        let waker = calling(move || {
            let mut other1 = other1.lock().unwrap();
            let request = other1.try_recv().unwrap().to_vec();
            other1.post_message(&request).unwrap();
        });
        other2.post_message(&vec![7; length])?;
        wait_for_message(&mut port2, &waker);
        port1.post_message(&vec![1; length])?;
        assert_eq!(**other2.try_recv()?, *vec![7; length]);

        // While room is given back.
        other2.post_message(&vec![8; length])?;
        wait_for_room(&mut port1, &vec![2; length], &waker);
        while other2.is_empty() {
            port2.try_recv()?;
        }
        assert_eq!(**other2.try_recv()?, *vec![8; length]);
    }
    Ok(())
}

/// A waker may poll at once, inside the post that woke it: it receives the message and waits for
/// the next one.
#[test]
fn a_waker_receives_at_the_port_that_it_waits_at() -> Outcome {
    struct Task {
        port: Mutex<Port>,
        received: Mutex<Vec<Vec<u8>>>,
    }

    impl Task {
        fn poll(self: &Arc<Self>) {
            let waker = Waker::from(Arc::clone(self));
            let mut port = self.port.lock().unwrap();
            let mut cx = Context::from_waker(&waker);
            while let Poll::Ready(Ok(message)) = port.poll_recv(&mut cx) {
                self.received.lock().unwrap().push(message.to_vec());
            }
        }
    }

    impl Wake for Task {
        fn wake(self: Arc<Self>) {
            self.poll();
        }
    }

    for length in LENGTHS {
        let (mut port1, port2) = channel();
        let task = Arc::new(Task { port: Mutex::new(port2), received: Mutex::default() });
        task.poll();
        for content in 0..if cfg!(miri) { 10 } else { 100 } {
            // There is always room: each one is received before the post returns.
            port1.try_post_message(&vec![content; length])?;
            assert_eq!(task.received.lock().unwrap().pop(), Some(vec![content; length]));
        }
        port1.post_messages([&vec![1; length], &vec![2; length]])?;
        let received = std::mem::take(&mut *task.received.lock().unwrap());
        assert_eq!(received, [vec![1; length], vec![2; length]]);
    }
    Ok(())
}
