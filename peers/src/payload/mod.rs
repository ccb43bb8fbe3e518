//! The messages that are sent.

mod heap;
mod structs;

use rkyv::api::high::{HighSerializer, HighValidator};
use rkyv::bytecheck::CheckBytes;
use rkyv::rancor::Error;
use rkyv::ser::allocator::ArenaHandle;
use rkyv::util::AlignedVec;
use rkyv::{Archive, Archived, Serialize};

use message_port::Message;

pub(crate) use heap::{Bytes, Order, Shared};
pub(crate) use structs::{Pair, Quote, Snapshot, Tick};

/// A value that every peer can carry: as a clone, or as an archive.
///
/// The sender has one value, stamps it with the number of the message and sends a copy.
pub(crate) trait Payload:
    Message
    + Archive<Archived: for<'a> CheckBytes<HighValidator<'a, Error>>>
    + for<'a> Serialize<HighSerializer<AlignedVec, ArenaHandle<'a>, Error>>
    + Clone
    + Default
    + Send
    + Sync
    + 'static
{
    /// What a row calls it.
    const NAME: &'static str;
    /// Messages that a queue of values has room for.
    const DEPTH: usize;
    /// Bytes of a ring with room for about as many.
    const RING: usize = 64 * 1024;
    /// Whether a clone is more than a copy of the bytes of the value itself.
    const HAS_HEAP: bool;
    /// Steps of [work](crate::measure::pace) per message of an end that is slowed on purpose: a few
    /// times what a fast peer does for a message, so that the other end keeps up with it.
    const PAUSE: u32;
    /// Messages in one correctness check: twice around every queue.
    const CHECKED: u64 = 2 * Self::DEPTH as u64 + 3;

    /// The value that is sent.
    fn sample() -> Self;
    /// Makes it the message of this number.
    fn stamp(&mut self, number: u64);
    /// Makes this a copy of `from`, with the memory that it has already.
    fn assign(&mut self, from: &Self);
    /// Reads a few fields: what the receiver of a measured message does.
    fn touch(&self) -> u64;
    /// The same of an archive.
    fn touch_archived(archived: &Archived<Self>) -> u64;
    /// Reads everything; differs if anything differs.
    fn digest(&self) -> u64;
    /// The same of an archive.
    fn digest_archived(archived: &Archived<Self>) -> u64;
}

/// How a receiver reads what arrived.
pub(crate) trait Reading {
    fn owned<T: Payload>(message: &T) -> u64;
    fn archived<T: Payload>(message: &Archived<T>) -> u64;
}

/// Reads a few fields.
pub(crate) struct Touch;

impl Reading for Touch {
    #[inline(always)]
    fn owned<T: Payload>(message: &T) -> u64 {
        message.touch()
    }

    #[inline(always)]
    fn archived<T: Payload>(message: &Archived<T>) -> u64 {
        T::touch_archived(message)
    }
}

/// Reads everything.
pub(crate) struct Digest;

impl Reading for Digest {
    fn owned<T: Payload>(message: &T) -> u64 {
        message.digest()
    }

    fn archived<T: Payload>(message: &Archived<T>) -> u64 {
        T::digest_archived(message)
    }
}

/// One step of a hash in which the order matters.
fn mix(hash: u64, word: u64) -> u64 {
    (hash.rotate_left(5) ^ word).wrapping_mul(0x517c_c1b7_2722_0a95)
}

fn mix_bytes(hash: u64, bytes: &[u8]) -> u64 {
    let mut words = bytes.chunks_exact(8);
    let mut hash = mix(hash, bytes.len() as u64);
    for word in &mut words {
        hash = mix(hash, u64::from_le_bytes(word.try_into().expect("a chunk of eight")));
    }
    words.remainder().iter().fold(hash, |hash, byte| mix(hash, u64::from(*byte)))
}

impl Payload for u64 {
    const NAME: &'static str = "u64";
    const DEPTH: usize = 4096;
    const HAS_HEAP: bool = false;
    const PAUSE: u32 = 64;

    fn sample() -> Self {
        0
    }

    #[inline(always)]
    fn stamp(&mut self, number: u64) {
        *self = number;
    }

    #[inline(always)]
    fn assign(&mut self, from: &Self) {
        *self = *from;
    }

    #[inline(always)]
    fn touch(&self) -> u64 {
        *self
    }

    #[inline(always)]
    fn touch_archived(archived: &Archived<Self>) -> u64 {
        archived.to_native()
    }

    fn digest(&self) -> u64 {
        mix(1, *self)
    }

    fn digest_archived(archived: &Archived<Self>) -> u64 {
        mix(1, archived.to_native())
    }
}
