//! The report of a close.

use super::outgoing::{Outgoing, Undelivered};

/// Who closed the channel first.
///
/// Exactly one of the two ports sees [`ThisPort`](Self::ThisPort).
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
    /// The port at which the event is dispatched.
    ThisPort,
    /// The other port.
    Peer,
}

/// Reports that the channel was closed, and how.
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
    /// The report as seen from `outgoing`'s port; `None` while the channel is open.
    pub(crate) fn of(outgoing: &Outgoing) -> Option<Self> {
        let ended = outgoing.link().state.ended();
        if !ended.is_closed() {
            return None;
        }
        Some(if ended.is_closed_first_by(outgoing.side()) {
            // The peer can still read what this port posted.
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

    /// Messages posted by this port that the peer, if it closed first, never read. Exact: every
    /// accepted post was read by the peer or is counted here. Zero at the first closer.
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

    /// Bytes of these messages' archives.
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
