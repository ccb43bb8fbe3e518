//! Making a value.

use std::collections::HashMap;

use rkyv::rend::u32_le;

use crate::kinds::{ErrorKind, ViewKind};
use crate::node::{
    HAS_CAUSE, HAS_ERRORS, HAS_STACK, HOLE, MAX_BYTES, Node, TRACKS_LENGTH, Tag, Words,
};
use crate::value::Value;

/// A value that a [`Builder`] has made, to be put into others: it stands for the same object
/// wherever it is put.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct NodeId(u32);

impl NodeId {
    /// The [index](crate::Ref::index) that the node has in the value.
    pub fn index(self) -> u32 {
        self.0
    }
}

/// The value has more parts than one message may have: a GiB of tables.
///
/// # Examples
///
/// ```
/// use message_port_structured::{Builder, TooLargeError, Value};
///
/// fn build() -> Result<Value, TooLargeError> {
///     let mut builder = Builder::new();
///     let root = builder.null();
///     builder.finish(root)
/// }
/// assert!(build().is_ok());
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("the value has more than {MAX_BYTES} bytes")]
pub struct TooLargeError;

/// Makes a [`Value`] from its parts, the inner ones first.
///
/// An object that refers to itself is made empty and filled later: [`object`](Self::object) and its
/// like make an empty one, [`set_properties`](Self::set_properties) and its like fill it.
///
/// # Panics
///
/// The methods panic if they are given a [`NodeId`] that another builder has made, as far as they
/// can tell, or one of another kind than they ask for.
///
/// # Examples
///
/// ```
/// use message_port_structured::Builder;
///
/// let mut builder = Builder::new();
/// let (list, name) = (builder.array(), builder.string("list"));
/// let object = builder.object_of([("self", list)]);
/// builder.set_elements(list, &[Some(object), None, Some(name)], &[]); // the second is a hole
/// let value = builder.finish(list)?;
/// assert_eq!(format!("{value:?}"), r#"&0 [{self: *0}, <hole>, "list"]"#);
/// # Ok::<(), message_port_structured::TooLargeError>(())
/// ```
#[derive(Default, Debug)]
pub struct Builder {
    nodes: Vec<Words>,
    links: Vec<u32_le>,
    bytes: Vec<u8>,
    names: HashMap<Box<str>, NodeId>,
    is_too_large: bool,
}

impl Builder {
    /// Makes one with nothing in it.
    pub fn new() -> Self {
        Self::default()
    }

    /// Makes one with nothing in it out of a value that is not needed any more, to use its memory
    /// again.
    pub fn recycle(value: Value) -> Self {
        let Value { mut nodes, mut links, mut bytes, .. } = value;
        nodes.clear();
        links.clear();
        bytes.clear();
        Self { nodes, links, bytes, names: HashMap::new(), is_too_large: false }
    }

    /// The value.
    ///
    /// # Errors
    ///
    /// Fails if it is too large for a message.
    pub fn finish(self, root: NodeId) -> Result<Value, TooLargeError> {
        if self.is_too_large || self.len() > MAX_BYTES {
            return Err(TooLargeError);
        }
        self.node(root);
        let Self { nodes, links, bytes, .. } = self;
        let value = Value { nodes, links, bytes, root: u32_le::from_native(root.0) };
        debug_assert_eq!(crate::verify::verify(value.tables(), root.0), Ok(()));
        Ok(value)
    }

    /// Whether [`finish`](Self::finish) will fail, whatever comes.
    pub fn is_too_large(&self) -> bool {
        self.is_too_large
    }

    /// `undefined`.
    #[inline]
    pub fn undefined(&mut self) -> NodeId {
        self.push(Node::new(Tag::Undefined))
    }

    /// `null`.
    #[inline]
    pub fn null(&mut self) -> NodeId {
        self.push(Node::new(Tag::Null))
    }

    /// A boolean.
    #[inline]
    pub fn bool(&mut self, value: bool) -> NodeId {
        self.push(Node::new(Tag::Bool).detail(u8::from(value)))
    }

    /// A number.
    #[inline]
    pub fn number(&mut self, value: f64) -> NodeId {
        self.push(Node::float(Tag::Number, value))
    }

    /// An integer without a limit: its sign, and its absolute value in little-endian bytes.
    pub fn bigint(&mut self, negative: bool, magnitude: &[u8]) -> NodeId {
        let zeros = magnitude.iter().rev().take_while(|byte| **byte == 0).count();
        let magnitude = &magnitude[..magnitude.len() - zeros];
        let negative = negative && !magnitude.is_empty();
        let (offset, length) = self.put(magnitude);
        self.push(Node::new(Tag::BigInt).detail(u8::from(negative)).words(offset, length, 0))
    }

