//! Whether a host looks for news for a moment before its thread sleeps.

/// Looks before the thread sleeps, with a pause in front of each: about as long as it takes to
/// wake it again.
const LOOKS: u32 = 1000;

/// Failures in a row after which a host that has lately succeeded stops looking.
const PATIENCE: u32 = 8;

/// Times that the thread sleeps before the next try, and then ever more of them, up to these.
const FIRST_BREAK: u32 = 8;
const LONGEST_BREAK: u32 = 512;

/// To send a thread to sleep and to wake it costs far more than a message that is already on its
/// way. So a host looks for it, for as long as that has lately succeeded.
///
/// Two hosts that are woken for each message would never meet that way. So now and then a host
/// tries: if both do, they meet, and need no wake-up from then on.
#[derive(Debug)]
pub(super) struct Eager {
    /// Failures that are still accepted.
    patience: u32,
    /// Sleeps without looking, until the next try.
    left_out: u32,
    /// How many those are the next time.
    next_break: u32,
}

impl Default for Eager {
    fn default() -> Self {
        Self { patience: PATIENCE, left_out: 0, next_break: FIRST_BREAK }
    }
}

impl Eager {
    /// Looks for a moment, unless that has lately been in vain.
    pub(super) fn look<R>(&mut self, mut look: impl FnMut() -> Option<R>) -> Option<R> {
        if self.patience == 0 && self.left_out > 0 {
            self.left_out -= 1;
            return None;
        }
        for _ in 0..LOOKS {
            std::hint::spin_loop();
            if let Some(found) = look() {
                *self = Self::default();
                return Some(found);
            }
        }
        self.patience = self.patience.saturating_sub(1);
        if self.patience == 0 {
            self.left_out = self.next_break;
            self.next_break = (self.next_break * 2).min(LONGEST_BREAK);
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::{Eager, FIRST_BREAK, LONGEST_BREAK, LOOKS, PATIENCE};

    /// How often it looks in vain.
    fn fail(eager: &mut Eager) -> u32 {
        let mut looks = 0;
        assert_eq!(
            eager.look(|| -> Option<()> {
                looks += 1;
                None
            }),
            None
        );
        looks
    }

    #[test]
    fn it_gives_up_after_failures_and_tries_ever_more_rarely() {
        let mut eager = Eager::default();
        for _ in 0..PATIENCE {
            assert_eq!(fail(&mut eager), LOOKS);
        }
        let mut pause = FIRST_BREAK;
        for _ in 0..10 {
            for _ in 0..pause {
                assert_eq!(fail(&mut eager), 0);
            }
            assert_eq!(fail(&mut eager), LOOKS);
            pause = (pause * 2).min(LONGEST_BREAK);
        }
    }

    #[test]
    fn a_success_brings_all_of_the_patience_back() {
        let mut eager = Eager::default();
        for _ in 0..PATIENCE - 1 {
            fail(&mut eager);
        }
        assert_eq!(eager.look(|| Some(7)), Some(7));
        for _ in 0..PATIENCE {
            assert_eq!(fail(&mut eager), LOOKS);
        }
        assert_eq!(fail(&mut eager), 0);
    }
}
