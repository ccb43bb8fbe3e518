//! Closing, and posting behind it.

use message_port_js::Options;

use crate::{logged, logged_with};

#[test]
fn what_a_started_port_was_sent_before_the_close_arrives() {
    let script = "
        const [p1, p2] = pair();
        watch(p1, 'p1', 'close'); watch(p2, 'p2');
        p1.postMessage(1); p1.postMessage(2); p1.close();
        log('sync-end');
    ";
    // Both events come inside of close(), the peer's first, as in the profile.
    assert_eq!(logged(script), "p2 closed · p1 closed · sync-end · p2<-1 · p2<-2");
}

#[test]
fn what_waits_at_an_unstarted_port_is_dropped_by_the_close_of_the_other() {
    let script = "
        const [p1, p2] = pair();
        watch(p1, 'p1', 'close'); watch(p2, 'p2', 'close');
        p1.postMessage(1); p1.postMessage(2); p1.close();
        watch(p2, 'p2', 'message');
        log('sync-end');
    ";
    assert_eq!(logged(script), "p2 closed · p1 closed · sync-end");
    let keep = Options::default().keep_unstarted(true);
    assert_eq!(logged_with(&keep, script), "p2 closed · p1 closed · sync-end · p2<-1 · p2<-2");
}

#[test]
fn what_was_buffered_before_onmessage_and_close_in_one_tick_arrives() {
    let script = "
        const [p1, p2] = pair();
        p1.postMessage(1); p1.postMessage(2);
        watch(p2, 'p2', 'message'); p1.close();
    ";
    assert_eq!(logged(script), "p2<-1 · p2<-2");
}

#[test]
fn both_directions_arrive_behind_a_close() {
    let script = "
        const [p1, p2] = pair();
        watch(p1, 'p1', 'message'); watch(p2, 'p2', 'message');
        p1.postMessage('a'); p2.postMessage('b'); p1.close();
    ";
    assert_eq!(logged(script), "p2<-a · p1<-b");
}

#[test]
fn all_of_a_hundred_arrive_behind_a_close() {
    let script = "
        const [p1, p2] = pair();
        let n = 0;
        p2.onmessage = () => n++;
        for (let i = 0; i < 100; i++) p1.postMessage(i);
        p1.close();
        await settle(); log(`n=${n}`);
    ";
    assert_eq!(logged(script), "n=100");
}

#[test]
fn what_was_on_its_way_arrives_behind_the_receivers_own_close() {
    let script = "
        const [p1, p2] = pair();
        watch(p1, 'p1', 'close'); watch(p2, 'p2');
        for (const n of [1, 2, 3]) p1.postMessage(n);
        p2.close(); log('sync-end');
    ";
    assert_eq!(logged(script), "p1 closed · p2 closed · sync-end · p2<-1 · p2<-2 · p2<-3");
}

#[test]
fn close_inside_a_handler_does_not_cancel_the_rest() {
    let script = "
        const [p1, p2] = pair();
        watch(p1, 'p1', 'close'); watch(p2, 'p2', 'close');
        p2.onmessage = ({ data }) => { log(`p2<-${data}`); if (data === 1) { p2.close(); log('closed'); } };
        for (const n of [1, 2, 3]) p1.postMessage(n);
    ";
    assert_eq!(logged(script), "p2<-1 · p1 closed · p2 closed · closed · p2<-2 · p2<-3");
}

#[test]
fn a_handler_that_closes_the_sender_does_not_cancel_the_rest() {
    let script = "
        const [p1, p2] = pair();
        watch(p1, 'p1', 'close'); watch(p2, 'p2', 'close');
        p2.onmessage = ({ data }) => { log(`p2<-${data}`); if (data === 1) { p1.close(); log('closed p1'); } };
        for (const n of [1, 2, 3]) p1.postMessage(n);
    ";
    assert_eq!(logged(script), "p2<-1 · p2 closed · p1 closed · closed p1 · p2<-2 · p2<-3");
}

#[test]
fn a_post_inside_a_close_handler_is_silent() {
    let script = "
        const [p1, p2] = pair();
        watch(p1, 'p1', 'message'); watch(p2, 'p2', 'message');
        for (const [p, name] of [[p1, 'p1'], [p2, 'p2']]) p.onclose = () => log(`${name} ${attempt(() => p.postMessage(1))}`);
        p1.close();
    ";
    assert_eq!(logged(script), "p2 ok · p1 ok");
}

