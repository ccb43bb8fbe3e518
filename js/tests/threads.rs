//! Scripts and Rust on several threads.

use std::sync::mpsc;
use std::thread;
use std::time::Instant;

use message_port::{MessageChannel, RecvError};
use message_port_js::rquickjs::Function;
use message_port_js::{Endpoint, Error, Host, Next, Options};
use message_port_structured::{Builder, Value};

/// A host with a `log` that ends up in a list.
fn host(endpoint: Endpoint, script: &str) -> (Host, mpsc::Receiver<String>) {
    let (sender, log) = mpsc::channel();
    let options = Options::default();
    let uncaught = sender.clone();
    let options =
        options.on_uncaught(move |error| drop(uncaught.send(format!("!{}", error.message()))));
    let host = Host::new(&options).unwrap();
    host.with(|ctx| {
        let log = Function::new(ctx.clone(), move |text: String| drop(sender.send(text)));
        ctx.globals().set("log", log).unwrap();
    });
    let port = host.connect(endpoint).unwrap();
    host.ref_port(&port).unwrap();
    host.set_global("port", &port).unwrap();
    host.eval(script).unwrap();
    (host, log)
}

fn run(endpoint: Endpoint, script: &str) -> Vec<String> {
    let (host, log) = host(endpoint, script);
    host.run().unwrap();
    drop(host);
    log.iter().collect()
}

#[test]
fn a_script_answers_rust() {
    let (ours, theirs) = Endpoint::pair();
    let script = thread::spawn(move || {
        run(theirs, "port.onmessage = ({ data }) => port.postMessage({ sum: data.a + data.b })")
    });
    let mut port = ours.into_port();
    let mut builder = Builder::new();
    let (a, b) = (builder.number(3.0), builder.number(4.0));
    let object = builder.object_of([("a", a), ("b", b)]);
    port.post_message(&builder.finish(object).unwrap()).unwrap();
    assert_eq!(port.recv().unwrap().root().get("sum").unwrap().as_f64(), Some(7.0));
    port.close();
    assert!(script.join().unwrap().is_empty());
}

#[test]
fn two_scripts_talk() {
    let (one, other) = Endpoint::pair();
    let echo = thread::spawn(move || {
        run(
            other,
            "port.onmessage = ({ data }) => { log(data.join()); port.postMessage([...data, data.length]); }; port.onclose = () => log('closed')",
        )
    });
    let log = run(
        one,
        "port.onmessage = ({ data }) => { if (data.length < 4) port.postMessage(data); else { log(data.join()); port.close(); } };
         port.onclose = () => log('closed');
         port.postMessage([0])",
    );
    assert_eq!(log, ["0,1,2,3", "closed"]);
    assert_eq!(echo.join().unwrap(), ["0", "0,1", "0,1,2", "closed"]);
}

#[test]
fn a_million_messages_between_two_runtimes_arrive_in_order() {
    let count: u32 = if cfg!(debug_assertions) { 100_000 } else { 1_000_000 };
    let (one, other) = Endpoint::pair();
    let receiver = thread::spawn(move || {
        run(
            other,
            "let next = 0, wrong = 0;
             port.onmessage = ({ data }) => { if (data !== next++) wrong++; };
             port.onclose = () => log(`${next} ${wrong}`)",
        )
    });
    let script = format!(
        "let n = 0;
         const post = () => {{
             for (let i = 0; i < 1000 && n < {count}; i++) port.postMessage(n++);
             if (n < {count}) setTimeout(post, 0); else port.close();
         }};
         port.onmessage = () => {{}}; post();"
    );
    run(one, &script);
    assert_eq!(receiver.join().unwrap(), [format!("{count} 0")]);
}

#[test]
fn what_was_posted_before_the_close_arrives_before_the_close_event() {
    let (one, other) = Endpoint::pair();
    let mut port = one.into_port();
    for n in 0..200 {
        port.post_message(&Value::from(n)).unwrap();
    }
    port.close();
    let log = run(
        other,
        "let n = 0; port.onmessage = () => n++; port.onclose = (e) => log(`${n} ${e.isTrusted} ${attempt()}`);
         function attempt() { try { port.postMessage(1); return 'ok'; } catch (e) { return e.name; } }",
    );
    assert_eq!(log, ["200 true ok"]);
}

#[test]
fn an_unstarted_port_sees_the_close_and_drops_what_waited() {
    let (one, other) = Endpoint::pair();
    let mut port = one.into_port();
    port.post_message(&Value::from(1)).unwrap();
    port.close();
    let (host, log) =
        host(other, "port.onclose = () => { log('closed'); port.onmessage = () => log('late'); }");
    host.run_until_idle().unwrap();
    assert_eq!(log.try_iter().collect::<Vec<_>>(), ["closed"]);
}

#[test]
fn a_dropped_peer_is_no_close() {
    let (one, other) = Endpoint::pair();
    let mut port = one.into_port();
    port.post_message(&Value::from(1)).unwrap();
    drop(port);
    let log = run(
        other,
        "port.onmessage = ({ data }) => log(`${data}`); port.onclose = () => log('closed')",
    );
    assert_eq!(log, ["1"]);
}

