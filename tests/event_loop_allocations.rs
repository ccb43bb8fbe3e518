//! An event loop allocates with its ports, not with what they do, and gives up what they leave.

#[path = "common/meter.rs"]
mod meter;

use std::time::Duration;

use message_port::{EventLoop, LoopHandle, MessageChannel, MessagePort, PortId};

use meter::measure;

type Channel = MessageChannel<u64>;

const NOW: Option<Duration> = Some(Duration::ZERO);

/// A loop whose ports take messages, and their peers.
fn served(ports: usize) -> (EventLoop, Vec<MessagePort<u64>>) {
    let mut events = EventLoop::new();
    let mut peers = Vec::new();
    for _ in 0..ports {
        let Channel { port1, mut port2 } = Channel::with_capacity(64);
        port2.set_onmessage(|_| ());
        events.add(port2);
        peers.push(port1);
    }
    (events, peers)
}

/// A hundred times in so many wakes it allocated.
#[test]
fn a_wake_allocates_nothing() {
    let (mut events, mut peers) = served(10);
    let mut round = || {
        for peer in &mut peers {
            peer.post_message(&7).unwrap();
        }
        assert_eq!(events.run_once(NOW).unwrap(), 10);
    };
    round();
    let ((), taken) = measure(|| (0..310).for_each(|_| round()));
    assert_eq!(taken.allocations, 0);
}

#[test]
fn a_wake_of_a_foreign_loop_allocates_nothing() {
    let (mut events, mut peers) = served(10);
    events.set_wake_hook(|| ());
    let mut round = || {
        for peer in &mut peers {
            peer.post_message(&7).unwrap();
        }
        assert_eq!(events.run_once(NOW).unwrap(), 10);
    };
    round();
    let ((), taken) = measure(|| (0..310).for_each(|_| round()));
    assert_eq!(taken.allocations, 0);
}

/// Moves a port in and out again so many times, and returns the bytes that stay.
fn come_and_go(
    events: &mut EventLoop,
    times: usize,
    add: impl Fn(&mut EventLoop, &LoopHandle, MessagePort<u64>) -> PortId,
) -> i64 {
    let handle = events.handle();
    let Channel { port1, mut port2 } = Channel::with_capacity(64);
    let mut port = port1;
    let mut once = |port| {
        let id = add(events, &handle, port);
        // A port that is added rings, and is not heard here.
        events.remove::<u64, u64>(id).unwrap()
    };
    for _ in 0..times {
        port = once(port);
    }
    let (port, taken) = measure(|| (0..times).fold(port, |port, _| once(port)));
    drop(port);
    assert!(port2.try_recv().unwrap_err().is_disconnected());
    taken.bytes
}

/// Their names stayed in the queue until the loop ran the next time.
#[test]
fn ports_that_come_and_go_leave_nothing() {
    let (mut events, _peers) = served(3);
    assert_eq!(come_and_go(&mut events, 1000, |events, _, port| events.add(port)), 0);
    assert_eq!(come_and_go(&mut events, 1000, |_, handle, port| handle.add(port)), 0);
    events.run_once(NOW).unwrap();
    assert_eq!(come_and_go(&mut events, 1000, |events, _, port| events.add(port)), 0);
}

/// In whatever order ports leave, the others are served in the order in which they rang.
#[test]
fn the_order_of_turns_outlives_ports_that_leave() {
    use std::sync::{Arc, Mutex};

    const PORTS: usize = 20;
    let log = Arc::new(Mutex::new(Vec::new()));
    let mut events = EventLoop::new();
    let mut peers = Vec::new();
    let mut ids = Vec::new();
    for n in 0..PORTS {
        let Channel { port1, mut port2 } = Channel::with_capacity(64);
        let log = Arc::clone(&log);
        port2.set_onmessage(move |_| log.lock().unwrap().push(n));
        ids.push(events.add(port2));
        peers.push(port1);
    }
    events.run_once(NOW).unwrap();
    for (leaving, id) in ids.into_iter().enumerate() {
        let order: Vec<_> = (0..PORTS).map(|n| (n * 7 + leaving) % PORTS).collect();
        for &n in &order {
            // The peer of a port that was removed is disconnected.
            let _ = peers[n].post_message(&7);
        }
        assert!(events.remove::<u64, u64>(id).is_some());
        while events.run_once(NOW).unwrap() > 0 {}
        let expected: Vec<_> = order.into_iter().filter(|&n| n > leaving).collect();
        assert_eq!(std::mem::take(&mut *log.lock().unwrap()), expected);
    }
    assert!(events.is_empty());
}
