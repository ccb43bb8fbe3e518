//! A process that enters a sandbox without `membarrier` after its first channel was made: a select and
//! a file descriptor hear of everything.
//!
//! A test binary of its own, since a process changes over once.

#[cfg(all(target_os = "linux", not(miri)))]
#[path = "common/seccomp.rs"]
mod seccomp;
#[cfg(all(target_os = "linux", not(miri)))]
#[path = "common/selecting.rs"]
mod selecting;
#[cfg(all(target_os = "linux", not(miri)))]
#[path = "common/watchdog.rs"]
mod watchdog;

#[cfg(all(target_os = "linux", not(miri)))]
#[test]
fn a_select_is_woken_where_membarrier_is_refused_later() {
    let _watchdog = watchdog::Watchdog::start();
    if !seccomp::is_granted() {
        println!("skipped: the system refuses membarrier from the start");
        return;
    }
    let before = selecting::Channels::new();
    if !seccomp::deny_membarrier() {
        return;
    }
    before.talk();
    // These are made by a process that has changed over.
    selecting::Channels::new().talk();
}

#[cfg(not(all(target_os = "linux", not(miri))))]
#[test]
fn a_select_is_woken_where_membarrier_is_refused_later() {
    println!("skipped: there is no membarrier here");
}
