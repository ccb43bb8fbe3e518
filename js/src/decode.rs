//! Messages into values of the engine: the web's structured deserialisation.
//!
//! No script runs meanwhile: properties are defined, not set, and what constructs is what the
//! prelude has kept.

use message_port_structured::{
    Array, ErrorKind, Kind, NodeId, Properties, Ref, Text, View, ViewKind,
};
use rquickjs::object::Property;
use rquickjs::{Ctx, Exception, Object, Result, String as JsString, Value};

use crate::classes::Helpers;
use crate::engine::{Leaf, Made, MadeName, Name, Target};
use crate::forms::{self, FormHash};

struct Decoder<'js, 'm> {
    ctx: &'m Ctx<'js>,
    helpers: &'m Helpers<'js>,
    /// What was made of each node, so that it is made once.
    made: Box<Made<'js>>,
    /// Objects that were made and have nothing in them yet.
    empty: Vec<(Ref<'m>, Target)>,
}

/// Makes a value. `shared` says what stands for some of the objects.
pub(crate) fn decode<'js>(
    ctx: &Ctx<'js>,
    root: Ref<'_>,
    helpers: &Helpers<'js>,
    shared: Vec<(NodeId, Value<'js>)>,
) -> Result<Value<'js>> {
    if let Some(leaf) = leaf(root) {
        return leaf.into_value(ctx);
    }
    let made = helpers.made.take().unwrap_or_else(|| Box::new(Made::new(ctx)));
    let mut decoder = Decoder { ctx, helpers, made, empty: Vec::with_capacity(ROOM) };
    for (node, value) in shared {
        let value = decoder.made.keep(&value);
        decoder.made.set_node(value, node.index());
    }
    let value = decoder.whole(root);
    let Decoder { mut made, .. } = decoder;
    made.clear();
    let _replaced = helpers.made.replace(Some(made));
    value
}

/// Objects that were made and have nothing in them, for which there is room at once.
const ROOM: usize = 16;

