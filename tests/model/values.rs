//! The messages of the programs: their contents, their sizes, and how their serialisation
//! misbehaves.

use std::cell::RefCell;
use std::fmt;
use std::panic::resume_unwind;
use std::rc::Rc;

use message_port::{Message, MessageRef, rkyv};
use rkyv::rancor::{Error as Failure, Fallible, Source};
use rkyv::ser::{Allocator, Writer};
use rkyv::util::AlignedVec;
use rkyv::vec::{ArchivedVec, VecResolver};
use rkyv::{Archive, Archived, Deserialize, Place, Serialize};

use super::content::Content;

/// Which type a port posts.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Kind {
    /// [`Flexible`].
    Flexible,
    /// An array of this many `u64`: goes by a plain copy.
    Plain(usize),
    /// [`Order`].
    Order,
}

/// A message that a program posts; the types other than [`Flexible`] know no `manner`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Value {
    /// Bytes of contents, where the type has a choice.
    pub(crate) length: usize,
    pub(crate) manner: Manner,
}

/// What a [`Flexible`] does when it is serialised. It counts how often that happens.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Manner {
    /// Writes the same each time.
    Honest,
    /// Fails at this write (the first is 0), halfway.
    Fail(usize),
    /// Panics at this write, halfway.
    Panic(usize),
    /// Has so many bytes more with each write.
    Grow(usize),
    /// Has so many bytes less with each write.
    Shrink(usize),
    /// Claims to have so many more bytes than it wrote (and their padding).
    FalseLength(usize),
}

/// What happens to an archive before it is posted as it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Damage {
    None,
    /// So many bytes at its end are cut off.
    End(usize),
    /// So many bytes at its start are cut off.
    Start(usize),
    /// So many bytes stand in front of it, which leaves it valid where its root stays aligned.
    Front(usize),
    /// Bits of the byte there are flipped; the place is taken modulo the length.
    Bits {
        at: usize,
        mask: u8,
    },
}

/// What one serialisation came to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Write {
    /// An archive of this many bytes.
    Length(usize),
    Failed,
    Panicked,
}

impl Kind {
    /// Whether the type misbehaves as a [`Manner`] says.
    pub(crate) fn has_manners(self) -> bool {
        self == Self::Flexible
    }

    /// Bytes of each archive, where they are so few and all the same that they lie in blocks.
    pub(crate) fn one_size(self) -> Option<usize> {
        match self {
            Self::Plain(words) => Some(words * 8).filter(|bytes| *bytes <= 512),
            Self::Flexible | Self::Order => None,
        }
    }

    /// Bytes of the archive of `value` as its write number `write` makes it.
    pub(crate) fn archive_length(self, value: &Value, write: usize) -> usize {
        match self {
            // The root is a relative pointer and a length, of four bytes each, aligned to four.
            Self::Flexible => value.length_at(write).next_multiple_of(4) + 8,
            Self::Plain(words) => words * 8,
            Self::Order => {
                let order = Order::make(value, 0);
                rkyv::to_bytes::<Failure>(&order).map_or(0, |bytes| bytes.len())
            }
        }
    }

    /// The contents of an archive that was posted as it is; `None` if it is not valid.
    pub(crate) fn read(self, archive: &[u8]) -> Option<Content> {
        match self {
            Self::Flexible => Flexible::read(archive),
            Self::Plain(0) => <[u64; 0]>::read(archive),
            Self::Plain(1) => <[u64; 1]>::read(archive),
            Self::Plain(3) => <[u64; 3]>::read(archive),
            Self::Plain(20) => <[u64; 20]>::read(archive),
            Self::Plain(64) => <[u64; 64]>::read(archive),
            Self::Plain(65) => <[u64; 65]>::read(archive),
            Self::Plain(_) => None,
            Self::Order => Order::read(archive),
        }
    }

    /// The contents that arrive when write number `write` of `value` was posted; `None` if what
    /// arrives is no valid archive.
    pub(crate) fn content(self, value: &Value, serial: u64, write: usize) -> Option<Content> {
        let bytes = match self {
            Self::Flexible if matches!(value.manner, Manner::FalseLength(_)) => return None,
            Self::Flexible => pattern(serial, write, value.length_at(write)),
            Self::Plain(words) => pattern(serial, 0, words * 8),
            Self::Order => Order::make(value, serial).flat(),
        };
        Some(Content::of(&bytes))
    }
}

