//! A guard is not one of a subtype, whose archived form may be another one.

#![allow(coherence_leak_check)]

use std::marker::PhantomData;

use message_port::rkyv::rancor::{Fallible, Source};
use message_port::rkyv::ser::Writer;
use message_port::rkyv::string::{ArchivedString, StringResolver};
use message_port::rkyv::{Archive, Place, Serialize};
use message_port::{MessageChannel, MessageRef};

struct Of<T>(PhantomData<T>);

/// A subtype of [`Narrow`].
type Wide = for<'a> fn(&'a ());
type Narrow = fn(&'static ());

impl Archive for Of<Wide> {
    type Archived = [u8; 8];
    type Resolver = ();

    fn resolve(&self, (): (), out: Place<[u8; 8]>) {
        // As a string: a length and an offset that point outside.
        out.write([0x81, 0x40, 0, 0, 0, 0, 0, 0xC0]);
    }
}

impl<S: Fallible + ?Sized> Serialize<S> for Of<Wide> {
    fn serialize(&self, _: &mut S) -> Result<(), S::Error> {
        Ok(())
    }
}

impl Archive for Of<Narrow> {
    type Archived = ArchivedString;
    type Resolver = StringResolver;

    fn resolve(&self, resolver: StringResolver, out: Place<ArchivedString>) {
        ArchivedString::resolve_from_str("", resolver, out);
    }
}

impl<S: Fallible<Error: Source> + Writer + ?Sized> Serialize<S> for Of<Narrow> {
    fn serialize(&self, serializer: &mut S) -> Result<StringResolver, S::Error> {
        ArchivedString::serialize_from_str("", serializer)
    }
}

fn main() {
    let MessageChannel { mut port1, mut port2 } = MessageChannel::<Of<Wide>>::new();
    port1.post_message(&Of(PhantomData)).unwrap();
    let bytes: MessageRef<'_, Of<Wide>> = port2.recv().unwrap();
    let text: MessageRef<'_, Of<Narrow>> = bytes;
    assert_eq!(text.as_str(), "");
}
