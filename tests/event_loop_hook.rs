//! An event loop inside a foreign one: when the hook is called, how often, and when not.

#[path = "common/asleep.rs"]
mod asleep;
#[path = "common/drops.rs"]
#[allow(dead_code, reason = "not all are counted here")]
mod drops;
#[path = "common/watchdog.rs"]
mod watchdog;

use std::future::poll_fn;
use std::io::{Read, Write, pipe};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::task::Poll;
use std::thread;
use std::time::Duration;

use message_port::{EventLoop, MessageChannel, MessagePort};

use asleep::spawn_asleep;
use drops::Drops;
use watchdog::Watchdog;

type Channel = MessageChannel<u64>;

const NOW: Option<Duration> = Some(Duration::ZERO);

/// A loop with some ports that count their messages, their peers, and how often the hook is called.
fn counted(ports: usize) -> (EventLoop, Vec<MessagePort<u64>>, Arc<AtomicUsize>) {
    let mut events = EventLoop::new();
    let mut peers = Vec::new();
    for _ in 0..ports {
        let Channel { port1, mut port2 } = Channel::new();
        port2.set_onmessage(|_| ());
        events.add(port2);
        peers.push(port1);
    }
    events.run_once(NOW).unwrap();
    let calls = Arc::new(AtomicUsize::new(0));
    let hook = Arc::clone(&calls);
    events.set_wake_hook(move || {
        hook.fetch_add(1, Ordering::SeqCst);
    });
    (events, peers, calls)
}

fn count(calls: &AtomicUsize) -> usize {
    calls.swap(0, Ordering::SeqCst)
}

#[test]
fn it_is_called_once_until_the_next_turn() {
    let (mut events, mut peers, calls) = counted(3);
    assert_eq!(count(&calls), 0, "there is nothing to do");
    for _ in 0..3 {
        for peer in &mut peers {
            peer.post_message(&1).unwrap();
        }
        peers[0].post_message(&1).unwrap();
        assert_eq!(count(&calls), 1);
        assert_eq!(events.run_once(NOW).unwrap(), 4);
        assert_eq!(count(&calls), 0, "nothing is left");
    }
}

#[test]
fn it_is_called_for_each_kind_of_news() {
    let (mut events, mut peers, calls) = counted(2);
    let handle = events.handle();
    let called_by = |events: &mut EventLoop, what: &str| {
        assert_eq!(count(&calls), 1, "{what}");
        events.run_once(NOW).unwrap();
        assert_eq!(count(&calls), 0, "{what}, served");
    };
    peers[0].close();
    called_by(&mut events, "a close");
    peers.pop();
    called_by(&mut events, "a drop");
    assert!(events.is_empty());
    handle.wake();
    called_by(&mut events, "a wake");
    handle.stop();
    called_by(&mut events, "a stop");
    let added = Channel::new();
    handle.add(added.port1);
    called_by(&mut events, "a port that a handle adds");
    let id = events.add(added.port2);
    called_by(&mut events, "a port that is added");
    events.port_mut::<u64, u64>(id).unwrap().set_onmessage(|_| ());
    called_by(&mut events, "a port that is borrowed");
}

#[test]
fn it_is_called_at_the_end_if_something_is_left() {
    let (mut events, mut peers, calls) = counted(1);
    for n in 0..100 {
        peers[0].post_message(&n).unwrap();
    }
    assert_eq!(count(&calls), 1);
    let mut dispatched = events.run_once(NOW).unwrap();
    assert!(dispatched < 100);
    assert_eq!(count(&calls), 1, "messages are left");
    dispatched += events.run_once(NOW).unwrap();
    assert_eq!((dispatched, count(&calls)), (100, 0));
}

#[test]
fn it_is_called_after_a_failure() {
    let (mut events, _peers, calls) = counted(0);
    let Channel { mut port1, mut port2 } = Channel::new();
    port2.set_onmessage(|_| Err("not today"));
    events.add(port2);
    events.run_once(NOW).unwrap();
    count(&calls);
    port1.post_messages(&[1, 2]).unwrap();
    assert_eq!(count(&calls), 1);
    events.run_once(NOW).unwrap_err();
    assert_eq!(count(&calls), 1, "the port goes on");
    events.run_once(NOW).unwrap_err();
    assert_eq!(count(&calls), 1, "it may have more");
    assert_eq!(events.run_once(NOW).unwrap(), 0);
    assert_eq!(count(&calls), 0);
}

#[test]
fn it_is_called_at_once_for_what_came_before() {
    let Channel { mut port1, mut port2 } = Channel::new();
    port2.set_onmessage(|_| ());
    port1.post_message(&1).unwrap();
    let mut events = EventLoop::new();
    events.add(port2);
    for _ in 0..2 {
        let calls = Arc::new(AtomicUsize::new(0));
        let hook = Arc::clone(&calls);
        events.set_wake_hook(move || {
            hook.fetch_add(1, Ordering::SeqCst);
        });
        assert_eq!(count(&calls), 1);
    }
}

#[test]
fn it_is_not_called_while_the_loop_runs() {
    let (mut events, mut peers, calls) = counted(2);
    let handle = events.handle();
    let id = events.add({
        let Channel { port1, mut port2 } = Channel::new();
        let mut peer = Some(port1);
        port2.set_onclose(move |_| handle.wake());
        peers.push(peer.take().unwrap());
        port2
    });
    assert!(events.port_mut::<u64, u64>(id).is_some());
    count(&calls);
    drop(peers);
    count(&calls);
    events.run().unwrap();
    assert!(events.is_empty());
    assert_eq!(count(&calls), 0);
}

