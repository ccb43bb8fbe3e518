//! Ends of a duplex channel of `u64`s, ours and others', behind one face; the two loops over them;
//! threads pinned to CPUs.

#![allow(dead_code, reason = "not every benchmark uses every peer")]

pub(crate) mod loops;
pub(crate) mod messages;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crossbeam_utils::CachePadded;
use crossbeam_utils::sync::{Parker, Unparker};
use message_port::{MessageChannel, MessagePort};

/// One end of a duplex channel.
pub(crate) trait End: Send + 'static {
    fn send(&mut self, value: u64);
    fn receive(&mut self) -> u64;
}

/// Pins the calling thread to a CPU; says so where that is not possible.
pub(crate) fn pin(cpu: usize) {
    #[cfg(target_os = "linux")]
    {
        let mut set = rustix::thread::CpuSet::new();
        set.set(cpu);
        if let Err(error) = rustix::thread::sched_setaffinity(None, &set) {
            eprintln!("not pinned to CPU {cpu}: {error}");
        }
    }
    #[cfg(not(target_os = "linux"))]
    eprintln!("not pinned to CPU {cpu}");
}

/// The limit: two words, each written by one side and polled by the other, with no queue at all.
pub(crate) struct Base {
    to_peer: Arc<CachePadded<AtomicU64>>,
    from_peer: Arc<CachePadded<AtomicU64>>,
}

impl Base {
    pub(crate) fn pair() -> (Self, Self) {
        let word = || Arc::new(CachePadded::new(AtomicU64::new(u64::MAX)));
        let (a, b) = (word(), word());
        (Self { to_peer: a.clone(), from_peer: b.clone() }, Self { to_peer: b, from_peer: a })
    }
}

impl End for Base {
    fn send(&mut self, value: u64) {
        while self.to_peer.load(Ordering::Relaxed) != u64::MAX {
            std::hint::spin_loop();
        }
        self.to_peer.store(value, Ordering::Release);
    }

    fn receive(&mut self) -> u64 {
        loop {
            let value = self.from_peer.load(Ordering::Acquire);
            if value != u64::MAX {
                self.from_peer.store(u64::MAX, Ordering::Relaxed);
                return value;
            }
            std::hint::spin_loop();
        }
    }
}

/// The limit where both threads share a CPU: the same two words, and a wake-up for each message.
pub(crate) struct Parking {
    to_peer: Arc<CachePadded<AtomicU64>>,
    from_peer: Arc<CachePadded<AtomicU64>>,
    parker: Parker,
    peer: Unparker,
}

impl Parking {
    pub(crate) fn pair() -> (Self, Self) {
        let word = || Arc::new(CachePadded::new(AtomicU64::new(u64::MAX)));
        let (a, b) = (word(), word());
        let (near, far) = (Parker::new(), Parker::new());
        let (to_near, to_far) = (near.unparker().clone(), far.unparker().clone());
        (
            Self { to_peer: a.clone(), from_peer: b.clone(), parker: near, peer: to_far },
            Self { to_peer: b, from_peer: a, parker: far, peer: to_near },
        )
    }
}

impl End for Parking {
    fn send(&mut self, value: u64) {
        while self.to_peer.load(Ordering::Acquire) != u64::MAX {
            self.parker.park();
        }
        self.to_peer.store(value, Ordering::Release);
        self.peer.unpark();
    }

    fn receive(&mut self) -> u64 {
        loop {
            let value = self.from_peer.load(Ordering::Acquire);
            if value != u64::MAX {
                self.from_peer.store(u64::MAX, Ordering::Release);
                self.peer.unpark();
                return value;
            }
            self.parker.park();
        }
    }
}

/// Our port, polled.
pub(crate) struct Spinning(MessagePort<u64>);

impl Spinning {
    pub(crate) fn pair() -> (Self, Self) {
        let MessageChannel { port1, port2 } = MessageChannel::new();
        (Self(port1), Self(port2))
    }
}

impl End for Spinning {
    fn send(&mut self, value: u64) {
        while self.0.try_post_message(&value).is_err() {
            std::hint::spin_loop();
        }
    }

    fn receive(&mut self) -> u64 {
        loop {
            if let Ok(value) = self.0.try_recv() {
                return value.to_native();
            }
            std::hint::spin_loop();
        }
    }
}

/// Our port, with the calls that sleep.
pub(crate) struct Blocking(MessagePort<u64>);

impl Blocking {
    pub(crate) fn pair() -> (Self, Self) {
        let MessageChannel { port1, port2 } = MessageChannel::new();
        (Self(port1), Self(port2))
    }
}

impl End for Blocking {
    fn send(&mut self, value: u64) {
        self.0.post_message(&value).unwrap();
    }

    fn receive(&mut self) -> u64 {
        self.0.recv().unwrap().to_native()
    }
}

/// A pair of rtrb rings, polled.
pub(crate) struct Rtrb(rtrb::Producer<u64>, rtrb::Consumer<u64>);

impl Rtrb {
    pub(crate) fn pair() -> (Self, Self) {
        let (a, b) = (rtrb::RingBuffer::new(4096), rtrb::RingBuffer::new(4096));
        (Self(a.0, b.1), Self(b.0, a.1))
    }
}

impl End for Rtrb {
    fn send(&mut self, value: u64) {
        while self.0.push(value).is_err() {
            std::hint::spin_loop();
        }
    }

    fn receive(&mut self) -> u64 {
        loop {
            if let Ok(value) = self.1.pop() {
                return value;
            }
            std::hint::spin_loop();
        }
    }
}

/// A pair of bounded crossbeam channels, with the calls that sleep.
pub(crate) struct Crossbeam(crossbeam_channel::Sender<u64>, crossbeam_channel::Receiver<u64>);

impl Crossbeam {
    pub(crate) fn pair() -> (Self, Self) {
        let (a, b) = (crossbeam_channel::bounded(4096), crossbeam_channel::bounded(4096));
        (Self(a.0, b.1), Self(b.0, a.1))
    }
}

impl End for Crossbeam {
    fn send(&mut self, value: u64) {
        self.0.send(value).unwrap();
    }

    fn receive(&mut self) -> u64 {
        self.1.recv().unwrap()
    }
}
