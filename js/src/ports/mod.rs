//! The ports of a context: what they have to do, in which order, and how a message is delivered.
//!
//! Everything here is owned by the engine, which collects it: values of the engine are in here,
//! and nowhere else but on the stack.

mod end;
mod event;
mod handle;

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, VecDeque};
use std::rc::Rc;
use std::time::{SystemTime, UNIX_EPOCH};

use rquickjs::class::{JsClass, Readable, Trace, Tracer};
use rquickjs::function::{Constructor, IntoArgs};
use rquickjs::{Class, Ctx, Function, Object, Result, Value};

use crate::classes::Helpers;
use crate::engine;
use crate::host::Shared;

pub(crate) use end::{Core, DEFAULT_LIMIT, Refused, channel};
pub(crate) use event::{EventHandle, as_event, require_event};
pub(crate) use handle::{
    Listeners, PortHandle, close, listeners_changed, post_message, settle, start,
};

/// A port, as scripts have it.
pub(crate) type Port<'js> = Class<'js, PortHandle<'js>>;

/// A turn of a port whose peer is elsewhere takes no more than this before the others have theirs.
const BATCH: usize = 64;

/// Tasks that there is room for, however few there are.
const ROOM: usize = 1024;

enum Task<'js> {
    /// As many messages of a port that was started when they were posted.
    Messages(Port<'js>, usize),
    /// The other side, which is elsewhere, has closed.
    Closing(Port<'js>),
}

/// What the ports of a context have in common.
pub(crate) struct Ports<'js> {
    pub(crate) shared: Rc<Shared>,
    pub(crate) settings: Settings,
    pub(crate) helpers: Helpers<'js>,
    hooks: Hooks<'js>,
    /// Of the events of messages.
    prototype: Object<'js>,
    /// An event that nobody gets: it keeps the shape that all of them have.
    event: Class<'js, EventHandle<'js>>,
    /// In the order in which the messages were posted.
    tasks: RefCell<VecDeque<Task<'js>>>,
    /// Ports whose peers are elsewhere, by the number that the host knows them by: those with a
    /// listener, which are kept alive, as the other side may post to them.
    remotes: RefCell<BTreeMap<u32, Port<'js>>>,
    /// What the events of a batch of tasks have for a time.
    time: Cell<f64>,
}

/// How ports start and end.
#[derive(Clone, Copy)]
pub(crate) struct Settings {
    pub(crate) strict: bool,
    pub(crate) keep_unstarted: bool,
    /// The time of the events' origin, in milliseconds.
    pub(crate) origin: f64,
}

