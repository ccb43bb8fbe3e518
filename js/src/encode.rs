//! Values of the engine into a message: the web's structured serialisation.

mod frame;
mod leaf;
mod plain;

use std::collections::HashMap;

use message_port_structured::{Builder, NodeId};
use rquickjs::class::{Trace, Tracer};
use rquickjs::{Atom, Ctx, Exception, Value};

use crate::classes::{Class, Classes, Helpers};
use crate::engine::{self, Held, Met, Seen, Thrown, Walk};
use plain::{List, Plain};

/// Why there is no message.
#[derive(Debug)]
pub(crate) enum Refusal {
    /// Something in the value cannot be cloned.
    DataClone(String),
    /// A getter has thrown, or the engine: it is pending.
    Thrown(rquickjs::Error),
}

impl From<rquickjs::Error> for Refusal {
    fn from(error: rquickjs::Error) -> Self {
        Self::Thrown(error)
    }
}

impl From<Thrown> for Refusal {
    fn from(thrown: Thrown) -> Self {
        Self::Thrown(thrown.into())
    }
}

pub(crate) type Encoded<T> = std::result::Result<T, Refusal>;

/// What a message takes while it is written, to be used again for the next one.
pub(crate) struct Room<'js> {
    walk: Walk<'js>,
    /// The objects that are being written, the innermost one last.
    stack: Vec<Frame<'js>>,
    /// Their properties and elements, so far.
    pairs: Vec<(NodeId, NodeId)>,
    elements: Vec<Option<NodeId>>,
}

/// Properties, elements and objects from which on the room for them is not kept.
const MANY: usize = 4096;

impl<'js> Room<'js> {
    fn new(ctx: &Ctx<'js>) -> Self {
        Self { walk: Walk::new(ctx), stack: Vec::new(), pairs: Vec::new(), elements: Vec::new() }
    }

    fn clear(&mut self) {
        self.walk.clear();
        self.stack.clear();
        self.pairs.clear();
        self.elements.clear();
        self.stack.shrink_to(MANY);
        self.pairs.shrink_to(MANY);
        self.elements.shrink_to(MANY);
    }
}

impl<'js> Trace<'js> for Room<'js> {
    fn trace<'a>(&self, tracer: Tracer<'a, 'js>) {
        self.walk.trace(tracer);
    }
}

pub(crate) struct Encoder<'js, 'a> {
    classes: &'a Classes,
    helpers: &'a Helpers<'js>,
    builder: Builder,
    room: Box<Room<'js>>,
    /// The number of the message, for the names that it has already.
    number: u64,
    /// The names of properties that have been met, of those that are not remembered for longer.
    names: HashMap<Atom<'js>, NodeId>,
    /// Shared memory, where it stays in this thread.
    shared: Option<&'a mut Vec<(NodeId, Value<'js>)>>,
}

/// Writes a value. Getters run, in the order that the algorithm says; they may do anything,
/// posting included.
///
/// With `shared`, buffers of shared memory are listed there; else they are refused.
pub(crate) fn encode<'js>(
    value: &Value<'js>,
    classes: &Classes,
    helpers: &Helpers<'js>,
    mut builder: Builder,
    shared: Option<&mut Vec<(NodeId, Value<'js>)>>,
) -> Encoded<message_port_structured::Value> {
    if let Some(root) = leaf(&mut builder, value) {
        return builder.finish(root).map_err(|error| Refusal::DataClone(error.to_string()));
    }
    // A getter may post too, and then has no room to use again.
    let room = helpers.room.take().unwrap_or_else(|| Box::new(Room::new(value.ctx())));
    let mut encoder = Encoder {
        classes,
        helpers,
        builder,
        room,
        number: helpers.names.begin(),
        names: HashMap::new(),
        shared,
    };
    let written = encoder.root(value);
    let Encoder { builder, mut room, .. } = encoder;
    room.clear();
    let _replaced = helpers.room.replace(Some(room));
    builder.finish(written?).map_err(|error| Refusal::DataClone(error.to_string()))
}

/// Writes a value that takes no thought.
fn leaf(builder: &mut Builder, value: &Value<'_>) -> Option<NodeId> {
    Some(match engine::look(value) {
        Seen::Number(number) => builder.number(number),
        Seen::Bool(boolean) => builder.bool(boolean),
        Seen::Undefined => builder.undefined(),
        Seen::Null => builder.null(),
        Seen::String(_) | Seen::Object(_) | Seen::Other(_) => return None,
    })
}

