//! Objects that are being written, with others in them.

use message_port_structured::{ErrorKind, NodeId};
use rquickjs::object::Filter;
use rquickjs::{Array, Atom, Object, Value};

use super::{Encoded, Encoder, Written};
use crate::classes::Class;
use crate::engine::{self, Held, Met};

/// What is to be written next.
enum Item<'js> {
    /// A property, if it still is one by then.
    Property(Atom<'js>),
    /// An element, or a hole if it is none by then.
    Element(u32),
    Value(Value<'js>),
}

/// What an object becomes of what has been written.
enum Kind {
    /// Dense: elements first, then properties. The number of elements.
    Array(usize),
    /// The length; the elements are properties.
    Sparse(u32),
    Map,
    Set,
    /// The message, and which fields there are; they come first.
    Error {
        message: NodeId,
        fields: [bool; 3],
    },
}

pub(super) struct Frame<'js> {
    id: NodeId,
    kind: Kind,
    object: Object<'js>,
    items: std::vec::IntoIter<Item<'js>>,
    /// The name of the property whose value is being written.
    name: Option<NodeId>,
    /// `None` for a hole.
    values: Vec<Option<NodeId>>,
    properties: Vec<(NodeId, NodeId)>,
}

impl<'js> Frame<'js> {
    pub(super) fn id(&self) -> NodeId {
        self.id
    }

    /// Writes primitives, and stops at an object.
    pub(super) fn next(&mut self, encoder: &mut Encoder<'js, '_>) -> Encoded<Option<Held>> {
        while let Some(value) = self.next_value(encoder)? {
            let written = match encoder.primitive(engine::look(&value))? {
                Written::Whole(written) => written,
                Written::Object(object) => match encoder.room.walk.meet(&object) {
                    Met::Before(written) => written,
                    Met::New(object) => return Ok(Some(object)),
                },
            };
            self.add(written);
        }
        Ok(None)
    }

    fn next_value(&mut self, encoder: &mut Encoder<'js, '_>) -> Encoded<Option<Value<'js>>> {
        for item in self.items.by_ref() {
            match item {
                Item::Value(value) => return Ok(Some(value)),
                Item::Element(index) => {
                    let value: Value<'js> = self.object.get(index)?;
                    if value.is_undefined() && !encoder.has_own(&self.object, index)? {
                        self.values.push(None);
                        continue;
                    }
                    return Ok(Some(value));
                }
                Item::Property(atom) => {
                    let value: Value<'js> = self.object.get(atom.clone())?;
                    // A getter may have deleted it.
                    if value.is_undefined() && !encoder.has_own(&self.object, atom.to_value()?)? {
                        continue;
                    }
                    self.name = Some(encoder.name(atom)?);
                    return Ok(Some(value));
                }
            }
        }
        Ok(None)
    }

    /// Takes what was written for the last item.
    pub(super) fn add(&mut self, id: NodeId) {
        match self.name.take() {
            Some(name) => self.properties.push((name, id)),
            None => self.values.push(Some(id)),
        }
    }

    pub(super) fn finish(self, encoder: &mut Encoder<'js, '_>) -> NodeId {
        let Self { id, kind, values, properties, .. } = self;
        let builder = &mut encoder.builder;
        let present =
            |values: &[Option<NodeId>]| values.iter().copied().flatten().collect::<Vec<_>>();
        match kind {
            Kind::Array(length) => {
                debug_assert_eq!(values.len(), length);
                builder.set_elements(id, &values, &properties);
            }
            Kind::Sparse(length) => builder.set_sparse(id, length, &properties),
            Kind::Map => {
                let (pairs, _) = values.as_chunks::<2>();
                let pairs: Vec<_> =
                    pairs.iter().filter_map(|[key, value]| Some(((*key)?, (*value)?))).collect();
                builder.set_entries(id, &pairs);
            }
            Kind::Set => builder.set_members(id, &present(&values)),
            Kind::Error { message, fields } => {
                let mut values = present(&values).into_iter();
                let fields = fields.map(|there| if there { values.next() } else { None });
                builder.set_error_fields(id, message, fields);
                builder.set_properties(id, &properties);
            }
        }
        id
    }
}

