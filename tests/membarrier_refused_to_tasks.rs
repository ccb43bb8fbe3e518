//! A process that enters a sandbox without `membarrier` after its first channel was made: tasks
//! that wait neither sleep nor run without end, and hear of everything.
//!
//! A test binary of its own, since a process changes over once.

#[cfg(all(target_os = "linux", not(miri)))]
#[path = "common/seccomp.rs"]
mod seccomp;
#[cfg(all(target_os = "linux", not(miri)))]
#[path = "common/wakes.rs"]
mod wakes;
#[cfg(all(target_os = "linux", not(miri)))]
#[path = "common/watchdog.rs"]
mod watchdog;

#[cfg(all(target_os = "linux", not(miri)))]
#[test]
fn a_poll_does_not_sleep_where_membarrier_is_refused_later() {
    use std::pin::pin;
    use std::task::{Context, Poll};

    use message_port::MessageChannel;
    use wakes::Wakes;

    let _watchdog = watchdog::Watchdog::start();
    if !seccomp::is_granted() {
        println!("skipped: the system refuses membarrier from the start");
        return;
    }
    let mut closed = MessageChannel::<u64>::new();
    let mut channels: Vec<_> = (0..100).map(|_| MessageChannel::<u64>::new()).collect();
    closed.port2.set_onmessage(|_| ());
    closed.port1.close();
    if !(seccomp::deny_membarrier() && seccomp::deny_sleep()) {
        return;
    }

    let (calls, waker) = Wakes::watched();
    let mut seen = 0;
    let mut new_wakes = || calls.count() - std::mem::replace(&mut seen, calls.count());
    let mut cx = Context::from_waker(&waker);
    // The end of a channel is where the refusal is found out.
    {
        let mut running = pin!(closed.port2.run_async());
        while running.as_mut().poll(&mut cx).is_pending() {
            assert!(new_wakes() > 0, "nobody comes again");
        }
    }
    // Nothing comes, so that the task is done when it was not woken once more.
    loop {
        for channel in &mut channels {
            assert!(channel.port2.poll_recv(&mut cx).is_pending());
        }
        if new_wakes() == 0 {
            break;
        }
    }

    for channel in &mut channels {
        channel.port1.post_message(&7).unwrap();
    }
    assert_eq!(new_wakes(), channels.len());
    for channel in &mut channels {
        assert!(matches!(channel.port2.poll_recv(&mut cx), Poll::Ready(Ok(_))));
    }
}

#[cfg(not(all(target_os = "linux", not(miri))))]
#[test]
fn a_poll_does_not_sleep_where_membarrier_is_refused_later() {
    println!("skipped: there is no membarrier here");
}