#[test]
fn closing_tells_rust() {
    let (one, other) = Endpoint::pair();
    run(one, "port.postMessage('last'); port.onclose = () => log('closed'); port.close()");
    let mut port = other.into_port();
    assert_eq!(port.recv().unwrap().root().as_str().unwrap(), "last");
    assert!(matches!(port.recv(), Err(RecvError::Closed)));
}

#[test]
fn a_collected_port_disconnects_rust() {
    let (one, other) = Endpoint::pair();
    let (host, _log) = host(one, "globalThis.port = undefined");
    host.run_until_idle().unwrap();
    host.context().runtime().run_gc();
    assert!(matches!(other.into_port().recv(), Err(RecvError::Disconnected)));
}

#[test]
fn a_listener_keeps_its_port_alive() {
    let (one, other) = Endpoint::pair();
    let (host, log) =
        host(one, "port.onmessage = ({ data }) => log(`${data}`); globalThis.port = undefined");
    host.context().runtime().run_gc();
    let mut port = other.into_port();
    port.post_message(&Value::from(7)).unwrap();
    host.run_until_idle().unwrap();
    host.context().runtime().run_gc();
    port.post_message(&Value::from(8)).unwrap();
    host.run_until_idle().unwrap();
    assert_eq!(log.try_iter().collect::<Vec<_>>(), ["7", "8"]);
    assert!(!port.is_disconnected());
}

#[test]
fn a_port_of_a_script_goes_to_another_thread() {
    let options = Options::default();
    let host = Host::new(&options).unwrap();
    host.eval(
        "var got = []; var { port1, port2 } = new MessageChannel();
         port1.onmessage = ({ data }) => { got.push(data); port1.close(); };
         port1.postMessage('early');",
    )
    .unwrap();
    let endpoint = host.take_global_endpoint("port2").unwrap();
    let other = thread::spawn(move || {
        run(
            endpoint,
            "port.onmessage = ({ data }) => { log(data); port.postMessage(`${data} bird`); }; port.onclose = () => log('closed')",
        )
    });
    let port1 = host.global_port("port1").unwrap();
    host.ref_port(&port1).unwrap();
    host.run().unwrap();
    host.with(|ctx| assert_eq!(ctx.eval::<String, _>("got[0]").unwrap(), "early bird"));
    assert_eq!(other.join().unwrap(), ["early", "closed"]);
}

#[test]
fn what_is_no_port_is_not_taken() {
    let host = Host::new(&Options::default()).unwrap();
    host.eval("var x = {}; var { port1: gone, port2: peer } = new MessageChannel(); gone.close();")
        .unwrap();
    for name in ["x", "gone", "peer", "nothing"] {
        assert!(matches!(host.take_global_endpoint(name), Err(Error::NotAPort)), "{name}");
    }
    host.eval("var { port1, port2 } = new MessageChannel()").unwrap();
    host.take_global_endpoint("port1").unwrap();
    assert!(matches!(host.take_global_endpoint("port1"), Err(Error::NotAPort)), "it has left");
    assert!(
        matches!(host.take_global_endpoint("port2"), Err(Error::NotAPort)),
        "its peer has left"
    );
}

#[test]
fn a_port_keeps_the_host_running_only_if_asked() {
    let (one, _other) = Endpoint::pair();
    let host = Host::new(&Options::default()).unwrap();
    let port = host.connect(one).unwrap();
    host.set_global("port", &port).unwrap();
    host.eval("port.onmessage = () => {}").unwrap();
    host.run().unwrap(); // returns
    host.ref_port(&port).unwrap();
    assert_eq!(host.turn().unwrap(), Next::WhenWoken);
    host.unref_port(&port).unwrap();
    assert_eq!(host.turn().unwrap(), Next::Never);
    host.ref_port(&port).unwrap();
    host.eval("port.onmessage = null").unwrap();
    assert_eq!(host.turn().unwrap(), Next::Never, "nobody listens");
}

#[test]
fn the_wake_hook_is_called_from_other_threads() {
    let (one, other) = Endpoint::pair();
    let (host, log) = host(one, "port.onmessage = ({ data }) => log(`${data}`)");
    let (sender, wakes) = mpsc::channel();
    host.set_wake_hook(move || sender.send(()).unwrap_or_default());
    assert_eq!(host.turn().unwrap(), Next::WhenWoken);
    while wakes.try_recv().is_ok() {}
    let poster = thread::spawn(move || {
        let mut port = other.into_port();
        port.post_message(&Value::from(7)).unwrap();
        port
    });
    wakes.recv().unwrap();
    let _port = poster.join().unwrap();
    host.run_until_idle().unwrap();
    assert_eq!(log.try_iter().collect::<Vec<_>>(), ["7"]);
}

