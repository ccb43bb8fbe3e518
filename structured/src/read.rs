//! Reading a value in place.

use rkyv::rend::u32_le;

use crate::bigint::BigInt;
use crate::node::{HOLE, Node, Tables, Tag};
use crate::objects::{Array, Buffer, DomException, Failure, Map, Object, Set, View};
use crate::text::{Text, Units};

/// A value inside of a [`Value`](crate::Value) or of its archive: small, and copied freely.
///
/// Whoever walks through a value and follows references must expect cycles:
/// [`identity`](Self::identity) tells objects apart.
///
/// # Examples
///
/// ```
/// use message_port_structured::{Builder, Kind};
///
/// let mut builder = Builder::new();
/// let (one, two) = (builder.number(1.0), builder.string("two"));
/// let list = builder.array_of([one, two]);
/// let value = builder.finish(list)?;
///
/// let Kind::Array(list) = value.root().kind() else { panic!() };
/// assert_eq!(list.len(), 2);
/// assert_eq!(list.get(0).and_then(|one| one.as_f64()), Some(1.0));
/// assert_eq!(value.root().at(1).and_then(|two| two.as_str()).unwrap(), "two");
/// # Ok::<(), message_port_structured::TooLargeError>(())
/// ```
#[derive(Clone, Copy)]
pub struct Ref<'a> {
    tables: Tables<'a>,
    index: u32,
}

