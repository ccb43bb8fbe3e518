//! Messages into values of the engine: the web's structured deserialisation.
//!
//! No script runs meanwhile: properties are defined, not set, and what constructs is what the
//! prelude has kept.

use message_port_structured::{ErrorKind, Kind, NodeId, Ref, Text, ViewKind};
use rquickjs::object::Property;
use rquickjs::{Array, Atom, Ctx, Exception, Object, Result, String as JsString, Value};

use crate::classes::Helpers;
use crate::engine::{self, Leaf, Name};
use crate::forms::{self, FormHash};

struct Decoder<'js, 'm> {
    ctx: Ctx<'js>,
    helpers: &'m Helpers<'js>,
    /// What was made of each node, so that it is made once.
    made: Vec<Option<Value<'js>>>,
    names: Vec<Option<Atom<'js>>>,
    /// Objects that were made and have nothing in them yet.
    empty: Vec<(Ref<'m>, Value<'js>)>,
}

/// Makes a value. `shared` says what stands for some of the objects.
pub(crate) fn decode<'js>(
    ctx: &Ctx<'js>,
    root: Ref<'_>,
    helpers: &Helpers<'js>,
    shared: Vec<(NodeId, Value<'js>)>,
) -> Result<Value<'js>> {
    if let Some(leaf) = leaf(&root.kind()) {
        return leaf.into_value(ctx);
    }
    let mut decoder = Decoder {
        ctx: ctx.clone(),
        helpers,
        made: Vec::new(),
        names: Vec::new(),
        empty: Vec::new(),
    };
    for (node, value) in shared {
        decoder.set_made(node.index(), value);
    }
    let value = decoder.make(root)?;
    // Without recursion: objects are made empty, and filled in whatever order.
    while let Some((of, object)) = decoder.empty.pop() {
        decoder.fill(of, &object)?;
    }
    Ok(value)
}

impl<'js, 'm> Decoder<'js, 'm> {
    /// Makes what a node stands for, the object still empty.
    fn make(&mut self, of: Ref<'m>) -> Result<Value<'js>> {
        let kind = of.kind();
        if let Some(leaf) = leaf(&kind) {
            return leaf.into_value(&self.ctx);
        }
        self.make_other(of, kind)
    }

    /// Makes what is no leaf.
    fn make_other(&mut self, of: Ref<'m>, kind: Kind<'m>) -> Result<Value<'js>> {
        // Equal strings are as good as the same one.
        if let Kind::String(text) = kind {
            return self.text(text);
        }
        if let Some(Some(value)) = self.made.get(of.index() as usize) {
            return Ok(value.clone());
        }
        let value = self.make_once(of, kind)?;
        self.set_made(of.index(), value.clone());
        Ok(value)
    }

    /// Nodes are numbered from 0 on, and there are no more than the message has room for.
    fn set_made(&mut self, node: u32, value: Value<'js>) {
        let node = node as usize;
        if node >= self.made.len() {
            self.made.resize((node + 1).next_power_of_two().max(16), None);
        }
        self.made[node] = Some(value);
    }

