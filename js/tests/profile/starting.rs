//! Buffering, starting, and listeners that come and go.

use message_port_js::Options;

use crate::{logged, logged_with};

#[test]
fn messages_wait_for_onmessage() {
    let script = "
        const [p1, p2] = pair();
        for (const n of [1, 2, 3]) p1.postMessage(n);
        watch(p2, 'p2');
        log('sync-end');
    ";
    assert_eq!(logged(script), "sync-end · p2<-1 · p2<-2 · p2<-3");
}

#[test]
fn each_port_keeps_its_order_in_both_directions() {
    let script = "
        const [p1, p2] = pair();
        for (const n of [1, 2]) { p1.postMessage(`a${n}`); p2.postMessage(`b${n}`); }
        watch(p1, 'p1'); watch(p2, 'p2');
    ";
    // In the order in which the ports were started, as in the profile.
    assert_eq!(logged(script), "p1<-b1 · p1<-b2 · p2<-a1 · p2<-a2");
}

#[test]
fn messages_wait_across_ticks() {
    let script = "
        const [p1, p2] = pair();
        p1.postMessage(1); await settle(); p1.postMessage(2); await settle();
        log('attach'); watch(p2, 'p2'); p1.postMessage(3);
    ";
    assert_eq!(logged(script), "attach · p2<-1 · p2<-2 · p2<-3");
}

#[test]
fn a_listener_added_in_the_tick_of_start_gets_what_waited() {
    let script = "
        const [p1, p2] = pair();
        p1.postMessage(1); p1.postMessage(2);
        p2.start();
        p2.addEventListener('message', ({ data }) => log(`p2<-${data}`));
    ";
    assert_eq!(logged(script), "p2<-1 · p2<-2");
}

#[test]
fn a_port_started_without_a_listener_drops() {
    let script = "
        const [p1, p2] = pair();
        p2.start(); p1.postMessage(1);
        await settle(); log('attach');
        watch(p2, 'p2'); p1.postMessage(2);
    ";
    assert_eq!(logged(script), "attach · p2<-2");
}

#[test]
fn start_twice_delivers_once() {
    let script = "
        const [p1, p2] = pair();
        p1.postMessage(1);
        p2.addEventListener('message', ({ data }) => log(`p2<-${data}`));
        p2.start(); p2.start(); p1.postMessage(2); p2.start();
    ";
    assert_eq!(logged(script), "p2<-1 · p2<-2");
}

#[test]
fn start_post_and_close_return_undefined() {
    let script = "
        const [p1, p2] = pair();
        watch(p1, 'p1', 'close'); watch(p2, 'p2', 'close');
        log(`${p1.start()} ${p1.postMessage(1)} ${p1.close()}`);
    ";
    assert_eq!(logged(script), "p2 closed · p1 closed · undefined undefined undefined");
}

#[test]
fn a_message_listener_starts_the_port() {
    for order in ["add(); p1.postMessage(1);", "p1.postMessage(1); add();"] {
        let script = format!(
            "const [p1, p2] = pair();
             const add = () => p2.addEventListener('message', ({{ data }}) => log(`p2<-${{data}}`));
             {order}
             await settle(); log('settled');"
        );
        assert_eq!(logged(&script), "p2<-1 · settled");
        let strict = Options::default().strict_start(true);
        assert_eq!(logged_with(&strict, &script), "settled");
    }
}

#[test]
fn strict_start_starts_by_onmessage_and_start() {
    let strict = Options::default().strict_start(true);
    for start in ["p2.start()", "p2.onmessage = () => {}"] {
        let script = format!(
            "const [p1, p2] = pair();
             p2.addEventListener('message', ({{ data }}) => log(`p2<-${{data}}`));
             p1.postMessage(1); await settle(); log('start'); {start};"
        );
        assert_eq!(logged_with(&strict, &script), "start · p2<-1");
    }
}

