//! Running the host.

use std::cell::RefMut;
use std::time::{Duration, Instant};

use message_port::EventLoop;
use rquickjs::Ctx;

use super::natives::describe;
use super::{Host, Inner};
use crate::engine;
use crate::error::Error;
use crate::options::UncaughtKind;

/// With a timer that is due sooner than this, a host does not look for news before it sleeps.
const SOON: Duration = Duration::from_micros(200);

/// When a host wants its next [turn](Host::turn).
///
/// # Examples
///
/// ```
/// use message_port_js::{Host, Next, Options};
///
/// let host = Host::new(&Options::default())?;
/// assert_eq!(host.turn()?, Next::Never);
/// host.eval("setTimeout(() => {}, 60_000)")?;
/// assert!(matches!(host.turn()?, Next::At(_)));
/// # Ok::<(), message_port_js::Error>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Next {
    /// At once: something is left to do.
    Now,
    /// At that time, or when the [wake hook](Host::set_wake_hook) is called.
    At(Instant),
    /// When the wake hook is called: a port that keeps the host running may get something.
    WhenWoken,
    /// When the wake hook is called, but nothing keeps the host running.
    Never,
}

impl Host {
    /// Does what is to be done now, within limits: looks at the ports whose peers are elsewhere,
    /// delivers up to the [budget](crate::Options::budget) of messages, calls the timers that are
    /// due. Microtasks run after each of these. Never waits.
    ///
    /// # Errors
    ///
    /// Fails if a port of Rust [in the loop](Self::events) fails, or the engine has no memory.
    pub fn turn(&self) -> Result<Next, Error> {
        self.0.events.borrow_mut().run_once(Some(Duration::ZERO))?;
        let next = self.0.turn()?;
        if next == Next::Now || !self.0.listen() { Ok(next) } else { Ok(Next::Now) }
    }

    /// Does everything that can be done without waiting for another thread or a timer.
    ///
    /// # Errors
    ///
    /// As [`turn`](Self::turn).
    pub fn run_until_idle(&self) -> Result<(), Error> {
        loop {
            match self.turn()? {
                Next::Now => {}
                Next::At(due) if due <= Instant::now() => {}
                _ => return Ok(()),
            }
        }
    }

    /// Runs until nothing is left that could happen: no timer, no message on its way in here, no
    /// port that [keeps it running](Self::ref_port). Blocks while there is nothing to do.
    ///
    /// # Errors
    ///
    /// As [`turn`](Self::turn).
    pub fn run(&self) -> Result<(), Error> {
        self.run_while(|| true)
    }

    /// As [`run`](Self::run), and returns after the turn in which `goes_on` has become `false`.
    ///
    /// # Errors
    ///
    /// As [`turn`](Self::turn).
    pub fn run_while(&self, mut goes_on: impl FnMut() -> bool) -> Result<(), Error> {
        while goes_on() {
            let timeout = match self.0.turn()? {
                Next::Now => continue,
                Next::Never if self.0.listen() => continue,
                Next::Never => break,
                Next::WhenWoken => None,
                Next::At(due) => Some(due.saturating_duration_since(Instant::now())),
            };
            if goes_on() && !self.0.look(timeout)? && !self.0.listen() {
                self.0.events.borrow_mut().run_once(timeout)?;
            }
        }
        Ok(())
    }

    /// Sets what is called, on whatever thread, when a host that nobody runs gets something to do:
    /// it has the embedder's loop call [`turn`](Self::turn) again. See
    /// [`EventLoop::set_wake_hook`].
    pub fn set_wake_hook(&self, hook: impl Fn() + Send + Sync + 'static) {
        self.0.events.borrow_mut().set_wake_hook(hook);
    }

    /// The loop that the host waits in, for ports of Rust beside those of scripts: their handlers
    /// run in its turns.
    ///
    /// # Panics
    ///
    /// Panics while the host runs, and while another result of this is alive; the host panics when
    /// it is run while one is.
    pub fn events(&self) -> RefMut<'_, EventLoop> {
        self.0.events.borrow_mut()
    }
}

impl Inner {
    /// As [`Host::turn`], but ports that are found empty do not ring yet.
    fn turn(&self) -> Result<Next, Error> {
        // Not each time: a port of Rust that was woken has its turn before the thread sleeps.
        let turns = self.turns.get().wrapping_add(1);
        self.turns.set(turns);
        if turns.is_multiple_of(16) {
            self.events.borrow_mut().run_once(Some(Duration::ZERO))?;
        }
        self.microtasks()?;
        for _ in 0..self.shared.bells.len() {
            let Some(id) = self.shared.bells.take() else { break };
            self.ring(id)?;
        }
        let mut budget = self.budget;
        while budget > 0 && self.steps(&mut budget)? {
            self.microtasks()?;
        }
        let has_fired = self.fire_timers()?;
        Ok(self.next(budget == 0 || has_fired))
    }

    /// Calls the timers that are due; whether there was one.
    fn fire_timers(&self) -> Result<bool, Error> {
        if self.shared.timers.borrow().next().is_none() {
            return Ok(false);
        }
        let now = Instant::now();
        let mut has_fired = false;
        loop {
            let due = self.shared.timers.borrow_mut().take_due(now);
            let Some(id) = due else { return Ok(has_fired) };
            has_fired = true;
            self.context.with(|ctx| {
                let fired = self.hook(&ctx, "fire")?.call::<_, ()>((id,));
                self.survive(&ctx, fired)
            })?;
            self.microtasks()?;
        }
    }

