//! Values of the engine into a message: the web's structured serialisation.

mod frame;
mod leaf;

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use message_port_structured::{Builder, NodeId};
use rquickjs::{Atom, Ctx, Exception, Value};

use crate::classes::{Class, Classes, Helpers};
use frame::Frame;

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

pub(crate) type Encoded<T> = std::result::Result<T, Refusal>;

pub(crate) struct Encoder<'js, 'a> {
    ctx: Ctx<'js>,
    classes: &'a Classes,
    helpers: &'a Helpers<'js>,
    builder: Builder,
    /// The objects that have been met. They are kept alive, so that no other one takes the place
    /// of a temporary one.
    seen: HashMap<Value<'js>, NodeId, BuildHasherDefault<Fold>>,
    /// The names of properties that have been met.
    names: HashMap<Atom<'js>, NodeId, BuildHasherDefault<Fold>>,
    /// Shared memory, where it stays in this thread.
    shared: Option<&'a mut Vec<(NodeId, Value<'js>)>>,
}

/// Writes a value. Getters run, in the order that the algorithm says; they may do anything,
/// posting included.
///
/// With `shared`, buffers of shared memory are listed there; else they are refused.
pub(crate) fn encode<'js>(
    value: Value<'js>,
    classes: &Classes,
    helpers: &Helpers<'js>,
    builder: Builder,
    shared: Option<&mut Vec<(NodeId, Value<'js>)>>,
) -> Encoded<message_port_structured::Value> {
    let ctx = value.ctx().clone();
    let mut encoder = Encoder {
        ctx,
        classes,
        helpers,
        builder,
        seen: HashMap::default(),
        names: HashMap::default(),
        shared,
    };
    let root = encoder.walk(value)?;
    encoder.builder.finish(root).map_err(|error| Refusal::DataClone(error.to_string()))
}

impl<'js> Encoder<'js, '_> {
    /// Goes through the value without recursion: what is being written lies on a stack of its own.
    fn walk(&mut self, value: Value<'js>) -> Encoded<NodeId> {
        let mut stack: Vec<Frame<'js>> = Vec::new();
        let mut next = Some(value);
        let mut written;
        loop {
            if let Some(value) = next.take() {
                match self.begin(value)? {
                    Begun::Written(id) => written = id,
                    Begun::Opened(frame) => {
                        stack.push(*frame);
                        next = stack.last_mut().expect("just pushed").next(self)?;
                        if next.is_some() {
                            continue;
                        }
                        written = stack.pop().expect("just pushed").finish(self);
                    }
                }
            } else {
                unreachable!("there is a value to write, or the walk has ended");
            }
            // What was written belongs to what lies on top of the stack.
            loop {
                let Some(frame) = stack.last_mut() else { return Ok(written) };
                frame.add(written);
                next = frame.next(self)?;
                if next.is_some() {
                    break;
                }
                written = stack.pop().expect("just looked at").finish(self);
            }
            if self.builder.is_too_large() {
                return Err(Refusal::DataClone("the value is too large".to_owned()));
            }
        }
    }

    fn begin(&mut self, value: Value<'js>) -> Encoded<Begun<'js>> {
        if let Some(id) = self.primitive(&value)? {
            return Ok(Begun::Written(id));
        }
        if let Some(id) = self.seen.get(&value) {
            return Ok(Begun::Written(*id));
        }
        let class = self.classes.of(&value);
        let begun = match class {
            Class::Plain | Class::Array | Class::Map | Class::Set | Class::Error => {
                Begun::Opened(Box::new(self.open(class, &value)?))
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

enum Begun<'js> {
    Written(NodeId),
    Opened(Box<Frame<'js>>),
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
