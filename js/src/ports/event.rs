//! Events, as the engine has them.

use std::cell::{Cell, RefCell};

use rquickjs::class::{JsClass, Readable, Trace, Tracer};
use rquickjs::function::Constructor;
use rquickjs::{Class, Ctx, Exception, Object, Result, Value};

use super::{Port, Ports};
use crate::engine;

/// An event. What it is lies in a list of the prelude, its info; that of a message is made only
/// when a script asks for more than the data.
pub(crate) struct EventHandle<'js> {
    info: RefCell<Option<Object<'js>>>,
    message: Option<Message<'js>>,
}

struct Message<'js> {
    data: Value<'js>,
    /// At which it was fired.
    port: Port<'js>,
    time: f64,
    /// Whether a listener is being called with it.
    is_current: Cell<bool>,
}

/// Where the data is in an info; the prelude says so too.
const DATA: u32 = 5;

impl<'js> EventHandle<'js> {
    /// One that a script or the prelude has made.
    pub(crate) fn with_info(info: Object<'js>) -> Self {
        Self { info: RefCell::new(Some(info)), message: None }
    }

    /// A message, as the listeners of a port are called with it.
    pub(super) fn message(data: Value<'js>, port: Port<'js>, time: f64) -> Self {
        let message = Message { data, port, time, is_current: Cell::new(true) };
        Self { info: RefCell::new(None), message: Some(message) }
    }

    /// The info, made if there is none yet.
    pub(crate) fn info(&self, ctx: &Ctx<'js>) -> Result<Object<'js>> {
        if let Some(info) = &*self.info.borrow() {
            return Ok(info.clone());
        }
        let Some(message) = &self.message else { return Err(illegal(ctx)) };
        let handle = message.port.borrow();
        let ports = handle.ports.borrow();
        let info = ports.make_info(
            message.data.clone(),
            message.time,
            &message.port,
            message.is_current.get(),
        )?;
        self.info.replace(Some(info.clone()));
        Ok(info)
    }

    pub(crate) fn data(&self, ctx: &Ctx<'js>) -> Result<Value<'js>> {
        match &self.message {
            Some(message) => Ok(message.data.clone()),
            None => self.info(ctx)?.get(DATA),
        }
    }

    /// The listeners have been called.
    pub(super) fn settle(&self, ports: &Ports<'js>) -> Result<()> {
        if let Some(message) = &self.message {
            message.is_current.set(false);
        }
        let info = self.info.borrow().clone();
        info.map_or(Ok(()), |info| ports.settle_info(info))
    }
}

fn illegal(ctx: &Ctx<'_>) -> rquickjs::Error {
    Exception::throw_type(ctx, "Illegal invocation")
}

/// The event that an object is, if it is one.
pub(crate) fn as_event<'a, 'js>(value: &'a Value<'js>) -> Option<&'a Class<'js, EventHandle<'js>>> {
    engine::as_object(value).and_then(Object::as_class)
}

/// As [`as_event`]; a `TypeError` if it is none.
pub(crate) fn require_event<'a, 'js>(
    ctx: &Ctx<'js>,
    value: &'a Value<'js>,
) -> Result<&'a Class<'js, EventHandle<'js>>> {
    as_event(value).ok_or_else(|| illegal(ctx))
}

impl<'js> Trace<'js> for EventHandle<'js> {
    fn trace<'a>(&self, tracer: Tracer<'a, 'js>) {
        if let Ok(info) = self.info.try_borrow()
            && let Some(info) = &*info
        {
            info.trace(tracer);
        }
        if let Some(message) = &self.message {
            message.data.trace(tracer);
            message.port.trace(tracer);
        }
    }
}

impl<'js> JsClass<'js> for EventHandle<'js> {
    const NAME: &'static str = "Event";
    type Mutable = Readable;

    fn constructor(_: &Ctx<'js>) -> Result<Option<Constructor<'js>>> {
        Ok(None)
    }
}
