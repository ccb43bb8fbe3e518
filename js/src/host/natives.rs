//! What the prelude asks of Rust.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::{Rc, Weak};
use std::sync::Arc;
use std::time::Duration;

use message_port::MessageChannel;
use message_port_structured::Builder;
use rquickjs::{ArrayBuffer, Class, Ctx, Exception, Function, Object, Result, Value};

use crate::bells::Bells;
use crate::classes::{self, Classes, Helpers};
use crate::decode::decode;
use crate::encode::{Encoded, Refusal, encode};
use crate::engine;
use crate::options::{OnUncaught, Uncaught, UncaughtKind};
use crate::ports::{
    self, Core, EventHandle, Listeners, Port, PortHandle, Ports, Refused, Settings, as_event,
    require_event,
};
use crate::timers::Timers;

/// What the functions that scripts reach share with the host. No value of the engine is in here,
/// since the engine owns these functions.
pub(crate) struct Shared {
    pub(crate) classes: Classes,
    pub(crate) limit: usize,
    /// Memory of the last message, for the next one.
    scratch: RefCell<Option<message_port_structured::Value>>,
    pub(crate) timers: RefCell<Timers>,
    pub(crate) bells: Arc<Bells>,
    /// Ports whose peers are elsewhere, by number.
    pub(crate) remotes: RefCell<BTreeMap<u32, Weak<Core>>>,
    last_remote: Cell<u32>,
    alive: Rc<Cell<usize>>,
    /// Ports at which garbage is collected the next time: the engine knows nothing of the memory
    /// of channels.
    next_collection: Cell<usize>,
    on_uncaught: Option<OnUncaught>,
}

/// Ports that are made before garbage is collected for their sake.
const PORTS_PER_COLLECTION: usize = 1024;

impl Shared {
    pub(crate) fn new(
        classes: Classes,
        limit: usize,
        bells: Arc<Bells>,
        on_uncaught: Option<OnUncaught>,
    ) -> Self {
        Self {
            classes,
            limit,
            scratch: RefCell::default(),
            timers: RefCell::default(),
            bells,
            remotes: RefCell::default(),
            last_remote: Cell::new(0),
            alive: Rc::default(),
            next_collection: Cell::new(PORTS_PER_COLLECTION),
            on_uncaught,
        }
    }

    /// Ports that are alive in this runtime.
    pub(crate) fn alive(&self) -> usize {
        self.alive.get()
    }

    /// A number for a port whose peer is elsewhere.
    pub(crate) fn next_remote(&self) -> u32 {
        let id = self.last_remote.get() + 1;
        self.last_remote.set(id);
        id
    }

    /// Lets a port ring the host.
    pub(crate) fn register(&self, id: u32, core: &Rc<Core>) {
        let bell = self.bells.bell(id);
        core.set_bell(Arc::clone(&bell));
        let mut remotes = self.remotes.borrow_mut();
        remotes.retain(|_, core| core.strong_count() > 0);
        remotes.insert(id, Rc::downgrade(core));
        bell.ring();
    }

    /// Counts a port that is made, until it is dropped.
    pub(crate) fn add_port(&self) -> Rc<Cell<usize>> {
        self.alive.set(self.alive.get() + 1);
        Rc::clone(&self.alive)
    }

    fn new_port<'js>(
        &self,
        ports: Class<'js, Ports<'js>>,
        prototype: Object<'js>,
    ) -> Result<Port<'js>> {
        if self.alive.get() >= self.next_collection.get() {
            prototype.ctx().run_gc();
            self.next_collection.set(self.alive.get() * 2 + PORTS_PER_COLLECTION);
        }
        Class::instance_proto(PortHandle::new(ports), prototype)
    }

    fn encode<'js>(
        &self,
        value: &Value<'js>,
        helpers: &Helpers<'js>,
        shared: Option<&mut Vec<(message_port_structured::NodeId, Value<'js>)>>,
    ) -> Encoded<message_port_structured::Value> {
        // A getter may post too, and then has no memory to use again.
        let builder = self.scratch.take().map_or_else(Builder::new, Builder::recycle);
        encode(value, &self.classes, helpers, builder, shared)
    }

    /// Posts a large buffer of fixed length from where it lies. `None` if it is something else, or
    /// cannot be cloned.
    fn post_buffer<'js>(
        &self,
        core: &Core,
        value: &Value<'js>,
        helpers: &Helpers<'js>,
    ) -> Result<Option<std::result::Result<(), Refused>>> {
        if self.classes.of(value) != classes::Class::ArrayBuffer {
            return Ok(None);
        }
        let Some(buffer) = ArrayBuffer::from_value(value.clone()) else {
            value.ctx().catch();
            return Ok(None);
        };
        if buffer.len() < engine::LARGE {
            return Ok(None);
        }
        let max_len: Option<f64> = helpers.call("maxLength", (value.clone(),))?;
        Ok(if max_len.is_none() { engine::post_buffer(core, &buffer) } else { None })
    }

    /// Posts a value; returns why it cannot be cloned.
    pub(crate) fn post<'js>(
        &self,
        ctx: &Ctx<'js>,
        core: &Core,
        value: &Value<'js>,
        helpers: &Helpers<'js>,
    ) -> Result<Option<String>> {
        let posted = if let Some(posted) = self.post_buffer(core, value, helpers)? {
            posted
        } else {
            let message = match self.encode(value, helpers, None) {
                Ok(message) => message,
                Err(Refusal::DataClone(why)) => return Ok(Some(why)),
                Err(Refusal::Thrown(error)) => return Err(error),
            };
            // The port is looked at only now: a getter may have closed it.
            let posted = core.post(&message);
            self.scratch.replace(Some(message));
            posted
        };
        match posted {
            Ok(()) => Ok(None),
            Err(Refused::TooLarge(bytes)) => Ok(Some(format!(
                "a message of {bytes} bytes could not be cloned: it is too large for the channel."
            ))),
            Err(Refused::Busy) => Err(Exception::throw_dom(
                ctx,
                "InvalidStateError",
                "A message is being read at this port.",
            )),
            Err(Refused::Full) => Err(Exception::throw_dom(
                ctx,
                "QuotaExceededError",
                "The channel is full: its peer has not received what was posted.",
            )),
        }
    }

    fn clone_value<'js>(
        &self,
        ctx: &Ctx<'js>,
        ports: &Ports<'js>,
        value: &Value<'js>,
    ) -> Result<Value<'js>> {
        let helpers = &ports.helpers;
        let mut shared = Vec::new();
        match self.encode(value, helpers, Some(&mut shared)) {
            Ok(message) => {
                let value = decode(ctx, message.root(), helpers, shared);
                self.scratch.replace(Some(message));
                value
            }
            Err(Refusal::DataClone(why)) => {
                ports.cannot_clone(&why)?;
                Err(rquickjs::Error::Unknown)
            }
            Err(Refusal::Thrown(error)) => Err(error),
        }
    }

    /// Tells the embedder.
    pub(crate) fn uncaught(&self, kind: UncaughtKind, value: &Value<'_>) {
        let uncaught = describe(kind, value);
        match &self.on_uncaught {
            Some(callback) => callback(&uncaught),
            None => eprintln!("{uncaught}"),
        }
    }
}

