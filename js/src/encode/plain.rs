//! Plain objects, and arrays without holes: what most messages are made of.

use message_port_structured::NodeId;
use rquickjs::{Atom, Object, Value};

use super::{Encoded, Encoder, Written};
use crate::engine::{self, Keys, Name, Seen};

pub(super) struct Plain<'js> {
    pub(super) id: NodeId,
    object: Object<'js>,
    keys: Keys<'js>,
    /// The key whose property is next.
    next: usize,
    /// Whether it may inherit properties other than those of every object.
    has_class: bool,
    /// Where its properties begin among those that are pending.
    start: usize,
    /// The name of the property whose value is being written.
    name: Option<NodeId>,
}

impl<'js> Plain<'js> {
    /// Writes primitives, and stops at an object.
    pub(super) fn next(&mut self, encoder: &mut Encoder<'js, '_>) -> Encoded<Option<Value<'js>>> {
        while self.next < self.keys.len() {
            let index = self.next;
            self.next += 1;
            let value = self.keys.get(&self.object, index)?;
            // A getter may have deleted it, and its class may have one of that name.
            let may_be_gone = matches!(value, Seen::Undefined) || self.has_class;
            if may_be_gone && !self.keys.is_own(&self.object, index)? {
                continue;
            }
            let name = encoder.key(&self.keys, index)?;
            match encoder.primitive(value)? {
                Written::Whole(written) => encoder.pairs.push((name, written)),
                Written::Object(object) => {
                    self.name = Some(name);
                    return Ok(Some(object));
                }
            }
        }
        Ok(None)
    }

    pub(super) fn add(&mut self, written: NodeId, encoder: &mut Encoder<'js, '_>) {
        encoder.pairs.extend(self.name.take().map(|name| (name, written)));
    }

    pub(super) fn finish(self, encoder: &mut Encoder<'js, '_>) -> NodeId {
        encoder.builder.set_properties(self.id, &encoder.pairs[self.start..]);
        encoder.pairs.truncate(self.start);
        self.id
    }
}

pub(super) struct List<'js> {
    pub(super) id: NodeId,
    object: Object<'js>,
    next: u32,
    length: u32,
    /// Where its elements begin among those that are pending.
    start: usize,
}

impl<'js> List<'js> {
    /// Writes primitives, and stops at an object.
    pub(super) fn next(&mut self, encoder: &mut Encoder<'js, '_>) -> Encoded<Option<Value<'js>>> {
        while self.next < self.length {
            let index = self.next;
            self.next += 1;
            let value = engine::element(&self.object, index)?;
            // A getter may have made a hole of it.
            if matches!(value, Seen::Undefined) && !encoder.has_own_index(&self.object, index)? {
                encoder.elements.push(None);
                continue;
            }
            match encoder.primitive(value)? {
                Written::Whole(written) => encoder.elements.push(Some(written)),
                Written::Object(object) => return Ok(Some(object)),
            }
        }
        Ok(None)
    }

    pub(super) fn add(written: NodeId, encoder: &mut Encoder<'js, '_>) {
        encoder.elements.push(Some(written));
    }

    pub(super) fn finish(self, encoder: &mut Encoder<'js, '_>) -> NodeId {
        encoder.builder.set_elements(self.id, &encoder.elements[self.start..], &[]);
        encoder.elements.truncate(self.start);
        self.id
    }
}

impl<'js> Encoder<'js, '_> {
    pub(super) fn open_plain(&mut self, object: Object<'js>) -> Encoded<Plain<'js>> {
        let has_class = self.check_plain(&object)?;
        let keys = Keys::of(&object)?;
        let id = self.builder.object();
        let start = self.pairs.len();
        Ok(Plain { id, object, keys, next: 0, has_class, start, name: None })
    }

    /// Opens an array, if it has no holes and no properties but its elements.
    pub(super) fn open_list(&mut self, object: &Object<'js>) -> Encoded<Option<List<'js>>> {
        let length = engine::array_length(object)?;
        let keys = Keys::of(object)?;
        if keys.len() != length as usize || !keys.begin_with_all_below(length)? {
            return Ok(None);
        }
        let id = self.builder.array();
        let start = self.elements.len();
        Ok(Some(List { id, object: object.clone(), next: 0, length, start }))
    }

    /// Refuses objects of the prelude's classes, and the global one, which are plain for the
    /// engine. Says whether it is of a class of a script.
    fn check_plain(&mut self, object: &Object<'js>) -> Encoded<bool> {
        let prototype = object.get_prototype();
        let is_simple = prototype.is_none_or(|prototype| {
            prototype == self.helpers.object_prototype || prototype.get_prototype().is_none()
        });
        let is_global = *object == self.helpers.global;
        if is_global || !is_simple && self.helpers.call("isHost", (object.clone(),))? {
            return Err(self.refuse(object.as_value()));
        }
        Ok(!is_simple)
    }

    /// Writes the name of a property, once for each message.
    fn key(&mut self, keys: &Keys<'js>, index: usize) -> Encoded<NodeId> {
        if let Some(id) = self.helpers.names.write(keys, index, self.number, &mut self.builder)? {
            return Ok(id);
        }
        let text = keys.text(index)?;
        self.name(Atom::from_value(self.ctx.clone(), &text)?)
    }

    fn has_own_index(&self, object: &Object<'js>, index: u32) -> Encoded<bool> {
        Ok(engine::has_own(object, &Name::of_index(&self.ctx, index)?)?)
    }
}
