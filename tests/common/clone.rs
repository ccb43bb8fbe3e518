//! Messages whose `Serialize` fails, panics, or writes something else each time.

use std::cell::Cell;
use std::error::Error;
use std::fmt;
use std::ops::RangeInclusive;

use message_port::rkyv::rancor::{Fallible, Source};
use message_port::rkyv::ser::{Allocator, Writer};
use message_port::rkyv::vec::{ArchivedVec, VecResolver};
use message_port::rkyv::{Archive, Place, Serialize};

/// The own error of a value that refuses to be cloned.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Refused;

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("refused")
    }
}

impl Error for Refused {}

/// What a [`Doubtful`] panics with.
pub(crate) const PANIC: &str = "this value cannot be cloned";

/// How a [`Doubtful`] ends its serialisation.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Ending {
    Success,
    Error,
    Panic,
}

/// Bytes that are written, and what happens after they were.
///
/// Without bytes it fails at once, with some it fails halfway. A port may have a value serialised
/// more than once before the message is posted, to learn its length first; the failure can be kept
/// to some of these calls.
#[derive(Debug)]
pub(crate) struct Doubtful {
    bytes: Vec<u8>,
    ending: Ending,
    /// The calls that end so, counted from 1; the others succeed.
    in_calls: RangeInclusive<u32>,
    calls: Cell<u32>,
}

impl Doubtful {
    pub(crate) fn new(bytes: &[u8], ending: Ending) -> Self {
        Self { bytes: bytes.to_vec(), ending, in_calls: 1..=u32::MAX, calls: Cell::new(0) }
    }

    pub(crate) fn good(bytes: &[u8]) -> Self {
        Self::new(bytes, Ending::Success)
    }

    /// Keeps the failure to these calls, counted from 1.
    pub(crate) fn in_calls(self, calls: RangeInclusive<u32>) -> Self {
        Self { in_calls: calls, ..self }
    }

    /// How often it was serialised.
    pub(crate) fn calls(&self) -> u32 {
        self.calls.get()
    }
}

impl Archive for Doubtful {
    type Archived = ArchivedVec<u8>;
    type Resolver = VecResolver;

    fn resolve(&self, resolver: VecResolver, out: Place<ArchivedVec<u8>>) {
        ArchivedVec::resolve_from_slice(&self.bytes, resolver, out);
    }
}

impl<S: Fallible<Error: Source> + Allocator + Writer + ?Sized> Serialize<S> for Doubtful {
    fn serialize(&self, serializer: &mut S) -> Result<VecResolver, S::Error> {
        self.calls.set(self.calls.get() + 1);
        let resolver = ArchivedVec::<u8>::serialize_from_slice(&self.bytes, serializer)?;
        match self.ending {
            _ if !self.in_calls.contains(&self.calls.get()) => Ok(resolver),
            Ending::Success => Ok(resolver),
            Ending::Error => Err(Source::new(Refused)),
            Ending::Panic => panic!("{PANIC}"),
        }
    }
}

/// A value that has another length each time it is serialised.
#[derive(Debug)]
pub(crate) struct Unsteady {
    length: fn(u32) -> usize,
    calls: Cell<u32>,
}

impl Unsteady {
    /// Writes this many bytes in each call, counted from 1.
    pub(crate) fn new(length: fn(u32) -> usize) -> Self {
        Self { length, calls: Cell::new(0) }
    }

    fn length(&self) -> usize {
        (self.length)(self.calls.get())
    }
}

impl Archive for Unsteady {
    type Archived = ArchivedVec<u8>;
    type Resolver = VecResolver;

    fn resolve(&self, resolver: VecResolver, out: Place<ArchivedVec<u8>>) {
        ArchivedVec::resolve_from_len(self.length(), resolver, out);
    }
}

impl<S: Fallible + Allocator + Writer + ?Sized> Serialize<S> for Unsteady {
    fn serialize(&self, serializer: &mut S) -> Result<VecResolver, S::Error> {
        self.calls.set(self.calls.get() + 1);
        ArchivedVec::<u8>::serialize_from_slice(&vec![7u8; self.length()], serializer)
    }
}
