//! Plain objects, and arrays without holes: what most messages are made of.

use message_port_structured::NodeId;
use rquickjs::Atom;

use super::{Encoded, Encoder};
use crate::engine::{Got, Held, Met};

pub(super) struct Plain {
    pub(super) id: NodeId,
    object: Held,
    /// The key whose property is next.
    next: u32,
    /// Whether it may inherit properties other than those of every object.
    has_class: bool,
    /// Where its properties begin among those that are pending.
    start: usize,
    /// The name of the property whose value is being written.
    name: Option<NodeId>,
}

impl Plain {
    /// Writes primitives, and stops at an object.
    pub(super) fn next(&mut self, encoder: &mut Encoder<'_, '_>) -> Encoded<Option<Held>> {
        loop {
            let room = &mut *encoder.room;
            let stopped = room.walk.properties(
                self.object,
                &mut self.next,
                self.has_class,
                |name| encoder.helpers.names.written(name, encoder.number),
                &mut encoder.builder,
                &mut room.pairs,
            )?;
            let Some((name, got)) = stopped else { return Ok(None) };
            let name = match name {
                Some(name) => name,
                None => encoder.key(self.next - 1)?,
            };
            let written = match got {
                Got::Written(written) | Got::Object(Met::Before(written)) => written,
                Got::Object(Met::New(object)) => {
                    self.name = Some(name);
                    return Ok(Some(object));
                }
                Got::Other(value) => {
                    let value = encoder.room.walk.value(value);
                    encoder.other(&value)?
                }
            };
            encoder.room.pairs.push((name, written));
        }
    }

    pub(super) fn add(&mut self, written: NodeId, encoder: &mut Encoder<'_, '_>) {
        encoder.room.pairs.extend(self.name.take().map(|name| (name, written)));
    }

    pub(super) fn finish(self, encoder: &mut Encoder<'_, '_>) -> NodeId {
        let room = &mut *encoder.room;
        encoder.builder.set_properties(self.id, &room.pairs[self.start..]);
        room.pairs.truncate(self.start);
        room.walk.close_keys();
        self.id
    }
}

pub(super) struct List {
    pub(super) id: NodeId,
    object: Held,
    next: u32,
    length: u32,
    /// Where its elements begin among those that are pending.
    start: usize,
}

impl List {
    /// Writes primitives, and stops at an object.
    pub(super) fn next(&mut self, encoder: &mut Encoder<'_, '_>) -> Encoded<Option<Held>> {
        while self.next < self.length {
            let index = self.next;
            self.next += 1;
            let element = encoder.room.walk.element(self.object, index, &mut encoder.builder)?;
            let written = match element {
                None => None,
                Some(Got::Written(written) | Got::Object(Met::Before(written))) => Some(written),
                Some(Got::Object(Met::New(object))) => return Ok(Some(object)),
                Some(Got::Other(value)) => {
                    let value = encoder.room.walk.value(value);
                    Some(encoder.other(&value)?)
                }
            };
            encoder.room.elements.push(written);
        }
        Ok(None)
    }

    pub(super) fn add(written: NodeId, encoder: &mut Encoder<'_, '_>) {
        encoder.room.elements.push(Some(written));
    }

    pub(super) fn finish(self, encoder: &mut Encoder<'_, '_>) -> NodeId {
        let elements = &mut encoder.room.elements;
        encoder.builder.set_elements(self.id, &elements[self.start..], &[]);
        elements.truncate(self.start);
        self.id
    }
}

impl Encoder<'_, '_> {
    pub(super) fn open_plain(&mut self, object: Held) -> Encoded<Plain> {
        let has_class = self.check_plain(object)?;
        self.room.walk.open_keys(object)?;
        let id = self.builder.object();
        let start = self.room.pairs.len();
        Ok(Plain { id, object, next: 0, has_class, start, name: None })
    }

    /// Opens an array, if it has no holes and no properties but its elements.
    pub(super) fn open_list(&mut self, object: Held) -> Encoded<Option<List>> {
        let walk = &mut self.room.walk;
        let length = walk.array_length(object)?;
        let keys = walk.open_keys(object)?;
        let is_list = keys == length && walk.keys_begin_with_all_below(length)?;
        walk.close_keys();
        if !is_list {
            return Ok(None);
        }
        let id = self.builder.array();
        let start = self.room.elements.len();
        Ok(Some(List { id, object, next: 0, length, start }))
    }

    /// Refuses objects of the prelude's classes, and the global one, which are plain for the
    /// engine. Says whether it is of a class of a script.
    fn check_plain(&mut self, object: Held) -> Encoded<bool> {
        let walk = &self.room.walk;
        let is_global = walk.is(object, &self.helpers.global);
        let is_simple = walk.is_simple(object, &self.helpers.object_prototype);
        if is_global || !is_simple && self.helpers.call("isHost", (walk.value(object),))? {
            return Err(self.refuse(&self.room.walk.value(object)));
        }
        Ok(!is_simple)
    }

    /// Writes the name of a property, once for each message.
    fn key(&mut self, index: u32) -> Encoded<NodeId> {
        let (names, walk) = (&self.helpers.names, &self.room.walk);
        if let Some(id) = names.write(walk, index, self.number, &mut self.builder)? {
            return Ok(id);
        }
        let text = walk.key_text(index)?;
        self.name(Atom::from_value(text.ctx().clone(), &text)?)
    }
}
