//! Ports in an event loop: when they come, have their turns, and go.

#[path = "common/log.rs"]
mod log;
#[path = "common/watchdog.rs"]
mod watchdog;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use message_port::{EventLoop, LoopHandle, MessageChannel, MessagePort, PortId};
use static_assertions::{assert_impl_all, assert_not_impl_any};

use log::Log;
use watchdog::Watchdog;

type Channel = MessageChannel<u64>;
type Port = MessagePort<u64>;

const NOW: Option<Duration> = Some(Duration::ZERO);

// A loop may move to the thread that runs it; handles go anywhere.
assert_impl_all!(EventLoop: Send);
assert_not_impl_any!(EventLoop: Sync, Clone);
assert_impl_all!(LoopHandle: Send, Sync, Clone);
assert_impl_all!(PortId: Send, Sync, Copy);

/// A port that notes what arrives, and its peer.
fn noting(log: &Log<u64>) -> (Port, Port) {
    let Channel { port1, mut port2 } = Channel::new();
    let log = log.clone();
    port2.set_onmessage(move |event| log.push(event.data().to_native()));
    (port1, port2)
}

#[test]
fn ports_come_and_go_between_turns() {
    let log = Log::new();
    let (mut first, port) = noting(&log);
    let mut events = EventLoop::new();
    let id = events.add(port);
    first.post_message(&1).unwrap();
    assert_eq!(events.run_once(None).unwrap(), 1);

    let port = events.remove::<u64, u64>(id).unwrap();
    assert!(events.is_empty());
    first.post_message(&2).unwrap();
    assert_eq!(events.run_once(None).unwrap(), 0, "it is not there any more");

    let again = events.add(port);
    assert_ne!(id, again);
    assert!(events.port_mut::<u64, u64>(id).is_none());
    assert_eq!(events.run_once(None).unwrap(), 1, "what waited in it came along");
    assert_eq!(log.take(), [1, 2]);
}

#[test]
fn a_port_of_other_types_is_not_found_and_not_touched() {
    let log = Log::new();
    let (_peer, port) = noting(&log);
    let mut events = EventLoop::new();
    let id = events.add(port);
    assert_eq!(events.run_once(NOW).unwrap(), 0);
    assert!(events.remove::<u64, String>(id).is_none());
    assert!(events.port_mut::<String, u64>(id).is_none());
    assert_eq!(format!("{events:?}"), "EventLoop { ports: 1, ready: false, .. }");
    assert!(events.remove::<u64, u64>(id).is_some());
}

#[test]
fn a_port_that_was_removed_can_be_received_from() {
    let _watchdog = Watchdog::start();
    let log = Log::new();
    let (mut peer, port) = noting(&log);
    let mut events = EventLoop::new();
    let id = events.add(port);
    assert_eq!(events.run_once(NOW).unwrap(), 0, "it sleeps now, for the loop");
    let mut port = events.remove::<u64, u64>(id).unwrap();
    let posting = std::thread::spawn(move || {
        peer.post_message(&1).unwrap();
        peer
    });
    assert_eq!(*port.recv().unwrap(), 1);
    posting.join().unwrap();
    assert_eq!(format!("{events:?}"), "EventLoop { ports: 0, ready: false, .. }");
}

#[test]
fn a_handler_adds_ports_which_have_their_turn_after_this_one() {
    let _watchdog = Watchdog::start();
    let log = Log::new();
    let mut events = EventLoop::new();
    let handle = events.handle();
    let (mut added_peer, added) = noting(&log);
    added_peer.post_message(&2).unwrap();
    let Channel { mut port1, mut port2 } = Channel::new();
    let (mut waiting, noted) = (Some(added), log.clone());
    port2.set_onmessage(move |event| {
        noted.push(event.data().to_native());
        handle.add(waiting.take().unwrap());
    });
    events.add(port2);
    port1.post_message(&1).unwrap();
    assert_eq!(events.run_once(None).unwrap(), 1);
    assert_eq!((log.take(), events.len()), (vec![1], 2));
    assert_eq!(events.run_once(None).unwrap(), 1);
    assert_eq!(log.take(), [2]);
}

#[test]
fn what_a_handle_adds_has_its_name_at_once() {
    let Channel { port1, mut port2 } = Channel::new();
    let mut events = EventLoop::new();
    let id = events.handle().add(port1);
    assert_eq!(events.len(), 1);
    events.port_mut::<u64, u64>(id).unwrap().post_message(&7).unwrap();
    assert_eq!(*port2.recv().unwrap(), 7);
    assert!(events.remove::<u64, u64>(id).is_some());
    assert!(events.is_empty());
}