macro_rules! hooks {
    ($($(#[$about:meta])* $name:ident = $js:literal,)*) => {
        /// Functions of the prelude.
        struct Hooks<'js> {
            $($(#[$about])* $name: Function<'js>,)*
        }

        impl<'js> Hooks<'js> {
            fn of(object: &Object<'js>) -> Result<Self> {
                Ok(Self { $($name: object.get($js)?,)* })
            }
        }

        impl<'js> Trace<'js> for Hooks<'js> {
            fn trace<'a>(&self, tracer: Tracer<'a, 'js>) {
                $(self.$name.trace(tracer);)*
            }
        }
    };
}

hooks! {
    /// Makes a port.
    new_port = "newPort",
    /// Looks at the second argument of a post, and throws if it asks for a transfer.
    check_transfer = "checkTransfer",
    /// Throws the error of a value that cannot be cloned.
    cannot_clone = "cannotClone",
    /// Calls all the listeners.
    dispatch = "dispatch",
    /// A listener has thrown.
    failed = "failed",
    /// A message is no value.
    unreadable = "unreadable",
    fire_close = "fireClose",
    throw = "doThrow",
    make_info = "makeInfo",
    settle_info = "settleInfo",
}

impl<'js> Ports<'js> {
    pub(crate) fn new(
        ctx: &Ctx<'js>,
        shared: Rc<Shared>,
        settings: Settings,
        from_prelude: &Object<'js>,
    ) -> Result<Class<'js, Self>> {
        let prototype: Object<'js> = from_prelude.get("messageEvent")?;
        let event = EventHandle::with_info(Object::new(ctx.clone())?);
        let ports = Self {
            shared,
            settings,
            helpers: Helpers::new(from_prelude.get("helpers")?)?,
            hooks: Hooks::of(from_prelude)?,
            event: Class::instance_proto(event, prototype.clone())?,
            prototype,
            tasks: RefCell::default(),
            remotes: RefCell::default(),
            time: Cell::new(0.0),
        };
        Class::instance(ctx.clone(), ports)
    }

    /// A batch of tasks begins.
    pub(crate) fn begin_batch(&self) {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        #[allow(clippy::cast_precision_loss, reason = "below 2^53 for long")]
        let now = now.as_millis() as f64;
        self.time.set(now - self.settings.origin);
    }

    /// Does what is to be done next, if anything is.
    pub(crate) fn step(&self, ctx: &Ctx<'js>) -> Result<bool> {
        let mut tasks = self.tasks.borrow_mut();
        let task = match tasks.front_mut() {
            Some(Task::Messages(port, count)) if *count > 1 => {
                *count -= 1;
                Task::Messages(port.clone(), 1)
            }
            Some(_) => tasks.pop_front().expect("just looked at"),
            None => return Ok(false),
        };
        if tasks.is_empty() && tasks.capacity() > ROOM {
            tasks.shrink_to(ROOM);
        }
        drop(tasks);
        match task {
            Task::Messages(port, _) => self.message(ctx, &port)?,
            Task::Closing(port) => handle::end_remote(&port)?,
        }
        Ok(true)
    }

    pub(crate) fn is_idle(&self) -> bool {
        self.tasks.borrow().is_empty()
    }

    fn schedule(&self, port: &Port<'js>, count: usize) {
        let mut tasks = self.tasks.borrow_mut();
        match tasks.back_mut() {
            Some(Task::Messages(last, more)) if last == port => *more += count,
            _ => tasks.push_back(Task::Messages(port.clone(), count)),
        }
    }

    fn schedule_closing(&self, port: &Port<'js>) {
        self.tasks.borrow_mut().push_back(Task::Closing(port.clone()));
    }

    fn message(&self, ctx: &Ctx<'js>, port: &Port<'js>) -> Result<()> {
        let handle = port.borrow();
        if handle.take_scheduled() {
            if handle.has_message_listener() {
                self.deliver(ctx, port, &handle)?;
            } else if handle.never_had_listener() {
                handle.core.take(|_| ());
            }
        }
        handle::message_done(port, &handle);
        Ok(())
    }

    /// Delivers one message.
    fn deliver(&self, ctx: &Ctx<'js>, port: &Port<'js>, handle: &PortHandle<'js>) -> Result<()> {
        let data = match handle.take(ctx, &self.helpers) {
            Ok(Some(data)) => data,
            Ok(None) => return Ok(()),
            Err(error) if error.is_exception() => {
                // It cannot be made here: an expression that this engine does not know, no memory.
                ctx.catch();
                return self.hooks.unreadable.call((port.clone(),));
            }
            Err(error) => return Err(error),
        };
        let event = EventHandle::message(data, port.clone(), self.time.get());
        let event = Class::instance_proto(event, self.prototype.clone())?;
        let Some(listener) = handle.only_listener() else {
            return call(&self.hooks.dispatch, (port.clone(), event));
        };
        let called = engine::call(&listener, port.as_value(), event.as_value());
        event.borrow().settle(self)?;
        let Err(error) = called else { return Ok(()) };
        if !error.is_exception() {
            return Err(error);
        }
        let thrown = ctx.catch();
        self.carry_on_panic();
        if engine::is_uncatchable(&thrown) {
            return Err(ctx.throw(thrown));
        }
        call(&self.hooks.failed, (port.clone(), thrown))
    }

    /// A panic of a function of the embedder goes through scripts as if they had thrown, and on in
    /// the next call that fails.
    fn carry_on_panic(&self) {
        if let Err(error) = call(&self.hooks.throw, ())
            && error.is_exception()
        {
            self.hooks.throw.ctx().catch();
        }
    }

    /// A port whose peer is elsewhere may have got something.
    pub(crate) fn ring(&self, id: u32) {
        let port = self.remotes.borrow().get(&id).cloned();
        if let Some(port) = port {
            handle::news(&port);
        }
    }

    /// Makes a port whose peer is elsewhere.
    pub(crate) fn connect(&self, id: u32) -> Result<Port<'js>> {
        let port: Port<'js> = self.hooks.new_port.call(())?;
        port.borrow().set_remote(id);
        Ok(port)
    }

    pub(crate) fn check_transfer(&self, options: Value<'js>) -> Result<()> {
        call(&self.hooks.check_transfer, (options,))
    }

    pub(crate) fn cannot_clone(&self, why: &str) -> Result<()> {
        call(&self.hooks.cannot_clone, (why,))
    }

    fn fire_close(&self, port: &Port<'js>) -> Result<()> {
        call(&self.hooks.fire_close, (port.clone(),))
    }

    fn make_info(
        &self,
        data: Value<'js>,
        time: f64,
        port: &Port<'js>,
        is_current: bool,
    ) -> Result<Object<'js>> {
        self.hooks.make_info.call((data, time, port.clone(), is_current))
    }

    fn settle_info(&self, info: Object<'js>) -> Result<()> {
        call(&self.hooks.settle_info, (info,))
    }

    /// Keeps a port whose peer is elsewhere alive, or not any more.
    fn keep(&self, id: u32, port: Option<&Port<'js>>) {
        // What is replaced is dropped only when the map may be used again.
        let _replaced = match port {
            Some(port) => self.remotes.borrow_mut().insert(id, port.clone()),
            None => self.remotes.borrow_mut().remove(&id),
        };
    }
}

/// Calls a function, whatever it returns.
fn call<'js>(function: &Function<'js>, arguments: impl IntoArgs<'js>) -> Result<()> {
    function.call::<_, Value<'js>>(arguments).map(drop)
}

impl<'js> Trace<'js> for Ports<'js> {
    fn trace<'a>(&self, tracer: Tracer<'a, 'js>) {
        self.helpers.trace(tracer);
        self.hooks.trace(tracer);
        self.prototype.trace(tracer);
        self.event.trace(tracer);
        if let Ok(tasks) = self.tasks.try_borrow() {
            for task in &*tasks {
                let (Task::Messages(port, _) | Task::Closing(port)) = task;
                port.trace(tracer);
            }
        }
        if let Ok(remotes) = self.remotes.try_borrow() {
            remotes.values().for_each(|port| port.trace(tracer));
        }
    }
}

impl<'js> JsClass<'js> for Ports<'js> {
    const NAME: &'static str = "Ports";
    type Mutable = Readable;

    fn constructor(_: &Ctx<'js>) -> Result<Option<Constructor<'js>>> {
        Ok(None)
    }
}
