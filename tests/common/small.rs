//! Channels with rings so small that they are soon full.

use message_port::{Message, MessageChannel, MessagePort};

use super::clone::Doubtful;

/// Bytes of the rings here. Archives of up to 120 bytes are written in place, longer ones are
/// spilled.
pub(crate) const CAPACITY: usize = 256;
/// An archive of this many bytes is spilled.
pub(crate) const SPILLED: usize = 1000;

/// A channel of such rings.
pub(crate) fn channel<T: Message>() -> MessageChannel<T> {
    MessageChannel::with_capacity(CAPACITY)
}

/// Fills the ring and says with how many messages.
pub(crate) fn fill(port: &mut MessagePort<Doubtful>) -> usize {
    let mut posted = 0;
    loop {
        match port.try_post_message(&Doubtful::good(&[1; 10])) {
            Ok(()) => posted += 1,
            Err(error) => {
                assert!(error.is_full(), "{error}");
                return posted;
            }
        }
    }
}
