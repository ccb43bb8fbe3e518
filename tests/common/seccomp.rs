//! Has the system refuse `membarrier`, as a sandbox does.

use std::collections::BTreeMap;
use std::env::consts::ARCH;

use rustix::thread::{MembarrierCommand, membarrier};
use seccompiler::{BpfProgram, SeccompAction, SeccompFilter, apply_filter};

/// Refuses the system call to the calling thread and to those that it spawns from now on, for good.
pub(crate) fn deny_membarrier() {
    const EPERM: u32 = 1;
    let rules = BTreeMap::from([(libc::SYS_membarrier, Vec::new())]);
    let (others, it) = (SeccompAction::Allow, SeccompAction::Errno(EPERM));
    let filter = SeccompFilter::new(rules, others, it, ARCH.try_into().unwrap()).unwrap();
    apply_filter(&BpfProgram::try_from(filter).unwrap()).unwrap();
    assert!(!is_granted(), "the filter does nothing");
}

/// Whether the system runs barriers for this process.
pub(crate) fn is_granted() -> bool {
    membarrier(MembarrierCommand::RegisterPrivateExpedited).is_ok()
        && membarrier(MembarrierCommand::PrivateExpedited).is_ok()
}