#[test]
fn each_port_has_one_close_event_however_often_it_is_closed() {
    let script = "
        const [p1, p2] = pair();
        watch(p1, 'p1'); watch(p2, 'p2');
        p1.close(); p2.close(); p1.close(); await settle(); p2.close(); p1.close();
        log('end');
    ";
    assert_eq!(logged(script), "p2 closed · p1 closed · end");
}

#[test]
fn a_port_closed_before_its_start_gets_nothing() {
    let script = "
        const [p1, p2] = pair();
        p1.postMessage(1); p2.close();
        log(attempt(() => p2.start())); await settle(); log(attempt(() => p2.start()));
        watch(p2, 'p2', 'message');
    ";
    assert_eq!(logged(script), "ok · ok");
}

#[test]
fn onclose_is_an_attribute() {
    let script = "
        const [p1, p2] = pair();
        log(`${'onclose' in MessagePort.prototype} ${p1.onclose}`);
        p1.onclose = () => log('p1.onclose'); p2.onclose = () => log('p2.onclose');
        p1.close();
    ";
    assert_eq!(logged(script), "true null · p2.onclose · p1.onclose");
}

#[test]
fn a_throwing_close_handler_is_reported_and_both_events_come() {
    // Deliberately better than the profile, where it comes out of close().
    let script = "
        const [p1, p2] = pair();
        p2.onclose = () => { log('p2 close'); throw new Error('x'); };
        p1.onclose = () => log('p1 close');
        log(attempt(() => p1.close())); log(attempt(() => p1.close()));
    ";
    assert_eq!(logged(script), "p2 close · !Error: x · p1 close · ok · ok");
}

#[test]
fn the_close_event_is_a_plain_event() {
    let script = "
        const [p1, p2] = pair();
        p2.onclose = (e) => log([e.type, e.constructor.name, e instanceof Event, e.isTrusted, e.bubbles,
            e.cancelable, e.target === p2, 'data' in e].join());
        p1.close();
    ";
    assert_eq!(logged(script), "close,Event,true,true,false,false,true,false");
}

#[test]
fn closed_is_terminal() {
    let script = "
        const [p1, p2] = pair();
        watch(p1, 'p1'); watch(p2, 'p2');
        p1.close();
        p1.onmessage = null; p2.onmessage = null; await settle();
        watch(p2, 'again', 'message'); p2.start();
        log(attempt(() => p1.postMessage(1))); log(attempt(() => p2.close()));
    ";
    assert_eq!(logged(script), "p2 closed · p1 closed · ok · ok");
}

#[test]
fn a_listener_added_after_the_close_gets_nothing() {
    let script = "
        const [p1, p2] = pair();
        p1.close();
        watch(p1, 'p1', 'close'); watch(p2, 'p2', 'close');
        await settle();
    ";
    assert_eq!(logged(script), "");
}

#[test]
fn a_post_behind_the_close_is_silent_at_both_ports() {
    let script = "
        const [p1, p2] = pair();
        watch(p1, 'p1', 'message'); watch(p2, 'p2', 'message');
        p1.close();
        const all = () => [p1, p2].map((p) => attempt(() => p.postMessage(1))).join();
        log(all()); await settle(); log(all());
    ";
    assert_eq!(logged(script), "ok,ok · ok,ok");
}

#[test]
fn what_cannot_be_cloned_throws_at_a_closed_port_too() {
    let script = "
        const [p1, p2] = pair();
        p2.close();
        const all = () => [() => {}, Symbol()].map((v) => attempt(() => p1.postMessage(v))).join();
        log(all()); await settle(); log(all());
    ";
    assert_eq!(logged(script), "DataCloneError,DataCloneError · DataCloneError,DataCloneError");
}

#[test]
fn a_transfer_list_throws_at_a_closed_port_too() {
    let script = "
        const [p1, p2] = pair(), buffer = new ArrayBuffer(8);
        p1.close();
        log(attempt(() => p1.postMessage(buffer, [buffer]))); log(`len ${buffer.byteLength}`);
    ";
    assert_eq!(logged(script), "Error(Transfer list is not supported) · len 8");
}
