//! The report of a close.

use super::outgoing::{Outgoing, Undelivered};

/// Who closed the channel first.
///
/// Of the two ports exactly one sees [`ThisPort`](Self::ThisPort).
///
/// # Examples
///
/// ```
/// use message_port::{ClosedBy, MessageChannel};
///
/// let MessageChannel { mut port1, mut port2 } = MessageChannel::<u64>::new();
/// port1.set_onclose(|event| assert_eq!(event.closed_by(), ClosedBy::Peer));
/// port2.set_onclose(|event| assert_eq!(event.closed_by(), ClosedBy::ThisPort));
/// port2.close();
/// assert_eq!(port1.dispatch()? + port2.dispatch()?, 2);
/// # Ok::<(), message_port::DispatchError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum ClosedBy {
    /// The port that the event is dispatched at.
    ThisPort,
    /// The other port.
    Peer,
}

/// The channel was closed: the report of how.
///
/// # Examples
///
/// ```
/// use message_port::MessageChannel;
///
/// let MessageChannel { mut port1, mut port2 } = MessageChannel::<u64>::new();
/// port1.post_message(&7)?;
/// port1.set_onclose(|event| {
///     assert_eq!(event.undelivered_messages(), 1);
///     assert_eq!(event.undelivered_bytes(), 8);
/// });
/// port2.close(); // without having read the 7
/// port1.dispatch()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct CloseEvent {
    closed_by: ClosedBy,
    undelivered: Undelivered,
}

impl CloseEvent {
    /// The report as seen from the port that `outgoing` is a half of; `None` while it is open.
    pub(crate) fn of(outgoing: &Outgoing) -> Option<Self> {
        let ended = outgoing.link().state.ended();
        if !ended.is_closed() {
            return None;
        }
        Some(if ended.is_closed_first_by(outgoing.side()) {
            // What this port posted is still the peer's to read.
            Self { closed_by: ClosedBy::ThisPort, undelivered: Undelivered::default() }
        } else {
            Self { closed_by: ClosedBy::Peer, undelivered: outgoing.undelivered() }
        })
    }

    /// Who closed first.
    ///
    /// # Examples
    ///
    /// ```
    /// use message_port::{ClosedBy, MessageChannel};
    ///
    /// let MessageChannel { mut port1, .. } = MessageChannel::<u64>::new();
    /// port1.set_onclose(|event| assert_eq!(event.closed_by(), ClosedBy::ThisPort));
    /// port1.close();
    /// port1.dispatch()?;
    /// # Ok::<(), message_port::DispatchError>(())
    /// ```
    pub fn closed_by(&self) -> ClosedBy {
        self.closed_by
    }

    /// Messages posted by this port that the first closer, if that is the peer, never read. Exact:
    /// every accepted post was read by the peer or is counted here. At the first closer it is 0.
    ///
    /// # Examples
    ///
    /// ```
    /// use message_port::MessageChannel;
    ///
    /// let MessageChannel { mut port1, mut port2 } = MessageChannel::<u64>::new();
    /// port1.post_message(&1)?;
    /// port1.post_message(&2)?;
    /// port2.recv()?;
    /// port2.close();
    /// port1.set_onclose(|event| assert_eq!(event.undelivered_messages(), 1));
    /// port1.dispatch()?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn undelivered_messages(&self) -> u64 {
        self.undelivered.messages
    }

    /// Bytes of the archives of these messages.
    ///
    /// # Examples
    ///
    /// ```
    /// use message_port::MessageChannel;
    ///
    /// let MessageChannel { mut port1, mut port2 } = MessageChannel::<[u8; 100]>::new();
    /// port1.post_message(&[0; 100])?;
    /// port2.close();
    /// port1.set_onclose(|event| assert_eq!(event.undelivered_bytes(), 100));
    /// port1.dispatch()?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn undelivered_bytes(&self) -> u64 {
        self.undelivered.bytes
    }
}