impl<'js, 'm> Decoder<'js, 'm> {
    fn whole(&mut self, root: Ref<'m>) -> Result<Value<'js>> {
        let value = self.make_other(root)?;
        // Without recursion: objects are made empty, and filled in whatever order.
        while let Some((of, object)) = self.empty.pop() {
            self.fill(of, object)?;
        }
        Ok(self.made.value(value))
    }

    /// Makes what a node stands for, the object still empty.
    fn make(&mut self, of: Ref<'m>) -> Result<Value<'js>> {
        if let Some(leaf) = leaf(of) {
            return leaf.into_value(self.ctx);
        }
        let made = self.make_other(of)?;
        Ok(self.made.value(made))
    }

    /// Makes what is no leaf.
    fn make_other(&mut self, of: Ref<'m>) -> Result<Target> {
        // Equal strings are as good as the same one; and the node may be that of a name.
        if let Some(text) = of.as_str() {
            return Ok(self.made.keep(&self.text(text)?));
        }
        if let Some(made) = self.made.get(of.index()) {
            return Ok(made);
        }
        let made = match of.kind() {
            Kind::Object(_) => self.made.keep_object()?,
            Kind::Array(array) if is_flat(array) => return self.make_flat(of, array),
            Kind::Array(_) => self.made.keep_array()?,
            kind => {
                let (value, has_more) = self.make_once(kind)?;
                let made = self.made.keep(&value);
                self.made.set_node(made, of.index());
                if has_more {
                    self.empty.push((of, made));
                }
                return Ok(made);
            }
        };
        self.made.set_node(made, of.index());
        self.empty.push((of, made));
        Ok(made)
    }

    /// Makes an array with its elements at once.
    fn make_flat(&mut self, of: Ref<'m>, array: Array<'m>) -> Result<Target> {
        for element in array.elements().flatten() {
            if let Some(leaf) = leaf(element) {
                self.made.push_leaf(leaf)?;
            } else {
                let element = self.make_other(element)?;
                self.made.push(element);
            }
        }
        let made = self.made.keep_array_of_elements()?;
        self.made.set_node(made, of.index());
        Ok(made)
    }

    /// Makes what is neither a plain object nor an array; and says whether it is still empty.
    fn make_once(&mut self, kind: Kind<'m>) -> Result<(Value<'js>, bool)> {
        let whole = match kind {
            Kind::BigInt(number) => {
                let digits = number.to_string();
                let digits = digits.trim_start_matches('-').to_owned();
                self.helpers.call("big", (digits, number.is_negative()))
            }
            Kind::Boxed(primitive) => {
                let primitive = self.make(primitive)?;
                self.helpers.call("box", (primitive,))
            }
            Kind::Date(time) => self.helpers.call("date", (time,)),
            Kind::RegExp { source, flags } => {
                let (source, flags) = (self.text(source)?, self.text(flags)?);
                self.helpers.call("regexp", (source, flags))
            }
            Kind::ArrayBuffer(buffer) => {
                let bytes = self.helpers.stores.buffer(self.ctx, buffer.bytes())?;
                match buffer.max_len() {
                    None => Ok(bytes),
                    #[allow(clippy::cast_precision_loss, reason = "below 2^32")]
                    Some(max_len) => self.helpers.call("resizable", (bytes, max_len as f64)),
                }
            }
            Kind::View(view) => self.view(view),
            Kind::DomException(error) => {
                let (name, message) = (self.text(error.name())?, self.text(error.message())?);
                return Ok((self.helpers.call("exception", (message, name))?, true));
            }
            Kind::Error(error) => {
                let object = Exception::from_message(self.ctx.clone(), "")?.into_object();
                if error.kind() != ErrorKind::Error {
                    let name = error.kind().name();
                    let prototype: Object<'js> = self.helpers.call("prototype", (name,))?;
                    object.set_prototype(Some(&prototype))?;
                }
                return Ok((object.into_value(), true));
            }
            Kind::Map(_) => return Ok((self.helpers.call("map", ())?, true)),
            Kind::Set(_) => return Ok((self.helpers.call("set", ())?, true)),
            _ => Err(Exception::throw_type(self.ctx, "the value is of an unknown kind")),
        };
        Ok((whole?, false))
    }

    /// Puts into an object what belongs there.
    fn fill(&mut self, of: Ref<'m>, into: Target) -> Result<()> {
        match of.kind() {
            Kind::Object(from) => self.define(into, from.properties()),
            Kind::Array(array) => {
                let mut has_last = false;
                for (index, element) in (0_u32..).zip(array.elements()) {
                    has_last = element.is_some();
                    let Some(element) = element else { continue };
                    if let Some(leaf) = leaf(element) {
                        self.made.define_leaf_element(into, index, leaf)?;
                    } else {
                        let element = self.make_other(element)?;
                        self.made.define_element(into, index, element)?;
                    }
                }
                if !has_last {
                    #[allow(clippy::cast_precision_loss, reason = "below 2^32")]
                    let length = array.len() as f64;
                    self.object(into)?.set("length", length)?;
                }
                self.define(into, array.properties())
            }
            Kind::Map(map) => {
                let object = self.object(into)?;
                let set: rquickjs::Function<'js> = self.helpers.get("mapSet")?;
                for (key, value) in map.entries() {
                    let (key, value) = (self.make(key)?, self.make(value)?);
                    set.call::<_, ()>((object.clone(), key, value))?;
                }
                Ok(())
            }
            Kind::Set(set) => {
                let object = self.object(into)?;
                let add: rquickjs::Function<'js> = self.helpers.get("setAdd")?;
                for member in set.members() {
                    let member = self.make(member)?;
                    add.call::<_, ()>((object.clone(), member))?;
                }
                Ok(())
            }
            Kind::Error(error) => {
                let object = self.object(into)?;
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
                    object.prop("cause", hidden(self.make(cause)?).enumerable())?;
                }
                self.define(into, error.properties())
            }
            Kind::DomException(error) => {
                if let Some(stack) = error.stack() {
                    let stack = Property::from(self.make(stack)?).writable().configurable();
                    self.object(into)?.prop("stack", stack)?;
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn object(&self, of: Target) -> Result<Object<'js>> {
        self.made.value(of).into_object().ok_or_else(unknown)
    }

    /// Defines properties, as a script would have made them by assignment.
    fn define(&mut self, object: Target, properties: Properties<'m>) -> Result<()> {
        let count = properties.len();
        let names = properties.clone();
        let mut form = FormHash::default();
        for (name, value) in properties.refs() {
            let name = match self.made.name(name.index()) {
                Some(name) => name,
                None => self.name(name)?,
            };
            form.add(self.made.id(name).number());
            if let Some(leaf) = leaf(value) {
                self.made.define_leaf(object, name, leaf)?;
            } else {
                let value = self.make_other(value)?;
                self.made.define(object, name, value)?;
            }
        }
        if count == 0 || count > forms::LARGEST {
            return Ok(());
        }
        self.helpers.forms.met(form, || self.shapes(&names))
    }

    /// An object for each of the shapes that one with these properties has while it is made.
    fn shapes(&mut self, properties: &Properties<'m>) -> Result<Vec<Object<'js>>> {
        let mut objects = Vec::new();
        for count in 1..=properties.len() {
            let object = self.made.keep_object()?;
            for (name, _) in properties.clone().refs().take(count) {
                let name = self.made.name(name.index()).ok_or_else(unknown)?;
                self.made.define_leaf(object, name, Leaf::Undefined)?;
            }
            objects.push(self.object(object)?);
        }
        Ok(objects)
    }

    /// The name of a property that is not made yet.
    fn name(&mut self, of: Ref<'m>) -> Result<MadeName> {
        let text = of.as_str().ok_or_else(unknown)?;
        if let Some(text) = text.as_latin1() {
            let add = |name: &Name<'js>| self.made.add_name(of.index(), name);
            if let Some(name) = self.helpers.names.with_name(self.ctx, text, add)? {
                return Ok(name);
            }
        }
        let name = Name::of_value(&self.text(text)?)?;
        Ok(self.made.add_name(of.index(), &name))
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

    fn view(&mut self, view: View<'m>) -> Result<Value<'js>> {
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

/// Whether all elements are there, and are such that one can be made without those in it; and there
/// are no other properties.
fn is_flat(array: Array<'_>) -> bool {
    let is_flat = |element: Option<Ref<'_>>| {
        element.is_some_and(|element| {
            element.identity().is_none() || matches!(element.kind(), Kind::Object(_))
        })
    };
    array.is_dense() && array.properties().len() == 0 && array.elements().all(is_flat)
}

/// What needs no identity, and no thought.
#[inline]
fn leaf(of: Ref<'_>) -> Option<Leaf<'_>> {
    // Numbers and strings first, since most are.
    if let Some(number) = of.as_f64() {
        return Some(Leaf::Number(number));
    }
    if let Some(text) = of.as_str() {
        return text.as_latin1().filter(|text| text.is_ascii()).map(Leaf::Ascii);
    }
    if of.identity().is_some() {
        return None;
    }
    Some(match of.kind() {
        Kind::Undefined => Leaf::Undefined,
        Kind::Null => Leaf::Null,
        Kind::Bool(value) => Leaf::Bool(value),
        _ => return None,
    })
}

/// What does not happen in a value that was validated.
#[cold]
fn unknown() -> rquickjs::Error {
    rquickjs::Error::Unknown
}
