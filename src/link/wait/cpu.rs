//! Whether spinning can help: not if the peer would have to run on the spinner's own CPU.

use crate::sync::Statistic;

/// The CPU of the calling thread plus one; 0 where that cannot be known.
fn current() -> usize {
    #[cfg(all(target_os = "linux", not(any(message_port_loom, miri))))]
    return rustix::thread::sched_getcpu() + 1;
    #[cfg(not(all(target_os = "linux", not(any(message_port_loom, miri)))))]
    return 0;
}

/// Notes on which CPU the calling thread is.
pub(super) fn record(place: &Statistic) {
    place.set(current());
}

/// Whether the calling thread may wait for the thread last seen at `peer` by spinning.
///
/// It may not if the peer was last seen on the very CPU that the caller occupies: while the caller
/// spins the peer cannot run there. As long as the peer was not seen, the caller may if it could
/// run on several CPUs itself; a thread that is pinned to one says nothing about its peer.
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
    // Counts affinity and quotas, not just what the machine has.
    *SEVERAL.get_or_init(|| {
        std::thread::available_parallelism().is_ok_and(|n| n > NonZero::<usize>::MIN)
    })
}

#[cfg(any(message_port_loom, miri))]
fn several_cpus() -> bool {
    false
}
