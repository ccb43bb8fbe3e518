//! A system that refuses `membarrier` for the first time when a close is to be settled.
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
fn a_task_that_was_suspended_often_hears_the_end_where_membarrier_is_refused() {
    use std::task::{Context, Poll};

    use message_port::{MessageChannel, RecvError};

    let _watchdog = watchdog::Watchdog::start();
    if !seccomp::is_granted() {
        println!("skipped: the system refuses membarrier from the start");
        return;
    }
    let MessageChannel { mut port1, mut port2 } = MessageChannel::<u64>::new();
    let (calls, waker) = wakes::Wakes::watched();
    let mut cx = Context::from_waker(&waker);
    // Often enough for the task to be suspended by fences alone.
    for number in 0..16 {
        assert!(port2.poll_recv(&mut cx).is_pending());
        port1.post_message(&number).unwrap();
        assert!(port2.poll_recv(&mut cx).is_ready());
    }
    assert!(port2.poll_recv(&mut cx).is_pending());
    if !seccomp::deny_membarrier() {
        return;
    }
    port1.close();
    drop(port1);
    loop {
        let before = calls.count();
        match port2.poll_recv(&mut cx) {
            Poll::Ready(Err(RecvError::Closed)) => break,
            Poll::Ready(other) => panic!("{other:?}"),
            Poll::Pending => assert!(calls.count() > before, "nobody wakes the task any more"),
        }
    }
}

#[cfg(not(all(target_os = "linux", not(miri))))]
#[test]
fn a_task_that_was_suspended_often_hears_the_end_where_membarrier_is_refused() {
    println!("skipped: there is no membarrier here");
}
