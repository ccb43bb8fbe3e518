//! Messages that are written from memory of someone else.

use rkyv::munge::munge;
use rkyv::rancor::{Fallible, Source};
use rkyv::rend::u32_le;
use rkyv::ser::{Allocator, Writer};
use rkyv::vec::{ArchivedVec, VecResolver};
use rkyv::{Archive, Place, Serialize};

use crate::builder::TooLargeError;
use crate::node::{MAX_BYTES, Node, Tag, Words};
use crate::value::ArchivedValue;

/// An `ArrayBuffer` to be posted as a [`Value`](crate::Value) without being one: the bytes are
/// copied from where they lie into the channel, and nowhere else.
///
/// # Examples
///
/// ```
/// use message_port::MessageChannel;
/// use message_port_structured::{LentBuffer, Value};
///
/// let MessageChannel { mut port1, mut port2 } = MessageChannel::<Value>::new();
/// let pixels = [7; 1024];
/// port1.post_message_as(&LentBuffer::new(&pixels)?)?;
/// assert_eq!(port2.recv()?.root().as_bytes(), Some(&pixels[..]));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct LentBuffer<'a> {
    node: Words,
    bytes: &'a [u8],
}

impl<'a> LentBuffer<'a> {
    /// One of these bytes.
    ///
    /// # Errors
    ///
    /// Fails if they are too many for a message.
    pub fn new(bytes: &'a [u8]) -> Result<Self, TooLargeError> {
        let length = u32::try_from(bytes.len()).map_err(|_| TooLargeError)?;
        if bytes.len() > MAX_BYTES - size_of::<Words>() {
            return Err(TooLargeError);
        }
        let node = Node::new(Tag::ArrayBuffer).words(0, length, 0).pack();
        Ok(Self { node, bytes })
    }
}

/// Where the tables of a [`LentBuffer`] have been written.
#[allow(missing_debug_implementations, reason = "the resolvers of rkyv in it have none")]
pub struct LentResolver {
    nodes: VecResolver,
    links: VecResolver,
    bytes: VecResolver,
}

impl Archive for LentBuffer<'_> {
    type Archived = ArchivedValue;
    type Resolver = LentResolver;

    fn resolve(&self, resolver: LentResolver, out: Place<ArchivedValue>) {
        munge!(let ArchivedValue { nodes, links, bytes, root } = out);
        ArchivedVec::resolve_from_len(1, resolver.nodes, nodes);
        ArchivedVec::resolve_from_len(0, resolver.links, links);
        ArchivedVec::resolve_from_len(self.bytes.len(), resolver.bytes, bytes);
        u32_le::from_native(0).resolve((), root);
    }
}

impl<S> Serialize<S> for LentBuffer<'_>
where
    S: Fallible + Writer + Allocator + ?Sized,
    S::Error: Source,
{
    fn serialize(&self, serializer: &mut S) -> Result<LentResolver, S::Error> {
        Ok(LentResolver {
            nodes: ArchivedVec::serialize_from_slice(&[self.node], serializer)?,
            links: ArchivedVec::<u32_le>::serialize_from_slice::<u32_le, S>(&[], serializer)?,
            bytes: ArchivedVec::serialize_from_slice(self.bytes, serializer)?,
        })
    }
}
