//! A module from its file to the end of what it began.

use std::cell::Cell;
use std::fmt;
use std::path::Path;
use std::rc::Rc;

use message_port_js::rquickjs::promise::PromiseState;
use message_port_js::rquickjs::{Context, Function, Module, Persistent, Promise, Runtime, Value};
use message_port_js::{Endpoint, Error, Host, Options, install};

use crate::arguments::Settings;
use crate::modules::{Files, Reader};
use crate::{console, threads};

/// Why a module did not run.
#[derive(Debug)]
pub(crate) enum Failure {
    File(String, std::io::Error),
    Host(Error),
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(file, error) => write!(f, "cannot read {file}: {error}"),
            Self::Host(error) => error.fmt(f),
        }
    }
}

impl<E: Into<Error>> From<E> for Failure {
    fn from(error: E) -> Self {
        Self::Host(error.into())
    }
}

/// Runs the module of the command; whether everything was caught.
pub(crate) fn run(settings: &Settings) -> Result<bool, Failure> {
    let threads = threads::Threads::default();
    let is_fine = run_module(settings, &threads, None);
    // The ports of this thread are gone now, so the others come to their end.
    let others_are_fine = threads.join();
    Ok(is_fine? && others_are_fine)
}

/// Runs a module on this thread. Its host is gone when this returns.
pub(crate) fn run_module(
    settings: &Settings,
    threads: &threads::Threads,
    parent: Option<Endpoint>,
) -> Result<bool, Failure> {
    let file = settings.file.display().to_string();
    let read = || Ok((settings.file.canonicalize()?, std::fs::read(&settings.file)?));
    let (path, source) = read().map_err(|error| Failure::File(file, error))?;

    let runtime = Runtime::new().map_err(Error::from)?;
    let has_node_modules = settings.compatibility.has_node_modules();
    runtime.set_loader(Files { has_node_modules }, Reader);
    let context = Context::full(&runtime).map_err(Error::from)?;
    let is_fine = Rc::new(Cell::new(true));
    let uncaught = Rc::clone(&is_fine);
    let options = Options::default()
        .compatibility(settings.compatibility.clone())
        .strict_start(settings.strict_start)
        .keep_unstarted(settings.keep_unstarted)
        .on_uncaught(move |error| {
            uncaught.set(false);
            eprintln!("{error}");
        });
    let host = install(&context, &options)?;
    console::install(&host, settings)?;
    if settings.threads {
        threads::install(&host, settings, threads)?;
    }
    if let Some(parent) = parent {
        let port = host.connect(parent)?;
        host.ref_port(&port)?;
        host.set_global("parentPort", &port)?;
    }
    let Some(module) = begin(&host, &path, source)? else { return Ok(false) };
    host.run()?;
    let waits =
        host.with(|ctx| Ok::<_, Error>(module.restore(ctx)?.state() == PromiseState::Pending))?;
    if waits {
        eprintln!("the module awaits something that never comes");
        is_fine.set(false);
    }
    Ok(is_fine.get())
}

/// Evaluates the module as far as it goes; `None` if it does not even begin.
fn begin(
    host: &Host,
    path: &Path,
    source: Vec<u8>,
) -> Result<Option<Persistent<Promise<'static>>>, Failure> {
    host.with(|ctx| {
        let evaluated = Module::declare(ctx.clone(), path.to_string_lossy().into_owned(), source)
            .and_then(Module::eval);
        let Ok((_, promise)) = evaluated else {
            // A syntax error, or a module that cannot be found.
            host.report(ctx, ctx.catch());
            return Ok(None);
        };
        let report = Function::new(ctx.clone(), |error: Value<'_>| {
            if let Some(host) = Host::of(error.ctx()) {
                host.report(error.ctx(), error.clone());
            }
        })
        .map_err(Error::from)?;
        let watch = "(promise, report) => void promise.then(undefined, report)";
        let watch: Function<'_> = ctx.eval(watch).map_err(Error::from)?;
        watch.call::<_, ()>((promise.clone(), report)).map_err(Error::from)?;
        Ok(Some(Persistent::save(ctx, promise)))
    })
}
