//! A port: when it is started, whom it delivers to, and how it ends.
//!
//! The functions take the object that a port is for scripts, since tasks are of that.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use rquickjs::class::{JsClass, Readable, Trace, Tracer};
use rquickjs::function::Constructor;
use rquickjs::{Class, Ctx, Exception, Function, Object, Result, Value};

use super::end::{Core, Found, Taken};
use super::{BATCH, Port, Ports};
use crate::classes::Helpers;
use crate::decode::decode;
use crate::engine;

/// Whether messages are delivered.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Started {
    No,
    Yes,
    /// It was started, and its last message listener is gone: messages wait for the next one.
    Buffering,
}

/// The listeners of a port, as far as it matters when one is called.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Listeners {
    /// For `message`.
    pub(crate) messages: usize,
    /// Of any type.
    pub(crate) all: usize,
}

/// What makes an object a port, for the engine. Its end of the channel goes with the object.
pub(crate) struct PortHandle<'js> {
    pub(crate) core: Rc<Core>,
    pub(crate) ports: Class<'js, Ports<'js>>,
    /// Ports that are alive in this runtime.
    alive: Rc<Cell<usize>>,
    /// The other port of the channel, if it is in this context.
    peer: RefCell<Option<Port<'js>>>,
    /// The number that the host knows it by, if its peer is elsewhere.
    remote: Cell<Option<u32>>,
    /// The function that is all there is to call for a message.
    only_listener: RefCell<Option<Function<'js>>>,
    listeners: Cell<Listeners>,
    had_listener: Cell<bool>,
    started: Cell<Started>,
    /// Messages that there are tasks for.
    scheduled: Cell<usize>,
    /// Whether the channel is closed: on its own side or on that of a peer in this context.
    closed: Cell<bool>,
    /// Whether nothing more will come.
    ended: Cell<bool>,
}

impl<'js> PortHandle<'js> {
    pub(crate) fn new(ports: Class<'js, Ports<'js>>) -> Self {
        let alive = ports.borrow().shared.add_port();
        Self {
            core: Rc::default(),
            ports,
            alive,
            peer: RefCell::default(),
            remote: Cell::new(None),
            only_listener: RefCell::default(),
            listeners: Cell::default(),
            had_listener: Cell::new(false),
            started: Cell::new(Started::No),
            scheduled: Cell::new(0),
            closed: Cell::new(false),
            ended: Cell::new(false),
        }
    }

    pub(crate) fn set_peer(&self, peer: Port<'js>) {
        self.peer.replace(Some(peer));
    }

    pub(super) fn set_remote(&self, id: u32) {
        self.remote.set(Some(id));
    }

    fn is_remote(&self) -> bool {
        self.remote.get().is_some()
    }

    /// What is called for each message if it is all there is.
    pub(crate) fn set_only_listener(&self, listener: Option<Function<'js>>) {
        // What is replaced is dropped only when the cell may be used again.
        let _replaced = self.only_listener.replace(listener);
    }

    pub(super) fn only_listener(&self) -> Option<Function<'js>> {
        self.only_listener.borrow().clone()
    }

    pub(super) fn has_message_listener(&self) -> bool {
        self.listeners.get().messages > 0
    }

    pub(super) fn never_had_listener(&self) -> bool {
        !self.had_listener.get()
    }

    /// A task for a message begins; whether there is something to do.
    pub(super) fn take_scheduled(&self) -> bool {
        self.scheduled.set(self.scheduled.get() - 1);
        self.started.get() == Started::Yes
    }

    /// Takes the next message and makes a value of it.
    pub(super) fn take(
        &self,
        ctx: &Ctx<'js>,
        helpers: &Helpers<'js>,
    ) -> Result<Option<Value<'js>>> {
        let taken = self.core.take(|message| {
            let root = match message {
                Taken::InPlace(value) => value.root(),
                Taken::Kept(value) => value.root(),
            };
            decode(ctx, root, helpers, Vec::new())
        });
        match taken {
            Some(Ok(value)) => value.map(Some),
            Some(Err(())) => Err(Exception::throw_type(ctx, "the message is no value")),
            None => Ok(None),
        }
    }

    /// Posts a value.
    pub(crate) fn post(&self, ctx: &Ctx<'js>, value: &Value<'js>) -> Result<()> {
        let ports = self.ports.borrow();
        if let Some(why) = ports.shared.post(ctx, &self.core, value, &ports.helpers)? {
            return ports.cannot_clone(&why);
        }
        if self.closed.get() {
            return Ok(());
        }
        if let Some(peer) = &*self.peer.borrow() {
            let handle = peer.borrow();
            if handle.started.get() == Started::Yes {
                handle.scheduled.set(handle.scheduled.get() + 1);
                ports.schedule(peer, 1);
            }
        }
        Ok(())
    }

    /// Has a task for each of so many messages.
    fn schedule_up_to(&self, port: &Port<'js>, count: usize) {
        let scheduled = self.scheduled.get();
        if scheduled < count {
            self.scheduled.set(count);
            self.ports.borrow().schedule(port, count - scheduled);
        }
    }

    /// Its end of the channel goes elsewhere: it ends without an event, its peer, which is the
    /// result, gets a peer there.
    pub(crate) fn leave(&self, id: u32) -> Option<Port<'js>> {
        if self.closed.get() {
            return None;
        }
        let peer = self.peer.take()?;
        self.closed.set(true);
        self.ended.set(true);
        let handle = peer.borrow();
        let _this = handle.peer.take();
        handle.set_remote(id);
        drop(handle);
        Some(peer)
    }
}

