//! How a thread that waits for many ports looks around before it sleeps.

use super::cpu;
use crate::sync::{Statistic, spin_loop};

/// Looks before the thread goes to sleep, with a pause in front of each.
const LOOKS: u32 = 512;

/// Watches where those are that wake a thread, to tell whether looking around helps.
#[derive(Debug, Default)]
pub(crate) struct Glance {
    waker_cpu: Statistic,
}

impl Glance {
    /// Notes where the caller is. For whoever wakes the thread, before that.
    pub(crate) fn note_waker(&self) {
        cpu::record(&self.waker_cpu);
    }

    /// Looks for a few microseconds at most; where nobody else can run meanwhile, gives the CPU
    /// away once instead. Says whether `is_there` came true.
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
