//! Values of the engine into a message: the web's structured serialisation.

mod frame;
mod leaf;
mod plain;

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use message_port_structured::{Builder, NodeId};
use rquickjs::{Atom, Ctx, Exception, Value};

use crate::classes::{Class, Classes, Helpers};
use crate::engine::{self, Seen};
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

/// Properties of objects that are not finished, for which there is room at once.
const ROOM: usize = 32;

pub(crate) type Encoded<T> = std::result::Result<T, Refusal>;

pub(crate) struct Encoder<'js, 'a> {
    ctx: Ctx<'js>,
    classes: &'a Classes,
    helpers: &'a Helpers<'js>,
    builder: Builder,
    /// The objects that have been met. They are kept alive, so that no other one takes the place
    /// of a temporary one.
    seen: Objects<'js>,
    /// The number of the message, for the names that it has already.
    number: u64,
    /// The names of properties that have been met, of those that are not remembered for longer.
    names: HashMap<Atom<'js>, NodeId, BuildHasherDefault<Fold>>,
    /// Properties and elements of objects that are being written, those of the innermost one last.
    pairs: Vec<(NodeId, NodeId)>,
    elements: Vec<Option<NodeId>>,
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
    if let Some(root) = leaf(&mut builder, value)? {
        return builder.finish(root).map_err(|error| Refusal::DataClone(error.to_string()));
    }
    let ctx = value.ctx().clone();
    let mut encoder = Encoder {
        ctx,
        classes,
        helpers,
        builder,
        seen: Objects::default(),
        number: helpers.names.begin(),
        names: HashMap::default(),
        pairs: Vec::with_capacity(ROOM),
        elements: Vec::new(),
        shared,
    };
    let root = match encoder.primitive(engine::look(value)?)? {
        Written::Whole(root) => root,
        Written::Object(object) => encoder.walk(object)?,
    };
    encoder.builder.finish(root).map_err(|error| Refusal::DataClone(error.to_string()))
}

/// Writes a value that takes no thought.
fn leaf(builder: &mut Builder, value: &Value<'_>) -> Encoded<Option<NodeId>> {
    Ok(Some(match engine::look(value)? {
        Seen::Number(number) => builder.number(number),
        Seen::Bool(boolean) => builder.bool(boolean),
        Seen::Undefined => builder.undefined(),
        Seen::Null => builder.null(),
        Seen::String(_) | Seen::Object(_) | Seen::Other(_) => return Ok(None),
    }))
}

impl<'js> Encoder<'js, '_> {
    /// Goes through an object without recursion: what is being written lies on a stack of its own.
    fn walk(&mut self, object: Value<'js>) -> Encoded<NodeId> {
        let mut stack: Vec<Frame<'js>> = Vec::new();
        let mut begun = self.begin(object)?;
        loop {
            let mut written = match begun {
                Begun::Written(id) => id,
                Begun::Opened(mut frame) => match frame.next(self)? {
                    Some(inner) => {
                        stack.push(frame);
                        begun = self.begin(inner)?;
                        continue;
                    }
                    None => frame.finish(self),
                },
            };
            // What was written belongs to what lies on top of the stack.
            let inner = loop {
                let Some(frame) = stack.last_mut() else { return Ok(written) };
                frame.add(written, self);
                if let Some(inner) = frame.next(self)? {
                    break inner;
                }
                written = stack.pop().expect("just looked at").finish(self);
            };
            if self.builder.is_too_large() {
                return Err(Refusal::DataClone("the value is too large".to_owned()));
            }
            begun = self.begin(inner)?;
        }
    }

    fn begin(&mut self, value: Value<'js>) -> Encoded<Begun<'js>> {
        if let Some(id) = self.seen.get(&value) {
            return Ok(Begun::Written(id));
        }
        let class = self.classes.of(&value);
        let begun = match class {
            Class::Plain | Class::Array | Class::Map | Class::Set | Class::Error => {
                Begun::Opened(self.open(class, &value)?)
            }
            Class::Other => return Err(self.refuse(&value)),
            _ => Begun::Written(self.leaf(class, &value)?),
        };
        let id = match &begun {
            Begun::Written(id) => *id,
            Begun::Opened(frame) => frame.id(),
        };
        self.seen.insert(value, id);
        Ok(begun)
    }

    /// Begins to write an object.
    fn open(&mut self, class: Class, value: &Value<'js>) -> Encoded<Frame<'js>> {
        let object = engine::as_object(value).ok_or(rquickjs::Error::Unknown)?;
        if class == Class::Plain {
            return Ok(Frame::Plain(self.open_plain(object.clone())?));
        }
        if class == Class::Array
            && let Some(list) = self.open_list(object)?
        {
            return Ok(Frame::List(list));
        }
        Ok(Frame::Other(Box::new(self.open_other(class, object)?)))
    }

    /// The error for what cannot be cloned.
    fn refuse(&self, value: &Value<'js>) -> Refusal {
        let described = self.helpers.call::<_, String>("describe", (value.clone(),));
        let described = described.unwrap_or_else(|_| {
            self.ctx.catch();
            "an object".to_owned()
        });
        Refusal::DataClone(format!("{described} could not be cloned."))
    }

    fn type_error(&self, message: &str) -> Refusal {
        Refusal::Thrown(Exception::throw_type(&self.ctx, message))
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
    Plain(Plain<'js>),
    List(List<'js>),
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
    fn next(&mut self, encoder: &mut Encoder<'js, '_>) -> Encoded<Option<Value<'js>>> {
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

/// The objects of a message, and what was written for them.
#[derive(Default)]
struct Objects<'js> {
    /// Of few, it is quicker to look at each.
    few: Vec<(Value<'js>, NodeId)>,
    others: HashMap<Value<'js>, NodeId, BuildHasherDefault<Fold>>,
}

impl<'js> Objects<'js> {
    const FEW: usize = 16;

    fn get(&self, object: &Value<'js>) -> Option<NodeId> {
        let of_few = self.few.iter().find(|(seen, _)| seen == object).map(|(_, id)| *id);
        of_few.or_else(|| self.others.get(object).copied())
    }

    fn insert(&mut self, object: Value<'js>, id: NodeId) {
        if self.few.len() < Self::FEW {
            self.few.reserve_exact(Self::FEW - self.few.len());
            self.few.push((object, id));
        } else {
            self.others.insert(object, id);
        }
    }
}

/// A quick hash of addresses and of numbers that the engine chooses.
#[derive(Default)]
struct Fold(u64);

impl Hasher for Fold {
    fn finish(&self) -> u64 {
        self.0 ^ self.0 >> 32
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.write_u64(u64::from(*byte));
        }
    }

    fn write_u32(&mut self, number: u32) {
        self.write_u64(u64::from(number));
    }

    fn write_i32(&mut self, number: i32) {
        self.write_u64(u64::from(number.unsigned_abs()));
    }

    fn write_u64(&mut self, number: u64) {
        self.0 = (self.0.rotate_left(5) ^ number).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }
}
