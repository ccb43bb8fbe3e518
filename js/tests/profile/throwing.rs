//! Handlers that throw.

use crate::logged;

const LIVE_AND_BUFFERED: [&str; 2] = [
    "attach(); for (const n of values) p1.postMessage(n);",
    "for (const n of values) p1.postMessage(n); attach();",
];

#[test]
fn a_throw_is_reported_then_one_messageerror_then_the_next_message() {
    for order in LIVE_AND_BUFFERED {
        for attach in ["p2.onmessage = f", "p2.addEventListener('message', f)"] {
            let script = format!(
                "const [p1, p2] = pair(), values = [1, 2, 3];
                 watch(p1, 'p1', 'messageerror');
                 const f = ({{ data }}) => {{ log(`p2<-${{data}}`); if (data === 2) throw new Error('boom'); }};
                 const attach = () => {{ {attach} }};
                 p2.onmessageerror = ({{ type, data, target }}) => log(`${{type}} ${{nameOf(data)}} ${{target === p2}}`);
                 watch(p2, 'listener', 'messageerror');
                 {order}"
            );
            assert_eq!(
                logged(&script),
                "p2<-1 · p2<-2 · !Error: boom · messageerror Error(boom) true · \
                 listener messageerror Error(boom) · p2<-3"
            );
        }
    }
}

#[test]
fn each_failing_message_has_its_messageerror() {
    for order in LIVE_AND_BUFFERED {
        let script = format!(
            "const [p1, p2] = pair(), values = [1, 2, 3];
             watch(p2, 'p2', 'messageerror');
             const attach = () => {{ p2.onmessage = ({{ data }}) => {{ log(`p2<-${{data}}`); throw data; }} }};
             {order}"
        );
        assert_eq!(
            logged(&script),
            "p2<-1 · !1 · p2 messageerror 1 · p2<-2 · !2 · p2 messageerror 2 · \
             p2<-3 · !3 · p2 messageerror 3"
        );
    }
}

#[test]
fn the_other_listeners_still_run_and_the_first_value_counts() {
    let script = "
        const [p1, p2] = pair();
        p2.addEventListener('message', () => { log('A'); throw 'a'; });
        p2.addEventListener('message', () => { log('B'); throw 'b'; });
        p2.addEventListener('message', () => log('C'));
        watch(p2, 'p2', 'messageerror');
        p1.postMessage(1);
    ";
    assert_eq!(logged(script), "A · !a · B · !b · C · p2 messageerror a");
}

#[test]
fn a_rejected_promise_is_no_throw() {
    let script = "
        const [p1, p2] = pair();
        watch(p2, 'p2', 'messageerror');
        p2.onmessage = async ({ data }) => { log(`p2<-${data}`); throw new Error(`rej${data}`); };
        p1.postMessage(1); p1.postMessage(2);
    ";
    let log = logged(script);
    assert!(!log.contains("messageerror"), "{log}");
    for part in ["p2<-1", "p2<-2", "!rejection Error: rej1", "!rejection Error: rej2"] {
        assert!(log.contains(part), "{log} has no {part}");
    }
}

#[test]
fn a_returned_rejection_is_no_throw() {
    let script = "
        const [p1, p2] = pair();
        watch(p2, 'p2', 'messageerror');
        p2.onmessage = () => Promise.reject(new Error('rej'));
        p1.postMessage(1);
    ";
    assert_eq!(logged(script), "!rejection Error: rej");
}

#[test]
fn any_thrown_value_is_the_data_itself() {
    let script = "
        const [p1, p2] = pair(), object = { own: 1 }, thrown = ['str', null, undefined, 7, object];
        p2.onmessage = ({ data }) => { throw thrown[data]; };
        let next = 0;
        p2.onmessageerror = ({ data }) => log(`${Object.is(data, thrown[next++])}`);
        addEventListener('error', (event) => event.preventDefault());
        for (let n = 0; n < thrown.length; n++) p1.postMessage(n);
    ";
    assert_eq!(logged(script), "true · true · true · true · true");
}

#[test]
fn a_throwing_messageerror_listener_is_reported_once() {
    let script = "
        const [p1, p2] = pair();
        p2.onmessage = ({ data }) => { log(`p2<-${data}`); if (data === 1) throw new Error('boom'); };
        p2.onmessageerror = () => { log('messageerror'); throw new Error('in-messageerror'); };
        p1.postMessage(1); p1.postMessage(2);
    ";
    assert_eq!(
        logged(script),
        "p2<-1 · !Error: boom · messageerror · !Error: in-messageerror · p2<-2"
    );
}

#[test]
fn onmessageerror_is_an_attribute() {
    let script = "
        const [, p2] = pair();
        log(`${'onmessageerror' in MessagePort.prototype} ${p2.onmessageerror}`);
        p2.onmessageerror = () => {}; log(typeof p2.onmessageerror);
        p2.onmessageerror = 5; log(String(p2.onmessageerror));
    ";
    assert_eq!(logged(script), "true null · function · null");
}

#[test]
fn close_and_throw_still_has_its_messageerror_and_the_next_message() {
    let script = "
        const [p1, p2] = pair();
        p2.onmessage = ({ data }) => { log(`p2<-${data}`); if (data === 1) { p2.close(); throw new Error('boom'); } };
        for (const [p, name] of [[p1, 'p1'], [p2, 'p2']]) watch(p, name, 'close', 'messageerror');
        p1.postMessage(1); p1.postMessage(2);
    ";
    assert_eq!(
        logged(script),
        "p2<-1 · p1 closed · p2 closed · !Error: boom · p2 messageerror Error(boom) · p2<-2"
    );
}

#[test]
fn the_global_error_event_comes_first_and_may_be_the_end_of_it() {
    let script = "
        const [p1, p2] = pair();
        addEventListener('error', (event) => {
            log(`error ${event.error} ${event.isTrusted}`);
            if (event.error === 1) event.preventDefault();
        });
        p2.onmessage = ({ data }) => { throw data; };
        p1.postMessage(1); p1.postMessage(2);
    ";
    assert_eq!(logged(script), "error 1 true · error 2 true · !2");
}
