//! A message whose archive can be made invalid without any `unsafe`.

use message_port::rkyv::rancor::Fallible;
use message_port::rkyv::ser::{Allocator, Writer};
use message_port::rkyv::vec::{ArchivedVec, VecResolver};
use message_port::rkyv::{Archive, Place, Serialize};

/// Bytes, and how many of them the archive says it has.
#[derive(PartialEq, Eq, Debug)]
pub(crate) struct Hostile {
    bytes: Vec<u8>,
    claimed: usize,
}

impl Hostile {
    /// Tells the truth.
    pub(crate) fn honest(bytes: &[u8]) -> Self {
        Self { bytes: bytes.to_vec(), claimed: bytes.len() }
    }

    /// Claims far more bytes than the archive has.
    pub(crate) fn lying(bytes: &[u8]) -> Self {
        Self { bytes: bytes.to_vec(), claimed: bytes.len() + 1_000_000 }
    }
}

impl Archive for Hostile {
    type Archived = ArchivedVec<u8>;
    type Resolver = VecResolver;

    fn resolve(&self, resolver: VecResolver, out: Place<ArchivedVec<u8>>) {
        ArchivedVec::resolve_from_len(self.claimed, resolver, out);
    }
}

impl<S: Fallible + Allocator + Writer + ?Sized> Serialize<S> for Hostile {
    fn serialize(&self, serializer: &mut S) -> Result<VecResolver, S::Error> {
        ArchivedVec::<u8>::serialize_from_slice(&self.bytes, serializer)
    }
}
