//! Has the system refuse `membarrier`, as a sandbox does. Each test file uses its own part of it.
#![allow(dead_code)]

use std::collections::BTreeMap;
use std::env::consts::ARCH;

use rustix::thread::{MembarrierCommand, membarrier};
use seccompiler::{BpfProgram, SeccompAction, SeccompFilter, apply_filter};

/// Refuses `membarrier` to the calling thread and to those that it spawns from now on, for good.
pub(crate) fn deny_membarrier() {
    deny(&[libc::SYS_membarrier]);
    assert!(!is_granted(), "the filter does nothing");
}

/// Has `std::thread::sleep` panic on the calling thread, for good.
pub(crate) fn deny_sleep() {
    deny(&[libc::SYS_clock_nanosleep, libc::SYS_nanosleep]);
}

fn deny(calls: &[libc::c_long]) {
    const EPERM: u32 = 1;
    let rules = calls.iter().map(|&call| (call, Vec::new())).collect::<BTreeMap<_, _>>();
    let (others, it) = (SeccompAction::Allow, SeccompAction::Errno(EPERM));
    let filter = SeccompFilter::new(rules, others, it, ARCH.try_into().unwrap()).unwrap();
    apply_filter(&BpfProgram::try_from(filter).unwrap()).unwrap();
}

/// Whether the system runs barriers for this process.
pub(crate) fn is_granted() -> bool {
    membarrier(MembarrierCommand::RegisterPrivateExpedited).is_ok()
        && membarrier(MembarrierCommand::PrivateExpedited).is_ok()
}
