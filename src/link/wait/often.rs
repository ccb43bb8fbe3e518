//! Whether a task is suspended so often that its notifiers rather execute the fences.

/// Operations between two suspensions, so few that a system call for each suspension costs more
/// than a fence for each operation.
const FEW: usize = 4;

/// So many that it does not.
const MANY: usize = 32;

/// Suspensions with few operations in between before the notifiers are asked for fences.
const OFTEN: u32 = if cfg!(message_port_loom) { 1 } else { 8 };

/// Watches how often an end is suspended.
#[derive(Debug, Default)]
pub(super) struct Often {
    /// The operations of the end when it was suspended last, wrapping.
    done: usize,
    /// Suspensions with few operations in between, in a row.
    streak: u32,
}

impl Often {
    /// Notes a suspension after so many operations of the end, and says whether it should be
    /// woken through fences.
    pub(super) fn note(&mut self, done: usize) -> bool {
        let run = done.wrapping_sub(std::mem::replace(&mut self.done, done));
        if run > MANY {
            self.streak = 0;
        } else if run <= FEW {
            self.streak = (self.streak + 1).min(OFTEN);
        }
        self.streak == OFTEN
    }
}

#[cfg(all(test, not(message_port_loom)))]
mod tests {
    use super::*;

    #[test]
    fn fences_are_for_an_end_that_is_suspended_often() {
        let mut often = Often::default();
        let mut done = usize::MAX - 2;
        assert!(!often.note(done));
        for _ in 1..OFTEN {
            done = done.wrapping_add(1);
            assert!(!often.note(done));
        }
        done = done.wrapping_add(1);
        assert!(often.note(done));
        // In between it stays as it is.
        done = done.wrapping_add(MANY);
        assert!(often.note(done));
        done = done.wrapping_add(MANY + 1);
        assert!(!often.note(done));
    }
}
