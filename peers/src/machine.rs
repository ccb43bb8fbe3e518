//! CPUs to run on, and the CPU time that was used.

use std::sync::OnceLock;
use std::time::{Duration, Instant};

use serde::Serialize;

/// Where the two threads of a measurement run.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Cpus {
    /// Each on a CPU of its own.
    Two,
    /// Both on one.
    One,
}

/// Which of the two threads.
#[derive(Clone, Copy)]
pub(crate) enum Role {
    Near,
    Far,
}

/// The CPUs that this process may use, the first two of them; none where that cannot be known.
pub(crate) fn usable() -> &'static [usize] {
    static USABLE: OnceLock<Vec<usize>> = OnceLock::new();
    USABLE.get_or_init(|| {
        #[cfg(target_os = "linux")]
        if let Ok(set) = rustix::thread::sched_getaffinity(None) {
            return (0..rustix::thread::CpuSet::MAX_CPU)
                .filter(|n| set.is_set(*n))
                .take(2)
                .collect();
        }
        Vec::new()
    })
}

/// Pins the calling thread; whether that was possible.
pub(crate) fn pin(cpus: Cpus, role: Role) -> bool {
    let cpu = match (usable(), cpus, role) {
        ([first, ..], Cpus::One, _) | ([first, _], Cpus::Two, Role::Near) => *first,
        ([_, second], Cpus::Two, Role::Far) => *second,
        _ => return false,
    };
    pin_to(cpu)
}

#[cfg(target_os = "linux")]
fn pin_to(cpu: usize) -> bool {
    let mut set = rustix::thread::CpuSet::new();
    set.set(cpu);
    rustix::thread::sched_setaffinity(None, &set).is_ok()
}

#[cfg(not(target_os = "linux"))]
fn pin_to(_: usize) -> bool {
    false
}

/// User and system time of the calling thread so far. (The clock of the process lags behind by a
/// tick for threads that run on other CPUs: longer than a short round.)
pub(crate) fn thread_cpu_time() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    time.try_into().expect("a time since the thread began")
}

/// Wall clock and CPU time of the calling thread since some moment.
pub(crate) struct Clock {
    start: Instant,
    cpu: Duration,
}

impl Clock {
    pub(crate) fn start() -> Self {
        Self { cpu: thread_cpu_time(), start: Instant::now() }
    }

    pub(crate) fn stop(self) -> Elapsed {
        let wall = self.start.elapsed();
        Elapsed { wall, cpu: thread_cpu_time().saturating_sub(self.cpu) }
    }
}

/// What a [`Clock`] says.
#[derive(Clone, Copy, Default)]
pub(crate) struct Elapsed {
    pub(crate) wall: Duration,
    pub(crate) cpu: Duration,
}

impl Elapsed {
    /// With the CPU time of the other side, too.
    pub(crate) fn and(self, other: Self) -> Self {
        Self { cpu: self.cpu + other.cpu, ..self }
    }
}

/// Bytes of memory in which the process has something; 0 where that cannot be known.
pub(crate) fn resident_bytes() -> u64 {
    let pages = std::fs::read_to_string("/proc/self/statm")
        .ok()
        .and_then(|text| text.split_whitespace().nth(1)?.parse::<u64>().ok());
    pages.unwrap_or_default() * rustix::param::page_size() as u64
}
