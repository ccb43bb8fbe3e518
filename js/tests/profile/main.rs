//! The rules of the profile, as a script observes them. What each case looks like elsewhere is in
//! `docs/profile.md`.

mod cloning;
mod closing;
mod events;
mod fast_paths;
mod getters;
mod globals;
mod ordering;
mod sample;
mod starting;
mod surface;
mod throwing;
mod transfer;
mod web_platform;

use std::cell::RefCell;
use std::rc::Rc;

use message_port_js::rquickjs::Function;
use message_port_js::{Host, Options};

/// What the scripts of the tests have beside the globals.
const KIT: &str = r"
    // The name of whatever a script throws.
    globalThis.nameOf = (error) => error instanceof Error || error instanceof DOMException
        ? (error instanceof DOMException ? error.name : `${error.name}(${error.message})`) : String(error);
    globalThis.attempt = (f) => { try { f(); return 'ok'; } catch (error) { return nameOf(error); } };
    // Logs messages of a port as `name<-data` and its close as `name closed`.
    globalThis.watch = (port, name, ...types) => {
        if (types.length === 0) types = ['message', 'close'];
        if (types.includes('message')) port.onmessage = ({ data }) => log(`${name}<-${data}`);
        if (types.includes('close')) port.addEventListener('close', () => log(`${name} closed`));
        if (types.includes('messageerror')) {
            port.addEventListener('messageerror', ({ data }) => log(`${name} messageerror ${nameOf(data)}`));
        }
        return port;
    };
    globalThis.pair = (...names) => { const { port1, port2 } = new MessageChannel(); return [port1, port2]; };
    // Until everything that is on its way has arrived.
    globalThis.settle = () => new Promise((resolve) => setTimeout(resolve, 0));
";

/// Runs a script as the body of an `async` function and returns what it has logged; what was not
/// caught is logged as `!Error(x)`.
fn logged_with(options: &Options, script: &str) -> String {
    let log = Rc::new(RefCell::new(Vec::<String>::new()));
    let uncaught = Rc::clone(&log);
    let options = options.clone().on_uncaught(move |error| {
        let kind = match error.kind() {
            message_port_js::UncaughtKind::Exception => "!",
            message_port_js::UncaughtKind::Rejection => "!rejection ",
        };
        uncaught.borrow_mut().push(format!("{kind}{}", error.message()));
    });
    let host = Host::new(&options).unwrap();
    let lines = Rc::clone(&log);
    host.with(|ctx| {
        let log = Function::new(ctx.clone(), move |text: String| lines.borrow_mut().push(text));
        ctx.globals().set("log", log).unwrap();
        let gc = Function::new(ctx.clone(), |ctx: message_port_js::rquickjs::Ctx<'_>| ctx.run_gc());
        ctx.globals().set("gc", gc).unwrap();
    });
    host.eval(KIT).unwrap();
    host.eval(&format!("(async () => {{ {script}\n }})()")).unwrap();
    host.run().unwrap();
    log.borrow().join(" · ")
}

fn logged(script: &str) -> String {
    logged_with(&Options::default(), script)
}
