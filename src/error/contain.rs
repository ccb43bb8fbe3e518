//! Values of the program whose drop may panic where nobody expects it.

use std::mem;
use std::ops::Deref;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Holds the failure of a handler and drops it without unwinding.
///
/// The failure was already reported, and the code that drops it last has nothing to do with it. If
/// its drop panics, the panic hook runs and the panic ends here. It must not escape, least of all
/// while another panic unwinds: that would abort the process.
pub(crate) struct Contained<T>(Option<T>);

impl<T> Contained<T> {
    pub(crate) fn new(value: T) -> Self {
        Self(Some(value))
    }

    pub(crate) fn into_inner(mut self) -> T {
        match self.0.take() {
            Some(value) => value,
            None => unreachable!("only this call takes it"),
        }
    }
}

impl<T> Deref for Contained<T> {
    type Target = T;

    fn deref(&self) -> &T {
        match &self.0 {
            Some(value) => value,
            None => unreachable!("`into_inner` consumes the container"),
        }
    }
}

impl<T> Drop for Contained<T> {
    fn drop(&mut self) {
        let value = self.0.take();
        if let Err(payload) = catch_unwind(AssertUnwindSafe(|| drop(value))) {
            // Its drop may panic as well, and so on without end.
            mem::forget(payload);
        }
    }
}
