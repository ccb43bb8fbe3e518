//! Event loops that sleep, and threads that wake them.

#[path = "common/asleep.rs"]
mod asleep;
#[path = "common/random.rs"]
mod random;
#[path = "common/watchdog.rs"]
mod watchdog;

use std::sync::{Arc, Mutex};
use std::thread;

use message_port::{ClosedBy, EventLoop, LoopHandle, MessageChannel, MessagePort, PostError};

use asleep::spawn_asleep;
use random::Random;
use watchdog::Watchdog;

type Channel = MessageChannel<u64>;
type Port = MessagePort<u64>;

/// A loop with a quiet port and a port, of which the peer is returned, that is run by a thread
/// which sleeps.
fn asleep() -> (Port, Port, LoopHandle, thread::JoinHandle<EventLoop>) {
    let mut events = EventLoop::new();
    let quiet = Channel::new();
    events.add(quiet.port2);
    let Channel { port1, mut port2 } = Channel::new();
    let handle = events.handle();
    let stop = handle.clone();
    port2.set_onmessage(move |_| stop.stop());
    let stop = handle.clone();
    port2.set_onclose(move |_| stop.stop());
    events.add(port2);
    let running = spawn_asleep(move || {
        events.run().unwrap();
        events
    });
    (quiet.port1, port1, handle, running)
}

#[test]
fn a_post_wakes_it() {
    let _watchdog = Watchdog::start();
    let (_quiet, mut peer, _, running) = asleep();
    peer.post_message(&1).unwrap();
    assert_eq!(running.join().unwrap().len(), 2);
}

#[test]
fn a_close_wakes_it() {
    let _watchdog = Watchdog::start();
    let (_quiet, mut peer, _, running) = asleep();
    peer.close();
    running.join().unwrap();
}

#[test]
fn drops_wake_it() {
    let _watchdog = Watchdog::start();
    let (quiet, peer, _, running) = asleep();
    drop(peer);
    drop(quiet);
    assert!(running.join().unwrap().is_empty());
}

#[test]
fn a_stop_wakes_it() {
    let _watchdog = Watchdog::start();
    let (_quiet, _peer, handle, running) = asleep();
    handle.stop();
    assert_eq!(running.join().unwrap().len(), 2);
}

#[test]
fn a_wake_does_not_end_a_run() {
    let _watchdog = Watchdog::start();
    let (_quiet, _peer, handle, running) = asleep();
    handle.wake();
    assert!(!running.is_finished());
    handle.stop();
    running.join().unwrap();
}

#[test]
fn an_added_port_wakes_it() {
    let _watchdog = Watchdog::start();
    let (_quiet, _peer, handle, running) = asleep();
    let Channel { port1: mut added, .. } = Channel::new();
    let stop = handle.clone();
    added.set_onclose(move |_| stop.stop());
    added.close();
    handle.add(added);
    assert_eq!(running.join().unwrap().len(), 2, "it is gone again");
}

#[test]
fn a_loop_may_move_to_another_thread_between_two_calls() {
    let _watchdog = Watchdog::start();
    let Channel { mut port1, mut port2 } = Channel::new();
    port2.set_onmessage(|_| ());
    let mut events = EventLoop::new();
    events.add(port2);
    for n in 0..3 {
        let running = spawn_asleep(move || {
            assert_eq!(events.run_once(None).unwrap(), 1);
            events
        });
        port1.post_message(&n).unwrap();
        events = running.join().unwrap();
    }
}

/// What became of the messages of one channel.
#[derive(Clone, Copy, Default)]
struct Account {
    accepted: u64,
    delivered: u64,
    undelivered: u64,
    closes: u64,
}

type Accounts = Arc<Mutex<Vec<Account>>>;

fn book(accounts: &Accounts, channel: usize, f: impl FnOnce(&mut Account)) {
    f(&mut accounts.lock().unwrap()[channel]);
}

/// A port that expects consecutive numbers, and closes when it meets `last`.
fn server(mut port: Port, accounts: &Accounts, channel: usize, last: u64) -> Port {
    let messages = Arc::clone(accounts);
    port.set_onmessage(move |event| {
        book(&messages, channel, |account| {
            assert_eq!(event.data().to_native(), account.delivered, "lost or out of order");
            account.delivered += 1;
        });
        if *event.data() == last {
            event.target().close();
        }
    });
    let closes = Arc::clone(accounts);
    port.set_onclose(move |_| book(&closes, channel, |account| account.closes += 1));
    port
}

/// Posts until all is posted or the peer has closed; then closes, or merely goes away.
fn poster(mut port: Port, accounts: &Accounts, channel: usize, messages: u64, closes: bool) {
    let mut accepted = 0;
    for n in 0..messages {
        match port.post_message(&n) {
            Ok(()) => accepted += 1,
            Err(error) => {
                assert!(matches!(error, PostError::Closed), "{error}");
                break;
            }
        }
    }
    if closes {
        port.close();
    }
    let undelivered = port
        .split_mut()
        .0
        .close_event()
        .filter(|event| event.closed_by() == ClosedBy::Peer)
        .map_or(0, |event| event.undelivered_messages());
    book(accounts, channel, |account| {
        account.accepted = accepted;
        account.undelivered = undelivered;
    });
}

#[test]
fn under_stress_every_message_is_accounted_for() {
    const CHANNELS: usize = if cfg!(miri) { 8 } else { 240 };
    const THREADS: usize = 4;
    let _watchdog = Watchdog::start();
    let accounts: Accounts = Arc::new(Mutex::new(vec![Account::default(); CHANNELS]));
    let mut random = Random::new(7);
    let mut events = EventLoop::new();
    let handle = events.handle();
    let mut work: Vec<Vec<_>> = (0..THREADS).map(|_| Vec::new()).collect();
    for channel in 0..CHANNELS {
        let Channel { port1, port2 } = Channel::with_capacity(256);
        // Either the server closes at some message, and the peer posts until then; or the peer
        // has posted all at some time, and closes or goes away.
        let number = u64::try_from(random.below(500)).unwrap();
        let server_closes = random.below(2) == 0;
        let (last, messages) = if server_closes { (number, u64::MAX) } else { (u64::MAX, number) };
        let port2 = server(port2, &accounts, channel, last);
        let late = random.below(2) == 0;
        let late = if late {
            Some(port2)
        } else {
            events.add(port2);
            None
        };
        work[channel % THREADS].push((channel, port1, late, messages, random.below(2) == 0));
    }
    // It keeps the loop alive until all ports were added.
    let alive = Channel::new();
    events.add(alive.port2);
    let threads: Vec<_> = work
        .into_iter()
        .map(|work| {
            let (accounts, handle) = (Arc::clone(&accounts), handle.clone());
            thread::spawn(move || {
                for (channel, port, late, messages, closes) in work {
                    if let Some(late) = late {
                        handle.add(late);
                    }
                    poster(port, &accounts, channel, messages, closes);
                }
            })
        })
        .collect();
    let running = thread::spawn(move || {
        events.run().unwrap();
        assert!(events.is_empty());
    });
    for thread in threads {
        thread.join().unwrap();
    }
    drop(alive.port1);
    running.join().unwrap();

    for (channel, account) in accounts.lock().unwrap().iter().enumerate() {
        let Account { accepted, delivered, undelivered, closes } = *account;
        assert_eq!(accepted, delivered + undelivered, "of channel {channel}");
        assert!(closes <= 1, "of channel {channel}");
    }
}
