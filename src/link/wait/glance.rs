//! How a thread that waits for many ports looks for news before it sleeps.

use super::cpu;
use crate::sync::{Statistic, spin_loop};

/// Looks before the thread goes to sleep, each after a pause.
const LOOKS: u32 = 512;

/// Records the CPU of a thread's last waker, to tell whether looking helps.
#[derive(Debug, Default)]
pub(crate) struct Glance {
    waker_cpu: Statistic,
}

impl Glance {
    /// Records the caller's CPU. The waker calls this before it wakes the thread.
    pub(crate) fn note_waker(&self) {
        cpu::record(&self.waker_cpu);
    }

    /// Looks for a few microseconds at most. If nobody else can run meanwhile, yields the CPU once
    /// instead. Returns whether `is_there` came true.
    pub(crate) fn look(&self, is_there: impl Fn() -> bool) -> bool {
        if cfg!(message_port_loom) {
            return false;
        }
        if !cpu::spinning_helps(&self.waker_cpu) {
            #[allow(clippy::disallowed_methods, reason = "once, not in a loop")]
            std::thread::yield_now();
            return is_there();
        }
        (0..LOOKS).any(|_| {
            spin_loop();
            is_there()
        })
    }
}