impl Damage {
    pub(crate) fn to(self, mut archive: Vec<u8>) -> Vec<u8> {
        match self {
            Self::None => {}
            Self::End(bytes) => archive.truncate(archive.len().saturating_sub(bytes)),
            Self::Start(bytes) => drop(archive.drain(..bytes.min(archive.len()))),
            Self::Front(bytes) => drop(archive.splice(..0, std::iter::repeat_n(7, bytes))),
            Self::Bits { at, mask } => {
                let length = archive.len().max(1);
                if let Some(byte) = archive.get_mut(at % length) {
                    *byte ^= mask;
                }
            }
        }
        archive
    }

    /// Bytes of an archive of so many bytes afterwards.
    pub(crate) fn length(self, length: usize) -> usize {
        match self {
            Self::End(bytes) | Self::Start(bytes) => length.saturating_sub(bytes),
            Self::Front(bytes) => length + bytes,
            Self::None | Self::Bits { .. } => length,
        }
    }
}

impl Value {
    fn length_at(&self, write: usize) -> usize {
        match self.manner {
            Manner::Grow(step) => self.length + step * write,
            Manner::Shrink(step) => self.length.saturating_sub(step * write),
            _ => self.length,
        }
    }
}

/// Bytes that tell one message, and one write of it, from all others.
fn pattern(serial: u64, write: usize, length: usize) -> Vec<u8> {
    let seed = serial.wrapping_mul(31).wrapping_add(write as u64);
    (0..length as u64).map(|i| (seed.wrapping_add(i) ^ (i >> 8)).to_le_bytes()[0]).collect()
}

/// What the programs post.
pub(crate) trait Posted: Message + Sized + 'static {
    /// What the bytes of a received message are aligned to.
    const ALIGNMENT: usize = 16;

    fn make(value: &Value, serial: u64) -> Self;

    /// How it was serialised so far, as far as the type knows.
    fn writes(&self) -> Vec<Write> {
        Vec::new()
    }

    fn content(archived: &Archived<Self>) -> Content;

    /// The contents by way of an owned value.
    fn owned_content(message: &MessageRef<'_, Self>) -> Content;

    /// The archive of this value, made without a channel.
    fn archive(&self) -> Vec<u8>;

    /// The contents of an archive, checked without a channel.
    fn read(archive: &[u8]) -> Option<Content>;
}

macro_rules! by_rkyv_alone {
    () => {
        fn archive(&self) -> Vec<u8> {
            rkyv::to_bytes::<Failure>(self).map_or_else(|_| Vec::new(), |bytes| bytes.to_vec())
        }

        fn read(archive: &[u8]) -> Option<Content> {
            let mut aligned = AlignedVec::<16>::new();
            if archive.is_empty() && size_of::<Archived<Self>>() == 0 {
                // It finds no root in no bytes at all.
                aligned.resize(16, 0);
            }
            aligned.extend_from_slice(archive);
            rkyv::access::<Archived<Self>, Failure>(&aligned).ok().map(Self::content)
        }
    };
}

/// Contents of any length, serialised in any [`Manner`].
pub(crate) struct Flexible {
    value: Value,
    serial: u64,
    writes: RefCell<Vec<Write>>,
}

#[derive(Debug)]
struct Refused;

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("refused")
    }
}

impl std::error::Error for Refused {}

impl Archive for Flexible {
    type Archived = ArchivedVec<u8>;
    type Resolver = (usize, VecResolver);

    fn resolve(&self, (length, resolver): Self::Resolver, out: Place<Self::Archived>) {
        ArchivedVec::resolve_from_len(length, resolver, out);
    }
}

impl<S> Serialize<S> for Flexible
where
    S: Fallible<Error: Source> + Allocator + Writer + ?Sized,
{
    fn serialize(&self, serializer: &mut S) -> Result<Self::Resolver, S::Error> {
        let write = self.writes.borrow().len();
        let length = self.value.length_at(write);
        let body = pattern(self.serial, write, length);
        let (outcome, claimed) = match self.value.manner {
            Manner::Fail(at) if at == write => (Write::Failed, length),
            Manner::Panic(at) if at == write => (Write::Panicked, length),
            Manner::FalseLength(more) => (Write::Length(0), length.next_multiple_of(4) + 1 + more),
            _ => (Write::Length(0), length),
        };
        if outcome != Write::Length(0) {
            self.writes.borrow_mut().push(outcome);
            serializer.write(&body[..length / 2])?;
            if outcome == Write::Failed {
                return Err(Source::new(Refused));
            }
            unwind("refused");
        }
        let archive = Kind::Flexible.archive_length(&self.value, write);
        self.writes.borrow_mut().push(Write::Length(archive));
        Ok((claimed, ArchivedVec::serialize_from_slice(body.as_slice(), serializer)?))
    }
}

