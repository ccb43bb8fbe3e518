//! The messages that are sent.

use rkyv::api::high::{HighSerializer, HighValidator};
use rkyv::bytecheck::CheckBytes;
use rkyv::rancor::Error;
use rkyv::ser::allocator::ArenaHandle;
use rkyv::util::AlignedVec;
use rkyv::{Archive, Archived, Serialize};

use message_port::Message;

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

/// 64 bytes of numbers.
#[derive(Archive, Serialize, Clone, Copy, Default)]
#[repr(C)]
pub(crate) struct Quote {
    number: u64,
    time: u64,
    bid: f64,
    ask: f64,
    bid_size: u64,
    ask_size: u64,
    instrument: u64,
    venue: u32,
    flags: u32,
}

impl Payload for Quote {
    const NAME: &'static str = "struct-64";
    const DEPTH: usize = 1024;
    const HAS_HEAP: bool = false;

    fn sample() -> Self {
        Self {
            number: 0,
            time: 1_700_000_000,
            bid: 99.5,
            ask: 100.25,
            bid_size: 300,
            ask_size: 200,
            instrument: 77,
            venue: 3,
            flags: 1,
        }
    }

    #[inline(always)]
    fn stamp(&mut self, number: u64) {
        self.number = number;
    }

    #[inline(always)]
    fn assign(&mut self, from: &Self) {
        *self = *from;
    }

    #[inline(always)]
    fn touch(&self) -> u64 {
        self.number.wrapping_add(self.ask_size).wrapping_add(u64::from(self.flags))
    }

    #[inline(always)]
    fn touch_archived(archived: &Archived<Self>) -> u64 {
        archived
            .number
            .to_native()
            .wrapping_add(archived.ask_size.to_native())
            .wrapping_add(u64::from(archived.flags.to_native()))
    }

    fn digest(&self) -> u64 {
        let words = [
            self.number,
            self.time,
            self.bid.to_bits(),
            self.ask.to_bits(),
            self.bid_size,
            self.ask_size,
            self.instrument,
            u64::from(self.venue),
            u64::from(self.flags),
        ];
        words.into_iter().fold(2, mix)
    }

    fn digest_archived(archived: &Archived<Self>) -> u64 {
        Self {
            number: archived.number.to_native(),
            time: archived.time.to_native(),
            bid: archived.bid.to_native(),
            ask: archived.ask.to_native(),
            bid_size: archived.bid_size.to_native(),
            ask_size: archived.ask_size.to_native(),
            instrument: archived.instrument.to_native(),
            venue: archived.venue.to_native(),
            flags: archived.flags.to_native(),
        }
        .digest()
    }
}

/// What an application sends: strings, a list, something optional, numbers.
#[derive(Archive, Serialize, Clone, Default)]
pub(crate) struct Order {
    number: u64,
    customer: String,
    article: String,
    quantities: Vec<u32>,
    note: Option<String>,
    price: f64,
    priority: u32,
}

impl Payload for Order {
    const NAME: &'static str = "order";
    const DEPTH: usize = 256;
    const HAS_HEAP: bool = true;

    fn sample() -> Self {
        Self {
            number: 0,
            customer: "Ada Lovelace, 12 St James's Square".to_owned(),
            article: "analytical engine, brass".to_owned(),
            quantities: (1..=12).collect(),
            note: Some("deliver after four".to_owned()),
            price: 1834.5,
            priority: 2,
        }
    }

    #[inline(always)]
    fn stamp(&mut self, number: u64) {
        self.number = number;
    }

    fn assign(&mut self, from: &Self) {
        self.number = from.number;
        self.customer.clone_from(&from.customer);
        self.article.clone_from(&from.article);
        self.quantities.clone_from(&from.quantities);
        self.note.clone_from(&from.note);
        self.price = from.price;
        self.priority = from.priority;
    }

    #[inline(always)]
    fn touch(&self) -> u64 {
        self.number
            .wrapping_add(self.quantities.iter().map(|n| u64::from(*n)).sum())
            .wrapping_add(self.customer.len() as u64)
            .wrapping_add(u64::from(self.priority))
    }