/// What a value is, and what is in it.
///
/// # Examples
///
/// ```
/// use message_port_structured::{Kind, Ref};
///
/// /// How many properties, entries or members there are directly inside.
/// fn size(value: Ref<'_>) -> usize {
///     match value.kind() {
///         Kind::Object(object) => object.properties().len(),
///         Kind::Array(array) => array.len(),
///         Kind::Map(map) => map.entries().len(),
///         Kind::Set(set) => set.members().len(),
///         _ => 0,
///     }
/// }
/// assert_eq!(size(message_port_structured::Value::from(7).root()), 0);
/// ```
#[derive(Clone, Copy)]
#[non_exhaustive]
pub enum Kind<'a> {
    /// `undefined`.
    Undefined,
    /// `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A number.
    Number(f64),
    /// An integer without a limit.
    BigInt(BigInt<'a>),
    /// A string.
    String(Text<'a>),
    /// An object that wraps a boolean, a number, an integer or a string.
    Boxed(Ref<'a>),
    /// A date in milliseconds; `NaN` for an invalid one.
    Date(f64),
    /// A regular expression.
    RegExp {
        /// What is between the slashes.
        source: Text<'a>,
        /// The letters behind them.
        flags: Text<'a>,
    },
    /// A plain object.
    Object(Object<'a>),
    /// An array, with holes where it has none.
    Array(Array<'a>),
    /// A map, in its order.
    Map(Map<'a>),
    /// A set, in its order.
    Set(Set<'a>),
    /// An error.
    Error(Failure<'a>),
    /// A `DOMException`.
    DomException(DomException<'a>),
    /// A buffer of bytes.
    ArrayBuffer(Buffer<'a>),
    /// A typed array or a `DataView`.
    View(View<'a>),
}

impl<'a> Ref<'a> {
    pub(crate) fn new(tables: Tables<'a>, index: u32) -> Self {
        Self { tables, index }
    }

    #[inline]
    fn node(self) -> Node {
        self.tables.node(self.index)
    }

    #[inline]
    pub(crate) fn other(self, index: u32) -> Self {
        Self { index, ..self }
    }

    /// What it is.
    pub fn kind(self) -> Kind<'a> {
        let node = self.node();
        match node.tag {
            Tag::Undefined => Kind::Undefined,
            Tag::Null => Kind::Null,
            Tag::Bool => Kind::Bool(node.detail == 1),
            Tag::Number => Kind::Number(node.as_f64()),
            Tag::BigInt => Kind::BigInt(BigInt {
                negative: node.detail == 1,
                magnitude: self.tables.bytes_of(node),
            }),
            Tag::Latin1 | Tag::Utf16 => Kind::String(self.text(node)),
            Tag::Boxed => Kind::Boxed(self.other(node.a)),
            Tag::Date => Kind::Date(node.as_f64()),
            Tag::RegExp => Kind::RegExp {
                source: self.text(self.tables.node(node.a)),
                flags: self.text(self.tables.node(node.b)),
            },
            Tag::Object => Kind::Object(Object(self, node)),
            Tag::Array => Kind::Array(Array(self, node)),
            Tag::Map => Kind::Map(Map(self, node)),
            Tag::Set => Kind::Set(Set(self, node)),
            Tag::Error => Kind::Error(Failure(self, node)),
            Tag::DomException => Kind::DomException(DomException(self, node)),
            Tag::ArrayBuffer => Kind::ArrayBuffer(Buffer(self, node)),
            Tag::View => Kind::View(View(self, node)),
        }
    }

    /// A name for this object, and for no other one in the same value; `None` for a primitive.
    /// Names are below [`Value::node_count`](crate::Value::node_count).
    #[inline]
    pub fn identity(self) -> Option<u32> {
        self.node().tag.is_object().then_some(self.index)
    }

    /// The position of its node in the value, below
    /// [`Value::node_count`](crate::Value::node_count): the same wherever the same node is referred
    /// to. Unlike the identity, primitives have one too, but equal ones may have different ones.
    #[inline]
    pub fn index(self) -> u32 {
        self.index
    }

    pub(crate) fn tables(self) -> Tables<'a> {
        self.tables
    }

    /// Whether it is `undefined`.
    pub fn is_undefined(self) -> bool {
        self.node().tag == Tag::Undefined
    }

    /// Whether it is `null`.
    pub fn is_null(self) -> bool {
        self.node().tag == Tag::Null
    }

    /// The boolean, if it is one.
    pub fn as_bool(self) -> Option<bool> {
        let node = self.node();
        (node.tag == Tag::Bool).then_some(node.detail == 1)
    }

    /// The number, if it is one.
    #[inline]
    pub fn as_f64(self) -> Option<f64> {
        let node = self.node();
        (node.tag == Tag::Number).then(|| node.as_f64())
    }

    /// The string, if it is one.
    #[inline]
    pub fn as_str(self) -> Option<Text<'a>> {
        let node = self.node();
        node.tag.is_string().then(|| self.text(node))
    }

    /// The integer, if it is a `BigInt`.
    pub fn as_bigint(self) -> Option<BigInt<'a>> {
        if let Kind::BigInt(number) = self.kind() { Some(number) } else { None }
    }

    /// The bytes that it gives access to, if it is a buffer or a view.
    pub fn as_bytes(self) -> Option<&'a [u8]> {
        match self.kind() {
            Kind::ArrayBuffer(buffer) => Some(buffer.bytes()),
            Kind::View(view) => Some(view.bytes()),
            _ => None,
        }
    }

    /// The own property of that name of an object, an array or an error.
    ///
    /// Takes time in proportion to the number of properties.
    pub fn get(self, name: &str) -> Option<Self> {
        let node = self.node();
        let properties = match node.tag {
            Tag::Object => self.pairs(node, 0),
            Tag::Array => Array(self, node).properties(),
            Tag::Error => Failure(self, node).properties(),
            _ => return None,
        };
        properties.rev().find(|(key, _)| *key == *name).map(|(_, value)| value)
    }

    /// The element of an array; `None` if it is no array, and beyond its end, and for a hole.
    pub fn at(self, index: usize) -> Option<Self> {
        if let Kind::Array(array) = self.kind() { array.get(index) } else { None }
    }

    /// Calls `f` with each value that this one refers to.
    pub(crate) fn inner(self, mut f: impl FnMut(Self)) {
        let node = self.node();
        match node.tag {
            Tag::Boxed | Tag::View => f(self.other(node.a)),
            _ => {
                let links = self.tables.links_of(node).iter().map(|link| link.to_native());
                links.filter(|link| *link != HOLE).for_each(|link| f(self.other(link)));
            }
        }
    }

    #[inline]
    pub(crate) fn text(self, node: Node) -> Text<'a> {
        let bytes = self.tables.bytes_of(node);
        Text(if node.tag == Tag::Latin1 {
            Units::Latin1(bytes)
        } else {
            Units::Utf16(bytes.as_chunks::<2>().0)
        })
    }

    /// What the link says, `None` for a hole.
    #[inline]
    pub(crate) fn link(self, node: Node, position: usize) -> Option<Self> {
        let link = self.tables.links_of(node).get(position)?.to_native();
        (link != HOLE).then_some(self.other(link))
    }

    #[inline]
    pub(crate) fn pairs(self, node: Node, skipped: usize) -> Properties<'a> {
        let (pairs, _) = self.tables.links_of(node)[skipped..].as_chunks::<2>();
        Properties { value: self, pairs: pairs.iter() }
    }
}

/// The own properties of an object, names and values in order.
#[derive(Clone)]
pub struct Properties<'a> {
    value: Ref<'a>,
    pairs: std::slice::Iter<'a, [u32_le; 2]>,
}

impl<'a> Properties<'a> {
    /// The same with the nodes of the names, which are shared where the builder was asked for a
    /// [name](crate::Builder::name).
    #[inline]
    pub fn refs(self) -> impl ExactSizeIterator<Item = (Ref<'a>, Ref<'a>)> {
        let value = self.value;
        let of = move |link: u32_le| value.other(link.to_native());
        self.pairs.map(move |[key, value]| (of(*key), of(*value)))
    }

    fn take_apart(&self, [key, value]: [u32_le; 2]) -> (Text<'a>, Ref<'a>) {
        let key = self.value.tables.node(key.to_native());
        (self.value.text(key), self.value.other(value.to_native()))
    }
}

impl<'a> Iterator for Properties<'a> {
    type Item = (Text<'a>, Ref<'a>);

    fn next(&mut self) -> Option<Self::Item> {
        let pair = self.pairs.next()?;
        Some(self.take_apart(*pair))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.pairs.size_hint()
    }
}

impl DoubleEndedIterator for Properties<'_> {
    fn next_back(&mut self) -> Option<Self::Item> {
        let pair = self.pairs.next_back()?;
        Some(self.take_apart(*pair))
    }
}

impl ExactSizeIterator for Properties<'_> {}