    /// Has the ports whose peers are elsewhere ring from now on. Whether one has rung.
    fn listen(&self) -> bool {
        for core in self.shared.remotes.borrow().values().filter_map(std::rc::Weak::upgrade) {
            core.listen();
        }
        !self.shared.bells.is_empty()
    }

    fn ring(&self, id: u32) -> Result<(), Error> {
        let core = self.shared.remotes.borrow().get(&id).and_then(std::rc::Weak::upgrade);
        let Some(core) = core else { return Ok(()) };
        core.answer_bell();
        self.context.with(|ctx| {
            self.ports(&ctx)?.borrow().ring(id);
            Ok(())
        })
    }

    /// Reports what even the prelude could not catch: that the embedder has interrupted a script.
    fn survive<R: Default>(&self, ctx: &Ctx<'_>, result: rquickjs::Result<R>) -> Result<R, Error> {
        match result {
            Err(error) if error.is_exception() => {
                self.shared.uncaught(UncaughtKind::Exception, &ctx.catch());
                // Where it was cut off, nobody has looked for more.
                for core in self.shared.remotes.borrow().values().filter_map(std::rc::Weak::upgrade)
                {
                    core.ring();
                }
                Ok(R::default())
            }
            result => Ok(result?),
        }
    }

    /// Does what is to be done until there are microtasks, which come first; whether anything was.
    fn steps(&self, budget: &mut usize) -> Result<bool, Error> {
        self.context.with(|ctx| {
            let ports = self.ports(&ctx)?;
            let ports = ports.borrow();
            if ports.is_idle() {
                return Ok(false);
            }
            ports.begin_batch();
            let mut any = false;
            while *budget > 0 {
                let stepped = ports.step(&ctx).map(Some);
                // What ended a task by force has ended only that one.
                if self.survive(&ctx, stepped)? == Some(false) {
                    break;
                }
                *budget -= 1;
                any = true;
                if self.has_rejection.get() || engine::has_job(&ctx) {
                    break;
                }
            }
            Ok(any)
        })
    }

    /// Runs jobs until there are none, and tells of promises that nobody has handled by then.
    pub(super) fn microtasks(&self) -> Result<(), Error> {
        let runtime = self.context.runtime();
        loop {
            loop {
                match runtime.execute_pending_job() {
                    Ok(true) => {}
                    Ok(false) => break,
                    Err(error) => error.0.with(|ctx| {
                        let thrown = ctx.catch();
                        match self.hook(&ctx, "report") {
                            Ok(report) => drop(report.call::<_, ()>((thrown,))),
                            Err(_) => drop(describe(UncaughtKind::Exception, &thrown)),
                        }
                    }),
                }
            }
            if !self.has_rejection.replace(false) {
                return Ok(());
            }
            let told = self.context.with(|ctx| {
                let told = self.hook(&ctx, "tellRejections")?.call::<_, bool>(());
                self.survive(&ctx, told)
            })?;
            if !told {
                return Ok(());
            }
        }
    }

    /// When to go on. What has run since the tasks were looked at may have left more of them.
    fn next(&self, may_have_tasks: bool) -> Next {
        let has_job = self.context.runtime().is_job_pending();
        if may_have_tasks || has_job || !self.shared.bells.is_empty() {
            return Next::Now;
        }
        if let Some(due) = self.shared.timers.borrow().next() {
            return if due <= Instant::now() { Next::Now } else { Next::At(due) };
        }
        let keeps = |core: &std::rc::Weak<crate::ports::Core>| {
            core.upgrade().is_some_and(|core| core.is_ref.get() && core.listens.get())
        };
        let is_kept = self.shared.remotes.borrow().values().any(keeps);
        if is_kept { Next::WhenWoken } else { Next::Never }
    }

    /// Looks for a while whether something comes from another thread: a reply mostly comes before a
    /// thread has gone to sleep. Not on one CPU, where the other thread could not run meanwhile.
    fn look(&self, timeout: Option<Duration>) -> Result<bool, Error> {
        if timeout.is_some_and(|timeout| timeout < SOON) || !has_cpus() {
            return Ok(false);
        }
        let remotes = self.shared.remotes.borrow();
        if remotes.is_empty() {
            return Ok(false);
        }
        let has_news = |core: &std::rc::Weak<crate::ports::Core>| {
            core.upgrade().is_some_and(|core| core.has_news())
        };
        let found = self.eager.borrow_mut().look(|| {
            let found = remotes.iter().find(|(_, core)| has_news(core)).map(|(id, _)| Some(*id));
            found.or_else(|| (!self.shared.bells.is_empty()).then_some(None))
        });
        drop(remotes);
        match found {
            Some(Some(id)) => self.ring(id).map(|()| true),
            Some(None) => Ok(true),
            None => Ok(false),
        }
    }
}

fn has_cpus() -> bool {
    static CPUS: std::sync::OnceLock<bool> = std::sync::OnceLock::new();
    *CPUS.get_or_init(|| std::thread::available_parallelism().is_ok_and(|cpus| cpus.get() > 1))
}
