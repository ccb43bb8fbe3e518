//! What a script can say, and the other names that only the command has.

use std::io::Write;
use std::time::Instant;

use message_port_js::Host;
use message_port_js::rquickjs::{Ctx, Function, Object, Result};

use crate::arguments::Settings;

pub(crate) fn install(host: &Host, settings: &Settings) -> Result<()> {
    host.with(|ctx| {
        let globals = ctx.globals();
        let write = Function::new(ctx.clone(), |is_error: bool, text: String| {
            // Nobody may be listening any more.
            drop(if is_error {
                writeln!(std::io::stderr(), "{text}")
            } else {
                writeln!(std::io::stdout(), "{text}")
            });
        })?;
        ctx.eval::<Function<'_>, _>(include_str!("console.js"))?.call::<_, ()>((write,))?;
        if !globals.contains_key("performance")? {
            let performance = Object::new(ctx.clone())?;
            let start = Instant::now();
            let now = move || start.elapsed().as_secs_f64() * 1000.0;
            performance.set("now", Function::new(ctx.clone(), now)?)?;
            globals.set("performance", performance)?;
        }
        if settings.expose_gc {
            globals.set("gc", Function::new(ctx.clone(), |ctx: Ctx<'_>| ctx.run_gc())?)?;
        }
        let file = settings.file.to_string_lossy().into_owned();
        let arguments: Vec<_> =
            std::iter::once(&file).chain(&settings.arguments).cloned().collect();
        globals.set("scriptArgs", arguments)
    })
}
