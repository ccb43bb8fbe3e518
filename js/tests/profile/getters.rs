//! Values that do something while they are cloned, and what cannot be.

use crate::logged;

#[test]
fn the_error_has_its_shape_and_nothing_is_delivered() {
    let script = "
        const [p1, p2] = pair();
        watch(p1, 'p1', 'message', 'messageerror'); watch(p2, 'p2', 'message', 'messageerror');
        p1.postMessage('before');
        try { p1.postMessage({ deep: [1, { f: () => {} }] }); } catch (error) {
            log([error.name, error.code, error instanceof DOMException, error instanceof Error, error.message].join());
        }
        p1.postMessage('after');
    ";
    assert_eq!(
        logged(script),
        "DataCloneError,25,true,true,() => {} could not be cloned. · p2<-before · p2<-after"
    );
}

#[test]
fn a_getter_that_closes_the_port_drops_the_message() {
    let script = "
        const [p1, p2] = pair();
        watch(p1, 'p1', 'close'); watch(p2, 'p2');
        log(attempt(() => p1.postMessage({ get a() { p1.close(); return 1; } })));
    ";
    assert_eq!(logged(script), "p2 closed · p1 closed · ok");
}

#[test]
fn a_getter_that_posts_comes_first() {
    let script = "
        const [p1, p2] = pair();
        p2.onmessage = ({ data }) => log(JSON.stringify(data));
        p1.postMessage({ get a() { p1.postMessage('inner'); return 1; } });
    ";
    assert_eq!(logged(script), r#""inner" · {"a":1}"#);
}

#[test]
fn a_getter_that_collects_garbage_changes_nothing() {
    let script = "
        const [p1, p2] = pair();
        p2.onmessage = ({ data }) => log(JSON.stringify(data));
        const make = (n) => ({ get inner() { gc(); return n > 0 ? make(n - 1) : [new Date(0), 'x'.repeat(3)]; } });
        p1.postMessage(make(20));
        gc();
    ";
    let log = logged(script);
    assert!(log.starts_with(r#"{"inner":{"inner":"#) && log.contains("xxx"), "{log}");
}

#[test]
fn a_getter_that_throws_throws_that_and_posts_nothing() {
    let script = "
        const [p1, p2] = pair();
        watch(p2, 'p2');
        log(attempt(() => p1.postMessage({ get a() { throw new RangeError('mine'); } })));
        p1.postMessage('after');
    ";
    assert_eq!(logged(script), "RangeError(mine) · p2<-after");
}

#[test]
fn getters_run_once_at_the_post() {
    let script = "
        const [p1, p2] = pair();
        let count = 0;
        p2.onmessage = ({ data }) => { log(`${data.a} ${data.a} count ${count}`); };
        p1.postMessage({ get a() { log('getter'); count++; return 1; } });
        log('posted');
    ";
    assert_eq!(logged(script), "getter · posted · 1 1 count 1");
}

#[test]
fn a_snapshot_is_taken_at_the_post() {
    let script = "
        const [p1, p2] = pair();
        p2.onmessage = ({ data }) => log(JSON.stringify(data));
        const object = { a: 1, n: { b: 1 } }, bytes = new Uint8Array([1, 2]);
        p1.postMessage(object); p1.postMessage([...[bytes]]);
        object.a = 2; object.n.b = 2; bytes[0] = 9;
    ";
    assert_eq!(logged(script), r#"{"a":1,"n":{"b":1}} · [{"0":1,"1":2}]"#);
}

#[test]
fn all_listeners_share_one_clone() {
    let script = "
        const [p1, p2] = pair(), source = { x: 0 };
        let first;
        p2.addEventListener('message', (e) => { first = e.data; e.data.x = 1; log(`A ${e.data === e.data}`); });
        p2.addEventListener('message', (e) => log(`B ${e.data === first} ${e.data.x} ${source.x}`));
        p1.postMessage(source);
    ";
    assert_eq!(logged(script), "A true · B true 1 0");
}

#[test]
fn ports_channels_events_and_targets_cannot_be_cloned() {
    let script = "
        const [p1, p2] = pair(), channel = new MessageChannel();
        for (const value of [p1, p2, { p2 }, channel, new EventTarget(), new Event('x'), globalThis,
            new MessageEvent('x'), new (class extends EventTarget {})()]) {
            log(`${attempt(() => p1.postMessage(value))} ${attempt(() => structuredClone(value))}`);
        }
    ";
    assert_eq!(logged(script), ["DataCloneError DataCloneError"; 9].join(" · "));
}

#[test]
fn posting_to_collected_ports_is_silent() {
    let script = "
        let [p1] = pair();
        gc(); p1.postMessage(1); p1 = null; gc();
        let { port2 } = new MessageChannel();
        port2.onmessage = () => log('never');
        gc(); port2.postMessage(1); await settle(); port2 = null; gc();
        log('done');
    ";
    assert_eq!(logged(script), "done");
}

#[test]
fn a_peer_reachable_only_by_its_handler_gets_its_messages() {
    let script = "
        const p1 = (() => { const [p1, p2] = pair(); p2.onmessage = ({ data }) => log(`p2<-${data}`); return p1; })();
        gc(); p1.postMessage(1); gc();
        await settle(); gc(); p1.postMessage(2);
    ";
    assert_eq!(logged(script), "p2<-1 · p2<-2");
}

#[test]
fn messages_on_their_way_keep_their_port() {
    let script = "
        (() => { const [p1, p2] = pair(); p2.onmessage = ({ data }) => log(`p2<-${data}`); p1.postMessage(1); })();
        gc();
    ";
    assert_eq!(logged(script), "p2<-1");
}
