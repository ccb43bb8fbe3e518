//! What the classes look like.

use crate::logged;

#[test]
fn ports_have_no_constructor_and_channels_need_new() {
    let script = "
        log(attempt(() => new MessagePort()).slice(0, 9));
        log(attempt(() => MessageChannel()).slice(0, 9));
        log(attempt(() => new MessageChannel(1)));
        log([MessageChannel.name, MessagePort.name, MessageChannel.length, MessagePort.length].join());
        const { port1 } = new MessageChannel();
        log([port1 instanceof MessagePort, port1 instanceof EventTarget,
            Object.getPrototypeOf(port1) === MessagePort.prototype].join());
    ";
    assert_eq!(
        logged(script),
        "TypeError · TypeError · ok · MessageChannel,MessagePort,0,0 · true,true,true"
    );
}

#[test]
fn port1_and_port2_are_stable_distinct_and_read_only() {
    let script = "
        'use strict';
        const c = new MessageChannel(), { port1, port2 } = c;
        log([c.port1 === port1, c.port2 === port2, port1 !== port2].join());
        log(attempt(() => { c.port1 = 1; }).slice(0, 9)); log(`${c.port1 === port1}`);
        log([String(c), String(port1), JSON.stringify(port1)].join());
        const own = Object.getOwnPropertyDescriptor(MessagePort.prototype, 'onmessage');
        log([typeof own.get, typeof own.set, own.enumerable, own.configurable].join());
        const members = [];
        for (const name in port1) members.push(name);
        log(members.sort().join());
    ";
    assert_eq!(
        logged(script),
        "true,true,true · TypeError · true · [object MessageChannel],[object MessagePort],{} · \
         function,function,true,true · addEventListener,close,dispatchEvent,onclose,onmessage,\
         onmessageerror,postMessage,removeEventListener,start"
    );
}

#[test]
fn channels_can_be_subclassed() {
    let script = "
        class Mine extends MessageChannel { constructor() { super(); this.x = 1; } }
        const mine = new Mine();
        mine.port1.onmessage = ({ data }) => log(`${mine.x} ${data}`);
        mine.port2.postMessage('hi');
    ";
    assert_eq!(logged(script), "1 hi");
}

#[test]
fn there_is_no_surface_of_node() {
    let script = "
        const { port1 } = new MessageChannel();
        log(['on', 'once', 'ref', 'unref', 'hasRef'].map((name) => typeof port1[name]).join());
        log(typeof BroadcastChannel);
    ";
    assert_eq!(logged(script), "undefined,undefined,undefined,undefined,undefined · undefined");
}

#[test]
fn methods_refuse_other_objects() {
    let script = "
        const { postMessage, close, start } = MessagePort.prototype;
        for (const f of [postMessage, close, start]) {
            log([{}, null, new EventTarget(), Object.create(MessagePort.prototype)]
                .map((o) => attempt(() => f.call(o, 1)).slice(0, 9)).join());
        }
    ";
    assert_eq!(logged(script), ["TypeError,TypeError,TypeError,TypeError"; 3].join(" · "));
}

#[test]
fn scripts_that_change_the_language_change_nothing_here() {
    let script = "
        const [p1, p2] = pair();
        p2.onmessage = (event) => log('p2<-' + event.data);
        const next = settle();
        for (const proto of [Array.prototype, Map.prototype, Object.prototype, Function.prototype, Promise.prototype]) {
            for (const name of Object.getOwnPropertyNames(proto)) {
                if (name === 'constructor' || name === '__proto__' || name === 'then') continue;
                try { proto[name] = () => { throw new Error('changed'); }; } catch {}
            }
        }
        Object.defineProperty(Object.prototype, 'a', { set() { log('setter'); }, configurable: true });
        Object.defineProperty(Array.prototype, '0', { set() { log('setter'); }, configurable: true });
        p1.postMessage({ a: [7], get c() { return 1; } });
        p1.postMessage(new Date(0) - 0);
        delete Object.prototype.a;
    ";
    let log = logged(script);
    assert!(log.contains("p2<-0") && !log.contains("setter"), "{log}");
}
