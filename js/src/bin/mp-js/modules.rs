//! Where modules come from.

use std::path::{Path, PathBuf};

use message_port_js::Host;
use message_port_js::rquickjs::loader::{ImportAttributes, Loader, Resolver};
use message_port_js::rquickjs::module::{Declarations, Declared, Exports, ModuleDef};
use message_port_js::rquickjs::{Ctx, Error, Exception, Module, Result};

const WORKER_THREADS: &str = "node:worker_threads";

/// Finds files beside the module that imports them, and the modules of Node's names if there are
/// any.
pub(crate) struct Files {
    pub(crate) has_node_modules: bool,
}

impl Resolver for Files {
    fn resolve<'js>(
        &mut self,
        ctx: &Ctx<'js>,
        base: &str,
        name: &str,
        _: Option<ImportAttributes<'js>>,
    ) -> Result<String> {
        if name == WORKER_THREADS && self.has_node_modules {
            return Ok(name.to_owned());
        }
        let path = Path::new(name);
        let is_relative = name.starts_with("./") || name.starts_with("../");
        if !is_relative && !path.is_absolute() {
            let hint = if name == WORKER_THREADS { " without the flag nodejs_compat" } else { "" };
            return Err(Exception::throw_type(ctx, &format!("there is no module {name}{hint}")));
        }
        let path = Path::new(base).parent().unwrap_or(Path::new("")).join(path);
        match path.canonicalize() {
            Ok(path) => Ok(path.to_string_lossy().into_owned()),
            Err(error) => {
                let text = format!("cannot import {}: {error}", path.display());
                Err(Exception::throw_reference(ctx, &text))
            }
        }
    }
}

/// Reads what was found.
pub(crate) struct Reader;

impl Loader for Reader {
    fn load<'js>(
        &mut self,
        ctx: &Ctx<'js>,
        name: &str,
        _: Option<ImportAttributes<'js>>,
    ) -> Result<Module<'js, Declared>> {
        if name == WORKER_THREADS {
            return Module::declare_def::<WorkerThreads, _>(ctx.clone(), name);
        }
        let source = std::fs::read(PathBuf::from(name)).map_err(|error| {
            Exception::throw_reference(ctx, &format!("cannot read {name}: {error}"))
        })?;
        Module::declare(ctx.clone(), name, source)
    }
}

/// The part of Node's module that there is: the same classes as on the global.
struct WorkerThreads;

impl ModuleDef for WorkerThreads {
    fn declare(declarations: &Declarations<'_>) -> Result<()> {
        declarations.declare("MessageChannel")?.declare("MessagePort")?;
        Ok(())
    }

    fn evaluate<'js>(ctx: &Ctx<'js>, exports: &Exports<'js>) -> Result<()> {
        let host = Host::of(ctx).ok_or(Error::Unknown)?;
        let missing = |_| Error::Unknown;
        exports.export("MessageChannel", host.message_channel(ctx).map_err(missing)?)?;
        exports.export("MessagePort", host.message_port(ctx).map_err(missing)?)?;
        Ok(())
    }
}
