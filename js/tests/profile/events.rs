//! Events and their listeners.

use crate::logged;

#[test]
fn a_message_event_has_the_standard_values() {
    let script = "
        const [p1, p2] = pair();
        p2.onmessage = function (e) {
            log([e.type, e.data.x, JSON.stringify(e.origin), JSON.stringify(e.lastEventId), e.isTrusted, e.bubbles,
                e.cancelable, e.composed, e.defaultPrevented, e.eventPhase, e.returnValue, e.source].join());
            log([Array.isArray(e.ports), e.ports.length, Object.isFrozen(e.ports), e.ports === e.ports].join());
            log([e.target === p2, e.currentTarget === p2, e.srcElement === p2, this === p2, e instanceof MessageEvent,
                e instanceof Event, e.constructor.name, typeof e.timeStamp, e.composedPath().length].join());
            setTimeout(() => log(`${e.currentTarget} ${e.eventPhase} ${e.target === p2}`));
        };
        p1.postMessage({ x: 1 });
    ";
    assert_eq!(
        logged(script),
        r#"message,1,"","",true,false,false,false,false,2,true, · true,0,true,true · "#.to_owned()
            + "true,true,true,true,true,true,MessageEvent,number,1 · null 0 true"
    );
}

#[test]
fn a_listener_has_the_port_for_this_and_an_object_itself() {
    let script = "
        const [p1, p2] = pair();
        p2.addEventListener('message', function () { log(`${this === p2}`); });
        const object = { handleEvent(e) { log(`${this === object} ${e.data}`); } };
        p2.addEventListener('message', object);
        p1.postMessage(1);
    ";
    assert_eq!(logged(script), "true · true 1");
}

#[test]
fn a_message_cannot_be_cancelled() {
    let script = "
        const [p1, p2] = pair();
        p2.onmessage = (e) => { e.preventDefault(); log(`${e.defaultPrevented}`); return true; };
        p1.postMessage(1);
    ";
    assert_eq!(logged(script), "false");
}

#[test]
fn message_events_can_be_made() {
    let script = "
        const e = new MessageEvent('m', { data: 1 });
        log([e.data, JSON.stringify(e.origin), e.ports.length, e.source, e.isTrusted, e.lastEventId === ''].join());
        log(`${new MessageEvent('m').data} ${attempt(() => new MessageEvent())} ${attempt(() => MessageEvent('m'))}`);
    ";
    let log = logged(script);
    assert!(log.starts_with("1,\"\",0,,false,true · null TypeError"), "{log}");
}

#[test]
fn a_replaced_handler_takes_effect_with_the_next_message() {
    let script = "
        const [p1, p2] = pair();
        p2.onmessage = ({ data }) => { log(`first<-${data}`); p2.onmessage = ({ data }) => log(`second<-${data}`); };
        p1.postMessage(1); p1.postMessage(2);
    ";
    assert_eq!(logged(script), "first<-1 · second<-2");
}

#[test]
fn onmessage_keeps_the_place_of_its_first_assignment() {
    let script = "
        const [p1, p2] = pair();
        p2.addEventListener('message', () => log('A'));
        p2.onmessage = () => log('old');
        p2.addEventListener('message', () => log('B'));
        p2.onmessage = () => log('onmessage');
        p1.postMessage(1);
    ";
    assert_eq!(logged(script), "A · onmessage · B");
}

#[test]
fn listeners_may_be_removed_added_and_stopped_during_dispatch() {
    let script = "
        const [p1, p2] = pair();
        const b = () => log('B'), added = ({ data }) => log(`new<-${data}`);
        p2.addEventListener('message', ({ data }) => {
            log(`A<-${data}`); p2.removeEventListener('message', b);
            if (data === 1) p2.addEventListener('message', added);
        });
        p2.addEventListener('message', b);
        p1.postMessage(1); p1.postMessage(2);
        await settle();
        const [q1, q2] = pair();
        q2.addEventListener('message', (e) => { log('C'); e.stopImmediatePropagation(); });
        q2.addEventListener('message', () => log('never'));
        q1.postMessage(1);
    ";
    assert_eq!(logged(script), "A<-1 · A<-2 · new<-2 · C");
}

#[test]
fn once_and_duplicates() {
    let script = "
        const [p1, p2] = pair();
        const f = ({ data }) => log(`f<-${data}`);
        p2.addEventListener('message', f); p2.addEventListener('message', f);
        p2.addEventListener('message', ({ data }) => log(`once<-${data}`), { once: true });
        p1.postMessage(1); p1.postMessage(2);
    ";
    assert_eq!(logged(script), "f<-1 · once<-1 · f<-2");
}

#[test]
fn scripts_dispatch_at_once_and_untrusted_on_closed_ports_too() {
    let script = "
        const [p1, p2] = pair();
        p2.onmessage = (e) => log(`${e.data} ${e.isTrusted}`);
        log('before'); p2.dispatchEvent(new MessageEvent('message', { data: 'manual' })); log('after');
        p1.close();
        log(`${p2.dispatchEvent(new MessageEvent('message', { data: 'manual2' }))}`);
        log(attempt(() => p2.dispatchEvent({})).slice(0, 9));
    ";
    assert_eq!(logged(script), "before · manual false · after · manual2 false · true · TypeError");
}

#[test]
fn null_listeners_are_ignored_and_others_refused() {
    let script = "
        const [, p2] = pair();
        log([null, undefined, 5, 'x'].map((f) => attempt(() => p2.addEventListener('message', f)).slice(0, 9)).join());
        log([{ capture: true }, { passive: true }, true].map((o) => attempt(() => p2.addEventListener('x', () => {}, o))).join());
    ";
    assert_eq!(logged(script), "ok,ok,TypeError,TypeError · ok,ok,ok");
}

#[test]
fn event_targets_can_be_made_and_subclassed() {
    let script = "
        class Target extends EventTarget { constructor() { super(); this.x = 1; } }
        const target = new Target();
        target.addEventListener('e', function (e) { log(`${this === target} ${e.type} ${e.target.x}`); });
        log(`${target.dispatchEvent(new Event('e', { cancelable: true }))}`);
        target.addEventListener('e', (e) => e.preventDefault());
        log(`${target.dispatchEvent(new Event('e', { cancelable: true }))}`);
        log(attempt(() => EventTarget.prototype.addEventListener.call({}, 'e', () => {})).slice(0, 9));
    ";
    assert_eq!(logged(script), "true e 1 · true · true e 1 · false · TypeError");
}