impl<'js> Encoder<'js, '_> {
    pub(super) fn has_own<K>(&self, object: &Object<'js>, key: K) -> Encoded<bool>
    where
        K: rquickjs::IntoJs<'js>,
    {
        Ok(self.helpers.call("hasOwn", (object.clone(), key))?)
    }

    /// Begins to write a map, a set, an error, or an array with holes or properties.
    pub(super) fn open_other(&mut self, class: Class, object: &Object<'js>) -> Encoded<Frame<'js>> {
        let object = object.clone();
        let (id, kind, items) = match class {
            Class::Map => {
                let entries: Array<'js> = self.helpers.call("entries", (object.clone(),))?;
                (self.builder.map(), Kind::Map, values(&entries)?)
            }
            Class::Set => {
                let members: Array<'js> = self.helpers.call("members", (object.clone(),))?;
                (self.builder.set(), Kind::Set, values(&members)?)
            }
            Class::Array => self.open_array(&object)?,
            _ => self.open_error(&object)?,
        };
        let items = items.into_iter();
        Ok(Frame {
            id,
            kind,
            object,
            items,
            name: None,
            values: Vec::new(),
            properties: Vec::new(),
        })
    }

    #[allow(clippy::type_complexity, reason = "the parts of a frame")]
    fn open_array(&mut self, object: &Object<'js>) -> Encoded<(NodeId, Kind, Vec<Item<'js>>)> {
        let id = self.builder.array();
        let length: f64 = object.get("length")?;
        let keys = keys(object).collect::<Result<Vec<Atom<'js>>, _>>()?;
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a length")]
        let length = length as u32;
        let count = length as usize;
        // Indices come first, in order. If as many keys as the length are there and the last of
        // them is the last index, they are all of them.
        let is_full = match count.checked_sub(1).and_then(|last| keys.get(last)) {
            Some(last) => {
                last.to_js_string()?.to_string().is_ok_and(|last| last == (length - 1).to_string())
            }
            None => count == 0,
        };
        if is_full {
            let rest = keys.into_iter().skip(count).map(Item::Property);
            let items = (0..length).map(Item::Element).chain(rest).collect();
            return Ok((id, Kind::Array(count), items));
        }
        // With a hole for each element at most, a list of elements is shorter than names for them.
        if keys.len() >= count / 2 {
            let mut rest = Vec::new();
            for key in keys {
                let name = key.to_js_string()?.to_string().unwrap_or_default();
                let is_index = name
                    .parse::<u32>()
                    .is_ok_and(|index| index < length && index.to_string() == name);
                if !is_index {
                    rest.push(Item::Property(key));
                }
            }
            let items = (0..length).map(Item::Element).chain(rest).collect();
            return Ok((id, Kind::Array(count), items));
        }
        Ok((id, Kind::Sparse(length), keys.into_iter().map(Item::Property).collect()))
    }

    #[allow(clippy::type_complexity, reason = "the parts of a frame")]
    fn open_error(&mut self, object: &Object<'js>) -> Encoded<(NodeId, Kind, Vec<Item<'js>>)> {
        let name: Value<'js> = object.get("name")?;
        let name = name.as_string().and_then(|name| name.to_string().ok()).unwrap_or_default();
        let standard = ErrorKind::from_name(&name);
        let kind = standard.unwrap_or(ErrorKind::Error);
        let message: Value<'js> = object.get("message")?;
        if message.is_object() || message.is_symbol() {
            return Err(self.refuse(&message));
        }
        let message =
            if message.is_string() { message } else { self.helpers.call("toText", (message,))? };
        let message = self.string(&message)?;
        let id = self.builder.error(kind, message);

        let mut items = Vec::new();
        let mut fields = [false; 3];
        let stack: Value<'js> = object.get("stack")?;
        if !stack.is_undefined() {
            fields[0] = true;
            items.push(Item::Value(stack));
        }
        for (there, name) in fields[1..].iter_mut().zip(["cause", "errors"]) {
            if self.has_own(object, name)? {
                *there = true;
                items.push(Item::Value(object.get(name)?));
            }
        }
        let mut skipped = vec!["message", "stack", "cause", "errors"];
        skipped.extend(standard.map(|_| "name"));
        if kind == ErrorKind::SuppressedError {
            for name in ["error", "suppressed"] {
                if self.has_own(object, name)? {
                    items.push(Item::Property(Atom::from_str(self.ctx().clone(), name)?));
                    skipped.push(name);
                }
            }
        }
        for key in keys(object) {
            let key = key?;
            let name = key.to_js_string()?.to_string().unwrap_or_default();
            if !skipped.contains(&name.as_str()) {
                items.push(Item::Property(key));
            }
        }
        Ok((id, Kind::Error { message, fields }, items))
    }
}

/// The names of the own enumerable properties.
fn keys<'js>(object: &Object<'js>) -> impl Iterator<Item = rquickjs::Result<Atom<'js>>> {
    object.own_keys::<Atom<'js>>(Filter::new().string().enum_only())
}

fn values<'js>(list: &Array<'js>) -> Encoded<Vec<Item<'js>>> {
    Ok(list.iter().map(|value| Ok(Item::Value(value?))).collect::<rquickjs::Result<_>>()?)
}
