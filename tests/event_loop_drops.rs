//! Event loops that go away, ports that change under them, and what is left behind: nothing.

#[path = "common/drops.rs"]
mod drops;
#[path = "common/log.rs"]
mod log;

use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::time::Duration;

use message_port::{EventLoop, MessageChannel};

use drops::Drops;
use log::Log;

type Channel = MessageChannel<u64>;

const NOW: Option<Duration> = Some(Duration::ZERO);

#[test]
fn a_loop_that_is_dropped_disconnects_its_peers() {
    let drops = Drops::default();
    let mut events = EventLoop::new();
    let handle = events.handle();
    let mut peers = Vec::new();
    for n in 0..6 {
        let Channel { port1, mut port2 } = Channel::new();
        let (owned, cycle) = (drops.make(), events.handle());
        port2.set_onmessage(move |_| {
            cycle.wake();
            let _ = &owned;
        });
        // The last ones are not taken in any more.
        if n < 3 {
            events.add(port2)
        } else {
            handle.add(port2)
        };
        if n < 3 {
            assert_eq!(events.run_once(NOW).unwrap(), 0);
        }
        peers.push(port1);
    }
    peers[0].post_message(&1).unwrap();
    drop(events);
    assert_eq!((drops.made(), drops.dropped()), (6, 6), "a handler is left");
    for peer in &mut peers {
        assert!(peer.try_recv().unwrap_err().is_disconnected());
        assert!(peer.post_message(&2).unwrap_err().is_disconnected());
        peer.close();
    }
    handle.wake();
    handle.stop();
}

#[test]
fn a_port_that_has_ended_is_dropped_in_its_turn() {
    let drops = Drops::default();
    let Channel { port1, mut port2 } = Channel::new();
    let owned = drops.make();
    port2.set_onmessage(move |_| {
        let _ = &owned;
    });
    let mut events = EventLoop::new();
    events.add(port2);
    drop(port1);
    assert_eq!(events.run_once(None).unwrap(), 0);
    assert_eq!(drops.dropped(), 1);
}

/// Panics when it is dropped.
struct Explosive;

impl Drop for Explosive {
    fn drop(&mut self) {
        resume_unwind(Box::new("boom"));
    }
}

/// Nor those that were left for a loop that has never seen them.
#[test]
fn a_handler_that_panics_when_dropped_does_not_keep_the_ports_that_arrive() {
    let events = EventLoop::new();
    let handle = events.handle();
    let mut peers = Vec::new();
    for n in 0..5 {
        let Channel { port1, mut port2 } = Channel::new();
        let explosive = (n == 2).then(|| Explosive);
        port2.set_onmessage(move |_| {
            let _ = &explosive;
        });
        handle.add(port2);
        peers.push(port1);
    }
    catch_unwind(AssertUnwindSafe(|| drop(events))).unwrap_err();
    for peer in &mut peers {
        assert!(peer.try_recv().unwrap_err().is_disconnected());
    }
}

#[test]
fn a_handler_that_panics_when_dropped_does_not_keep_the_other_ports() {
    let mut events = EventLoop::new();
    let mut peers = Vec::new();
    for n in 0..5 {
        let Channel { port1, mut port2 } = Channel::new();
        let explosive = (n == 2).then(|| Explosive);
        port2.set_onmessage(move |_| {
            let _ = &explosive;
        });
        events.add(port2);
        peers.push(port1);
    }
    catch_unwind(AssertUnwindSafe(|| drop(events))).unwrap_err();
    for peer in &mut peers {
        assert!(peer.try_recv().unwrap_err().is_disconnected());
    }
}

#[test]
fn a_handler_that_panics_when_its_port_leaves_does_not_stop_the_loop() {
    let log = Log::new();
    let mut events = EventLoop::new();
    let Channel { port1, mut port2 } = Channel::new();
    let explosive = Explosive;
    port2.set_onmessage(move |_| {
        let _ = &explosive;
    });
    events.add(port2);
    drop(port1);
    let Channel { mut port1, mut port2 } = Channel::new();
    let noted = log.clone();
    port2.set_onmessage(move |event| noted.push(event.data().to_native()));
    events.add(port2);
    port1.post_message(&1).unwrap();
    catch_unwind(AssertUnwindSafe(|| events.run_once(None))).unwrap_err();
    assert_eq!(events.len(), 1);
    assert_eq!(events.run_once(None).unwrap(), 1);
    assert_eq!(log.take(), [1]);
}

#[test]
fn the_peer_may_live_in_the_same_loop() {
    let log = Log::new();
    let Channel { mut port1, mut port2 } = Channel::new();
    let noted = log.clone();
    port1.set_onmessage(move |event| {
        noted.push(event.data().to_native());
        event.target().close();
    });
    port2.set_onmessage(|event| {
        let next = event.data().to_native() + 1;
        event.target().try_post_message(&next)
    });
    port1.post_message(&1).unwrap();
    let mut events = EventLoop::new();
    events.add(port1);
    events.add(port2);
    events.run().unwrap();
    assert!(events.is_empty());
    assert_eq!(log.take(), [2]);
}

#[test]
fn a_port_that_is_exchanged_for_another_has_its_own_turns() {
    let log = Log::new();
    let mut channels = [Channel::new(), Channel::new()];
    for (n, channel) in (0..).zip(&mut channels) {
        let log = log.clone();
        channel.port2.set_onmessage(move |event| log.push(10 * n + event.data().to_native()));
    }
    let [first, mut second] = channels;
    let Channel { port1: mut first_peer, port2 } = first;
    let mut events = EventLoop::new();
    let id = events.add(port2);
    assert_eq!(events.run_once(NOW).unwrap(), 0, "it sleeps");
    mem::swap(events.port_mut(id).unwrap(), &mut second.port2);
    assert_eq!(events.run_once(NOW).unwrap(), 0);

    // The port that was there before wakes the loop for nothing, and loses nothing.
    first_peer.post_message(&1).unwrap();
    assert_eq!(events.run_once(NOW).unwrap(), 0);
    assert_eq!(second.port2.dispatch().unwrap(), 1);
    second.port1.post_message(&2).unwrap();
    assert_eq!(events.run_once(NOW).unwrap(), 1);
    assert_eq!(log.take(), [1, 12]);
}

#[test]
fn halves_that_are_exchanged_are_served_where_they_are() {
    let log = Log::new();
    let mut events = EventLoop::new();
    let mut peers = Vec::new();
    let mut ids = Vec::new();
    for n in 0..2 {
        let Channel { port1, mut port2 } = Channel::new();
        let log = log.clone();
        port2.set_onmessage(move |event| log.push(10 * n + event.data().to_native()));
        ids.push(events.add(port2));
        peers.push(port1);
    }
    assert_eq!(events.run_once(NOW).unwrap(), 0, "both sleep");
    let mut spare = Channel::new();
    let (_, third) = spare.port2.split_mut();
    for &id in [&ids[0], &ids[1], &ids[0]] {
        mem::swap(events.port_mut::<u64, u64>(id).unwrap().split_mut().1, third);
    }
    for turn in 0..2 {
        peers[0].post_message(&(2 * turn + 1)).unwrap();
        peers[1].post_message(&(2 * turn + 2)).unwrap();
        assert_eq!(events.run_once(NOW).unwrap(), 2);
        let mut noted = log.take();
        noted.sort_unstable();
        assert_eq!(noted, [2 * turn + 2, 10 + 2 * turn + 1]);
    }
}
