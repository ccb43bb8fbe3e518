//! How the ports of a select are named.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::marker::PhantomData;

use crate::event_loop::PortId;

/// Names a port of a [`Select`](crate::Select) that has something to receive, or has ended.
///
/// Compare it with the [key](SelectKey) of a port, or let the select [look up the
/// key](crate::Select::key).
///
/// # Examples
///
/// ```
/// use message_port::{MessageChannel, Select};
///
/// let MessageChannel { mut port1, mut port2 } = MessageChannel::<u64>::new();
/// let mut select = Select::new();
/// let numbers = select.recv(&mut port2);
/// port1.post_message(&7)?;
/// assert!(select.ready() == numbers);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Ready {
    pub(super) id: PortId,
    pub(super) place: usize,
}

impl fmt::Debug for Ready {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Ready").field(&self.place).finish()
    }
}

/// Names a port of the type `P` inside its [`Select`](crate::Select). A key is never reused, and
/// means nothing in another select.
///
/// # Examples
///
/// ```
/// use message_port::{MessageChannel, MessagePort, Select, SelectKey};
///
/// let MessageChannel { mut port1, mut port2 } = MessageChannel::<u64>::new();
/// let mut select = Select::new();
/// let numbers: SelectKey<MessagePort<u64>> = select.recv(&mut port2);
/// port1.post_message(&7)?;
/// assert_eq!(*select[numbers].try_recv()?, 7);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct SelectKey<P> {
    pub(super) ready: Ready,
    port: PhantomData<fn() -> P>,
}

impl<P> SelectKey<P> {
    pub(super) fn new(ready: Ready) -> Self {
        Self { ready, port: PhantomData }
    }
}

impl<P> Clone for SelectKey<P> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<P> Copy for SelectKey<P> {}

impl<P> PartialEq for SelectKey<P> {
    fn eq(&self, other: &Self) -> bool {
        self.ready == other.ready
    }
}

impl<P> Eq for SelectKey<P> {}

impl<P> Hash for SelectKey<P> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.ready.hash(state);
    }
}

impl<P> PartialEq<SelectKey<P>> for Ready {
    fn eq(&self, key: &SelectKey<P>) -> bool {
        *self == key.ready
    }
}

impl<P> PartialEq<Ready> for SelectKey<P> {
    fn eq(&self, ready: &Ready) -> bool {
        self.ready == *ready
    }
}

impl<P> fmt::Debug for SelectKey<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SelectKey").field(&self.ready.place).finish()
    }
}