    /// A string.
    pub fn string(&mut self, text: &str) -> NodeId {
        if text.is_ascii() {
            return self.string_latin1(text.as_bytes());
        }
        if text.chars().all(|char| char <= '\u{ff}') {
            let bytes: Vec<u8> =
                text.encode_utf16().filter_map(|unit| unit.try_into().ok()).collect();
            return self.string_latin1(&bytes);
        }
        self.string_wide(text.encode_utf16(), text.len())
    }

    /// A string of units below 256.
    #[inline]
    pub fn string_latin1(&mut self, bytes: &[u8]) -> NodeId {
        let (offset, length) = self.put(bytes);
        self.push(Node::new(Tag::Latin1).words(offset, length, 0))
    }

    /// A string of any units; lone surrogates stay.
    pub fn string_utf16(&mut self, units: &[u16]) -> NodeId {
        if units.iter().all(|unit| *unit < 0x100) {
            let bytes: Vec<u8> = units.iter().filter_map(|unit| (*unit).try_into().ok()).collect();
            return self.string_latin1(&bytes);
        }
        self.string_wide(units.iter().copied(), units.len())
    }

    fn string_wide(&mut self, units: impl Iterator<Item = u16>, at_most: usize) -> NodeId {
        if self.bytes.len().saturating_add(at_most.saturating_mul(2)) > MAX_BYTES {
            self.is_too_large = true;
            return self.undefined();
        }
        let offset = self.bytes.len();
        self.bytes.extend(units.flat_map(u16::to_le_bytes));
        let length = index((self.bytes.len() - offset) / 2);
        self.push(Node::new(Tag::Utf16).words(index(offset), length, 0))
    }

    /// The name of a property: the same node whenever it is the same text.
    pub fn name(&mut self, text: &str) -> NodeId {
        if let Some(id) = self.names.get(text) {
            return *id;
        }
        let id = self.string(text);
        self.names.insert(text.into(), id);
        id
    }

    /// An object that wraps a boolean, a number, an integer or a string.
    pub fn boxed(&mut self, primitive: NodeId) -> NodeId {
        let tag = self.node(primitive).tag;
        let wraps = matches!(tag, Tag::Bool | Tag::Number | Tag::BigInt) || tag.is_string();
        self.require(wraps, "it has no wrapper");
        self.push(Node::new(Tag::Boxed).words(primitive.0, 0, 0))
    }

    /// A date in milliseconds; `NaN` for an invalid one.
    pub fn date(&mut self, milliseconds: f64) -> NodeId {
        self.push(Node::float(Tag::Date, milliseconds))
    }

    /// A regular expression of two strings: what is between the slashes, and the letters behind
    /// them. Whether it is one is up to the engine that receives it.
    pub fn regexp(&mut self, source: NodeId, flags: NodeId) -> NodeId {
        self.assert_string(source);
        self.assert_string(flags);
        self.push(Node::new(Tag::RegExp).words(source.0, flags.0, 0))
    }

    /// A plain object without properties.
    pub fn object(&mut self) -> NodeId {
        self.push(Node::new(Tag::Object))
    }

    /// A plain object with these properties.
    pub fn object_of<'n>(
        &mut self,
        properties: impl IntoIterator<Item = (&'n str, NodeId)>,
    ) -> NodeId {
        let pairs: Vec<_> =
            properties.into_iter().map(|(name, value)| (self.name(name), value)).collect();
        let object = self.object();
        self.set_properties(object, &pairs);
        object
    }

    /// Gives an object, or an error, its properties, in place of those it had. Names are strings.
    pub fn set_properties(&mut self, id: NodeId, properties: &[(NodeId, NodeId)]) {
        let mut node = self.node(id);
        let fields = match node.tag {
            Tag::Object => 0,
            Tag::Error => 1 + node.c.count_ones() as usize,
            _ => {
                self.require(false, "only objects and errors have properties to set");
                return;
            }
        };
        let start = node.a as usize;
        node.a = index(self.links.len());
        node.b = index(properties.len());
        if fields > 0 {
            self.links.extend_from_within(start..start + fields);
        }
        self.link_pairs(properties);
        self.nodes[id.0 as usize] = node.pack();
    }

    /// An array without elements.
    pub fn array(&mut self) -> NodeId {
        self.push(Node::new(Tag::Array).detail(1))
    }