#[test]
fn messageerror_and_close_listeners_do_not_start() {
    let script = "
        const [p1, p2] = pair();
        p2.onmessageerror = () => {}; p2.onclose = () => {};
        p2.addEventListener('messageerror', () => {}); p2.addEventListener('close', () => {});
        p1.postMessage(1);
        await settle(); log('none');
        watch(p2, 'p2', 'message');
    ";
    assert_eq!(logged(script), "none · p2<-1");
}

#[test]
fn an_object_as_onmessage_starts() {
    let script = "
        const [p1, p2] = pair();
        p2.onmessage = {};
        p1.postMessage(1);
        await settle();
        watch(p2, 'p2', 'message'); // the first went to the object, which cannot be called
        p1.postMessage(2);
    ";
    assert_eq!(logged(script), "p2<-2");
}

#[test]
fn null_after_delivery_buffers_until_a_handler_is_set() {
    let script = "
        const [p1, p2] = pair();
        watch(p2, 'p2'); p1.postMessage(1);
        await settle(); log('null'); p2.onmessage = null;
        p1.postMessage(2); p1.postMessage(3);
        await settle(); log('set'); watch(p2, 'p2'); p1.postMessage(4);
    ";
    assert_eq!(logged(script), "p2<-1 · null · set · p2<-2 · p2<-3 · p2<-4");
}

#[test]
fn null_before_delivery_keeps_the_message() {
    // Deliberately better than the profile, which loses 1.
    let script = "
        const [p1, p2] = pair();
        watch(p2, 'p2'); p1.postMessage(1); p2.onmessage = null;
        await settle(); log('set'); watch(p2, 'p2'); p1.postMessage(2);
    ";
    assert_eq!(logged(script), "set · p2<-1 · p2<-2");
}

#[test]
fn null_with_a_listener_left_keeps_the_flow() {
    let script = "
        const [p1, p2] = pair();
        p2.addEventListener('message', ({ data }) => log(`p2.listener<-${data}`));
        p2.onmessage = ({ data }) => log(`p2.onmessage<-${data}`);
        p1.postMessage(1); await settle();
        log('null'); p2.onmessage = null; p1.postMessage(2);
    ";
    assert_eq!(logged(script), "p2.listener<-1 · p2.onmessage<-1 · null · p2.listener<-2");
}

#[test]
fn the_last_listener_removed_buffers() {
    let script = "
        const [p1, p2] = pair();
        const f = ({ data }) => log(`p2<-${data}`);
        p2.addEventListener('message', f); p1.postMessage(1); await settle();
        log('removed'); p2.removeEventListener('message', f);
        p1.postMessage(2); p1.postMessage(3); await settle();
        log('re-add'); p2.addEventListener('message', f);
    ";
    assert_eq!(logged(script), "p2<-1 · removed · re-add · p2<-2 · p2<-3");
}

#[test]
fn null_twice_while_buffering_loses_nothing() {
    let script = "
        const [p1, p2] = pair();
        watch(p2, 'p2'); p1.postMessage(1); await settle();
        p2.onmessage = null; p1.postMessage(2); p2.onmessage = null; p1.postMessage(3);
        await settle(); log('set'); watch(p2, 'p2');
    ";
    assert_eq!(logged(script), "p2<-1 · set · p2<-2 · p2<-3");
}

#[test]
fn null_inside_a_handler_keeps_the_rest() {
    let script = "
        const [p1, p2] = pair();
        p2.onmessage = ({ data }) => { log(`p2<-${data}`); p2.onmessage = null; };
        for (const n of [1, 2, 3]) p1.postMessage(n);
        await settle(); log('set'); watch(p2, 'p2');
    ";
    assert_eq!(logged(script), "p2<-1 · set · p2<-2 · p2<-3");
}

#[test]
fn onmessage_stores_functions_and_objects_only() {
    let script = "
        const [, p2] = pair();
        const f = () => {}, o = {};
        const values = [p2.onmessage];
        for (const value of [f, 5, o, undefined, null, 'str']) { p2.onmessage = value; values.push(p2.onmessage); }
        log(values.map((v) => v === f ? 'f' : v === o ? 'o' : String(v)).join());
    ";
    assert_eq!(logged(script), "null,f,null,o,null,null,null");
}