/// Posts a value on what should be a port; `options` may ask for a transfer.
pub(crate) fn post_message<'js>(
    ctx: &Ctx<'js>,
    port: &Value<'js>,
    value: &Value<'js>,
    options: &Value<'js>,
) -> Result<()> {
    let Some(port) = engine::as_object(port).and_then(Object::as_class::<PortHandle<'js>>) else {
        return Err(Exception::throw_type(ctx, "Illegal invocation"));
    };
    let handle = port.borrow();
    if !options.is_undefined() {
        handle.ports.borrow().check_transfer(options.clone())?;
    }
    handle.post(ctx, value)
}

/// Its listeners have changed, among them those for messages if `of_messages`.
pub(crate) fn listeners_changed(
    port: &Port<'_>,
    of_messages: bool,
    listeners: Listeners,
    is_attribute: bool,
) {
    let handle = port.borrow();
    handle.listeners.set(listeners);
    if of_messages {
        if listeners.messages > 0 {
            handle.had_listener.set(true);
            let starts = match handle.started.get() {
                Started::No => is_attribute || !handle.ports.borrow().settings.strict,
                Started::Yes => false,
                Started::Buffering => true,
            };
            if starts {
                start(port);
            }
        } else if handle.had_listener.get() && handle.started.get() == Started::Yes {
            handle.started.set(Started::Buffering);
        }
    }
    settle(port);
}

/// Looks whether a port whose peer is elsewhere is to be kept alive, and whether something came.
pub(crate) fn settle(port: &Port<'_>) {
    let handle = port.borrow();
    if handle.is_remote() {
        keep(port);
        if handle.listeners.get().all > 0 {
            news(port);
        }
    }
}

pub(crate) fn start(port: &Port<'_>) {
    let handle = port.borrow();
    if handle.started.get() == Started::Yes {
        return;
    }
    handle.started.set(Started::Yes);
    if handle.is_remote() {
        news(port);
        // One that has ended may have kept something.
        if !handle.ended.get() || handle.scheduled.get() > 0 {
            return;
        }
    }
    handle.schedule_up_to(port, handle.core.available());
}

/// Ends both ports. What has been posted to a started one is on its way and arrives.
pub(crate) fn close(port: &Port<'_>) -> Result<()> {
    let handle = port.borrow();
    if handle.closed.replace(true) {
        return Ok(());
    }
    handle.core.close(handle.started.get() == Started::Yes);
    let peer = handle.peer.borrow().clone();
    if let Some(peer) = peer {
        let other = peer.borrow();
        other.closed.set(true);
        let keeps = handle.ports.borrow().settings.keep_unstarted;
        other.core.close(keeps || other.started.get() == Started::Yes);
        fire_close(&peer)?;
    }
    fire_close(port)
}

/// The other side, which is elsewhere, has closed.
pub(super) fn end_remote(port: &Port<'_>) -> Result<()> {
    let handle = port.borrow();
    if handle.closed.replace(true) {
        return Ok(());
    }
    handle.core.close(handle.ports.borrow().settings.keep_unstarted);
    fire_close(port)
}

fn fire_close(port: &Port<'_>) -> Result<()> {
    let handle = port.borrow();
    handle.ended.set(true);
    keep(port);
    handle.ports.borrow().fire_close(port)
}

fn keep(port: &Port<'_>) {
    let handle = port.borrow();
    let Some(id) = handle.remote.get() else { return };
    let (listeners, is_open) = (handle.listeners.get(), !handle.ended.get());
    handle.ports.borrow().keep(id, (is_open && listeners.all > 0).then_some(port));
    handle.core.listens.set(is_open && listeners.messages > 0);
}

/// Looks what has come from elsewhere, and has the host ring when there is more.
pub(super) fn news(port: &Port<'_>) {
    let handle = port.borrow();
    if !handle.is_remote() || handle.ended.get() || handle.scheduled.get() > 0 {
        return;
    }
    match handle.core.poll(handle.started.get() != Started::Yes) {
        Found::Messages(count) => handle.schedule_up_to(port, count.min(BATCH)),
        Found::Nothing => {}
        Found::Closed => handle.ports.borrow().schedule_closing(port),
        Found::Gone => {
            handle.ended.set(true);
            keep(port);
        }
    }
}

/// A task for a message has been done.
pub(super) fn message_done<'js>(port: &Port<'js>, handle: &PortHandle<'js>) {
    if handle.is_remote() && handle.scheduled.get() == 0 {
        news(port);
    }
}

impl Drop for PortHandle<'_> {
    fn drop(&mut self) {
        self.alive.set(self.alive.get() - 1);
    }
}

impl<'js> Trace<'js> for PortHandle<'js> {
    fn trace<'a>(&self, tracer: Tracer<'a, 'js>) {
        self.ports.trace(tracer);
        if let Ok(peer) = self.peer.try_borrow() {
            peer.trace(tracer);
        }
        if let Ok(listener) = self.only_listener.try_borrow() {
            listener.trace(tracer);
        }
    }
}

impl<'js> JsClass<'js> for PortHandle<'js> {
    const NAME: &'static str = "MessagePort";
    type Mutable = Readable;

    fn constructor(_: &Ctx<'js>) -> Result<Option<Constructor<'js>>> {
        Ok(None)
    }
}
