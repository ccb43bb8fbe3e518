//! A runtime with ports, and what runs it.

mod eager;
mod natives;
mod turn;

use std::cell::{Cell, RefCell};
use std::fmt;
use std::ptr::NonNull;
use std::rc::{Rc, Weak};

use message_port::{EventLoop, MessageChannel, MessagePort};
use rquickjs::context::EvalOptions;
use rquickjs::{Class, Context, Ctx, Function, IntoJs, Object, Persistent, Runtime, Value, qjs};

use crate::bells::Bells;
use crate::classes::Classes;
use crate::compatibility::Compatibility;
use crate::endpoint::Endpoint;
use crate::engine;
use crate::error::Error;
use crate::options::{Options, UncaughtKind};
use crate::ports::{self, Core, Port, Ports};
use eager::Eager;
pub(crate) use natives::Shared;
use natives::describe;

pub use turn::Next;

/// The prelude: one function of the natives and the settings, in parts.
const PRELUDE: &str = concat!(
    "(function (native, settings) {\n'use strict';\n",
    include_str!("../prelude/primordials.js"),
    include_str!("../prelude/events.js"),
    include_str!("../prelude/errors.js"),
    include_str!("../prelude/clone.js"),
    include_str!("../prelude/ports.js"),
    include_str!("../prelude/globals.js"),
    "})",
);

/// A context with `MessageChannel` and its kin, and the loop that runs its tasks.
///
/// The host has a context of its own, or [takes one](crate::install) of the embedder. It is of one
/// thread; an [`Endpoint`] connects it with others.
///
/// Scripts run in the calls of [`eval`](Self::eval), [`with`](Self::with) and those that run the
/// host: [`run`](Self::run), which waits, [`run_until_idle`](Self::run_until_idle), which does not,
/// and [`turn`](Self::turn), one step for loops of others.
///
/// # Examples
///
/// ```
/// use message_port_js::{Host, Options};
///
/// let host = Host::new(&Options::default())?;
/// host.eval(
///     "const { port1, port2 } = new MessageChannel();
///      port1.onmessage = (event) => { globalThis.result = event.data.sum };
///      port2.postMessage({ sum: 7 });",
/// )?;
/// host.run_until_idle()?;
/// host.with(|ctx| assert_eq!(ctx.globals().get::<_, i32>("result").unwrap(), 7));
/// # Ok::<(), message_port_js::Error>(())
/// ```
#[derive(Clone)]
pub struct Host(Rc<Inner>);

/// What the prelude gives to the host.
struct Hooks {
    all: Persistent<Object<'static>>,
    ports: Persistent<Class<'static, Ports<'static>>>,
}

pub(crate) struct Inner {
    /// Dropped before the context that they are of.
    hooks: RefCell<Option<Hooks>>,
    shared: Rc<Shared>,
    compatibility: Compatibility,
    budget: usize,
    events: RefCell<EventLoop>,
    /// Keeps the loop waiting: it returns at once without a port.
    _keeper: MessagePort<u8>,
    /// Whether a promise was rejected since the prelude was asked to tell of them.
    has_rejection: Cell<bool>,
    turns: Cell<u32>,
    eager: RefCell<Eager>,
    /// The context for the engine, to be compared. No other one has this address while `context` keeps
    /// it alive.
    raw: NonNull<qjs::JSContext>,
    context: Context,
}

/// Lets what is called by the engine find the host of a context: the runtime has one of these, for
/// all of its contexts.
#[derive(Default)]
pub(crate) struct Installed(RefCell<Vec<Weak<Inner>>>);

impl Installed {
    /// The latest host of a context.
    fn find(&self, ctx: &Ctx<'_>) -> Option<Rc<Inner>> {
        let hosts = self.0.borrow();
        hosts.iter().rev().filter_map(Weak::upgrade).find(|host| host.raw == ctx.as_raw())
    }

    fn add(&self, host: &Rc<Inner>) {
        let mut hosts = self.0.borrow_mut();
        hosts.retain(|host| host.strong_count() > 0);
        hosts.push(Rc::downgrade(host));
    }
}