#[test]
fn timers_wake_a_host_that_waits_for_a_port() {
    let (one, _other) = Endpoint::pair();
    let start = Instant::now();
    let log = run(
        one,
        "port.onmessage = () => {}; setTimeout(() => { log('timer'); port.close(); }, 20)",
    );
    assert_eq!(log, ["timer"]);
    assert!(start.elapsed().as_millis() >= 20);
}

#[test]
fn ports_of_rust_share_the_loop() {
    let host = Host::new(&Options::default()).unwrap();
    let MessageChannel { mut port1, mut port2 } = MessageChannel::<u32>::new();
    port2.set_onmessage(|event| {
        let reply = event.data().to_native() + 1;
        event.target().post_message(&reply)
    });
    host.events().add(port2);
    port1.post_message(&7).unwrap();
    host.run_until_idle().unwrap();
    assert_eq!(*port1.try_recv().unwrap(), 8);
}

#[test]
fn a_full_channel_is_a_clear_error() {
    let (one, mut other) = {
        let (one, other) = Endpoint::pair_with_limit(64 << 10);
        (one, other.into_port())
    };
    let (host, log) = host(
        one,
        "let n = 0; try { for (;; n++) port.postMessage('x'.repeat(1000)); } catch (error) { log(`${error.name} ${error.code}`); }
         try { port.postMessage(new ArrayBuffer(1 << 20)); } catch (error) { log(error.name); }
         globalThis.n = n;",
    );
    assert_eq!(log.try_iter().collect::<Vec<_>>(), ["QuotaExceededError 22", "DataCloneError"]);
    let posted: u32 = host.with(|ctx| ctx.globals().get("n").unwrap());
    for _ in 0..posted {
        other.try_recv().unwrap();
    }
    host.eval("port.postMessage('again')").unwrap();
    assert_eq!(other.try_recv().unwrap().root().as_str().unwrap(), "again");
}

#[test]
fn an_interrupted_handler_ends_alone() {
    use std::cell::Cell;
    use std::rc::Rc;

    let (one, other) = Endpoint::pair();
    let (host, log) = host(
        one,
        "port.onmessage = ({ data }) => { log(`${data}`); if (data === 1) for (;;); };
         setTimeout(() => { for (;;); }, 0); setTimeout(() => log('timer'), 0);",
    );
    let looks = Rc::new(Cell::new(0));
    let counted = Rc::clone(&looks);
    host.context().runtime().set_interrupt_handler(Some(Box::new(move || {
        counted.set(counted.get() + 1);
        counted.get() == 10 || counted.get() == 20 // one for each of the loops
    })));
    let mut port = other.into_port();
    for n in [1, 2, 3] {
        port.post_message(&Value::from(n)).unwrap();
    }
    while !host.with(|_| looks.get() >= 20) {
        host.run_until_idle().unwrap();
    }
    host.run_until_idle().unwrap();
    let lines: Vec<_> = log.try_iter().collect();
    for line in ["1", "2", "3", "timer"] {
        assert!(lines.iter().any(|other| other == line), "{lines:?} have no {line}");
    }
    assert_eq!(lines.iter().filter(|line| line.contains("interrupted")).count(), 2, "{lines:?}");
}

#[test]
fn a_panic_of_the_embedder_in_a_handler_goes_on_where_the_host_runs() {
    let host = Host::new(&Options::default()).unwrap();
    host.with(|ctx| {
        let panics = Function::new(ctx.clone(), || -> i32 { panic!("of the embedder") });
        ctx.globals().set("panics", panics).unwrap();
    });
    host.eval(
        "const { port1, port2 } = new MessageChannel();
         port2.onmessage = () => panics(); port1.postMessage(1);",
    )
    .unwrap();
    let ran = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| host.run()));
    let panic = ran.unwrap_err();
    assert_eq!(panic.downcast_ref::<&str>(), Some(&"of the embedder"));
}

#[test]
fn a_panic_of_the_embedder_in_a_getter_goes_on_where_the_post_is_evaluated() {
    let host = Host::new(&Options::default()).unwrap();
    host.with(|ctx| {
        let panics = Function::new(ctx.clone(), || -> i32 { panic!("of the embedder") });
        ctx.globals().set("panics", panics).unwrap();
    });
    host.eval("const { port1, port2 } = new MessageChannel();").unwrap();
    let getters =
        ["{ get a() { panics(); } }", "Object.defineProperty(new Error, 'cause', { get: panics })"];
    for value in getters {
        let script = format!("port1.postMessage({value})");
        let ran = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| host.eval(&script)));
        let panic = ran.unwrap_err();
        assert_eq!(panic.downcast_ref::<&str>(), Some(&"of the embedder"), "{value}");
    }
    host.eval(
        "let got; port2.onmessage = ({ data }) => { got = data; };
         port1.postMessage({ a: 1 });",
    )
    .unwrap();
    host.run().unwrap();
    let got: i32 = host.with(|ctx| ctx.eval("got.a").unwrap());
    assert_eq!(got, 1);
}
