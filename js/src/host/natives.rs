//! What the prelude asks of Rust.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::{Rc, Weak};
use std::sync::Arc;
use std::time::Duration;

use message_port::MessageChannel;
use message_port_structured::Builder;
use rquickjs::{Class as Instance, Ctx, Exception, Function, Object, Result, Value};

use crate::bells::Bells;
use crate::classes::{Classes, Helpers};
use crate::decode::decode;
use crate::encode::{Encoded, Refusal, encode};
use crate::options::{OnUncaught, Uncaught, UncaughtKind};
use crate::port::{self, Core, Found, PortHandle, Refused, Taken};
use crate::timers::Timers;

/// What the functions that scripts reach share with the host. No value of the engine is in here,
/// since the engine owns these functions.
pub(crate) struct Shared {
    pub(crate) classes: Classes,
    pub(crate) limit: usize,
    /// Memory of the last message, for the next one.
    scratch: RefCell<message_port_structured::Value>,
    /// Why the last clone was refused.
    why: RefCell<Option<String>>,
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

type Port<'js> = Instance<'js, PortHandle>;

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
            why: RefCell::default(),
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

    fn new_port<'js>(&self, ctx: &Ctx<'js>, prototype: Object<'js>) -> Result<Port<'js>> {
        if self.alive.get() >= self.next_collection.get() {
            ctx.run_gc();
            self.next_collection.set(self.alive.get() * 2 + PORTS_PER_COLLECTION);
        }
        self.alive.set(self.alive.get() + 1);
        let handle = PortHandle { core: Rc::default(), alive: Rc::clone(&self.alive) };
        Instance::instance_proto(handle, prototype)
    }

    fn encode<'js>(
        &self,
        value: Value<'js>,
        helpers: &Helpers<'js>,
        shared: Option<&mut Vec<(message_port_structured::NodeId, Value<'js>)>>,
    ) -> Encoded<message_port_structured::Value> {
        // A getter may post too, and then has no memory to use again.
        let builder = Builder::recycle(self.scratch.take());
        encode(value, &self.classes, helpers, builder, shared)
    }

    /// Posts a value; returns why it cannot be cloned.
    fn post<'js>(
        &self,
        ctx: &Ctx<'js>,
        port: &Port<'js>,
        value: Value<'js>,
        helpers: Object<'js>,
    ) -> Result<Option<String>> {
        let message = match self.encode(value, &Helpers(helpers), None) {
            Ok(message) => message,
            Err(Refusal::DataClone(why)) => return Ok(Some(why)),
            Err(Refusal::Thrown(error)) => return Err(error),
        };
        // The port is looked at only now: a getter may have closed it.
        let posted = port.borrow().core.post(&message);
        self.scratch.replace(message);
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

    fn take<'js>(ctx: &Ctx<'js>, port: &Port<'js>, helpers: Object<'js>) -> Result<Value<'js>> {
        let core = Rc::clone(&port.borrow().core);
        let helpers = Helpers(helpers);
        let taken = core.take(|message| {
            let root = match message {
                Taken::InPlace(value) => value.root(),
                Taken::Kept(value) => value.root(),
            };
            decode(ctx, root, &helpers, Vec::new())
        });
        match taken {
            Some(Ok(value)) => value,
            Some(Err(())) => Err(Exception::throw_type(ctx, "the message is no value")),
            None => Ok(port.clone().into_value()),
        }
    }

    /// Clones a value; the helpers themselves stand for a refusal.
    fn clone_value<'js>(
        &self,
        ctx: &Ctx<'js>,
        value: Value<'js>,
        helpers: Object<'js>,
    ) -> Result<Value<'js>> {
        let helpers = Helpers(helpers);
        let mut shared = Vec::new();
        match self.encode(value, &helpers, Some(&mut shared)) {
            Ok(message) => {
                let value = decode(ctx, message.root(), &helpers, shared);
                self.scratch.replace(message);
                value
            }
            Err(Refusal::DataClone(why)) => {
                self.why.replace(Some(why));
                Ok(helpers.0.into_value())
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
    native!("port", shared => move |ctx: Ctx<'js>, prototype: Object<'js>| {
        shared.new_port(&ctx, prototype)
    });
    native!("entangle", shared => move |one: Port<'js>, other: Port<'js>| {
        let MessageChannel { port1, port2 } = port::channel(shared.limit);
        one.borrow().core.put(port1);
        other.borrow().core.put(port2);
    });
    native!("post", shared => move |ctx: Ctx<'js>, port: Port<'js>, value: Value<'js>, helpers: Object<'js>| {
        match shared.post(&ctx, &port, value, helpers)? {
            None => Ok::<_, rquickjs::Error>(Value::new_undefined(ctx)),
            Some(why) => Ok(rquickjs::String::from_str(ctx, &why)?.into_value()),
        }
    });
    native!("take", |ctx: Ctx<'js>, port: Port<'js>, helpers: Object<'js>| {
        Shared::take(&ctx, &port, helpers)
    });
    native!("skip", |port: Port<'js>| {
        port.borrow().core.take(|_| ());
    });
    native!("available", |port: Port<'js>| as_number(port.borrow().core.available()));
    native!("close", |port: Port<'js>, keep: bool| port.borrow().core.close(keep));
    native!("poll", |port: Port<'js>, is_started: bool| {
        match port.borrow().core.poll(!is_started) {
            Found::Messages(count) => as_number(count),
            Found::Nothing => 0.0,
            Found::Closed => -1.0,
            Found::Gone => -2.0,
        }
    });
    native!("listens", |port: Port<'js>, listens: bool| port.borrow().core.listens.set(listens));
    native!("clone", shared => move |ctx: Ctx<'js>, value: Value<'js>, helpers: Object<'js>| {
        shared.clone_value(&ctx, value, helpers)
    });
    native!("why", shared => move || shared.why.take());
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

#[allow(clippy::cast_precision_loss, reason = "there is no memory for so many messages")]
fn as_number(count: usize) -> f64 {
    count as f64
}
