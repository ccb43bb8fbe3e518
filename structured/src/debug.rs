//! Showing a value.

use std::collections::HashSet;
use std::fmt;

use crate::read::{Kind, Ref};
use crate::text::Text;
use crate::value::{ArchivedValue, Value};

/// What is still to be written.
enum Piece<'a> {
    Text(&'static str),
    Name(Text<'a>),
    Of(Ref<'a>),
}

/// Writes a value much as JavaScript would. An object that occurs again is marked `&1` at its
/// first place and is `*1` at the others.
impl fmt::Debug for Ref<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let again = seen_again(*self);
        let mut shown = HashSet::new();
        let mut rest = vec![Piece::Of(*self)];
        while let Some(piece) = rest.pop() {
            let value = match piece {
                Piece::Text(text) => {
                    f.write_str(text)?;
                    continue;
                }
                Piece::Name(name) => {
                    write_name(f, name)?;
                    continue;
                }
                Piece::Of(value) => value,
            };
            if let Some(identity) = value.identity().filter(|identity| again.contains(identity)) {
                if !shown.insert(identity) {
                    write!(f, "*{identity}")?;
                    continue;
                }
                write!(f, "&{identity} ")?;
            }
            let mut pieces = Vec::new();
            write_start(f, value, &mut pieces)?;
            rest.extend(pieces.into_iter().rev());
        }
        Ok(())
    }
}

/// As short as it can be, and back to the same number.
fn write_number(f: &mut fmt::Formatter<'_>, number: f64) -> fmt::Result {
    let text = format!("{number:?}");
    f.write_str(text.strip_suffix(".0").unwrap_or(&text))
}

/// A name as it is if it looks like one, else as a literal.
fn write_name(f: &mut fmt::Formatter<'_>, name: Text<'_>) -> fmt::Result {
    let plain = |text: &str| {
        !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
    };
    match name.as_ascii() {
        Some(text) if plain(text) => f.write_str(text),
        _ => write!(f, "{name:?}"),
    }
}

/// Writes what a value begins with, and lists what else belongs to it.
fn write_start<'a>(
    f: &mut fmt::Formatter<'_>,
    value: Ref<'a>,
    rest: &mut Vec<Piece<'a>>,
) -> fmt::Result {
    match value.kind() {
        Kind::Undefined => f.write_str("undefined"),
        Kind::Null => f.write_str("null"),
        Kind::Bool(value) => write!(f, "{value}"),
        Kind::Number(number) => write_number(f, number),
        Kind::BigInt(number) => write!(f, "{number:?}"),
        Kind::String(text) => write!(f, "{text:?}"),
        Kind::Boxed(primitive) => {
            list(rest, [vec![Piece::Of(primitive)]], ")");
            f.write_str("Object(")
        }
        Kind::Date(time) => write!(f, "Date({time})"),
        Kind::RegExp { source, flags } => write!(f, "RegExp(/{source}/{flags})"),
        Kind::Object(object) => {
            list(rest, object.properties().map(named), "}");
            f.write_str("{")
        }
        Kind::Array(array) => {
            let element =
                |element: Option<Ref<'a>>| vec![element.map_or(Piece::Text("<hole>"), Piece::Of)];
            let properties = array.properties().map(named);
            list(rest, array.elements().map(element).chain(properties), "]");
            if array.is_dense() {
                f.write_str("[")
            } else {
                write!(f, "[<length {}> ", array.len())
            }
        }
        Kind::Map(map) => {
            let entry = |(key, value)| vec![Piece::Of(key), Piece::Text(" => "), Piece::Of(value)];
            list(rest, map.entries().map(entry), "}");
            f.write_str("Map {")
        }
        Kind::Set(set) => {
            list(rest, set.members().map(|member| vec![Piece::Of(member)]), "}");
            f.write_str("Set {")
        }
        Kind::Error(error) => {
            let field = |name, value: Option<Ref<'a>>| {
                value.map(|value| vec![Piece::Text(name), Piece::Of(value)])
            };
            let fields = [field("cause: ", error.cause()), field("errors: ", error.errors())];
            let all = fields.into_iter().flatten().chain(error.properties().map(named));
            list(rest, all, "}");
            write!(f, "{}({:?}) {{", error.kind().name(), error.message())
        }
        Kind::DomException(error) => {
            write!(f, "DOMException({}, {:?})", error.name(), error.message())
        }
        Kind::ArrayBuffer(buffer) => match buffer.max_len() {
            None => write!(f, "ArrayBuffer(<{} bytes>)", buffer.bytes().len()),
            Some(max) => write!(f, "ArrayBuffer(<{} bytes of {max}>)", buffer.bytes().len()),
        },
        Kind::View(view) => {
            list(rest, [vec![Piece::Of(view.buffer())]], ")");
            let range = view.byte_offset()..view.byte_offset() + view.bytes().len();
            write!(f, "{}(<bytes {range:?}> of ", view.kind().name())
        }
    }
}

fn named<'a>((name, value): (Text<'a>, Ref<'a>)) -> Vec<Piece<'a>> {
    vec![Piece::Name(name), Piece::Text(": "), Piece::Of(value)]
}

fn list<'a>(
    rest: &mut Vec<Piece<'a>>,
    items: impl IntoIterator<Item = Vec<Piece<'a>>>,
    end: &'static str,
) {
    for (position, item) in items.into_iter().enumerate() {
        if position > 0 {
            rest.push(Piece::Text(", "));
        }
        rest.extend(item);
    }
    rest.push(Piece::Text(end));
}

/// The objects that are met more than once on a walk through the value.
fn seen_again(root: Ref<'_>) -> HashSet<u32> {
    let (mut seen, mut again) = (HashSet::new(), HashSet::new());
    let mut rest = vec![root];
    while let Some(value) = rest.pop() {
        let Some(identity) = value.identity() else { continue };
        if seen.insert(identity) {
            value.inner(|inner| rest.push(inner));
        } else {
            again.insert(identity);
        }
    }
    again
}

impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.root().fmt(f)
    }
}

impl fmt::Debug for ArchivedValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.root().fmt(f)
    }
}

macro_rules! debug_as_value {
    ($($name:ident)*) => {$(
        impl fmt::Debug for crate::objects::$name<'_> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.value().fmt(f)
            }
        }
    )*};
}

debug_as_value! { Object Array Map Set Failure DomException Buffer View }

impl fmt::Debug for Kind<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Object(value) => value.fmt(f),
            Self::Array(value) => value.fmt(f),
            Self::Map(value) => value.fmt(f),
            Self::Set(value) => value.fmt(f),
            Self::Error(value) => value.fmt(f),
            Self::DomException(value) => value.fmt(f),
            Self::ArrayBuffer(value) => value.fmt(f),
            Self::View(value) => value.fmt(f),
            Self::Boxed(value) => write!(f, "Object({value:?})"),
            Self::Undefined => f.write_str("undefined"),
            Self::Null => f.write_str("null"),
            Self::Bool(value) => value.fmt(f),
            Self::Number(value) | Self::Date(value) => value.fmt(f),
            Self::BigInt(value) => value.fmt(f),
            Self::String(value) => value.fmt(f),
            Self::RegExp { source, flags } => write!(f, "RegExp(/{source}/{flags})"),
        }
    }
}

impl fmt::Debug for crate::read::Properties<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.clone()).finish()
    }
}
