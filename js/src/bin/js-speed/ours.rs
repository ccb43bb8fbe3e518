//! The rows, in two runtimes on two threads.

use std::cell::RefCell;
use std::rc::Rc;
use std::thread;
use std::time::Instant;

use message_port_js::rquickjs::{Ctx, Function, Module, Object};
use message_port_js::{Endpoint, Error, Host, Options};

const ROWS: &str = include_str!("../../../speed/rows.mjs");

/// What is done with the exports of the rows.
const BEGIN: &str = "(rows, port, scale, log) => {
    const { port1, port2 } = new MessageChannel();
    rows.serve(port2);
    rows.measure(port1, port, scale, log).finally(() => {
        port.close();
        port1.close();
    });
}";

pub(crate) fn measure(scale: f64) -> Result<Vec<String>, Error> {
    let (ours, theirs) = Endpoint::pair();
    let peer = thread::spawn(move || {
        run(theirs, |_, rows, port| rows.get::<_, Function<'_>>("serve")?.call::<_, ()>((port,)))
    });
    let lines = Rc::new(RefCell::new(Vec::new()));
    let log = Rc::clone(&lines);
    let measured = run(ours, move |ctx, rows, port| {
        let log = Function::new(ctx.clone(), move |line: String| log.borrow_mut().push(line))?;
        ctx.eval::<Function<'_>, _>(BEGIN)?.call::<_, ()>((rows.clone(), port, scale, log))
    });
    let served = peer.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
    measured.and(served)?;
    Ok(lines.take())
}

/// Runs the rows with a port until its channel has ended.
fn run(
    end: Endpoint,
    begin: impl for<'js> FnOnce(
        &Ctx<'js>,
        &Object<'js>,
        message_port_js::rquickjs::Value<'js>,
    ) -> message_port_js::rquickjs::Result<()>,
) -> Result<(), Error> {
    let host = Host::new(&Options::default())?;
    host.with(|ctx| {
        let performance = Object::new(ctx.clone())?;
        let start = Instant::now();
        let now = move || start.elapsed().as_secs_f64() * 1000.0;
        performance.set("now", Function::new(ctx.clone(), now)?)?;
        ctx.globals().set("performance", performance)?;
        let port = host.connect_in(ctx, end)?;
        host.ref_value(&port)?;
        let (rows, _) = Module::declare(ctx.clone(), "rows.mjs", ROWS)?.eval()?;
        begin(ctx, &rows.namespace()?, port)?;
        Ok::<_, Error>(())
    })?;
    host.run()
}
