//! Everything is dropped, and dropped once, whatever the order of closes, drops and forgotten
//! guards.

#[path = "common/meter.rs"]
mod meter;
#[path = "common/watchdog.rs"]
mod watchdog;

use std::error::Error;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Barrier};
use std::thread;

use message_port::{MessageChannel, MessagePort};

use meter::{Counts, measure};
use watchdog::Watchdog;

type Outcome = Result<(), Box<dyn Error>>;
type Port = MessagePort<Vec<u8>>;

fn channel() -> (Port, Port) {
    let MessageChannel { port1, port2 } = MessageChannel::with_capacity(1024);
    (port1, port2)
}

/// In place, and in a buffer.
const LENGTHS: [usize; 2] = [100, if cfg!(miri) { 700 } else { 3000 }];

/// Whether everything that was allocated was freed.
fn is_balanced(counts: Counts) -> bool {
    (counts.blocks, counts.bytes) == (0, 0)
}

/// Sets all three handlers, each the owner of a `token`.
fn set_handlers(port: &mut Port, token: &Arc<()>) {
    let [message, message_error, close] = [(); 3].map(|()| Arc::clone(token));
    port.set_onmessage(move |_| drop(Arc::clone(&message)));
    port.set_onmessageerror(move |_| drop(Arc::clone(&message_error)));
    port.set_onclose(move |_| drop(Arc::clone(&close)));
}

#[test]
fn handlers_are_dropped_with_their_port() {
    let token = Arc::new(());
    for closes in [true, false] {
        let (mut port1, mut port2) = channel();
        set_handlers(&mut port1, &token);
        set_handlers(&mut port2, &token);
        assert_eq!(Arc::strong_count(&token), 7);
        if closes {
            port1.close();
            assert_eq!(Arc::strong_count(&token), 7, "a close event is still to come");
        }
        drop(port1);
        assert_eq!(Arc::strong_count(&token), 4);
        drop(port2);
        assert_eq!(Arc::strong_count(&token), 1);
    }
}

#[test]
fn handlers_are_dropped_when_they_are_replaced_cleared_or_split_off() {
    let token = Arc::new(());
    let (mut port, _peer) = channel();
    set_handlers(&mut port, &token);
    set_handlers(&mut port, &token);
    assert_eq!(Arc::strong_count(&token), 4);
    port.clear_onmessage();
    assert_eq!(Arc::strong_count(&token), 3);
    port.clear_onmessageerror();
    assert_eq!(Arc::strong_count(&token), 2);
    port.clear_onclose();
    assert_eq!(Arc::strong_count(&token), 1);
    set_handlers(&mut port, &token);
    let halves = port.into_split();
    assert_eq!(Arc::strong_count(&token), 1, "handlers belong to the whole port");
    drop(halves);
}

#[test]
fn what_handlers_fail_with_is_dropped_once() -> Outcome {
    /// An error, and a panic, that holds a token.
    #[derive(Debug)]
    struct Failure(#[allow(dead_code, reason = "it is held, not read")] Arc<()>);

    impl std::fmt::Display for Failure {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("failure")
        }
    }

    impl Error for Failure {}

    let token = Arc::new(());
    for (panics, handled) in [(false, false), (false, true), (true, false), (true, true)] {
        let (mut port1, mut port2) = channel();
        let held = Arc::clone(&token);
        port2.set_onmessage(move |_| {
            let failure = Failure(Arc::clone(&held));
            if panics {
                std::panic::resume_unwind(Box::new(failure));
            }
            Err(failure)
        });
        if handled {
            port2.set_onmessageerror(|_| ());
        }
        for length in LENGTHS {
            port1.post_message(&vec![1; length])?;
            let outcome = port2.dispatch();
            assert_eq!(outcome.is_ok(), handled);
            // The handler holds one; the error that nobody handled holds another.
            assert_eq!(Arc::strong_count(&token), if handled { 2 } else { 3 });
        }
        drop((port1, port2));
        assert_eq!(Arc::strong_count(&token), 1);
    }
    Ok(())
}

/// A step of the end of a channel.
#[derive(Clone, Copy, Debug)]
enum Step {
    Close(usize),
    Drop(usize),
    Receive(usize),
    Forget(usize),
}

/// Posts to both sides, takes the steps, and says what is left allocated.
fn left_after(steps: &[Step], length: usize) -> Counts {
    let message = vec![1; length];
    let ((), left) = measure(|| {
        let (port1, port2) = channel();
        let mut ends = [Some(port1), Some(port2)];
        for port in ends.iter_mut().flatten() {
            for _ in 0..3 {
                port.try_post_message(&message).unwrap();
            }
        }
        for step in steps {
            match *step {
                Step::Close(at) => ends[at].iter_mut().for_each(MessagePort::close),
                Step::Drop(at) => ends[at] = None,
                Step::Receive(at) => {
                    if let Some(Ok(message)) = ends[at].as_mut().map(MessagePort::try_recv) {
                        assert_eq!(message.len(), length);
                    }
                }
                Step::Forget(at) => {
                    std::mem::forget(ends[at].as_mut().map(MessagePort::try_recv));
                }
            }
        }
    });
    left
}

#[test]
fn messages_and_buffers_are_freed_in_every_order_of_the_end() {
    let all =
        [0, 1].map(|at| [Step::Close(at), Step::Drop(at), Step::Receive(at), Step::Forget(at)]);
    let all = all.concat();
    // Miri gets a few of the later steps.
    let [few, fewer] = if cfg!(miri) { [4, 8] } else { [1, 1] };
    for length in LENGTHS {
        for a in &all {
            for b in &all {
                for c in all.iter().step_by(few) {
                    for d in all.iter().step_by(fewer) {
                        let steps = [*a, *b, *c, *d];
                        let left = left_after(&steps, length);
                        assert!(is_balanced(left), "{left:?} after {steps:?} of {length} bytes");
                    }
                }
            }
        }
    }
}