    /// An array with these elements.
    pub fn array_of(&mut self, elements: impl IntoIterator<Item = NodeId>) -> NodeId {
        let elements: Vec<_> = elements.into_iter().map(Some).collect();
        let array = self.array();
        self.set_elements(array, &elements, &[]);
        array
    }

    /// Gives an array its elements, `None` for a hole, and its other properties.
    pub fn set_elements(
        &mut self,
        id: NodeId,
        elements: &[Option<NodeId>],
        properties: &[(NodeId, NodeId)],
    ) {
        self.require(self.node(id).tag == Tag::Array, "only an array has elements");
        let words = (index(self.links.len()), index(properties.len()), index(elements.len()));
        self.link(elements.iter().map(|element| element.map_or(HOLE, |id| id.0)));
        self.link_pairs(properties);
        self.nodes[id.0 as usize] =
            Node::new(Tag::Array).detail(1).words(words.0, words.1, words.2).pack();
    }

    /// Gives an array a length, and those of its elements that there are as properties, named by
    /// their index: for arrays that are mostly holes.
    pub fn set_sparse(&mut self, id: NodeId, length: u32, properties: &[(NodeId, NodeId)]) {
        self.require(self.node(id).tag == Tag::Array, "only an array has elements");
        let first = index(self.links.len());
        self.link_pairs(properties);
        self.nodes[id.0 as usize] =
            Node::new(Tag::Array).words(first, index(properties.len()), length).pack();
    }

    /// A map without entries.
    pub fn map(&mut self) -> NodeId {
        self.push(Node::new(Tag::Map))
    }

    /// Gives a map its entries.
    pub fn set_entries(&mut self, id: NodeId, entries: &[(NodeId, NodeId)]) {
        self.require(self.node(id).tag == Tag::Map, "only a map has entries");
        let first = index(self.links.len());
        let links = entries.iter().flat_map(|(key, value)| [key.0, value.0]);
        self.link(links);
        self.nodes[id.0 as usize] =
            Node::new(Tag::Map).words(first, index(entries.len()), 0).pack();
    }

    /// A set without members.
    pub fn set(&mut self) -> NodeId {
        self.push(Node::new(Tag::Set))
    }

    /// Gives a set its members.
    pub fn set_members(&mut self, id: NodeId, members: &[NodeId]) {
        self.require(self.node(id).tag == Tag::Set, "only a set has members");
        let first = index(self.links.len());
        self.link(members.iter().map(|id| id.0));
        self.nodes[id.0 as usize] =
            Node::new(Tag::Set).words(first, index(members.len()), 0).pack();
    }

    /// An error, with a string for a message.
    pub fn error(&mut self, kind: ErrorKind, message: NodeId) -> NodeId {
        self.assert_string(message);
        let id = self.push(Node::new(Tag::Error).detail(kind as u8));
        self.set_error_fields(id, message, [None; 3]);
        id
    }

    /// Gives an error its message and its fields: `stack`, `cause`, `errors`. It has no
    /// properties then.
    pub fn set_error_fields(&mut self, id: NodeId, message: NodeId, fields: [Option<NodeId>; 3]) {
        let mut node = self.node(id);
        self.require(node.tag == Tag::Error, "only an error has these");
        self.assert_string(message);
        let bits = [HAS_STACK, HAS_CAUSE, HAS_ERRORS];
        let present = bits.iter().zip(fields).filter(|(_, field)| field.is_some());
        (node.a, node.b) = (index(self.links.len()), 0);
        node.c = present.map(|(bit, _)| *bit).sum();
        self.link([message].into_iter().chain(fields.into_iter().flatten()).map(|id| id.0));
        self.nodes[id.0 as usize] = node.pack();
    }

    /// A `DOMException` of a name and a message, both strings, and perhaps a stack.
    pub fn dom_exception(
        &mut self,
        name: NodeId,
        message: NodeId,
        stack: Option<NodeId>,
    ) -> NodeId {
        self.assert_string(name);
        self.assert_string(message);
        let first = index(self.links.len());
        self.link([name, message].into_iter().chain(stack).map(|id| id.0));
        let fields = if stack.is_some() { HAS_STACK } else { 0 };
        self.push(Node::new(Tag::DomException).words(first, 0, fields))
    }

    /// An `ArrayBuffer` of these bytes.
    pub fn array_buffer(&mut self, bytes: &[u8]) -> NodeId {
        let (offset, length) = self.put(bytes);
        self.push(Node::new(Tag::ArrayBuffer).words(offset, length, 0))
    }

