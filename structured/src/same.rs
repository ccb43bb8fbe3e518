//! Equality by structure.

use std::collections::HashMap;

use crate::node::{HOLE, Node, Tag};
use crate::read::Ref;
use crate::text::Text;
use crate::value::{ArchivedValue, Value};

/// Equality by structure, as [`Value`] says.
impl PartialEq for Ref<'_> {
    fn eq(&self, other: &Self) -> bool {
        is_same(*self, *other)
    }
}

impl Eq for Ref<'_> {}

/// Goes through both at once. Objects that have been paired must be paired with each other
/// whenever they are met again.
fn is_same(one: Ref<'_>, other: Ref<'_>) -> bool {
    let (mut left, mut right) = (HashMap::new(), HashMap::new());
    let mut rest = vec![(one.index(), other.index())];
    while let Some((l, r)) = rest.pop() {
        if l == HOLE || r == HOLE {
            if l != r {
                return false;
            }
            continue;
        }
        let (a, b) = (one.tables().node(l), other.tables().node(r));
        if a.tag.is_object() {
            match (left.insert(l, r), right.insert(r, l)) {
                (None, None) => {}
                (Some(before), Some(_)) if before == r => continue,
                _ => return false,
            }
        }
        if !has_same_start(one, a, other, b) {
            return false;
        }
        match a.tag {
            Tag::Boxed | Tag::View => rest.push((a.a, b.a)),
            Tag::RegExp => rest.extend([(a.a, b.a), (a.b, b.b)]),
            _ => {
                let links = one.tables().links_of(a).iter().zip(other.tables().links_of(b));
                rest.extend(links.map(|(l, r)| (l.to_native(), r.to_native())));
            }
        }
    }
    true
}

/// Whether two nodes are the same but for what they refer to.
fn has_same_start(one: Ref<'_>, a: Node, other: Ref<'_>, b: Node) -> bool {
    if a.tag.is_string() && b.tag.is_string() {
        return text(one, a) == text(other, b);
    }
    if a.tag != b.tag || a.detail != b.detail {
        return false;
    }
    let bytes = || one.tables().bytes_of(a) == other.tables().bytes_of(b);
    match a.tag {
        Tag::Number | Tag::Date => is_same_number(a.as_f64(), b.as_f64()),
        Tag::BigInt => bytes(),
        Tag::ArrayBuffer => a.c == b.c && bytes(),
        Tag::Object | Tag::Map | Tag::Set => a.b == b.b,
        Tag::Array | Tag::Error | Tag::DomException | Tag::View => (a.b, a.c) == (b.b, b.c),
        _ => true,
    }
}

fn text(of: Ref<'_>, node: Node) -> Text<'_> {
    of.text(node)
}

fn is_same_number(one: f64, other: f64) -> bool {
    one.to_bits() == other.to_bits() || one.is_nan() && other.is_nan()
}

impl PartialEq for Value {
    fn eq(&self, other: &Self) -> bool {
        self.root() == other.root()
    }
}

impl Eq for Value {}

impl PartialEq<Value> for ArchivedValue {
    fn eq(&self, other: &Value) -> bool {
        self.root() == other.root()
    }
}

impl PartialEq for ArchivedValue {
    fn eq(&self, other: &Self) -> bool {
        self.root() == other.root()
    }
}
