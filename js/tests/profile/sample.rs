//! The sample of the announcement.

use crate::logged;

#[test]
fn sample_as_announced_prints_nothing() {
    let script = "
        const { port1, port2 } = new MessageChannel();
        port2.onmessage = (event) => log(`port2 has received ${event.data}`);
        port2.postMessage('Hello from port2!');
    ";
    assert_eq!(logged(script), "");
}

#[test]
fn the_message_of_the_sample_waits_on_the_other_port() {
    let script = "
        const { port1, port2 } = new MessageChannel();
        port2.onmessage = (event) => log(`p2<-${event.data}`);
        port2.postMessage('x');
        await settle();
        port1.onmessage = (event) => log(`p1<-${event.data}`);
    ";
    assert_eq!(logged(script), "p1<-x");
}

#[test]
fn sample_with_the_handler_on_the_other_port_prints() {
    let script = "
        const { port1, port2 } = new MessageChannel();
        port1.onmessage = (event) => log(`p1<-${event.data}`);
        port2.postMessage('x');
    ";
    assert_eq!(logged(script), "p1<-x");
}
