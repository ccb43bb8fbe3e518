//! Transfer lists, of which there are none.

use crate::logged;

#[test]
fn empty_lists_are_accepted_and_other_types_are_not() {
    let script = "
        const [p1, p2] = pair();
        watch(p2, 'p2');
        const all = [[], { transfer: [] }, {}, undefined, null, 5, 'str', { transfer: undefined },
            { transfer: null }, new Set, () => {}, { transfer: 5 }, true];
        log(all.map((options, n) => attempt(() => p1.postMessage(n, options)).slice(0, 9)).join());
    ";
    assert_eq!(
        logged(script),
        "ok,ok,ok,ok,ok,TypeError,TypeError,ok,TypeError,ok,ok,TypeError,TypeError · \
         p2<-0 · p2<-1 · p2<-2 · p2<-3 · p2<-4 · p2<-7 · p2<-9 · p2<-10"
    );
}

#[test]
fn a_list_with_anything_in_it_is_a_plain_error_before_everything_else() {
    let script = "
        const [p1, p2] = pair(), buffer = new ArrayBuffer(8);
        watch(p2, 'p2');
        const value = { get a() { log('cloned'); return () => {}; } };
        for (const list of [[buffer], [p2], [p1], [buffer, buffer], [undefined], [,], [1]]) {
            for (const options of [list, { transfer: list }]) {
                try { p1.postMessage(value, options); } catch (error) {
                    log(`${error.constructor.name} ${error.message} ${buffer.byteLength}`);
                }
            }
        }
        p1.postMessage('after');
    ";
    let one = "Error Transfer list is not supported 8";
    assert_eq!(logged(script), format!("{} · p2<-after", [one; 14].join(" · ")));
}

#[test]
fn other_iterables_are_refused_rather_than_ignored() {
    let script = "
        const [p1] = pair(), buffer = new ArrayBuffer(4);
        const generate = function* () { yield buffer; };
        for (const options of [new Set([buffer]), generate(), { transfer: new Set([buffer]) }]) {
            log(attempt(() => p1.postMessage(1, options)));
        }
        log(`len ${buffer.byteLength}`);
    ";
    assert_eq!(
        logged(script),
        "Error(Transfer list is not supported) · Error(Transfer list is not supported) · \
         TypeError(the transfer list is not an array) · len 4"
    );
}

#[test]
fn the_option_is_read_before_the_value_is_cloned() {
    let script = "
        const [p1] = pair();
        log(attempt(() => p1.postMessage(1, { get transfer() { throw new RangeError('opt'); } })));
        p1.postMessage({ get a() { log('data'); } }, { get transfer() { log('transfer'); } });
    ";
    assert_eq!(logged(script), "RangeError(opt) · transfer · data");
}

#[test]
fn shared_memory_is_cloned_but_not_posted() {
    let script = "
        if (typeof SharedArrayBuffer !== 'function') { log('none'); return; }
        const [p1] = pair(), memory = new SharedArrayBuffer(4);
        log(attempt(() => p1.postMessage(memory)));
        log(attempt(() => p1.postMessage({ view: new Uint8Array(memory) })));
        const clone = structuredClone({ memory }).memory;
        log(`${clone instanceof SharedArrayBuffer} ${clone.byteLength}`);
        const view = structuredClone(new Uint8Array(memory, 1, 2));
        log(`${view.buffer instanceof SharedArrayBuffer} ${view.byteOffset} ${view.length}`);
        new Uint8Array(memory)[1] = 7; log(`${new Uint8Array(clone)[1]} ${view[0]}`);
    ";
    let log = logged(script);
    let refused = "TypeError(SharedArrayBuffer is unsupported with MessagePort)";
    assert!(
        log == "none" || log == format!("{refused} · {refused} · true 4 · true 1 2 · 7 7"),
        "{log}"
    );
}

#[test]
fn a_post_without_a_value_posts_undefined() {
    let script = "
        const [p1, p2] = pair();
        watch(p2, 'p2', 'message');
        log(attempt(() => p1.postMessage())); p1.close(); log(attempt(() => p1.postMessage()));
    ";
    assert_eq!(logged(script), "ok · ok · p2<-undefined");
}
