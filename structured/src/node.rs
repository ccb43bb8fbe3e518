//! What a node looks like, and what the tables of a value are.

use rkyv::rend::u32_le;

/// Four little-endian words, the same in memory and in an archive.
///
/// The first has the [kind](Tag) in its lowest byte and the [detail](Node::detail) in the one
/// above, the others mean what the kind says.
pub(crate) type Words = [u32_le; 4];

/// Stands for a hole among the elements of an array.
pub(crate) const HOLE: u32 = u32::MAX;

/// Bytes that a value may have in all: archives have offsets of 31 bits.
pub(crate) const MAX_BYTES: usize = i32::MAX as usize / 2;

/// The tables of a value, wherever they lie.
#[derive(Clone, Copy)]
pub(crate) struct Tables<'a> {
    pub(crate) nodes: &'a [Words],
    /// Indices into `nodes`: members, keys and values of the nodes that have any.
    pub(crate) links: &'a [u32_le],
    /// Text, digits and buffers.
    pub(crate) bytes: &'a [u8],
}

/// What a node is. The comments name its words `a`, `b` and `c`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub(crate) enum Tag {
    Undefined = 0,
    Null = 1,
    /// The detail is 0 or 1.
    Bool = 2,
    /// `b`, `c`: the bits of the number.
    Number = 3,
    /// `a`, `b`: offset and length of the magnitude, little-endian, its last byte not zero. The
    /// detail is 1 if it is negative.
    BigInt = 4,
    /// `a`, `b`: offset and length of the text, a byte a unit.
    Latin1 = 5,
    /// `a`, `b`: offset and length in units of the text, two bytes a unit.
    Utf16 = 6,
    /// `a`: the primitive, in front of this node.
    Boxed = 7,
    /// `b`, `c`: the bits of the milliseconds.
    Date = 8,
    /// `a`, `b`: source and flags, strings in front of this node.
    RegExp = 9,
    /// `a`, `b`: first link, number of properties; a property is a key and a value.
    Object = 10,
    /// `a`, `b`, `c`: first link, number of properties, length. If the detail is 1, as many links
    /// as the length says come before the properties: the elements, or [`HOLE`].
    Array = 11,
    /// `a`, `b`: first link, number of entries; an entry is a key and a value.
    Map = 12,
    /// `a`, `b`: first link, number of members.
    Set = 13,
    /// `a`, `b`: first link, number of properties; `c`: which fields there are. The detail names
    /// the constructor. The links are the message, the fields in order, then the properties.
    Error = 14,
    /// `a`: first link; `c`: which fields there are. The links are the name, the message, the
    /// fields.
    DomException = 15,
    /// `a`, `b`, `c`: offset, length, greatest length. The detail is 1 if it is resizable.
    ArrayBuffer = 16,
    /// `a`, `b`, `c`: the buffer, in front of this node; the first byte; the elements. The detail
    /// is the type, and [`TRACKS_LENGTH`].
    View = 17,
}

impl Tag {
    const ALL: [Self; 18] = [
        Self::Undefined,
        Self::Null,
        Self::Bool,
        Self::Number,
        Self::BigInt,
        Self::Latin1,
        Self::Utf16,
        Self::Boxed,
        Self::Date,
        Self::RegExp,
        Self::Object,
        Self::Array,
        Self::Map,
        Self::Set,
        Self::Error,
        Self::DomException,
        Self::ArrayBuffer,
        Self::View,
    ];

    /// Whether it is an object, which has an identity.
    #[inline]
    pub(crate) fn is_object(self) -> bool {
        self as u8 >= Self::Boxed as u8
    }

    #[inline]
    pub(crate) fn is_string(self) -> bool {
        matches!(self, Self::Latin1 | Self::Utf16)
    }

    /// Whether a node is a string, of which nothing else is asked.
    #[inline]
    pub(crate) fn is_string_in(words: &Words) -> bool {
        let tag = words[0].to_native() & 0xff;
        tag == Self::Latin1 as u32 || tag == Self::Utf16 as u32
    }
}

