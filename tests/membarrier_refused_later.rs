//! A process that enters a sandbox without `membarrier` after its first channel was made: who
//! waits looks for news from time to time.
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
fn ports_talk_where_membarrier_is_refused_later() {
    let _watchdog = watchdog::Watchdog::start();
    if !seccomp::is_granted() {
        println!("skipped: the system refuses membarrier from the start");
        return;
    }
    let before = conversation::Channels::new();
    if !seccomp::deny_membarrier() {
        return;
    }
    before.talk();
    // These are made by a process that believes in the grant.
    conversation::Channels::new().talk();
}

#[cfg(not(all(target_os = "linux", not(miri))))]
#[test]
fn ports_talk_where_membarrier_is_refused_later() {
    println!("skipped: there is no membarrier here");
}