#[test]
fn it_is_dropped_when_replaced_removed_or_with_the_loop() {
    let drops = Drops::default();
    let hook = || {
        let owned = drops.make();
        move || {
            let _ = &owned;
        }
    };
    let mut events = EventLoop::new();
    let handle = events.handle();
    events.set_wake_hook(hook());
    events.set_wake_hook(hook());
    assert_eq!(drops.dropped(), 1);
    events.clear_wake_hook();
    assert_eq!(drops.dropped(), 2);
    events.set_wake_hook(hook());
    drop(events);
    assert_eq!(drops.dropped(), 3);
    handle.wake();
}

/// A poster was still inside of it when the loop, and with it perhaps what the hook uses, was gone.
#[test]
fn it_does_not_run_any_more_when_it_is_replaced_removed_or_the_loop_is_dropped() {
    let ends: [fn(EventLoop) -> Option<EventLoop>; 3] = [
        |mut events| {
            events.set_wake_hook(|| ());
            Some(events)
        },
        |mut events| {
            events.clear_wake_hook();
            Some(events)
        },
        |events| {
            drop(events);
            None
        },
    ];
    let _watchdog = Watchdog::start();
    for end in ends {
        let (mut events, mut peers, _) = counted(1);
        let (enter, entered) = mpsc::channel();
        let (go_on, may_go_on) = mpsc::channel::<()>();
        let may_go_on = Mutex::new(may_go_on);
        let left = Arc::new(AtomicBool::new(false));
        let leaves = Arc::clone(&left);
        events.set_wake_hook(move || {
            enter.send(()).unwrap();
            may_go_on.lock().unwrap().recv().unwrap();
            leaves.store(true, Ordering::SeqCst);
        });
        let mut peer = peers.remove(0);
        let posting = thread::spawn(move || peer.post_message(&1).unwrap());
        entered.recv().unwrap();
        let ending = spawn_asleep(move || {
            let events = end(events);
            (events, left.load(Ordering::SeqCst))
        });
        go_on.send(()).unwrap();
        posting.join().unwrap();
        let (_events, had_left) = ending.join().unwrap();
        assert!(had_left, "it still runs");
    }
}

/// To wait for it would be to wait for ever.
#[test]
fn it_may_drop_its_own_loop() {
    let _watchdog = Watchdog::start();
    let (mut events, mut peers, _) = counted(1);
    let place = Arc::new(Mutex::new(None));
    let owned = Arc::clone(&place);
    events.set_wake_hook(move || drop(owned.lock().unwrap().take()));
    *place.lock().unwrap() = Some(events);
    peers[0].post_message(&1).unwrap();
    assert!(place.lock().unwrap().is_none());
    assert!(peers[0].try_recv().unwrap_err().is_disconnected());
}

#[test]
fn it_may_panic_and_is_called_again() {
    let (mut events, mut peers, _) = counted(1);
    let handle = events.handle();
    let calls = Arc::new(AtomicUsize::new(0));
    let hook = Arc::clone(&calls);
    events.set_wake_hook(move || {
        assert!(hook.fetch_add(1, Ordering::SeqCst) > 0, "the first call panics");
    });
    let waking = thread::spawn(move || handle.wake());
    waking.join().unwrap_err();
    events.run_once(NOW).unwrap();
    peers[0].post_message(&1).unwrap();
    assert_eq!(count(&calls), 2);
    // Nobody is taken to be inside of it.
    drop(events);
}

/// Posts numbers from threads and drops the ports.
fn posters(peers: Vec<MessagePort<u64>>, messages: u64) -> Vec<thread::JoinHandle<()>> {
    let post = move |mut peer: MessagePort<u64>| {
        for n in 0..messages {
            peer.post_message(&n).unwrap();
        }
    };
    peers.into_iter().map(|peer| thread::spawn(move || post(peer))).collect()
}

/// A pipe stands for what a foreign loop polls; an `eventfd` is used alike.
#[test]
fn a_loop_that_waits_for_a_pipe_misses_nothing() {
    const MESSAGES: u64 = if cfg!(miri) { 20 } else { 20_000 };
    let _watchdog = Watchdog::start();
    let (mut events, peers, _) = counted(3);
    let (mut reader, mut writer) = pipe().unwrap();
    let wakes = writer.try_clone().unwrap();
    events.set_wake_hook(move || (&wakes).write_all(b"!").unwrap());
    let posters = posters(peers, MESSAGES);
    let mut dispatched = 0;
    while !events.is_empty() {
        // One byte for each rest, so that the pipe is never full.
        reader.read_exact(&mut [0]).unwrap();
        dispatched += events.run_once(NOW).unwrap();
    }
    for poster in posters {
        poster.join().unwrap();
    }
    assert_eq!(u64::try_from(dispatched).unwrap(), 3 * MESSAGES);
    writer.write_all(b"still open").unwrap();
}

#[test]
fn a_loop_in_a_task_misses_nothing() {
    const MESSAGES: u64 = if cfg!(miri) { 20 } else { 20_000 };
    let _watchdog = Watchdog::start();
    let (mut events, peers, _) = counted(3);
    let posters = posters(peers, MESSAGES);
    let mut dispatched = 0;
    futures_lite::future::block_on(poll_fn(|cx| {
        dispatched += events.run_once(NOW).unwrap();
        if events.is_empty() {
            return Poll::Ready(());
        }
        let waker = cx.waker().clone();
        events.set_wake_hook(move || waker.wake_by_ref());
        Poll::Pending
    }));
    for poster in posters {
        poster.join().unwrap();
    }
    assert_eq!(u64::try_from(dispatched).unwrap(), 3 * MESSAGES);
}
