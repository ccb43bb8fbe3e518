//! What is in the objects of a value.

#![allow(clippy::missing_panics_doc, reason = "what is expected was checked with the value")]

use crate::kinds::{ErrorKind, ViewKind};
use crate::node::{HAS_CAUSE, HAS_ERRORS, HAS_STACK, Node, TRACKS_LENGTH};
use crate::read::{Properties, Ref};
use crate::text::Text;

macro_rules! values {
    ($($name:ident)*) => {$(
        impl<'a> $name<'a> {
            /// The same as a value, which has the identity of the object.
            pub fn value(self) -> Ref<'a> {
                self.0
            }
        }
    )*};
}

values! { Object Array Map Set Failure DomException Buffer View }

/// A plain object.
#[derive(Clone, Copy)]
pub struct Object<'a>(pub(crate) Ref<'a>, pub(crate) Node);

impl<'a> Object<'a> {
    /// Its own properties, in order.
    #[inline]
    pub fn properties(self) -> Properties<'a> {
        self.0.pairs(self.1, 0)
    }
}

/// An array.
#[derive(Clone, Copy)]
pub struct Array<'a>(pub(crate) Ref<'a>, pub(crate) Node);

impl<'a> Array<'a> {
    /// Its length, holes included.
    #[inline]
    pub fn len(self) -> usize {
        self.1.c as usize
    }

    /// Whether its length is zero.
    pub fn is_empty(self) -> bool {
        self.len() == 0
    }

    /// Whether the elements are listed. Those of an array that is mostly holes are among its
    /// [properties](Self::properties) instead, named by their index.
    #[inline]
    pub fn is_dense(self) -> bool {
        self.1.detail == 1
    }

    /// An element; `None` beyond the end, and for a hole. Takes long in an array that is mostly
    /// holes.
    pub fn get(self, index: usize) -> Option<Ref<'a>> {
        if !self.is_dense() {
            return self.0.get(&index.to_string());
        }
        if index < self.len() { self.0.link(self.1, index) } else { None }
    }

    /// The listed elements, in order, `None` for a hole; there are none unless the array is
    /// [dense](Self::is_dense).
    #[inline]
    pub fn elements(self) -> impl ExactSizeIterator<Item = Option<Ref<'a>>> {
        let count = if self.is_dense() { self.len() } else { 0 };
        (0..count).map(move |index| self.0.link(self.1, index))
    }

    /// Its other own properties.
    #[inline]
    pub fn properties(self) -> Properties<'a> {
        self.0.pairs(self.1, if self.is_dense() { self.len() } else { 0 })
    }
}

/// A map.
#[derive(Clone, Copy)]
pub struct Map<'a>(pub(crate) Ref<'a>, pub(crate) Node);

impl<'a> Map<'a> {
    /// Its keys with their values, in order.
    pub fn entries(self) -> impl ExactSizeIterator<Item = (Ref<'a>, Ref<'a>)> {
        let (pairs, _) = self.0.tables().links_of(self.1).as_chunks::<2>();
        let of = move |link: &rkyv::rend::u32_le| self.0.other(link.to_native());
        pairs.iter().map(move |[key, value]| (of(key), of(value)))
    }
}

/// A set.
#[derive(Clone, Copy)]
pub struct Set<'a>(pub(crate) Ref<'a>, pub(crate) Node);

impl<'a> Set<'a> {
    /// Its members, in order.
    pub fn members(self) -> impl ExactSizeIterator<Item = Ref<'a>> {
        let links = self.0.tables().links_of(self.1);
        links.iter().map(move |link| self.0.other(link.to_native()))
    }
}

/// An error.
#[derive(Clone, Copy)]
pub struct Failure<'a>(pub(crate) Ref<'a>, pub(crate) Node);

impl<'a> Failure<'a> {
    /// Its constructor.
    pub fn kind(self) -> ErrorKind {
        ErrorKind::from_code(self.1.detail).expect("the value is valid: errors are checked")
    }

