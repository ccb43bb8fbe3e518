//! A process that was never granted `membarrier`: both sides of a channel execute fences.
//!
//! A test binary of its own, since a process asks once.

#[cfg(all(target_os = "linux", not(miri)))]
#[path = "common/asleep.rs"]
mod asleep;
#[cfg(all(target_os = "linux", not(miri)))]
#[path = "common/conversation.rs"]
mod conversation;
#[cfg(all(target_os = "linux", not(miri)))]
#[path = "common/seccomp.rs"]
mod seccomp;
#[cfg(all(target_os = "linux", not(miri)))]
#[path = "common/watchdog.rs"]
mod watchdog;

#[cfg(all(target_os = "linux", not(miri)))]
#[test]
fn ports_talk_where_membarrier_was_never_granted() {
    let _watchdog = watchdog::Watchdog::start();
    if !seccomp::deny_membarrier() {
        return;
    }
    conversation::Channels::new().talk();
}

#[cfg(not(all(target_os = "linux", not(miri))))]
#[test]
fn ports_talk_where_membarrier_was_never_granted() {
    println!("skipped: there is no membarrier here");
}
