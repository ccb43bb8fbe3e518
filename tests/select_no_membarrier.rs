//! A process that was never granted `membarrier`: a select and a file descriptor hear of everything.
//!
//! A test binary of its own, since a process asks once.

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
fn a_select_is_woken_where_membarrier_was_never_granted() {
    let _watchdog = watchdog::Watchdog::start();
    if !seccomp::deny_membarrier() {
        return;
    }
    selecting::Channels::new().talk();
}

#[cfg(not(all(target_os = "linux", not(miri))))]
#[test]
fn a_select_is_woken_where_membarrier_was_never_granted() {
    println!("skipped: there is no membarrier here");
}
