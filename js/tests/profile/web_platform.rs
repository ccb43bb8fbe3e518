//! The assertions of web-platform-tests on message channels, in own words. Those that fail on
//! purpose are asserted as what holds instead, with the reason.

use message_port_js::Options;

use crate::{logged, logged_with};

#[test]
fn wpt_basics() {
    let script = "
        const channel = new MessageChannel();
        log([channel instanceof MessageChannel, channel.port1 instanceof MessagePort, channel.port2 instanceof MessagePort].join());
        log([typeof channel.port1.postMessage, typeof channel.port1.start, typeof channel.port1.close].join());
    ";
    assert_eq!(logged(script), "true,true,true · function,function,function");
}

#[test]
fn wpt_no_start_and_implicit_start() {
    // `no-start` holds with the option only: the profile starts by addEventListener.
    let script = "
        const { port1, port2 } = new MessageChannel();
        port2.addEventListener('message', () => log('message'));
        port1.postMessage('ping');
        await settle();
        log('waited');
    ";
    assert_eq!(logged_with(&Options::default().strict_start(true), script), "waited");
    assert_eq!(logged(script), "message · waited");
    let script = "
        const { port1, port2 } = new MessageChannel();
        port2.onmessage = (e) => log(e.data); // implies start()
        port1.postMessage('ping');
    ";
    assert_eq!(logged(script), "ping");
}

#[test]
fn wpt_close_keeps_what_was_posted() {
    let script = "
        const { port1, port2 } = new MessageChannel();
        port2.onmessage = (e) => log(e.data);
        port1.postMessage('sent'); port1.close(); port1.postMessage('not sent');
    ";
    assert_eq!(logged(script), "sent");
}

#[test]
fn wpt_historical_onclose() {
    // The test says that ports have no `onclose`; in the profile the event is the point.
    assert_eq!(logged("log(`${'onclose' in MessagePort.prototype}`)"), "true");
}

#[test]
fn wpt_clone_port() {
    // A port in a message is a DataCloneError there too, without a transfer list.
    let script = "
        const { port1, port2 } = new MessageChannel();
        log(attempt(() => port1.postMessage(port2)));
    ";
    assert_eq!(logged(script), "DataCloneError");
    // With one it moves there; the profile has no transfer lists.
    let script = "
        const { port1, port2 } = new MessageChannel(), other = new MessageChannel();
        log(attempt(() => port1.postMessage(other.port1, [other.port1])));
    ";
    assert_eq!(logged(script), "Error(Transfer list is not supported)");
}

#[test]
fn wpt_message_event_of_a_port() {
    let script = "
        const { port1, port2 } = new MessageChannel();
        port2.onmessage = (e) => log([e.data, JSON.stringify(e.origin), e.source, e.ports.length, e.target === port2].join());
        port1.postMessage('x');
    ";
    assert_eq!(logged(script), r#"x,"",,0,true"#);
}

#[test]
fn wpt_handlers_and_listeners_get_the_same_event() {
    let script = "
        const { port1, port2 } = new MessageChannel();
        let first;
        port2.onmessage = (e) => { first = e; };
        port2.addEventListener('message', (e) => log(`${e === first}`));
        port1.postMessage(1);
    ";
    assert_eq!(logged(script), "true");
}
