//! Whether tables that came from elsewhere are a value.

use std::ops::Range;

use rkyv::rend::u32_le;

use crate::kinds::{ErrorKind, ViewKind};
use crate::node::{HAS_CAUSE, HAS_ERRORS, HAS_STACK, HOLE, Node, TRACKS_LENGTH, Tables, Tag};

/// The bytes are no value: a node of no kind, or one that names what is not there.
///
/// # Examples
///
/// ```
/// use message_port_structured::InvalidValueError;
///
/// fn is_ours(error: &(dyn std::error::Error + 'static)) -> bool {
///     error.is::<InvalidValueError>() // the source of an `InvalidArchiveError`
/// }
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("node {node} of the value: {reason}")]
pub struct InvalidValueError {
    node: u32,
    reason: &'static str,
}

/// Checks everything that reading relies on: kinds, indices, ranges, and what stands for what.
/// Takes time in proportion to the tables.
pub(crate) fn verify(tables: Tables<'_>, root: u32) -> Result<(), InvalidValueError> {
    let count = u32::try_from(tables.nodes.len()).ok().filter(|count| *count != HOLE);
    let Some(count) = count else {
        return Err(InvalidValueError { node: 0, reason: "more nodes than can be named" });
    };
    if root >= count {
        return Err(InvalidValueError { node: root, reason: "the root is not there" });
    }
    // No link and no byte belongs to two nodes, so that a small archive is never a large value.
    let (mut links, mut bytes) = (tables.links.len(), tables.bytes.len());
    for index in 0..count {
        let fault = |reason| InvalidValueError { node: index, reason };
        let words = &tables.nodes[index as usize];
        // What most nodes are: they are looked at without the questions that the others ask for.
        let [head, a, b, _] = words.map(u32_le::to_native);
        if head == Tag::Number as u32 {
            continue;
        }
        if head == Tag::Latin1 as u32 {
            bytes = bytes.checked_sub(b as usize).ok_or(fault(TOO_MANY))?;
            let end = u64::from(a) + u64::from(b);
            ensure(end <= tables.bytes.len() as u64, BEYOND).map_err(fault)?;
            continue;
        }
        let node = Node::unpack(words).ok_or(fault("no such kind"))?;
        links = node.link_count().and_then(|own| links.checked_sub(own)).ok_or(fault(TOO_MANY))?;
        bytes = node.byte_count().and_then(|own| bytes.checked_sub(own)).ok_or(fault(TOO_MANY))?;
        check(tables, node, index).map_err(fault)?;
    }
    if tables.links.iter().any(|link| link.to_native() >= count && link.to_native() != HOLE) {
        return Err(InvalidValueError { node: HOLE, reason: "a link leads nowhere" });
    }
    Ok(())
}

const TOO_MANY: &str = "more links or bytes than there are";
const BEYOND: &str = "beyond the end of its table";

type Verdict = Result<(), &'static str>;

fn ensure(holds: bool, reason: &'static str) -> Verdict {
    if holds { Ok(()) } else { Err(reason) }
}

