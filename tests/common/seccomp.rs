//! Has the system refuse `membarrier`, as a sandbox does. Each test file uses its own part of it.
#![allow(dead_code)]

use std::collections::BTreeMap;
use std::env::consts::ARCH;

use rustix::thread::{MembarrierCommand, membarrier};
use seccompiler::{BpfProgram, SeccompAction, SeccompFilter, TargetArch, apply_filter};

/// Refuses `membarrier` to the calling thread and to those that it spawns from now on, for good.
/// `false`, having said so, if nobody knows how to do that on this machine.
#[must_use]
pub(crate) fn deny_membarrier() -> bool {
    let denied = deny(&[libc::SYS_membarrier]);
    assert!(!denied || !is_granted(), "the filter does nothing");
    denied
}

/// Has `std::thread::sleep` panic on the calling thread, for good. `false` as above.
#[must_use]
pub(crate) fn deny_sleep() -> bool {
    deny(&[libc::SYS_clock_nanosleep, libc::SYS_nanosleep])
}

fn deny(calls: &[libc::c_long]) -> bool {
    const EPERM: u32 = 1;
    let Ok(machine) = TargetArch::try_from(ARCH) else {
        println!("skipped: no filter can be made for {ARCH}");
        return false;
    };
    #[allow(clippy::useless_conversion, reason = "numbers of calls have 32 bits on some machines")]
    let rules = calls.iter().map(|&call| (call.into(), Vec::new())).collect::<BTreeMap<_, _>>();
    let (others, it) = (SeccompAction::Allow, SeccompAction::Errno(EPERM));
    let filter = SeccompFilter::new(rules, others, it, machine).unwrap();
    apply_filter(&BpfProgram::try_from(filter).unwrap()).unwrap();
    true
}

/// Whether the system runs barriers for this process.
pub(crate) fn is_granted() -> bool {
    membarrier(MembarrierCommand::RegisterPrivateExpedited).is_ok()
        && membarrier(MembarrierCommand::PrivateExpedited).is_ok()
}
