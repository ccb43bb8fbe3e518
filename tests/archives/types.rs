//! The types whose archives are made up.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Debug;
use std::num::NonZeroU32;
use std::rc::{Rc, Weak};

use message_port::{Message, rkyv};
use rkyv::api::high::{HighDeserializer, HighSerializer, HighValidator};
use rkyv::bytecheck::CheckBytes;
use rkyv::rancor::Error;
use rkyv::ser::allocator::ArenaHandle;
use rkyv::util::AlignedVec;
use rkyv::{Archive, Archived, Deserialize, Serialize};

/// A type whose archive can be checked by rkyv itself, used in all its parts, and made again.
pub(crate) trait Received:
    Message
    + Archive<
        Archived: Deserialize<Self, HighDeserializer<Error>>
                      + for<'a> CheckBytes<HighValidator<'a, Error>>
                      + Debug,
    > + for<'a> Serialize<HighSerializer<AlignedVec, ArenaHandle<'a>, Error>>
    + PartialEq
    + Sized
    + 'static
{
    fn sample() -> Self;

    /// Uses every part of the archive: prints all of it and makes an owned value.
    fn value(archived: &Archived<Self>) -> Result<Self, String> {
        let printed = format!("{archived:?}");
        let value = rkyv::deserialize::<Self, Error>(archived);
        value.map_err(|error| format!("{printed} is valid, but: {error}"))
    }

    fn archive(value: &Self) -> Result<AlignedVec, Error> {
        rkyv::to_bytes::<Error>(value)
    }
}

impl Received for String {
    fn sample() -> Self {
        "a text that does not fit into the root of its archive, gr\u{fc}\u{df}e".to_owned()
    }
}

impl Received for Vec<u32> {
    fn sample() -> Self {
        vec![0, 1, u32::MAX, 3]
    }
}

/// Bit patterns that are not all valid.
#[derive(Archive, Serialize, Deserialize, PartialEq, Debug)]
#[rkyv(derive(Debug))]
pub(crate) struct Scalars {
    flag: bool,
    letter: char,
    not_zero: NonZeroU32,
    perhaps: Option<NonZeroU32>,
    wide: u128,
    choice: Choice,
    pair: (i8, Option<char>),
}

#[derive(Archive, Serialize, Deserialize, PartialEq, Debug)]
#[rkyv(derive(Debug))]
pub(crate) enum Choice {
    Nothing,
    Number(u64),
    Named { left: u16, right: bool },
}

impl Received for Scalars {
    fn sample() -> Self {
        Self {
            flag: true,
            letter: '\u{1f680}',
            not_zero: NonZeroU32::MIN,
            perhaps: Some(NonZeroU32::MAX),
            wide: u128::MAX / 3,
            choice: Choice::Named { left: 7, right: true },
            pair: (-1, None),
        }
    }
}

/// Pointers to pointers, and tables.
#[derive(Archive, Serialize, Deserialize, PartialEq, Debug)]
#[rkyv(derive(Debug))]
pub(crate) struct Nested {
    name: String,
    boxed: Option<Box<Scalars>>,
    by_name: HashMap<String, Vec<u16>>,
    by_number: BTreeMap<u32, String>,
    choices: Vec<Choice>,
    text: Box<str>,
}

impl Received for Nested {
    fn sample() -> Self {
        Self {
            name: "order".to_owned(),
            boxed: Some(Box::new(Scalars::sample())),
            by_name: [("first entry", vec![1, 2, 3]), ("second", vec![])]
                .map(|(name, numbers)| (name.to_owned(), numbers))
                .into(),
            by_number: (0..6).map(|number| (number, "entry".repeat(number as usize))).collect(),
            choices: vec![Choice::Nothing, Choice::Number(1 << 40)],
            text: "boxed text".into(),
        }
    }

    /// Looks entries up too: that walks the tables in another way than printing them.
    fn value(archived: &Archived<Self>) -> Result<Self, String> {
        let printed = format!("{archived:?}");
        for name in ["first entry", "second", "third"] {
            let found = archived.by_name.get(name).map(|numbers| numbers.iter().count());
            let numbers = archived.by_number.get(&rkyv::rend::u32_le::from_native(3));
            assert!(
                found.unwrap_or(0) <= printed.len()
                    && numbers.is_none_or(|text| text.len() <= printed.len())
            );
        }
        let value = rkyv::deserialize::<Self, Error>(archived);
        value.map_err(|error| format!("{printed} is valid, but: {error}"))
    }
}

/// One value that is pointed to several times.
#[derive(Archive, Serialize, Deserialize, Debug)]
#[rkyv(derive(Debug))]
pub(crate) struct Shared {
    first: Rc<String>,
    second: Rc<String>,
    more: Vec<Rc<u64>>,
    weak: Weak<String>,
}

impl PartialEq for Shared {
    fn eq(&self, other: &Self) -> bool {
        let strong =
            |shared: &Self| (shared.first.clone(), shared.second.clone(), shared.more.clone());
        let same = |shared: &Self| Rc::ptr_eq(&shared.first, &shared.second);
        strong(self) == strong(other)
            && same(self) == same(other)
            && self.weak.upgrade() == other.weak.upgrade()
    }
}

impl Received for Shared {
    fn sample() -> Self {
        let (text, number) = (Rc::new("shared by two".to_owned()), Rc::new(7));
        Self {
            first: Rc::clone(&text),
            second: Rc::clone(&text),
            more: vec![Rc::clone(&number), Rc::new(8), number],
            weak: Rc::downgrade(&text),
        }
    }
}

/// A type that contains itself.
#[derive(Archive, Serialize, Deserialize, PartialEq, Debug)]
#[rkyv(
    derive(Debug),
    serialize_bounds(__S: rkyv::ser::Writer + rkyv::ser::Allocator, __S::Error: rkyv::rancor::Source),
    deserialize_bounds(__D::Error: rkyv::rancor::Source),
    bytecheck(bounds(__C: rkyv::validation::ArchiveContext, __C::Error: rkyv::rancor::Source)),
)]
pub(crate) enum Tree {
    Leaf(u8),
    Branches(#[rkyv(omit_bounds)] Vec<Tree>),
    Only(#[rkyv(omit_bounds)] Box<Tree>),
}

impl Received for Tree {
    fn sample() -> Self {
        let only = Self::Only(Box::new(Self::Leaf(2)));
        Self::Branches(vec![Self::Leaf(1), only, Self::Branches(vec![])])
    }
}