/// The bit of a view's detail that says that its length follows that of its buffer.
pub(crate) const TRACKS_LENGTH: u8 = 0x80;

/// Fields that an error may have, in the order of their links, as bits of `c`.
pub(crate) const HAS_STACK: u32 = 1;
pub(crate) const HAS_CAUSE: u32 = 2;
pub(crate) const HAS_ERRORS: u32 = 4;

/// A node, taken apart.
#[derive(Clone, Copy)]
pub(crate) struct Node {
    pub(crate) tag: Tag,
    pub(crate) detail: u8,
    pub(crate) a: u32,
    pub(crate) b: u32,
    pub(crate) c: u32,
}

impl Node {
    #[inline]
    pub(crate) const fn new(tag: Tag) -> Self {
        Self { tag, detail: 0, a: 0, b: 0, c: 0 }
    }

    #[inline]
    pub(crate) const fn detail(self, detail: u8) -> Self {
        Self { detail, ..self }
    }

    #[inline]
    pub(crate) const fn words(self, a: u32, b: u32, c: u32) -> Self {
        Self { a, b, c, ..self }
    }

    /// A node with the bits of a number.
    #[inline]
    #[allow(clippy::cast_possible_truncation, reason = "the two halves of the bits")]
    pub(crate) const fn float(tag: Tag, value: f64) -> Self {
        let bits = value.to_bits();
        Self::new(tag).words(0, bits as u32, (bits >> 32) as u32)
    }

    #[inline]
    pub(crate) const fn as_f64(self) -> f64 {
        f64::from_bits(self.b as u64 | (self.c as u64) << 32)
    }

    #[inline]
    pub(crate) fn pack(self) -> Words {
        let head = u32::from(self.tag as u8) | u32::from(self.detail) << 8;
        [head, self.a, self.b, self.c].map(u32_le::from_native)
    }

    /// The node, if it is of a kind that there is.
    #[inline]
    pub(crate) fn unpack(words: &Words) -> Option<Self> {
        let [head, a, b, c] = words.map(u32_le::to_native);
        let [tag, detail, 0, 0] = head.to_le_bytes() else { return None };
        let tag = *Tag::ALL.get(usize::from(tag))?;
        Some(Self { tag, detail, a, b, c })
    }

    /// How many links belong to it, if as many can be counted.
    #[inline]
    pub(crate) fn link_count(self) -> Option<usize> {
        let (b, c) = (self.b as usize, self.c as usize);
        match self.tag {
            Tag::Object | Tag::Map => b.checked_mul(2),
            Tag::Set => Some(b),
            Tag::Array => b.checked_mul(2)?.checked_add(if self.detail == 1 { c } else { 0 }),
            Tag::Error => b.checked_mul(2)?.checked_add(1 + self.c.count_ones() as usize),
            Tag::DomException => Some(2 + self.c.count_ones() as usize),
            _ => Some(0),
        }
    }
}

impl Node {
    /// How many bytes belong to it, if as many can be counted.
    #[inline]
    pub(crate) fn byte_count(self) -> Option<usize> {
        match self.tag {
            Tag::BigInt | Tag::Latin1 | Tag::ArrayBuffer => Some(self.b as usize),
            Tag::Utf16 => (self.b as usize).checked_mul(2),
            _ => Some(0),
        }
    }
}

impl<'a> Tables<'a> {
    /// A node of a valid value.
    #[inline]
    pub(crate) fn node(self, index: u32) -> Node {
        let words = &self.nodes[index as usize];
        Node::unpack(words).expect("the value is valid: kinds are checked")
    }

    /// The links of a node of a valid value.
    #[inline]
    pub(crate) fn links_of(self, node: Node) -> &'a [u32_le] {
        let count = node.link_count().expect("the value is valid: links are checked");
        if count == 0 {
            return &[];
        }
        &self.links[node.a as usize..][..count]
    }

    /// The bytes of a node of a valid value.
    #[inline]
    pub(crate) fn bytes_of(self, node: Node) -> &'a [u8] {
        let count = node.byte_count().expect("the value is valid: bytes are checked");
        &self.bytes[node.a as usize..][..count]
    }
}