/// Panics without the panic hook: it would fill the output of a test with expected panics, and
/// under the fuzzer it ends the process.
pub(crate) fn unwind(text: &str) -> ! {
    resume_unwind(Box::new(text.to_owned()))
}

impl Posted for Flexible {
    fn make(value: &Value, serial: u64) -> Self {
        Self { value: *value, serial, writes: RefCell::default() }
    }

    fn writes(&self) -> Vec<Write> {
        self.writes.borrow().clone()
    }

    fn content(archived: &ArchivedVec<u8>) -> Content {
        Content::of(archived.as_slice())
    }

    fn owned_content(message: &MessageRef<'_, Self>) -> Content {
        let owned = rkyv::deserialize::<Vec<u8>, Failure>(&**message);
        Content::of(&owned.unwrap_or_default())
    }

    by_rkyv_alone!();
}

impl<const WORDS: usize> Posted for [u64; WORDS] {
    const ALIGNMENT: usize =
        if WORDS * 8 <= 512 { align_of::<Archived<[u64; WORDS]>>() } else { 16 };

    fn make(_: &Value, serial: u64) -> Self {
        let bytes = pattern(serial, 0, WORDS * 8);
        let mut words = bytes.chunks_exact(8).map(|word| word.try_into().map(u64::from_le_bytes));
        std::array::from_fn(|_| words.next().and_then(Result::ok).unwrap_or_default())
    }

    fn content(archived: &Archived<Self>) -> Content {
        let bytes = archived.iter().flat_map(|word| word.to_native().to_le_bytes());
        Content::of(&bytes.collect::<Vec<u8>>())
    }

    fn owned_content(message: &MessageRef<'_, Self>) -> Content {
        let words = message.deserialize().unwrap_or([0; WORDS]);
        Content::of(&words.into_iter().flat_map(u64::to_le_bytes).collect::<Vec<u8>>())
    }

    by_rkyv_alone!();
}

/// Strings, numbers and a shared part, as derived.
#[derive(Archive, Serialize, Deserialize, Default)]
pub(crate) struct Order {
    serial: u64,
    customer: String,
    note: Option<String>,
    amounts: Vec<u32>,
    /// Twice the same one: archived once.
    approved: [Rc<String>; 2],
}

impl Order {
    fn flat(&self) -> Vec<u8> {
        let note = self.note.as_deref().map_or([""; 2], |note| ["|", note]);
        let [first, second] = &self.approved;
        let texts = [&self.customer, note[0], note[1], first, second];
        let mut flat = self.serial.to_le_bytes().to_vec();
        for text in texts {
            flat.extend_from_slice(text.as_bytes());
        }
        for amount in &self.amounts {
            flat.extend_from_slice(&amount.to_le_bytes());
        }
        flat
    }
}

impl Posted for Order {
    fn make(value: &Value, serial: u64) -> Self {
        let third = value.length / 3;
        // Whole texts, since the fuzzer watches every comparison of a loop over characters.
        let text = |length: usize| {
            let mut text = "the quick brown fox ".repeat(length / 20 + 1);
            text.truncate(length);
            text
        };
        let name = Rc::new(format!("by number {}", serial % 8));
        Self {
            serial,
            customer: text(third),
            note: (value.length % 2 == 1).then(|| text(third)),
            amounts: (0..).take(third / 4).collect(),
            approved: [Rc::clone(&name), name],
        }
    }

    fn content(archived: &Archived<Self>) -> Content {
        let order = Self {
            serial: archived.serial.to_native(),
            customer: archived.customer.as_str().to_owned(),
            note: archived.note.as_ref().map(|note| note.as_str().to_owned()),
            amounts: archived.amounts.iter().map(|amount| amount.to_native()).collect(),
            approved: [0, 1].map(|which| Rc::new(archived.approved[which].as_str().to_owned())),
        };
        Content::of(&order.flat())
    }

    fn owned_content(message: &MessageRef<'_, Self>) -> Content {
        Content::of(&message.deserialize().unwrap_or_default().flat())
    }

    by_rkyv_alone!();
}