#[test]
fn halves_that_are_dropped_in_any_order_free_everything() -> Outcome {
    let orders: Vec<[usize; 4]> = (0..256usize)
        .map(|n| [n / 64, n / 16 % 4, n / 4 % 4, n % 4])
        .filter(|order| (0..4).all(|half| order.contains(&half)))
        .collect();
    assert_eq!(orders.len(), 24);
    for order in orders.into_iter().step_by(if cfg!(miri) { 5 } else { 1 }) {
        for length in LENGTHS {
            let message = vec![1; length];
            let (outcome, left) = measure(|| -> Outcome {
                let (port1, port2) = channel();
                let (mut sender1, mut receiver1) = port1.into_split();
                let (mut sender2, mut receiver2) = port2.into_split();
                for sender in [&mut sender1, &mut sender2] {
                    for _ in 0..3 {
                        sender.try_post_message(&message)?;
                    }
                }
                receiver1.recv()?;
                std::mem::forget(receiver2.recv()?);
                let (mut posting, mut receiving) =
                    ([Some(sender1), Some(sender2)], [Some(receiver1), Some(receiver2)]);
                for half in order {
                    if half < 2 {
                        posting[half] = None;
                    } else {
                        receiving[half - 2] = None;
                    }
                }
                Ok(())
            });
            outcome?;
            assert!(is_balanced(left), "{left:?} after {order:?}");
        }
    }
    Ok(())
}

/// A buffer that was prepared for a post which then failed stays with the channel, and goes with
/// it.
#[test]
fn buffers_of_posts_that_fail_are_freed() {
    let (large, small) = (vec![1; 3000], vec![1; 8]);
    let ((), left) = measure(|| {
        let (mut port1, mut port2) = channel();
        while port1.try_post_message(&small).is_ok() {}
        assert!(port1.try_post_message(&large).unwrap_err().is_full());
        port2.close();
        assert!(port1.try_post_message(&large).unwrap_err().is_closed());
        let (mut port1, port2) = channel();
        drop(port2);
        assert!(port1.try_post_message(&large).unwrap_err().is_disconnected());
    });
    assert!(is_balanced(left), "{left:?}");
}

#[test]
fn a_message_is_released_once_when_its_handler_panics() -> Outcome {
    for length in LENGTHS {
        let message = vec![1; length];
        let (outcome, left) = measure(|| -> Outcome {
            let (mut port1, mut port2) = channel();
            port2.set_onmessage(|_| std::panic::resume_unwind(Box::new(())));
            port2.set_onmessageerror(|_| std::panic::resume_unwind(Box::new(())));
            for _ in 0..if cfg!(miri) { 5 } else { 50 } {
                port1.try_post_message(&message)?;
                assert!(catch_unwind(AssertUnwindSafe(|| port2.dispatch())).is_err());
            }
            assert!(port2.is_empty());
            Ok(())
        });
        outcome?;
        assert!(is_balanced(left), "{left:?}");
    }
    Ok(())
}

/// Each end frees what it is the last one to hold, on its own thread.
#[test]
fn ends_that_go_at_once_on_two_threads_free_everything_together() {
    let _watchdog = Watchdog::start();
    for round in 0..if cfg!(miri) { 6 } else { 300 } {
        let length = LENGTHS[round % 2];
        let ((port1, port2), made) = measure(channel);
        let start = Arc::new(Barrier::new(2));
        let ends = [port1, port2].map(|mut port| {
            let start = Arc::clone(&start);
            thread::spawn(move || {
                start.wait();
                let ((), taken) = measure(move || {
                    let message = vec![1; length];
                    for _ in 0..4 {
                        let _ = port.try_post_message(&message);
                    }
                    if round % 3 == 0 {
                        port.close();
                    }
                    drop(port.try_recv());
                    std::mem::forget(port.try_recv());
                });
                taken
            })
        });
        let left = ends.into_iter().fold(made, |sum, end| sum + end.join().unwrap());
        assert!(is_balanced(left), "{left:?} in round {round}");
    }
}

/// The sender of the other direction has a share in the words of this one, not in its memory.
#[test]
fn unread_messages_end_with_the_two_ends_of_their_direction() {
    let limit = if cfg!(miri) { 1 << 14 } else { 1 << 20 };
    for growable in [false, true] {
        let (rest, taken) = measure(|| {
            let builder = MessageChannel::<Vec<u8>>::builder().capacity(1024);
            let builder = if growable { builder.growable(limit) } else { builder };
            let MessageChannel { port1, port2 } = builder.build().unwrap();
            let (mut sender, _) = port1.into_split();
            let (idle_sender, mut receiver) = port2.into_split();
            for length in LENGTHS {
                // One is on its way, another one on its way back.
                sender.try_post_message(&vec![1; length]).unwrap();
                sender.try_post_message(&vec![1; length]).unwrap();
                drop(receiver.try_recv().unwrap());
            }
            while sender.try_post_message(&vec![1; 100]).is_ok() {}
            idle_sender
        });
        // Its own ring, the words that all four halves share, and what each feature counts there. The
        // ring and the buffers of the other direction had 9 KiB and more.
        let most = 5 * 1024;
        assert!(taken.bytes < most, "{taken:?} are left to {rest:?}");
    }
}