/// Puts `MessageChannel` and its kin into a context: each name only where the context has none of
/// it. The result is what runs them.
///
/// It also has the runtime report rejections of promises. A runtime may have several contexts with a
/// host each; every host hears of those in its own context.
///
/// # Errors
///
/// Fails if the compatibility date or flags make no sense, or the engine has no memory.
///
/// # Examples
///
/// ```
/// use message_port_js::{Options, install, rquickjs};
///
/// let runtime = rquickjs::Runtime::new()?;
/// let context = rquickjs::Context::full(&runtime)?;
/// let host = install(&context, &Options::default())?;
/// context.with(|ctx| {
///     ctx.eval::<(), _>("globalThis.channel = new MessageChannel")
/// })?;
/// host.run_until_idle()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn install(context: &Context, options: &Options) -> Result<Host, Error> {
    let exposes = options.compatibility.exposes_message_channel()?;
    let mut events = EventLoop::new();
    let MessageChannel { port1, port2 } = MessageChannel::<u8>::with_capacity(64);
    events.add(port1);
    let bells = Bells::new(events.handle());
    let (hooks, shared, raw) = context.with(|ctx| {
        engine::add_dom_exception(&ctx)?;
        let classes = Classes::learn(&ctx);
        let shared =
            Rc::new(Shared::new(classes, options.limit, bells, options.on_uncaught.clone()));
        let settings = Object::new(ctx.clone())?;
        settings.set("strict", options.strict)?;
        settings.set("keepUnstarted", options.keep_unstarted)?;
        settings.set("expose", exposes)?;
        let natives = natives::natives(&ctx, &shared)?;
        let mut name = EvalOptions::default();
        name.filename = Some("message-port:prelude".to_owned());
        let hooks = ctx
            .eval_with_options::<Function<'_>, _>(PRELUDE, name)
            .and_then(|prelude| prelude.call::<_, Object<'_>>((natives, settings)))
            .map_err(|error| script_error(&ctx, error))?;
        let ports = Persistent::save(&ctx, hooks.get::<_, Class<'_, Ports<'_>>>("ports")?);
        let raw = ctx.as_raw();
        Ok::<_, Error>((Hooks { all: Persistent::save(&ctx, hooks), ports }, shared, raw))
    })?;
    let inner = Rc::new(Inner {
        hooks: RefCell::new(Some(hooks)),
        shared,
        compatibility: options.compatibility.clone(),
        budget: options.budget,
        events: RefCell::new(events),
        _keeper: port2,
        has_rejection: Cell::new(false),
        turns: Cell::new(0),
        eager: RefCell::default(),
        raw,
        context: context.clone(),
    });
    context.with(|ctx| {
        if ctx.userdata::<Installed>().is_none() {
            ctx.store_userdata(Installed::default()).map_err(|_| Error::NotAPort)?;
        }
        ctx.userdata::<Installed>().ok_or(Error::NotAPort)?.add(&inner);
        Ok::<_, Error>(())
    })?;
    context.runtime().set_host_promise_rejection_tracker(Some(Box::new(
        |ctx, promise, reason, is_handled| {
            let Some(Host(inner)) = Host::of(&ctx) else { return };
            inner.has_rejection.set(true);
            // There is nobody to tell, should it fail.
            drop(inner.hook(&ctx, "onRejection").and_then(|hook| {
                hook.call::<_, ()>((promise, reason, is_handled)).map_err(Error::Engine)
            }));
        },
    )));
    Ok(Host(inner))
}

impl Drop for Inner {
    fn drop(&mut self) {
        // The engine's tracker of rejections stays: it finds that this host is gone. Taking it back needs
        // the runtime, which whoever drops the last handle may be in the middle of.
        self.hooks.take();
    }
}

impl Inner {
    fn hooks<'js>(&self, ctx: &Ctx<'js>) -> Result<Object<'js>, Error> {
        let hooks = self.hooks.borrow().as_ref().map(|hooks| hooks.all.clone());
        Ok(hooks.ok_or(Error::NotAPort)?.restore(ctx)?)
    }

    fn ports<'js>(&self, ctx: &Ctx<'js>) -> Result<Class<'js, Ports<'js>>, Error> {
        let ports = self.hooks.borrow().as_ref().map(|hooks| hooks.ports.clone());
        Ok(ports.ok_or(Error::NotAPort)?.restore(ctx)?)
    }

    pub(crate) fn hook<'js>(&self, ctx: &Ctx<'js>, name: &str) -> Result<Function<'js>, Error> {
        Ok(self.hooks(ctx)?.get(name)?)
    }
}

/// What the engine has thrown, if it has.
fn script_error(ctx: &Ctx<'_>, error: rquickjs::Error) -> Error {
    if error.is_exception() {
        Error::Script(describe(UncaughtKind::Exception, &ctx.catch()))
    } else {
        Error::Engine(error)
    }
}

/// A port of a script, as Rust has it. It keeps the port and its host alive.
#[derive(Clone)]
pub struct ScriptPort {
    /// Dropped before the host, which has the runtime that it is of.
    value: Persistent<Value<'static>>,
    _host: Host,
}

