//! Many ports and receivers on one thread, by pulling.

#![allow(clippy::disallowed_types, reason = "`std::task::Wake` asks for the standard `Arc`")]

mod key;
#[cfg(all(test, not(message_port_loom)))]
mod tests;
mod turns;
mod watch;

pub use key::{Ready, SelectKey};
pub use watch::Selectable;

use std::any::Any;
use std::fmt;
use std::ops::{Index, IndexMut};
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::link::wait::{Barrier, Deadline, park};
use crate::sync::{Parker, spin_loop};
use turns::{Sleeper, Turns};

/// Waits until one of several ports and receivers has something to receive, without handlers.
///
/// The ports may have different types. They are lent to the select, and used through it:
/// [`recv`](Self::recv) returns the key of a port, and `select[key]` is the port. `remove` gives a
/// port back; dropping the select gives back all of them.
///
/// # When to use it
///
/// Use it in a thread with a few channels and a loop of its own. If each message has a handler
/// anyway, an [`EventLoop`](crate::EventLoop) owns its ports, and also takes new ones from other
/// threads. In a task, use the `select!` of its runtime.
///
/// # Ready
///
/// A port is ready if [`try_recv`](crate::MessagePort::try_recv) would not return `Empty`: a
/// message waits, valid or not, or the channel has come to its end. It stays ready until that has
/// changed, so a port whose channel has ended is ready again and again until it is
/// [removed](Self::remove).
///
/// Ready ports take turns: no port is returned twice while another one stays ready without being
/// returned once.
///
/// # Cost
///
/// A quiet port costs nothing per wait, however many there are: a wait looks only at ports that
/// were woken, or were used through the select since the last one. A port that is found empty pays
/// for going to sleep (a system call, where there is `membarrier`), and the next post pays for
/// waking it. A wait allocates nothing.
///
/// # A message borrows the select
///
/// A `match` on `try_recv` holds that borrow in each of its arms, even where there is no message.
/// To use the select there (to [remove](Self::remove) a port that has ended), take what is needed
/// out first, as in `match select[port].try_recv().map(|number| number.to_native())`; or use
/// `if let` with `else`, which releases it before the `else` (edition 2024).
///
/// To post while a message is in hand, lend only the receiving halves, from [`split_mut`](crate::MessagePort::split_mut) or
/// [`into_split`](crate::MessagePort::into_split).
///
/// # Examples
///
/// ```
/// use message_port::{MessageChannel, RecvError, Select, TryRecvError};
/// use std::thread;
///
/// let MessageChannel { port1: mut orders, port2: mut desk } = MessageChannel::<String, u64>::new();
/// let MessageChannel { port1: mut clock, port2: mut ticks } = MessageChannel::<u64>::new();
///
/// let worker = thread::spawn(move || {
///     let (sender, orders) = desk.split_mut();
///     let mut select = Select::new();
///     let orders = select.recv(orders);
///     let ticks = select.recv(&mut ticks);
///     let mut now = 0;
///     while !select.is_empty() {
///         let ready = select.ready();
///         if ready == orders {
///             if let Ok(order) = select[orders].try_recv() {
///                 sender.post_message(&(now + order.len() as u64)).unwrap();
///             } else {
///                 select.remove(orders); // no more of them
///             }
///         } else if let Ok(tick) = select[ticks].try_recv() {
///             now = tick.to_native();
///         } else {
///             select.remove(ticks);
///         }
///     }
///     now
/// });
///
/// orders.post_message(&"tea".to_owned())?;
/// assert_eq!(*orders.recv()?, 3);
/// orders.close();
/// clock.post_message(&1000)?;
/// clock.close();
/// assert_eq!(worker.join().unwrap(), 1000);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Select<'a> {
    turns: Turns<'a>,
    sleeper: Arc<Sleeper>,
    parker: Parker,
}

impl<'a> Select<'a> {
    /// Makes a select without ports.
    ///
    /// # Examples
    ///
    /// ```
    /// use message_port::Select;
    ///
    /// assert!(Select::new().is_empty());
    /// ```
    pub fn new() -> Self {
        let parker = Parker::new();
        let sleeper = Sleeper::new(parker.unparker().clone());
        Self { turns: Turns::new(Arc::clone(&sleeper)), sleeper, parker }
    }