#[test]
fn a_flooded_port_does_not_starve_another() {
    const FLOOD: u64 = if cfg!(miri) { 250 } else { 1000 };
    let log = Log::new();
    let (mut flooding, flooded) = noting(&log);
    let (mut posting, quiet) = noting(&log);
    for _ in 0..FLOOD {
        flooding.post_message(&0).unwrap();
    }
    posting.post_message(&1).unwrap();
    let mut events = EventLoop::new();
    events.add(flooded);
    events.add(quiet);
    let dispatched = events.run_once(None).unwrap();
    assert!(log.take().contains(&1), "not in the first turn, of {dispatched} events");
    // While the flood lasts, too.
    posting.post_message(&2).unwrap();
    events.run_once(None).unwrap();
    events.run_once(None).unwrap();
    let noted = log.take();
    assert!(noted.contains(&2) && noted.len() < usize::try_from(FLOOD).unwrap());
}

#[test]
fn two_ports_that_answer_each_other_do_not_starve_a_third() {
    let mut events = EventLoop::new();
    let Channel { mut port1, mut port2 } = Channel::new();
    port1.set_onmessage(|event| event.target().post_message(&0));
    port2.set_onmessage(|event| event.target().post_message(&0));
    port1.post_message(&0).unwrap();
    events.add(port1);
    events.add(port2);
    let log = Log::new();
    let (mut posting, third) = noting(&log);
    events.add(third);
    posting.post_message(&1).unwrap();
    events.run_once(None).unwrap();
    assert_eq!(log.take(), [1]);
    assert!(events.run_once(None).unwrap() > 0, "they go on for ever");
}

#[test]
fn a_timeout_of_zero_still_gives_each_port_its_turn() {
    let log = Log::new();
    let (mut peer, port) = noting(&log);
    let mut events = EventLoop::new();
    events.add(port);
    peer.post_message(&1).unwrap();
    assert_eq!(events.run_once(NOW).unwrap(), 1);
    assert_eq!(events.run_once(NOW).unwrap(), 0);
}

#[test]
fn any_timeout_will_do() {
    let _watchdog = Watchdog::start();
    let log = Log::new();
    let (mut peer, port) = noting(&log);
    let mut events = EventLoop::new();
    events.add(port);
    let shortest = Some(Duration::from_nanos(1));
    assert_eq!(events.run_once(shortest).unwrap(), 0, "it comes to an end");
    for timeout in [Duration::MAX, Duration::from_secs(u64::MAX / 2)] {
        peer.post_message(&1).unwrap();
        assert_eq!(events.run_once(Some(timeout)).unwrap(), 1);
        events.handle().wake();
        assert_eq!(events.run_once(Some(timeout)).unwrap(), 0);
    }
}

#[test]
fn a_port_without_a_handler_does_not_keep_run_once_beyond_its_time() {
    let _watchdog = Watchdog::start();
    let Channel { mut port1, port2 } = Channel::new();
    let mut events = EventLoop::new();
    let id = events.add(port2);
    for n in 0..10 {
        port1.post_message(&n).unwrap();
        assert_eq!(events.run_once(NOW).unwrap(), 0);
    }
    let port = events.port_mut::<u64, u64>(id).unwrap();
    assert_eq!(port.len(), 10);
    port.set_onmessage(|_| ());
    assert_eq!(events.run_once(None).unwrap(), 10, "a handler set later takes effect");
}

#[test]
fn a_stop_before_the_run_is_for_the_run() {
    let log = Log::new();
    let (mut peer, port) = noting(&log);
    let mut events = EventLoop::new();
    events.add(port);
    peer.post_message(&1).unwrap();
    events.handle().stop();
    events.run().unwrap();
    assert!(log.take().is_empty(), "something is dispatched");
    drop(peer);
    events.run().unwrap();
    assert_eq!(log.take(), [1], "the next run is not stopped");
}

#[test]
fn a_handler_stops_the_run_after_its_turn() {
    let log = Log::new();
    let mut events = EventLoop::new();
    let Channel { port1: mut stopping, mut port2 } = Channel::new();
    let handle = events.handle();
    port2.set_onmessage(move |_| handle.stop());
    events.add(port2);
    let (mut peer, port) = noting(&log);
    events.add(port);
    stopping.post_message(&0).unwrap();
    peer.post_message(&1).unwrap();
    events.run().unwrap();
    assert_eq!(log.take(), [1], "the turn is not cut off");
    assert_eq!(events.len(), 2);
    peer.post_message(&2).unwrap();
    assert_eq!(events.run_once(None).unwrap(), 1, "what came later waits for the next call");
}

