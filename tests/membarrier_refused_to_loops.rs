//! A process that enters a sandbox without `membarrier` after its first channel was made: an event
//! loop with many quiet ports comes to rest, inside a foreign loop too, and hears of everything.
//!
//! A test binary of its own, since a process changes over once.

#[cfg(all(target_os = "linux", not(miri)))]
#[path = "common/seccomp.rs"]
mod seccomp;
#[cfg(all(target_os = "linux", not(miri)))]
#[path = "common/watchdog.rs"]
mod watchdog;

#[cfg(all(target_os = "linux", not(miri)))]
#[test]
fn an_event_loop_comes_to_rest_where_membarrier_is_refused_later() {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;

    use message_port::{EventLoop, MessageChannel};

    const PORTS: usize = 1000;
    const NOW: Option<Duration> = Some(Duration::ZERO);

    let _watchdog = watchdog::Watchdog::start();
    if !seccomp::is_granted() {
        println!("skipped: the system refuses membarrier from the start");
        return;
    }
    let mut events = EventLoop::new();
    let mut peers = Vec::new();
    for _ in 0..PORTS {
        let MessageChannel { port1, mut port2 } = MessageChannel::<u64>::with_capacity(64);
        port2.set_onmessage(|_| ());
        events.add(port2);
        peers.push(port1);
    }
    if !seccomp::deny_membarrier() {
        return;
    }

    let calls = Arc::new(AtomicUsize::new(0));
    let hook = Arc::clone(&calls);
    events.set_wake_hook(move || {
        hook.fetch_add(1, Ordering::SeqCst);
    });
    // The turn that finds out naps, and everybody is looked at again in the next one.
    let mut turns = 0;
    while calls.swap(0, Ordering::SeqCst) > 0 {
        assert_eq!(events.run_once(NOW).unwrap(), 0);
        turns += 1;
        assert!(turns <= 2, "the hook spins");
    }

    for peer in &mut peers {
        peer.post_message(&7).unwrap();
    }
    assert_eq!(calls.swap(0, Ordering::SeqCst), 1);
    assert_eq!(events.run_once(NOW).unwrap(), PORTS);
    drop(peers);
    events.run().unwrap();
    assert!(events.is_empty());
}

#[cfg(not(all(target_os = "linux", not(miri))))]
#[test]
fn an_event_loop_comes_to_rest_where_membarrier_is_refused_later() {
    println!("skipped: there is no membarrier here");
}
