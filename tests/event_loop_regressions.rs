//! What was wrong with the event loop once.

#[path = "common/watchdog.rs"]
mod watchdog;

use message_port::{EventLoop, MessageChannel};

use watchdog::Watchdog;

type Channel = MessageChannel<u64>;

/// A port that nobody would ever dispatch from again kept `run` waiting.
#[test]
fn run_returns_when_only_ended_ports_without_a_handler_are_left() {
    let _watchdog = Watchdog::start();
    let Channel { mut port1, port2 } = Channel::new();
    let mut events = EventLoop::new();
    let id = events.add(port2);
    port1.post_message(&7).unwrap();
    port1.close();
    events.run().unwrap();
    assert_eq!(events.run_once(None).unwrap(), 0);
    assert_eq!(events.len(), 1, "the message still waits for a handler");

    events.port_mut::<u64, u64>(id).unwrap().set_onmessage(|event| assert_eq!(*event.data(), 7));
    assert_eq!(events.run_once(None).unwrap(), 1);
    events.run().unwrap();
    assert!(events.is_empty());
}

/// A port that was left for a loop that was gone lived on as long as the handle.
#[test]
fn a_port_added_to_a_loop_that_is_gone_is_dropped() {
    let Channel { port1, mut port2 } = Channel::new();
    let handle = EventLoop::new().handle();
    handle.add(port1);
    assert!(port2.try_recv().unwrap_err().is_disconnected());
}

/// So did a port that was added before, if the loop never had another turn.
#[test]
fn a_port_that_the_loop_never_saw_is_dropped_with_it() {
    let Channel { port1, mut port2 } = Channel::new();
    let events = EventLoop::new();
    let handle = events.handle();
    handle.add(port1);
    assert!(port2.try_recv().unwrap_err().is_empty());
    drop(events);
    assert!(port2.try_recv().unwrap_err().is_disconnected());
}

/// Each look at a port put it into the queue once more, and each time gave it another turn.
#[test]
fn a_port_that_was_borrowed_often_has_one_turn() {
    const MANY: usize = if cfg!(miri) { 80 } else { 300 };
    let MessageChannel { mut port1, mut port2 } = Channel::new();
    port2.set_onmessage(|_| ());
    let mut events = EventLoop::new();
    let id = events.add(port2);
    for n in 0..MANY {
        port1.post_message(&u64::try_from(n).unwrap()).unwrap();
        assert!(events.port_mut::<u64, u64>(id).is_some());
    }
    let dispatched = events.run_once(None).unwrap();
    assert!(dispatched < MANY, "{dispatched} messages in one turn");
}

/// A stop in the very turn in which the last port ended was left for the next run.
#[test]
fn a_stop_at_the_end_does_not_stop_the_next_run() {
    let Channel { mut port1, mut port2 } = Channel::new();
    let mut events = EventLoop::new();
    let handle = events.handle();
    port2.set_onclose(move |_| handle.stop());
    events.add(port2);
    port1.close();
    events.run().unwrap();
    assert!(events.is_empty());

    let Channel { mut port1, mut port2 } = Channel::new();
    port2.set_onmessage(|_| ());
    events.add(port2);
    port1.post_message(&7).unwrap();
    drop(port1);
    events.run().unwrap();
    assert!(events.is_empty(), "it was stopped before it began");
}

/// Each loop counted its ports on its own, so a name of one loop named a port of another one.
#[test]
fn a_name_from_another_loop_names_nothing() {
    let mut loops = [EventLoop::new(), EventLoop::new()];
    let mut peers = Vec::new();
    let mut names = Vec::new();
    for events in &mut loops {
        let (added, left) = (Channel::new(), Channel::new());
        names.push([events.add(added.port2), events.handle().add(left.port2)]);
        peers.extend([added.port1, left.port1]);
    }
    assert!(names[0].iter().all(|name| !names[1].contains(name)));
    for name in names[1] {
        assert!(loops[0].port_mut::<u64, u64>(name).is_none());
        assert!(loops[0].remove::<u64, u64>(name).is_none());
        assert!(loops[1].remove::<u64, u64>(name).is_some());
    }
    assert_eq!(loops.map(|events| events.len()), [2, 0]);
}
