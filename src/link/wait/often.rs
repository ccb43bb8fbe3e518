//! Whether an end is suspended so often that its notifiers should execute fences instead.

/// With this few operations between two suspensions, a system call per suspension costs more than a
/// fence per operation.
const FEW: usize = 4;

/// With more operations than this, it costs less.
const MANY: usize = 32;

/// This many suspensions with few operations in between make the end ask its notifiers for fences.
const OFTEN: u32 = if cfg!(message_port_loom) { 2 } else { 8 };

/// Watches how often an end is suspended: how often its thread sleeps, or its task is pending.
#[derive(Debug, Default)]
pub(super) struct Often {
    /// Operations of the end up to its last suspension, wrapping.
    done: usize,
    /// Suspensions in a row with few operations in between.
    streak: u32,
}

impl Often {
    /// Records a suspension; `done` counts the operations so far. Returns whether the end should be
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

    /// Whether the end has done much since its last suspension.
    pub(super) fn is_over(&self, done: usize) -> bool {
        done.wrapping_sub(self.done) > MANY
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
        // Between the two bounds, the answer stays as it is.
        done = done.wrapping_add(MANY);
        assert!(!often.is_over(done));
        assert!(often.note(done));
        done = done.wrapping_add(MANY + 1);
        assert!(often.is_over(done));
        assert!(!often.note(done));
    }
}
