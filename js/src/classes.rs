//! Which class of the engine is which.

use std::cell::Cell;

use message_port_structured::ViewKind;
use rquickjs::class::{Trace, Tracer};
use rquickjs::{Ctx, Function, Object, Result, Value};

use crate::encode::Room;
use crate::engine::{self, Made};
use crate::forms::Forms;
use crate::names::Names;

/// What the clone algorithm tells apart.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Class {
    Plain,
    Array,
    Error,
    Boxed(&'static str),
    Date,
    RegExp,
    ArrayBuffer,
    SharedArrayBuffer,
    View(ViewKind),
    Map,
    Set,
    DomException,
    /// Whatever cannot be cloned.
    Other,
}

/// The classes by the engine's number for them, learnt from samples.
#[derive(Debug)]
pub(crate) struct Classes(Vec<Class>);

/// An expression for a sample of each class. Where the engine has no such class, it throws.
const SAMPLES: &[(Class, &str)] = &[
    (Class::Plain, "({})"),
    (Class::Array, "[]"),
    (Class::Error, "new Error"),
    (Class::Boxed("Number"), "Object(1)"),
    (Class::Boxed("String"), "Object('')"),
    (Class::Boxed("Boolean"), "Object(true)"),
    (Class::Boxed("BigInt"), "Object(1n)"),
    (Class::Date, "new Date(0)"),
    (Class::RegExp, "/a/"),
    (Class::ArrayBuffer, "new ArrayBuffer(0)"),
    (Class::SharedArrayBuffer, "new SharedArrayBuffer(0)"),
    (Class::Map, "new Map"),
    (Class::Set, "new Set"),
    (Class::DomException, "new DOMException"),
];

impl Classes {
    pub(crate) fn learn(ctx: &Ctx<'_>) -> Self {
        let mut classes = Self(Vec::new());
        for (class, sample) in SAMPLES {
            classes.add(ctx, *class, sample);
        }
        for kind in ViewKind::ALL {
            classes.add(
                ctx,
                Class::View(*kind),
                &format!("new {}(new ArrayBuffer(0))", kind.name()),
            );
        }
        classes
    }

    fn add(&mut self, ctx: &Ctx<'_>, class: Class, sample: &str) {
        let Ok(sample) = ctx.eval::<Object<'_>, _>(sample) else {
            ctx.catch();
            return;
        };
        let id = engine::class_id(sample.as_value()) as usize;
        if id >= self.0.len() {
            self.0.resize(id + 1, Class::Other);
        }
        // A fallback in script may share the class of something else.
        if self.0[id] == Class::Other {
            self.0[id] = class;
        }
    }

    pub(crate) fn of(&self, object: &Value<'_>) -> Class {
        self.of_id(engine::class_id(object))
    }

    /// The same of the engine's number for a class.
    pub(crate) fn of_id(&self, id: u32) -> Class {
        self.0.get(id as usize).copied().unwrap_or(Class::Other)
    }
}

/// What the prelude has kept of the language, so that it sees through what scripts change.
pub(crate) struct Helpers<'js> {
    functions: Object<'js>,
    pub(crate) object_prototype: Object<'js>,
    pub(crate) global: Object<'js>,
    pub(crate) names: Names<'js>,
    pub(crate) forms: Forms<'js>,
    pub(crate) stores: engine::Stores,
    /// What the last post has left for the next one.
    pub(crate) room: Cell<Option<Box<Room<'js>>>>,
    /// What the last message has left for the next one.
    pub(crate) made: Cell<Option<Box<Made<'js>>>>,
}

impl<'js> Helpers<'js> {
    pub(crate) fn new(functions: Object<'js>) -> Result<Self> {
        let object_prototype = functions.get("objectPrototype")?;
        let global = functions.ctx().globals();
        let (names, forms) = (Names::new(), Forms::new());
        let stores = engine::Stores::new(functions.ctx());
        let (room, made) = (Cell::default(), Cell::default());
        Ok(Self { functions, object_prototype, global, names, forms, stores, room, made })
    }

    pub(crate) fn get(&self, name: &str) -> Result<Function<'js>> {
        self.functions.get(name)
    }

    pub(crate) fn call<A, R>(&self, name: &str, arguments: A) -> Result<R>
    where
        A: rquickjs::function::IntoArgs<'js>,
        R: rquickjs::FromJs<'js>,
    {
        self.get(name)?.call(arguments)
    }
}

impl<'js> Trace<'js> for Helpers<'js> {
    fn trace<'a>(&self, tracer: Tracer<'a, 'js>) {
        self.functions.trace(tracer);
        self.object_prototype.trace(tracer);
        self.global.trace(tracer);
        self.names.trace(tracer);
        self.forms.trace(tracer);
        if let Some(room) = self.room.take() {
            room.trace(tracer);
            self.room.set(Some(room));
        }
        if let Some(made) = self.made.take() {
            made.trace(tracer);
            self.made.set(Some(made));
        }
    }
}
