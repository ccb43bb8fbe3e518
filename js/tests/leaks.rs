//! What is let go of is freed.

use message_port_js::rquickjs::{Context, Runtime};
use message_port_js::{Endpoint, Host, Options, install};

#[test]
fn ten_thousand_ports_made_and_dropped_leave_memory_flat() {
    let host = Host::new(&Options::default()).unwrap();
    let script = "
        for (let i = 0; i < 1000; i++) {
            const { port1, port2 } = new MessageChannel();
            port2.onmessage = () => {};
            port1.postMessage(i);
            if (i % 3 === 0) port1.close();
        }
    ";
    let used = || {
        host.run_until_idle().unwrap();
        host.context().runtime().run_gc();
        host.context().runtime().memory_usage().memory_used_size
    };
    host.eval(script).unwrap();
    let before = used();
    for _ in 0..10 {
        host.eval(script).unwrap();
        host.run_until_idle().unwrap();
    }
    let after = used();
    assert_eq!(host.ports(), 0);
    assert!(after <= before + before / 20, "{before} bytes have become {after}");
}

#[test]
fn ports_are_collected_although_the_engine_does_not_see_their_memory() {
    let host = Host::new(&Options::default()).unwrap();
    let mut most = 0;
    for _ in 0..100 {
        host.eval("for (let i = 0; i < 100; i++) new MessageChannel()").unwrap();
        most = most.max(host.ports());
    }
    assert!(most < 10_000, "{most} ports were alive at once");
}

#[test]
fn a_host_can_be_dropped_in_the_middle_of_everything() {
    for _ in 0..50 {
        let (one, other) = Endpoint::pair();
        let host = Host::new(&Options::default()).unwrap();
        let port = host.connect(one).unwrap();
        host.set_global("port", &port).unwrap();
        host.eval(
            "port.onmessage = () => {}; port.postMessage(1);
             var { port1, port2 } = new MessageChannel(); port2.onmessage = () => {}; port1.postMessage(1);
             setTimeout(() => {}, 1000); Promise.reject(1); queueMicrotask(() => {});
             new FinalizationRegistry(() => {}).register({}, 1);",
        )
        .unwrap();
        drop(port);
        drop(host);
        assert!(other.into_port().is_disconnected());
    }
}

/// The last handle may go while the engine is in use.
#[test]
fn a_host_can_be_dropped_inside_its_context() {
    let runtime = Runtime::new().unwrap();
    let context = Context::full(&runtime).unwrap();
    let host = install(&context, &Options::default()).unwrap();
    context.with(move |ctx| {
        drop(host);
        assert!(Host::of(&ctx).is_none());
        ctx.eval::<(), _>("Promise.reject(1)").unwrap();
    });
    while runtime.is_job_pending() {
        let _ = runtime.execute_pending_job();
    }
}

#[test]
fn a_port_that_rust_has_keeps_its_runtime() {
    let (one, other) = Endpoint::pair();
    let port = {
        let host = Host::new(&Options::default()).unwrap();
        host.connect(one).unwrap()
    };
    let other = other.into_port();
    assert!(!other.is_disconnected());
    drop(port);
    assert!(other.is_disconnected());
}

#[test]
fn the_context_of_the_embedder_outlives_the_host() {
    use message_port_js::{install, rquickjs};
    let runtime = rquickjs::Runtime::new().unwrap();
    let context = rquickjs::Context::full(&runtime).unwrap();
    drop(install(&context, &Options::default()).unwrap());
    context.with(|ctx| {
        ctx.eval::<(), _>("const { port1 } = new MessageChannel(); port1.postMessage(1); port1.close(); Promise.reject(1)")
            .unwrap();
    });
}