    /// Its message.
    pub fn message(self) -> Text<'a> {
        let message = self.0.link(self.1, 0).and_then(Ref::as_str);
        message.expect("the value is valid: a message is a string")
    }

    /// Its `stack`, if there is one; mostly a string.
    pub fn stack(self) -> Option<Ref<'a>> {
        self.field(HAS_STACK)
    }

    /// Its `cause`, if there is one.
    pub fn cause(self) -> Option<Ref<'a>> {
        self.field(HAS_CAUSE)
    }

    /// The `errors` of an `AggregateError`, if there are any.
    pub fn errors(self) -> Option<Ref<'a>> {
        self.field(HAS_ERRORS)
    }

    /// Its other own properties.
    #[inline]
    pub fn properties(self) -> Properties<'a> {
        self.0.pairs(self.1, 1 + self.1.c.count_ones() as usize)
    }

    fn field(self, bit: u32) -> Option<Ref<'a>> {
        let before = (self.1.c & (bit - 1)).count_ones() as usize;
        if self.1.c & bit == 0 { None } else { self.0.link(self.1, 1 + before) }
    }
}

/// A `DOMException`.
#[derive(Clone, Copy)]
pub struct DomException<'a>(pub(crate) Ref<'a>, pub(crate) Node);

impl<'a> DomException<'a> {
    /// Its name, which says its code too.
    pub fn name(self) -> Text<'a> {
        self.text(0)
    }

    /// Its message.
    pub fn message(self) -> Text<'a> {
        self.text(1)
    }

    /// Its `stack`, if there is one.
    pub fn stack(self) -> Option<Ref<'a>> {
        if self.1.c & HAS_STACK == 0 { None } else { self.0.link(self.1, 2) }
    }

    fn text(self, position: usize) -> Text<'a> {
        let text = self.0.link(self.1, position).and_then(Ref::as_str);
        text.expect("the value is valid: names are strings")
    }
}

/// An `ArrayBuffer`.
#[derive(Clone, Copy)]
pub struct Buffer<'a>(pub(crate) Ref<'a>, pub(crate) Node);

impl<'a> Buffer<'a> {
    /// Its bytes, where they lie.
    pub fn bytes(self) -> &'a [u8] {
        self.0.tables().bytes_of(self.1)
    }

    /// How many bytes it may be resized to, if it is resizable.
    pub fn max_len(self) -> Option<usize> {
        (self.1.detail == 1).then_some(self.1.c as usize)
    }
}

/// A typed array or a `DataView`.
#[derive(Clone, Copy)]
pub struct View<'a>(pub(crate) Ref<'a>, pub(crate) Node);

impl<'a> View<'a> {
    /// Its constructor.
    pub fn kind(self) -> ViewKind {
        let code = self.1.detail & !TRACKS_LENGTH;
        ViewKind::from_code(code).expect("the value is valid: views are checked")
    }

    /// The buffer that it shows.
    pub fn buffer(self) -> Ref<'a> {
        self.0.other(self.1.a)
    }

    /// The first byte of the buffer that it shows.
    pub fn byte_offset(self) -> usize {
        self.1.b as usize
    }

    /// How many elements it shows; bytes, if it is a `DataView`.
    pub fn len(self) -> usize {
        self.1.c as usize
    }

    /// Whether it shows nothing.
    pub fn is_empty(self) -> bool {
        self.len() == 0
    }

    /// Whether it reaches to the end of its buffer, whatever the length of that will be.
    pub fn tracks_length(self) -> bool {
        self.1.detail & TRACKS_LENGTH != 0
    }

    /// The bytes that it shows, where they lie. They are not aligned.
    pub fn bytes(self) -> &'a [u8] {
        let buffer = self.0.tables().bytes_of(self.0.tables().node(self.1.a));
        &buffer[self.byte_offset()..][..self.len() * self.kind().element_size()]
    }
}