#[inline]
fn check(tables: Tables<'_>, node: Node, index: u32) -> Verdict {
    let Node { tag, detail, a, b, c } = node;
    // The one in front of this node, which has been checked already.
    let earlier = |other: u32| {
        ensure(other < index, "it names a node that is not in front of it")?;
        Ok::<_, &'static str>(tables.node(other))
    };
    match tag {
        Tag::Undefined | Tag::Null | Tag::Number | Tag::Date => {
            ensure(detail == 0, "a detail that means nothing")
        }
        Tag::Bool => ensure(detail <= 1, "neither true nor false"),
        Tag::BigInt => {
            let digits = bytes(tables, a, b as usize)?;
            ensure(digits.last() != Some(&0), "a number with leading zeros")?;
            ensure(detail == 0 || detail == 1 && !digits.is_empty(), "a sign that is none")
        }
        Tag::Latin1 => {
            ensure(detail == 0, "a detail that means nothing")?;
            bytes(tables, a, b as usize).map(drop)
        }
        Tag::Utf16 => {
            ensure(detail == 0, "a detail that means nothing")?;
            bytes(tables, a, (b as usize).checked_mul(2).ok_or("too long")?).map(drop)
        }
        Tag::Boxed => {
            let tag = earlier(a)?.tag;
            let may_be = matches!(tag, Tag::Bool | Tag::Number | Tag::BigInt) || tag.is_string();
            ensure(may_be && detail == 0, "it wraps what has no wrapper")
        }
        Tag::RegExp => {
            let texts = earlier(a)?.tag.is_string() && earlier(b)?.tag.is_string();
            ensure(texts && detail == 0, "an expression that is no text")
        }
        Tag::Object | Tag::Map | Tag::Set => {
            ensure(detail == 0, "a detail that means nothing")?;
            links(tables, node)?;
            if tag == Tag::Object { keys(tables, node, 0) } else { no_holes(tables.links_of(node)) }
        }
        Tag::Array => {
            ensure(detail <= 1, "neither dense nor sparse")?;
            links(tables, node)?;
            keys(tables, node, if detail == 1 { c as usize } else { 0 })
        }
        Tag::Error => {
            ensure(ErrorKind::from_code(detail).is_some(), "no such error")?;
            ensure(c & !(HAS_STACK | HAS_CAUSE | HAS_ERRORS) == 0, "no such field")?;
            links(tables, node)?;
            let fields = 1 + c.count_ones() as usize;
            string_links(tables, node, 1)?;
            no_holes(&tables.links_of(node)[..fields])?;
            keys(tables, node, fields)
        }
        Tag::DomException => {
            ensure(detail == 0 && b == 0 && c & !HAS_STACK == 0, "no such field")?;
            links(tables, node)?;
            string_links(tables, node, 2)?;
            no_holes(tables.links_of(node))
        }
        Tag::ArrayBuffer => {
            ensure(detail <= 1, "neither resizable nor fixed")?;
            bytes(tables, a, b as usize)?;
            ensure(if detail == 1 { b <= c } else { c == 0 }, "longer than it may be")
        }
        Tag::View => view(node, earlier(a)?),
    }
}

fn view(node: Node, buffer: Node) -> Verdict {
    let Node { detail, b, c, .. } = node;
    let kind = ViewKind::from_code(detail & !TRACKS_LENGTH).ok_or("no such view")?;
    ensure(buffer.tag == Tag::ArrayBuffer, "a view of what is no buffer")?;
    let size = kind.element_size();
    ensure((b as usize).is_multiple_of(size), "a view that is not aligned")?;
    let end = (c as usize).checked_mul(size).and_then(|length| length.checked_add(b as usize));
    ensure(end.is_some_and(|end| end <= buffer.b as usize), "a view beyond its buffer")?;
    ensure(detail & TRACKS_LENGTH == 0 || buffer.detail == 1, "it tracks a length that is fixed")
}

fn range(offset: u32, length: usize, limit: usize) -> Result<Range<usize>, &'static str> {
    let start = offset as usize;
    let end = start.checked_add(length).filter(|end| *end <= limit);
    Ok(start..end.ok_or(BEYOND)?)
}

fn bytes(tables: Tables<'_>, offset: u32, length: usize) -> Result<&[u8], &'static str> {
    Ok(&tables.bytes[range(offset, length, tables.bytes.len())?])
}

/// Whether the links of a node are there.
fn links(tables: Tables<'_>, node: Node) -> Verdict {
    let count = node.link_count().ok_or("more links than can be counted")?;
    if count == 0 {
        return Ok(());
    }
    range(node.a, count, tables.links.len()).map(drop)
}

/// Whether what a link names is there. That of a forward link may not have been checked yet.
fn tag_of(tables: Tables<'_>, link: u32) -> Option<Tag> {
    Some(Node::unpack(tables.nodes.get(link as usize)?)?.tag)
}

fn string_links(tables: Tables<'_>, node: Node, count: usize) -> Verdict {
    let strings = tables.links_of(node)[..count]
        .iter()
        .all(|link| tag_of(tables, link.to_native()).is_some_and(Tag::is_string));
    ensure(strings, "a text that is none")
}

/// Whether the links behind the first `skipped` are pairs of a string and a value.
fn keys(tables: Tables<'_>, node: Node, skipped: usize) -> Verdict {
    let (pairs, _) = tables.links_of(node)[skipped..].as_chunks::<2>();
    let valid = pairs.iter().all(|[key, value]| {
        let key = tables.nodes.get(key.to_native() as usize);
        key.is_some_and(Tag::is_string_in) && value.to_native() != HOLE
    });
    ensure(valid, "a property without a name or a value")
}

fn no_holes(links: &[u32_le]) -> Verdict {
    ensure(links.iter().all(|link| link.to_native() != HOLE), "a hole outside of an array")
}