    fn make_once(&mut self, of: Ref<'m>, kind: Kind<'m>) -> Result<Value<'js>> {
        let ctx = || self.ctx.clone();
        let object = match kind {
            Kind::BigInt(number) => {
                let digits = number.to_string();
                let digits = digits.trim_start_matches('-').to_owned();
                return self.helpers.call("big", (digits, number.is_negative()));
            }
            Kind::Boxed(primitive) => {
                let primitive = self.make(primitive)?;
                return self.helpers.call("box", (primitive,));
            }
            Kind::Date(time) => return self.helpers.call("date", (time,)),
            Kind::RegExp { source, flags } => {
                let (source, flags) = (self.text(source)?, self.text(flags)?);
                return self.helpers.call("regexp", (source, flags));
            }
            Kind::ArrayBuffer(buffer) => {
                let bytes = self.helpers.stores.buffer(&self.ctx, buffer.bytes())?;
                return match buffer.max_len() {
                    None => Ok(bytes),
                    #[allow(clippy::cast_precision_loss, reason = "below 2^32")]
                    Some(max_len) => self.helpers.call("resizable", (bytes, max_len as f64)),
                };
            }
            Kind::View(view) => return self.view(view),
            Kind::DomException(error) => {
                let (name, message) = (self.text(error.name())?, self.text(error.message())?);
                let object: Object<'js> = self.helpers.call("exception", (message, name))?;
                if let Some(stack) = error.stack() {
                    let stack = self.make(stack)?;
                    object.prop("stack", Property::from(stack).writable().configurable())?;
                }
                return Ok(object.into_value());
            }
            Kind::Error(error) => {
                let object = Exception::from_message(ctx(), "")?.into_object();
                if error.kind() != ErrorKind::Error {
                    let name = error.kind().name();
                    let prototype: Object<'js> = self.helpers.call("prototype", (name,))?;
                    object.set_prototype(Some(&prototype))?;
                }
                object.into_value()
            }
            Kind::Object(_) => Object::new(ctx())?.into_value(),
            Kind::Array(_) => Array::new(ctx())?.into_value(),
            Kind::Map(_) => self.helpers.call("map", ())?,
            Kind::Set(_) => self.helpers.call("set", ())?,
            _ => return Err(Exception::throw_type(&self.ctx, "the value is of an unknown kind")),
        };
        self.empty.push((of, object.clone()));
        Ok(object)
    }

    /// Puts into an object what belongs there.
    fn fill(&mut self, of: Ref<'m>, value: &Value<'js>) -> Result<()> {
        let object = engine::as_object(value).ok_or(rquickjs::Error::Unknown)?;
        match of.kind() {
            Kind::Object(from) => self.define(object, from.properties()),
            Kind::Array(array) => {
                for (index, element) in (0_u32..).zip(array.elements()) {
                    if let Some(element) = element {
                        let kind = element.kind();
                        if let Some(leaf) = leaf(&kind) {
                            leaf.define_element(object, index)?;
                        } else {
                            let element = self.make_other(element, kind)?;
                            engine::define_element(object, index, &element)?;
                        }
                    }
                }
                #[allow(clippy::cast_precision_loss, reason = "below 2^32")]
                object.set("length", array.len() as f64)?;
                self.define(object, array.properties())
            }
            Kind::Map(map) => {
                let set: rquickjs::Function<'js> = self.helpers.get("mapSet")?;
                for (key, value) in map.entries() {
                    let (key, value) = (self.make(key)?, self.make(value)?);
                    set.call::<_, ()>((object.clone(), key, value))?;
                }
                Ok(())
            }
            Kind::Set(set) => {
                let add: rquickjs::Function<'js> = self.helpers.get("setAdd")?;
                for member in set.members() {
                    let member = self.make(member)?;
                    add.call::<_, ()>((object.clone(), member))?;
                }
                Ok(())
            }
            Kind::Error(error) => {
                // It has one that is enumerable.
                object.remove("message")?;
                let hidden = |value| Property::from(value).writable().configurable();
                object.prop("message", hidden(self.text(error.message())?))?;
                if let Some(stack) = error.stack() {
                    object.prop("stack", hidden(self.make(stack)?))?;
                }
                if let Some(errors) = error.errors() {
                    object.prop("errors", hidden(self.make(errors)?))?;
                }
                // Enumerable, as in the profile; nobody knows why.
                if let Some(cause) = error.cause() {
                    object.prop("cause", plain(self.make(cause)?))?;
                }
                self.define(object, error.properties())
            }
            _ => Ok(()),
        }
    }

    fn define(
        &mut self,
        object: &Object<'js>,
        properties: message_port_structured::Properties<'m>,
    ) -> Result<()> {
        let count = properties.len();
        let names = properties.clone();
        let mut form = FormHash::default();
        for (name, value) in properties.refs() {
            let kind = value.kind();
            let made = match leaf(&kind) {
                Some(leaf) => Made::Leaf(leaf),
                None => Made::Value(self.make_other(value, kind)?),
            };
            let text = name.as_str().ok_or(rquickjs::Error::Unknown)?;
            let define = |name: &Name<'js>| {
                form.add(name.id().number());
                match &made {
                    Made::Leaf(leaf) => leaf.define(object, name),
                    Made::Value(value) => engine::define(object, name, value),
                }
            };
            let defined = match text.as_latin1() {
                Some(text) => self.helpers.names.with_name(&self.ctx, text, define)?,
                None => None,
            };
            if defined.is_none() {
                let value = match made {
                    Made::Leaf(leaf) => leaf.into_value(&self.ctx)?,
                    Made::Value(value) => value,
                };
                object.prop(self.name(name, text)?, plain(value))?;
            }
        }
        if count == 0 || count > forms::LARGEST {
            return Ok(());
        }
        self.helpers.forms.met(form, || self.shapes(&names))
    }

    /// An object for each of the shapes that one with these properties has while it is made.
    fn shapes(&self, names: &message_port_structured::Properties<'m>) -> Result<Vec<Object<'js>>> {
        let mut objects = Vec::new();
        for count in 1..=names.len() {
            let object = Object::new(self.ctx.clone())?;
            for (name, _) in names.clone().take(count) {
                let define = |name: &Name<'js>| Leaf::Undefined.define(&object, name);
                if let Some(name) = name.as_latin1() {
                    self.helpers.names.with_name(&self.ctx, name, define)?;
                }
            }
            objects.push(object);
        }
        Ok(objects)
    }

    /// The name of a property that is not ASCII.
    fn name(&mut self, of: Ref<'m>, text: Text<'m>) -> Result<Atom<'js>> {
        let node = of.index() as usize;
        if let Some(Some(atom)) = self.names.get(node) {
            return Ok(atom.clone());
        }
        let atom = Atom::from_value(self.ctx.clone(), &self.text(text)?)?;
        if node >= self.names.len() {
            self.names.resize(node + 1, None);
        }
        self.names[node] = Some(atom.clone());
        Ok(atom)
    }

    fn text(&self, text: Text<'_>) -> Result<Value<'js>> {
        if let Some(text) = text.to_str() {
            return JsString::from_str(self.ctx.clone(), &text).map(JsString::into_value);
        }
        // Rust's strings have no lone surrogates: they are put together from units.
        let mut whole = JsString::from_str(self.ctx.clone(), "")?.into_value();
        let units: Vec<u16> = text.units().collect();
        for chunk in units.chunks(1024) {
            let mut arguments = rquickjs::function::Args::new(self.ctx.clone(), chunk.len());
            arguments.push_args(chunk.iter().copied())?;
            let units: rquickjs::Function<'js> = self.helpers.get("units")?;
            let part: Value<'js> = units.call_arg(arguments)?;
            whole = self.helpers.call("join", (whole, part))?;
        }
        Ok(whole)
    }

    fn view(&mut self, view: message_port_structured::View<'m>) -> Result<Value<'js>> {
        let buffer = self.make(view.buffer())?;
        #[allow(clippy::cast_precision_loss, reason = "below 2^32")]
        let (offset, length) = (view.byte_offset() as f64, view.len() as f64);
        let length = (!view.tracks_length()).then_some(length);
        let kind: ViewKind = view.kind();
        let length = match length {
            Some(length) => Value::new_float(self.ctx.clone(), length),
            None => Value::new_undefined(self.ctx.clone()),
        };
        self.helpers.call("makeView", (kind.name(), buffer, offset, length))
    }
}

/// A value that is to be put somewhere.
enum Made<'js, 'm> {
    Leaf(Leaf<'m>),
    Value(Value<'js>),
}

/// What needs no identity, and no thought.
fn leaf<'m>(kind: &Kind<'m>) -> Option<Leaf<'m>> {
    Some(match *kind {
        Kind::Undefined => Leaf::Undefined,
        Kind::Null => Leaf::Null,
        Kind::Bool(value) => Leaf::Bool(value),
        Kind::Number(number) => Leaf::Number(number),
        Kind::String(text) => Leaf::Ascii(text.as_ascii()?),
        _ => return None,
    })
}

/// As a script would have made it by assignment.
fn plain<T>(value: T) -> Property<T> {
    Property::from(value).writable().enumerable().configurable()
}
