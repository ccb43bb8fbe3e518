//! Messages with parts on the heap.

use std::sync::Arc;

use rkyv::{Archive, Archived, Serialize};

use super::{Payload, mix, mix_bytes};

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
    const PAUSE: u32 = 256;

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

/// Two pointers to the same string: the archive has it once.
#[derive(Archive, Serialize, Clone, Default)]
pub(crate) struct Shared {
    number: u64,
    name: Arc<String>,
    again: Arc<String>,
}

impl Payload for Shared {
    const NAME: &'static str = "shared";
    const DEPTH: usize = 256;
    const HAS_HEAP: bool = true;
    const PAUSE: u32 = 256;

    fn sample() -> Self {
        let name = Arc::new("a name that both pointers share".to_owned());
        Self { number: 0, again: Arc::clone(&name), name }
    }

    #[inline(always)]
    fn stamp(&mut self, number: u64) {
        self.number = number;
    }

    fn assign(&mut self, from: &Self) {
        self.clone_from(from);
    }

    #[inline(always)]
    fn touch(&self) -> u64 {
        self.number.wrapping_add(self.name.len() as u64)
    }

    #[inline(always)]
    fn touch_archived(archived: &Archived<Self>) -> u64 {
        archived.number.to_native().wrapping_add(archived.name.len() as u64)
    }

    fn digest(&self) -> u64 {
        mix_bytes(mix_bytes(mix(6, self.number), self.name.as_bytes()), self.again.as_bytes())
    }

    fn digest_archived(archived: &Archived<Self>) -> u64 {
        let hash = mix_bytes(mix(6, archived.number.to_native()), archived.name.as_bytes());
        mix_bytes(hash, archived.again.as_bytes())
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
    const PAUSE: u32 = match SIZE {
        0..=0x400 => 128,
        0x401..=0x1000 => 256,
        0x1001..=0x1_0000 => 2048,
        _ => 0x8000,
    };

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
