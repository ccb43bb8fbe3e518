//! Steps that several models take. None of them sleeps: a sleeping thread's barriers would order
//! what a model about visibility wants to find unordered.

use message_port::rkyv::Archived;
use message_port::{Message, MessagePort, TryPostError, TryRecvError};

use crate::layouts::Numbered;
use crate::thread;

/// Posts, yielding while there is no room.
///
/// # Errors
///
/// Those of `try_post_message` but `Full`.
pub fn post<Out: Message, In: Message>(
    port: &mut MessagePort<Out, In>,
    message: &Out,
) -> Result<(), TryPostError> {
    loop {
        match port.try_post_message(message) {
            Err(TryPostError::Full) => thread::yield_now(),
            result => return result,
        }
    }
}

/// Receives and reads, yielding while there is nothing.
///
/// # Errors
///
/// Those of `try_recv` but `Empty`.
pub fn receive<Out: Message, In: Message, R>(
    port: &mut MessagePort<Out, In>,
    read: impl FnOnce(&Archived<In>) -> R,
) -> Result<R, TryRecvError> {
    loop {
        match port.try_recv() {
            Ok(message) => return Ok(read(&message)),
            Err(TryRecvError::Empty) => thread::yield_now(),
            Err(error) => return Err(error),
        }
    }
}

/// Receives numbers until the channel has ended, and says how it ended.
pub fn drain<M: Numbered>(port: &mut MessagePort<M>) -> (Vec<u64>, TryRecvError) {
    let mut numbers = Vec::new();
    loop {
        match receive(port, M::number) {
            Ok(number) => numbers.push(number),
            Err(end) => return (numbers, end),
        }
    }
}