/// Shows what was thrown. Whatever is thrown meanwhile is dropped.
pub(crate) fn describe(kind: UncaughtKind, value: &Value<'_>) -> Uncaught {
    let ctx = value.ctx();
    let text = value.clone().get::<rquickjs::Coerced<String>>();
    let message = text.map_or_else(
        |_| {
            ctx.catch();
            "something that has no text".to_owned()
        },
        |text| text.0,
    );
    let stack = value.as_object().filter(|object| object.is_error()).and_then(|object| {
        let stack = object.get::<_, Option<String>>("stack");
        stack.unwrap_or_else(|_| {
            ctx.catch();
            None
        })
    });
    Uncaught { kind, message, stack }
}

/// The object of functions that the prelude gets.
pub(crate) fn natives<'js>(ctx: &Ctx<'js>, shared: &Rc<Shared>) -> Result<Object<'js>> {
    let object = Object::new(ctx.clone())?;
    // Each function has its own share of what the host has.
    macro_rules! native {
        ($name:literal, $shared:ident => $function:expr) => {
            let $shared = Rc::clone(shared);
            object.set($name, Function::new(ctx.clone(), $function)?)?;
        };
        ($name:literal, $function:expr) => {
            object.set($name, Function::new(ctx.clone(), $function)?)?;
        };
    }
    native!("ports", shared => move |ctx: Ctx<'js>, settings: Object<'js>, from_prelude: Object<'js>| {
        let settings = Settings {
            strict: settings.get("strict")?,
            keep_unstarted: settings.get("keepUnstarted")?,
            origin: from_prelude.get("origin")?,
        };
        Ports::new(&ctx, Rc::clone(&shared), settings, &from_prelude)
    });
    native!("port", shared => move |ports: Class<'js, Ports<'js>>, prototype: Object<'js>| {
        shared.new_port(ports, prototype)
    });
    native!("entangle", shared => move |one: Port<'js>, other: Port<'js>| {
        let MessageChannel { port1, port2 } = ports::channel(shared.limit);
        one.borrow().core.put(port1);
        other.borrow().core.put(port2);
        one.borrow().set_peer(other.clone());
        other.borrow().set_peer(one.clone());
    });
    native!("start", |port: Port<'js>| ports::start(&port));
    native!("close", |port: Port<'js>| ports::close(&port));
    // Whether those for messages have changed, and whether the handler attribute is set; how many
    // there are for messages, and in all.
    native!("listeners", |port: Port<'js>,
                          of_messages: bool,
                          is_attribute: bool,
                          messages: usize,
                          all: usize| {
        let listeners = Listeners { messages, all };
        ports::listeners_changed(&port, of_messages, listeners, is_attribute);
    });
    native!("onlyListener", |port: Port<'js>, listener: Option<Function<'js>>| {
        port.borrow().set_only_listener(listener);
    });
    native!("event", |prototype: Object<'js>, info: Object<'js>| {
        Class::instance_proto(EventHandle::with_info(info), prototype)
    });
    native!("info", |ctx: Ctx<'js>, event: Value<'js>| require_event(&ctx, &event)?
        .borrow()
        .info(&ctx));
    native!("isEvent", |value: Value<'js>| as_event(&value).is_some());
    object.set("data", engine::data_getter(ctx)?)?;
    object.set("postMessage", engine::post_message(ctx)?)?;
    native!("clone", shared => move |ctx: Ctx<'js>, ports: Class<'js, Ports<'js>>, value: Value<'js>| {
        shared.clone_value(&ctx, &ports.borrow(), &value)
    });
    native!("timer", shared => move |id: u32, milliseconds: f64| {
        let delay = Duration::try_from_secs_f64(milliseconds / 1000.0).unwrap_or(Duration::MAX);
        shared.timers.borrow_mut().set(id, delay);
    });
    native!("clear", shared => move |id: u32| shared.timers.borrow_mut().clear(id));
    native!("uncaught", shared => move |kind: u32, value: Value<'js>| {
        let kind = if kind == 0 { UncaughtKind::Exception } else { UncaughtKind::Rejection };
        shared.uncaught(kind, &value);
    });
    Ok(object)
}
