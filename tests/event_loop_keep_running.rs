//! Event loops that wait for ports to come.

#[path = "common/asleep.rs"]
mod asleep;
#[path = "common/log.rs"]
mod log;
#[path = "common/watchdog.rs"]
mod watchdog;

use std::thread::JoinHandle;
use std::time::Duration;

use message_port::{EventLoop, KeepRunning, LoopHandle, MessageChannel};

use asleep::spawn_asleep;
use log::Log;
use watchdog::Watchdog;

type Channel = MessageChannel<u64>;

const NOW: Option<Duration> = Some(Duration::ZERO);

/// A loop without ports that sleeps in `run` on a thread of its own, as a guard has it do.
fn asleep() -> (LoopHandle, KeepRunning, JoinHandle<EventLoop>) {
    let mut events = EventLoop::new();
    let handle = events.handle();
    let guard = handle.keep_running();
    let running = spawn_asleep(move || {
        events.run().unwrap();
        events
    });
    (handle, guard, running)
}

#[test]
fn a_server_starts_without_ports() {
    let _watchdog = Watchdog::start();
    let (handle, guard, running) = asleep();
    for n in 0..3 {
        let Channel { mut port1, mut port2 } = Channel::new();
        port2.set_onmessage(|event| {
            let next = event.data().to_native() + 1;
            event.target().try_post_message(&next)
        });
        handle.add(port2);
        port1.post_message(&n).unwrap();
        assert_eq!(*port1.recv().unwrap(), n + 1);
        // The loop is empty again in between.
    }
    drop(guard);
    assert!(running.join().unwrap().is_empty());
}

#[test]
fn the_last_guard_ends_it() {
    let _watchdog = Watchdog::start();
    let (handle, guard, running) = asleep();
    let other = handle.keep_running();
    drop(guard);
    let Channel { mut port1, port2 } = Channel::new();
    handle.add(port2);
    port1.close();
    assert!(!running.is_finished());
    drop(other);
    assert!(running.join().unwrap().is_empty());
}

#[test]
fn ports_that_came_before_are_served_to_their_end() {
    let _watchdog = Watchdog::start();
    let log = Log::new();
    let (handle, guard, running) = asleep();
    let Channel { mut port1, mut port2 } = Channel::new();
    let noted = log.clone();
    port2.set_onmessage(move |event| noted.push(event.data().to_native()));
    handle.add(port2);
    drop(guard);
    port1.post_message(&7).unwrap();
    drop(port1);
    running.join().unwrap();
    assert_eq!(log.take(), [7]);
}

#[test]
fn a_stop_ends_it_in_spite_of_a_guard() {
    let _watchdog = Watchdog::start();
    let (handle, _guard, running) = asleep();
    handle.stop();
    running.join().unwrap();
}

#[test]
fn run_once_waits_as_well() {
    let _watchdog = Watchdog::start();
    let mut events = EventLoop::new();
    let handle = events.handle();
    let guard = handle.keep_running();
    assert_eq!(events.run_once(NOW).unwrap(), 0);
    let waiting = spawn_asleep(move || events.run_once(None).unwrap());
    let Channel { mut port1, mut port2 } = Channel::new();
    port2.set_onmessage(|_| ());
    port1.post_message(&7).unwrap();
    handle.add(port2);
    assert_eq!(waiting.join().unwrap(), 1);
    drop(guard);
}

#[test]
fn run_once_returns_when_the_guard_goes() {
    let _watchdog = Watchdog::start();
    let mut events = EventLoop::new();
    let guard = events.handle().keep_running();
    let waiting = spawn_asleep(move || events.run_once(None).unwrap());
    drop(guard);
    assert_eq!(waiting.join().unwrap(), 0);
}

#[test]
fn a_guard_may_outlive_its_loop() {
    let events = EventLoop::new();
    let guard = events.handle().keep_running();
    drop(events);
    drop(guard);
}
