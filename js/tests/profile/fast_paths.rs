//! Where what is common takes another path than what is not, a script sees no difference.

use super::logged;

#[test]
fn names_of_properties_stay_apart_however_many_there_are() {
    let script = "
        const [p1, p2] = pair();
        const name = (n) => ['p', 'field', 'é', '日本', 'a long name of many characters which nobody remembers for long '][n % 5] + n;
        const make = (from, count) => Object.fromEntries(Array.from({ length: count }, (_, i) => [name(from + i), i]));
        const sent = [];
        let wrong = 0, got = 0;
        p2.onmessage = ({ data }) => { got++; if (JSON.stringify(data) !== sent.shift()) wrong++; };
        for (let round = 0; round < 3; round++) {
            for (const [from, count] of [[0, 1000], [500, 1000], [3, 12], [3, 12], [4, 11], [0, 0], [7, 1], [3, 12]]) {
                const value = make(from, count);
                value.list = [make(from, 3), make(from, 3), make(from + 1, 3)];
                sent.push(JSON.stringify(value));
                p1.postMessage(value);
            }
        }
        await settle();
        log(`${got} ${wrong}`);
    ";
    assert_eq!(logged(script), "24 0");
}

#[test]
fn a_getter_that_posts_the_same_names_disturbs_neither_message() {
    let script = "
        const [p1, p2] = pair();
        p2.onmessage = ({ data }) => log(JSON.stringify(data));
        for (let i = 0; i < 3; i++) {
            p1.postMessage({ a: 1, get b() { p1.postMessage({ b: 2, a: 3, c: { a: 4 } }); return 5; }, c: { a: 6, b: 7 } });
        }
    ";
    let pair = r#"{"b":2,"a":3,"c":{"a":4}} · {"a":1,"b":5,"c":{"a":6,"b":7}}"#;
    assert_eq!(logged(script), [pair; 3].join(" · "));
}

#[test]
fn objects_that_arrive_share_nothing_but_their_shape() {
    let script = "
        const [p1, p2] = pair(), all = [];
        p2.onmessage = ({ data }) => all.push(data);
        for (let i = 0; i < 6; i++) p1.postMessage({ x: i, y: { z: i } });
        await settle();
        all[2].x = 'changed'; all[2].extra = 1; delete all[3].y; Object.freeze(all[4]);
        Object.defineProperty(all[5], 'x', { get: () => 'got' });
        p1.postMessage({ x: 6, y: { z: 6 } });
        await settle();
        log(JSON.stringify(all));
        log(JSON.stringify(Object.getOwnPropertyDescriptor(all[6], 'x')));
    ";
    let expected = concat!(
        r#"[{"x":0,"y":{"z":0}},{"x":1,"y":{"z":1}},{"x":"changed","y":{"z":2},"extra":1},{"x":3},"#,
        r#"{"x":4,"y":{"z":4}},{"x":"got","y":{"z":5}},{"x":6,"y":{"z":6}}] · "#,
        r#"{"value":6,"writable":true,"enumerable":true,"configurable":true}"#,
    );
    assert_eq!(logged(script), expected);
}

#[test]
fn objects_that_are_met_again_are_the_same_however_many_there_are() {
    let script = "
        const [p1, p2] = pair();
        p2.onmessage = ({ data: { list, again, all } }) => {
            const same = list.filter((one, i) => one === again[i] && one.list === list && one.all === all);
            log(`${same.length} ${new Set(list).size} ${all.length}`);
        };
        for (const count of [1, 15, 16, 17, 33, 5000, 2]) {
            const all = [0, 'é', null, undefined, 1n, {}], list = [];
            for (let i = 0; i < count; i++) list.push({ i, list, all });
            p1.postMessage({ list, again: [...list], all });
        }
    ";
    let expected = [1, 15, 16, 17, 33, 5000, 2].map(|count| format!("{count} {count} 6"));
    assert_eq!(logged(script), expected.join(" · "));
}

