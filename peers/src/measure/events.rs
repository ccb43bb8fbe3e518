//! Handlers that `run` or an event loop calls. Only message-port has them.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Barrier, Mutex};
use std::thread;

use crossbeam_utils::CachePadded;
use message_port::{EventLoop, MessageChannel, MessagePort};

use super::{Expected, Sample, expect_sum, warm_up};
use crate::machine::{self, Clock, Cpus, Role};
use crate::payload::{Digest, Payload, Reading as _, Touch};
use crate::peers::ours::{Default, channel};

/// Whether a handler gets all of it, as it was sent and in order.
pub(crate) fn check<T: Payload>(_: Cpus) -> Result<(), String> {
    let MessageChannel { mut port1, mut port2 } = channel::<T, Default>();
    let expected = Arc::new(Mutex::new(Expected::<T>::new()));
    port2.set_onmessage({
        let expected = Arc::clone(&expected);
        move |event| {
            expected.lock().expect("no panic").arrived(Digest::archived::<T>(event.data()));
        }
    });
    thread::scope(|scope| {
        scope.spawn(|| {
            let mut message = T::sample();
            for number in 0..T::CHECKED {
                message.stamp(number);
                port1.post_message(&message).expect("the peer receives");
            }
            port1.close();
        });
        port2.run().map_err(|error| error.to_string())
    })?;
    drop(port2);
    let expected = Arc::into_inner(expected).expect("the handler is gone");
    let expected = expected.into_inner().expect("no panic");
    match expected.next {
        arrived if arrived == T::CHECKED => expected.outcome(),
        arrived => Err(format!("{arrived} messages arrived instead of {}", T::CHECKED)),
    }
}

/// What a handler knows.
struct Counted {
    arrived: u64,
    sum: u64,
    clock: Option<Clock>,
}

/// Time per message that a handler gets from `run`.
pub(crate) fn run<T: Payload>(messages: u64, cpus: Cpus) -> Sample {
    let warm = warm_up::<T>(messages);
    let MessageChannel { port1, mut port2 } = channel::<T, Default>();
    let start = Arc::new(Barrier::new(2));
    let (results, counted) = std::sync::mpsc::channel();
    port2.set_onmessage({
        let start = Arc::clone(&start);
        let mut counted = Counted { arrived: 0, sum: 0, clock: None };
        move |event| {
            counted.sum = counted.sum.wrapping_add(Touch::archived::<T>(event.data()));
            counted.arrived += 1;
            if counted.arrived == warm {
                start.wait();
                counted.clock = Some(Clock::start());
            } else if counted.arrived == warm + messages {
                let clock = counted.clock.take().expect("started after the warm-up");
                results.send((counted.sum, clock.stop())).expect("somebody waits for it");
            }
        }
    });
    let (pinned, sending) = thread::scope(|scope| {
        let far = scope.spawn(move || {
            let pinned = machine::pin(cpus, Role::Far);
            let mut port2 = CachePadded::new(port2);
            port2.run().expect("the handler does not fail");
            pinned
        });
        let near = scope.spawn(move || {
            let pinned = machine::pin(cpus, Role::Near);
            let mut port1 = CachePadded::new(port1);
            let mut message = T::sample();
            let mut clock = None;
            for number in 0..warm + messages {
                if number == warm {
                    start.wait();
                    clock = Some(Clock::start());
                }
                message.stamp(number);
                port1.post_message(&message).expect("the peer receives");
            }
            let sent = clock.expect("there are messages").stop();
            port1.close();
            (pinned, sent)
        });
        let (near_pinned, sending) = near.join().expect("no panic");
        (near_pinned & far.join().expect("no panic"), sending)
    });
    let (sum, reading) = counted.recv().expect("the handler has counted everything");
    expect_sum::<T>(warm + messages, sum);
    Sample::timed(messages, reading.and(sending), pinned)
}

/// Ports that post in turn, and an event loop that dispatches what they post.
struct Loop {
    senders: Vec<MessagePort<u64>>,
    events: EventLoop,
    /// Messages dispatched, and their sum.
    counts: Arc<[AtomicU64; 2]>,
}

impl Loop {
    /// With small rings: it is about ports, not about room.
    fn new(ports: usize) -> Self {
        let counts = Arc::new([AtomicU64::new(0), AtomicU64::new(0)]);
        let mut events = EventLoop::new();
        let senders = (0..ports)
            .map(|_| {
                let MessageChannel { port1, mut port2 } =
                    MessageChannel::<u64>::with_capacity(4096);
                let counts = Arc::clone(&counts);
                port2.set_onmessage(move |event| {
                    // One thread writes both.
                    let [arrived, sum] = &*counts;
                    let add = |to: &AtomicU64, n: u64| {
                        to.store(to.load(Ordering::Relaxed).wrapping_add(n), Ordering::Relaxed);
                    };
                    add(arrived, 1);
                    add(sum, event.data().to_native());
                });
                events.add(port2);
                port1
            })
            .collect();
        Self { senders, events, counts }
    }

    fn dispatch(&mut self, total: u64) {
        while self.counts[0].load(Ordering::Relaxed) < total {
            self.events.run_once(None).expect("the handlers do not fail");
        }
    }
}

/// Whether an event loop dispatches all messages of all ports.
pub(crate) fn check_loop(cpus: Cpus, ports: usize) -> Result<(), String> {
    // It compares the sum of what was dispatched.
    match run_loop(10_000, cpus, ports).operations {
        10_000 => Ok(()),
        other => Err(format!("{other} messages were dispatched")),
    }
}

/// Time per message over so many ports on one thread.
pub(crate) fn run_loop(messages: u64, cpus: Cpus, ports: usize) -> Sample {
    let warm = warm_up::<u64>(messages).max(2 * ports as u64);
    let Loop { senders, events, counts } = Loop::new(ports);
    let mut served =
        CachePadded::new(Loop { senders: Vec::new(), events, counts: Arc::clone(&counts) });
    let mut senders = senders;
    let (sending, reading, pinned) = super::on_two_threads(
        cpus,
        |start| {
            let mut post = |numbers: std::ops::Range<u64>| {
                let turn = (0..ports).cycle().skip(
                    usize::try_from(numbers.start % ports as u64).expect("an index of a port"),
                );
                for (number, port) in numbers.zip(turn) {
                    senders[port].post_message(&number).expect("the loop runs");
                }
            };
            post(0..warm);
            start.wait();
            let clock = Clock::start();
            post(warm..warm + messages);
            clock.stop()
        },
        |start| {
            served.dispatch(warm);
            start.wait();
            let clock = Clock::start();
            served.dispatch(warm + messages);
            clock.stop()
        },
    );
    let [arrived, sum] = &*counts;
    expect_sum::<u64>(warm + messages, sum.load(Ordering::Relaxed));
    Sample::timed(arrived.load(Ordering::Relaxed) - warm, reading.and(sending), pinned)
}