    /// An `ArrayBuffer` of these bytes that may be resized to at most `max_len`, which is not less
    /// than it has.
    pub fn resizable_array_buffer(&mut self, bytes: &[u8], max_len: u32) -> NodeId {
        self.require(bytes.len() <= max_len as usize, "it is longer than it may be");
        let (offset, length) = self.put(bytes);
        self.push(Node::new(Tag::ArrayBuffer).detail(1).words(offset, length, max_len))
    }

    /// A view of `length` elements of a buffer, from the byte `offset` on. With `tracks_length` it
    /// reaches to the end of its buffer, which must be resizable.
    pub fn view(
        &mut self,
        kind: ViewKind,
        buffer: NodeId,
        offset: u32,
        length: u32,
        tracks_length: bool,
    ) -> NodeId {
        let of = self.node(buffer);
        self.require(of.tag == Tag::ArrayBuffer, "only buffers have views");
        let size = kind.element_size();
        let end =
            (length as usize).checked_mul(size).and_then(|end| end.checked_add(offset as usize));
        self.require((offset as usize).is_multiple_of(size), "a view must be aligned");
        self.require(
            end.is_some_and(|end| end <= of.b as usize),
            "a view must be inside of its buffer",
        );
        self.require(
            !tracks_length || of.detail == 1,
            "only the length of a resizable buffer changes",
        );
        let detail = kind as u8 | if tracks_length { TRACKS_LENGTH } else { 0 };
        self.push(Node::new(Tag::View).detail(detail).words(buffer.0, offset, length))
    }

    #[cfg(feature = "serde")]
    pub(crate) fn is_string(&self, id: NodeId) -> bool {
        self.node(id).tag.is_string()
    }

    fn node(&self, id: NodeId) -> Node {
        let words = self.nodes.get(id.0 as usize);
        words.and_then(Node::unpack).expect("another builder has made this node")
    }

    fn assert_string(&self, id: NodeId) {
        self.require(self.node(id).tag.is_string(), "it must be a string");
    }

    #[inline]
    fn push(&mut self, node: Node) -> NodeId {
        let count = self.nodes.len();
        if self.is_too_large || count >= MAX_NODES {
            return self.push_no_more(node);
        }
        self.nodes.push(node.pack());
        #[allow(clippy::cast_possible_truncation, reason = "below the limit")]
        NodeId(count as u32)
    }

    #[cold]
    fn push_no_more(&mut self, node: Node) -> NodeId {
        self.is_too_large = true;
        if self.nodes.is_empty() {
            self.nodes.push(node.pack());
        }
        NodeId(0)
    }

    fn len(&self) -> usize {
        self.nodes.len() * size_of::<Words>() + self.links.len() * 4 + self.bytes.len()
    }

    #[inline]
    fn put(&mut self, bytes: &[u8]) -> (u32, u32) {
        if self.len().saturating_add(bytes.len()) > MAX_BYTES {
            self.is_too_large = true;
            return (0, 0);
        }
        let offset = self.bytes.len();
        self.bytes.extend_from_slice(bytes);
        (index(offset), index(bytes.len()))
    }

    fn link_pairs(&mut self, pairs: &[(NodeId, NodeId)]) {
        let start = self.links.len();
        self.links.resize(start + 2 * pairs.len(), u32_le::from_native(HOLE));
        let (links, _) = self.links[start..].as_chunks_mut::<2>();
        let (mut are_strings, mut are_known) = (true, true);
        for (link, (key, value)) in links.iter_mut().zip(pairs) {
            are_strings &= self.nodes.get(key.0 as usize).is_some_and(Tag::is_string_in);
            are_known &= (value.0 as usize) < self.nodes.len();
            *link = [key.0, value.0].map(u32_le::from_native);
        }
        self.require(are_strings, "it must be a string");
        assert!(are_known, "another builder has made this node");
        self.is_too_large |= self.len() > MAX_BYTES;
    }

    fn link(&mut self, links: impl Iterator<Item = u32>) {
        let count = index(self.nodes.len());
        for link in links {
            assert!(link < count || link == HOLE, "another builder has made this node");
            self.links.push(u32_le::from_native(link));
        }
        self.is_too_large |= self.len() > MAX_BYTES;
    }

    /// Panics, unless nothing is to be expected any more.
    #[track_caller]
    fn require(&self, holds: bool, otherwise: &str) {
        assert!(holds || self.is_too_large, "{otherwise}");
    }
}

/// Nodes of which there may be so many if there is nothing else.
const MAX_NODES: usize = MAX_BYTES / size_of::<Words>();

/// Tables are far below `u32::MAX` entries, by [`MAX_BYTES`].
fn index(position: usize) -> u32 {
    u32::try_from(position).expect("tables are limited")
}
