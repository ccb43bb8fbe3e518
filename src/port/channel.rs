//! The channel: two rings, crossed.

use std::fmt;

use crate::archive::{self, Message};
use crate::half::{Incoming, Outgoing, Receiver, Sender};
use crate::insight::event;
use crate::link::wait::{WaitStrategy, Waiter};
use crate::link::{Link, Side};
use crate::port::MessagePort;
use crate::ring::{self, Consumer, Limits, OutOfMemory, Producer};
use crate::sync::Arc;

/// Two entangled ports: each receives, in order, what the other one posts, in both directions at
/// once.
///
/// Port 1 posts `A`s and port 2 posts `B`s; by default both post the same type. Source: the HTML
/// standard, section "Channel messaging", in the dialect that Cloudflare Workers documents.
///
/// # Examples
///
/// ```
/// use message_port::MessageChannel;
/// use std::thread;
///
/// let MessageChannel { mut port1, mut port2 } = MessageChannel::<String, usize>::new();
/// let worker = thread::spawn(move || {
///     port2.set_onmessage(|event| {
///         let length = event.data().len();
///         event.target().post_message(&length)
///     });
///     port2.run()
/// });
/// port1.post_message(&"hello".to_owned())?;
/// assert_eq!(*port1.recv()?, 5);
/// port1.close();
/// worker.join().unwrap()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct MessageChannel<A, B = A> {
    /// Posts `A`s, receives `B`s.
    pub port1: MessagePort<A, B>,
    /// Posts `B`s, receives `A`s.
    pub port2: MessagePort<B, A>,
}

impl<A: Message, B: Message> MessageChannel<A, B> {
    /// Makes the two rings and crosses them.
    ///
    /// # Safety
    ///
    /// If `trusted`, every archive that an `A` or a `B` makes of itself is valid.
    pub(crate) unsafe fn crossed(
        limits: Limits,
        strategy: WaitStrategy,
        eager_tasks: bool,
        trusted: bool,
    ) -> Result<Self, OutOfMemory> {
        let link = Link::new();
        let (to_port2, from_port1) = ring::new(limits, archive::layout::<A>())?;
        let (to_port1, from_port2) = ring::new(limits, archive::layout::<B>())?;
        event!(
            debug,
            channel = link.channel,
            capacity = limits.capacity,
            max_message = limits.max_message,
            growable = limits.growable,
            "channel made"
        );
        let halves = |producer: Producer, consumer: Consumer, side: Side| {
            let waiter = || Waiter::new(strategy, eager_tasks, link.barrier);
            let received = consumer.progress();
            (
                Outgoing::new(producer, Arc::clone(&link), side, waiter(), received),
                Incoming::new(consumer, Arc::clone(&link), side, waiter()),
            )
        };
        let (outgoing1, incoming1) = halves(to_port2, from_port2, Side::Port1);
        let (outgoing2, incoming2) = halves(to_port1, from_port1, Side::Port2);
        // SAFETY: only `B`s are posted to port 1; the caller vouches for their archives.
        let receiver1 = unsafe { Receiver::new(incoming1, trusted) };
        // SAFETY: only `A`s are posted to port 2; the caller vouches for their archives.
        let receiver2 = unsafe { Receiver::new(incoming2, trusted) };
        Ok(Self {
            port1: MessagePort::new(Sender::new(outgoing1, trusted), receiver1),
            port2: MessagePort::new(Sender::new(outgoing2, trusted), receiver2),
        })
    }
}

impl<A, B> fmt::Debug for MessageChannel<A, B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MessageChannel")
            .field("port1", &self.port1)
            .field("port2", &self.port2)
            .finish()
    }
}