#[test]
fn arrays_of_all_sorts_arrive_as_they_were() {
    let script = "
        const [p1, p2] = pair();
        const one = (value) => Array.isArray(value) ? `[${value.map(one)}]` : value === '\\ud800' ? 'lone'
            : typeof value === 'object' ? JSON.stringify(value) : String(value);
        const show = (list) => [list.length, `(${Object.keys(list)})`, list.length < 10 ? one(list) : ''].join(' ');
        const cycle = [{}, 1];
        cycle[0].of = cycle;
        p2.onmessage = ({ data }) => log(data.of ? String(data.of[0] === data && data.of[1] === 1) : show(data));
        for (const list of [[], [1, 'a', 'é', '\\ud800', 2n, null, undefined, true, -0.5], [[], [[1], 2], {}], [{ a: [1] }],
            [, 1], [1, ,], Object.assign([1, 2], { x: 3 }), Object.assign([], { length: 1e6 })]) p1.postMessage(list);
        p1.postMessage(cycle[0]);
    ";
    let expected = [
        "0 () []",
        "9 (0,1,2,3,4,5,6,7,8) [1,a,é,lone,2,null,undefined,true,-0.5]",
        "3 (0,1,2) [[],[[1],2],{}]",
        r#"1 (0) [{"a":[1]}]"#,
        "2 (1) [,1]",
        "2 (0) [1,]",
        "2 (0,1,x) [1,2]",
        "1000000 () ",
        "true",
    ];
    assert_eq!(logged(script), expected.join(" · "));
}

#[test]
fn setters_of_the_prototype_are_not_called_by_what_arrives() {
    let script = "
        const [p1, p2] = pair();
        p2.onmessage = ({ data }) => log(`${Object.keys(data)} ${Object.keys(data.list)}`);
        const refuse = { set() { log('set'); }, get() { log('get'); }, configurable: true };
        for (let i = 0; i < 3; i++) p1.postMessage({ trap: 1, list: [1, 2] });
        for (const [of, name] of [[Object.prototype, 'trap'], [Array.prototype, '0'], [Array.prototype, '1']]) {
            Object.defineProperty(of, name, refuse);
        }
        await new Promise((resolve) => { setTimeout(resolve, 1); });
        delete Object.prototype.trap; delete Array.prototype[0]; delete Array.prototype[1];
    ";
    assert_eq!(logged(script), ["trap,list 0,1"; 3].join(" · "));
}

#[test]
fn the_fields_of_an_event_are_the_same_however_early_they_are_read() {
    let script = "
        const [p1, p2] = pair();
        const read = (e) => [e.type, e.target === p2, e.currentTarget === p2, e.eventPhase, e.isTrusted, e.bubbles,
            e.composedPath().length, e.origin, e.lastEventId, e.source, e.ports.length, e.ports === e.ports, e.data].join();
        let kept;
        p2.onmessage = (event) => {
            kept = event;
            if (event.data === 1) log(read(event));
            else queueMicrotask(() => log(read(event)));
        };
        p1.postMessage(1);
        p1.postMessage(2);
        await settle();
        log(`${kept.eventPhase} ${kept.currentTarget}`);
        p2.onmessage = null;
        p2.addEventListener('message', (event) => log(read(event)));
        p2.dispatchEvent(kept);
    ";
    assert_eq!(
        logged(script),
        "message,true,true,2,true,false,1,,,,0,true,1 · message,true,false,0,true,false,0,,,,0,true,2 \
         · 0 null · message,true,true,2,true,false,1,,,,0,true,2"
    );
}

#[test]
fn a_lone_listener_may_stop_dispatch_again_and_be_replaced_meanwhile() {
    let script = "
        const [p1, p2] = pair();
        p2.onmessage = (event) => {
            log(`first ${event.data}`);
            event.stopImmediatePropagation();
            log(attempt(() => p2.dispatchEvent(event)));
            p2.onmessage = ({ data }) => log(`second ${data}`);
            p2.addEventListener('message', { handleEvent: ({ data }) => log(`third ${data}`) });
        };
        p1.postMessage(1);
        p1.postMessage(2);
    ";
    assert_eq!(logged(script), "first 1 · InvalidStateError · second 2 · third 2");
}

#[test]
fn what_is_no_event_and_no_port_is_refused() {
    let script = "
        const [p1] = pair();
        const { get } = Object.getOwnPropertyDescriptor(MessageEvent.prototype, 'data');
        log(`${get.name} ${get.length} ${p1.postMessage.name} ${p1.postMessage.length}`);
        for (const other of [undefined, 1, {}, p1]) log(String(attempt(() => get.call(other)).startsWith('TypeError')));
        for (const other of [undefined, 1, {}, new Event('x')]) {
            log(String(attempt(() => p1.postMessage.call(other, 1)).startsWith('TypeError')));
        }
        log(String(attempt(() => new p1.postMessage(1)).startsWith('TypeError')));
        log(`${new MessageEvent('m', { data: 7 }).data} ${new (class extends MessageEvent {})('m').data}`);
    ";
    let refused = ["true"; 9].join(" · ");
    assert_eq!(logged(script), format!("get data 0 postMessage 1 · {refused} · 7 null"));
}
