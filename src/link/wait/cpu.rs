//! Whether spinning can help. It cannot if the peer would have to run on the spinner's own CPU.

use crate::sync::Statistic;

/// The CPU of the calling thread plus one; 0 if that is unknown.
fn current() -> usize {
    #[cfg(all(target_os = "linux", not(any(message_port_loom, miri))))]
    {
        // From the C library. rustix goes through the vDSO, and crashes under Valgrind, which takes that
        // away.
        // SAFETY: the call has no preconditions.
        let cpu = unsafe { libc::sched_getcpu() };
        usize::try_from(cpu).map_or(0, |cpu| cpu + 1)
    }
    #[cfg(not(all(target_os = "linux", not(any(message_port_loom, miri)))))]
    0
}

/// Records the CPU of the calling thread.
pub(super) fn record(place: &Statistic) {
    place.set(current());
}

/// Whether the calling thread may wait for the thread last seen at `peer` by spinning.
///
/// It may not if the peer was last seen on the caller's own CPU: the peer cannot run there while the
/// caller spins. If the peer has not been seen yet, the caller may spin if it can run on several CPUs
/// itself. That a thread is pinned to one CPU says nothing about its peer.
pub(super) fn spinning_helps(peer: &Statistic) -> bool {
    match peer.get() {
        0 => several_cpus(),
        peer => peer != current(),
    }
}

#[cfg(not(any(message_port_loom, miri)))]
fn several_cpus() -> bool {
    use std::num::NonZero;
    use std::sync::OnceLock;

    static SEVERAL: OnceLock<bool> = OnceLock::new();
    // Respects affinity and quotas, not just the CPUs of the machine.
    *SEVERAL.get_or_init(|| {
        std::thread::available_parallelism().is_ok_and(|n| n > NonZero::<usize>::MIN)
    })
}

#[cfg(any(message_port_loom, miri))]
fn several_cpus() -> bool {
    false
}