impl<'js> Encoder<'js, '_> {
    fn ctx(&self) -> &Ctx<'js> {
        self.room.walk.ctx()
    }

    fn root(&mut self, value: &Value<'js>) -> Encoded<NodeId> {
        match self.primitive(engine::look(value))? {
            Written::Whole(root) => Ok(root),
            Written::Object(object) => match self.room.walk.meet(&object) {
                Met::New(object) => self.walk(object),
                Met::Before(root) => Ok(root),
            },
        }
    }

    /// Goes through an object without recursion: what is being written lies on a stack of its own.
    fn walk(&mut self, object: Held) -> Encoded<NodeId> {
        let mut frame = match self.begin(object)? {
            Begun::Written(id) => return Ok(id),
            Begun::Opened(frame) => frame,
        };
        let mut next = frame.next(self)?;
        loop {
            if let Some(inner) = next {
                if self.builder.is_too_large() {
                    return Err(Refusal::DataClone("the value is too large".to_owned()));
                }
                match self.begin(inner)? {
                    Begun::Written(id) => frame.add(id, self),
                    Begun::Opened(mut inner) => {
                        next = inner.next(self)?;
                        if next.is_some() {
                            self.room.stack.push(std::mem::replace(&mut frame, inner));
                            continue;
                        }
                        let written = inner.finish(self);
                        frame.add(written, self);
                    }
                }
            } else {
                let written = frame.finish(self);
                let Some(outer) = self.room.stack.pop() else { return Ok(written) };
                frame = outer;
                frame.add(written, self);
            }
            next = frame.next(self)?;
        }
    }

    fn begin(&mut self, object: Held) -> Encoded<Begun<'js>> {
        let class = self.classes.of_id(self.room.walk.class_id(object));
        let begun = match class {
            Class::Plain => Begun::Opened(Frame::Plain(self.open_plain(object)?)),
            Class::Array => Begun::Opened(match self.open_list(object)? {
                Some(list) => Frame::List(list),
                None => self.open(class, object)?,
            }),
            Class::Map | Class::Set | Class::Error => Begun::Opened(self.open(class, object)?),
            Class::Other => return Err(self.refuse(&self.room.walk.value(object))),
            _ => Begun::Written(self.leaf(class, &self.room.walk.value(object))?),
        };
        let id = match &begun {
            Begun::Written(id) => *id,
            Begun::Opened(frame) => frame.id(),
        };
        self.room.walk.set_written(object, id);
        Ok(begun)
    }

    /// Begins to write an object of the rarer ones.
    fn open(&mut self, class: Class, object: Held) -> Encoded<Frame<'js>> {
        let value = self.room.walk.value(object);
        let object = engine::as_object(&value).ok_or(rquickjs::Error::Unknown)?;
        Ok(Frame::Other(Box::new(self.open_other(class, object)?)))
    }

    /// The error for what cannot be cloned.
    fn refuse(&self, value: &Value<'js>) -> Refusal {
        let described = self.helpers.call::<_, String>("describe", (value.clone(),));
        let described = described.unwrap_or_else(|_| {
            self.ctx().catch();
            "an object".to_owned()
        });
        Refusal::DataClone(format!("{described} could not be cloned."))
    }

    fn type_error(&self, message: &str) -> Refusal {
        Refusal::Thrown(Exception::throw_type(self.ctx(), message))
    }
}

/// What has become of a value.
enum Written<'js> {
    Whole(NodeId),
    /// It is an object, which is yet to be begun.
    Object(Value<'js>),
}

enum Begun<'js> {
    Written(NodeId),
    Opened(Frame<'js>),
}

/// An object that is being written, with others in it.
enum Frame<'js> {
    Plain(Plain),
    List(List),
    Other(Box<frame::Frame<'js>>),
}

impl<'js> Frame<'js> {
    fn id(&self) -> NodeId {
        match self {
            Self::Plain(frame) => frame.id,
            Self::List(frame) => frame.id,
            Self::Other(frame) => frame.id(),
        }
    }

    /// What is to be written next in here.
    fn next(&mut self, encoder: &mut Encoder<'js, '_>) -> Encoded<Option<Held>> {
        match self {
            Self::Plain(frame) => frame.next(encoder),
            Self::List(frame) => frame.next(encoder),
            Self::Other(frame) => frame.next(encoder),
        }
    }

    /// Takes what was written for what was next.
    fn add(&mut self, written: NodeId, encoder: &mut Encoder<'js, '_>) {
        match self {
            Self::Plain(frame) => frame.add(written, encoder),
            Self::List(_) => List::add(written, encoder),
            Self::Other(frame) => frame.add(written),
        }
    }

    fn finish(self, encoder: &mut Encoder<'js, '_>) -> NodeId {
        match self {
            Self::Plain(frame) => frame.finish(encoder),
            Self::List(frame) => frame.finish(encoder),
            Self::Other(frame) => frame.finish(encoder),
        }
    }
}
