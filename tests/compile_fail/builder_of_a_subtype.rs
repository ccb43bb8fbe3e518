//! Who vouches for the archives of one type has not vouched for those of a subtype or supertype.

#![allow(coherence_leak_check)]

use std::marker::PhantomData;

use message_port::rkyv::rancor::Fallible;
use message_port::rkyv::{Archive, Place, Serialize};
use message_port::{Builder, MessageChannel};

struct Of<T>(PhantomData<T>);

/// A subtype of [`Narrow`].
type Wide = for<'a> fn(&'a ());
type Narrow = fn(&'static ());

impl Archive for Of<Wide> {
    type Archived = bool;
    type Resolver = ();

    fn resolve(&self, (): (), out: Place<bool>) {
        out.write(true);
    }
}

impl<S: Fallible + ?Sized> Serialize<S> for Of<Wide> {
    fn serialize(&self, _: &mut S) -> Result<(), S::Error> {
        Ok(())
    }
}

impl Archive for Of<Narrow> {
    type Archived = u8;
    type Resolver = ();

    fn resolve(&self, (): (), out: Place<u8>) {
        out.write(2);
    }
}

impl<S: Fallible + ?Sized> Serialize<S> for Of<Narrow> {
    fn serialize(&self, _: &mut S) -> Result<(), S::Error> {
        Ok(())
    }
}

fn from_subtype() -> Builder<Of<Narrow>, u64> {
    let builder = MessageChannel::<Of<Wide>, u64>::builder();
    // SAFETY: a `true` is a valid archive.
    let vouched: Builder<Of<Wide>, u64> = unsafe { builder.trust_archives() };
    vouched
}

fn from_supertype() -> Builder<u64, Of<Wide>> {
    let builder = MessageChannel::<u64, Of<Narrow>>::builder();
    // SAFETY: any byte is a valid archive.
    let vouched: Builder<u64, Of<Narrow>> = unsafe { builder.trust_archives() };
    vouched
}

fn main() {
    from_subtype().build().unwrap();
    from_supertype().build().unwrap();
}
