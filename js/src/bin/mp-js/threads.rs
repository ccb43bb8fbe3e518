//! `startThread`.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use message_port_js::rquickjs::{Ctx, Exception, Function, Result, Value};
use message_port_js::{Endpoint, Host};

use crate::arguments::Settings;
use crate::program;

/// The threads that scripts have started.
#[derive(Clone, Default)]
pub(crate) struct Threads(Arc<Mutex<Vec<JoinHandle<bool>>>>);

impl Threads {
    fn add(&self, thread: JoinHandle<bool>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(thread);
    }

    fn take(&self) -> Option<JoinHandle<bool>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).pop()
    }

    /// Waits for all of them; whether everything was caught.
    pub(crate) fn join(&self) -> bool {
        let mut are_fine = true;
        while let Some(thread) = self.take() {
            are_fine &= thread.join().unwrap_or(false);
        }
        are_fine
    }
}

/// Adds `startThread(FILE)`, which runs a module on a thread of its own and returns a port to it.
pub(crate) fn install(host: &Host, settings: &Settings, threads: &Threads) -> Result<()> {
    host.with(|ctx| install_in(ctx, settings.clone(), threads.clone()))
}

fn install_in<'js>(ctx: &Ctx<'js>, settings: Settings, threads: Threads) -> Result<()> {
    let start = move |ctx: Ctx<'js>, file: String| start(&ctx, &settings, &threads, &file);
    ctx.globals().set("startThread", Function::new(ctx.clone(), start)?)
}

fn start<'js>(
    ctx: &Ctx<'js>,
    settings: &Settings,
    threads: &Threads,
    file: &str,
) -> Result<Value<'js>> {
    // As the script says it: from where it lies.
    let beside = settings.file.parent().map(|folder| folder.join(file));
    let settings =
        Settings { file: beside.unwrap_or_else(|| PathBuf::from(file)), ..settings.clone() };
    if !settings.file.is_file() {
        let text = format!("cannot start {}: there is no such file", settings.file.display());
        return Err(Exception::throw_reference(ctx, &text));
    }
    let (ours, theirs) = Endpoint::pair();
    let all = threads.clone();
    threads.add(std::thread::spawn(move || {
        program::run_module(&settings, &all, Some(theirs)).unwrap_or_else(|error| {
            eprintln!("mp-js: {error}");
            false
        })
    }));
    let host = Host::of(ctx).ok_or(message_port_js::rquickjs::Error::Unknown)?;
    let failed = |error: message_port_js::Error| Exception::throw_internal(ctx, &error.to_string());
    let port = host.connect_in(ctx, ours).map_err(failed)?;
    host.ref_value(&port).map_err(failed)?;
    Ok(port)
}