    #[inline(always)]
    fn touch_archived(archived: &Archived<Self>) -> u64 {
        archived
            .number
            .to_native()
            .wrapping_add(archived.quantities.iter().map(|n| u64::from(n.to_native())).sum())
            .wrapping_add(archived.customer.len() as u64)
            .wrapping_add(u64::from(archived.priority.to_native()))
    }

    fn digest(&self) -> u64 {
        let mut hash = mix(3, self.number);
        hash = mix_bytes(hash, self.customer.as_bytes());
        hash = mix_bytes(hash, self.article.as_bytes());
        hash = self.quantities.iter().fold(hash, |hash, n| mix(hash, u64::from(*n)));
        hash = self.note.as_ref().map_or(mix(hash, 1), |note| mix_bytes(hash, note.as_bytes()));
        mix(mix(hash, self.price.to_bits()), u64::from(self.priority))
    }

    fn digest_archived(archived: &Archived<Self>) -> u64 {
        Self {
            number: archived.number.to_native(),
            customer: archived.customer.as_str().to_owned(),
            article: archived.article.as_str().to_owned(),
            quantities: archived.quantities.iter().map(|n| n.to_native()).collect(),
            note: archived.note.as_ref().map(|note| note.as_str().to_owned()),
            price: archived.price.to_native(),
            priority: archived.priority.to_native(),
        }
        .digest()
    }
}

/// `SIZE` bytes on the heap.
#[derive(Archive, Serialize, Clone, Default)]
pub(crate) struct Bytes<const SIZE: usize> {
    bytes: Vec<u8>,
}

impl<const SIZE: usize> Bytes<SIZE> {
    /// The message itself, for a plain copy of it.
    pub(crate) fn as_slice(&self) -> &[u8] {
        &self.bytes
    }

    /// The place of a message, for the same.
    pub(crate) fn as_mut_slice(&mut self) -> &mut [u8] {
        &mut self.bytes
    }

    #[inline(always)]
    fn touch_bytes(bytes: &[u8]) -> u64 {
        let number = bytes.first_chunk().map_or(0, |word| u64::from_le_bytes(*word));
        let last = bytes.last().copied().unwrap_or_default();
        number.wrapping_add(u64::from(last)).wrapping_add(bytes.len() as u64)
    }
}

impl<const SIZE: usize> Payload for Bytes<SIZE> {
    const NAME: &'static str = match SIZE {
        0x400 => "bytes-1k",
        0x1000 => "bytes-4k",
        0x1_0000 => "bytes-64k",
        0x10_0000 => "bytes-1m",
        _ => "bytes",
    };
    const DEPTH: usize = if SIZE <= 0x1000 { 0x1_0000 / SIZE } else { 8 };
    const RING: usize = if SIZE == 0x1_0000 { 8 * SIZE } else { 0x1_0000 };
    const HAS_HEAP: bool = true;

    fn sample() -> Self {
        // Different bytes everywhere: a copy of the wrong place is noticed.
        #[expect(clippy::cast_possible_truncation, reason = "masked")]
        let bytes = (0..SIZE).map(|n| ((n * 7 + n / 251) & 0xff) as u8).collect();
        Self { bytes }
    }

    #[inline(always)]
    fn stamp(&mut self, number: u64) {
        if let Some(first) = self.bytes.first_chunk_mut() {
            *first = number.to_le_bytes();
        }
    }

    fn assign(&mut self, from: &Self) {
        self.bytes.clone_from(&from.bytes);
    }

    #[inline(always)]
    fn touch(&self) -> u64 {
        Self::touch_bytes(&self.bytes)
    }

    #[inline(always)]
    fn touch_archived(archived: &Archived<Self>) -> u64 {
        Self::touch_bytes(&archived.bytes)
    }

    fn digest(&self) -> u64 {
        mix_bytes(4, &self.bytes)
    }

    fn digest_archived(archived: &Archived<Self>) -> u64 {
        mix_bytes(4, &archived.bytes)
    }
}