#[test]
fn a_wake_while_nobody_waits_is_for_the_next_call_only() {
    let log = Log::new();
    let (_peer, port) = noting(&log);
    let mut events = EventLoop::new();
    events.add(port);
    events.handle().wake();
    events.handle().wake();
    assert_eq!(events.run_once(None).unwrap(), 0);
    assert_eq!(events.run_once(Some(Duration::from_millis(1))).unwrap(), 0);
}

#[test]
fn a_closed_port_gets_its_close_event_and_leaves() {
    let log = Log::new();
    let (mut peer, mut port) = noting(&log);
    let noted = log.clone();
    port.set_onclose(move |_| noted.push(0));
    let mut events = EventLoop::new();
    let id = events.add(port);
    peer.post_message(&1).unwrap();
    peer.close();
    events.run().unwrap();
    assert_eq!(log.take(), [1, 0]);
    assert!(events.is_empty() && events.remove::<u64, u64>(id).is_none());
}

#[test]
fn a_handler_that_closes_its_port_gets_the_close_event_next() {
    let log = Log::new();
    let Channel { mut port1, mut port2 } = Channel::new();
    let (messages, close) = (log.clone(), log.clone());
    port2.set_onmessage(move |event| {
        messages.push(event.data().to_native());
        event.target().close();
    });
    port2.set_onclose(move |_| close.push(0));
    let mut events = EventLoop::new();
    events.add(port2);
    port1.post_messages(&[1, 2]).unwrap();
    events.run().unwrap();
    assert_eq!(log.take(), [1, 0]);
}

#[test]
fn a_port_without_any_handler_leaves_when_its_channel_has_ended() {
    let Channel { mut port1, port2 } = Channel::new();
    let mut events = EventLoop::new();
    events.add(port2);
    assert_eq!(events.run_once(NOW).unwrap(), 0);
    port1.close();
    assert_eq!(events.run_once(None).unwrap(), 0);
    assert!(events.is_empty());
}

#[test]
fn a_message_that_waits_for_a_handler_holds_back_the_close() {
    let log = Log::new();
    let Channel { mut port1, mut port2 } = Channel::new();
    let noted = log.clone();
    port2.set_onclose(move |_| noted.push(0));
    let mut events = EventLoop::new();
    let id = events.add(port2);
    port1.post_message(&1).unwrap();
    assert_eq!(events.run_once(NOW).unwrap(), 0);
    port1.close();
    events.run().unwrap();
    assert_eq!((log.take(), events.len()), (vec![], 1));
    let noted = log.clone();
    let port = events.port_mut::<u64, u64>(id).unwrap();
    port.set_onmessage(move |event| noted.push(event.data().to_native()));
    events.run().unwrap();
    assert_eq!((log.take(), events.len()), (vec![1, 0], 0));
}

#[test]
fn an_ended_port_that_is_removed_takes_its_messages_along() {
    let Channel { mut port1, port2 } = Channel::new();
    let mut events = EventLoop::new();
    let id = events.add(port2);
    port1.post_message(&1).unwrap();
    drop(port1);
    events.run().unwrap();
    let mut port2 = events.remove::<u64, u64>(id).unwrap();
    assert_eq!(*port2.recv().unwrap(), 1);
    // The loop has not lost count: it waits for a live port, and ends without one.
    let Channel { port1, port2 } = Channel::new();
    events.add(port2);
    assert_eq!(events.run_once(NOW).unwrap(), 0);
    assert_eq!(events.len(), 1);
    drop(port1);
    events.run().unwrap();
    assert!(events.is_empty());
}

#[test]
fn quiet_ports_are_not_looked_at() {
    const PORTS: usize = if cfg!(miri) { 20 } else { 10_000 };
    let served = Arc::new(AtomicUsize::new(0));
    let mut events = EventLoop::new();
    let mut peers = Vec::new();
    for _ in 0..PORTS {
        let Channel { port1, mut port2 } = Channel::with_capacity(64);
        let served = Arc::clone(&served);
        port2.set_onmessage(move |_| {
            served.fetch_add(1, Ordering::Relaxed);
        });
        events.add(port2);
        peers.push(port1);
    }
    assert_eq!(events.run_once(NOW).unwrap(), 0);
    assert_eq!(format!("{events:?}"), format!("EventLoop {{ ports: {PORTS}, ready: false, .. }}"));
    peers[PORTS / 2].post_message(&0).unwrap();
    peers[PORTS - 1].post_message(&0).unwrap();
    assert_eq!(format!("{events:?}"), format!("EventLoop {{ ports: {PORTS}, ready: true, .. }}"));
    assert_eq!(events.run_once(None).unwrap(), 2);
    assert_eq!(served.load(Ordering::Relaxed), 2);
}
