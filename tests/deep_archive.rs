//! Archives that are valid but too deep to be validated by recursion.

use message_port::{MessageChannel, rkyv};
use rkyv::rancor::{Fallible, Source};
use rkyv::ser::{Allocator, Writer};
use rkyv::vec::{ArchivedVec, VecResolver};
use rkyv::{Archive, Deserialize, Place, Serialize, SerializeUnsized};

#[derive(Archive, Serialize, Deserialize)]
#[rkyv(
    serialize_bounds(__S: Writer + Allocator, __S::Error: Source),
    deserialize_bounds(__D::Error: Source),
    bytecheck(bounds(__C: rkyv::validation::ArchiveContext, __C::Error: Source)),
)]
struct Link {
    #[rkyv(omit_bounds)]
    next: Vec<Link>,
}

/// Writes a chain without recursion, in safe code.
struct Step(usize, usize);
impl Archive for Step {
    type Archived = ArchivedLink;
    type Resolver = ();
    fn resolve(&self, (): (), out: Place<ArchivedLink>) {
        rkyv::munge::munge!(let ArchivedLink { next } = out);
        ArchivedVec::resolve_from_len(self.1, VecResolver::from_pos(self.0), next);
    }
}
impl<S: Fallible + Writer + ?Sized> Serialize<S> for Step {
    fn serialize(&self, _: &mut S) -> Result<(), S::Error> {
        Ok(())
    }
}
struct Chain(usize);
impl Archive for Chain {
    type Archived = ArchivedLink;
    type Resolver = usize;
    fn resolve(&self, pos: usize, out: Place<ArchivedLink>) {
        Step(pos, 1).resolve((), out);
    }
}
impl<S: Fallible<Error: Source> + Writer + Allocator + ?Sized> Serialize<S> for Chain {
    fn serialize(&self, s: &mut S) -> Result<usize, S::Error> {
        let mut pos = Step(0, 0).serialize_unsized(s)?;
        for _ in 0..self.0 {
            pos = Step(pos, 1).serialize_unsized(s)?;
        }
        Ok(pos)
    }
}

/// A chain that is written without recursion is received, or is an error; never an overflow of
/// the stack.
#[test]
fn a_deep_archive_is_an_error() {
    const TOO_DEEP: usize = if cfg!(miri) { 2_000 } else { 1_000_000 };
    for (depth, received) in [(10, true), (500, true), (1_000, false), (TOO_DEEP, false)] {
        let MessageChannel { mut port1, mut port2 } = MessageChannel::<Chain>::new();
        port1.post_message(&Chain(depth)).unwrap();
        match port2.try_recv() {
            Ok(_) => assert!(received, "{depth}"),
            Err(error) => assert!(!received && error.is_invalid_archive(), "{depth}: {error}"),
        }
        assert!(port2.is_empty());
    }
}