    /// Watches a port or a receiver for something to receive; returns the key by which it is
    /// used from now on.
    ///
    /// # Examples
    ///
    /// ```
    /// use message_port::{MessageChannel, Select};
    ///
    /// let mut numbers = MessageChannel::<u64>::new();
    /// let (_sender, mut texts) = MessageChannel::<String>::new().port2.into_split();
    /// let mut select = Select::new();
    /// let numbers = select.recv(&mut numbers.port2);
    /// let texts = select.recv(&mut texts);
    /// assert!(select[numbers].is_empty() && select[texts].is_empty());
    /// ```
    pub fn recv<P: Selectable>(&mut self, port: &'a mut P) -> SelectKey<P> {
        SelectKey::new(self.turns.add(port))
    }

    /// Stops watching a port and gives it back; `None` if it is not here.
    ///
    /// # Examples
    ///
    /// ```
    /// use message_port::{MessageChannel, Select};
    ///
    /// let MessageChannel { mut port1, port2: _peer } = MessageChannel::<u64>::new();
    /// let mut select = Select::new();
    /// let key = select.recv(&mut port1);
    /// assert!(select.remove(key).is_some());
    /// assert!(select.remove(key).is_none());
    /// ```
    pub fn remove<P: Selectable>(&mut self, key: SelectKey<P>) -> Option<&'a mut P> {
        let port: &mut dyn Any = self.turns.remove(key.ready)?;
        port.downcast_mut()
    }

    /// Returns the key of a port that was found ready, for a select of many ports of one type;
    /// `None` if the port has another type, or is not here.
    ///
    /// # Examples
    ///
    /// ```
    /// use message_port::{MessageChannel, MessagePort, Select};
    ///
    /// let mut channels = [(); 3].map(|()| MessageChannel::<u64>::new());
    /// channels[1].port1.post_message(&7)?;
    /// let mut select = Select::new();
    /// for channel in &mut channels {
    ///     select.recv(&mut channel.port2);
    /// }
    /// let ready = select.ready();
    /// let port = select.key::<MessagePort<u64>>(ready).unwrap();
    /// assert_eq!(*select[port].try_recv()?, 7);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn key<P: Selectable>(&self, ready: Ready) -> Option<SelectKey<P>> {
        let port: &dyn Any = self.turns.port(ready)?;
        port.is::<P>().then(|| SelectKey::new(ready))
    }

    /// Ports that are watched.
    ///
    /// # Examples
    ///
    /// ```
    /// use message_port::Select;
    ///
    /// assert_eq!(Select::new().len(), 0);
    /// ```
    pub fn len(&self) -> usize {
        self.turns.len()
    }

    /// Whether no port is watched.
    ///
    /// # Examples
    ///
    /// ```
    /// use message_port::Select;
    ///
    /// assert!(Select::new().is_empty());
    /// ```
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Waits until one of the ports is ready, and returns which. Blocks until then.
    ///
    /// # Panics
    ///
    /// If no port is watched, so that nothing could end the wait; or if the call would wait for ever
    /// [because there is no other thread](crate::WaitStrategy#where-there-is-no-other-thread).
    ///
    /// # Examples
    ///
    /// ```
    /// use message_port::{MessageChannel, Select};
    ///
    /// let MessageChannel { mut port1, port2 } = MessageChannel::<u64>::new();
    /// let mut select = Select::new();
    /// let port = select.recv(&mut port1);
    /// std::thread::spawn(move || drop(port2));
    /// assert!(select.ready() == port);
    /// assert!(select[port].try_recv().unwrap_err().is_disconnected());
    /// ```
    pub fn ready(&mut self) -> Ready {
        assert!(!self.is_empty(), "a select without ports waits for nothing");
        match self.wait(Deadline::Never) {
            Some(ready) => ready,
            None => unreachable!("a wait without a deadline timed out"),
        }
    }

    /// Returns a port that is ready, or `None` if none is. Never waits.
    ///
    /// Looks at the ports that have been ready, or were used, since the last call that waited, and
    /// at the others only if they were woken. If no call ever waits, it looks at all of them.
    ///
    /// # Examples
    ///
    /// ```
    /// use message_port::{MessageChannel, Select};
    ///
    /// let MessageChannel { mut port1, mut port2 } = MessageChannel::<u64>::new();
    /// let mut select = Select::new();
    /// let port = select.recv(&mut port2);
    /// assert!(select.try_ready().is_none());
    /// port1.post_message(&7)?;
    /// assert!(select.try_ready().is_some_and(|ready| ready == port));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn try_ready(&mut self) -> Option<Ready> {
        self.turns.find(false)
    }

    /// Waits until one of the ports is ready, at most `timeout`; any `Duration` will do. `None` if
    /// none was in time. A port that is already ready is found even with a timeout of zero.
    ///
    /// # Examples
    ///
    /// ```
    /// use message_port::{MessageChannel, Select};
    /// use std::time::Duration;
    ///
    /// let MessageChannel { mut port1, port2: _silent } = MessageChannel::<u64>::new();
    /// let mut select = Select::new();
    /// select.recv(&mut port1);
    /// assert!(select.ready_timeout(Duration::from_millis(1)).is_none());
    /// ```
    pub fn ready_timeout(&mut self, timeout: Duration) -> Option<Ready> {
        self.wait(Deadline::Within(timeout))
    }

    /// Waits until one of the ports is ready, or until `deadline`, which may have passed. `None` if
    /// none was in time. A port that is already ready is found even after the deadline.
    ///
    /// # Examples
    ///
    /// ```
    /// use message_port::{MessageChannel, Select};
    /// use std::time::{Duration, Instant};
    ///
    /// let MessageChannel { mut port1, port2: _silent } = MessageChannel::<u64>::new();
    /// let mut select = Select::new();
    /// select.recv(&mut port1);
    /// assert!(select.ready_deadline(Instant::now() + Duration::from_millis(1)).is_none());
    /// ```
    pub fn ready_deadline(&mut self, deadline: Instant) -> Option<Ready> {
        self.wait(Deadline::At(deadline))
    }

    fn wait(&mut self, deadline: Deadline<'_>) -> Option<Ready> {
        #[cfg_attr(not(message_port_loom), allow(unused_mut, reason = "loom's clock moves by it"))]
        let mut deadline = deadline.fixed();
        let mut tries = 0;
        loop {
            if deadline.has_passed() {
                return self.try_ready();
            }
            if let Some(ready) = self.turns.find(true) {
                return Some(ready);
            }
            // Ports that fell asleep meanwhile have rung; they are looked at once more, all of them
            // after one nap.
            Barrier::wait_out_the_change();
            let Sleeper { rung, glance, .. } = &*self.sleeper;
            if !rung.is_empty() {
                // A port also rings while a notifier is just taking its waker. A notifier that was
                // preempted there gets the CPU after a while.
                if tries < RINGING_TRIES || cfg!(message_port_loom) {
                    tries += 1;
                    spin_loop();
                } else {
                    self.parker.park_deadline(Instant::now());
                    self.parker.park_deadline(deadline.nap());
                }
                continue;
            }
            tries = 0;
            if glance.look(|| !rung.is_empty()) {
                continue;
            }
            match deadline {
                Deadline::At(deadline) => park(&self.parker, Some(deadline)),
                _ => park(&self.parker, None),
            }
            #[cfg(message_port_loom)]
            if matches!(deadline, Deadline::At(_)) {
                deadline = Deadline::Now;
            }
        }
    }
}

/// The port, by shared reference.
///
/// # Panics
///
/// If the port is not here.
impl<P: Selectable> Index<SelectKey<P>> for Select<'_> {
    type Output = P;

    fn index(&self, key: SelectKey<P>) -> &P {
        let port = self.turns.port(key.ready).and_then(|port| {
            let port: &dyn Any = port;
            port.downcast_ref()
        });
        port.expect(NOT_HERE)
    }
}

/// The port, to receive from it or to use it in any other way. The next wait looks at it again.
///
/// # Panics
///
/// If the port is not here.
impl<P: Selectable> IndexMut<SelectKey<P>> for Select<'_> {
    fn index_mut(&mut self, key: SelectKey<P>) -> &mut P {
        let port = self.turns.lend(key.ready).and_then(|port| {
            let port: &mut dyn Any = port;
            port.downcast_mut()
        });
        port.expect(NOT_HERE)
    }
}

/// Looks at ports that ring without having anything, before the thread naps between looks.
const RINGING_TRIES: u32 = 128;

const NOT_HERE: &str = "the key names no port of this select";

impl Default for Select<'_> {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Select<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Select").field("ports", &self.len()).finish_non_exhaustive()
    }
}