impl fmt::Debug for ScriptPort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ScriptPort").finish_non_exhaustive()
    }
}

impl Host {
    /// A host with a runtime and a context of its own.
    ///
    /// # Errors
    ///
    /// As [`install`].
    pub fn new(options: &Options) -> Result<Self, Error> {
        let runtime = Runtime::new()?;
        let context = Context::full(&runtime)?;
        install(&context, options)
    }

    /// The host of a context, from a function that the engine calls; the latest if several were installed
    /// there.
    ///
    /// # Examples
    ///
    /// ```
    /// use message_port_js::{Host, Options};
    ///
    /// let host = Host::new(&Options::default())?;
    /// host.with(|ctx| assert!(Host::of(ctx).is_some()));
    /// # Ok::<(), message_port_js::Error>(())
    /// ```
    pub fn of(ctx: &Ctx<'_>) -> Option<Self> {
        ctx.userdata::<Installed>()?.find(ctx).map(Self)
    }

    /// The context.
    pub fn context(&self) -> &Context {
        &self.0.context
    }

    /// What says which names there are.
    pub fn compatibility(&self) -> &Compatibility {
        &self.0.compatibility
    }

    /// Calls `f` with the context.
    ///
    /// # Panics
    ///
    /// Panics inside of another such call, or of a function that the engine calls: that has a
    /// context already.
    pub fn with<R>(&self, f: impl for<'js> FnOnce(&Ctx<'js>) -> R) -> R {
        self.0.context.with(|ctx| f(&ctx))
    }

    /// Runs a script, in sloppy mode, not as a module. Its tasks run with the host.
    ///
    /// # Errors
    ///
    /// Fails with what the script throws.
    pub fn eval(&self, source: &str) -> Result<(), Error> {
        self.with(|ctx| {
            ctx.eval::<Value<'_>, _>(source).map(drop).map_err(|error| script_error(ctx, error))
        })
    }

    /// Sets a property of the global to something that can be made a value of the engine: a port
    /// by a [`ScriptPort`], a number, a string.
    ///
    /// # Errors
    ///
    /// Fails with what a setter there throws.
    pub fn set_global<T>(&self, name: &str, value: &T) -> Result<(), Error>
    where
        T: Clone + for<'js> IntoJs<'js>,
    {
        self.with(|ctx| {
            ctx.globals().set(name, value.clone()).map_err(|error| script_error(ctx, error))
        })
    }

    /// Makes a port for scripts of an end of a channel. It is an ordinary port, whose peer happens
    /// to be elsewhere. As any port it is collected when no script can reach it and it has no
    /// listener; the other side then is disconnected.
    ///
    /// # Errors
    ///
    /// Fails if the engine has no memory.
    pub fn connect(&self, endpoint: Endpoint) -> Result<ScriptPort, Error> {
        self.with(|ctx| Ok(self.script_port(ctx, self.connect_in(ctx, endpoint)?)))
    }

    fn script_port<'js>(&self, ctx: &Ctx<'js>, port: Value<'js>) -> ScriptPort {
        ScriptPort { value: Persistent::save(ctx, port), _host: self.clone() }
    }

    /// As [`connect`](Self::connect), from a function that the engine calls.
    ///
    /// # Errors
    ///
    /// As [`connect`](Self::connect).
    pub fn connect_in<'js>(&self, ctx: &Ctx<'js>, endpoint: Endpoint) -> Result<Value<'js>, Error> {
        let id = self.0.shared.next_remote();
        let ports = self.0.ports(ctx)?;
        let port = ports.borrow().connect(id).map_err(|error| script_error(ctx, error))?;
        port.borrow().core.put(endpoint.into_port());
        self.0.shared.register(id, &port.borrow().core);
        Ok(port.into_value())
    }

    /// Takes the end of a channel out of a port that a script has made, for another thread. That
    /// port is closed then, without an event. Its peer in this context, and what was posted there,
    /// stay what they are.
    ///
    /// # Errors
    ///
    /// Fails if it is no port of `new MessageChannel()`, or a closed one, or if its peer is not in
    /// this context.
    ///
    /// # Examples
    ///
    /// ```
    /// use message_port_js::{Host, Options};
    ///
    /// let host = Host::new(&Options::default())?;
    /// host.eval("var { port1, port2 } = new MessageChannel(); port1.postMessage('early')")?;
    /// let mut port = host.take_global_endpoint("port2")?.into_port(); // may go to another thread
    /// assert_eq!(port.recv()?.root().as_str().unwrap(), "early");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn take_endpoint<'js>(&self, ctx: &Ctx<'js>, port: &Value<'js>) -> Result<Endpoint, Error> {
        let port = port_of(port)?;
        let handle = port.borrow();
        if handle.ports != self.0.ports(ctx)? {
            return Err(Error::NotAPort);
        }
        let id = self.0.shared.next_remote();
        let peer = handle.leave(id).ok_or(Error::NotAPort)?;
        let end = handle.core.take_port().ok_or(Error::NotAPort)?;
        self.0.shared.register(id, &peer.borrow().core);
        ports::settle(&peer);
        Ok(Endpoint::from_port(end))
    }

    /// As [`take_endpoint`](Self::take_endpoint), of the port that a property of the global is.
    ///
    /// # Errors
    ///
    /// As [`take_endpoint`](Self::take_endpoint).
    pub fn take_global_endpoint(&self, name: &str) -> Result<Endpoint, Error> {
        self.with(|ctx| {
            let port: Value<'_> =
                ctx.globals().get(name).map_err(|error| script_error(ctx, error))?;
            self.take_endpoint(ctx, &port)
        })
    }

    /// The port that a property of the global is, to [keep the host running](Self::ref_port) for
    /// it.
    ///
    /// # Errors
    ///
    /// Fails if it is no port.
    pub fn global_port(&self, name: &str) -> Result<ScriptPort, Error> {
        self.with(|ctx| {
            let port: Value<'_> =
                ctx.globals().get(name).map_err(|error| script_error(ctx, error))?;
            core_of(&port)?;
            Ok(self.script_port(ctx, port))
        })
    }

    /// Has a port keep [`run`](Self::run) from returning for as long as a script listens to its
    /// messages and its channel has not ended. For ports whose peers are elsewhere.
    ///
    /// # Errors
    ///
    /// Fails if it is no port.
    pub fn ref_port(&self, port: &ScriptPort) -> Result<(), Error> {
        self.set_ref(port, true)
    }

    /// Takes that back. Ports are like this from the start.
    ///
    /// # Errors
    ///
    /// Fails if it is no port.
    pub fn unref_port(&self, port: &ScriptPort) -> Result<(), Error> {
        self.set_ref(port, false)
    }

    /// As [`ref_port`](Self::ref_port), from a function that the engine calls.
    ///
    /// # Errors
    ///
    /// As [`ref_port`](Self::ref_port).
    pub fn ref_value(&self, port: &Value<'_>) -> Result<(), Error> {
        core_of(port)?.is_ref.set(true);
        Ok(())
    }

    fn set_ref(&self, port: &ScriptPort, is_ref: bool) -> Result<(), Error> {
        self.with(|ctx| {
            let value = port.value.clone().restore(ctx)?;
            core_of(&value)?.is_ref.set(is_ref);
            Ok(())
        })
    }

    /// Ports that are alive in this runtime, reachable or not collected yet.
    pub fn ports(&self) -> usize {
        self.0.shared.alive()
    }

    /// The constructor `MessageChannel`, on the global or not.
    ///
    /// # Errors
    ///
    /// Fails if the engine has no memory.
    pub fn message_channel<'js>(&self, ctx: &Ctx<'js>) -> Result<Value<'js>, Error> {
        Ok(self.0.hooks(ctx)?.get("MessageChannel")?)
    }

    /// The constructor `MessagePort`, on the global or not.
    ///
    /// # Errors
    ///
    /// Fails if the engine has no memory.
    pub fn message_port<'js>(&self, ctx: &Ctx<'js>) -> Result<Value<'js>, Error> {
        Ok(self.0.hooks(ctx)?.get("MessagePort")?)
    }

    /// Reports a value as uncaught, as `reportError` does.
    pub fn report<'js>(&self, ctx: &Ctx<'js>, value: Value<'js>) {
        let report = self.0.hook(ctx, "report");
        drop(report.and_then(|report| report.call::<_, ()>((value,)).map_err(Error::Engine)));
    }
}

fn port_of<'js>(value: &Value<'js>) -> Result<Port<'js>, Error> {
    value.as_object().and_then(Class::from_object).ok_or(Error::NotAPort)
}

/// The end of a channel that a port is for.
fn core_of(port: &Value<'_>) -> Result<Rc<Core>, Error> {
    Ok(Rc::clone(&port_of(port)?.borrow().core))
}

impl<'js> IntoJs<'js> for ScriptPort {
    fn into_js(self, ctx: &Ctx<'js>) -> rquickjs::Result<Value<'js>> {
        self.value.restore(ctx)
    }
}

impl fmt::Debug for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Host")
            .field("compatibility", &self.0.compatibility)
            .field("ports", &self.ports())
            .finish_non_exhaustive()
    }
}
